// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "message.hpp"

#include "../base/compile.hpp"

namespace hanami::service::http {

namespace detail {

inline bool same_field_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) {
    same = lower(a[i]) == lower(b[i]);
  }
  return same;
}

} // namespace detail

HANAMI_SERVICE_INLINE std::string_view fields::get(std::string_view name) const {
  for (const auto& [key, value] : all_) {
    if (detail::same_field_name(key, name)) {
      return value;
    }
  }
  return {};
}

HANAMI_SERVICE_INLINE std::vector<std::string_view> fields::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : all_) {
    if (detail::same_field_name(key, name)) {
      values.push_back(value);
    }
  }
  return values;
}

} // namespace hanami::service::http
