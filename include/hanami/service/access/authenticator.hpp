// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "../base/identity.hpp"
#include "../base/settings.hpp"
#include "accounts.hpp"
#include "token.hpp"

/// Logging in, and identifying callers by their tokens.

namespace hanami::service::access {

/// What a login gives.
struct session_tokens {
  std::string access_token;
  std::string refresh_token;     ///< opaque; good for one use
  std::int64_t expires_in_s = 0; ///< of the access token
  identity caller;
};

/// Safe from any thread. `identify` answers from memory once it has seen a user, until accounts
/// change; a deleted or demoted user, a changed password and a revoked token take effect with the
/// next request.
class authenticator {
 public:
  /// Reads the key of the tokens, or creates one: see `load_or_make_key`. All arguments must
  /// outlive this.
  authenticator(store::database& db, accounts& accounts, const server_config& config);

  /// Counts a log-in from the address of a client; call it before `login`. Never waits. Throws
  /// `too_many_requests` with `retry_after_s` where it comes too often.
  void count_login(std::string_view address);
  /// Takes as long as a password hash does. `address`: of the client, whose failures are counted.
  /// An administrator logs into the project "admin", everybody else into the first project, unless
  /// `project_id` says which. Throws `unauthenticated` (the same for unknown users and
  /// wrong passwords, and for a user in no project), `too_many_requests` with `retry_after_s` where
  /// too many have failed for this user from this network, whatever the password; never for an
  /// administrator, whom nobody shall keep out.
  session_tokens login(std::string_view user_id, std::string_view password,
                       std::string_view address, std::string_view project_id = {});
  /// Exchanges a refresh token for a new pair of tokens. A refresh token that is used twice has
  /// been stolen, and voids all tokens of its family, i.e. those that descend from the same login.
  /// `unauthenticated`.
  session_tokens refresh(std::string_view refresh_token);
  /// Tokens of the same user and family for another project. `unauthenticated` where the user is
  /// not in it; administrators may always enter "admin".
  session_tokens switch_project(const identity& caller, std::string_view project_id);
  /// Voids this access token and all others of its family.
  void revoke(const identity& caller);
  /// Voids all tokens of the user.
  void revoke_all(std::string_view user_id);
  /// `forbidden` where `old_password` is wrong, which counts as a failed login; `invalid_value`,
  /// `too_many_requests`. All tokens of the user are void.
  void change_password(const identity& caller, std::string_view old_password,
                       std::string_view new_password);

  /// The holder of an access token. `unauthenticated`.
  identity identify(std::string_view access_token);
  /// Must be called after a user was changed other than through `accounts`, whose changes are
  /// noticed.
  void forget(std::string_view user_id);

  /// Counts changes that may affect whose tokens are valid: what `identify` returned before this
  /// number changed may be out of date.
  std::uint64_t changes() const noexcept;

  /// Removes what has expired; call it now and then.
  void clean();

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace hanami::service::access
