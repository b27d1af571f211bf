// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "algorithm/average.hpp"
#include "algorithm/backward.hpp"
#include "algorithm/forward.hpp"
#include "algorithm/phases.hpp"
#include "algorithm/rehearsal.hpp"
#include "algorithm/sample_check.hpp"
#include "algorithm/schedule.hpp"
#include "algorithm/spiking.hpp"
#include "foundation/error.hpp"
#include "foundation/executor.hpp"
#include "foundation/random_streams.hpp"
#include "growth/bricks.hpp"
#include "growth/centre.hpp"
#include "growth/dormant.hpp"
#include "growth/drift.hpp"
#include "growth/grow.hpp"
#include "growth/prune.hpp"
#include "learning.hpp"
#include "structure/network.hpp"
#include "structure/workspace.hpp"

/// How a network learns: the rates, what is worth learning, when something grows, and what is due
/// after a sample. Clusters, devices, fleets, replays of journals and benchmarks use this one.

namespace hanami::inline HANAMI_ISA {

/// Trains a network, one sample at a time. A value; belongs to one network, and is used by one
/// thread at a time.
template <class Real>
class learner {
 public:
  /// Throws as `learning_options::check`.
  template <class Weight>
  learner(const learning_options& options, const network<Real, Weight>& net) {
    adopt(options, net);
  }

  const learning_options& options() const noexcept { return options_; }
  const learning_progress& progress() const noexcept { return progress_; }
  /// What was learned elsewhere, by a copy of the network that comes back with it.
  void resume_at(const learning_progress& progress) noexcept { progress_ = progress; }

  /// Begins a task of `samples` samples, or an endless stream (0).
  template <class Weight>
  void start_task(network<Real, Weight>& net, std::uint64_t samples) {
    progress_.schedule = {.planned = samples};
    progress_.average = {};
    progress_.pruning_rounds = 0;
    progress_.steps_pruned = 0;
    follow_averaging(net);
  }

  /// An endless stream learns fast again, as after a change.
  void start_anew() noexcept {
    if (progress_.schedule.endless()) {
      progress_.schedule = {};
    }
  }

  /// Whether averaged weights are kept: in endless streams of classes and probabilities, and in
  /// streams and tasks of values unless they follow a level (Huber's loss).
  template <class Weight>
  bool wants_average(const network<Real, Weight>& net) const noexcept {
    return linear(net) ? compares_average(net) : progress_.schedule.endless();
  }
  template <class Weight>
  void follow_averaging(network<Real, Weight>& net) const {
    if (net.averaging() != wants_average(net)) {
      set_averaging(net, wants_average(net));
    }
  }
  /// Whether there is an average that has been taken.
  template <class Weight>
  bool average_taken(const network<Real, Weight>& net) const noexcept {
    return net.averaging() && (linear(net) ? progress_.schedule.since_turn >= cadence::averaged
                                           : progress_.average.taken());
  }
  /// The weights that have lately lost less.
  template <class Weight>
  weight_set better_weights(const network<Real, Weight>& net) const noexcept {
    const auto& watch = progress_.average;
    const bool better = linear(net) ? !watch.lags() : compares_average(net) ? watch.leads() : true;
    return average_taken(net) && better ? weight_set::average : weight_set::current;
  }
  /// What the current weights made of the last sample trained, before they learned from it.
  std::span<const Real> prediction() const noexcept { return prediction_; }

  /// The share of the steps to be removed, 0..0.95.
  template <class Weight>
  double pruning_share(const network<Real, Weight>& net) const noexcept {
    if (options_.pruning > 0) {
      return options_.pruning;
    }
    return net.topology.settings.enable_pruning ? 0.3 : 0.0;
  }
  template <class Weight>
  std::uint64_t samples_until_upkeep(const network<Real, Weight>& net) const noexcept {
    return progress_.samples_until_upkeep(pruning_share(net) > 0);
  }
  /// The loss that asks for a brick, in nats. Where few columns have many classes, most of it is
  /// that of classes that have been met a few times only: more neurons would not know them sooner,
  /// and cost a weight for each class.
  template <class Weight>
  double brick_loss(const network<Real, Weight>& net) const noexcept {
    const auto classes = static_cast<double>(net.topology.output_size);
    const auto lanes = static_cast<double>(net.lanes());
    return options_.growth_loss_per_neuron *
           (detail::may_fold(net) ? std::max(lanes, classes * classes / 64) : lanes);
  }

  /// Learns from one sample, rehearses, and does what is due. Sizes and targets must have been
  /// checked. Throws `errc::invalid_argument` for infinite inputs and has then changed nothing.
  template <class Weight, executor Executor, phase_observer Observer = no_observer>
  train_result train(network<Real, Weight>& net, workspace<Real>& ws, std::span<const Real> input,
                     std::span<const Real> target, const Executor& run, Observer observe = {}) {
    const outcome found = train_once(net, ws, input, target, 0, run, observe);
    const train_result& result = found.result;
    const std::uint64_t changes = progress_.drift.changes();
    const upkeep due = progress_.after(found.watched_loss, found.bounded, linear(net));
    if (progress_.drift.changes() != changes) {
      progress_.average = {};
    }
    if (due.note_active) {
      note_active(net, ws);
    }
    if (average_taken(net) && compares_average(net)) {
      compare_average(net, ws, target, result.loss, run);
    }
    if (options_.rehearsal > 0 && result.learned && ws.memory.empty()) {
      rehearse(net, ws, input, target, result, run, observe);
    }
    if (due.reset_dormant) {
      reset_dormant_neurons(net);
    }
    if (net.averaging()) {
      follow_average(net, due.average);
    }
    if (due.prune && pruning_share(net) > 0) {
      prune(net);
    }
    return result;
  }

  /// Every remembered target gets `more` values at place `at`: an output has grown.
  void widen_targets(std::size_t at, std::size_t more, Real fill) {
    ring_.widen_targets(at, more, fill);
  }

  /// Takes the memory that pruning `steps` steps will need.
  void reserve(std::size_t steps) { norms_.reserve(2 * steps); }
  void shrink_to_fit() { std::vector<Real>().swap(norms_); }
  std::size_t bytes() const noexcept { return ring_.bytes() + allocated_bytes(prediction_); }

  /// New options; what was remembered is forgotten. Throws as `learning_options::check`.
  template <class Weight>
  void adopt(const learning_options& options, const network<Real, Weight>& net) {
    options.check();
    options_ = options;
    ring_ = options.rehearsal == 0
                ? rehearsal_ring<Real>()
                : rehearsal_ring<Real>(options.replay_capacity, net.topology.input_size,
                                       net.topology.output_size);
  }

  /// Everything but the options.
  template <class Archive>
  void serialize(Archive& archive) {
    archive(progress_.schedule, progress_.drift, ring_, progress_.loss_sum, progress_.samples,
            progress_.samples_learned, progress_.pruning_rounds, progress_.steps_pruned,
            progress_.average);
  }

 private:
  /// What a sample brought.
  struct outcome {
    train_result result;
    double watched_loss = 0; ///< by which changes of the stream are noticed
    bool bounded = false;    ///< see `drift_detector`
  };

  /// Updates the average, if that is due.
  template <class Weight>
  void follow_average(network<Real, Weight>& net, bool due) {
    const std::uint64_t since = progress_.schedule.since_turn;
    std::uint64_t period = cadence::average;
    double window = 0;
    if (linear(net)) {
      period = cadence::average_values;
      due = since % period == 0;
      window = std::min(longest_average, static_cast<double>(since) / 4);
    } else if (due) {
      window = progress_.average.next_window(period, compares_average(net) ? longest_average
                                                                           : blind_average);
    }
    if (due) {
      update_average(net, average_share<Real>(window, period), progress_.samples);
    }
  }

  /// Whether the average can show that it does not lag. Neurons that spike remember; they would
  /// have to live twice. Huber's loss is for levels that wander, behind which averages lag: there
  /// is none.
  template <class Weight>
  static bool compares_average(const network<Real, Weight>& net) noexcept {
    return !net.topology.spikes() &&
           std::none_of(net.topology.outputs.begin(), net.topology.outputs.end(),
                        [](const output_layout& o) {
                          return o.kind == output_kind::linear && o.loss.kind == loss_kind::huber;
                        });
  }

  /// What the averaged weights would have lost on the sample that stands in `ws`.
  template <class Weight, class Executor>
  void compare_average(const network<Real, Weight>& net, workspace<Real>& ws,
                       std::span<const Real> target, double current, const Executor& run) {
    const std::uint32_t weight = progress_.average.weight_of(current, progress_.samples);
    if (weight == 0) {
      return;
    }
    infer_placed(net, weight_set::average, ws, run);
    double loss = 0;
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      const auto& layout = net.topology.outputs[o];
      loss += static_cast<double>(measure_output(net, o, target.subspan(layout.first, layout.size),
                                                 static_cast<Real>(options_.gradient_clip), ws)
                                      .nats);
    }
    progress_.average.note(current, loss, weight, linear(net));
  }

  template <class Weight>
  static bool linear(const network<Real, Weight>& net) noexcept {
    return std::any_of(net.topology.outputs.begin(), net.topology.outputs.end(),
                       [](const output_layout& o) { return o.kind == output_kind::linear; });
  }

  template <class Weight, class Executor, class Observer>
  outcome train_once(network<Real, Weight>& net, workspace<Real>& ws, std::span<const Real> input,
                     std::span<const Real> target, std::uint64_t draw, const Executor& run,
                     Observer observe) {
    ws.fit_to_learn(net);
    const input_findings found = place_inputs(net, input, ws);
    if (found.infinite) {
      detail::refuse_infinity("input");
    }
    if (net.compacted) {
      net.resume();
      follow_averaging(net);
    }
    if (found.new_negative) {
      open_negative_inputs(net, input);
      ws.fit_to_learn(net);
      place_inputs(net, input, ws);
    }
    if (draw == 0) {
      watch_inputs(net, input, ws);
    }
    net.renewal_checks = linear(net) && progress_.schedule.moving() ? 16 : 64;
    observe(phase::inputs);
    grow_forward(net, ws, run, observe);
    if (!ws.memory.empty()) {
      follow_all_traces(net, ws, run);
    }
    const outcome out = measure(net, ws, target, draw);
    observe(phase::outputs);
    if (out.result.learned) {
      learn(net, ws, out.result.loss, run, observe);
    }
    return out;
  }

  template <class Weight>
  outcome measure(network<Real, Weight>& net, workspace<Real>& ws, std::span<const Real> target,
                  std::uint64_t draw) {
    outcome found;
    train_result& result = found.result;
    double worth = 0;
    prediction_.resize(net.topology.output_size);
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      const auto& layout = net.topology.outputs[o];
      const auto part = target.subspan(layout.first, layout.size);
      const bool mean =
          layout.kind == output_kind::linear && layout.loss.kind == loss_kind::squared;
      const std::span<Real> known(prediction_.data() + layout.first, draw == 0 ? layout.size : 0);
      if (layout.kind == output_kind::linear) {
        std::copy_n(ws.prediction.data() + layout.first, known.size(), known.begin());
        const auto& layer = net.outputs[o]; // its units are those before this target
        predict_values<Real>(layout.kind, layer.location, layer.spread, known);
        follow_targets(net.outputs[o], layout.loss.kind, net.lanes(), part,
                       ws.prediction.data() + layout.first);
      }
      predict_output(net, o, ws);
      if (layout.kind != output_kind::linear) {
        std::copy_n(ws.prediction.data() + layout.first, known.size(), known.begin());
      }
      const auto loss = measure_output(net, o, part, static_cast<Real>(options_.gradient_clip), ws);
      found.watched_loss +=
          mean ? note_errors_of(net, o, part, ws) : static_cast<double>(loss.nats);
      found.bounded = found.bounded || mean;
      result.loss += static_cast<double>(loss.nats);
      result.error = std::max(result.error, static_cast<double>(loss.worst));
      worth = worth_of(worth, static_cast<double>(loss.worst) / options_.tolerance(layout.kind));
    }
    result.learned = progress_.worth_learning(worth, net.seed, draw);
    if (result.learned && worth < 1) {
      const auto more = static_cast<Real>(1 / worth);
      for (Real& gradient : ws.output_gradients) {
        gradient *= more;
      }
    }
    return found;
  }

  template <class Weight, class Executor, class Observer>
  void learn(network<Real, Weight>& net, workspace<Real>& ws, double loss, const Executor& run,
             Observer observe) {
    find_hidden_gradients(net, ws, run);
    observe(phase::gradients);
    correct_weights(net, rates(net, ws), ws, run, observe);
    ++progress_.samples_learned;
    if (net.topology.settings.max_bricks <= net.topology.settings.initial_bricks &&
        net.growth.bricks_removed == 0) {
      return; // no hexagon has room
    }
    note_errors(net, ws);
    const double enough = brick_loss(net);
    const bool due = progress_.brick_due(loss, enough);
    progress_.loss_sum += loss;
    if (due) {
      progress_.loss_sum -= enough;
      if (grow_where_wrong(net)) {
        ws.fit_to_learn(net);
      }
    }
  }

  /// How much of the step size is worth its noise, where losses are squared. A constant step leaves
  /// weights that wander by step / 2 times the mean square of the errors (Widrow and others 1976);
  /// that should be a tenth of what they explain. As long as nothing is explained, it falls with
  /// the square root of the samples, later where inputs are rarely active; where the average lags,
  /// there is no time for less.
  template <class Weight>
  double noise_share(const network<Real, Weight>& net) const noexcept {
    if (!linear(net) || !compares_average(net) || progress_.average.lags()) {
      return 1;
    }
    double most = 0;
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      if (net.topology.outputs[o].loss.kind != loss_kind::squared) {
        return 1;
      }
      for (const auto& record : net.outputs[o].targets) {
        most = std::max(most, record.explained / record.error_square);
      }
    }
    const double step = options_.step_size * progress_.schedule.share();
    double rare = 1;
    for (const auto& b : net.bricks) {
      rare = std::max(rare, static_cast<double>(rare_gain(b)));
    }
    const double patience =
        1 / std::sqrt(1 + static_cast<double>(progress_.schedule.seen) / (250 * rare));
    return step > 0 ? std::clamp(0.2 * most / step, patience, 1.0) : 1;
  }

  /// The rates of this sample; the gradients must be known.
  template <class Weight>
  step_rates<Real> rates(const network<Real, Weight>& net,
                         const workspace<Real>& ws) const noexcept {
    const double share = progress_.schedule.share() * noise_share(net);
    step_rates<Real> now =
        linear(net) ? whole_gradient_rates(net, ws, static_cast<Real>(options_.step_size * share),
                                           static_cast<Real>(options_.bias_rate))
                    : scheduled_rates<Real>(options_, share);
    now.number = progress_.samples_learned;
    return now;
  }

  template <class Weight, class Executor, class Observer>
  void rehearse(network<Real, Weight>& net, workspace<Real>& ws, std::span<const Real> input,
                std::span<const Real> target, const train_result& now, const Executor& run,
                Observer observe) {
    if (now.error > options_.replay_threshold) {
      ring_.add(input, target);
    }
    if (ring_.size() == 0) {
      return;
    }
    for (std::uint32_t k = 0; k < options_.rehearsal; ++k) {
      const auto pick =
          random_below(static_cast<std::uint32_t>(ring_.size()), options_.seed,
                       detail::random_key(detail::random_stream::rehearsal, k), progress_.samples);
      train_once(net, ws, ring_.input(pick), ring_.target(pick), k + 1, run, observe);
    }
  }

  /// A round of pruning.
  template <class Weight>
  void prune(network<Real, Weight>& net) {
    const double share = pruning_share(net);
    const std::size_t steps = count_steps(net);
    constexpr double rounds = cadence::prune_rounds;
    if (progress_.schedule.endless()) {
      remove_weakest(net, static_cast<std::size_t>(static_cast<double>(steps) * share / rounds),
                     norms_);
      reopen_sections(net, to_size(progress_.pruning_rounds++ % cadence::prune_rounds),
                      cadence::prune_rounds);
      return;
    }
    ++progress_.pruning_rounds;
    const auto grown = static_cast<double>(steps + progress_.steps_pruned);
    const auto goal = static_cast<std::size_t>(
        grown * share * static_cast<double>(progress_.pruning_rounds) / rounds);
    if (goal > progress_.steps_pruned) {
      remove_weakest(net, goal - to_size(progress_.steps_pruned), norms_);
    }
    progress_.steps_pruned = static_cast<std::size_t>(grown) - count_steps(net);
  }

  learning_options options_;
  learning_progress progress_;
  rehearsal_ring<Real> ring_;
  std::vector<Real> prediction_; ///< see `prediction`
  std::vector<Real> norms_;      ///< of steps, while they are pruned
};

} // namespace hanami
