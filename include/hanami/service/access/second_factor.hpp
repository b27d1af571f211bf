// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../base/settings.hpp"
#include "../store/database.hpp"
#include "token.hpp"
#include "totp.hpp"

namespace hanami::service::access {

struct second_factor_state {
  bool enabled = false;
  std::int64_t since = 0; ///< milliseconds since 1970; 0: not enabled
  std::size_t recovery_codes = 0;
};

/// What an app needs in order to show codes; told once.
struct new_second_factor {
  std::string secret; ///< base32
  std::string url;    ///< otpauth://...
};

/// The users' second factors: codes of an app, and recovery codes for who has lost it, each good
/// once. Safe from any thread. No passwords are checked here. Secrets are encrypted in the
/// database, recovery codes are hashed.
class second_factors {
 public:
  /// `key`: for the secrets. The others must outlive this.
  second_factors(store::database& db, const auth_settings& settings, const secret_key& key)
      : db_(db), settings_(settings), key_(key) {}

  second_factor_state state_of(std::string_view user_id);
  /// Whether the operator wants this user to have one.
  bool is_needed(bool admin) const {
    return settings_.second_factor == "everybody" || (admin && settings_.second_factor == "admins");
  }

  /// A secret that counts for nothing until `confirm`; a previous one of that kind is void.
  /// `conflict` where the user has a second factor.
  new_second_factor begin(std::string_view user_id);
  /// Enables it; the recovery codes, told once. `invalid_value` for a wrong code, `conflict` where
  /// nothing was begun, `too_many_requests`.
  std::vector<std::string> confirm(std::string_view user_id, std::string_view code);
  /// Takes a code of the app, newer than all before, or a recovery code. Throws `code_needed` for
  /// an empty one, `unauthenticated` for a wrong one, and `too_many_requests` with `retry_after_s`
  /// where too many of the user's were wrong: recovery codes are taken even then, so that nobody
  /// keeps the user out. Does nothing for users without a second factor.
  void expect_code(std::string_view user_id, std::string_view code);
  /// New recovery codes instead of the old ones, told once. `conflict` without a second factor.
  std::vector<std::string> renew_recovery_codes(std::string_view user_id);
  /// Whether there was one, begun or enabled.
  bool remove(std::string_view user_id);

  /// Forgets what no longer matters.
  void clean();

 private:
  using time = std::chrono::steady_clock::time_point;
  struct tries {
    std::uint32_t failed = 0; ///< in a row
    time last{};
    time locked_until{};
  };

  std::string seal(const totp_secret& secret) const;
  totp_secret open(std::string_view sealed) const;
  std::vector<std::string> make_recovery_codes(store::connection& on, std::string_view user_id);
  /// 0: the user may try a code; else seconds.
  unsigned seconds_locked(const std::string& user_id);
  void count(const std::string& user_id, bool right);

  store::database& db_;
  const auth_settings& settings_;
  const secret_key key_;
  std::mutex mutex_; ///< guards the rest
  std::unordered_map<std::string, tries> tries_;
};

} // namespace hanami::service::access
