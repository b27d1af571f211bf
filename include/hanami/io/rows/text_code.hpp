// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "../../config.hpp"

/// Codes of text: UTF-16, as programs of Windows write it, becomes UTF-8.

namespace hanami::inline HANAMI_ISA::detail {

/// Appends a character; halves of a pair become `?`.
inline void append_utf8(std::string& to, std::uint32_t code) {
  if (code >= 0xd800 && code < 0xe000) {
    code = '?';
  }
  const auto put = [&](std::uint32_t byte) { to += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | (code >> 18 & 7));
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// Whether a text is whole UTF-8.
inline bool is_utf8(std::string_view text) noexcept {
  std::size_t following = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0) == 0x80) {
      if (following-- == 0) {
        return false;
      }
      continue;
    }
    if (following > 0 || byte > 0xf7) {
      return false;
    }
    following = byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
  }
  return following == 0;
}

/// A text of a code of single bytes, as spreadsheets of western Europe write it, in UTF-8.
inline std::string from_latin(std::string_view text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    append_utf8(plain, byte == 0x80 ? 0x20ac : byte);
  }
  return plain;
}

enum class text_code : std::uint8_t { bytes, utf16_little, utf16_big };

/// The code of a text by the beginning of its first line: a byte order mark, or every other byte
/// zero.
inline text_code code_of(std::string_view line) noexcept {
  if (line.starts_with("\xFF\xFE")) {
    return text_code::utf16_little;
  }
  if (line.starts_with("\xFE\xFF")) {
    return text_code::utf16_big;
  }
  constexpr std::size_t longest = 64;
  const std::size_t size = std::min(line.size() / 2 * 2, longest);
  std::size_t zeros[2] = {0, 0}; // at even places, and at odd ones
  for (std::size_t i = 0; i < size; ++i) {
    zeros[i % 2] += line[i] == '\0' ? 1U : 0U;
  }
  const bool some = size >= 6;
  return some && zeros[0] == 0 && zeros[1] == size / 2   ? text_code::utf16_little
         : some && zeros[1] == 0 && zeros[0] == size / 2 ? text_code::utf16_big
                                                         : text_code::bytes;
}

/// A line of UTF-16 that was split from the others at the byte of a line feed, whose other byte it
/// may have kept, or left to the next line. `first`: it is the first one of the text.
inline std::string_view decode_line(std::string_view line, text_code code, bool first,
                                    std::string& plain) {
  plain.clear();
  if (code == text_code::utf16_little && !first && line.starts_with('\0')) {
    line.remove_prefix(1);
  }
  const bool little = code == text_code::utf16_little;
  const auto unit = [&](std::size_t at) {
    const auto byte = [&](std::size_t i) {
      return std::uint32_t{static_cast<unsigned char>(line[i])};
    };
    return little ? byte(at) | byte(at + 1) << 8 : byte(at) << 8 | byte(at + 1);
  };
  for (std::size_t at = 0; at + 1 < line.size(); at += 2) {
    std::uint32_t character = unit(at);
    if (character >= 0xd800 && character < 0xdc00 && at + 3 < line.size()) {
      at += 2;
      character = 0x10000 + ((character - 0xd800) << 10) + ((unit(at) - 0xdc00) & 0x3ff);
    }
    append_utf8(plain, character);
  }
  return plain;
}

} // namespace hanami::detail
