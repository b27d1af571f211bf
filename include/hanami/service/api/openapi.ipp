// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "openapi.hpp"

#include <algorithm>
#include <cctype>

#include "../base/compile.hpp"
#include "../http/problem.hpp"

namespace hanami::service::api {

namespace detail {

/// What a status means here.
inline std::string_view meaning_of(unsigned status) {
  switch (status) {
  case 101:
    return "From here on it is a WebSocket";
  case 200:
    return "Done";
  case 201:
    return "Made";
  case 202:
    return "Begun";
  case 204:
    return "Done, nothing to say";
  case 303:
    return "Go on there";
  case 304:
    return "Not modified";
  case 400:
    return "The request cannot be read";
  case 401:
    return "No valid token";
  case 403:
    return "Not allowed, or beyond a quota";
  case 404:
    return "Not there, or not to be seen";
  case 409:
    return "In conflict with what is there";
  case 412:
    return "Changed in the meantime";
  case 206:
    return "The part that was asked for";
  case 413:
    return "Too large, as it is or unpacked";
  case 415:
    return "Packed in a way that is not known here";
  case 416:
    return "Out of range";
  case 422:
    return "A value is not what it should be";
  case 426:
    return "Not asked for as a WebSocket";
  case 429:
    return "Too many; try again later";
  case 503:
    return "Busy, or out of memory (`no_memory`); try again later";
  case 507:
    return "The disk is full";
  default:
    return "See its body";
  }
}

/// What a chapter is about.
inline std::string_view about(std::string_view tag) {
  constexpr std::pair<std::string_view, std::string_view> known[] = {
      {"sessions", "Logging in and out, and where one is logged in"},
      {"API tokens", "What programs log in with: of some rights, for some time"},
      {"single sign-on", "Logging in by a provider of OpenID Connect, where the operator has named "
                         "one"},
      {"second factor", "A code of an app beside the password"},
      {"users", "Accounts and what each may own; for administrators"},
      {"projects", "Groups of users who share clusters, datasets and checkpoints"},
      {"clusters", "Networks that grow while they learn: made, asked and trained"},
      {"templates", "Texts that clusters are made from: to begin with, and checked before"},
      {"streams", "Forecasts and alarms of rows that never end"},
      {"webhooks", "Alarms of streams and ends of tasks, sent to where they are wanted"},
      {"tasks", "Work that takes longer: training, requests, evaluations, saving, restoring"},
      {"live", "What goes on, as it goes on: event streams, histories, tickets to open them by"},
      {"uploads", "Files on their way here, in parts that may come in any order"},
      {"datasets", "Tables and pictures to learn from"},
      {"checkpoints", "Clusters as files"},
      {"system", "The server and its machine: health, measurements, logs, this description"}};
  for (const auto& [name, words] : known) {
    if (name == tag) {
      return words;
    }
  }
  return "Part of the reference's API";
}

/// What the description says of who may call an endpoint and what that leaves behind.
inline std::string terms_of(const endpoint& e) {
  std::string terms = e.audience == audience::anyone  ? "Needs no token."
                      : e.audience == audience::admin ? "For administrators."
                                                      : "For whom the policy allows it.";
  if (e.audited && !e.reads()) {
    terms += " Written to the audit log.";
  }
  return terms;
}

inline schema problem_schema() {
  return schema::object(
             {{"type", schema::text().describe("always about:blank")},
              {"title", schema::text().describe("the status in words")},
              {"status", schema::integer(400, 599)},
              {"code", schema::choice(http::problem_codes()).describe("for programs to compare")},
              {"detail", schema::text().describe("what is wrong and what would be right")},
              {"errors",
               schema::list(
                   schema::object({{"pointer", schema::text()}, {"detail", schema::text()}})),
               presence::optional}})
      .called("Problem");
}

inline void add_parameters(json::array& to, const schema& values, const char* place,
                           json::object& components) {
  for (const schema_property& m : values.properties()) {
    json::object parameter{{"name", m.name},
                           {"in", place},
                           {"required", m.needed == presence::required && !m.value.standard()},
                           {"schema", m.value.to_json(&components)}};
    if (!m.value.description().empty()) {
      parameter["description"] = m.value.description();
    }
    to.push_back(std::move(parameter));
  }
}

inline json::object content_of(std::string_view type, json::object described) {
  return {{std::string(type), json::object{{"schema", std::move(described)}}}};
}

inline json::object binary_schema(const std::string& holds) {
  return {{"type", "string"}, {"format", "binary"}, {"description", holds}};
}

/// Of each event that is sent.
inline json::object event_schema() {
  const json::object text{{"type", "string"}};
  json::object data = text;
  data["description"] = "JSON";
  return {{"type", "object"},
          {"description", "each event of the stream; a line with a colon alone means nothing"},
          {"properties", {{"event", text}, {"data", data}, {"id", text}}},
          {"required", json::array{"data"}}};
}

inline json::object responses_of(const endpoint& e, json::object& components) {
  json::object responses;
  json::object done{{"description", meaning_of(e.status)}};
  if (e.response_schema) {
    done["content"] = content_of(e.response_type, e.response_schema->to_json(&components));
  } else if (e.response_type == "text/event-stream") {
    done["content"] = content_of(e.response_type, event_schema());
  } else if (e.response_type != "application/json") {
    done["content"] = content_of(e.response_type, {{"type", "string"}});
  }
  for (const std::string& type : e.other_response_types) {
    done["content"].as_object()[type] = json::object{{"schema", {{"type", "string"}}}};
  }
  if (!e.binary_answer.empty()) {
    done["content"].as_object()["application/octet-stream"] =
        json::object{{"schema", binary_schema(e.binary_answer)}};
  }
  responses[std::to_string(e.status)] = done;
  std::vector<unsigned> refusals = e.refusals;
  if (e.audience != audience::anyone) {
    refusals.push_back(401);
    if (e.dialect == dialect::modern) {
      refusals.push_back(403);
      refusals.push_back(503);
      if (!e.reads()) {
        refusals.push_back(507);
      }
    }
  }
  refusals.push_back(e.dialect == dialect::modern ? 422 : 400);
  if (e.dialect == dialect::modern && (e.body || e.open_sink || !e.body_forms.empty())) {
    refusals.insert(refusals.end(), {400, 413, 415});
  }
  if (e.ranges) {
    json::object part = done;
    part["description"] = meaning_of(206);
    responses["206"] = std::move(part);
    refusals.push_back(416);
  }
  if (e.dialect == dialect::modern) { // whatever is asked for
    refusals.insert(refusals.end(), {429, 503});
  }
  std::sort(refusals.begin(), refusals.end());
  const auto refused = [&](std::string_view meaning) {
    return json::object{{"description", meaning},
                        {"content", e.dialect == dialect::modern
                                        ? content_of("application/problem+json",
                                                     problem_schema().to_json(&components))
                                        : content_of("text/plain", {{"type", "string"}})}};
  };
  for (const unsigned status : refusals) {
    responses[std::to_string(status)] = refused(meaning_of(status));
  }
  responses["default"] = refused("Anything else that may go wrong on the way");
  return responses;
}

inline json::object operation_of(const endpoint& e, json::object& components) {
  json::object operation{{"operationId", e.id}, {"tags", {e.tag}}, {"summary", e.summary}};
  operation["description"] =
      e.description.empty() ? terms_of(e) : e.description + "\n\n" + terms_of(e);
  json::array parameters;
  add_parameters(parameters, e.path_values, "path", components);
  add_parameters(parameters, e.query, "query", components);
  if (e.idempotent) {
    parameters.push_back(json::object{
        {"name", "Idempotency-Key"},
        {"in", "header"},
        {"required", false},
        {"description", "any text of up to 255 bytes: the same request with the same key is done "
                        "once, and answered the same way for a day"},
        {"schema", json::object{{"type", "string"}, {"maxLength", 255}}}});
  }
  if (e.ranges) {
    parameters.push_back(json::object{
        {"name", "Range"},
        {"in", "header"},
        {"required", false},
        {"description", "one range of bytes, such as bytes=1000-, to go on where a download broke "
                        "off; several at a time are refused"},
        {"schema", json::object{{"type", "string"}, {"maxLength", 255}}}});
    parameters.push_back(json::object{
        {"name", "If-Range"},
        {"in", "header"},
        {"required", false},
        {"description", "the ETag of what is there already; all comes where it is another one"},
        {"schema", json::object{{"type", "string"}, {"maxLength", 255}}}});
  }
  if (!parameters.empty()) {
    operation["parameters"] = std::move(parameters);
  }
  if (e.open_sink) {
    operation["requestBody"] =
        json::object{{"required", true},
                     {"content", content_of("application/octet-stream", {{"type", "string"}})}};
  } else if (!e.body_forms.empty()) {
    json::object content;
    for (const body_form& form : e.body_forms) {
      json::object described{{"schema", form.type == "application/octet-stream"
                                            ? binary_schema(form.content.description())
                                            : form.content.to_json(&components)}};
      if (!form.example.empty()) {
        described["example"] = form.content.kind() == value_kind::text ? json::value(form.example)
                                                                       : json::parse(form.example);
      }
      content[form.type] = std::move(described);
    }
    operation["requestBody"] = json::object{{"required", true}, {"content", std::move(content)}};
  } else if (e.body) {
    operation["requestBody"] =
        json::object{{"required", true},
                     {"content", content_of("application/json", e.body->to_json(&components))}};
  }
  operation["responses"] = responses_of(e, components);
  if (e.audience == audience::anyone) {
    operation["security"] = json::array{};
  }
  return operation;
}

inline std::string lower_case(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

} // namespace detail

HANAMI_SERVICE_INLINE json::object describe(const registry& endpoints, api::dialect dialect,
                                            std::string_view version) {
  json::object components;
  json::object paths;
  json::array tags;
  for (const auto& e : endpoints.all()) {
    if (e->dialect != dialect) {
      continue;
    }
    if (std::none_of(tags.begin(), tags.end(), [&](const json::value& tag) {
          return tag.at("name").as_string() == e->tag;
        })) {
      tags.push_back(json::object{{"name", e->tag}, {"description", detail::about(e->tag)}});
    }
    json::value& path = paths[e->path];
    if (!path.is_object()) {
      path = json::object{};
    }
    path.get_object()[detail::lower_case(e->method)] = detail::operation_of(*e, components);
  }
  const bool modern = dialect == dialect::modern;
  json::object schemes;
  if (modern) {
    schemes["token"] =
        json::object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"}};
  } else {
    schemes["token"] = json::object{{"type", "apiKey"}, {"in", "header"}, {"name", "X-Auth-Token"}};
  }
  return {
      {"openapi", "3.1.0"},
      {"info",
       json::object{{"title", modern ? "hanami" : "hanami, the reference's API"},
                    {"version", version},
                    {"contact", json::object{{"name", "Who runs this server"}}},
                    {"license", json::object{{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}},
                    {"description", modern ? "Networks that grow while they learn, shared between "
                                             "users and projects. Bodies may come packed "
                                             "('Content-Encoding: gzip'), and answers go out so "
                                             "to who asks ('Accept-Encoding: gzip')."
                                           : "What clients of the reference speak; new programs "
                                             "take the other one, under /v1."}}},
      {"servers", json::array{json::object{{"url", "/"}}}},
      {"security", json::array{json::object{{"token", json::array{}}}}},
      {"tags", std::move(tags)},
      {"paths", std::move(paths)},
      {"components",
       json::object{{"schemas", std::move(components)}, {"securitySchemes", std::move(schemes)}}}};
}

} // namespace hanami::service::api
