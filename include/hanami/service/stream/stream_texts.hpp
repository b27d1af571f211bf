// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../../io/json_text.hpp"
#include "../../stream/live/plain_number.hpp"
#include "../../stream/stream_model.hpp"
#include "stream_types.hpp"

/// What a stream answers, written as JSON piece by piece.

namespace hanami::service::streams::detail {

/// Three digits that count, as a probability is read.
inline void append_probability(std::string& to, double score) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, std::pow(10.0, -score),
                                 std::chars_format::general, 3);
  to.append(text, end.ptr);
}

/// The shortest text that reads back as the same; null where it is not finite.
inline void append_value(std::string& to, double value) {
  if (!std::isfinite(value)) {
    to += "null";
    return;
  }
  char text[32];
  to.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

inline void append_count(std::string& to, std::uint64_t value) {
  char text[24];
  to.append(text, std::to_chars(text, text + sizeof text, value).ptr);
}

inline void append_text_or_null(std::string& to, std::string_view text) {
  to += text.empty() ? "null" : json_string(text);
}

/// `celsius is 48.2 where about 21.4 was expected; so strange a row comes once in 20,000`.
inline std::string reason_of(const stream_alarm& alarm) {
  const double scale = std::abs(alarm.seen - alarm.expected);
  std::string reason = alarm.column + " is ";
  append_plain_number(reason, alarm.seen, decimal_places().of(scale), "missing");
  reason += " where about ";
  append_plain_number(reason, alarm.expected, decimal_places().of(scale), "nothing");
  reason += " was expected; so strange a row comes once in ";
  append_count(reason, static_cast<std::uint64_t>(std::pow(10.0, std::min(alarm.score, 18.0))));
  return reason + " or less often";
}

/// The forecasts of a device: {"celsius":[{"ahead":1,"value":..,"low":..,"high":..}],...}.
template <class At>
void append_forecasts(std::string& to, const stream_model& model,
                      const std::vector<std::string>& names, std::vector<decimal_places>& decimals,
                      const At& at) {
  to += '{';
  const std::vector<std::uint32_t>& horizons = model.horizons();
  for (std::size_t c = 0; c < names.size(); ++c) {
    to += c > 0 ? "," : "";
    to += names[c];
    to += '[';
    const int places = decimals[c].of(model.scale(c));
    for (std::size_t h = 0; h < horizons.size(); ++h) {
      const forecast found = at(c, h);
      to += h > 0 ? R"(,{"ahead":)" : R"({"ahead":)";
      append_count(to, horizons[h]);
      to += R"(,"value":)";
      append_plain_number(to, found.value, places, "null");
      to += R"(,"low":)";
      append_plain_number(to, found.low, places, "null");
      to += R"(,"high":)";
      append_plain_number(to, found.high, places, "null");
      to += '}';
    }
    to += ']';
  }
  to += '}';
}

inline std::vector<std::string> names_in_json(const std::vector<std::string>& columns) {
  std::vector<std::string> names;
  for (const std::string& column : columns) {
    names.push_back(json_string(column) + ':');
  }
  return names;
}

} // namespace hanami::service::streams::detail
