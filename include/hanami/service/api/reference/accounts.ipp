// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "../log_in.hpp"
#include "endpoints.hpp"
#include "reference.hpp"

namespace hanami::service::api {

namespace detail {

inline answer reference_login(const access::session_tokens& given) {
  return answer(json::object{{"id", given.caller.user_id},
                             {"name", given.caller.user_name},
                             {"is_admin", given.caller.admin},
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

/// Throws `unauthenticated` where the policy does not let `caller` do that; `type`: the reference's
/// number of the method.
inline void expect_reference_right(const services& s, const identity& caller,
                                   const std::string& path, std::int64_t type) {
  constexpr const char* methods[] = {"DELETE", "GET", "GET", "POST", "PUT"}; // HEAD is a GET
  const char* const method = methods[type - 1];
  const registry::match route = s.endpoints.find(method, '/' + path);
  const bool allowed =
      route.found != nullptr && (route.found->audience == audience::anyone ||
                                 (s.rules.allows(route.found->path.substr(1), method, caller) &&
                                  (route.found->audience != audience::admin || caller.admin)));
  if (!allowed) {
    throw unauthenticated("Access denied by policy");
  }
}

inline void add_reference_tokens(reference_adder add, services& s) {
  add({"POST", "token", "Logs in", audience::anyone, true, limit_of_logins(s)}, schema::object(),
      schema::object({{"id", reference_user_id()}, {"password", schema::text(8, 4096)}}),
      [&s](request_context& request) {
        return reference_login(log_in(s, request, request.text("id"), request.text("password")));
      });
  add({"PUT", "token", "A token for another project"}, schema::object(),
      schema::object({{"project_id", reference_project_id()}}), [&s](request_context& request) {
        return reference_login(
            s.authenticator.switch_project(request.caller, request.text("project_id")));
      });
  add({"GET", "auth",
       "Whom a token speaks for (that of the header, or `token`), and whether the policy lets "
       "it call `endpoint` by `http_type`: 1 DELETE, 2 GET, 3 HEAD, 4 POST, 5 PUT"},
      schema::object({{"token", schema::text(), presence::optional},
                      {"endpoint", schema::text(4, 256, text_form::path), presence::optional},
                      {"http_type", schema::integer(1, 5), presence::optional}}),
      std::nullopt, [&s](request_context& request) {
        const auto token = request.text_if("token");
        const identity caller = token ? s.authenticator.identify(*token) : request.caller;
        const auto path = request.text_if("endpoint");
        const json::value* type = request.find("http_type");
        if (path.has_value() != (type != nullptr)) {
          throw bad_request("endpoint and http_type come together");
        }
        if (path) {
          expect_reference_right(s, caller, *path, type->as_int64());
        }
        return answer(json::object{{"id", caller.user_id},
                                   {"name", caller.user_name},
                                   {"is_admin", caller.admin},
                                   {"project_id", caller.project_id},
                                   {"role", caller.role},
                                   {"is_project_admin", caller.project_admin}});
      });
}

inline void add_reference_users(reference_adder add, services& s) {
  const schema id = schema::object({{"id", schema::text(4, 256, text_form::user_id)}});
  add({"POST", "user", "Makes a user", audience::admin, true}, schema::object(),
      schema::object({{"id", reference_user_id()},
                      {"name", schema::text(4, 254, text_form::name)},
                      {"password", schema::text(8, 4096)},
                      {"is_admin", schema::boolean().otherwise(false)}}),
      [&s](request_context& request) {
        return answer(reference_user(
            s.accounts.create_user({request.text("id"), request.text("name"),
                                    request.text("password"), request.flag("is_admin")},
                                   request.caller.user_id)));
      });
  add({"GET", "user", "One user", audience::admin}, id, std::nullopt,
      [&s](request_context& request) {
        return answer(reference_user(s.accounts.get_user(request.text("id"))));
      });
  add({"GET", "user/all", "All users", audience::admin}, schema::object(), std::nullopt,
      [&s](request_context&) {
        json::array body;
        for (const access::user& u :
             all_pages<access::user>([&](const store::page_request& wanted) {
               return s.accounts.list_users(wanted);
             })) {
          body.push_back(json::array{to_plain_time(u.created_at), u.id, u.name, u.creator_id,
                                     reference_projects(u), u.admin});
        }
        return reference_table({"created_at", "id", "name", "creator_id", "projects", "is_admin"},
                               std::move(body));
      });
  add({"DELETE", "user", "Deletes a user", audience::admin}, id, std::nullopt,
      [&s](request_context& request) {
        if (request.text("id") == request.caller.user_id) {
          throw conflict("A user can not delete himself");
        }
        s.accounts.delete_user(request.text("id"));
        s.authenticator.forget(request.text("id"));
        return answer();
      });
  add({"POST", "user/project", "Takes a user into a project", audience::admin}, schema::object(),
      schema::object({{"id", reference_user_id()},
                      {"project_id", reference_project_id()},
                      {"role", schema::text(4, 254, text_form::identifier)},
                      {"is_project_admin", schema::boolean().otherwise(false)}}),
      [&s](request_context& request) {
        const access::user u = s.accounts.join_project(
            request.text("id"),
            {request.text("project_id"), request.text("role"), request.flag("is_project_admin")});
        s.authenticator.forget(u.id);
        return answer(reference_user(u));
      });
  add({"DELETE", "user/project", "Takes a user out of a project", audience::admin},
      schema::object({{"id", reference_user_id()}, {"project_id", reference_project_id()}}),
      std::nullopt, [&s](request_context& request) {
        const access::user u =
            s.accounts.leave_project(request.text("id"), request.text("project_id"));
        s.authenticator.forget(u.id);
        return answer(reference_user(u));
      });
  add({"GET", "user/project", "The projects of a user; of oneself without user_id"},
      schema::object({{"user_id", reference_user_id(), presence::optional}}), std::nullopt,
      [&s](request_context& request) {
        const std::string user_id = request.text_if("user_id").value_or(request.caller.user_id);
        if (!request.caller.admin && user_id != request.caller.user_id) {
          throw unauthenticated("only administrators may ask for others");
        }
        return answer(json::object{{"projects", reference_projects(s.accounts.get_user(user_id))}});
      });
}

inline void add_reference_projects(reference_adder add, services& s) {
  const schema id = schema::object({{"id", reference_project_id()}});
  add({"POST", "project", "Makes a project", audience::admin}, schema::object(),
      schema::object(
          {{"id", reference_project_id()}, {"name", schema::text(4, 254, text_form::name)}}),
      [&s](request_context& request) {
        return answer(reference_project(s.accounts.create_project(
            request.text("id"), request.text("name"), request.caller.user_id)));
      });
  add({"GET", "project", "One project", audience::admin}, id, std::nullopt,
      [&s](request_context& request) {
        return answer(reference_project(s.accounts.get_project(request.text("id"))));
      });
  add({"GET", "project/all", "All projects", audience::admin}, schema::object(), std::nullopt,
      [&s](request_context&) {
        json::array body;
        for (const access::project& p : all_pages<access::project>(
                 [&](const store::page_request& w) { return s.accounts.list_projects(w); })) {
          if (p.id != "admin") { // which is no project to the reference, but a place to log in
            body.push_back(json::array{to_plain_time(p.created_at), p.id, p.name, p.creator_id});
          }
        }
        return reference_table({"created_at", "id", "name", "creator_id"}, std::move(body));
      });
  add({"DELETE", "project", "Deletes a project", audience::admin}, id, std::nullopt,
      [&s](request_context& request) {
        const std::string project_id = request.text("id");
        const std::vector<access::user> members = s.accounts.members(project_id);
        s.accounts.delete_project(project_id);
        for (const access::user& u : members) {
          s.authenticator.forget(u.id);
        }
        return answer();
      });
}

inline void add_reference_logs(reference_adder add, services& s) {
  const schema page = schema::object({{"page", schema::integer(0, 1'000'000'000)},
                                      {"user_id", schema::text(0, 254).otherwise("")}});
  const auto filter_of = [](const request_context& request) {
    store::log_filter filter;
    filter.user_id = request.text("user_id");
    filter.offset = static_cast<std::uint64_t>(request.integer("page")) * 100;
    return filter;
  };
  add({"GET", "audit_log", "Who changed what, 100 a page"}, page, std::nullopt,
      [&s, filter_of](request_context& request) {
        store::log_filter filter = filter_of(request);
        if (!request.caller.admin || filter.user_id.empty()) {
          filter.user_id = request.caller.user_id;
        }
        json::array body;
        for (const store::audit_entry& e : s.logs.audit(filter).rows) {
          body.push_back(json::array{to_plain_time(e.at), e.user_id, e.path, e.method});
        }
        return reference_table({"created_at", "user_id", "endpoint", "request_type"},
                               std::move(body));
      });
  add({"GET", "error_log", "Faults of the server, 100 a page", audience::admin}, page, std::nullopt,
      [&s, filter_of](request_context& request) {
        json::array body;
        for (const store::error_entry& e : s.logs.errors(filter_of(request)).rows) {
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
