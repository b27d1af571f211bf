// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../base/identity.hpp"
#include "../base/settings.hpp"
#include "accounts.hpp"
#include "api_tokens.hpp"
#include "second_factor.hpp"
#include "session_rows.hpp"
#include "token.hpp"

/// Logging in, and identifying callers by their tokens.

namespace hanami::service::access {

struct login_request {
  std::string_view user_id;
  std::string_view password;
  std::string_view address; ///< of the client, whose failures are counted
  /// Empty: an administrator enters "admin", others their first one.
  std::string_view project_id = {};
  std::string_view code = {};   ///< of the second factor
  std::string_view device = {}; ///< what the client says of itself
};

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
  /// Takes as long as a password hash does. Throws `unauthenticated` (the same for unknown users
  /// and wrong passwords, and for a user in no project), `too_many_requests` with `retry_after_s`
  /// where too many have failed for this user from this network, whatever the password; never for
  /// an administrator, whom nobody shall keep out. Where the user has a second factor, and the
  /// password is right, as `second_factors::expect_code`.
  session_tokens login(const login_request& from);
  /// The same for whom somebody else vouches: without a password, and without a code. Throws
  /// `unauthenticated` where the user is gone or in no (such) project, `too_many_requests` where
  /// the user is locked out of the network of `address`.
  session_tokens enter(std::string_view user_id, std::string_view project_id,
                       std::string_view address, std::string_view device);
  /// Exchanges a refresh token for a new pair of tokens. It may be repeated once within
  /// `auth.refresh_grace`, by a client that never got the answer, as long as what that answer held
  /// has not been used, which is void from then on. A refresh token that comes once more than that
  /// has been stolen, and voids all tokens of its family, i.e. those that descend from the same
  /// login; so does one that a repetition has voided. `unauthenticated`. `address` and `device` of
  /// the client are noted.
  session_tokens refresh(std::string_view refresh_token, std::string_view address = {},
                         std::string_view device = {});
  /// Tokens of the same user and family for another project. `unauthenticated` where the user is
  /// not in it; administrators may always enter "admin".
  session_tokens switch_project(const identity& caller, std::string_view project_id);
  /// Voids this access token and all others of its family.
  void revoke(const identity& caller);
  /// Voids all tokens of the user.
  void revoke_all(std::string_view user_id);

  /// The user's sessions, the last used first. Uses are known to a minute.
  std::vector<session> sessions(std::string_view user_id);
  /// Voids all tokens of one of the user's sessions. `not_found`.
  void end_session(std::string_view user_id, std::string_view session_id);
  /// Voids those of all others.
  void end_other_sessions(const identity& caller);

  /// Makes an API token for what `caller` is: this user in this project. `lifetime_s`: from now on.
  made_api_token make_api_token(const identity& caller, std::string_view name, std::uint8_t scopes,
                                std::int64_t lifetime_s);
  std::vector<api_token> list_api_tokens(std::string_view user_id);
  void remove_api_token(std::string_view user_id, std::string_view id);

  second_factor_state second_factor_of(std::string_view user_id);
  bool needs_second_factor(bool admin) const;
  /// As `second_factors::begin` and `confirm`; the password is checked as in `change_password`.
  new_second_factor begin_second_factor(const identity& caller, std::string_view password);
  std::vector<std::string> confirm_second_factor(const identity& caller, std::string_view code);
  /// For a code, as `second_factors::expect_code` takes it.
  std::vector<std::string> renew_recovery_codes(const identity& caller, std::string_view code);
  /// For password and code. `conflict` where the operator wants the user to have it.
  void end_second_factor(const identity& caller, std::string_view password, std::string_view code);
  /// Without asking the user, who has lost it.
  void remove_second_factor(std::string_view user_id);

  /// `forbidden` where `old_password` is wrong, which counts as a failed login; `invalid_value`,
  /// `too_many_requests`. All tokens of the user are void.
  void change_password(const identity& caller, std::string_view old_password,
                       std::string_view new_password);

  /// The holder of an access token, or of an API token. `unauthenticated`.
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
