// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../access/scopes.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "account_views.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline schema scope_schema() {
  std::vector<std::string> names;
  for (const auto& [name, scope] : access::named_scopes) {
    names.emplace_back(name);
  }
  return schema::list(schema::choice(std::move(names)), 1, access::named_scopes.size())
      .describe(
          "read: all that is only looked at; infer, train: clusters, sample by sample; write: "
          "all changes, those two among them; admin: the user's rights as an administrator, of "
          "the service or of the project, in what the others permit");
}

inline std::vector<schema_property> api_token_properties() {
  return {{"id", id_schema("API token")},
          {"name", name_schema().describe("what it is for")},
          {"project_id", schema::text()},
          {"scopes", scope_schema()},
          {"created_at", time_schema()},
          {"expires_at", time_schema()},
          {"used_at", time_schema().or_null().describe("null: never")}};
}

inline json::object show_api_token(const access::api_token& t) {
  json::array scopes;
  for (const std::string& name : access::scope_names(t.scopes)) {
    scopes.emplace_back(name);
  }
  return {{"id", t.id},
          {"name", t.name},
          {"project_id", t.project_id},
          {"scopes", std::move(scopes)},
          {"created_at", to_rfc3339(t.created_at)},
          {"expires_at", to_rfc3339(t.expires_at)},
          {"used_at", t.used_at == 0 ? json::value() : json::value(to_rfc3339(t.used_at))}};
}

inline answer show_api_tokens(services& s, const std::string& user_id) {
  json::array items;
  for (const access::api_token& each : s.authenticator.list_api_tokens(user_id)) {
    items.push_back(show_api_token(each));
  }
  return answer(json::object{{"items", std::move(items)}});
}

inline void add_api_token_endpoints(registry& to, services& s) {
  constexpr std::int64_t year_s = std::int64_t{365} * 24 * 3600;
  const schema one = schema::object(api_token_properties()).called("ApiToken");
  const schema all = schema::object({{"items", schema::list(one)}});
  endpoint common;
  common.tag = "API tokens";

  endpoint create = common;
  create.id = "create_api_token";
  create.method = "POST";
  create.path = "/v1/me/tokens";
  create.summary = "Makes a token for a program, which is shown this once";
  create.description =
      "It goes where an access token goes, and speaks for this user in this project, within its "
      "scopes, until it expires, is removed, or the user's password is changed. It can neither log "
      "in nor make tokens.";
  create.status = 201;
  create.body = schema::object(
      {{"name", name_schema().describe("what it is for")},
       {"scopes", scope_schema()},
       {"expires_in", schema::integer(60, 10 * year_s).otherwise(year_s).describe("seconds")}});
  std::vector<schema_property> shown = api_token_properties();
  shown.push_back({"token", schema::text().describe("for `Authorization: Bearer`")});
  create.response_schema = schema::object(std::move(shown)).called("NewApiToken");
  create.handle = [&s](request_context& request) {
    unsigned scopes = 0;
    for (const json::value& name : request.values.at("scopes").as_array()) {
      scopes |= access::scope_named(std::string_view(name.as_string()));
    }
    const access::made_api_token made = s.authenticator.make_api_token(
        request.caller, request.text("name"), static_cast<std::uint8_t>(scopes),
        request.integer("expires_in"));
    json::object body = show_api_token(made.about);
    body["token"] = made.text;
    answer given(std::move(body));
    given.location = "/v1/me/tokens/" + made.about.id;
    given.headers.add("Cache-Control", "no-store");
    return given;
  };
  to.add(create);

  endpoint list = common;
  list.id = "list_api_tokens";
  list.method = "GET";
  list.path = "/v1/me/tokens";
  list.summary = "The own API tokens, in all projects, the newest first";
  list.response_schema = all;
  list.handle = [&s](request_context& request) {
    return show_api_tokens(s, request.caller.user_id);
  };
  to.add(list);

  endpoint remove = common;
  remove.id = "remove_api_token";
  remove.method = "DELETE";
  remove.path = "/v1/me/tokens/{token_id}";
  remove.summary = "Removes an own API token, which is void at once";
  remove.path_values = one_id("token_id", "API token");
  remove.status = 204;
  remove.refusals = {404};
  remove.handle = [&s](request_context& request) {
    s.authenticator.remove_api_token(request.caller.user_id, request.text("token_id"));
    return answer();
  };
  to.add(remove);

  endpoint list_of_user = common;
  list_of_user.audience = audience::admin;
  list_of_user.id = "list_user_api_tokens";
  list_of_user.method = "GET";
  list_of_user.path = "/v1/users/{user_id}/tokens";
  list_of_user.summary = "The API tokens of a user";
  list_of_user.path_values = schema::object({{"user_id", user_id_schema()}});
  list_of_user.refusals = {404};
  list_of_user.response_schema = all;
  list_of_user.handle = [&s](request_context& request) {
    return show_api_tokens(s, request.text("user_id"));
  };
  to.add(list_of_user);

  endpoint remove_of_user = common;
  remove_of_user.audience = audience::admin;
  remove_of_user.id = "remove_user_api_token";
  remove_of_user.method = "DELETE";
  remove_of_user.path = "/v1/users/{user_id}/tokens/{token_id}";
  remove_of_user.summary = "Removes an API token of a user, which is void at once";
  remove_of_user.path_values =
      schema::object({{"user_id", user_id_schema()}, {"token_id", id_schema("API token")}});
  remove_of_user.status = 204;
  remove_of_user.refusals = {404};
  remove_of_user.handle = [&s](request_context& request) {
    s.authenticator.remove_api_token(request.text("user_id"), request.text("token_id"));
    return answer();
  };
  to.add(remove_of_user);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_api_token_endpoints(registry& to, services& s) {
  detail::add_api_token_endpoints(to, s);
}

} // namespace hanami::service::api
