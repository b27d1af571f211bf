// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "account_views.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline schema code_schema() {
  return schema::text(6, 64).describe("what the app shows, or a recovery code");
}

inline schema recovery_codes_schema() {
  return schema::object({{"recovery_codes", schema::list(schema::text())
                                                .describe("each good for one log-in; shown "
                                                          "this once")}})
      .called("RecoveryCodes");
}

inline answer recovery_codes_answer(const std::vector<std::string>& codes) {
  answer given(json::object{{"recovery_codes", json::array(codes.begin(), codes.end())}});
  given.headers.add("Cache-Control", "no-store");
  return given;
}

inline void add_second_factor_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "second factor";

  endpoint get = common;
  get.id = "get_second_factor";
  get.method = "GET";
  get.path = "/v1/me/second-factor";
  get.summary = "Whether log-ins of the user need a code of an app beside the password";
  get.response_schema = schema::object(
      {{"is_enabled", schema::boolean()},
       {"is_needed", schema::boolean().describe("the operator wants it: nothing else can be done "
                                                "before it is enabled")},
       {"since", time_schema().or_null()},
       {"recovery_codes", schema::integer().describe("that are left")}});
  get.handle = [&s](request_context& request) {
    const access::second_factor_state state =
        s.authenticator.second_factor_of(request.caller.user_id);
    return answer(json::object{
        {"is_enabled", state.enabled},
        {"is_needed", s.authenticator.needs_second_factor(request.caller.admin)},
        {"since", state.enabled ? json::value(to_rfc3339(state.since)) : json::value()},
        {"recovery_codes", state.recovery_codes}});
  };
  to.add(get);

  endpoint begin = common;
  begin.id = "begin_second_factor";
  begin.method = "POST";
  begin.path = "/v1/me/second-factor";
  begin.summary = "Makes the secret of a second factor, for an app that shows codes (TOTP)";
  begin.description = "Shown this once, as text and as an otpauth URL for a picture. It counts as "
                      "soon as a first code of the app has come to .../confirm.";
  begin.status = 201;
  begin.refusals = {409, 429};
  begin.hashes_passwords = true;
  begin.body = schema::object({{"password", schema::text(1, 4096)}});
  begin.response_schema = schema::object(
      {{"secret", schema::text().describe("base32")}, {"otpauth_url", schema::text()}});
  begin.handle = [&s](request_context& request) {
    const access::new_second_factor made =
        s.authenticator.begin_second_factor(request.caller, request.text("password"));
    answer given(json::object{{"secret", made.secret}, {"otpauth_url", made.url}});
    given.headers.add("Cache-Control", "no-store");
    return given;
  };
  to.add(begin);

  endpoint confirm = common;
  confirm.id = "confirm_second_factor";
  confirm.method = "POST";
  confirm.path = "/v1/me/second-factor/confirm";
  confirm.summary = "Enables the second factor by the first code; gives the recovery codes";
  confirm.refusals = {409, 429};
  confirm.body = schema::object({{"code", code_schema()}});
  confirm.response_schema = recovery_codes_schema();
  confirm.handle = [&s](request_context& request) {
    return recovery_codes_answer(
        s.authenticator.confirm_second_factor(request.caller, request.text("code")));
  };
  to.add(confirm);

  endpoint renew = common;
  renew.id = "renew_recovery_codes";
  renew.method = "POST";
  renew.path = "/v1/me/second-factor/recovery-codes";
  renew.summary = "New recovery codes; the old ones are void";
  renew.refusals = {409, 429};
  renew.body = schema::object({{"code", code_schema()}});
  renew.response_schema = recovery_codes_schema();
  renew.handle = [&s](request_context& request) {
    return recovery_codes_answer(
        s.authenticator.renew_recovery_codes(request.caller, request.text("code")));
  };
  to.add(renew);

  endpoint end = common;
  end.id = "end_second_factor";
  end.method = "POST";
  end.path = "/v1/me/second-factor/disable";
  end.summary = "Removes the own second factor";
  end.status = 204;
  end.refusals = {409, 429};
  end.hashes_passwords = true;
  end.body = schema::object({{"password", schema::text(1, 4096)}, {"code", code_schema()}});
  end.handle = [&s](request_context& request) {
    s.authenticator.end_second_factor(request.caller, request.text("password"),
                                      request.text("code"));
    return answer();
  };
  to.add(end);

  endpoint remove = common;
  remove.audience = audience::admin;
  remove.id = "remove_user_second_factor";
  remove.method = "DELETE";
  remove.path = "/v1/users/{user_id}/second-factor";
  remove.summary = "Removes the second factor of a user who has lost it";
  remove.path_values = schema::object({{"user_id", user_id_schema()}});
  remove.status = 204;
  remove.refusals = {404, 409};
  remove.handle = [&s](request_context& request) {
    s.accounts.get_user(request.text("user_id"));
    s.authenticator.remove_second_factor(request.text("user_id"));
    return answer();
  };
  to.add(remove);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_second_factor_endpoints(registry& to, services& s) {
  detail::add_second_factor_endpoints(to, s);
}

} // namespace hanami::service::api
