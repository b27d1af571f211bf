// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hanami::service {

namespace detail {

/// How many letters must be changed, added or left out to make one name of the other (Levenshtein
/// 1965), whatever the case of ASCII letters; only the first 64 bytes are looked at.
inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr std::size_t most = 64;
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  a = a.substr(0, most);
  b = b.substr(0, most);
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t k = 0; k < b.size(); ++k) {
      const std::size_t changed = diagonal + (lower(a[i]) == lower(b[k]) ? 0 : 1);
      diagonal = row[k + 1];
      row[k + 1] = std::min({changed, row[k] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

} // namespace detail

/// The names that are most like `name`, the nearest first, in quotes: "'a', 'b'", then ", ..."
/// where there are more than ten. Takes time in proportion to 4,096 names at most.
inline std::string similar_names(std::string_view name, std::span<const std::string_view> all) {
  constexpr std::size_t most_compared = 4096;
  constexpr std::size_t most_shown = 10;
  std::vector<std::pair<std::size_t, std::size_t>> near; // distance, place
  for (std::size_t i = 0; i < std::min(all.size(), most_compared); ++i) {
    near.emplace_back(detail::edit_distance(name, all[i]), i);
  }
  const std::size_t shown = std::min(near.size(), most_shown);
  std::partial_sort(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(shown), near.end());
  std::string text;
  for (std::size_t i = 0; i < shown; ++i) {
    text += (i == 0 ? "'" : ", '") + std::string(all[near[i].second].substr(0, 254)) + "'";
  }
  return text + (all.size() > shown ? ", ..." : "");
}

} // namespace hanami::service
