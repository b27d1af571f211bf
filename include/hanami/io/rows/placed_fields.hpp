// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "../cell.hpp"

/// Fields of tables that are printed in columns of one width, where a cell may be empty.

namespace hanami::inline HANAMI_ISA::detail {

/// Calls `see(character, blank)` for each character of a line of UTF-8, and gives how many there
/// are.
template <class See>
std::uint32_t for_characters(std::string_view line, See see) {
  std::uint32_t count = 0;
  for (const char c : line) {
    if ((static_cast<unsigned char>(c) & 0xc0) != 0x80) {
      see(count++, is_blank(c) || c == '\r');
    }
  }
  return count;
}

/// Where the columns begin, in characters, if each of the lines below the first one, which names
/// them, has blanks between all columns; else empty. Names are two blanks apart, or `least` where
/// none is two.
inline std::vector<std::uint32_t> find_places(const std::vector<std::string_view>& lines,
                                              std::uint32_t least) {
  struct span {
    std::uint32_t first;
    std::uint32_t end;
  };
  std::vector<bool> used;
  for (const std::string_view line : lines) {
    if (line.find('\t') != std::string_view::npos) {
      return {};
    }
    for_characters(line, [&](std::uint32_t at, bool blank) {
      if (used.size() <= at) {
        used.resize(at + 1);
      }
      used[at] = used[at] || !blank;
    });
  }
  for (std::uint32_t apart = 2; apart >= least; --apart) {
    std::vector<span> names;
    for_characters(lines.front(), [&](std::uint32_t at, bool blank) {
      if (!blank && (names.empty() || at >= names.back().end + apart)) {
        names.push_back({at, at + 1});
      } else if (!blank) {
        names.back().end = at + 1;
      }
    });
    std::vector<std::uint32_t> places(1, 0);
    for (std::size_t i = 1; i < names.size(); ++i) {
      std::uint32_t at = names[i].first;
      while (at > names[i - 1].end && used[at - 1]) {
        --at;
      }
      if (used[at - 1]) {
        break; // a cell reaches from one column into the next
      }
      places.push_back(at);
    }
    if (names.size() > 1) {
      return places.size() == names.size() ? places : std::vector<std::uint32_t>();
    }
  }
  return {};
}

/// Calls `see(text)` for the field in each column of a line. A word over the beginning of a column
/// belongs to that column, as numbers do that end below each other.
template <class See>
void for_placed_fields(std::string_view line, const std::vector<std::uint32_t>& places, See see) {
  std::size_t column = 0;
  std::size_t first = 0; // of the field, in bytes
  std::size_t word = 0;  // where the word begins that goes on
  std::uint32_t character = 0;
  bool blank = true;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if ((static_cast<unsigned char>(line[i]) & 0xc0) == 0x80) {
      continue;
    }
    const bool inside = !is_blank(line[i]);
    word = inside && blank ? i : word;
    blank = !inside;
    if (column + 1 < places.size() && character == places[column + 1]) {
      const std::size_t end = inside ? word : i;
      see(line.substr(first, end - first));
      first = end;
      ++column;
    }
    ++character;
  }
  see(line.substr(first));
  for (++column; column < places.size(); ++column) {
    see(line.substr(line.size()));
  }
}

} // namespace hanami::detail
