// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <hanami/hanami.hpp>

#include <support/ticks.hpp>

namespace bench {

/// What a sample's time goes to, in the order in which it happens.
enum class phase : std::uint8_t {
  input,       ///< values to their places, by sign
  growth,      ///< active sources, and what must grow for them (training)
  active,      ///< active sources (inference)
  list,        ///< active steps of all bricks
  accumulate,  ///< their weights, added up
  activate,    ///< potentials of the neurons
  outputs,     ///< sums, answers, losses
  deltas,      ///< backward pass to all neurons
  borders,     ///< border rule
  output_rule, ///< correction of the outputs' weights
  update,      ///< correction of the bricks' weights
};
inline constexpr std::array<std::string_view, 11> phase_names = {
    "input",   "growth", "active",  "list",        "accumulate", "activate",
    "outputs", "deltas", "borders", "output_rule", "update"};

/// Adds up ticks by phase. A lap that is far longer than any phase (of 4,096 neurons: 40 us) is one
/// in which another process had the processor: it does not count.
class phase_clock {
 public:
  static constexpr double longest_lap = 1e-4; ///< seconds

  void start() noexcept { last_ = support::ticks(); }
  /// What has run since the last call belonged to `p`.
  void lap(phase p) noexcept {
    const std::uint64_t now = support::ticks();
    if (now - last_ < longest_) {
      ticks_[static_cast<std::size_t>(p)] += now - last_;
    }
    last_ = now;
  }
  double seconds(phase p) const {
    return support::seconds_per_tick() * static_cast<double>(ticks_[static_cast<std::size_t>(p)]);
  }
  double total() const {
    double sum = 0;
    for (std::size_t p = 0; p < phase_names.size(); ++p) {
      sum += seconds(static_cast<phase>(p));
    }
    return sum;
  }

 private:
  std::uint64_t longest_ = static_cast<std::uint64_t>(longest_lap / support::seconds_per_tick());
  std::uint64_t last_ = 0;
  std::array<std::uint64_t, phase_names.size()> ticks_{};
};

/// Trains and asks a network as a cluster does, through the same algorithms, with a clock between
/// the phases. For clusters with a task of known length, outputs of classes, no spiking, a fixed
/// number of bricks, no negative values, no reduction and no rehearsal; anything else ends with
/// other weights than the cluster, which the caller should check.
class phase_replay {
 public:
  /// Begins where `from` is now.
  explicit phase_replay(const hanami::cluster& from)
      : net_(from.state()), options_(from.options()) {
    workspace_.fit_to_learn(net_);
  }

  void start_task(std::uint64_t samples) { schedule_ = {samples, 0}; }
  const hanami::network<float>& state() const noexcept { return net_; }
  /// With the lists of the last sample.
  const hanami::workspace<float>& activity() const noexcept { return workspace_; }
  /// Bytes of weights that `accumulate` has read.
  double bytes_read() const noexcept { return bytes_read_; }
  /// Bytes of weights that `update_tiles` has changed.
  double bytes_updated() const noexcept { return bytes_updated_; }

  /// True if the sample was learned from.
  bool train(std::span<const float> input, std::span<const float> target, phase_clock& clock) {
    clock.start();
    workspace_.fit_to_learn(net_);
    hanami::place_inputs(net_, input, workspace_);
    clock.lap(phase::input);
    for (std::size_t level = 0; level < net_.topology.levels.size(); ++level) {
      hanami::grow_level(net_, net_.topology.levels[level], workspace_);
      clock.lap(phase::growth);
      forward(workspace_.level_bricks[level], clock);
    }
    answer();
    float worst = 0;
    for (std::size_t o = 0; o < net_.outputs.size(); ++o) {
      const auto& layout = net_.topology.outputs[o];
      const auto loss =
          hanami::measure_output(net_, o, target.subspan(layout.first, layout.size),
                                 static_cast<float>(options_.gradient_clip), workspace_);
      worst = std::max(worst, loss.worst);
    }
    clock.lap(phase::outputs);
    const bool learned = !(static_cast<double>(worst) < options_.tolerance_classes);
    if (learned) {
      learn(clock);
    }
    ++schedule_.seen;
    return learned;
  }

  void infer(std::span<const float> input, phase_clock& clock) {
    clock.start();
    hanami::place_inputs(net_, input, workspace_);
    clock.lap(phase::input);
    for (std::size_t level = 0; level < net_.topology.levels.size(); ++level) {
      for (const hanami::hexagon_id id : net_.topology.levels[level]) {
        hanami::find_active(net_, id, workspace_);
      }
      clock.lap(phase::active);
      forward(workspace_.level_bricks[level], clock);
    }
    answer();
    clock.lap(phase::outputs);
  }

 private:
  void forward(const std::vector<std::uint32_t>& bricks, phase_clock& clock) {
    for (const std::uint32_t b : bricks) {
      hanami::list_steps(net_, b, workspace_);
    }
    clock.lap(phase::list);
    bytes_read_ += static_cast<double>(hanami::touched_bytes(net_, bricks, workspace_));
    hanami::with_lanes(net_.lanes(), [&](auto lanes) {
      for (const std::uint32_t b : bricks) {
        const auto& list = workspace_.lists[b];
        hanami::accumulate<lanes()>(net_.tiles.weights(), list.phi.data(), list.slot.data(),
                                    list.count, net_.bricks[b].bias.data(), potentials(b));
      }
      clock.lap(phase::accumulate);
      hanami::with_activation(net_.topology.settings.activation, [&](auto activate) {
        for (const std::uint32_t b : bricks) {
          float* a = potentials(b);
          for (std::size_t lane = 0; lane < lanes(); ++lane) {
            a[lane] = decltype(activate)::activate(a[lane]);
          }
        }
      });
    });
    clock.lap(phase::activate);
  }

  void answer() {
    hanami::forward_outputs(net_, hanami::weight_set::current, workspace_,
                            hanami::serial_executor{});
    for (std::size_t o = 0; o < net_.outputs.size(); ++o) {
      hanami::predict_output(net_, o, workspace_);
    }
  }

  void learn(phase_clock& clock) {
    hanami::find_hidden_gradients(net_, workspace_, hanami::serial_executor{});
    clock.lap(phase::deltas);
    for (const auto& bricks : workspace_.level_bricks) {
      for (const std::uint32_t b : bricks) {
        hanami::track_borders(net_, b, workspace_);
      }
    }
    clock.lap(phase::borders);
    const double rate = options_.learning_rate * schedule_.share();
    const auto bias_rate = static_cast<float>(rate * options_.bias_rate);
    correct_outputs(static_cast<float>(rate), bias_rate);
    clock.lap(phase::output_rule);
    for (const auto& bricks : workspace_.level_bricks) {
      bytes_updated_ += static_cast<double>(hanami::touched_bytes(net_, bricks, workspace_));
      for (const std::uint32_t b : bricks) {
        correct_brick(b, static_cast<float>(rate), bias_rate);
      }
    }
    clock.lap(phase::update);
  }

  void correct_outputs(float rate, float bias_rate) {
    for (std::size_t o = 0; o < net_.outputs.size(); ++o) {
      auto& layer = net_.outputs[o];
      const auto& layout = net_.topology.outputs[o];
      const float* errors = workspace_.output_gradients.data() + layout.first;
      for (std::size_t block = 0; block < layer.bricks.size(); ++block) {
        hanami::correct_output_block(layer.weights.data() + block * net_.lanes() * layout.size,
                                     errors, layout.size, net_.lanes(),
                                     potentials(layer.bricks[block]), rate);
      }
      for (std::size_t k = 0; k < layout.size; ++k) {
        layer.bias[k] -= bias_rate * errors[k];
      }
    }
  }

  void correct_brick(std::uint32_t index, float rate, float bias_rate) {
    auto& b = net_.bricks[index];
    const auto& list = workspace_.lists[index];
    const float* gradient = workspace_.hidden_gradients.data() + index * net_.lanes();
    for (std::size_t lane = 0; lane < net_.lanes(); ++lane) {
      b.bias[lane] -= bias_rate * gradient[lane];
    }
    hanami::with_lanes(net_.lanes(), [&](auto lanes) {
      hanami::update_tiles<lanes()>(net_.tiles.weights(), list.phi.data(), list.slot.data(),
                                    list.count, rate * hanami::fan_in_gain(net_, b), gradient,
                                    hanami::weight_rounding<float>(0));
    });
  }

  float* potentials(std::uint32_t brick) noexcept {
    return workspace_.activations.data() + net_.neurons_of(brick);
  }

  hanami::network<float> net_;
  hanami::learning_options options_;
  hanami::workspace<float> workspace_;
  hanami::learning_schedule schedule_;
  double bytes_read_ = 0;
  double bytes_updated_ = 0;
};

} // namespace bench
