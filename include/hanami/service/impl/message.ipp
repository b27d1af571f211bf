// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../http/message.hpp"

namespace hanami::service::http {

HANAMI_SERVICE_INLINE std::string_view fields::get(std::string_view name) const {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  for (const auto& [key, value] : all_) {
    bool same = key.size() == name.size();
    for (std::size_t i = 0; same && i < name.size(); ++i) {
      same = lower(key[i]) == lower(name[i]);
    }
    if (same) {
      return value;
    }
  }
  return {};
}

} // namespace hanami::service::http
