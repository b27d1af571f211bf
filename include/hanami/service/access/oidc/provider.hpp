// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/json.hpp"
#include "../../base/logger.hpp"
#include "../../base/refusal.hpp"
#include "../../base/settings.hpp"
#include "../../http/client/web_client.hpp"
#include "key_set.hpp"

/// The provider: what it says of itself, its keys, and what it says of a user.

namespace hanami::service::access::oidc {

namespace detail {

/// Of a URL; nothing where it is none.
inline std::optional<http::web_address> place_of(const std::string& url) {
  try {
    return http::parse_web_address(url);
  } catch (const refusal&) {
    return std::nullopt;
  }
}

} // namespace detail

/// Where things are (OpenID Connect Discovery 1.0).
struct provider_metadata {
  std::string authorization_endpoint;
  std::string token_endpoint;
  std::string keys;              ///< `jwks_uri`
  std::string userinfo_endpoint; ///< empty: none
  bool secret_in_body = false;   ///< it does not take the secret as a password of HTTP
  bool names_itself = false;     ///< when it sends somebody back (RFC 9207)
};

/// Throws `refusal` (`invalid_data`) with what is wrong: no JSON, another issuer, endpoints that
/// are missing, are no URLs, or are not as secure as the issuer.
provider_metadata read_metadata(std::string_view text, const std::string& issuer);

/// What a log-in sends along, and what it is recognised by.
struct log_in_words {
  std::string state;
  std::string nonce;
  std::string verifier;   ///< of PKCE (RFC 7636)
  std::int64_t begun = 0; ///< seconds since 1970
};

/// `code_challenge` of S256.
std::string challenge_of(std::string_view verifier);
/// A text as part of a query (RFC 3986, 2.3).
std::string in_query(std::string_view text);

/// Asks the provider: waits for its answers, for each no longer than `oidc.timeout_ms`. What it
/// says of itself and its keys are kept for an hour. Safe from any thread.
class provider {
 public:
  /// Throws `errc::invalid_argument` for settings that cannot be, `errc::file_error` where the file
  /// of the secret cannot be read.
  provider(const oidc_settings& settings, logger& log);

  /// Where a browser is sent to log in. Throws `refusal` (`busy`) where the provider cannot be
  /// asked, and what is wrong with it stands in the log.
  std::string address_for(const log_in_words& words);
  /// Whether who sends somebody back says, if so, who it is.
  bool may_come_from(const std::optional<std::string>& issuer);

  /// What is said of the user by whom the code came: the claims of the ID token, once all of it is
  /// checked, and of `wanted` those that only the endpoint for it says. Throws `refusal`:
  /// `unauthenticated` for what is not valid, `busy` where the provider does not answer as it
  /// should.
  json::object claims_for(const std::string& code, const log_in_words& words,
                          const std::vector<std::string>& wanted);

  /// Whoever waits is refused, now and from then on.
  void stop();

 private:
  http::web_result ask(const std::string& url, http::web_request what, std::size_t most);
  /// The answer's body, of a status of 200.
  std::string get(const std::string& url, const std::string& token, std::size_t most);
  provider_metadata metadata();
  std::vector<public_key> keys_of(const signed_text& token);
  void expect_signature(const signed_text& token);
  json::object redeem(const std::string& code, const log_in_words& words);
  void add_userinfo(json::object& claims, const std::string& access_token,
                    const std::vector<std::string>& wanted);
  refusal trouble(const std::string& why);

  const oidc_settings settings_;
  const std::string secret_;
  logger& log_;
  std::mutex asking_; ///< one at a time asks for what all of them need; guards the four
  std::optional<provider_metadata> metadata_;
  std::int64_t metadata_at_ = 0; ///< by `steady_ms`
  std::vector<public_key> keys_;
  std::int64_t keys_at_ = 0; ///< 0: never
  std::mutex ending_;        ///< guards the client
  std::unique_ptr<http::web_client> client_;
};

/// A value of a claim: of that name, or inside others, as realm_access.roles.
const json::value* claim_at(const json::object& claims, std::string_view name);

} // namespace hanami::service::access::oidc
