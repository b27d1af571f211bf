// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "account_views.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

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
  create.hashes_passwords = true;
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
  change.hashes_passwords = true;
  change.body = schema::object({{"name", name_schema(), presence::optional},
                                {"password", password_schema(), presence::optional},
                                {"is_admin", schema::boolean(), presence::optional}});
  change.handle = [&s](request_context& request) {
    const std::string id = request.text("user_id");
    check_version(request, [&] { return s.accounts.get_user(id).version; });
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
  remove.refusals = {404, 409, 412};
  remove.handle = [&s](request_context& request) {
    const std::string id = request.text("user_id");
    if (id == request.caller.user_id) {
      throw conflict("nobody deletes himself: another administrator can");
    }
    check_version(request, [&] { return s.accounts.get_user(id).version; });
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
  set_limits.body = new_quota_schema();
  set_limits.handle = [&s](request_context& request) {
    const quota before = s.accounts.quota_of(request.text("user_id"));
    const auto number = [&](const char* name) {
      return static_cast<std::uint64_t>(request.integer(name));
    };
    const auto number_or = [&](const char* name, std::uint64_t otherwise) {
      return request.find(name) == nullptr ? otherwise : number(name);
    };
    s.accounts.set_quota(request.text("user_id"),
                         {number("clusters"), number_or("streams", before.streams),
                          number("datasets"), number("checkpoints"), number("open_tasks"),
                          number("bytes"), number_or("memory", before.memory)});
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
    check_version(request, [&] { return s.accounts.get_project(id).version; });
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
  remove.refusals = {404, 409, 412};
  remove.handle = [&s](request_context& request) {
    const std::string id = request.text("project_id");
    check_version(request, [&] { return s.accounts.get_project(id).version; });
    const std::vector<access::user> members = s.accounts.members(id);
    s.accounts.delete_project(id);
    for (const access::user& u : members) {
      s.authenticator.forget(u.id);
    }
    return answer();
  };
  to.add(remove);
}

/// Throws `refusal` for a role that the policy gives no rights.
inline void check_role(const access::policy& rules, const std::string& role) {
  const auto known = rules.roles();
  if (!known.contains(role)) {
    std::string names;
    for (const std::string& name : known) {
      names += (names.empty() ? "" : ", ") + name;
    }
    throw invalid_value_at("/role", "the policy knows no role '" + role + "'; it knows " + names);
  }
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

  endpoint roles;
  roles.tag = "projects";
  roles.id = "list_roles";
  roles.method = "GET";
  roles.path = "/v1/roles";
  roles.summary = "The roles that members of a project may have";
  roles.response_schema = schema::object({{"items", schema::list(role_schema())}});
  roles.handle = [&s](request_context&) {
    json::array items;
    for (const std::string& role : s.rules.roles()) {
      items.push_back(json::value(role));
    }
    return answer(json::object{{"items", std::move(items)}});
  };
  to.add(roles);

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
    check_role(s.rules, as.role);
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

HANAMI_SERVICE_INLINE void add_account_endpoints(registry& to, services& s) {
  detail::add_user_endpoints(to, s);
  detail::add_project_endpoints(to, s);
  detail::add_member_endpoints(to, s);
}

} // namespace hanami::service::api
