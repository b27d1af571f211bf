// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <boost/beast/core/string.hpp>

#include "message.hpp"
#include "problem.hpp"

/// Parts of a body (RFC 9110, 14): one range of bytes at a time.

namespace hanami::service::http {

struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

namespace detail {

/// A number of digits alone, at most 2^64 - 1; nothing for all else.
inline std::optional<std::uint64_t> read_position(std::string_view digits) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t value = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    const auto digit = static_cast<std::uint64_t>(c - '0');
    value = value > (most - digit) / 10 ? most : value * 10 + digit;
  }
  return digits.empty() ? std::nullopt : std::optional(value);
}

inline problem no_such_range(const std::string& why, std::uint64_t size) {
  problem refused(transport_fault::invalid_range,
                  why + "; there are " + std::to_string(size) + " bytes");
  refused.length = size;
  return refused;
}

} // namespace detail

/// Which of `size` bytes a request's `Range` asks for; nothing: all of them, as for what is no
/// range of bytes, which HTTP wants to be ignored. Throws `problem` 416 where none of them is in
/// the range, and for several ranges.
inline std::optional<byte_range> asked_range(const fields& headers, std::uint64_t size) {
  const auto given = headers.get_all("Range");
  if (given.empty()) {
    return std::nullopt;
  }
  std::string_view field = given[0];
  constexpr std::size_t unit = 6;
  if (!boost::beast::iequals({field.data(), std::min(unit, field.size())}, "bytes=")) {
    return std::nullopt;
  }
  field.remove_prefix(unit);
  if (given.size() > 1 || field.find(',') != std::string_view::npos) {
    throw detail::no_such_range("one range of bytes is sent at a time", size);
  }
  const std::size_t dash = field.find('-');
  if (dash == std::string_view::npos) {
    return std::nullopt;
  }
  const auto first = detail::read_position(field.substr(0, dash));
  const auto last = detail::read_position(field.substr(dash + 1));
  if (dash == 0 && last) { // so many from the end
    if (*last == 0 || size == 0) {
      throw detail::no_such_range("the range is empty", size);
    }
    const std::uint64_t count = std::min(*last, size);
    return byte_range{size - count, count};
  }
  const bool open = dash + 1 == field.size();
  if (!first || (!last && !open) || (last && *last < *first)) {
    return std::nullopt;
  }
  if (*first >= size) {
    throw detail::no_such_range("the range begins behind the end", size);
  }
  const std::uint64_t end = open ? size : std::min(*last, size - 1) + 1;
  return byte_range{*first, end - *first};
}

namespace detail {

/// The next so many bytes of another source.
class part_source final : public body_source {
 public:
  part_source(std::unique_ptr<body_source> from, std::uint64_t count)
      : from_(std::move(from)), count_(count), left_(count) {}
  std::optional<std::uint64_t> size() const override { return count_; }
  std::size_t read(std::span<char> buffer) override {
    const auto room = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), left_));
    const std::size_t count = from_->read(buffer.first(room));
    left_ -= count;
    return count;
  }

 private:
  std::unique_ptr<body_source> from_;
  std::uint64_t count_;
  std::uint64_t left_;
};

} // namespace detail

/// Answers with the part that is asked for: 206. `whole` is 200, with a source that can be read
/// from anywhere. `tag`: its ETag, on which `If-Range` depends. Throws as `asked_range`.
inline void answer_range(response& whole, const fields& asked, std::string_view tag) {
  const std::uint64_t size = whole.source->size().value_or(0);
  const auto conditions = asked.get_all("If-Range");
  const bool same = conditions.empty() || (conditions.size() == 1 && conditions[0] == tag);
  const std::optional<byte_range> part = same ? asked_range(asked, size) : std::nullopt;
  if (part) {
    whole.source->seek(part->first);
    whole.source = std::make_unique<detail::part_source>(std::move(whole.source), part->count);
    whole.status = 206;
    whole.headers.add("Content-Range", "bytes " + std::to_string(part->first) + '-' +
                                           std::to_string(part->first + part->count - 1) + '/' +
                                           std::to_string(size));
  }
}

} // namespace hanami::service::http
