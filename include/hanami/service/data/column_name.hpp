// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

/// What columns of datasets may be named, so that a name can be shown and sent anywhere.

namespace hanami::service::data::detail {

inline constexpr std::size_t most_column_name_bytes = 254;

/// Bytes of the UTF-8 character at the front of `text`; 0 where there is none that is well formed.
inline std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = at(0);
  if (lead < 0x80) {
    return 1;
  }
  const std::size_t length = lead < 0xc2   ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) {
    return 0;
  }
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) {
      return 0;
    }
  }
  const bool overlong = (lead == 0xe0 && at(1) < 0xa0) || (lead == 0xf0 && at(1) < 0x90);
  const bool surrogate = lead == 0xed && at(1) >= 0xa0;
  const bool too_large = lead == 0xf4 && at(1) >= 0x90;
  return overlong || surrogate || too_large ? 0 : length;
}

/// Why a column cannot have this name; nullptr: it can.
inline const char* fault_of_column_name(std::string_view name) {
  if (name.empty() || name.size() > most_column_name_bytes) {
    return "must have 1 to 254 bytes";
  }
  while (!name.empty()) {
    const std::size_t length = utf8_length(name);
    if (length == 0) {
      return "is not UTF-8";
    }
    const auto lead = static_cast<unsigned char>(name[0]);
    if (lead < 0x20 || lead == 0x7f) {
      return "has a control character";
    }
    name.remove_prefix(length);
  }
  return nullptr;
}

} // namespace hanami::service::data::detail
