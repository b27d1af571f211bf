// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../../../io/json_text.hpp"
#include "../../base/uuid.hpp"
#include "../stream_types.hpp"

/// Which messages of a broker of MQTT become rows of which stream.

namespace hanami::service::streams {

/// "plant/+/state=<id of a stream>" or, for payloads in InfluxDB's line protocol,
/// "telegraf/#=<id of a stream>=line_protocol".
struct topic_mapping {
  std::string pattern; ///< a topic filter: + is any level, # all below
  std::string stream_id;
  batch_syntax syntax = batch_syntax::json;

  /// Nothing for what is none.
  static std::optional<topic_mapping> parse(std::string_view text) {
    topic_mapping made;
    const std::size_t end = text.find('=');
    if (end == std::string_view::npos) {
      return std::nullopt;
    }
    made.pattern = text.substr(0, end);
    std::string_view rest = text.substr(end + 1);
    if (rest.ends_with("=line_protocol")) {
      made.syntax = batch_syntax::line_protocol;
      rest.remove_suffix(14);
    } else if (rest.ends_with("=json")) {
      rest.remove_suffix(5);
    }
    made.stream_id = rest;
    const bool good = is_filter(made.pattern) && is_uuid(made.stream_id);
    return good ? std::optional(std::move(made)) : std::nullopt;
  }

  /// MQTT 3.1.1, 4.7.1: wildcards are whole levels, # is the last one.
  static bool is_filter(std::string_view pattern) {
    if (pattern.empty()) {
      return false;
    }
    for (;;) {
      const std::size_t end = std::min(pattern.find('/'), pattern.size());
      const std::string_view level = pattern.substr(0, end);
      const bool wild = level.find_first_of("+#") != std::string_view::npos;
      if ((wild && level.size() > 1) || (level == "#" && end < pattern.size())) {
        return false;
      }
      if (end == pattern.size()) {
        return true;
      }
      pattern.remove_prefix(end + 1);
    }
  }

  /// Whether a message of that topic is meant (MQTT 3.1.1, 4.7); none of the broker's own, such as
  /// $SYS/..., by a wildcard at the beginning.
  bool matches(std::string_view topic) const {
    std::string_view filter = pattern;
    if (topic.starts_with('$') && !filter.starts_with('$')) {
      return false;
    }
    for (;;) {
      if (filter == "#") {
        return true;
      }
      const std::size_t filter_end = std::min(filter.find('/'), filter.size());
      const std::size_t topic_end = std::min(topic.find('/'), topic.size());
      if (filter.substr(0, filter_end) != "+" &&
          filter.substr(0, filter_end) != topic.substr(0, topic_end)) {
        return false;
      }
      const bool filter_is_over = filter_end == filter.size();
      if (topic_end == topic.size()) { // "a/#" means "a", too
        return filter_is_over || filter.substr(filter_end) == "/#";
      }
      if (filter_is_over) {
        return false;
      }
      filter.remove_prefix(filter_end + 1);
      topic.remove_prefix(topic_end + 1);
    }
  }
};

/// A message as a text with rows. In JSON the topic becomes a field of that name, so that a stream
/// can tell devices `by` it, unless there is one already; a bare number becomes the field `value`.
inline std::string rows_of_message(std::string_view topic, std::string_view payload,
                                   batch_syntax syntax) {
  if (syntax != batch_syntax::json) {
    return std::string(payload);
  }
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t from = std::min(payload.find_first_not_of(blanks), payload.size());
  const std::size_t to = payload.find_last_not_of(blanks);
  const std::string_view text =
      payload.substr(from, to == std::string_view::npos ? 0 : to + 1 - from);
  const std::string named = "{\"topic\":" + json_string(topic);
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size()) {
    return named + ",\"value\":" + std::string(text) + '}';
  }
  if (!text.starts_with('{') || text.find("\"topic\"") != std::string_view::npos) {
    return std::string(text);
  }
  const std::size_t first = std::min(text.find_first_not_of(blanks, 1), text.size());
  const bool empty = text.substr(first, 1) == "}";
  return named + (empty ? "" : ",") + std::string(text.substr(1));
}

} // namespace hanami::service::streams
