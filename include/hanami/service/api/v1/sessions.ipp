// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../log_in.hpp"
#include "account_views.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline void add_log_in_endpoints(registry& to, services& s) {
  endpoint login;
  login.id = "log_in";
  login.method = "POST";
  login.path = "/v1/sessions";
  login.tag = "sessions";
  login.summary = "Logs in";
  login.description = "A token speaks for one user in one project. Administrators enter the "
                      "project 'admin', others "
                      "their first one, unless the request names another. Users with a second "
                      "factor give its code, or a recovery code, beside the password; without it "
                      "the refusal is 'code_needed'.";
  login.audience = audience::anyone;
  login.status = 201;
  login.refusals = {401, 429};
  login.body = schema::object({{"user_id", schema::text(1, 254)},
                               {"password", schema::text(1, 4096)},
                               {"project_id", schema::text(1, 254), presence::optional},
                               {"code", schema::text(1, 64), presence::optional}});
  login.response_schema = session_schema();
  login.handle = [&s](request_context& request) {
    return session_answer(log_in(s, request, request.text("user_id"), request.text("password"),
                                 request.text_if("project_id").value_or(""),
                                 request.text_if("code").value_or("")));
  };
  login.hashes_passwords = true;
  login.limit_rate = limit_of_logins(s);
  to.add(login);

  endpoint refresh;
  refresh.id = "refresh_session";
  refresh.method = "POST";
  refresh.path = "/v1/sessions/refresh";
  refresh.tag = "sessions";
  refresh.summary = "New tokens for a refresh token, which is used up";
  refresh.description =
      "Who never got the answer may ask once more, within half a minute unless the "
      "operator says otherwise. A refresh token that comes again after that, or "
      "after the new one was used, has been stolen from somebody: all tokens of "
      "its session are void then.";
  refresh.audience = audience::anyone;
  refresh.status = 201;
  refresh.refusals = {401};
  refresh.body = schema::object({{"refresh_token", schema::text(1, 1024)}});
  refresh.response_schema = session_schema();
  refresh.handle = [&s](request_context& request) {
    const http::request& m = request.message;
    return session_answer(s.authenticator.refresh(request.text("refresh_token"), m.address,
                                                  m.headers.get("User-Agent")));
  };
  to.add(refresh);

  endpoint enter;
  enter.id = "switch_project";
  enter.method = "POST";
  enter.path = "/v1/sessions/project";
  enter.tag = "sessions";
  enter.summary = "Tokens of the same user for another project";
  enter.status = 201;
  enter.body = schema::object({{"project_id", project_id_schema()}});
  enter.response_schema = session_schema();
  enter.handle = [&s](request_context& request) {
    return session_answer(
        s.authenticator.switch_project(request.caller, request.text("project_id")));
  };
  to.add(enter);

  endpoint leave;
  leave.id = "log_out";
  leave.method = "DELETE";
  leave.path = "/v1/sessions/current";
  leave.tag = "sessions";
  leave.summary = "Voids this token and the refresh tokens of its session";
  leave.status = 204;
  leave.handle = [&s](request_context& request) {
    s.authenticator.revoke(request.caller);
    return answer();
  };
  to.add(leave);
}

inline void add_own_endpoints(registry& to, services& s) {
  endpoint me;
  me.id = "get_me";
  me.method = "GET";
  me.path = "/v1/me";
  me.tag = "sessions";
  me.summary = "Who the token speaks for, what that user may own and owns";
  me.response_schema = schema::object({{"user", user_schema()},
                                       {"project_id", schema::text()},
                                       {"role", schema::text()},
                                       {"is_project_admin", schema::boolean()},
                                       {"expires_at", time_schema()},
                                       {"quota", quota_schema()},
                                       {"used", schema::object({{"clusters", schema::integer()},
                                                                {"streams", schema::integer()},
                                                                {"datasets", schema::integer()},
                                                                {"checkpoints", schema::integer()},
                                                                {"bytes", schema::integer()},
                                                                {"memory", schema::integer()}})}});
  me.handle = [&s](request_context& request) {
    const store::usage used = s.resources.used_by(request.caller.user_id);
    return answer(json::object{
        {"user", show_user(s.accounts.get_user(request.caller.user_id))},
        {"project_id", request.caller.project_id},
        {"role", request.caller.role},
        {"is_project_admin", request.caller.project_admin},
        {"expires_at", to_rfc3339(request.caller.expires * 1000)},
        {"quota", show_quota(s.accounts.quota_of(request.caller.user_id))},
        {"used", json::object{{"clusters", used.clusters},
                              {"streams", used.streams},
                              {"datasets", used.datasets},
                              {"checkpoints", used.checkpoints},
                              {"bytes", used.bytes},
                              {"memory", s.engine.memory_of(request.caller.user_id)}}}});
  };
  to.add(me);

  endpoint password;
  password.id = "change_password";
  password.method = "PUT";
  password.path = "/v1/me/password";
  password.tag = "sessions";
  password.summary = "Changes the own password; all tokens of the user are void then";
  password.status = 204;
  password.hashes_passwords = true;
  password.body = schema::object(
      {{"old_password", schema::text(1, 4096)}, {"new_password", password_schema()}});
  password.handle = [&s](request_context& request) {
    s.authenticator.change_password(request.caller, request.text("old_password"),
                                    request.text("new_password"));
    return answer();
  };
  to.add(password);
}

inline void add_own_session_endpoints(registry& to, services& s) {
  endpoint list;
  list.id = "list_sessions";
  list.method = "GET";
  list.path = "/v1/me/sessions";
  list.tag = "sessions";
  list.summary = "The own sessions, the last used first";
  list.response_schema = schema::object(
      {{"items",
        schema::list(schema::object(
                         {{"id", id_schema("session")},
                          {"project_id", schema::text()},
                          {"address", schema::text().describe("when its tokens were last renewed")},
                          {"device", schema::text().describe("what the client said of itself")},
                          {"created_at", time_schema()},
                          {"used_at", time_schema()},
                          {"is_current", schema::boolean().describe("the one that asks")}})
                         .called("OwnSession"))}});
  list.handle = [&s](request_context& request) {
    json::array items;
    for (const access::session& each : s.authenticator.sessions(request.caller.user_id)) {
      items.push_back(json::object{{"id", each.id},
                                   {"project_id", each.project_id},
                                   {"address", each.address},
                                   {"device", each.device},
                                   {"created_at", to_rfc3339(each.created_at)},
                                   {"used_at", to_rfc3339(each.used_at)},
                                   {"is_current", request.caller.token_id.starts_with(each.id)}});
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(list);

  endpoint end;
  end.id = "end_session";
  end.method = "DELETE";
  end.path = "/v1/me/sessions/{session_id}";
  end.tag = "sessions";
  end.summary = "Ends one of the own sessions: all its tokens are void";
  end.path_values = one_id("session_id", "session");
  end.status = 204;
  end.refusals = {404};
  end.handle = [&s](request_context& request) {
    s.authenticator.end_session(request.caller.user_id, request.text("session_id"));
    return answer();
  };
  to.add(end);

  endpoint others;
  others.id = "end_other_sessions";
  others.method = "DELETE";
  others.path = "/v1/me/sessions";
  others.tag = "sessions";
  others.summary = "Ends all own sessions but the one that asks";
  others.status = 204;
  others.handle = [&s](request_context& request) {
    s.authenticator.end_other_sessions(request.caller);
    return answer();
  };
  to.add(others);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_session_endpoints(registry& to, services& s) {
  detail::add_log_in_endpoints(to, s);
  detail::add_own_endpoints(to, s);
  detail::add_own_session_endpoints(to, s);
}

} // namespace hanami::service::api
