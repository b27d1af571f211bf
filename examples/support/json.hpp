// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <concepts>
#include <span>
#include <string>
#include <string_view>

#include "text.hpp"

namespace example {

/// Text as a JSON string, quotes included.
inline std::string json_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      quoted += formatted("\\u%04x", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

/// One flat JSON object, keys in the order in which they were added.
class json_object {
 public:
  json_object& add(std::string_view key, std::string_view value) {
    return put(key, json_string(value));
  }
  template <std::integral T>
  json_object& add(std::string_view key, T value) {
    if constexpr (std::same_as<T, bool>) {
      return put(key, value ? "true" : "false");
    } else {
      return put(key, std::to_string(value));
    }
  }
  /// Six significant digits; finite values only.
  json_object& add(std::string_view key, double value) { return put(key, number(value)); }
  json_object& add(std::string_view key, std::span<const double> values) {
    std::string list;
    for (const double value : values) {
      list += (list.empty() ? "" : ", ") + number(value);
    }
    return put(key, "[" + list + "]");
  }

  std::string text() const { return "{" + members_ + "\n}"; }

 private:
  static std::string number(double value) {
    char text[32];
    return {text,
            std::to_chars(text, text + sizeof text, value, std::chars_format::general, 6).ptr};
  }

  json_object& put(std::string_view key, const std::string& value) {
    members_ += (members_.empty() ? "\n  " : ",\n  ") + json_string(key) + ": " + value;
    return *this;
  }

  std::string members_;
};

} // namespace example
