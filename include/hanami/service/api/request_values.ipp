// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request_values.hpp"

#include <algorithm>

#include "../base/compile.hpp"
#include "../base/json_text.hpp"
#include "endpoint.hpp"

namespace hanami::service::api {

namespace detail {

constexpr unsigned char hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return static_cast<unsigned char>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<unsigned char>(c - 'a' + 10);
  }
  if (c >= 'A' && c <= 'F') {
    return static_cast<unsigned char>(c - 'A' + 10);
  }
  return 255;
}

inline std::string decode_query_part(std::string_view part) {
  std::string decoded;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] == '+') {
      decoded += ' ';
    } else if (part[i] != '%') {
      decoded += part[i];
    } else {
      const unsigned char high = i + 2 < part.size() ? hex_value(part[i + 1]) : 255;
      const unsigned char low = i + 2 < part.size() ? hex_value(part[i + 2]) : 255;
      if (high > 15 || low > 15) {
        throw bad_request("the query has a % without two hex digits behind it");
      }
      decoded += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return decoded;
}

inline json::object parse_body(const std::string& text) {
  json_text parsed = parse_json(text);
  if (!parsed.trouble.empty()) {
    throw bad_request("the body is not JSON: " + parsed.trouble);
  }
  if (!parsed.value.is_object()) {
    throw bad_request("the body must be a JSON object");
  }
  return std::move(parsed.value.get_object());
}

/// The values of the query. The reference's clients may send values of the body in the query: those
/// go to `body`, if there is one.
inline json::object read_query(const request_context& of, json::object* body) {
  const endpoint& e = *of.endpoint;
  json::object query;
  for (const auto& [name, value] : parse_query(of.message.query)) {
    const schema_property* known = e.query.property(name);
    if (known == nullptr && body != nullptr && of.dialect == dialect::reference) {
      if (const schema_property* other = e.body->property(name)) {
        (*body)[name] = other->value.from_text(value);
        continue;
      }
    }
    if (known == nullptr && e.foreign_query) {
      continue;
    }
    if (known != nullptr && known->value.kind() == value_kind::list) { // named once for each entry
      json::value& list = query[name];
      if (!list.is_array()) {
        list = json::array();
      }
      list.as_array().push_back(known->value.from_text(value));
      continue;
    }
    query[name] = known == nullptr ? json::value(value) : known->value.from_text(value);
  }
  return query;
}

} // namespace detail

HANAMI_SERVICE_INLINE std::vector<std::pair<std::string, std::string>>
parse_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> values;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.empty()) {
      continue;
    }
    const std::size_t equals = std::min(part.find('='), part.size());
    values.emplace_back(detail::decode_query_part(part.substr(0, equals)),
                        detail::decode_query_part(part.substr(std::min(equals + 1, part.size()))));
  }
  return values;
}

HANAMI_SERVICE_INLINE void read_values(request_context& of) {
  const endpoint& e = *of.endpoint;
  std::vector<schema_fault> faults;
  const auto take = [&](const schema& against, json::object values, const char* place) {
    json::value checked(std::move(values));
    against.check(checked, place, faults);
    for (auto& item : checked.get_object()) {
      of.values[item.key()] = std::move(item.value());
    }
  };

  json::object path_values;
  std::swap(path_values, of.values);
  for (auto& item : path_values) {
    if (const schema_property* known = e.path_values.property(item.key())) {
      item.value() = known->value.from_text(item.value().as_string());
    }
  }
  take(e.path_values, std::move(path_values), "path");
  const bool has_body = e.body && !e.open_sink;
  json::object body = has_body ? detail::parse_body(of.message.body) : json::object();
  take(e.query, detail::read_query(of, has_body ? &body : nullptr), "query");
  if (has_body) {
    take(*e.body, std::move(body), "");
  }
  if (!faults.empty()) {
    throw refusal_of(std::move(faults), of.dialect);
  }
}

} // namespace hanami::service::api
