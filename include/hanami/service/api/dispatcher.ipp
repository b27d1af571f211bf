// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dispatcher.hpp"

#include <algorithm>

#include <sodium.h>

#include "../../foundation/error.hpp"
#include "../base/clock.hpp"
#include "../base/refusal.hpp"
#include "../http/problem.hpp"
#include "../store/idempotency.hpp"

namespace hanami::service::api {

namespace detail {

inline constexpr unsigned char hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<unsigned char>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<unsigned char>(c - 'a' + 10);
  }
  if (c >= 'A' && c <= 'F') {
    return static_cast<unsigned char>(c - 'A' + 10);
  }
  return 255;
}

inline std::string decode_query_part(std::string_view part) {
  std::string decoded;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '+') {
      decoded += ' ';
    } else if (part[i] != '%') {
      decoded += part[i];
    } else {
      const unsigned char high = i + 2 < part.size() ? hex_value(part[i + 1]) : 255;
      const unsigned char low = i + 2 < part.size() ? hex_value(part[i + 2]) : 255;
      if (high > 15 || low > 15) {
        throw bad_request("the query has a % without two hex digits behind it");
      }
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

/// The reference's words for what is wrong with a value.
inline std::string reference_words(const schema_fault& fault) {
  const std::string item = "Validation failed, because item '" + fault.key + "' ";
  const auto limit = std::to_string(static_cast<std::int64_t>(fault.limit));
  switch (fault.kind) {
  case fault_kind::unknown_key:
    return item + "is not in the list of allowed keys";
  case fault_kind::missing_key:
    return "Validation failed, because variable '" + fault.key + "' is required, but is not set.";
  case fault_kind::wrong_type:
    return "Value-validation failed, because a item '" + fault.key +
           "' has the false type: " + fault.detail;
  case fault_kind::wrong_form:
    return "Given item '" + fault.key + "' doesn't match: " + fault.detail;
  case fault_kind::too_small:
    return "Given item '" + fault.key + "' is " + (fault.text_length ? "shorter" : "smaller") +
           " than " + limit + (fault.text_length ? " characters" : "");
  case fault_kind::too_large:
    return "Given item '" + fault.key + "' is " + (fault.text_length ? "longer" : "bigger") +
           " than " + limit + (fault.text_length ? " characters" : "");
  }
  return fault.detail;
}

/// The manner of a path: what is not the reference's is modern.
inline manner manner_of(std::string_view path) {
  return path.starts_with("/v1.0alpha") ? manner::reference : manner::modern;
}

/// What the reference's statuses can say: 400, 401, 404, 409 and 500.
inline unsigned reference_status(unsigned status) {
  switch (status) {
  case 401:
  case 404:
  case 409:
  case 500:
    return status;
  case 403:
  case 429:
    return status == 403 ? 401 : 400;
  default:
    return status < 500 ? 400 : 500;
  }
}

inline std::string fingerprint(const http::request& of) {
  crypto_generichash_state state;
  crypto_generichash_init(&state, nullptr, 0, 32);
  const auto add = [&](std::string_view text) {
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(text.data()),
                              text.size());
    crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>("\n"), 1);
  };
  add(of.method);
  add(of.path);
  add(of.query);
  add(of.body);
  unsigned char hash[32];
  crypto_generichash_final(&state, hash, sizeof hash);
  char hex[65];
  sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
  return hex;
}

/// What an operator may see of a request's values: no secrets, not too long.
inline std::string shown_values(const json::object& values) {
  json::object shown;
  for (const auto& item : values) {
    const std::string_view key = item.key();
    const bool secret = key.find("password") != std::string_view::npos ||
                        key.find("token") != std::string_view::npos;
    shown[key] = secret ? json::value("...") : item.value();
  }
  std::string text = json::serialize(shown);
  constexpr std::size_t most = 4096;
  if (text.size() > most) {
    text.resize(most);
  }
  return text;
}

} // namespace detail

/// A request on its way.
struct dispatcher::passage {
  std::shared_ptr<call> made = std::make_shared<call>();
  http::responder respond;
  manner speaks = manner::modern;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  std::string once_key; ///< of the idempotency key, while it is marked as begun
  std::string if_none_match;
};

HANAMI_SERVICE_INLINE std::string_view token_of(const http::request& from) {
  constexpr std::string_view scheme = "Bearer ";
  const std::string_view field = from.headers.get("Authorization");
  if (field.size() > scheme.size() && field.starts_with(scheme)) {
    return field.substr(scheme.size());
  }
  return from.headers.get("X-Auth-Token");
}

HANAMI_SERVICE_INLINE std::vector<std::string_view> offered_protocols(const http::request& from) {
  std::vector<std::string_view> words;
  for (std::string_view rest : from.headers.get_all("Sec-WebSocket-Protocol")) {
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(", \t"), rest.size());
      if (end > 0) {
        words.push_back(rest.substr(0, end));
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return words;
}

HANAMI_SERVICE_INLINE std::vector<std::pair<std::string, std::string>>
parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> values;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) {
      continue;
    }
    const std::size_t equals = std::min(part.find('='), part.size());
    values.emplace_back(detail::decode_query_part(part.substr(0, equals)),
                        detail::decode_query_part(part.substr(std::min(equals + 1, part.size()))));
  }
  return values;
}

HANAMI_SERVICE_INLINE http::admission dispatcher::admit(const http::request& head) {
  http::admission admitted;
  const registry::match route = parts_.endpoints.find(head.method, head.path);
  if (route.found == nullptr || !route.found->open_sink) {
    admitted.max_body = parts_.config.http.body_bytes;
    return admitted;
  }
  // Bytes go straight to where they belong, so all questions come before the first of them.
  auto p = std::make_shared<passage>();
  p->made->request = head;
  p->made->what = route.found;
  p->speaks = route.found->speaks;
  p->made->values = route.path_values;
  try {
    authenticate(*p);
    read_values(*p);
    admitted.sink = route.found->open_sink(*p->made);
    admitted.max_body = parts_.config.http.chunk_bytes;
  } catch (...) {
    const std::optional<http::problem> why = http::problem_of(std::current_exception());
    if (!why) {
      throw; // the transport answers, and reports it
    }
    note(*p, why->status());
    admitted.refusal = refused(*p, *why);
    allow_origin(head.headers.get("Origin"), *admitted.refusal);
  }
  return admitted;
}

HANAMI_SERVICE_INLINE void dispatcher::authenticate(passage& p) const {
  const endpoint& what = *p.made->what;
  if (what.who == audience::anyone) {
    return;
  }
  const std::string_view token = token_of(p.made->request);
  if (token.empty()) {
    throw unauthenticated(
        "a token is needed: 'Authorization: Bearer ...' as POST /v1/sessions gives it");
  }
  p.made->who = parts_.door.identify(token);
  if (what.who == audience::admin && !p.made->who.admin) {
    throw forbidden("for administrators only");
  }
  if (!parts_.rules.allows(what.path.substr(1), what.method, p.made->who.role)) {
    throw forbidden("Access denied by policy");
  }
}

HANAMI_SERVICE_INLINE void dispatcher::read_values(passage& p) const {
  call& made = *p.made;
  const endpoint& what = *made.what;
  std::vector<schema_fault> faults;
  const auto check = [&](const schema& against, json::object values, const char* place) {
    json::value checked(std::move(values));
    against.check(checked, place, faults);
    for (auto& item : checked.get_object()) {
      made.values[item.key()] = std::move(item.value());
    }
  };

  json::object path_values;
  std::swap(path_values, made.values);
  for (auto& item : path_values) {
    if (const schema_member* known = what.path_values.member(item.key())) {
      item.value() = known->value.from_text(item.value().as_string());
    }
  }
  check(what.path_values, std::move(path_values), "path");

  json::object body;
  const bool takes_body = what.body && !what.open_sink;
  if (takes_body) {
    json::error_code trouble;
    json::parse_options options;
    options.max_depth = 32;
    json::value parsed = json::parse(made.request.body, trouble, {}, options);
    if (trouble || !parsed.is_object()) {
      throw bad_request(trouble ? "the body is not JSON: " + trouble.message()
                                : std::string("the body must be a JSON object"));
    }
    body = std::move(parsed.get_object());
  }
  json::object query;
  for (const auto& [name, value] : parse_query(made.request.query)) {
    const schema_member* known = what.query.member(name);
    // The reference lets values of the query stand for those of the body.
    if (known == nullptr && takes_body && what.speaks == manner::reference) {
      if (const schema_member* other = what.body->member(name)) {
        body[name] = other->value.from_text(value);
        continue;
      }
    }
    query[name] = known == nullptr ? json::value(value) : known->value.from_text(value);
  }
  check(what.query, std::move(query), "query");
  if (takes_body) {
    check(*what.body, std::move(body), "");
  }
  if (faults.empty()) {
    return;
  }
  if (what.speaks == manner::reference) {
    throw bad_request(detail::reference_words(faults.front()));
  }
  throw invalid_values(std::move(faults));
}

HANAMI_SERVICE_INLINE std::shared_ptr<dispatcher::passage>
dispatcher::begin(http::request received, http::responder answer) {
  auto p = std::make_shared<passage>();
  p->respond = std::move(answer);
  if (!parts_.config.http.allowed_origins.empty()) {
    p->respond = [this, origin = std::string(received.headers.get("Origin")),
                  respond = std::move(p->respond)](http::response given) {
      allow_origin(origin, given);
      respond(std::move(given));
    };
  }
  p->speaks = detail::manner_of(received.path);
  p->made->request = std::move(received);
  return p;
}

HANAMI_SERVICE_INLINE void dispatcher::handle(http::request received,
                                              std::shared_ptr<http::body_sink> sink,
                                              http::responder answer) {
  const std::shared_ptr<passage> p = begin(std::move(received), std::move(answer));
  try {
    const bool head = p->made->request.method == "HEAD";
    registry::match route =
        parts_.endpoints.find(head ? "GET" : p->made->request.method, p->made->request.path);
    if (route.found == nullptr) {
      if (route.allowed.empty()) {
        throw not_found("path", p->made->request.path);
      }
      if (is_preflight(p->made->request)) {
        http::response allowed;
        allowed.status = 204;
        allowed.headers.add("Access-Control-Allow-Methods", route.allowed);
        allowed.headers.add("Access-Control-Allow-Headers",
                            "Authorization, Content-Type, Idempotency-Key, If-Match, "
                            "If-None-Match, X-Auth-Token");
        allowed.headers.add("Access-Control-Max-Age", "600");
        p->respond(std::move(allowed));
        return;
      }
      throw http::problem(405, "method_not_allowed",
                          p->made->request.path + " knows " + route.allowed);
    }
    p->made->what = route.found;
    p->made->values = std::move(route.path_values);
    if (route.found->quick && sink == nullptr) {
      proceed(p);
    } else {
      workers_([this, p, sink = std::move(sink)] { proceed(p); });
    }
  } catch (...) {
    fail(*p, std::current_exception());
  }
}

HANAMI_SERVICE_INLINE void dispatcher::proceed(const std::shared_ptr<passage>& p) {
  try {
    authenticate(*p);
    read_values(*p);
    const endpoint& what = *p->made->what;
    p->if_none_match = std::string(p->made->request.headers.get("If-None-Match"));
    const std::string_view key = p->made->request.headers.get("Idempotency-Key");
    if (what.once && !key.empty()) {
      if (key.size() > 255) {
        throw bad_request("an Idempotency-Key has at most 255 bytes");
      }
      const auto kept = store::begin_idempotent(parts_.db, p->made->who.user_id, key,
                                                detail::fingerprint(p->made->request));
      if (kept) {
        http::response again;
        again.status = kept->status;
        again.body = kept->body;
        again.content_type = kept->status < 400 ? "application/json" : "application/problem+json";
        again.headers.add("Idempotency-Replayed", "true");
        note(*p, kept->status);
        p->respond(std::move(again));
        return;
      }
      p->once_key = std::string(key);
    }
    call_endpoint(p);
  } catch (...) {
    fail(*p, std::current_exception());
  }
}

HANAMI_SERVICE_INLINE void dispatcher::call_endpoint(const std::shared_ptr<passage>& p) {
  const endpoint& what = *p->made->what;
  if (what.handle) {
    finish(*p, what.handle(*p->made));
    return;
  }
  what.handle_later(p->made, [this, p](answer given, std::exception_ptr why) {
    try {
      if (why) {
        std::rethrow_exception(why);
      }
      finish(*p, std::move(given));
    } catch (...) {
      fail(*p, std::current_exception());
    }
  });
}

HANAMI_SERVICE_INLINE void dispatcher::finish(passage& p, answer given) {
  http::response out;
  out.status = given.status != 0 ? given.status : p.made->what->status;
  out.headers = std::move(given.headers);
  if (given.version) {
    const std::string tag = '"' + std::to_string(*given.version) + '"';
    out.headers.add("ETag", tag);
    if (p.made->what->reads() && p.if_none_match == tag) {
      out.status = 304;
    }
  }
  if (!given.location.empty()) {
    out.headers.add("Location", given.location);
  }
  if (out.status == 304 || out.status == 204) {
    // no content
  } else if (given.events) {
    out.events = std::move(given.events);
  } else if (given.source) {
    out.source = std::move(given.source);
    out.content_type = std::move(given.content_type);
  } else if (!given.content_type.empty()) {
    out.body = std::move(given.text);
    out.content_type = std::move(given.content_type);
  } else {
    out.body = given.body.is_null() ? "{}" : json::serialize(given.body);
    out.content_type = p.speaks == manner::modern ? "application/json" : "text/json";
  }
  keep(p, out);
  note(p, out.status);
  p.respond(std::move(out));
}

HANAMI_SERVICE_INLINE http::response dispatcher::refused(const passage& p,
                                                         const http::problem& why) const {
  if (p.speaks == manner::modern) {
    return http::response_of(why);
  }
  http::response out;
  out.status = detail::reference_status(why.status());
  if (why.retry_after_s > 0) {
    out.headers.add("Retry-After", std::to_string(why.retry_after_s));
  }
  out.body = out.status == 500 ? std::string() : std::string(why.what());
  out.content_type = "text/plain";
  return out;
}

HANAMI_SERVICE_INLINE bool dispatcher::is_preflight(const http::request& asked) const {
  return asked.method == "OPTIONS" && !parts_.config.http.allowed_origins.empty() &&
         !asked.headers.get("Origin").empty() &&
         !asked.headers.get("Access-Control-Request-Method").empty();
}

HANAMI_SERVICE_INLINE void dispatcher::allow_origin(std::string_view origin,
                                                    http::response& to) const {
  const std::vector<std::string>& allowed = parts_.config.http.allowed_origins;
  if (allowed.empty()) {
    return;
  }
  to.headers.add("Vary", "Origin");
  if (!origin.empty() && std::any_of(allowed.begin(), allowed.end(), [&](const std::string& each) {
        return each == "*" || each == origin;
      })) {
    to.headers.add("Access-Control-Allow-Origin", std::string(origin));
    to.headers.add("Access-Control-Expose-Headers",
                   "ETag, Idempotency-Replayed, Location, Retry-After");
  }
}

HANAMI_SERVICE_INLINE void dispatcher::fail(passage& p, const std::exception_ptr& why) noexcept {
  try {
    const std::optional<http::problem> known = http::problem_of(why);
    if (!known) {
      report_fault(p, why);
    }
    http::response out = refused(p, known ? *known : http::internal_problem());
    keep(p, out);
    note(p, out.status);
    p.respond(std::move(out));
  } catch (const std::exception& again) {
    report(again.what()); // the responder answers by itself when it is dropped
  }
}

HANAMI_SERVICE_INLINE void dispatcher::report_fault(const passage& p,
                                                    const std::exception_ptr& why) {
  const std::string operation = p.made->what == nullptr ? std::string() : p.made->what->id;
  std::string words = "an exception of an unknown kind";
  try {
    std::rethrow_exception(why);
  } catch (const std::exception& fault) {
    words = fault.what();
  } catch (...) { // has no words
  }
  report((operation.empty() ? std::string("a request") : operation) + ": " + words);
  parts_.logs.add(store::error_entry{now_ms(), p.made->who.user_id, operation,
                                     detail::shown_values(p.made->values), words});
}

HANAMI_SERVICE_INLINE void dispatcher::keep(const passage& p, const http::response& given) {
  if (p.once_key.empty()) {
    return;
  }
  if (given.status >= 500) { // it may be tried again
    store::forget_idempotent(parts_.db, p.made->who.user_id, p.once_key);
  } else {
    store::finish_idempotent(parts_.db, p.made->who.user_id, p.once_key,
                             {given.status, given.body});
  }
}

HANAMI_SERVICE_INLINE void dispatcher::note(passage& p, unsigned status) {
  const endpoint* what = p.made->what;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - p.begun;
  parts_.counts.add(what == nullptr ? std::string_view("unknown") : what->id, status, took.count());
  if (what != nullptr && !what->reads() && what->audited && !p.made->who.user_id.empty()) {
    const http::request& r = p.made->request;
    parts_.logs.add(store::audit_entry{now_ms(), p.made->who.user_id, p.made->who.project_id,
                                       r.method, r.path, what->id, status, r.address});
  }
}

HANAMI_SERVICE_INLINE std::shared_ptr<http::socket_handler>
dispatcher::open_socket(const http::request& head, std::shared_ptr<http::socket> peer) {
  const registry::match route = parts_.endpoints.find(head.method, head.path);
  if (route.found == nullptr || !route.found->open_socket) {
    return sockets_ ? sockets_(head, std::move(peer)) : nullptr;
  }
  passage p;
  p.made->request = head;
  p.made->what = route.found;
  p.made->values = route.path_values;
  for (const std::string_view word : offered_protocols(head)) {
    if (token_of(head).empty() && word.starts_with(bearer_protocol)) {
      p.made->request.headers.add("Authorization",
                                  "Bearer " + std::string(word.substr(bearer_protocol.size())));
    }
  }
  try {
    authenticate(p);
    read_values(p);
    auto opened = route.found->open_socket(*p.made, std::move(peer));
    note(p, route.found->status);
    return opened;
  } catch (...) {
    if (const auto why = http::problem_of(std::current_exception())) {
      note(p, why->status());
    }
    throw;
  }
}

HANAMI_SERVICE_INLINE void dispatcher::complete_refusal(const http::request& head,
                                                        http::response& refusal) {
  allow_origin(head.headers.get("Origin"), refusal);
}

HANAMI_SERVICE_INLINE void dispatcher::report(std::string_view what) noexcept {
  try {
    parts_.report(what);
  } catch (...) { // a log that fails must not end what it reports on
  }
}

} // namespace hanami::service::api
