// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "../foundation/error.hpp"
#include "cluster_template.hpp"
#include "validation.hpp"

namespace hanami::inline HANAMI_ISA {

/// Makes a template in code, entry by entry, in the order a text would have:
///
///     const auto t = template_builder{}
///                        .hexagons({{1, 1, 1}, {4, 4, 1}})
///                        .hexagon({1, 1, 2})
///                        .input_windows("picture", 28, 28, {12, 12, 1, {{1, 1, 1}, {4, 4, 1}}})
///                        .output("digit", {1, 1, 2}, 10, output_kind::softmax)
///                        .build();
///
/// Rules are checked by `build`. One builder must not be used by two threads at once.
class template_builder {
 public:
  template_builder& settings(const cluster_settings& all) {
    made_.settings = all;
    return *this;
  }

  template_builder& hexagon(hex_position at) { return spiking_hexagon({at}); }

  /// Adds a hexagon whose neurons spike in a way of their own.
  template_builder& spiking_hexagon(const hexagon_template& all) {
    made_.hexagons.push_back(all);
    return *this;
  }

  /// Adds a box of hexagons, x fastest, then y, then z. Throws `errc::invalid_template`, before
  /// anything is allocated, if the box runs backwards or exceeds `template_limits::hexagons`.
  template_builder& hexagons(const hex_range& box) {
    using namespace detail::template_text;
    reporting_issues(
        [&] { check_range(box, template_part::place); },
        [](const template_issue& issue) { raise(errc::invalid_template, issue.message); });
    if (detail::template_text::positions_in(box) > template_limits::hexagons) {
      raise(errc::invalid_template,
            "expected at most " + std::to_string(template_limits::hexagons) + " hexagons");
    }
    detail::template_text::for_each_position(box, [this](hex_position at) { hexagon(at); });
    return *this;
  }

  template_builder& axon(hex_position from, hex_position to) { return axons({from, from}, to); }

  /// Connects every hexagon of a box to one.
  template_builder& axons(const hex_range& from, hex_position to) {
    made_.axons.push_back({from, to});
    return *this;
  }

  /// Adds an input of 1 x `size` nodes that take the place of a hexagon.
  template_builder& input(std::string name, hex_position target, std::uint32_t size) {
    return input({std::move(name), target, size, 1, size, std::nullopt});
  }

  /// Adds an input as it is, for what the shorter forms cannot say.
  template_builder& input(input_template all) {
    made_.inputs.push_back(std::move(all));
    return *this;
  }

  /// Adds an input of `rows` x `columns` nodes whose windows feed hexagons of their own; with a
  /// target, the nodes take the place of that hexagon as well.
  template_builder& input_windows(std::string name, std::uint32_t rows, std::uint32_t columns,
                                  const hanami::input_windows& windows,
                                  std::optional<hex_position> target = std::nullopt) {
    const std::uint64_t area = std::uint64_t{rows} * columns;
    const auto size = area > template_limits::nodes ? 0U : static_cast<std::uint32_t>(area);
    return input({std::move(name), target, size, rows, columns, windows});
  }

  /// Adds an output of `size` nodes that take the place of a hexagon: softmax for classes, sigmoid
  /// for independent values in 0..1, linear for values, with the loss that says what of them.
  template_builder& output(std::string name, hex_position target, std::uint32_t size,
                           output_kind kind, const value_loss& loss = {}) {
    made_.outputs.push_back({std::move(name), target, size, kind, loss});
    return *this;
  }

  /// The template so far; the builder may go on. Throws what `validate` throws.
  cluster_template build() const {
    validate(made_);
    return made_;
  }

 private:
  cluster_template made_;
};

} // namespace hanami
