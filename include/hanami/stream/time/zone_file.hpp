// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../../foundation/error.hpp"
#include "daylight_rule.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// The changes of a zone's clocks on record, and the rule for those to come.
struct zone_table {
  /// The offset from a second on.
  struct change {
    std::int64_t at = 0;
    std::int32_t offset = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(at, offset);
    }
  };

  std::vector<change> changes; ///< ascending
  std::int32_t first = 0;      ///< before the first change
  daylight_rule rule;          ///< from the last one on

  std::int32_t offset(std::int64_t utc) const noexcept {
    if (changes.empty() || utc >= changes.back().at) {
      return rule.offset(utc);
    }
    const auto next = std::upper_bound(changes.begin(), changes.end(), utc,
                                       [](std::int64_t t, const change& c) { return t < c.at; });
    return next == changes.begin() ? first : std::prev(next)->offset;
  }

  bool turns() const noexcept { return !changes.empty() || rule.turns(); }

  bool in_order() const noexcept {
    return std::is_sorted(changes.begin(), changes.end(),
                          [](const change& a, const change& b) { return a.at < b.at; });
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(changes, first, rule);
    archive.require(in_order(), "changes of a time zone that are not in order");
  }
};

/// Reads a file of RFC 8536, version 2 or newer.
class zone_file {
 public:
  explicit zone_file(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  /// Throws `errc::invalid_data`.
  zone_table read() {
    const head old = take_head();
    require(old.bytes(4) <= rest_.size(), "ends too early");
    rest_ = rest_.subspan(old.bytes(4)); // the same once more in numbers of 32 bits
    const head now = take_head();
    require(now.bytes(8) <= rest_.size() && now.kinds > 0, "ends too early");
    const std::size_t kinds_at = now.changes * 8;
    const auto offset_of = [&](std::size_t kind) {
      require(kind < now.kinds, "a change to clocks that are not there");
      return static_cast<std::int32_t>(number(kinds_at + now.changes + 6 * kind, 4));
    };
    zone_table zone;
    zone.first = offset_of(0);
    for (std::size_t i = 0; i < now.changes; ++i) {
      zone.changes.push_back({number(8 * i, 8), offset_of(rest_[kinds_at + i])});
    }
    require(zone.in_order(), "changes that are not in order");
    rest_ = rest_.subspan(now.bytes(8));
    zone.rule = take_rule().value_or(
        daylight_rule(zone.changes.empty() ? zone.first : zone.changes.back().offset));
    return zone;
  }

 private:
  /// What each of the two blocks begins with.
  struct head {
    std::size_t utc_marks, standard_marks, leaps, changes, kinds, letters;

    std::size_t bytes(std::size_t time_bytes) const noexcept {
      return changes * (time_bytes + 1) + kinds * 6 + letters + leaps * (time_bytes + 4) +
             standard_marks + utc_marks;
    }
  };

  static void require(bool good, const char* why) {
    if (!good) {
      raise(errc::invalid_data, std::string("a file of a time zone: ") + why);
    }
  }

  std::string_view text() const noexcept {
    return {reinterpret_cast<const char*>(rest_.data()), rest_.size()};
  }

  std::int64_t number(std::size_t at, std::size_t size) const noexcept {
    std::uint64_t value = rest_[at] >= 128 ? ~std::uint64_t{0} : 0;
    for (std::size_t i = 0; i < size; ++i) {
      value = value << 8 | rest_[at + i];
    }
    return static_cast<std::int64_t>(value);
  }

  head take_head() {
    constexpr std::size_t size = 44;
    require(rest_.size() >= size && text().starts_with("TZif"), "does not begin with TZif");
    require(rest_[4] >= '2', "older than version 2");
    const auto count = [&](std::size_t place) {
      return static_cast<std::size_t>(number(20 + 4 * place, 4) & 0xffffffff);
    };
    const head found{count(0), count(1), count(2), count(3), count(4), count(5)};
    rest_ = rest_.subspan(size);
    return found;
  }

  /// The rule for what comes after the last change; nothing where that holds for ever.
  std::optional<daylight_rule> take_rule() const {
    const std::string_view line = text();
    require(line.size() >= 2 && line.front() == '\n' && line.find('\n', 1) == line.size() - 1,
            "does not end with a rule");
    const std::string_view rule = line.substr(1, line.size() - 2);
    const auto found = daylight_rule::parse(rule);
    require(rule.empty() || found, "ends with a rule that is none");
    return found;
  }

  std::span<const std::uint8_t> rest_;
};

} // namespace hanami::detail
