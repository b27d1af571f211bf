// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// Who calls, and who owns what.

namespace hanami::service {

/// What an API token is good for; a set of them is their sum.
enum class token_scope : std::uint8_t {
  read = 1,  ///< all that is only looked at
  infer = 2, ///< asking clusters
  train = 4, ///< teaching clusters, sample by sample
  write = 8, ///< all changes, those two among them
  admin = 16 ///< what the user may do as an administrator
};
inline constexpr std::uint8_t all_scopes = 31;

/// Whom a token stands for: one user in one project.
struct identity {
  std::string user_id;
  std::string user_name;
  std::string project_id;
  std::string role;   ///< in that project: "admin", "member", "viewer", or one of the policy's
  bool admin = false; ///< of the whole service
  bool project_admin = false; ///< of the project
  std::string token_id;
  std::int64_t expires = 0;       ///< seconds since 1970
  std::uint64_t token_series = 0; ///< of the user's tokens: see `access::user`
  bool robot = false;             ///< an API token speaks, within its scopes
  std::uint8_t scopes = all_scopes;
  bool lacks_second_factor = false; ///< and needs one: may do nothing but set it up

  bool has(token_scope one) const noexcept {
    return (scopes & static_cast<std::uint8_t>(one)) != 0;
  }
};

enum class visibility : std::uint8_t {
  owner_only, ///< "private": its owner and the project's administrators
  project,    ///< "project": all of the project may see and use it
  everyone    ///< "public": all users may see and use it
};

/// As it is stored and shown.
inline std::string_view name_of(visibility v) {
  switch (v) {
  case visibility::project:
    return "project";
  case visibility::everyone:
    return "public";
  case visibility::owner_only:
    break;
  }
  return "private";
}

inline std::optional<visibility> visibility_named(std::string_view name) {
  for (const visibility each :
       {visibility::owner_only, visibility::project, visibility::everyone}) {
    if (name_of(each) == name) {
      return each;
    }
  }
  return std::nullopt;
}

/// Who owns something, and who may see it.
struct ownership {
  std::string owner_id;
  std::string project_id;
  service::visibility visible_to = service::visibility::owner_only;
};

/// What clusters, datasets and checkpoints have in common.
struct resource : ownership {
  std::string id; ///< UUID
  std::string name;
  std::int64_t created_at = 0; ///< milliseconds since 1970
  std::int64_t updated_at = 0;
  std::uint64_t version = 1; ///< counts changes, for ETags
};

/// The owner, administrators of its project and administrators.
inline bool may_change(const identity& caller, const ownership& what) {
  if (caller.admin) {
    return true;
  }
  return caller.project_id == what.project_id &&
         (caller.project_admin || caller.user_id == what.owner_id);
}

/// See and use it without changing it.
inline bool may_use(const identity& caller, const ownership& what) {
  return may_change(caller, what) || what.visible_to == visibility::everyone ||
         (what.visible_to == visibility::project && caller.project_id == what.project_id);
}

} // namespace hanami::service
