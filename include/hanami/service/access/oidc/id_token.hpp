// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/json.hpp"
#include "../../base/refusal.hpp"
#include "key_set.hpp"

/// Whether an ID token is for this log-in (OpenID Connect Core 1.0, 3.1.3.7).

namespace hanami::service::access::oidc {

/// What it has to say. Times are seconds since 1970.
struct expected_token {
  std::string issuer;
  std::string client_id;
  std::string nonce;
  std::string access_token; ///< that came with it
  std::int64_t begun = 0;   ///< when the log-in began
  std::int64_t now = 0;
};

/// By how many seconds the provider's clock may differ.
inline constexpr std::int64_t clock_slack_s = 60;

namespace detail {

inline std::optional<std::int64_t> time_in(const json::object& claims, std::string_view name) {
  const json::value* found = claims.if_contains(name);
  if (found == nullptr) {
    return std::nullopt;
  }
  if (found->is_int64()) {
    return found->get_int64();
  }
  constexpr double most = 1e15;
  if (found->is_double() && found->get_double() > -most && found->get_double() < most) {
    return static_cast<std::int64_t>(found->get_double());
  }
  throw refusal(refusal_code::unauthenticated,
                "the provider's token is not valid: '" + std::string(name) + "' is no time");
}

/// The texts of a claim that is one or a list of them.
inline std::vector<std::string> words_of(const json::value* claim) {
  std::vector<std::string> words;
  const auto add = [&](const json::value& each) {
    if (each.is_string()) {
      words.emplace_back(each.get_string().data(), each.get_string().size());
    }
  };
  if (claim != nullptr && claim->is_array()) {
    std::for_each(claim->get_array().begin(), claim->get_array().end(), add);
  } else if (claim != nullptr) {
    add(*claim);
  }
  return words;
}

inline void expect_claim(bool good, const std::string& why) {
  if (!good) {
    throw unauthenticated("the provider's token is not valid: " + why);
  }
}

} // namespace detail

/// Throws `refusal` (`unauthenticated`) with the first thing that is not as it should be. The
/// signature is checked elsewhere.
inline void expect_claims(const signed_text& token, const expected_token& wanted) {
  const json::object& claims = token.claims;
  const auto word = [&](std::string_view name) { return detail::word_in(claims, name); };
  detail::expect_claim(word("iss") == wanted.issuer, "it is another issuer's");
  const std::vector<std::string> audience = detail::words_of(claims.if_contains("aud"));
  detail::expect_claim(std::find(audience.begin(), audience.end(), wanted.client_id) !=
                           audience.end(),
                       "it is for another client");
  const bool named = claims.contains("azp");
  detail::expect_claim(named ? word("azp") == wanted.client_id : audience.size() == 1,
                       "it was given to another client");
  const auto expires = detail::time_in(claims, "exp");
  detail::expect_claim(expires && *expires > wanted.now - clock_slack_s, "it has expired");
  const auto issued = detail::time_in(claims, "iat");
  detail::expect_claim(issued && *issued <= wanted.now + clock_slack_s &&
                           *issued >= wanted.begun - clock_slack_s,
                       "it was not made for this log-in; or one of the two clocks is wrong");
  const auto from = detail::time_in(claims, "nbf");
  detail::expect_claim(!from || *from <= wanted.now + clock_slack_s, "it does not hold yet");
  detail::expect_claim(!wanted.nonce.empty() && word("nonce") == wanted.nonce,
                       "it was made for another log-in");
  const auto subject = word("sub");
  constexpr std::size_t most_subject = 255; // OpenID Connect Core, 2
  detail::expect_claim(subject && !subject->empty() && subject->size() <= most_subject,
                       "it names nobody");
  detail::expect_claim(!claims.contains("at_hash") ||
                           word("at_hash") == half_hash(token.kind, wanted.access_token),
                       "it does not belong to the access token beside it");
}

} // namespace hanami::service::access::oidc
