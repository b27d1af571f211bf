// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <charconv>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/json.hpp"
#include "../../base/refusal.hpp"
#include "../../engine/cluster_shape.hpp"

/// Converts samples between JSON and the flat vectors of a cluster.

namespace hanami::service::api {

namespace detail {

inline std::string known_buffers(const std::vector<engine::buffer_shape>& buffers) {
  std::string known;
  for (const engine::buffer_shape& b : buffers) {
    known += (known.empty() ? "" : ", ") + b.name + " (" + std::to_string(b.size) + ")";
  }
  return known;
}

inline void copy_values(const json::array& from, std::span<float> to, const std::string& pointer) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i].is_null()) {
      to[i] = std::numeric_limits<float>::quiet_NaN();
      continue;
    }
    const auto value = static_cast<float>(from[i].to_number<double>());
    if (!std::isfinite(value)) {
      throw invalid_value_at(pointer + '/' + std::to_string(i), "is beyond the range of a float");
    }
    to[i] = value;
  }
}

} // namespace detail

/// `{"name": [values], ...}` -> one flat vector: each buffer of the cluster once, null for missing
/// values. Throws `invalid_value` with a pointer below `pointer`. The values must have been
/// validated as lists of numbers and nulls.
inline std::vector<float> flat_values(const json::object& given,
                                      const std::vector<engine::buffer_shape>& buffers,
                                      std::size_t size, const std::string& pointer) {
  for (const auto& item : given) {
    bool known = false;
    for (const engine::buffer_shape& b : buffers) {
      known = known || b.name == item.key();
    }
    if (!known) {
      throw invalid_value_at(pointer + '/' + std::string(item.key()),
                             "the cluster has no such name; it has " +
                                 detail::known_buffers(buffers));
    }
  }
  std::vector<float> flat(size);
  for (const engine::buffer_shape& b : buffers) {
    const json::value* values = given.if_contains(b.name);
    const std::string here = pointer + '/' + b.name;
    if (values == nullptr) {
      throw invalid_value_at(here, "is required: " + std::to_string(b.size) + " values");
    }
    const json::array& list = values->as_array();
    if (list.size() != b.size) {
      throw invalid_value_at(here, "must have " + std::to_string(b.size) + " values, not " +
                                       std::to_string(list.size()));
    }
    detail::copy_values(list, std::span(flat).subspan(b.first, b.size), here);
  }
  return flat;
}

/// Appends the shortest text that reads back as the same float; null for NaN.
inline void append_number(std::string& to, float value) {
  if (!std::isfinite(value)) {
    to += "null";
    return;
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  to.append(text, end.ptr);
}

inline void append_numbers(std::string& to, std::span<const float> values) {
  to += '[';
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i > 0) {
      to += ',';
    }
    append_number(to, values[i]);
  }
  to += ']';
}

/// `{"name":[values],...}`.
inline void append_buffers(std::string& to, std::span<const float> flat,
                           const std::vector<engine::buffer_shape>& buffers) {
  to += '{';
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    to += i > 0 ? ",\"" : "\"";
    to += buffers[i].name; // names in templates contain nothing that JSON escapes
    to += "\":";
    append_numbers(to, flat.subspan(buffers[i].first, buffers[i].size));
  }
  to += '}';
}

} // namespace hanami::service::api
