// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "json.hpp"

/// JSON as it comes from outside.

namespace hanami::service {

namespace detail {

/// Members of all objects in a value; no further than `enough`.
inline std::size_t count_members(const json::value& in, std::size_t enough) {
  std::size_t count = 0;
  if (const json::object* object = in.if_object()) {
    count = object->size();
    for (auto it = object->begin(); it != object->end() && count < enough; ++it) {
      count += count_members(it->value(), enough - count);
    }
  } else if (const json::array* array = in.if_array()) {
    for (auto it = array->begin(); it != array->end() && count < enough; ++it) {
      count += it->is_structured() ? count_members(*it, enough - count) : 0;
    }
  }
  return count;
}

/// Members as they are written: each has one colon outside of strings.
inline std::size_t count_colons(std::string_view valid) {
  std::size_t count = 0;
  bool inside = false; // of a string
  for (std::size_t at = 0; at < valid.size(); ++at) {
    const char c = valid[at];
    inside = inside != (c == '"');
    at += inside && c == '\\' ? 1 : 0;
    count += !inside && c == ':' ? 1 : 0;
  }
  return count;
}

} // namespace detail

/// What is wrong with a text, or nothing and its value.
struct json_text {
  json::value value;
  std::string trouble; ///< empty: it is good
};

/// Parses JSON in which no object has two members of the same name: RFC 8259 leaves to each reader
/// which of them counts, so that who checks a text and who uses it may see different things.
inline json_text parse_json(std::string_view text) {
  constexpr std::size_t most_depth = 32;
  json_text parsed;
  json::error_code fault;
  json::parse_options options;
  options.max_depth = most_depth;
  parsed.value = json::parse(json::string_view(text.data(), text.size()), fault, {}, options);
  if (fault) {
    parsed.trouble = fault.message();
    return parsed;
  }
  const auto most = static_cast<std::size_t>(std::count(text.begin(), text.end(), ':'));
  const std::size_t kept = detail::count_members(parsed.value, most);
  if (kept < most && kept < detail::count_colons(text)) {
    parsed.trouble = "an object has two members of the same name";
  }
  return parsed;
}

} // namespace hanami::service
