// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sign_on.hpp"

#include <algorithm>
#include <utility>

#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/ip_network.hpp"
#include "../../base/refusal.hpp"
#include "../../http/client/web_address.hpp"

namespace hanami::service::access::oidc {

namespace detail {

/// Each log-in of a browser has a cookie of its own, so that two at once do not disturb each other.
inline std::string cookie_name(std::string_view state) {
  return "hanami_oidc_" + std::string(state.substr(0, 8));
}

/// The value of a cookie in the field `Cookie`.
inline std::optional<std::string> cookie_in(std::string_view field, std::string_view name) {
  while (!field.empty()) {
    const std::size_t end = std::min(field.find(';'), field.size());
    std::string_view each = field.substr(0, end);
    field.remove_prefix(std::min(end + 1, field.size()));
    each.remove_prefix(std::min(each.find_first_not_of(' '), each.size()));
    if (each.starts_with(name) && each.substr(name.size()).starts_with('=')) {
      return std::string(each.substr(name.size() + 1));
    }
  }
  return std::nullopt;
}

inline std::string
with_values(const std::string& url,
            const std::vector<std::pair<std::string_view, std::string_view>>& values) {
  std::string made = url;
  char before = url.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [name, value] : values) {
    if (!value.empty()) {
      made += before + std::string(name) + '=' + in_query(value);
      before = '&';
    }
  }
  return made;
}

/// Of OAuth's words that of a refusal (RFC 6749, 4.1.2.1).
inline std::string_view error_word(const refusal& why) {
  return why.code() == refusal_code::busy || why.code() == refusal_code::stopping
             ? "temporarily_unavailable"
             : "access_denied";
}

} // namespace detail

HANAMI_SERVICE_INLINE bool is_on_same_machine(const std::string& url) {
  const auto place = detail::place_of(url);
  const auto address = place ? ip_address::parse(place->host) : std::nullopt;
  return address && !place->secure && address->is_loopback();
}

HANAMI_SERVICE_INLINE bool may_return_to(const std::string& url,
                                         const std::vector<std::string>& origins) {
  const auto place = detail::place_of(url);
  if (!place) {
    return false;
  }
  std::string origin = (place->secure ? "https://" : "http://") + place->field;
  std::transform(origin.begin(), origin.end(), origin.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return is_on_same_machine(url) ||
         std::find(origins.begin(), origins.end(), origin) != origins.end();
}

HANAMI_SERVICE_INLINE sign_on::sign_on(store::database& db, accounts& all, authenticator& sessions,
                                       const policy& rules, const server_config& config,
                                       logger& log)
    : settings_(config.oidc), sessions_(sessions),
      key_(derive_key(load_or_make_key(config.auth.token_key.empty() ? config.data / "token.key"
                                                                     : config.auth.token_key),
                      "oidc-log")),
      provider_(config.oidc, log), identities_(db, all, config.oidc, rules, log) {}

HANAMI_SERVICE_INLINE std::string sign_on::cookie_path() const {
  const http::web_address own = http::parse_web_address(settings_.redirect_uri);
  return own.target.substr(0, own.target.rfind('/'));
}

HANAMI_SERVICE_INLINE browser_cookie sign_on::cookie_of(std::string_view state,
                                                        std::string value) const {
  return {detail::cookie_name(state), std::move(value), cookie_path(),
          settings_.redirect_uri.starts_with("https://")};
}

HANAMI_SERVICE_INLINE way_to_provider sign_on::begin(const asking_program& program) {
  if (!program.return_to.empty() && !may_return_to(program.return_to, settings_.return_to)) {
    throw invalid_value_at("query/return_to",
                           "a log-in leads back to programs on the browser's own machine "
                           "(http://127.0.0.1:...) and to origins in oidc.return_to");
  }
  begun_log_in one;
  one.words = {access::detail::random_text(32), access::detail::random_text(32),
               access::detail::random_text(32), now_ms() / 1000};
  one.program = program;
  return {provider_.address_for(one.words), cookie_of(one.words.state, sealed(one, key_))};
}

HANAMI_SERVICE_INLINE way_back sign_on::finish(const provider_answer& answer,
                                               std::string_view cookies) {
  const auto cookie = detail::cookie_in(cookies, detail::cookie_name(answer.state));
  const auto begun = cookie ? unsealed(*cookie, key_, now_ms() / 1000) : std::nullopt;
  if (!begun || begun->words.state != answer.state) {
    throw unauthenticated("this browser has not begun that log-in, or too long ago: begin again");
  }
  if (!used_.add(answer.state, true)) {
    throw unauthenticated("that log-in has ended: begin again");
  }
  way_back back{begun->program.return_to, cookie_of(answer.state, {}), std::nullopt};
  try {
    if (!provider_.may_come_from(answer.issuer)) {
      throw unauthenticated("the answer comes from another provider");
    }
    if (answer.error || !answer.code) {
      throw unauthenticated("the provider has refused it: " + answer.error.value_or("no reason"));
    }
    const json::object claims =
        provider_.claims_for(*answer.code, begun->words, identities_.wanted_claims());
    const std::string code = access::detail::random_text(32);
    granted_.add(code, {identities_.enter(claims).id, begun->program});
    // Nothing that works by itself: somebody has to say that it is they who have begun it.
    const bool direct = !back.location.empty() && !is_on_same_machine(back.location);
    back.location = direct ? detail::with_values(back.location,
                                                 {{"code", code}, {"state", begun->program.state}})
                           : cookie_path() + "/code?code=" + code;
  } catch (const refusal& why) {
    back.refused = why;
    if (!back.location.empty()) {
      back.location = detail::with_values(back.location, {{"error", detail::error_word(why)},
                                                          {"error_description", why.what()},
                                                          {"state", begun->program.state}});
    }
  }
  return back;
}

HANAMI_SERVICE_INLINE std::optional<granted_log_in> sign_on::granted(const std::string& code) {
  return granted_.look(code);
}

HANAMI_SERVICE_INLINE session_tokens sign_on::redeem(const std::string& code,
                                                     std::string_view verifier,
                                                     std::string_view project_id,
                                                     std::string_view address,
                                                     std::string_view device) {
  const auto one = granted_.take(code); // one try
  if (!one || challenge_of(verifier) != one->program.challenge) {
    throw unauthenticated("the code is not good (any more), or not for who has this verifier");
  }
  return sessions_.enter(one->user_id, project_id, address, device);
}

} // namespace hanami::service::access::oidc
