// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/clock.hpp"
#include "../../base/refusal.hpp"
#include "endpoints.hpp"
#include "reference.hpp"

namespace hanami::service::api {

namespace detail {

inline answer reference_login(const access::session_tokens& given) {
  return answer(json::object{{"id", given.who.user_id},
                             {"name", given.who.user_name},
                             {"is_admin", given.who.admin},
                             {"token", given.access_token}});
}

inline json::array reference_projects(const access::user& u) {
  json::array projects;
  for (const access::membership& m : u.projects) {
    projects.push_back(json::object{
        {"project_id", m.project_id}, {"role", m.role}, {"is_project_admin", m.project_admin}});
  }
  return projects;
}

inline json::object reference_user(const access::user& u) {
  return {{"created_at", to_plain_time(u.created_at)},
          {"id", u.id},
          {"name", u.name},
          {"is_admin", u.admin},
          {"creator_id", u.creator_id},
          {"projects", reference_projects(u)}};
}

inline json::object reference_project(const access::project& p) {
  return {{"created_at", to_plain_time(p.created_at)},
          {"id", p.id},
          {"name", p.name},
          {"creator_id", p.creator_id}};
}

inline schema reference_user_id() { return schema::text(4, 254, text_form::user_id); }
inline schema reference_project_id() { return schema::text(4, 254, text_form::identifier); }

/// 401 where the policy does not let `who` do that; `type` as the reference counts them.
inline void expect_reference_right(const services& s, const identity& who, const std::string& path,
                                   std::int64_t type) {
  constexpr const char* methods[] = {"DELETE", "GET", "GET", "POST", "PUT"}; // HEAD is a GET
  const char* const method = methods[type - 1];
  const registry::match route = s.endpoints.find(method, '/' + path);
  const bool allowed =
      route.found != nullptr && (route.found->who == audience::anyone ||
                                 (s.rules.allows(route.found->path.substr(1), method, who.role) &&
                                  (route.found->who != audience::admin || who.admin)));
  if (!allowed) {
    throw unauthenticated("Access denied by policy");
  }
}

inline void add_reference_tokens(reference_adder add, services& s) {
  add({"POST", "token", "Logs in", audience::anyone}, schema::object(),
      schema::object({{"id", reference_user_id()}, {"password", schema::text(8, 4096)}}),
      [&s](call& made) {
        return reference_login(
            s.door.login(made.text("id"), made.text("password"), made.address()));
      });
  add({"PUT", "token", "A token for another project"}, schema::object(),
      schema::object({{"project_id", reference_project_id()}}), [&s](call& made) {
        return reference_login(s.door.switch_project(made.who, made.text("project_id")));
      });
  add({"GET", "auth",
       "Whom a token speaks for (that of the header, or `token`), and whether the policy lets "
       "it call `endpoint` by `http_type`: 1 DELETE, 2 GET, 3 HEAD, 4 POST, 5 PUT"},
      schema::object({{"token", schema::text(), presence::optional},
                      {"endpoint", schema::text(4, 256, text_form::path), presence::optional},
                      {"http_type", schema::integer(1, 5), presence::optional}}),
      std::nullopt, [&s](call& made) {
        const auto token = made.text_if("token");
        const identity who = token ? s.door.identify(*token) : made.who;
        const auto path = made.text_if("endpoint");
        const json::value* type = made.find("http_type");
        if (path.has_value() != (type != nullptr)) {
          throw bad_request("endpoint and http_type come together");
        }
        if (path) {
          expect_reference_right(s, who, *path, type->as_int64());
        }
        return answer(json::object{{"id", who.user_id},
                                   {"name", who.user_name},
                                   {"is_admin", who.admin},
                                   {"project_id", who.project_id},
                                   {"role", who.role},
                                   {"is_project_admin", who.project_admin}});
      });
}

inline void add_reference_users(reference_adder add, services& s) {
  const schema id = schema::object({{"id", schema::text(4, 256, text_form::user_id)}});
  add({"POST", "user", "Makes a user", audience::admin}, schema::object(),
      schema::object({{"id", reference_user_id()},
                      {"name", schema::text(4, 254, text_form::name)},
                      {"password", schema::text(8, 4096)},
                      {"is_admin", schema::boolean().otherwise(false)}}),
      [&s](call& made) {
        return answer(reference_user(s.people.create_user(
            {made.text("id"), made.text("name"), made.text("password"), made.flag("is_admin")},
            made.who.user_id)));
      });
  add({"GET", "user", "One user", audience::admin}, id, std::nullopt,
      [&s](call& made) { return answer(reference_user(s.people.get_user(made.text("id")))); });
  add({"GET", "user/all", "All users", audience::admin}, schema::object(), std::nullopt,
      [&s](call&) {
        json::array body;
        for (const access::user& u : all_pages<access::user>(
                 [&](const store::page_request& wanted) { return s.people.list_users(wanted); })) {
          body.push_back(json::array{to_plain_time(u.created_at), u.id, u.name, u.creator_id,
                                     reference_projects(u), u.admin});
        }
        return reference_table({"created_at", "id", "name", "creator_id", "projects", "is_admin"},
                               std::move(body));
      });
  add({"DELETE", "user", "Deletes a user", audience::admin}, id, std::nullopt, [&s](call& made) {
    if (made.text("id") == made.who.user_id) {
      throw conflict("A user can not delete himself");
    }
    s.people.delete_user(made.text("id"));
    s.door.forget(made.text("id"));
    return answer();
  });
  add({"POST", "user/project", "Takes a user into a project", audience::admin}, schema::object(),
      schema::object({{"id", reference_user_id()},
                      {"project_id", reference_project_id()},
                      {"role", schema::text(4, 254, text_form::identifier)},
                      {"is_project_admin", schema::boolean().otherwise(false)}}),
      [&s](call& made) {
        const access::user u =
            s.people.join_project(made.text("id"), {made.text("project_id"), made.text("role"),
                                                    made.flag("is_project_admin")});
        s.door.forget(u.id);
        return answer(reference_user(u));
      });
  add({"DELETE", "user/project", "Takes a user out of a project", audience::admin},
      schema::object({{"id", reference_user_id()}, {"project_id", reference_project_id()}}),
      std::nullopt, [&s](call& made) {
        const access::user u = s.people.leave_project(made.text("id"), made.text("project_id"));
        s.door.forget(u.id);
        return answer(reference_user(u));
      });
  add({"GET", "user/project", "The projects of a user; of oneself without user_id"},
      schema::object({{"user_id", reference_user_id(), presence::optional}}), std::nullopt,
      [&s](call& made) {
        const std::string user_id = made.text_if("user_id").value_or(made.who.user_id);
        if (!made.who.admin && user_id != made.who.user_id) {
          throw unauthenticated("only administrators may ask for others");
        }
        return answer(json::object{{"projects", reference_projects(s.people.get_user(user_id))}});
      });
}

inline void add_reference_projects(reference_adder add, services& s) {
  const schema id = schema::object({{"id", reference_project_id()}});
  add({"POST", "project", "Makes a project", audience::admin}, schema::object(),
      schema::object(
          {{"id", reference_project_id()}, {"name", schema::text(4, 254, text_form::name)}}),
      [&s](call& made) {
        return answer(reference_project(
            s.people.create_project(made.text("id"), made.text("name"), made.who.user_id)));
      });
  add({"GET", "project", "One project", audience::admin}, id, std::nullopt, [&s](call& made) {
    return answer(reference_project(s.people.get_project(made.text("id"))));
  });
  add({"GET", "project/all", "All projects", audience::admin}, schema::object(), std::nullopt,
      [&s](call&) {
        json::array body;
        for (const access::project& p : all_pages<access::project>(
                 [&](const store::page_request& w) { return s.people.list_projects(w); })) {
          if (p.id != "admin") { // which is no project to the reference, but a place to log in
            body.push_back(json::array{to_plain_time(p.created_at), p.id, p.name, p.creator_id});
          }
        }
        return reference_table({"created_at", "id", "name", "creator_id"}, std::move(body));
      });
  add({"DELETE", "project", "Deletes a project", audience::admin}, id, std::nullopt,
      [&s](call& made) {
        const std::string project_id = made.text("id");
        const std::vector<access::user> members = s.people.members(project_id);
        s.people.delete_project(project_id);
        for (const access::user& u : members) {
          s.door.forget(u.id);
        }
        return answer();
      });
}

inline void add_reference_logs(reference_adder add, services& s) {
  const schema page = schema::object({{"page", schema::integer(0, 1'000'000'000)},
                                      {"user_id", schema::text(0, 254).otherwise("")}});
  const auto filter_of = [](const call& made) {
    store::log_filter filter;
    filter.user_id = made.text("user_id");
    filter.offset = static_cast<std::uint64_t>(made.integer("page")) * 100;
    return filter;
  };
  add({"GET", "audit_log", "Who changed what, 100 a page"}, page, std::nullopt,
      [&s, filter_of](call& made) {
        store::log_filter filter = filter_of(made);
        if (!made.who.admin || filter.user_id.empty()) {
          filter.user_id = made.who.user_id;
        }
        json::array body;
        for (const store::audit_entry& e : s.logs.audit(filter).rows) {
          body.push_back(json::array{to_plain_time(e.at), e.user_id, e.path, e.method});
        }
        return reference_table({"created_at", "user_id", "endpoint", "request_type"},
                               std::move(body));
      });
  add({"GET", "error_log", "Faults of the server, 100 a page", audience::admin}, page, std::nullopt,
      [&s, filter_of](call& made) {
        json::array body;
        for (const store::error_entry& e : s.logs.errors(filter_of(made)).rows) {
          body.push_back(
              json::array{to_plain_time(e.at), e.user_id, "", e.operation, e.input, e.message});
        }
        return reference_table(
            {"created_at", "user_id", "component", "context", "input_values", "message"},
            std::move(body));
      });
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_reference_endpoints(registry& to, services& with) {
  const detail::reference_adder add(to);
  detail::add_reference_tokens(add, with);
  detail::add_reference_users(add, with);
  detail::add_reference_projects(add, with);
  detail::add_reference_logs(add, with);
  detail::add_reference_work(add, with);
}

} // namespace hanami::service::api
