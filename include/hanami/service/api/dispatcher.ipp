// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dispatcher.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <vector>

#include <sodium.h>

#include "../access/scopes.hpp"
#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../http/byte_range.hpp"
#include "../http/gzip.hpp"
#include "../store/idempotency.hpp"
#include "credentials.hpp"
#include "entity_tags.hpp"
#include "request_values.hpp"

namespace hanami::service::api {

namespace detail {

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

/// Whose idempotency keys a caller uses: the same key in another project is another one.
inline std::string owner_of_keys(const identity& caller) {
  return caller.user_id + '/' + caller.project_id;
}

/// What an operator may see of a request's values: no secrets, not too long.
inline std::string shown_values(const json::object& values) {
  json::object shown;
  for (const auto& item : values) {
    const std::string_view key = item.key();
    const bool secret = key.find("password") != std::string_view::npos ||
                        key.find("token") != std::string_view::npos ||
                        key.find("ticket") != std::string_view::npos ||
                        key.find("code") != std::string_view::npos;
    shown[key] = secret ? json::value("...") : item.value();
  }
  std::string text = json::serialize(shown);
  constexpr std::size_t most = 4096;
  if (text.size() > most) {
    text.resize(most);
  }
  return text;
}

/// The endpoint's answer as a response, except for the fields that depend on the request.
inline http::response response_from(answer given, const endpoint& of) {
  http::response out;
  out.status = given.status != 0 ? given.status : of.status;
  out.headers = std::move(given.headers);
  if (!given.location.empty()) {
    out.headers.add("Location", given.location);
  }
  if (given.events) {
    out.events = std::move(given.events);
  } else if (given.source) {
    out.source = std::move(given.source);
    out.content_type = std::move(given.content_type);
  } else if (!given.content_type.empty()) {
    out.body = std::move(given.text);
    out.content_type = std::move(given.content_type);
  } else if (out.status != 204) {
    out.body = given.body.is_null() ? "{}" : json::serialize(given.body);
    out.content_type = content_type_of(of.dialect);
  }
  return out;
}

} // namespace detail

struct dispatcher::exchange final : request_context {
  http::body_sink* sink() noexcept override { return body_goes_to.get(); }

  std::string allowed; ///< methods of the path, where there is no endpoint
  std::chrono::steady_clock::time_point identified_at{}; ///< the caller; never: not yet
  std::uint64_t identified_as_of = 0;                    ///< `authenticator::changes`
  std::unique_ptr<http::body_sink> body_goes_to;
  http::responder respond;
  std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  std::string idempotency_key; ///< while it is marked as in progress
};

HANAMI_SERVICE_INLINE void dispatcher::route(exchange& x, const http::request& head) const {
  registry::match found =
      parts_.endpoints.find(head.method == "HEAD" ? "GET" : head.method, head.path);
  x.endpoint = found.found;
  x.dialect = found.found == nullptr ? dialect_of(head.path) : found.found->dialect;
  x.values = std::move(found.path_values);
  x.allowed = std::move(found.allowed);
}

HANAMI_SERVICE_INLINE http::admission dispatcher::admit(const http::request& head) {
  http::admission admitted;
  const auto x = std::make_shared<exchange>();
  admitted.admitted = x;
  route(*x, head);
  try {
    admitted.max_body = admit_body(*x, head);
  } catch (...) {
    const std::optional<http::problem> why = http::problem_of(std::current_exception());
    if (!why) {
      throw; // the transport answers, and reports it
    }
    x->message = head;
    note(*x, why->status());
    admitted.refusal = response_of(*why, x->dialect);
    allow_origin(head.headers.get("Origin"), *admitted.refusal);
  }
  return admitted;
}

HANAMI_SERVICE_INLINE std::size_t dispatcher::admit_body(exchange& x, const http::request& head) {
  expect_open(x);
  const http_settings& most = parts_.config.http;
  const std::string_view length = head.headers.get("Content-Length");
  const bool announced =
      (!length.empty() && length != "0") || !head.headers.get("Transfer-Encoding").empty();
  const bool streamed = x.endpoint != nullptr && x.endpoint->open_sink;
  if (!announced && !streamed) {
    return most.body_bytes;
  }
  // Of strangers no body is read, but what logs them in.
  const std::size_t of_strangers = std::min(most.body_bytes, std::size_t{32} << 10);
  if (is_preflight(head)) {
    return of_strangers;
  }
  if (x.endpoint == nullptr) {
    throw unknown_path(x, head.path);
  }
  authenticate(x, head);
  if (x.endpoint->audience == audience::anyone) {
    return of_strangers;
  }
  if (!streamed) {
    return x.endpoint->body_bytes > 0 ? x.endpoint->body_bytes : most.body_bytes;
  }
  // It is written to its destination as it arrives, so all is checked before its start.
  x.message = head;
  read_values(x);
  x.body_goes_to = x.endpoint->open_sink(x);
  return most.chunk_bytes;
}

HANAMI_SERVICE_INLINE void dispatcher::authenticate(exchange& x, const http::request& from) const {
  const endpoint& e = *x.endpoint;
  if (e.audience == audience::anyone) {
    return;
  }
  const std::string_view token = token_of(from);
  if (token.empty()) {
    throw unauthenticated(
        "a token is needed: 'Authorization: Bearer ...' as POST /v1/sessions gives it");
  }
  x.identified_at = std::chrono::steady_clock::now();
  x.identified_as_of = parts_.authenticator.changes();
  x.caller = parts_.authenticator.identify(token);
  if (e.audience == audience::admin && !x.caller.admin) {
    throw forbidden("for administrators only");
  }
  const std::string_view path = std::string_view(e.path).substr(1);
  if (access::awaits_second_factor(x.caller, path)) {
    throw refusal(refusal_code::second_factor_missing,
                  "a second factor is needed here: POST /v1/me/second-factor sets it up");
  }
  if (const std::string why = access::token_forbids(x.caller, path, e.method); !why.empty()) {
    throw forbidden(why);
  }
  if (!parts_.rules.allows(path, e.method, x.caller)) {
    throw forbidden("Access denied by policy");
  }
}

HANAMI_SERVICE_INLINE void dispatcher::expect_open(const exchange& x) const {
  if (!open_ && (x.endpoint == nullptr || x.endpoint->tag != "system")) {
    refusal why(refusal_code::starting, "the server is still reading what it knew");
    why.retry_after_s = 1;
    throw why;
  }
}

HANAMI_SERVICE_INLINE void dispatcher::redeem_ticket(exchange& x) const {
  if (!x.endpoint->by_ticket || !token_of(x.message).empty()) {
    return;
  }
  for (const auto& [name, value] : parse_query(x.message.query)) {
    if (name != "ticket") {
      continue;
    }
    const std::optional<std::string> token = parts_.tickets.take(value);
    if (!token) {
      throw unauthenticated(
          "the ticket is not good (any more): one is good for one use within half "
          "a minute; POST /v1/tickets gives another");
    }
    x.message.headers.add("Authorization", "Bearer " + *token);
    return;
  }
}

HANAMI_SERVICE_INLINE bool dispatcher::is_fresh(const exchange& x) const {
  return x.identified_as_of == parts_.authenticator.changes() &&
         std::chrono::steady_clock::now() - x.identified_at < std::chrono::seconds(1);
}

HANAMI_SERVICE_INLINE void dispatcher::handle(http::request received,
                                              std::shared_ptr<http::admitted_request> admitted,
                                              http::responder answer) {
  const auto x = std::static_pointer_cast<exchange>(std::move(admitted));
  x->message = std::move(received);
  x->respond = std::move(answer);
  x->begun = std::chrono::steady_clock::now();
  try {
    if (x->endpoint == nullptr) {
      refuse_path(*x);
      return;
    }
    const endpoint& e = *x->endpoint;
    if (e.limit_rate) {
      e.limit_rate(x->message);
    }
    if (e.non_blocking || (e.is_ready && e.is_ready(*x))) {
      proceed(x);
    } else if (e.hashes_passwords) {
      if (!passwords_.post(workers_, [this, x] { proceed(x); })) {
        refusal why(refusal_code::busy, "too many passwords are being checked; try again");
        why.retry_after_s = 5;
        throw why;
      }
    } else {
      workers_([this, x] { proceed(x); });
    }
  } catch (...) {
    fail(*x, std::current_exception());
  }
}

HANAMI_SERVICE_INLINE http::problem dispatcher::unknown_path(const exchange& x,
                                                             const std::string& path) const {
  if (x.allowed.empty()) {
    return http::problem(not_found("path", path));
  }
  http::problem why(http::transport_fault::method_not_allowed, path + " knows " + x.allowed);
  why.allowed = x.allowed;
  return why;
}

HANAMI_SERVICE_INLINE void dispatcher::refuse_path(exchange& x) {
  if (x.allowed.empty() || !is_preflight(x.message)) {
    throw unknown_path(x, x.message.path);
  }
  http::response allowed;
  allowed.status = 204;
  allowed.headers.add("Access-Control-Allow-Methods", x.allowed);
  allowed.headers.add("Access-Control-Allow-Headers",
                      "Authorization, Content-Encoding, Content-Type, Idempotency-Key, If-Match, "
                      "If-None-Match, If-Range, Range, X-Auth-Token");
  allowed.headers.add("Access-Control-Max-Age", "600");
  send(x, std::move(allowed));
}

HANAMI_SERVICE_INLINE void dispatcher::proceed(const std::shared_ptr<exchange>& x) {
  try {
    redeem_ticket(*x);
    if (!is_fresh(*x)) { // a body may have taken hours
      authenticate(*x, x->message);
    }
    if (x->sink() == nullptr) {
      read_values(*x);
    }
    if (!x->endpoint->idempotent || !replay(*x)) {
      call_endpoint(x);
    }
  } catch (...) {
    fail(*x, std::current_exception());
  }
}

HANAMI_SERVICE_INLINE bool dispatcher::replay(exchange& x) {
  const std::string_view key = x.message.headers.get("Idempotency-Key");
  if (key.empty()) {
    return false;
  }
  if (key.size() > 255) {
    throw bad_request("an Idempotency-Key has at most 255 bytes");
  }
  const auto kept = store::begin_idempotent(parts_.db, detail::owner_of_keys(x.caller), key,
                                            detail::fingerprint(x.message));
  if (!kept) {
    x.idempotency_key = std::string(key);
    return false;
  }
  http::response again;
  again.status = kept->status;
  again.body = kept->body;
  again.content_type = "application/json";
  again.headers.add("Idempotency-Replayed", "true");
  note(x, kept->status);
  send(x, std::move(again));
  return true;
}

HANAMI_SERVICE_INLINE void dispatcher::call_endpoint(const std::shared_ptr<exchange>& x) {
  const endpoint& e = *x->endpoint;
  if (e.handle) {
    finish(*x, e.handle(*x));
    return;
  }
  e.handle_later(x, [this, x](answer given, std::exception_ptr why) {
    try {
      if (why) {
        std::rethrow_exception(why);
      }
      finish(*x, std::move(given));
    } catch (...) {
      fail(*x, std::current_exception());
    }
  });
}

HANAMI_SERVICE_INLINE void dispatcher::finish(exchange& x, answer given) {
  std::string tag = given.version ? entity_tag(*given.version) : std::move(given.tag);
  http::response out = detail::response_from(std::move(given), *x.endpoint);
  const http::fields& asked = x.message.headers;
  const bool packable = http::can_be_packed(out);
  const bool packed = packable && http::accepts_gzip(asked);
  if (packable) {
    out.headers.add("Vary", "Accept-Encoding");
  }
  const bool known =
      !tag.empty() && x.endpoint->reads() &&
      entity_tags(asked.get_all("If-None-Match")).match_weakly(packed ? packed_tag(tag) : tag);
  if (x.endpoint->ranges && out.status == 200) {
    out.headers.add("Accept-Ranges", "bytes");
    if (x.message.method == "GET" && !known) {
      http::answer_range(out, asked, tag);
    }
  } else if (out.source) {
    out.headers.add("Accept-Ranges", "none");
  }
  if (!tag.empty()) {
    out.headers.add("ETag", packed ? packed_tag(tag) : std::move(tag));
  }
  if (known) {
    out.status = 304;
    out.body.clear();
    out.source.reset();
    out.content_type.clear();
  }
  keep(x, out);
  note(x, out.status);
  if (packed && !known) {
    http::pack(out);
  }
  send(x, std::move(out));
}

HANAMI_SERVICE_INLINE void dispatcher::fail(exchange& x, const std::exception_ptr& why) noexcept {
  try {
    const std::optional<http::problem> known = http::problem_of(why);
    if (!known) {
      report_fault(x, why);
    }
    http::response out = response_of(known ? *known : http::internal_problem(), x.dialect);
    keep(x, out);
    note(x, out.status);
    send(x, std::move(out));
  } catch (const std::exception& again) {
    report(again.what()); // the responder answers by itself when it is dropped
  }
}

HANAMI_SERVICE_INLINE void dispatcher::send(exchange& x, http::response out) {
  allow_origin(x.message.headers.get("Origin"), out);
  x.respond(std::move(out));
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
                   "Accept-Ranges, Allow, Content-Range, ETag, Idempotency-Replayed, Location, "
                   "Retry-After");
  }
}

HANAMI_SERVICE_INLINE void dispatcher::report_fault(const exchange& x,
                                                    const std::exception_ptr& why) {
  const std::string operation = x.endpoint == nullptr ? std::string() : x.endpoint->id;
  const std::string words = text_of(why);
  report((operation.empty() ? std::string("a request") : operation) + ": " + words);
  parts_.logs.add(store::error_entry{now_ms(), x.caller.user_id, operation,
                                     detail::shown_values(x.values), words});
}

HANAMI_SERVICE_INLINE void dispatcher::keep(const exchange& x, const http::response& given) {
  if (x.idempotency_key.empty()) {
    return;
  }
  if (given.status >= 400) { // nothing was done: it may be tried again
    store::forget_idempotent(parts_.db, detail::owner_of_keys(x.caller), x.idempotency_key);
  } else {
    store::finish_idempotent(parts_.db, detail::owner_of_keys(x.caller), x.idempotency_key,
                             {given.status, given.body});
  }
}

HANAMI_SERVICE_INLINE void dispatcher::note(const exchange& x, unsigned status) {
  const endpoint* e = x.endpoint;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - x.begun;
  parts_.counts.add(e == nullptr ? std::string_view("unknown") : e->id, status, took.count());
  if (status >= 500 || parts_.log.keeps_debug()) {
    log_request(x, status, took);
  }
  if (e != nullptr && !e->reads() && e->audited && !x.caller.user_id.empty()) {
    const http::request& m = x.message;
    parts_.logs.add(store::audit_entry{now_ms(), x.caller.user_id, x.caller.project_id, m.method,
                                       m.path, e->id, status, m.address,
                                       x.caller.robot ? x.caller.token_id : std::string()});
  }
}

/// A warning for what went wrong on this side; without the query, in which there may be secrets.
HANAMI_SERVICE_INLINE void dispatcher::log_request(const exchange& x, unsigned status,
                                                   std::chrono::duration<double> took) {
  const http::request& m = x.message;
  char time[32];
  std::snprintf(time, sizeof time, ", %.3f ms", took.count() * 1e3);
  const std::string line = m.method + ' ' + m.path + ": " + std::to_string(status) + time +
                           " for " + (x.caller.user_id.empty() ? "nobody" : x.caller.user_id) +
                           " from " + m.address;
  status >= 500 ? parts_.log.warning("http", line) : parts_.log.debug("http", line);
}

HANAMI_SERVICE_INLINE std::shared_ptr<http::socket_handler>
dispatcher::open_socket(const http::request& head, std::shared_ptr<http::socket> peer) {
  exchange x;
  route(x, head);
  if (x.endpoint == nullptr || !x.endpoint->open_socket) {
    return sockets_ ? sockets_(head, std::move(peer)) : nullptr;
  }
  expect_open(x);
  x.message = head;
  for (const std::string_view word : offered_protocols(head)) {
    if (token_of(head).empty() && word.starts_with(bearer_protocol)) {
      x.message.headers.add("Authorization",
                            "Bearer " + std::string(word.substr(bearer_protocol.size())));
    }
  }
  try {
    redeem_ticket(x);
    authenticate(x, x.message);
    read_values(x);
    auto opened = x.endpoint->open_socket(x, std::move(peer));
    note(x, x.endpoint->status);
    return opened;
  } catch (...) {
    if (const auto why = http::problem_of(std::current_exception())) {
      note(x, why->status());
    }
    throw;
  }
}

HANAMI_SERVICE_INLINE void dispatcher::complete_refusal(const http::request& head,
                                                        http::response& refusal) {
  allow_origin(head.headers.get("Origin"), refusal);
}

HANAMI_SERVICE_INLINE void dispatcher::report(std::string_view what) noexcept {
  parts_.log.error("http", what);
}

} // namespace hanami::service::api
