// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hex.hpp"

/// The description of a cluster before it has learned anything: plain data, made by the parser
/// (`template_parser.hpp`), by `template_builder` or by hand, checked by `validate`.

namespace hanami::inline HANAMI_ISA {

/// What the nodes of an output answer, and with it the loss they are trained with.
enum class output_kind : std::uint8_t {
  softmax, ///< one of several classes; cross-entropy; targets are probabilities that add up to 1
  sigmoid, ///< independent values in 0..1; binary cross-entropy per node
  linear   ///< any value, in the target's own units; with a `value_loss`
};

/// What a linear output promises, by the loss it is trained with.
enum class loss_kind : std::uint8_t {
  squared, ///< the mean, also where most targets are 0 and a few large
  huber,   ///< the bulk: what lies far from it counts for little (Huber 1964)
  quantile ///< the value that a share of the targets lies below (Koenker and Bassett 1978)
};

struct value_loss {
  loss_kind kind = loss_kind::squared;
  double quantile = 0.5; ///< that share, above 0 and below 1; only `loss_kind::quantile` asks
  friend bool operator==(const value_loss&, const value_loss&) = default;
};

/// The activation of every neuron of the cluster.
enum class activation_kind : std::uint8_t {
  relu, ///< max(0, z)
  log2  ///< log2(1 + max(0, z))
};

/// A box of positions, both ends included. In text each axis is `a` or `a..b`.
struct hex_range {
  hex_position first;
  hex_position last;
  friend bool operator==(const hex_range&, const hex_range&) = default;
};

/// Receptive fields: a grid of windows over a shaped input, each feeding the hexagon at its place
/// of `hexagons` (window columns along x, window rows along y; z must be a single floor). The
/// windows are spread evenly from edge to edge, inside a border of `margin` nodes that no window
/// sees.
struct input_windows {
  std::uint32_t rows = 0;    ///< height of one window, in nodes
  std::uint32_t columns = 0; ///< width of one window, in nodes
  std::uint32_t margin = 0;
  hex_range hexagons;
  friend bool operator==(const input_windows&, const input_windows&) = default;
};

struct input_template {
  std::string name;
  /// The hexagon whose place the nodes take. Empty only where `windows` says who reads them.
  std::optional<hex_position> target;
  std::uint32_t size = 0; ///< number of nodes
  /// Shape of the nodes, row-major; rows * columns == size. 1 x size unless given.
  std::uint32_t rows = 0;
  std::uint32_t columns = 0;
  std::optional<input_windows> windows;
  friend bool operator==(const input_template&, const input_template&) = default;
};

struct output_template {
  std::string name;
  hex_position target; ///< the hexagon whose place the nodes take
  std::uint32_t size = 0;
  output_kind kind{}; ///< required in texts and by `template_builder`
  value_loss loss{};  ///< of linear outputs; the others have one of their own
  friend bool operator==(const output_template&, const output_template&) = default;
};

/// A far connection: `to` is reached from `from` as if the two touched.
struct axon_template {
  hex_range from;
  hex_position to;
  friend bool operator==(const axon_template&, const axon_template&) = default;
};

/// One value for all neurons, or a range that every neuron draws its own from, both ends included.
template <class T>
struct neuron_range {
  T first{};
  T last{};

  constexpr neuron_range(T all) noexcept : first(all), last(all) {} // a value is a range
  constexpr neuron_range(T from, T to) noexcept : first(from), last(to) {}
  friend bool operator==(const neuron_range&, const neuron_range&) = default;
};

/// Settings of a cluster; the defaults are those of the text without a settings section.
struct cluster_settings {
  /// Spiking: the potential of a neuron is divided by this every cycle (> 1). 1e9 forgets at once.
  neuron_range<double> neuron_cooldown = 1e9;
  /// Spiking: a neuron takes input every `refractory_time` cycles (>= 1) at most.
  neuron_range<std::uint32_t> refractory_time = 1;
  /// Spiking: a neuron takes input only where its sum is above this (>= 0).
  double fire_threshold = 0;
  /// Hexagons up to this many steps away are reached (>= 1), nearer ones more often.
  std::uint32_t max_connection_distance = 1;
  /// Weak steps are removed while the cluster learns.
  bool enable_pruning = false;
  activation_kind activation = activation_kind::relu;
  std::uint32_t brick_size = 64;    ///< neurons of a brick: 32, 64, 128 or 256
  std::uint32_t initial_bricks = 1; ///< bricks a hexagon starts with when the first signal comes
  std::uint32_t max_bricks = 8;     ///< bricks a hexagon may grow to, >= initial_bricks
  std::uint32_t max_steps = 0;      ///< steps a section may grow to, 1..32; 0 decides by the inputs
  std::uint64_t memory_limit = std::uint64_t{1} << 30; ///< bytes; stops growth, never the program
  friend bool operator==(const cluster_settings&, const cluster_settings&) = default;
};

/// A hexagon of the template. Its id is its index. What it says of its neurons goes before the
/// settings of the cluster.
struct hexagon_template {
  hex_position position;
  std::optional<neuron_range<double>> neuron_cooldown = std::nullopt;
  std::optional<neuron_range<std::uint32_t>> refractory_time = std::nullopt;
  std::optional<double> fire_threshold = std::nullopt;
  friend bool operator==(const hexagon_template&, const hexagon_template&) = default;
};

struct cluster_template {
  cluster_settings settings;
  std::vector<hexagon_template> hexagons;
  std::vector<axon_template> axons;
  std::vector<input_template> inputs;
  std::vector<output_template> outputs;
  friend bool operator==(const cluster_template&, const cluster_template&) = default;
};

/// How the neurons of one hexagon spike; see `algorithm/spiking.hpp`.
struct spiking_layout {
  neuron_range<double> cooldown = cluster_settings{}.neuron_cooldown;
  neuron_range<std::uint32_t> refractory_time = cluster_settings{}.refractory_time;
  double fire_threshold = 0;

  spiking_layout() = default;
  spiking_layout(const cluster_settings& all, const hexagon_template& here)
      : cooldown(here.neuron_cooldown.value_or(all.neuron_cooldown)),
        refractory_time(here.refractory_time.value_or(all.refractory_time)),
        fire_threshold(here.fire_threshold.value_or(all.fire_threshold)) {}

  /// Whether neurons remember: anything other than the defaults.
  bool spikes() const noexcept {
    return cooldown.first < cluster_settings{}.neuron_cooldown.first || refractory_time.last > 1 ||
           fire_threshold > 0;
  }
};

/// Fixed limits of a template, far above what fits a host's memory: they keep a hostile text from
/// asking for everything at once.
struct template_limits {
  static constexpr std::size_t text_bytes = std::size_t{4} << 20;
  static constexpr std::size_t name_length = 254;
  static constexpr std::size_t hexagons = 65536;
  static constexpr std::size_t nodes = std::size_t{1} << 24; ///< of one input or output, and of all
  static constexpr std::uint32_t bricks = 65536;             ///< of one hexagon
  static constexpr std::uint32_t distance = 64;
};

} // namespace hanami
