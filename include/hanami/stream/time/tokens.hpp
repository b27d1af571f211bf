// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../../config.hpp"
#include "words.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// A part of a text that may be a time: digits, letters, blanks or one other sign.
struct time_token {
  enum class sort : std::uint8_t { digits, word, sign };
  using enum sort;

  sort kind = sort::sign;
  std::string_view text;
  std::string written = {}; ///< in a pattern; empty: a number of the date
};

/// The parts of a text in their order; none for what is no time: no digits, or far too much.
inline std::vector<time_token> split_time(std::string_view text) {
  constexpr std::size_t longest = 80;
  constexpr std::size_t most = 40;
  std::vector<time_token> tokens;
  if (text.size() > longest || std::none_of(text.begin(), text.end(), is_digit)) {
    return tokens;
  }
  for (std::size_t at = 0; at < text.size();) {
    const auto count = [&](auto is) {
      return static_cast<std::size_t>(
                 std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(), is) -
                 text.begin()) -
             at;
    };
    time_token token;
    std::size_t size = count(is_digit);
    token.kind = time_token::digits;
    if (size == 0) {
      token.kind = time_token::word;
      size = count(in_word);
    }
    if (size == 0) {
      token.kind = time_token::sign;
      size = std::max<std::size_t>(count(is_blank), 1);
    }
    token.text = text.substr(at, size);
    tokens.push_back(token);
    at += size;
  }
  if (tokens.size() > most) {
    tokens.clear();
  }
  return tokens;
}

} // namespace hanami::detail
