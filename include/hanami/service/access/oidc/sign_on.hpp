// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "../../base/logger.hpp"
#include "../../base/settings.hpp"
#include "../../store/database.hpp"
#include "../accounts.hpp"
#include "../authenticator.hpp"
#include "../policy.hpp"
#include "identities.hpp"
#include "pending.hpp"
#include "provider.hpp"

/// Logging in by a provider of OpenID Connect: authorization code flow with PKCE (RFC 6749, 7636,
/// 9700). A program makes a secret, and sends a browser here with its hash; the browser goes to the
/// provider and comes back; the program gets a code, which gives a session to who knows the secret.

namespace hanami::service::access::oidc {

struct browser_cookie {
  std::string name;
  std::string value; ///< empty: to be forgotten
  std::string path;
  bool secure = false;
};

struct way_to_provider {
  std::string location;
  browser_cookie cookie;
};

/// What a provider sends a browser back with.
struct provider_answer {
  std::string state;
  std::optional<std::string> code;
  std::optional<std::string> error;
  std::optional<std::string> issuer;
};

/// Where the browser goes then. Nothing of `refused`: the log-in is good.
struct way_back {
  std::string location; ///< empty: `refused` is shown here
  browser_cookie cookie;
  std::optional<refusal> refused;
};

/// Safe from any thread. What asks the provider waits for it.
class sign_on {
 public:
  /// All of them outlive this. Throws as `provider` and `identities` do.
  sign_on(store::database& db, accounts& all, authenticator& sessions, const policy& rules,
          const server_config& config, logger& log);

  /// `invalid_value` where the log-in may not lead back there.
  way_to_provider begin(const asking_program& program);
  /// `cookies`: the field of the request. Throws `unauthenticated` where this browser has not begun
  /// that log-in, or it has ended.
  way_back finish(const provider_answer& answer, std::string_view cookies);
  /// Who has come back, by the code of the program; nothing: it is not good (any more).
  std::optional<granted_log_in> granted(const std::string& code);
  /// The session, once. Throws `unauthenticated`, and as `authenticator::enter`.
  session_tokens redeem(const std::string& code, std::string_view verifier,
                        std::string_view project_id, std::string_view address,
                        std::string_view device);

  identities& links() noexcept { return identities_; }
  /// Whoever waits for the provider is refused.
  void stop() { provider_.stop(); }

 private:
  std::string cookie_path() const;
  browser_cookie cookie_of(std::string_view state, std::string value) const;

  const oidc_settings& settings_;
  authenticator& sessions_;
  const secret_key key_;
  provider provider_;
  identities identities_;
  good_once<bool> used_{most_log_in_s, 100'000}; ///< states that have come back
  good_once<granted_log_in> granted_{300, 10'000};
};

/// Whether a log-in may lead back to an address: of an origin that the operator has named, or of a
/// program on the machine of the browser itself (RFC 8252, 7.3).
bool may_return_to(const std::string& url, const std::vector<std::string>& origins);
/// http://127.0.0.1:... and http://[::1]:...
bool is_on_same_machine(const std::string& url);

} // namespace hanami::service::access::oidc
