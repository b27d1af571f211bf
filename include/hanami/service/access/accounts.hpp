// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../base/refusal.hpp"
#include "../base/settings.hpp"
#include "../store/database.hpp"
#include "../store/page.hpp"

/// Users, projects, memberships and quotas. No rights are checked here: that is up to the
/// endpoints.

namespace hanami::service::access {

struct membership {
  std::string project_id;
  std::string role; ///< "admin", "member", "viewer" or one of the policy's
  bool project_admin = false;
};

struct user {
  std::string id;
  std::string name;
  bool admin = false;
  std::string creator_id;
  std::int64_t created_at = 0; ///< milliseconds since 1970
  std::int64_t updated_at = 0;
  std::uint64_t version = 1;
  std::uint64_t token_series = 1; ///< tokens of another series are void
  bool has_password = true;       ///< else only a provider vouches for the user
  bool second_factor = false;     ///< enabled; not told by `members`
  std::vector<membership> projects;
};

struct project {
  std::string id;
  std::string name;
  std::string creator_id;
  std::int64_t created_at = 0;
  std::int64_t updated_at = 0;
  std::uint64_t version = 1;
};

struct new_user {
  std::string id;       ///< letter, then letters, digits, _ @ . -; 4 to 254
  std::string name;     ///< 4 to 254
  std::string password; ///< 8 to 4096 bytes
  bool admin = false;
};

/// Only the members that are set are changed.
struct user_change {
  std::optional<std::string> name;
  std::optional<bool> admin;
  std::optional<std::string> password;
};

/// All functions are safe from any thread; changes are on disk when they return. They throw
/// `refusal`: `not_found` for unknown users and projects, `conflict` for ids that are taken,
/// `invalid_value` for values out of range. Ids, names and roles are 1 to 254 bytes without control
/// characters here; the endpoints are stricter.
class accounts {
 public:
  accounts(store::database& db, const server_config& config) : db_(db), config_(config) {}

  /// Creates the project "admin" if it is missing, and, where there is no administrator, the one
  /// that the configuration names: an existing user of that id becomes one and gets the configured
  /// password. Returns the password if it had to be generated; `keep` has got it before the account
  /// was made, so that it is not lost where the process ends in between.
  std::optional<std::string> ensure_admin(const std::function<void(const std::string&)>& keep = {});
  /// Makes the user that the configuration names an administrator, with the password that it gives
  /// or a generated one, which is returned; `keep` as above. All tokens of the user are void, and
  /// a second factor is removed.
  std::string reset_admin(const std::function<void(const std::string&)>& keep = {});

  user create_user(const new_user& wanted, std::string_view creator_id);
  user get_user(std::string_view id) const;
  store::page<user> list_users(const store::page_request& wanted) const;
  /// Voids all tokens of the user where the password or the admin flag changes. The last
  /// administrator keeps the flag: `conflict`.
  user update_user(std::string_view id, const user_change& what);
  /// `conflict` for the last administrator. The user's resources stay, and belong to their project.
  void delete_user(std::string_view id);
  /// Voids all tokens of a user.
  void void_tokens(std::string_view id);

  /// `not_found` where either is missing, `conflict` where the user is in the project already. A
  /// user's projects are in the order of joining.
  user join_project(std::string_view user_id, const membership& as);
  /// Adds a user to a project or changes an existing membership, in one step: at no time is the
  /// user seen outside. The order of joining is kept. `not_found` where either is missing.
  user set_member(std::string_view user_id, const membership& as);
  /// `not_found` where the user is not in the project, too.
  user leave_project(std::string_view user_id, std::string_view project_id);

  project create_project(std::string_view id, std::string_view name, std::string_view creator_id);
  project get_project(std::string_view id) const;
  store::page<project> list_projects(const store::page_request& wanted) const;
  project rename_project(std::string_view id, std::string_view name);
  /// `conflict` while the project owns clusters, streams, datasets or checkpoints, and for "admin".
  /// Its members leave it.
  void delete_project(std::string_view id);
  /// Users of a project, ordered by id, each with the membership in this project only.
  std::vector<user> members(std::string_view project_id) const;

  /// The user, if the password is right. Takes equally long for unknown users. Rehashes the
  /// password where the stored hash is weaker than the current settings.
  std::optional<user> check_password(std::string_view id, std::string_view password);

  /// A hash that no password fits, as costly to check as others.
  const std::string& nobodys_hash() const;

  /// Whether there is such a user.
  bool knows(std::string_view id) const;
  /// Whether the configuration gives a password for its administrator that is not the user's.
  bool ignores_configured_password();

  /// What a user may own: the user's own limits, else the configuration's.
  quota quota_of(std::string_view user_id) const;
  void set_quota(std::string_view user_id, const quota& limits);

  /// Counts changes that may affect rights: anything read about a user before this number changed
  /// may be out of date.
  std::uint64_t changes() const noexcept { return changes_.load(); }

 private:
  /// Runs `work(connection&)` in a transaction, counted in `changes` as soon as it is on disk.
  template <class Work>
  auto change(Work&& work) {
    struct count_at_end {
      std::atomic<std::uint64_t>& changes;
      ~count_at_end() { ++changes; }
    };
    const count_at_end counted{changes_};
    return db_.write_anyway(work);
  }
  store::database& db_;
  const server_config& config_;
  std::atomic<std::uint64_t> changes_{0};
};

} // namespace hanami::service::access
