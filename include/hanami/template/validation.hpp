// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "../foundation/error.hpp"
#include "../foundation/memory.hpp"
#include "cluster_template.hpp"
#include "rules.hpp"

/// How the entries of a cluster template must fit each other. Whether signals find their way from
/// the inputs to the outputs is a matter of the topology, not of these rules.

namespace hanami::inline HANAMI_ISA {

namespace detail::template_text {

/// Sees a template entry by entry, in the order of the text, and throws `template_issue` at the
/// first one that breaks a rule. Memory stays within the limits whatever the entries ask for.
class template_checker {
 public:
  static void settings(const cluster_settings& of) {
    check_cooldown(of.neuron_cooldown);
    check_refractory_time(of.refractory_time);
    check_fire_threshold(of.fire_threshold);
    rules::distance.check(of.max_connection_distance);
    check_brick_size(of.brick_size);
    rules::initial_bricks.check(of.initial_bricks);
    rules::max_bricks.check(of.max_bricks);
    if (of.initial_bricks > of.max_bricks) {
      refuse(template_part::setting,
             "initial_bricks of at most max_bricks (" + std::to_string(of.max_bricks) + ")",
             std::to_string(of.initial_bricks));
    }
    rules::max_steps.check(of.max_steps);
    rules::memory_limit.check(of.memory_limit);
    if (of.activation > activation_kind::log2) {
      refuse(template_part::setting, "the activation relu or log2", "an unknown one");
    }
  }

  /// What a hexagon says of its neurons.
  static void neurons(const hexagon_template& of) {
    if (of.neuron_cooldown) {
      check_cooldown(*of.neuron_cooldown);
    }
    if (of.refractory_time) {
      check_refractory_time(*of.refractory_time);
    }
    if (of.fire_threshold) {
      check_fire_threshold(*of.fire_threshold);
    }
  }

  /// Refuses too large a box before it looks at a single position.
  void hexagons(const hex_range& range) {
    check_range(range, template_part::place);
    if (positions_in(range) > template_limits::hexagons - places_.size()) {
      refuse(template_part::place,
             "at most " + std::to_string(template_limits::hexagons) + " hexagons in all", "more");
    }
    for_each_position(range, [this](hex_position at) {
      if (!places_.insert(at).second) {
        refuse(template_part::place, "a position that no other hexagon has", in_words(at));
      }
    });
  }

  void axon(const axon_template& of) {
    named_hexagons(of.from, template_part::place);
    hexagon_exists(of.to, template_part::target);
  }

  /// Several inputs may share a hexagon. The shape comes before the size, since the parser derives
  /// the size from it.
  void input(const input_template& of) {
    name(of.name, input_names_, "a name that no other input has");
    const std::uint64_t area = std::uint64_t{of.rows} * of.columns;
    if (area > template_limits::nodes) {
      refuse(template_part::shape,
             "a shape of at most " + std::to_string(template_limits::nodes) + " nodes",
             in_words(of.rows, of.columns));
    }
    rules::inputs.check(of.size);
    if (area != of.size) {
      refuse(template_part::shape, "a shape of " + std::to_string(of.size) + " nodes in all",
             in_words(of.rows, of.columns));
    }
    add_nodes(of.size);
    if (of.target) {
      hexagon_exists(*of.target, template_part::target);
    }
    if (of.windows) {
      windows(of, *of.windows);
    }
    if (!of.target && !of.windows) {
      refuse(template_part::name, "a target or windows", of.name);
    }
  }

  void output(const output_template& of) {
    name(of.name, output_names_, "a name that no other output has");
    rules::outputs.check(of.size);
    add_nodes(of.size);
    hexagon_exists(of.target, template_part::target);
    if (of.kind > output_kind::linear) { // only by hand
      refuse(template_part::name, "the kind softmax, sigmoid or linear", "an unknown one");
    }
    if (of.loss.kind > loss_kind::quantile) { // the same
      refuse(template_part::loss, "the loss squared, huber or quantile", "an unknown one");
    }
    if (of.loss.kind == loss_kind::quantile) {
      check_quantile(of.loss.quantile);
    }
    if (of.kind != output_kind::linear && of.loss != value_loss{}) {
      refuse(template_part::loss, "a loss of linear outputs alone",
             of.kind == output_kind::softmax ? "softmax" : "sigmoid");
    }
  }

 private:
  void hexagon_exists(hex_position at, template_part part) const {
    if (!places_.contains(at)) {
      refuse(part, "the position of a hexagon", in_words(at));
    }
  }

  /// Every position of a range must have a hexagon. All ranges together are bounded, so that a
  /// short text cannot ask for days of work.
  void named_hexagons(const hex_range& range, template_part part) {
    check_range(range, part);
    if (positions_in(range) > expansion_limits::links - links_) {
      refuse(part,
             "at most " + std::to_string(expansion_limits::links) +
                 " hexagons in all axons and windows",
             "more");
    }
    links_ += to_size(positions_in(range));
    for_each_position(range, [&](hex_position at) { hexagon_exists(at, part); });
  }

  /// Inputs and outputs have names of their own: one of each may share a name.
  static void name(const std::string& text, std::unordered_set<std::string>& others,
                   std::string_view unique) {
    const bool fits = text.size() <= template_limits::name_length &&
                      std::all_of(text.begin(), text.end(), is_word_character) &&
                      !std::all_of(text.begin(), text.end(), is_digit);
    if (!fits) {
      refuse(template_part::name,
             "a name of 1 to 254 letters, digits and underscores, not only digits", text);
    }
    if (is_keyword(text)) {
      refuse(template_part::name, "a name that is no keyword", text);
    }
    if (!others.insert(text).second) {
      refuse(template_part::name, unique, text);
    }
  }

  void add_nodes(std::uint32_t count) {
    nodes_ += count;
    if (nodes_ > template_limits::nodes) {
      refuse(template_part::size,
             "at most " + std::to_string(template_limits::nodes) + " inputs and outputs in all",
             std::to_string(nodes_));
    }
  }

  /// Windows may overlap and need not cover the shape, but each must fit inside its margin.
  void windows(const input_template& input, const input_windows& of) {
    rules::windows.check(of.rows);
    rules::windows.check(of.columns);
    rules::margin.check(of.margin);
    const std::uint64_t border = std::uint64_t{2} * of.margin;
    if (of.rows + border > input.rows || of.columns + border > input.columns) {
      refuse(template_part::windows,
             "windows that fit into " + in_words(input.rows, input.columns) +
                 " nodes less a margin of " + std::to_string(of.margin),
             in_words(of.rows, of.columns));
    }
    if (of.hexagons.first.z != of.hexagons.last.z) {
      refuse(template_part::window_hexagons, "windows to a single floor z",
             std::to_string(of.hexagons.first.z) + ".." + std::to_string(of.hexagons.last.z));
    }
    named_hexagons(of.hexagons, template_part::window_hexagons);
    window_nodes_ += positions_in(of.hexagons) * of.rows * of.columns;
    if (window_nodes_ > expansion_limits::window_nodes) {
      refuse(template_part::windows,
             "at most " + std::to_string(expansion_limits::window_nodes) + " nodes in all windows",
             std::to_string(window_nodes_));
    }
  }

  std::unordered_set<hex_position> places_;
  std::unordered_set<std::string> input_names_;
  std::unordered_set<std::string> output_names_;
  std::uint64_t nodes_ = 0;
  std::size_t links_ = 0;
  std::uint64_t window_nodes_ = 0;
};

} // namespace detail::template_text

/// Throws `errc::invalid_template` unless every rule holds: settings within their ranges, at least
/// one hexagon, input and output, unique positions and names, targets, axons and windows that name
/// hexagons of the template, shapes and windows that fit, everything within `template_limits` and
/// `expansion_limits`. Linear in the template plus the hexagons its ranges name; thread-safe.
inline void validate(const cluster_template& of) {
  std::string entry = "settings: ";
  const auto check = [&] {
    using detail::template_text::template_checker;
    template_checker::settings(of.settings);
    template_checker checker;
    entry.clear();
    for (const auto& hexagon : of.hexagons) {
      checker.hexagons({hexagon.position, hexagon.position});
      template_checker::neurons(hexagon);
    }
    for (std::size_t i = 0; i < of.axons.size(); ++i) {
      entry = "axon " + std::to_string(i) + ": ";
      checker.axon(of.axons[i]);
    }
    for (const auto& input : of.inputs) {
      entry = "input " + detail::template_text::quoted(input.name) + ": ";
      checker.input(input);
    }
    for (const auto& output : of.outputs) {
      entry = "output " + detail::template_text::quoted(output.name) + ": ";
      checker.output(output);
    }
  };
  detail::template_text::reporting_issues(check,
                                          [&](const detail::template_text::template_issue& issue) {
                                            raise(errc::invalid_template, entry + issue.message);
                                          });
  if (of.hexagons.empty() || of.inputs.empty() || of.outputs.empty()) {
    raise(errc::invalid_template, "expected at least one hexagon, one input and one output");
  }
}

} // namespace hanami
