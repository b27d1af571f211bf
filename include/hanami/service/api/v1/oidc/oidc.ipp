// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "../../../access/oidc/sign_on.hpp"
#include "../../../base/clock.hpp"
#include "../../../base/compile.hpp"
#include "../../../base/limited_work.hpp"
#include "../../../base/refusal.hpp"
#include "../../log_in.hpp"
#include "../account_views.hpp"
#include "../endpoints.hpp"
#include "../views.hpp"

namespace hanami::service::api {

namespace detail {

/// Throws `not_found` where there is none.
inline access::oidc::sign_on& provider_of(const services& s) {
  if (s.provider == nullptr) {
    throw refusal(
        refusal_code::not_found,
        "no provider of log-ins is set up here; its operator can name one in oidc.issuer");
  }
  return *s.provider;
}

inline std::string cookie_field(const access::oidc::browser_cookie& cookie) {
  return cookie.name + '=' + cookie.value + "; Path=" + cookie.path +
         "; Max-Age=" + (cookie.value.empty() ? "0" : std::to_string(access::oidc::most_log_in_s)) +
         "; HttpOnly; SameSite=Lax" + (cookie.secure ? "; Secure" : "");
}

/// Sends a browser on, with nothing of where it comes from.
inline answer way_on(const std::string& location, const access::oidc::browser_cookie& cookie) {
  answer given;
  given.location = location;
  given.content_type = "text/plain; charset=utf-8";
  given.text = "go on there\n";
  given.headers.add("Set-Cookie", cookie_field(cookie));
  given.headers.add("Cache-Control", "no-store");
  given.headers.add("Referrer-Policy", "no-referrer");
  return given;
}

inline std::string in_html(std::string_view text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
    case '&':
      made += "&amp;";
      break;
    case '<':
      made += "&lt;";
      break;
    case '>':
      made += "&gt;";
      break;
    case '"':
      made += "&quot;";
      break;
    case '\'':
      made += "&#39;";
      break;
    default:
      made += c;
    }
  }
  return made;
}

/// For whoever has come back with their browser, and has to say that it was they who left.
inline std::string code_page(const std::string& code, const access::oidc::granted_log_in& one) {
  std::string page = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                     "<title>hanami</title></head><body>\n<h1>Logged in as " +
                     in_html(one.user_id) + "</h1>\n";
  if (one.program.return_to.empty()) {
    page += "<p>Type this code into the program that you have started, and nowhere else:</p>\n"
            "<p><code>" +
            in_html(code) + "</code></p>\n";
  } else {
    std::string to = one.program.return_to;
    to += (to.find('?') == std::string::npos ? "?code=" : "&code=") + access::oidc::in_query(code);
    if (!one.program.state.empty()) {
      to += "&state=" + access::oidc::in_query(one.program.state);
    }
    page += "<p>A program on this computer waits for you. <a href=\"" + in_html(to) +
            "\">Go on</a> if you have started it.</p>\n";
  }
  return page + "<p>Has somebody else sent you here? Then close this page.</p>\n</body></html>\n";
}

/// Requests that wait for the provider: no more of them at a time than leave workers to everybody
/// else.
class provider_queue {
 public:
  explicit provider_queue(services& s) : s_(s) {}

  void answer_later(std::shared_ptr<request_context> request, completion done,
                    std::function<answer(request_context&)> work) {
    const bool taken = waiting_.post(s_.run, [request, done, work = std::move(work)] {
      answer given;
      std::exception_ptr why;
      try {
        given = work(*request);
      } catch (...) {
        why = std::current_exception();
      }
      done(std::move(given), why);
    });
    if (!taken) {
      refusal why(refusal_code::busy, "too many log-ins wait for the provider; try again");
      why.retry_after_s = 5;
      throw why;
    }
  }

 private:
  services& s_;
  limited_work waiting_{2, 64};
};

inline answer come_back(services& s, request_context& request) {
  const http::request& m = request.message;
  access::oidc::way_back back =
      provider_of(s).finish({request.text("state"), request.text_if("code"),
                             request.text_if("error"), request.text_if("iss")},
                            m.headers.get("Cookie"));
  if (back.refused) {
    const refusal& why = *back.refused;
    // What comes from outside must not look like the address that programs are to keep out.
    std::string reason = why.what();
    for (std::size_t at = 0; (at = reason.find("' from", at)) != std::string::npos;) {
      reason[at] = '`';
    }
    s.log.warning("access", "log-in of '' from " + m.address +
                                (why.code() == refusal_code::busy ? " failed: " : " refused: ") +
                                reason);
    note_log_in(s, request, {}, {}, why.code() == refusal_code::busy ? 503 : 401);
    if (back.location.empty()) {
      throw why;
    }
  }
  return way_on(back.location, back.cookie);
}

inline void add_sign_on_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "single sign-on";
  common.audience = audience::anyone;

  endpoint ways = common;
  ways.id = "list_log_in_ways";
  ways.method = "GET";
  ways.path = "/v1/log-in-ways";
  ways.summary = "How users may log in here";
  ways.non_blocking = true;
  ways.response_schema = schema::object(
      {{"items", schema::list(schema::object({{"kind", schema::choice({"password", "oidc"})},
                                              {"label", schema::text().describe("for a button")},
                                              {"path", schema::text().describe(
                                                           "password: of the request; oidc: where "
                                                           "a browser is sent")}})
                                  .called("LogInWay"))}});
  ways.handle = [&s](request_context&) {
    json::array items;
    items.push_back(
        json::object{{"kind", "password"}, {"label", "Password"}, {"path", "/v1/sessions"}});
    if (s.provider != nullptr) {
      items.push_back(json::object{
          {"kind", "oidc"}, {"label", s.config.oidc.label}, {"path", "/v1/oidc/start"}});
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(ways);

  const auto queue = std::make_shared<provider_queue>(s);
  endpoint start = common;
  start.id = "start_oidc";
  start.method = "GET";
  start.path = "/v1/oidc/start";
  start.summary = "Sends a browser to the provider, to log in for a program";
  start.description =
      "The program makes a secret of 43 to 128 characters (RFC 7636, 4.1: `code_verifier`) and "
      "opens "
      "this in a browser with its SHA-256 in base64 (`code_challenge`). The browser comes back to "
      "`return_to` with `code`, or `error` and `error_description`, and the program's `state`; "
      "POST "
      "/v1/oidc/sessions exchanges code and secret for a session. `return_to` is a page of an "
      "origin "
      "that the operator has named, or a program on the browser's own machine "
      "(http://127.0.0.1:PORT/...), where whoever is at the browser has to agree; without it, a "
      "page "
      "shows the code, for programs on other machines.";
  start.status = 303;
  start.response_type = "text/plain";
  start.refusals = {404};
  start.limit_rate = limit_of_logins(s);
  start.query = schema::object(
      {{"code_challenge", schema::text(43, 43).describe("SHA-256 of the program's secret, base64 "
                                                        "for URLs without padding")},
       {"return_to", schema::text(1, 1024), presence::optional},
       {"state", schema::text(0, 512).describe("of the program: it gets it back"),
        presence::optional}});
  start.handle_later = [&s, queue](std::shared_ptr<request_context> request, completion done) {
    queue->answer_later(std::move(request), std::move(done), [&s](request_context& from) {
      const access::oidc::way_to_provider way =
          provider_of(s).begin({from.text("code_challenge"), from.text_if("return_to").value_or(""),
                                from.text_if("state").value_or("")});
      return way_on(way.location, way.cookie);
    });
  };
  to.add(start);

  endpoint back = common;
  back.id = "finish_oidc";
  back.method = "GET";
  back.path = "/v1/oidc/callback";
  back.summary = "Where the provider sends the browser back to";
  back.description = "Never called by programs. Goes on to where the log-in has come from.";
  back.status = 303;
  back.response_type = "text/plain";
  back.refusals = {401, 404, 409};
  back.limit_rate = limit_of_logins(s);
  back.foreign_query = true;
  back.query =
      schema::object({{"state", schema::text(1, 128)},
                      {"code", schema::text(1, 4096), presence::optional},
                      {"error", schema::text(1, 512), presence::optional},
                      {"iss", schema::text(1, 2048).describe("RFC 9207"), presence::optional}});
  back.handle_later = [&s, queue](std::shared_ptr<request_context> request, completion done) {
    queue->answer_later(std::move(request), std::move(done),
                        [&s](request_context& from) { return come_back(s, from); });
  };
  to.add(back);

  endpoint page = common;
  page.id = "show_oidc_code";
  page.method = "GET";
  page.path = "/v1/oidc/code";
  page.summary = "Asks whoever is at the browser whether they have begun the log-in";
  page.response_type = "text/html";
  page.refusals = {401, 404};
  page.non_blocking = true;
  page.limit_rate = limit_of_logins(s);
  page.query = schema::object({{"code", schema::text(1, 128)}});
  page.handle = [&s](request_context& request) {
    const std::string code = request.text("code");
    const auto one = provider_of(s).granted(code);
    if (!one) {
      throw unauthenticated("the code is not good (any more)");
    }
    answer given;
    given.text = code_page(code, *one);
    given.content_type = "text/html; charset=utf-8";
    given.headers.add("Cache-Control", "no-store");
    given.headers.add("Referrer-Policy", "no-referrer");
    return given;
  };
  to.add(page);

  endpoint session = common;
  session.id = "redeem_oidc";
  session.method = "POST";
  session.path = "/v1/oidc/sessions";
  session.summary = "A session for the code that a log-in by the provider has ended with";
  session.description = "The code is good once, for five minutes. Users are entered into their "
                        "first project, unless the request names another. Nobody is asked for a "
                        "code of a second factor here: the provider has asked for what it wants.";
  session.status = 201;
  session.refusals = {401, 404};
  session.limit_rate = limit_of_logins(s);
  session.body = schema::object({{"code", schema::text(1, 128)},
                                 {"code_verifier", schema::text(43, 128)},
                                 {"project_id", schema::text(1, 254), presence::optional}});
  session.response_schema = session_schema();
  session.handle = [&s](request_context& request) {
    access::oidc::sign_on& provider = provider_of(s);
    const http::request& m = request.message;
    const std::string code = request.text("code");
    const std::string project = request.text_if("project_id").value_or("");
    const auto one = provider.granted(code);
    return session_answer(
        noted_log_in(s, request, one ? one->user_id : std::string(), project, [&] {
          return provider.redeem(code, request.text("code_verifier"), project, m.address,
                                 m.headers.get("User-Agent"));
        }));
  };
  to.add(session);
}

inline schema identity_schema() {
  return schema::object({{"id", id_schema("identity")},
                         {"issuer", schema::text()},
                         {"subject", schema::text().describe("the user's id at the provider")},
                         {"created_at", time_schema()},
                         {"used_at", time_schema().or_null()}})
      .called("Identity");
}

inline json::object show_identity(const access::oidc::identity_link& link) {
  return {{"id", link.id},
          {"issuer", link.issuer},
          {"subject", link.subject},
          {"created_at", to_rfc3339(link.created_at)},
          {"used_at", link.used_at == 0 ? json::value() : json::value(to_rfc3339(link.used_at))}};
}

inline void add_identity_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "single sign-on";
  common.audience = audience::admin;
  common.refusals = {404};

  endpoint list = common;
  list.id = "list_identities";
  list.method = "GET";
  list.path = "/v1/users/{user_id}/identities";
  list.summary = "Who at the provider this user is";
  list.path_values = schema::object({{"user_id", user_id_schema()}});
  list.response_schema = schema::object({{"items", schema::list(identity_schema())}});
  list.handle = [&s](request_context& request) {
    json::array items;
    for (const auto& each : provider_of(s).links().list(request.text("user_id"))) {
      items.push_back(show_identity(each));
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(list);

  endpoint add = common;
  add.id = "add_identity";
  add.method = "POST";
  add.path = "/v1/users/{user_id}/identities";
  add.summary = "Links a user to an identity at the provider, which may log in as that user then";
  add.path_values = schema::object({{"user_id", user_id_schema()}});
  add.status = 201;
  add.refusals = {404, 409};
  add.body = schema::object({{"subject", schema::text(1, 255).describe("`sub` at the provider")}});
  add.response_schema = identity_schema();
  add.handle = [&s](request_context& request) {
    return answer(show_identity(
        provider_of(s).links().add(request.text("user_id"), request.text("subject"))));
  };
  to.add(add);

  endpoint remove = common;
  remove.id = "remove_identity";
  remove.method = "DELETE";
  remove.path = "/v1/users/{user_id}/identities/{identity_id}";
  remove.summary = "Ends the link; sessions that there are go on";
  remove.path_values =
      schema::object({{"user_id", user_id_schema()}, {"identity_id", id_schema("identity")}});
  remove.status = 204;
  remove.handle = [&s](request_context& request) {
    provider_of(s).links().remove(request.text("user_id"), request.text("identity_id"));
    return answer();
  };
  to.add(remove);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_oidc_endpoints(registry& to, services& s) {
  detail::add_sign_on_endpoints(to, s);
  detail::add_identity_endpoints(to, s);
}

} // namespace hanami::service::api
