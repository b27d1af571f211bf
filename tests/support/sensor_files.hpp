// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>
#include <hanami/stream.hpp>
#include <hanami/stream/time_format.hpp>

#if __has_include(<zlib.h>)
#include <hanami/io/gzip.hpp>
#endif

namespace support {

/// A recorded stream: rows of values, NaN where there is none, and their times.
struct recording {
  std::vector<std::string> names;
  std::vector<double> times;
  std::vector<std::vector<double>> rows;
};

namespace detail {

inline std::string read_text(const std::filesystem::path& path) {
  constexpr std::size_t most = std::size_t{1} << 28;
#if __has_include(<zlib.h>)
  const std::vector<std::uint8_t> bytes = hanami::read_file_or_gzip(path, most);
#else
  const std::vector<std::uint8_t> bytes = hanami::read_file(path, most);
#endif
  return {bytes.begin(), bytes.end()};
}

inline std::string_view take_until(std::string_view& text, char end) {
  const std::size_t found = text.find(end);
  const std::string_view part = text.substr(0, found);
  text = found == std::string_view::npos ? std::string_view{} : text.substr(found + 1);
  return part;
}

inline double number_of(std::string_view text) {
  double value = 0;
  const auto [stop, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return code == std::errc() ? value : std::numeric_limits<double>::quiet_NaN();
}

} // namespace detail

/// A CSV file whose first column is the time; `most` rows at most.
inline recording read_recording(const std::filesystem::path& path,
                                std::size_t most = std::numeric_limits<std::size_t>::max()) {
  const std::string text = detail::read_text(path);
  std::string_view rest = text;
  std::string_view head = detail::take_until(rest, '\n');
  recording all;
  detail::take_until(head, ',');
  while (!head.empty()) {
    all.names.emplace_back(detail::take_until(head, ','));
  }
  while (!rest.empty() && all.rows.size() < most) {
    std::string_view line = detail::take_until(rest, '\n');
    all.times.push_back(hanami::parse_time(detail::take_until(line, ',')));
    std::vector<double>& row = all.rows.emplace_back();
    while (!line.empty()) {
      row.push_back(detail::number_of(detail::take_until(line, ',')));
    }
    row.resize(all.names.size(), std::numeric_limits<double>::quiet_NaN());
  }
  return all;
}

/// First and last time of a labelled stretch.
using time_window = std::pair<double, double>;

/// The windows of one file in the JSON file of labels: all quoted texts between its name and the
/// next one that are times, in pairs.
inline std::vector<time_window> read_windows(const std::filesystem::path& path,
                                             std::string_view file) {
  const std::string text = detail::read_text(path);
  std::string_view rest = text;
  const std::size_t at = rest.find("\"" + std::string(file) + "\"");
  std::vector<time_window> windows;
  if (at == std::string_view::npos) {
    return windows;
  }
  rest = rest.substr(at + file.size() + 2);
  double first = std::numeric_limits<double>::quiet_NaN();
  while (!rest.empty()) {
    detail::take_until(rest, '"');
    const std::string_view quoted = detail::take_until(rest, '"');
    const double time = hanami::parse_time(quoted);
    if (time != time) {
      break; // the next file's name
    }
    if (first == first) {
      windows.emplace_back(first, time);
      first = std::numeric_limits<double>::quiet_NaN();
    } else {
      first = time;
    }
  }
  return windows;
}

} // namespace support
