// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline schema user_id_schema() {
  return schema::text(4, 254, text_form::user_id).describe("id of the user");
}
inline schema project_id_schema() {
  return schema::text(4, 254, text_form::identifier).describe("id of the project");
}
inline schema password_schema() { return schema::text(8, 4096).describe("8 to 4096 bytes"); }
inline schema role_schema() {
  return schema::text(1, 64, text_form::identifier)
      .describe("admin, member, viewer, or a role of the operator's policy");
}

inline schema membership_schema() {
  return schema::object({{"project_id", project_id_schema()},
                         {"role", role_schema()},
                         {"is_project_admin", schema::boolean()}});
}

inline schema user_schema() {
  return schema::object({{"id", user_id_schema()},
                         {"name", name_schema()},
                         {"is_admin", schema::boolean()},
                         {"creator_id", schema::text()},
                         {"created_at", time_schema()},
                         {"updated_at", time_schema()},
                         {"version", schema::integer(1)},
                         {"projects", schema::list(membership_schema())}})
      .called("User");
}

inline schema project_schema() {
  return schema::object({{"id", project_id_schema()},
                         {"name", name_schema()},
                         {"creator_id", schema::text()},
                         {"created_at", time_schema()},
                         {"updated_at", time_schema()},
                         {"version", schema::integer(1)}})
      .called("Project");
}

inline schema quota_schema() {
  return schema::object({{"clusters", schema::integer()},
                         {"datasets", schema::integer()},
                         {"checkpoints", schema::integer()},
                         {"open_tasks", schema::integer()},
                         {"bytes", schema::integer().describe("on disk")}})
      .called("Quota");
}

inline json::object show_membership(const access::membership& m) {
  return {{"project_id", m.project_id}, {"role", m.role}, {"is_project_admin", m.project_admin}};
}

inline json::object show_user(const access::user& u) {
  json::array projects;
  for (const access::membership& m : u.projects) {
    projects.push_back(show_membership(m));
  }
  return {{"id", u.id},
          {"name", u.name},
          {"is_admin", u.admin},
          {"creator_id", u.creator_id},
          {"created_at", to_rfc3339(u.created_at)},
          {"updated_at", to_rfc3339(u.updated_at)},
          {"version", u.version},
          {"projects", std::move(projects)}};
}

inline answer user_answer(const access::user& u) {
  answer given(show_user(u));
  given.version = u.version;
  return given;
}

inline json::object show_project(const access::project& p) {
  return {{"id", p.id},
          {"name", p.name},
          {"creator_id", p.creator_id},
          {"created_at", to_rfc3339(p.created_at)},
          {"updated_at", to_rfc3339(p.updated_at)},
          {"version", p.version}};
}

inline answer project_answer(const access::project& p) {
  answer given(show_project(p));
  given.version = p.version;
  return given;
}

inline json::object show_quota(const quota& q) {
  return {{"clusters", q.clusters},
          {"datasets", q.datasets},
          {"checkpoints", q.checkpoints},
          {"open_tasks", q.open_tasks},
          {"bytes", q.bytes}};
}

inline void check_version(const request_context& request, std::uint64_t version) {
  const auto expected = request.expected_version();
  if (expected && *expected != version) {
    throw refusal(refusal_code::version_mismatch,
                  "it has changed: it is at version " + std::to_string(version));
  }
}

inline schema session_schema() {
  return schema::object({{"access_token", schema::text().describe("for `Authorization: Bearer`")},
                         {"refresh_token", schema::text().describe("good for one refresh")},
                         {"token_type", schema::text()},
                         {"expires_in", schema::integer().describe("seconds, of the access token")},
                         {"user_id", schema::text()},
                         {"user_name", schema::text()},
                         {"project_id", schema::text()},
                         {"role", schema::text()},
                         {"is_admin", schema::boolean()},
                         {"is_project_admin", schema::boolean()}})
      .called("Session");
}

inline answer session_answer(const access::session_tokens& given) {
  answer out(json::object{{"access_token", given.access_token},
                          {"refresh_token", given.refresh_token},
                          {"token_type", "Bearer"},
                          {"expires_in", given.expires_in_s},
                          {"user_id", given.caller.user_id},
                          {"user_name", given.caller.user_name},
                          {"project_id", given.caller.project_id},
                          {"role", given.caller.role},
                          {"is_admin", given.caller.admin},
                          {"is_project_admin", given.caller.project_admin}});
  out.headers.add("Cache-Control", "no-store");
  return out;
}

inline void add_session_endpoints(registry& to, services& s) {
  endpoint login;
  login.id = "log_in";
  login.method = "POST";
  login.path = "/v1/sessions";
  login.tag = "sessions";
  login.summary = "Logs in";
  login.description = "A token speaks for one user in one project. Administrators enter the "
                      "project 'admin', others "
                      "their first one, unless the request names another.";
  login.audience = audience::anyone;
  login.status = 201;
  login.refusals = {401, 429};
  login.body = schema::object({{"user_id", schema::text(1, 254)},
                               {"password", schema::text(1, 4096)},
                               {"project_id", schema::text(1, 254), presence::optional}});
  login.response_schema = session_schema();
  login.handle = [&s](request_context& request) {
    return session_answer(s.authenticator.login(request.text("user_id"), request.text("password"),
                                                request.message.address,
                                                request.text_if("project_id").value_or("")));
  };
  to.add(login);

  endpoint refresh;
  refresh.id = "refresh_session";
  refresh.method = "POST";
  refresh.path = "/v1/sessions/refresh";
  refresh.tag = "sessions";
  refresh.summary = "New tokens for a refresh token, which is used up";
  refresh.description = "A refresh token that comes a second time has been stolen from somebody: "
                        "all tokens of its session are void then.";
  refresh.audience = audience::anyone;
  refresh.status = 201;
  refresh.refusals = {401};
  refresh.body = schema::object({{"refresh_token", schema::text(1, 1024)}});
  refresh.response_schema = session_schema();
  refresh.handle = [&s](request_context& request) {
    return session_answer(s.authenticator.refresh(request.text("refresh_token")));
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
                                                                {"datasets", schema::integer()},
                                                                {"checkpoints", schema::integer()},
                                                                {"bytes", schema::integer()}})}});
  me.handle = [&s](request_context& request) {
    const store::usage used = s.resources.used_by(request.caller.user_id);
    return answer(json::object{{"user", show_user(s.accounts.get_user(request.caller.user_id))},
                               {"project_id", request.caller.project_id},
                               {"role", request.caller.role},
                               {"is_project_admin", request.caller.project_admin},
                               {"expires_at", to_rfc3339(request.caller.expires * 1000)},
                               {"quota", show_quota(s.accounts.quota_of(request.caller.user_id))},
                               {"used", json::object{{"clusters", used.clusters},
                                                     {"datasets", used.datasets},
                                                     {"checkpoints", used.checkpoints},
                                                     {"bytes", used.bytes}}}});
  };
  to.add(me);

  endpoint password;
  password.id = "change_password";
  password.method = "PUT";
  password.path = "/v1/me/password";
  password.tag = "sessions";
  password.summary = "Changes the own password; all tokens of the user are void then";
  password.status = 204;
  password.body = schema::object(
      {{"old_password", schema::text(1, 4096)}, {"new_password", password_schema()}});
  password.handle = [&s](request_context& request) {
    s.authenticator.change_password(request.caller, request.text("old_password"),
                                    request.text("new_password"));
    return answer();
  };
  to.add(password);
}

inline void add_user_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "users";
  common.audience = audience::admin;
  common.response_schema = user_schema();
  const schema one = schema::object({{"user_id", user_id_schema()}});

  endpoint create = common;
  create.id = "create_user";
  create.method = "POST";
  create.path = "/v1/users";
  create.summary = "Makes a user";
  create.status = 201;
  create.idempotent = true;
  create.refusals = {409};
  create.body = schema::object({{"id", user_id_schema()},
                                {"name", name_schema()},
                                {"password", password_schema()},
                                {"is_admin", schema::boolean().otherwise(false)}});
  create.handle = [&s](request_context& request) {
    const access::user u =
        s.accounts.create_user({request.text("id"), request.text("name"), request.text("password"),
                                request.flag("is_admin")},
                               request.caller.user_id);
    answer given = user_answer(u);
    given.location = "/v1/users/" + u.id;
    return given;
  };
  to.add(create);

  endpoint list = common;
  list.id = "list_users";
  list.method = "GET";
  list.path = "/v1/users";
  list.summary = "All users, by creation";
  list.query = page_schema();
  list.response_schema = list_schema(user_schema());
  list.handle = [&s](request_context& request) {
    return show_page(s.accounts.list_users(page_from(request)), show_user);
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_user";
  get.method = "GET";
  get.path = "/v1/users/{user_id}";
  get.summary = "One user";
  get.path_values = one;
  get.refusals = {404};
  get.handle = [&s](request_context& request) {
    return user_answer(s.accounts.get_user(request.text("user_id")));
  };
  to.add(get);

  endpoint change = common;
  change.id = "change_user";
  change.method = "PATCH";
  change.path = "/v1/users/{user_id}";
  change.summary = "Changes name, password or rights of a user";
  change.description = "Tokens of the user are void when the password or the rights change.";
  change.path_values = one;
  change.refusals = {404, 409, 412};
  change.body = schema::object({{"name", name_schema(), presence::optional},
                                {"password", password_schema(), presence::optional},
                                {"is_admin", schema::boolean(), presence::optional}});
  change.handle = [&s](request_context& request) {
    const std::string id = request.text("user_id");
    check_version(request, s.accounts.get_user(id).version);
    access::user_change what;
    what.name = request.text_if("name");
    what.password = request.text_if("password");
    if (request.find("is_admin") != nullptr) {
      what.admin = request.flag("is_admin");
    }
    const access::user changed = s.accounts.update_user(id, what);
    s.authenticator.forget(id);
    return user_answer(changed);
  };
  to.add(change);

  endpoint remove = common;
  remove.id = "delete_user";
  remove.method = "DELETE";
  remove.path = "/v1/users/{user_id}";
  remove.summary = "Deletes a user; the tokens are void at once, what the user owned stays";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.refusals = {404, 409};
  remove.handle = [&s](request_context& request) {
    const std::string id = request.text("user_id");
    if (id == request.caller.user_id) {
      throw conflict("nobody deletes himself: another administrator can");
    }
    s.accounts.delete_user(id);
    s.authenticator.forget(id);
    return answer();
  };
  to.add(remove);

  endpoint revoke = common;
  revoke.id = "void_user_sessions";
  revoke.method = "DELETE";
  revoke.path = "/v1/users/{user_id}/sessions";
  revoke.summary = "Voids all tokens of a user";
  revoke.path_values = one;
  revoke.response_schema.reset();
  revoke.status = 204;
  revoke.refusals = {404};
  revoke.handle = [&s](request_context& request) {
    s.accounts.get_user(request.text("user_id"));
    s.authenticator.revoke_all(request.text("user_id"));
    return answer();
  };
  to.add(revoke);

  endpoint limits = common;
  limits.id = "get_user_quota";
  limits.method = "GET";
  limits.path = "/v1/users/{user_id}/quota";
  limits.summary = "What a user may own";
  limits.path_values = one;
  limits.response_schema = quota_schema();
  limits.refusals = {404};
  limits.handle = [&s](request_context& request) {
    s.accounts.get_user(request.text("user_id"));
    return answer(show_quota(s.accounts.quota_of(request.text("user_id"))));
  };
  to.add(limits);

  endpoint set_limits = limits;
  set_limits.id = "set_user_quota";
  set_limits.method = "PUT";
  set_limits.summary = "Sets what a user may own";
  set_limits.body = quota_schema();
  set_limits.handle = [&s](request_context& request) {
    const auto number = [&](const char* name) {
      return static_cast<std::uint64_t>(request.integer(name));
    };
    s.accounts.set_quota(request.text("user_id"),
                         {number("clusters"), number("datasets"), number("checkpoints"),
                          number("open_tasks"), number("bytes")});
    return answer(show_quota(s.accounts.quota_of(request.text("user_id"))));
  };
  to.add(set_limits);
}

/// For administrators and those of the project.
inline void need_project_admin(const request_context& request, const std::string& project_id) {
  if (!request.caller.admin &&
      !(request.caller.project_admin && request.caller.project_id == project_id)) {
    throw forbidden("for administrators of the project only");
  }
}

inline void add_project_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "projects";
  common.audience = audience::admin;
  common.response_schema = project_schema();
  const schema one = schema::object({{"project_id", project_id_schema()}});

  endpoint create = common;
  create.id = "create_project";
  create.method = "POST";
  create.path = "/v1/projects";
  create.summary = "Makes a project";
  create.status = 201;
  create.idempotent = true;
  create.refusals = {409};
  create.body = schema::object({{"id", project_id_schema()}, {"name", name_schema()}});
  create.handle = [&s](request_context& request) {
    const access::project p =
        s.accounts.create_project(request.text("id"), request.text("name"), request.caller.user_id);
    answer given = project_answer(p);
    given.location = "/v1/projects/" + p.id;
    return given;
  };
  to.add(create);

  endpoint list = common;
  list.id = "list_projects";
  list.method = "GET";
  list.path = "/v1/projects";
  list.summary = "All projects, by creation";
  list.query = page_schema();
  list.response_schema = list_schema(project_schema());
  list.handle = [&s](request_context& request) {
    return show_page(s.accounts.list_projects(page_from(request)), show_project);
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_project";
  get.method = "GET";
  get.path = "/v1/projects/{project_id}";
  get.summary = "One project";
  get.audience = audience::user;
  get.path_values = one;
  get.refusals = {404};
  get.handle = [&s](request_context& request) {
    const std::string id = request.text("project_id");
    if (!request.caller.admin && request.caller.project_id != id) {
      throw not_found("project", id);
    }
    return project_answer(s.accounts.get_project(id));
  };
  to.add(get);

  endpoint change = common;
  change.id = "rename_project";
  change.method = "PATCH";
  change.path = "/v1/projects/{project_id}";
  change.summary = "Renames a project";
  change.path_values = one;
  change.refusals = {404, 412};
  change.body = schema::object({{"name", name_schema()}});
  change.handle = [&s](request_context& request) {
    const std::string id = request.text("project_id");
    check_version(request, s.accounts.get_project(id).version);
    return project_answer(s.accounts.rename_project(id, request.text("name")));
  };
  to.add(change);

  endpoint remove = common;
  remove.id = "delete_project";
  remove.method = "DELETE";
  remove.path = "/v1/projects/{project_id}";
  remove.summary = "Deletes a project that owns nothing; its members leave it";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.refusals = {404, 409};
  remove.handle = [&s](request_context& request) {
    const std::string id = request.text("project_id");
    const std::vector<access::user> members = s.accounts.members(id);
    s.accounts.delete_project(id);
    for (const access::user& u : members) {
      s.authenticator.forget(u.id);
    }
    return answer();
  };
  to.add(remove);
}

inline void add_member_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "projects";
  common.refusals = {404};
  const schema one_member =
      schema::object({{"project_id", project_id_schema()}, {"user_id", user_id_schema()}});
  const schema member = schema::object({{"user_id", user_id_schema()},
                                        {"name", name_schema()},
                                        {"role", role_schema()},
                                        {"is_project_admin", schema::boolean()}});

  endpoint list = common;
  list.id = "list_members";
  list.method = "GET";
  list.path = "/v1/projects/{project_id}/members";
  list.summary = "Who is in a project";
  list.description = "For administrators, and those of the project.";
  list.path_values = schema::object({{"project_id", project_id_schema()}});
  list.response_schema = schema::object({{"items", schema::list(member)}});
  list.handle = [&s](request_context& request) {
    const std::string id = request.text("project_id");
    need_project_admin(request, id);
    s.accounts.get_project(id);
    json::array items;
    for (const access::user& u : s.accounts.members(id)) {
      items.push_back(json::object{{"user_id", u.id},
                                   {"name", u.name},
                                   {"role", u.projects.at(0).role},
                                   {"is_project_admin", u.projects.at(0).project_admin}});
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(list);

  endpoint join = common;
  join.id = "add_member";
  join.method = "PUT";
  join.path = "/v1/projects/{project_id}/members/{user_id}";
  join.summary = "Takes a user into a project, or changes the role there";
  join.description = "For administrators, and those of the project.";
  join.path_values = one_member;
  join.body = schema::object({{"role", role_schema().otherwise("member")},
                              {"is_project_admin", schema::boolean().otherwise(false)}});
  join.response_schema = member;
  join.handle = [&s](request_context& request) {
    const std::string id = request.text("project_id");
    const std::string user_id = request.text("user_id");
    need_project_admin(request, id);
    const access::membership as{id, request.text("role"), request.flag("is_project_admin")};
    const access::user after = s.accounts.set_member(user_id, as);
    s.authenticator.forget(user_id);
    return answer(json::object{{"user_id", after.id},
                               {"name", after.name},
                               {"role", as.role},
                               {"is_project_admin", as.project_admin}});
  };
  to.add(join);

  endpoint leave = common;
  leave.id = "remove_member";
  leave.method = "DELETE";
  leave.path = "/v1/projects/{project_id}/members/{user_id}";
  leave.summary = "Takes a user out of a project";
  leave.description = "For administrators, and those of the project. Tokens of the user for the "
                      "project are void at once.";
  leave.path_values = one_member;
  leave.status = 204;
  leave.handle = [&s](request_context& request) {
    const std::string id = request.text("project_id");
    need_project_admin(request, id);
    s.accounts.leave_project(request.text("user_id"), id);
    s.authenticator.forget(request.text("user_id"));
    return answer();
  };
  to.add(leave);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_account_endpoints(registry& to, services& with) {
  detail::add_session_endpoints(to, with);
  detail::add_own_endpoints(to, with);
  detail::add_user_endpoints(to, with);
  detail::add_project_endpoints(to, with);
  detail::add_member_endpoints(to, with);
}

} // namespace hanami::service::api
