// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "../foundation/error.hpp"
#include "../foundation/number_text.hpp"
#include "cluster_template.hpp"
#include "lexer.hpp"
#include "rules.hpp"

namespace hanami::inline HANAMI_ISA::detail::template_text {

/// The vocabulary of the parser: words, numbers and positions, and the places where they stood.
/// Each function reads what it is named after, or throws `error` with line and column.
class template_reader {
 protected:
  explicit template_reader(std::string_view text) : lexer_(text) {}

  [[noreturn]] static void fail(text_place at, const std::string& message) {
    raise(errc::invalid_template, "line " + std::to_string(at.line) + ", column " +
                                      std::to_string(at.column) + ": " + message);
  }
  [[noreturn]] void expected(const std::string& what) const {
    fail(now().place, "expected " + what + ", found " + in_words(now()));
  }

  bool is(token_kind kind) const noexcept { return now().kind == kind; }
  bool is(std::string_view text) const noexcept { return now().text == text; }
  bool skip(std::string_view text) {
    const bool found = is(text);
    if (found) {
      lexer_.next();
    }
    return found;
  }
  void need(std::string_view text) {
    if (!skip(text)) {
      expected(quoted(text));
    }
  }
  /// Skips `word:` if it stands here.
  bool heading(std::string_view word) {
    if (!skip(word)) {
      return false;
    }
    need(":");
    return true;
  }
  void need_heading(std::string_view word) {
    need(word);
    need(":");
  }
  void next() { lexer_.next(); }
  const text_token& now() const noexcept { return lexer_.now(); }
  const template_lexer& lexer() const noexcept { return lexer_; }

  /// Where a part of the current entry stands.
  text_place& place_of(template_part which) noexcept {
    return places_[static_cast<std::size_t>(which)];
  }
  /// Parts that the next entry does not name count as standing at its name.
  void mark_all() { places_.fill(now().place); }
  /// Broken rules about `which` will be reported at the token that comes next.
  void mark(template_part which) { place_of(which) = now().place; }

  /// A number of a rule. The digits may run into a word (`28x28`, `64MiB`) where `glued`.
  std::uint64_t number(const number_rule& rule, bool glued = false) {
    if (glued && is(token_kind::word) && is_digit(now().text[0])) {
      const std::string_view text = now().text;
      const auto rest = std::find_if_not(text.begin(), text.end(), is_digit);
      lexer_.cut(static_cast<std::size_t>(rest - text.begin()), token_kind::integer);
    }
    if (!is(token_kind::integer)) {
      expected(std::string(rule.what));
    }
    mark(rule.part);
    const std::string_view text = now().text;
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc{}) {
      rule.refuse_number(text, read.ec == std::errc::result_out_of_range);
    }
    rule.check(value);
    lexer_.next();
    return value;
  }
  /// A number of a rule whose largest value fits 32 bits.
  std::uint32_t count(const number_rule& rule, bool glued = false) {
    return static_cast<std::uint32_t>(number(rule, glued));
  }

  /// One end of an axis.
  std::int32_t coordinate() {
    const std::string_view text = now().text;
    std::int32_t value = 0;
    if (!is(token_kind::integer) ||
        std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{} ||
        value < -expansion_limits::coordinate || value > expansion_limits::coordinate) {
      expected(std::string(rules::coordinate));
    }
    lexer_.next();
    return value;
  }

  /// Three coordinates; rules about them will be reported at the first one.
  hex_position position(template_part which) {
    mark(which);
    hex_position at;
    at.x = coordinate();
    need(",");
    at.y = coordinate();
    need(",");
    at.z = coordinate();
    return at;
  }

  /// Three axes, each a coordinate or two of them. Whether they run upwards is asked by the
  /// checker.
  hex_range range(template_part which) {
    mark(which);
    hex_range box;
    const auto axis = [this](std::int32_t& first, std::int32_t& last) {
      first = last = coordinate();
      if (skip("..")) {
        last = coordinate();
      }
    };
    axis(box.first.x, box.last.x);
    need(",");
    axis(box.first.y, box.last.y);
    need(",");
    axis(box.first.z, box.last.z);
    return box;
  }

  struct extent {
    std::uint32_t rows;
    std::uint32_t columns;
  };
  /// Blanks around the `x` may be left out. Rules about the extent are reported at its start.
  extent rows_by_columns(const number_rule& rule) {
    const text_place start = now().place;
    const std::uint32_t rows = count(rule, true);
    if (is(token_kind::word) && now().text[0] == 'x') {
      lexer_.cut(1, token_kind::word);
    }
    need("x");
    const std::uint32_t columns = count(rule);
    place_of(rule.part) = start;
    return {rows, columns};
  }

  /// One of some words; answers which.
  template <std::size_t Count>
  std::size_t choice(const std::array<std::string_view, Count>& words, const char* what) {
    for (std::size_t i = 0; i < Count; ++i) {
      if (skip(words[i])) {
        return i;
      }
    }
    expected(what);
  }

  /// Integer or real, as in the reference, or a word like `1e9`; never by the rules of a locale.
  double real(std::string_view what, void (*check)(double)) {
    mark(template_part::setting);
    const std::string_view text = now().text;
    double value = 0.0;
    const auto read = parse_number(text.data(), text.data() + text.size(), value);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size()) {
      expected(std::string(what));
    }
    check(value);
    lexer_.next();
    return value;
  }
  double fire_threshold() { return real(rules::fire_threshold, check_fire_threshold); }

  /// One value for all neurons, or two ends. Rules about the two are reported at the first.
  neuron_range<double> cooldown() {
    const text_place start = now().place;
    const auto end = [this] {
      return real(rules::cooldown, [](double value) { check_cooldown(value); });
    };
    neuron_range<double> range = end();
    range.last = skip("..") ? end() : range.first;
    place_of(template_part::setting) = start;
    check_cooldown(range);
    return range;
  }
  neuron_range<std::uint32_t> refractory_time() {
    const text_place start = now().place;
    neuron_range<std::uint32_t> range = count(rules::refractory_time);
    range.last = skip("..") ? count(rules::refractory_time) : range.first;
    place_of(template_part::setting) = start;
    check_refractory_time(range);
    return range;
  }

  /// Bytes, with or without a unit.
  std::uint64_t memory() {
    const text_token start = now();
    const std::uint64_t value = number(rules::memory_limit, true);
    const unsigned shift = skip("KiB") ? 10U : skip("MiB") ? 20U : skip("GiB") ? 30U : 0U;
    if (value > rules::memory_limit.most >> shift) {
      fail(start.place, "expected a memory_limit below 2^64 bytes, found " + in_words(start));
    }
    return value << shift;
  }

 private:
  template_lexer lexer_;
  std::array<text_place, static_cast<std::size_t>(template_part::count)> places_{};
};

} // namespace hanami::detail::template_text
