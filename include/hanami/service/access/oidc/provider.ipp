// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "provider.hpp"

#include <algorithm>
#include <chrono>
#include <future>
#include <utility>

#include <sodium.h>

#include "../../../foundation/error.hpp"
#include "../../../io/file.hpp"
#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/json_text.hpp"
#include "../../base/refusal.hpp"
#include "../sodium.hpp"
#include "id_token.hpp"

namespace hanami::service::access::oidc {

namespace detail {

inline constexpr std::size_t most_metadata = std::size_t{256} << 10;
inline constexpr std::size_t most_answer = std::size_t{512} << 10;
inline constexpr std::int64_t kept_ms = std::int64_t{3600} * 1000;
/// Keys are asked for no more often, whoever names one that is not known.
inline constexpr std::int64_t keys_rest_ms = std::int64_t{60} * 1000;

inline std::string read_secret(const oidc_settings& from) {
  if (!from.client_secret.empty() || from.client_secret_file.empty()) {
    return from.client_secret;
  }
  constexpr std::size_t most = 4096;
  const std::vector<std::uint8_t> bytes = read_file(from.client_secret_file, most);
  const std::string text(bytes.begin(), bytes.end());
  std::string line = text.substr(0, text.find_first_of("\r\n"));
  if (line.empty()) {
    raise(errc::invalid_argument, "oidc.client_secret_file: " + from.client_secret_file.string() +
                                      " begins with no secret");
  }
  return line;
}

inline void expect_settings(const oidc_settings& s) {
  const auto need = [](bool good, const char* what) {
    if (!good) {
      raise(errc::invalid_argument, what);
    }
  };
  const auto issuer = place_of(s.issuer);
  need(issuer && s.issuer.find('?') == std::string::npos,
       "oidc.issuer takes a URL without a query, as https://accounts.example.org");
  need(!s.client_id.empty(), "oidc.client_id is needed beside oidc.issuer");
  const auto back = place_of(s.redirect_uri);
  need(back && back->target.ends_with("/v1/oidc/callback"),
       "oidc.redirect_uri takes the address of this service as browsers reach it, such as "
       "https://lab.example/v1/oidc/callback");
  need(s.roles.empty() || !s.groups_claim.empty(),
       "oidc.roles needs oidc.groups_claim, whose values they are for");
}

} // namespace detail

HANAMI_SERVICE_INLINE std::string challenge_of(std::string_view verifier) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, access::detail::bytes_of(verifier), verifier.size());
  return access::detail::to_base64url(hash, sizeof hash);
}

HANAMI_SERVICE_INLINE std::string in_query(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string made;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      made += c;
    } else {
      made += '%';
      made += digits[byte >> 4];
      made += digits[byte & 15U];
    }
  }
  return made;
}

HANAMI_SERVICE_INLINE const json::value* claim_at(const json::object& claims,
                                                  std::string_view name) {
  const json::value* found = claims.if_contains(name);
  const std::size_t dot = name.find('.');
  if (found != nullptr || dot == std::string_view::npos) {
    return found;
  }
  const json::value* outer = claims.if_contains(name.substr(0, dot));
  return outer != nullptr && outer->is_object()
             ? claim_at(outer->get_object(), name.substr(dot + 1))
             : nullptr;
}

HANAMI_SERVICE_INLINE provider_metadata read_metadata(std::string_view text,
                                                      const std::string& issuer) {
  const auto wrong = [](const std::string& why) {
    return refusal(refusal_code::invalid_data, "what the provider says of itself " + why);
  };
  const json_text parsed = parse_json(text);
  if (!parsed.trouble.empty() || !parsed.value.is_object()) {
    throw wrong("is no JSON object");
  }
  const json::object& all = parsed.value.get_object();
  const auto named = detail::word_in(all, "issuer");
  if (named != issuer) {
    throw wrong("names another issuer, '" + named.value_or("").substr(0, 200) +
                "', than oidc.issuer does");
  }
  const bool secure = issuer.starts_with("https://");
  const auto url = [&](const char* name, bool needed) {
    std::string given = detail::word_in(all, name).value_or("");
    if (given.empty() && !needed) {
      return given;
    }
    const auto place = detail::place_of(given);
    if (!place || (secure && !place->secure)) {
      throw wrong("has no " + std::string(secure ? "https" : "http") + " URL as " + name);
    }
    return given;
  };
  provider_metadata made;
  made.authorization_endpoint = url("authorization_endpoint", true);
  made.token_endpoint = url("token_endpoint", true);
  made.keys = url("jwks_uri", true);
  made.userinfo_endpoint = url("userinfo_endpoint", false);
  const std::vector<std::string> ways =
      detail::words_of(all.if_contains("token_endpoint_auth_methods_supported"));
  const auto knows = [&](std::string_view way) {
    return std::find(ways.begin(), ways.end(), way) != ways.end();
  };
  made.secret_in_body = !knows("client_secret_basic") && knows("client_secret_post");
  const json::value* const says = all.if_contains("authorization_response_iss_parameter_supported");
  made.names_itself = says != nullptr && says->is_bool() && says->get_bool();
  return made;
}

HANAMI_SERVICE_INLINE provider::provider(const oidc_settings& settings, logger& log)
    : settings_((detail::expect_settings(settings), settings)),
      secret_(detail::read_secret(settings)), log_(log),
      client_(std::make_unique<http::web_client>(
          http::web_client_settings{settings.authorities, "oidc.authorities", settings.timeout,
                                    // The operator has named it: it may well be an inner one.
                                    [](const ip_address&) { return true; }, "has no address"},
          log, "oidc")) {
  if (!settings.issuer.starts_with("https://")) {
    log_.warning("access", "oidc.issuer is asked without TLS: who is between here and there can "
                           "log in as anybody");
  }
}

HANAMI_SERVICE_INLINE void provider::stop() {
  std::unique_ptr<http::web_client> last;
  const std::lock_guard lock(ending_);
  last.swap(client_);
}

HANAMI_SERVICE_INLINE refusal provider::trouble(const std::string& why) {
  log_.warning("access", "the provider of log-ins: " + why);
  refusal given(refusal_code::busy, "the provider of log-ins does not answer as it should; its "
                                    "operator finds why in the log");
  given.retry_after_s = 10;
  return given;
}

HANAMI_SERVICE_INLINE http::web_result provider::ask(const std::string& url, http::web_request what,
                                                     std::size_t most) {
  what.to = http::parse_web_address(url);
  what.most_answer = most;
  what.fields.emplace_back("Accept", "application/json");
  // Held by who will answer alone: without them, nobody waits.
  auto told = std::make_shared<std::promise<http::web_result>>();
  std::future<http::web_result> answer = told->get_future();
  {
    const std::lock_guard lock(ending_);
    if (!client_) {
      throw refusal(refusal_code::stopping, "the server ends");
    }
    client_->send(std::move(what), [told = std::move(told)](http::web_result result) {
      told->set_value(std::move(result));
    });
  }
  // A name may take longer to be found than the rest may.
  if (answer.wait_for(settings_.timeout + std::chrono::seconds(10)) != std::future_status::ready) {
    throw trouble("no answer from " + url);
  }
  http::web_result result;
  try {
    result = answer.get();
  } catch (const std::future_error&) { // nobody will answer any more
    throw refusal(refusal_code::stopping, "the server ends");
  }
  if (result.status == 0) {
    throw trouble(url + ": " + result.trouble);
  }
  return result;
}

HANAMI_SERVICE_INLINE std::string provider::get(const std::string& url, const std::string& token,
                                                std::size_t most) {
  http::web_request what;
  what.reads = true;
  if (!token.empty()) {
    what.fields.emplace_back("Authorization", "Bearer " + token);
  }
  http::web_result result = ask(url, std::move(what), most);
  if (result.status != 200) {
    throw trouble(url + ": the answer was " + std::to_string(result.status));
  }
  return std::move(result.body);
}

HANAMI_SERVICE_INLINE provider_metadata provider::metadata() {
  const std::lock_guard lock(asking_);
  if (metadata_ && steady_ms() - metadata_at_ < detail::kept_ms) {
    return *metadata_;
  }
  std::string base = settings_.issuer;
  while (base.ends_with('/')) {
    base.pop_back();
  }
  const std::string url = base + "/.well-known/openid-configuration";
  try {
    metadata_ = read_metadata(get(url, {}, detail::most_metadata), settings_.issuer);
  } catch (const refusal& why) {
    if (why.code() == refusal_code::invalid_data) {
      throw trouble(url + ": " + why.what());
    }
    throw;
  }
  metadata_at_ = steady_ms();
  return *metadata_;
}

HANAMI_SERVICE_INLINE std::vector<public_key> provider::keys_of(const signed_text& token) {
  const std::string url = metadata().keys;
  const std::lock_guard lock(asking_);
  const std::int64_t age = keys_at_ == 0 ? detail::kept_ms : steady_ms() - keys_at_;
  std::vector<public_key> found = keys_for(token, keys_);
  if (age < detail::keys_rest_ms || (age < detail::kept_ms && !found.empty())) {
    return found;
  }
  keys_at_ = std::max<std::int64_t>(steady_ms(), 1); // also where it does not work
  keys_.clear();
  try {
    keys_ = read_key_set(get(url, {}, detail::most_answer));
  } catch (const refusal& why) {
    if (why.code() == refusal_code::invalid_data) {
      throw trouble(url + ": " + why.what());
    }
    throw;
  }
  return keys_for(token, keys_);
}

HANAMI_SERVICE_INLINE void provider::expect_signature(const signed_text& token) {
  const std::vector<public_key> keys = keys_of(token);
  detail::expect_claim(!keys.empty(), "no key of the provider's fits it");
  detail::expect_claim(
      std::any_of(keys.begin(), keys.end(),
                  [&](const public_key& each) { return is_signed_by(token, each); }),
      "its signature is wrong");
}

HANAMI_SERVICE_INLINE std::string provider::address_for(const log_in_words& words) {
  const std::string to = metadata().authorization_endpoint;
  std::string scopes;
  for (const std::string& each : settings_.scopes) {
    scopes += each == "openid" ? std::string() : ' ' + each;
  }
  std::string url = to + (to.find('?') == std::string::npos ? '?' : '&');
  const std::pair<const char*, std::string> values[] = {
      {"response_type", "code"},
      {"client_id", settings_.client_id},
      {"redirect_uri", settings_.redirect_uri},
      {"scope", "openid" + scopes},
      {"state", words.state},
      {"nonce", words.nonce},
      {"code_challenge", challenge_of(words.verifier)},
      {"code_challenge_method", "S256"}};
  for (const auto& [name, value] : values) {
    url += (url.ends_with('?') || url.ends_with('&') ? "" : "&") + std::string(name) + '=' +
           in_query(value);
  }
  return url;
}

HANAMI_SERVICE_INLINE bool provider::may_come_from(const std::optional<std::string>& issuer) {
  return issuer ? *issuer == settings_.issuer : !metadata().names_itself;
}

HANAMI_SERVICE_INLINE json::object provider::redeem(const std::string& code,
                                                    const log_in_words& words) {
  const provider_metadata at = metadata();
  http::web_request what;
  what.fields.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  what.body = "grant_type=authorization_code&code=" + in_query(code) +
              "&redirect_uri=" + in_query(settings_.redirect_uri) +
              "&code_verifier=" + in_query(words.verifier);
  if (secret_.empty() || at.secret_in_body) {
    what.body += "&client_id=" + in_query(settings_.client_id);
  }
  if (!secret_.empty() && at.secret_in_body) {
    what.body += "&client_secret=" + in_query(secret_);
  } else if (!secret_.empty()) { // RFC 6749, 2.3.1
    const std::string both = in_query(settings_.client_id) + ':' + in_query(secret_);
    std::string coded(sodium_base64_encoded_len(both.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
    sodium_bin2base64(coded.data(), coded.size(), access::detail::bytes_of(both), both.size(),
                      sodium_base64_VARIANT_ORIGINAL);
    coded.pop_back(); // the NUL at the end
    what.fields.emplace_back("Authorization", "Basic " + coded);
  }
  const http::web_result result = ask(at.token_endpoint, std::move(what), detail::most_answer);
  const json_text parsed = parse_json(result.body);
  const bool readable = parsed.trouble.empty() && parsed.value.is_object();
  if (result.status != 200) {
    const std::string why =
        readable ? detail::word_in(parsed.value.get_object(), "error").value_or("") : "";
    if (why == "invalid_grant") {
      throw unauthenticated("the provider does not take the code (any more): begin again");
    }
    throw trouble(at.token_endpoint + ": the answer was " + std::to_string(result.status) + ' ' +
                  why.substr(0, 200));
  }
  if (!readable) {
    throw trouble(at.token_endpoint + ": the answer is no JSON object");
  }
  return parsed.value.get_object();
}

HANAMI_SERVICE_INLINE void provider::add_userinfo(json::object& claims,
                                                  const std::string& access_token,
                                                  const std::vector<std::string>& wanted) {
  const std::string url = metadata().userinfo_endpoint;
  const bool all_there = std::all_of(wanted.begin(), wanted.end(), [&](const std::string& each) {
    return claim_at(claims, each) != nullptr;
  });
  if (all_there || url.empty() || access_token.empty()) {
    return;
  }
  const json_text more = parse_json(get(url, access_token, detail::most_answer));
  if (!more.trouble.empty() || !more.value.is_object()) {
    throw trouble(url + ": the answer is no JSON object");
  }
  const json::object& said = more.value.get_object();
  detail::expect_claim(detail::word_in(said, "sub") == detail::word_in(claims, "sub"),
                       "what is said beside it is of somebody else");
  for (const auto& each : said) {
    if (!claims.contains(each.key())) {
      claims[each.key()] = each.value();
    }
  }
}

HANAMI_SERVICE_INLINE json::object provider::claims_for(const std::string& code,
                                                        const log_in_words& words,
                                                        const std::vector<std::string>& wanted) {
  const json::object given = redeem(code, words);
  const std::string token = detail::word_in(given, "id_token").value_or("");
  const std::string access_token = detail::word_in(given, "access_token").value_or("");
  const bool sendable = std::all_of(access_token.begin(), access_token.end(),
                                    [](char c) { return c > ' ' && c <= '~'; });
  detail::expect_claim(!token.empty() && sendable, "there is none, or what is beside it is none");
  signed_text read = take_apart(token);
  expect_signature(read);
  expect_claims(read, {settings_.issuer, settings_.client_id, words.nonce, access_token,
                       words.begun, now_ms() / 1000});
  add_userinfo(read.claims, access_token, wanted);
  return std::move(read.claims);
}

} // namespace hanami::service::access::oidc
