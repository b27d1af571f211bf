// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../access/authenticator.hpp"
#include "../../base/refusal.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api::detail {

inline schema user_id_schema() {
  return schema::text(4, 254, text_form::user_id).describe("id of the user");
}
inline schema project_id_schema() {
  return schema::text(4, 254, text_form::identifier).describe("id of the project");
}
inline schema password_schema() {
  return schema::text(8, 4096).describe(
      "8 characters at least, 4096 bytes at most; none of those that are tried first");
}
inline schema role_schema() {
  return schema::text(1, 64, text_form::identifier)
      .describe("admin, member, viewer, or a role of the operator's policy");
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

inline schema membership_schema() {
  return schema::object({{"project_id", project_id_schema()},
                         {"role", role_schema()},
                         {"is_project_admin", schema::boolean()}});
}

inline schema user_schema() {
  return schema::object(
             {{"id", user_id_schema()},
              {"name", name_schema()},
              {"is_admin", schema::boolean()},
              {"has_second_factor", schema::boolean()},
              {"has_password", schema::boolean().describe("else only the provider of "
                                                          "log-ins vouches for the user")},
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

inline std::vector<schema_property> quota_properties(presence of_newer) {
  return {
      {"clusters", schema::integer()},
      {"streams", schema::integer(), of_newer},
      {"datasets", schema::integer()},
      {"checkpoints", schema::integer()},
      {"open_tasks", schema::integer()},
      {"bytes", schema::integer().describe("on disk")},
      {"memory", schema::integer().describe("bytes of clusters and streams in memory"), of_newer}};
}
inline schema quota_schema() {
  return schema::object(quota_properties(presence::required)).called("Quota");
}
/// What is left out stays as it is.
inline schema new_quota_schema() {
  return schema::object(quota_properties(presence::optional)).called("NewQuota");
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
          {"has_second_factor", u.second_factor},
          {"has_password", u.has_password},
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
  return {{"clusters", q.clusters},     {"streams", q.streams},
          {"datasets", q.datasets},     {"checkpoints", q.checkpoints},
          {"open_tasks", q.open_tasks}, {"bytes", q.bytes},
          {"memory", q.memory}};
}

} // namespace hanami::service::api::detail
