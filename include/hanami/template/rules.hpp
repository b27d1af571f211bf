// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "../foundation/error.hpp"
#include "cluster_template.hpp"

/// What a single number, word or range of a cluster template may be. The parser asks these rules
/// while it reads, `validate` asks them of templates built by hand: each rule and each message
/// exists once.

namespace hanami::inline HANAMI_ISA {

/// Limits of what a template stands for once its ranges are unfolded; `template_limits` bounds what
/// is written down.
struct expansion_limits {
  /// Largest coordinate of a position, either sign: neighbours stay within 32 bits.
  static constexpr std::int32_t coordinate = 1'000'000'000;
  /// Hexagons named by all axons and windows.
  static constexpr std::size_t links = 1'048'576;
  /// Nodes seen by all windows, a node counted once for each window that sees it.
  static constexpr std::size_t window_nodes = 67'108'864;
};

namespace detail::template_text {

/// The part of an entry that breaks a rule; the parser knows where in the text it stands.
enum class template_part : std::uint8_t {
  setting,
  place, ///< of a hexagon, or where an axon starts
  target,
  name,
  size,
  shape,
  windows,
  window_hexagons,
  margin,
  loss,
  count
};

/// A broken rule. Never leaves the library: the parser adds line and column, `validate` the entry.
struct template_issue {
  template_part part;
  std::string message;
};

/// Runs `work`, and `report(issue)` if it breaks a rule.
template <class Work, class Report>
void reporting_issues(Work&& work, [[maybe_unused]] Report&& report) {
#if HANAMI_EXCEPTIONS
  try {
    work();
  } catch (const template_issue& issue) {
    report(issue);
  }
#else
  work(); // the rule has raised its error itself, without knowing where
#endif
}

/// `'text'`, made fit for a message: at most 40 characters, only printable ones.
inline std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text.substr(0, 40)) {
    out += c >= ' ' && c <= '~' ? c : '?';
  }
  return out + (text.size() > 40 ? "...'" : "'");
}

inline std::string in_words(hex_position at) {
  std::string out(1, '('); // appended to: gcc 12 warns of texts put in front
  out.append(std::to_string(at.x)).append(", ");
  out.append(std::to_string(at.y)).append(", ");
  return out.append(std::to_string(at.z)).append(")");
}

inline std::string in_words(std::uint32_t rows, std::uint32_t columns) {
  return std::to_string(rows) + " x " + std::to_string(columns);
}

/// Reports a broken rule in the words that all of them share.
[[noreturn]] inline void refuse(template_part part, std::string_view expected,
                                std::string_view found) {
  const std::string message = "expected " + std::string(expected) + ", found " + quoted(found);
#if HANAMI_EXCEPTIONS
  throw template_issue{part, message};
#else
  static_cast<void>(part);
  raise(errc::invalid_template, message);
#endif
}

/// What a number of a template may be, both ends included. `what` follows "expected" in a message;
/// the upper end is only mentioned to those who went beyond it.
struct number_rule {
  template_part part;
  std::string_view what;
  std::uint64_t least;
  std::uint64_t most;

  [[noreturn]] void refuse_number(std::string_view found, bool too_large) const {
    std::string expected(what);
    if (too_large) {
      expected += " up to " + std::to_string(most);
    }
    refuse(part, expected, found);
  }
  void check(std::uint64_t value) const {
    if (value < least || value > most) {
      refuse_number(std::to_string(value), value > most);
    }
  }
};

/// One line for each number of the grammar. Some settings have a function as well.
namespace rules {
using limits = template_limits;
inline constexpr std::uint64_t any32 = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t any64 = std::numeric_limits<std::uint64_t>::max();
inline constexpr auto setting = template_part::setting;

inline constexpr number_rule refractory_time{setting, "a positive refractory_time", 1, any32};
inline constexpr number_rule distance{setting, "a positive max_connection_distance", 1,
                                      limits::distance};
inline constexpr number_rule brick_size{setting, "a brick_size of 32, 64, 128 or 256", 0, any32};
inline constexpr number_rule initial_bricks{setting, "a positive number of initial_bricks", 1,
                                            limits::bricks};
inline constexpr number_rule max_bricks{setting, "a positive number of max_bricks", 1,
                                        limits::bricks};
inline constexpr number_rule max_steps{setting, "'auto' or a number of max_steps", 0, 32};
inline constexpr number_rule memory_limit{setting, "a positive memory_limit", 1, any64};
inline constexpr number_rule inputs{template_part::size, "a positive number of inputs", 1,
                                    limits::nodes};
inline constexpr number_rule outputs{template_part::size, "a positive number of outputs", 1,
                                     limits::nodes};
inline constexpr number_rule shape{template_part::shape, "a positive number of rows and columns", 1,
                                   limits::nodes};
inline constexpr number_rule windows{template_part::windows,
                                     "a positive number of rows and columns", 1, limits::nodes};
inline constexpr number_rule margin{template_part::margin, "a margin of 0 or more", 0,
                                    limits::nodes};
inline constexpr std::string_view coordinate = "a coordinate from -1000000000 to 1000000000";
inline constexpr std::string_view cooldown = "a finite neuron_cooldown above 1";
inline constexpr std::string_view quantile = "a quantile above 0 and below 1";
inline constexpr std::string_view fire_threshold = "a finite fire_threshold of 0 or more";
inline constexpr std::string_view upward = "a range that runs upwards";
} // namespace rules

inline void check_brick_size(std::uint32_t neurons) {
  for (const std::uint32_t allowed : {32U, 64U, 128U, 256U}) {
    if (neurons == allowed) {
      return;
    }
  }
  rules::brick_size.refuse_number(std::to_string(neurons), false);
}

inline std::string in_words(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

/// A cooldown of 1 would never forget, one below 1 would grow.
inline void check_cooldown(double value) {
  if (!(value > 1.0 && std::isfinite(value))) {
    refuse(template_part::setting, rules::cooldown, in_words(value));
  }
}
inline void check_cooldown(const neuron_range<double>& range) {
  check_cooldown(range.first);
  check_cooldown(range.last);
  if (range.first > range.last) {
    refuse(template_part::setting, rules::upward,
           in_words(range.first) + ".." + in_words(range.last));
  }
}

inline void check_refractory_time(const neuron_range<std::uint32_t>& range) {
  rules::refractory_time.check(range.first);
  rules::refractory_time.check(range.last);
  if (range.first > range.last) {
    refuse(template_part::setting, rules::upward,
           std::to_string(range.first) + ".." + std::to_string(range.last));
  }
}

inline void check_quantile(double value) {
  if (!(value > 0.0 && value < 1.0)) {
    refuse(template_part::loss, rules::quantile, in_words(value));
  }
}

/// Below 0, silence would be taken for input.
inline void check_fire_threshold(double value) {
  if (!(value >= 0.0 && std::isfinite(value))) {
    refuse(template_part::setting, rules::fire_threshold, in_words(value));
  }
}

/// Words of the reference's grammar; the later ones ('shape', 'axons', ...) may be names.
inline bool is_keyword(std::string_view word) {
  constexpr std::array<std::string_view, 16> keywords{"version",
                                                      "settings",
                                                      "hexagons",
                                                      "inputs",
                                                      "outputs",
                                                      "neuron_cooldown",
                                                      "refractory_time",
                                                      "enable_reduction",
                                                      "max_connection_distance",
                                                      "target",
                                                      "number_of_inputs",
                                                      "number_of_outputs",
                                                      "true",
                                                      "True",
                                                      "false",
                                                      "False"};
  return std::find(keywords.begin(), keywords.end(), word) != keywords.end();
}

inline bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
inline bool is_word_character(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// Positions must lie within the limit, and no axis may run backwards.
inline void check_range(const hex_range& range, template_part part) {
  const auto axis = [part](std::int32_t from, std::int32_t to) {
    for (const std::int32_t end : {from, to}) {
      if (end < -expansion_limits::coordinate || end > expansion_limits::coordinate) {
        refuse(part, rules::coordinate, std::to_string(end));
      }
    }
    if (from > to) {
      refuse(part, rules::upward, std::to_string(from) + ".." + std::to_string(to));
    }
  };
  axis(range.first.x, range.last.x);
  axis(range.first.y, range.last.y);
  axis(range.first.z, range.last.z);
}

/// Number of positions of an ordered range within the coordinate limit; 2^32 or more may be
/// inexact.
constexpr std::uint64_t positions_in(const hex_range& range) noexcept {
  const auto length = [](std::int32_t from, std::int32_t to) {
    return static_cast<std::uint64_t>(std::int64_t{to} - from + 1);
  };
  const std::uint64_t plane =
      length(range.first.x, range.last.x) * length(range.first.y, range.last.y);
  return std::min(plane, std::uint64_t{1} << 32) * length(range.first.z, range.last.z);
}

/// Visits the positions of a range, x fastest, then y, then z.
template <typename Visit>
constexpr void for_each_position(const hex_range& range, Visit visit) {
  for (std::int32_t z = range.first.z; z <= range.last.z; ++z) {
    for (std::int32_t y = range.first.y; y <= range.last.y; ++y) {
      for (std::int32_t x = range.first.x; x <= range.last.x; ++x) {
        visit(hex_position{x, y, z});
      }
    }
  }
}

} // namespace detail::template_text

} // namespace hanami
