// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "../../access/accounts.hpp"
#include "../../base/clock.hpp"
#include "../../base/identity.hpp"
#include "../../base/json.hpp"
#include "../../base/refusal.hpp"
#include "../../engine/engine.hpp"
#include "../../store/page.hpp"
#include "../../store/resources.hpp"
#include "../../store/tasks.hpp"
#include "../endpoint.hpp"
#include "../json_schema.hpp"

/// JSON of the modern API, and its schemas.

namespace hanami::service::api {

/// `name`: of `visibility_schema`.
inline visibility visibility_from(std::string_view name) {
  return visibility_named(name).value_or(visibility::owner_only);
}

namespace detail {

// Schemas that many endpoints share.

inline schema id_schema(const char* of) {
  return schema::uuid().describe(std::string("id of the ") + of);
}
inline schema name_schema() {
  return schema::text(1, 254, text_form::label).describe("any printable text");
}
inline schema time_schema() {
  return schema::text(0, 32).describe("RFC 3339, UTC").example("2026-01-31T12:00:00.123Z");
}
inline schema visibility_schema() {
  return schema::choice({"private", "project", "public"})
      .describe("who may see and use it: its owner and the project's administrators, the project, "
                "all users");
}

/// The query of a list.
inline schema page_schema() {
  return schema::object(
      {{"limit", schema::integer(1, 1000).otherwise(100), presence::optional},
       {"after", schema::text(1, 2048).describe("`next` of the page before"), presence::optional},
       {"name", schema::text(1, 254).describe("only those whose name holds this"),
        presence::optional}});
}

/// The same with more that a list can be asked for.
inline schema page_schema_with(std::vector<schema_property> more) {
  std::vector<schema_property> all = page_schema().properties();
  all.insert(all.end(), more.begin(), more.end());
  return schema::object(std::move(all));
}

inline schema_property order_property() {
  return {"order",
          schema::choice({"asc", "desc"}).otherwise("asc").describe("desc: newest, largest first"),
          presence::optional};
}

/// The query of a list of clusters, datasets or checkpoints.
inline schema resource_page_schema() {
  return page_schema_with(
      {{"sort",
        schema::choice({"created_at", "updated_at", "name", "bytes"}).otherwise("created_at"),
        presence::optional},
       order_property(),
       {"owner_id", schema::text(1, 254).describe("only those of this user"), presence::optional},
       {"project_id", schema::text(1, 254).describe("only those of this project"),
        presence::optional},
       {"visibility", visibility_schema(), presence::optional}});
}

inline store::list_order order_named(std::string_view name) {
  using store::list_order;
  return name == "updated_at" ? list_order::updated_at
         : name == "name"     ? list_order::name
         : name == "bytes"    ? list_order::bytes
                              : list_order::created_at;
}

inline store::page_request page_from(const request_context& request) {
  store::page_request wanted{static_cast<std::uint32_t>(request.integer("limit")),
                             request.text_if("after").value_or(""),
                             request.text_if("name").value_or("")};
  if (request.find("sort") != nullptr) {
    wanted.by = order_named(request.text("sort"));
  }
  wanted.descending = request.find("order") != nullptr && request.text("order") == "desc";
  return wanted;
}

inline store::resource_filter filter_from(const request_context& request) {
  store::resource_filter only;
  only.owner_id = request.text_if("owner_id").value_or("");
  only.project_id = request.text_if("project_id").value_or("");
  if (const auto name = request.text_if("visibility")) {
    only.visible_to = visibility_from(*name);
  }
  return only;
}

inline schema list_schema(schema item) {
  return schema::object(
      {{"items", schema::list(std::move(item), 0, 1000)},
       {"next", schema::text().or_null().describe("`after` of the next page; null: that was all")},
       {"total", schema::integer().describe("on all pages")}});
}

template <class Row, class Show>
answer show_page(const store::page<Row>& rows, Show show) {
  json::array items;
  for (const Row& row : rows.rows) {
    items.push_back(show(row));
  }
  return answer(json::object{{"items", std::move(items)},
                             {"next", rows.next.empty() ? json::value() : json::value(rows.next)},
                             {"total", rows.total}});
}

inline schema resource_schema(const char* kind, std::vector<schema_property> more = {}) {
  std::vector<schema_property> properties = {
      {"id", id_schema(kind)},
      {"name", name_schema()},
      {"owner_id", schema::text()},
      {"project_id", schema::text()},
      {"visibility", visibility_schema()},
      {"created_at", time_schema()},
      {"updated_at", time_schema()},
      {"version", schema::integer(1).describe("counts changes; the ETag")},
      {"bytes", schema::integer().describe("on disk")}};
  properties.insert(properties.end(), more.begin(), more.end());
  return schema::object(std::move(properties));
}

inline json::object show_resource(const store::resource_row& row) {
  return {{"id", row.id},
          {"name", row.name},
          {"owner_id", row.owner_id},
          {"project_id", row.project_id},
          {"visibility", name_of(row.visible_to)},
          {"created_at", to_rfc3339(row.created_at)},
          {"updated_at", to_rfc3339(row.updated_at)},
          {"version", row.version},
          {"bytes", row.bytes}};
}

inline store::resource_change change_from(const request_context& request) {
  store::resource_change change;
  change.name = request.text_if("name");
  if (const auto visible = request.text_if("visibility")) {
    change.visible_to = visibility_from(*visible);
  }
  return change;
}

/// Reads the version of the resource that the request names by `key`.
inline std::function<std::uint64_t()> version_of(store::resources& from,
                                                 const request_context& request,
                                                 store::resource_kind kind, const char* key) {
  return [&from, &request, kind, key] {
    return from.get(request.caller, kind, request.text(key)).version;
  };
}

/// Throws `refusal` where `If-Match` does not name the version that `current` reads.
inline void check_version(const request_context& request,
                          const std::function<std::uint64_t()>& current) {
  const auto expected = request.expected_version(current);
  if (expected && *expected == 0) {
    throw refusal(refusal_code::version_mismatch,
                  "it has changed: it is at version " + std::to_string(current()));
  }
}

inline schema checkpoint_schema() { return resource_schema("checkpoint").called("Checkpoint"); }

inline schema change_schema() {
  return schema::object({{"name", name_schema(), presence::optional},
                         {"visibility", visibility_schema(), presence::optional}});
}

/// Numbers as clients send them; null is a missing value.
inline schema values_schema() { return schema::list(schema::number().or_null(), 0, 10'000'000); }

/// What the query of an endpoint with `by_ticket` has.
inline schema_property ticket_property() {
  return {"ticket", schema::text(1, 128).describe("instead of a token: POST /v1/tickets gives it"),
          presence::optional};
}

inline schema one_id(const char* name, const char* of) {
  return schema::object({{name, id_schema(of)}});
}

} // namespace detail

} // namespace hanami::service::api
