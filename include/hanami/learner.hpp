// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "algorithm/average.hpp"
#include "algorithm/average_watch.hpp"
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
#include "growth/dormant.hpp"
#include "growth/drift.hpp"
#include "growth/grow.hpp"
#include "growth/prune.hpp"
#include "structure/network.hpp"
#include "structure/workspace.hpp"

/// How a network learns: the rates, what is worth learning, when something grows, and what is due
/// after a sample. Clusters, devices, fleets, replays of journals and benchmarks use this one.

namespace hanami::inline HANAMI_ISA {

/// Numbers that steer learning. The defaults serve every task that has been measured. "Inner units"
/// are those in which outputs are compared with their targets: probabilities for softmax and
/// sigmoid outputs, running mean absolute deviations of the target for linear ones.
struct learning_options {
  std::uint64_t seed = 1;      ///< of all randomness: the same seed and samples, the same cluster
  double learning_rate = 0.04; ///< at the first sample, in (0, 10]
  double bias_rate = 0.1;      ///< learning rate of biases, as a share of the rate, 0..10
  /// Linear outputs: the share of an error that one sample's step would remove at first, in place
  /// of the rate, in (0, 1]. Measured: above 0.3 wide inputs with noisy targets diverge.
  double step_size = 0.25;
  /// Softmax: of samples with no larger error than this only some are trained, the fewer the
  /// smaller the error, and they count for the others. 0: all are.
  double tolerance_classes = 0.1;
  double tolerance_values = 0.01; ///< the same for sigmoid and linear outputs, in inner units
  /// Largest gradient of a node, in inner units, > 0; squared loss has a limit that follows the
  /// errors (`algorithm/target_scale.hpp`).
  double gradient_clip = 1.5;
  double growth_loss_per_neuron = 8.0; ///< loss (nats) per neuron of a brick that asks for another
  /// Remembered samples trained again after each sample, at most 1,000. None where neurons spike:
  /// without what came before, they mean nothing.
  std::uint32_t rehearsal = 0;
  std::uint32_t replay_capacity = 2000; ///< samples kept for rehearsal, 1..10,000,000
  double replay_threshold = 0.3; ///< largest error of a node above which a sample is remembered
  double pruning = 0.0;          ///< share of the steps to remove, 0..0.95; 0: the template decides

  friend bool operator==(const learning_options&, const learning_options&) = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seed, learning_rate, bias_rate, step_size, tolerance_classes, tolerance_values,
            gradient_clip, growth_loss_per_neuron, rehearsal, replay_capacity, replay_threshold,
            pruning);
  }

  /// Throws `errc::invalid_argument`, naming the first number out of its range.
  void check() const {
    const auto require = [](bool good, const char* why) {
      if (!good) {
        raise(errc::invalid_argument, why);
      }
    };
    require(learning_rate > 0 && learning_rate <= 10, "learning_rate must be in (0, 10]");
    require(step_size > 0 && step_size <= 1, "step_size must be in (0, 1]");
    require(bias_rate >= 0 && bias_rate <= 10, "bias_rate must be in [0, 10]");
    require(tolerance_classes >= 0 && tolerance_values >= 0, "tolerances must not be negative");
    require(gradient_clip > 0, "gradient_clip must be above 0");
    require(growth_loss_per_neuron > 0, "growth_loss_per_neuron must be above 0");
    require(rehearsal <= 1000, "rehearsal must be at most 1000");
    require(rehearsal == 0 || (replay_capacity > 0 && replay_capacity <= 10000000),
            "replay_capacity must be in 1..10000000");
    require(pruning >= 0 && pruning <= 0.95, "pruning must be in [0, 0.95]");
  }

  /// The error, in inner units, below which an output of this kind is known well enough.
  HANAMI_HOST_DEVICE double tolerance(output_kind kind) const noexcept {
    return kind == output_kind::softmax ? tolerance_classes : tolerance_values;
  }
};

/// What training on one sample found, before it learned from it.
struct train_result {
  double loss = 0;      ///< in nats
  double error = 0;     ///< largest error of an output node, in inner units
  bool learned = false; ///< false: known well enough, weights left alone
};

/// What is due after a sample.
struct upkeep {
  bool note_active = false;   ///< take down which neurons the sample has activated
  bool reset_dormant = false; ///< draw neurons anew that no sample has activated
  bool average = false;       ///< update the averaged weights
  bool prune = false;         ///< remove the weakest steps: a round
};

/// How far learning has come: plain numbers, the same for host and devices.
struct learning_progress {
  learning_schedule schedule;
  drift_detector drift;              ///< of an endless stream
  double loss_sum = 0;               ///< since the last brick has grown
  std::uint64_t samples = 0;         ///< trained since the cluster was made
  std::uint64_t samples_learned = 0; ///< of them, those that changed weights
  std::uint64_t pruning_rounds = 0;  ///< of the task, or of the endless stream
  std::uint64_t steps_pruned = 0;    ///< of the task

  /// Counts a sample of this loss, which may be `bounded` as in `drift_detector`, and says what is
  /// due. A stream that has changed is learned as
  /// fast as a new one, and its average begins anew.
  HANAMI_HOST_DEVICE upkeep after(double loss, bool bounded = false) noexcept {
    ++schedule.seen;
    ++samples;
    if (schedule.endless() && drift.note(loss, bounded)) {
      schedule.seen = 0;
    }
    return {schedule.note_active_due(), schedule.reset_dormant_due(), schedule.average_due(),
            prune_due()};
  }

  /// Whether a sample is learned from that is worth `worth`, the largest of its errors over what is
  /// tolerated: surely from 1 on, and with this probability below. Its gradient counts 1 / worth
  /// times then, so that small errors are followed as they are, at a fraction of the work.
  HANAMI_HOST_DEVICE bool worth_learning(double worth, std::uint64_t seed,
                                         std::uint64_t draw) const noexcept {
    return !(worth < 1) || static_cast<double>(random_unit(
                               seed, detail::random_key(detail::random_stream::known_samples, draw),
                               samples)) < worth;
  }

  /// Whether the loss of the next sample asks for a brick (`enough` nats in all do).
  HANAMI_HOST_DEVICE bool brick_due(double loss, double enough) const noexcept {
    return loss_sum + loss > enough;
  }

  /// Whether a round of pruning would be due: ten between 2 % and 20 % of a task, or one every
  /// `cadence::prune` samples of an endless stream.
  HANAMI_HOST_DEVICE bool prune_due() const noexcept {
    return schedule.endless() ? schedule.seen % cadence::prune == 0
                              : pruning_rounds < cadence::prune_rounds &&
                                    schedule.seen * cadence::prune_begin >=
                                        schedule.planned * (pruning_rounds + 1);
  }

  /// Samples that may be trained before one after which `reset_dormant` or, where the cluster
  /// prunes, `prune` is due.
  std::uint64_t samples_until_upkeep(bool prunes) const noexcept {
    const std::uint64_t seen = schedule.seen;
    std::uint64_t due = std::numeric_limits<std::uint64_t>::max();
    const auto next = [seen](std::uint64_t period) { return (seen / period + 1) * period; };
    if (schedule.moving()) {
      due = next(cadence::reset_dormant);
    }
    if (prunes && schedule.endless()) {
      due = std::min(due, next(cadence::prune));
    } else if (prunes && pruning_rounds < cadence::prune_rounds) {
      due = (schedule.planned * (pruning_rounds + 1) + cadence::prune_begin - 1) /
            cadence::prune_begin;
    }
    return due > seen ? due - seen - 1 : 0;
  }
};

static_assert(std::is_trivially_copyable_v<learning_progress> &&
              std::is_trivially_copyable_v<learning_options>);

/// What a sample is worth to which one more output adds its own worth. NaN is worth all.
HANAMI_HOST_DEVICE inline double worth_of(double worth, double more) noexcept {
  return more < worth ? worth : more;
}

/// The rates of a sample for outputs of classes and probabilities, `share` as in the schedule.
template <class Real>
HANAMI_HOST_DEVICE step_rates<Real> scheduled_rates(const learning_options& options,
                                                    double share) noexcept {
  step_rates<Real> rates;
  rates.weight = static_cast<Real>(options.learning_rate * share);
  rates.bias = static_cast<Real>(options.learning_rate * share * options.bias_rate);
  rates.output_bias = rates.bias;
  return rates;
}

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
    progress_.schedule = {samples, 0};
    watch_ = {};
    progress_.pruning_rounds = 0;
    progress_.steps_pruned = 0;
    follow_averaging(net);
  }

  /// An endless stream learns fast again, as after a change.
  void start_anew() noexcept {
    if (progress_.schedule.endless()) {
      progress_.schedule.seen = 0;
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
  /// Whether the average answers: it has been taken, and does not lag.
  bool average_answers() const noexcept { return average_taken() && !watch_.lags(); }

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
  /// The loss that asks for a brick, in nats.
  template <class Weight>
  double brick_loss(const network<Real, Weight>& net) const noexcept {
    return options_.growth_loss_per_neuron * static_cast<double>(net.lanes());
  }

  /// Learns from one sample, rehearses, and does what is due. Sizes and targets must have been
  /// checked. Throws `errc::invalid_argument` for infinite inputs and has then changed nothing.
  template <class Weight, executor Executor, phase_observer Observer = no_observer>
  train_result train(network<Real, Weight>& net, workspace<Real>& ws, std::span<const Real> input,
                     std::span<const Real> target, const Executor& run, Observer observe = {}) {
    const outcome found = train_once(net, ws, input, target, 0, run, observe);
    const train_result& result = found.result;
    if (net.averaging() && average_taken() && compares_average(net)) {
      compare_average(net, ws, target, result.loss, run);
    }
    if (options_.rehearsal > 0 && result.learned && ws.memory.empty()) {
      rehearse(net, ws, input, target, result, run, observe);
    }
    const std::uint64_t changes = progress_.drift.changes();
    const upkeep due = progress_.after(found.watched_loss, found.bounded);
    if (progress_.drift.changes() != changes) {
      watch_ = {};
    }
    if (due.note_active) {
      note_active(net, ws);
    }
    if (due.reset_dormant) {
      reset_dormant_neurons(net);
    }
    if (net.averaging() && compares_average(net)) {
      if (progress_.schedule.seen % cadence::average_values == 0) {
        update_average(net, progress_.schedule.seen, cadence::average_values);
      }
    } else if (due.average && net.averaging()) {
      update_average(net, progress_.schedule.seen);
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
  std::size_t bytes() const noexcept { return ring_.bytes(); }

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
    archive(progress_.schedule.planned, progress_.schedule.seen, progress_.drift, ring_,
            progress_.loss_sum, progress_.samples, progress_.samples_learned,
            progress_.pruning_rounds, progress_.steps_pruned, watch_);
  }

 private:
  /// What a sample brought.
  struct outcome {
    train_result result;
    double watched_loss = 0; ///< by which changes of the stream are noticed
    bool bounded = false;    ///< see `drift_detector`
  };

  /// Whether the average has to show that it does not lag: linear outputs, but none of Huber's
  /// loss, which is for levels that wander, behind which averages lag. Spiking neurons remember;
  /// they would have to live twice.
  template <class Weight>
  static bool compares_average(const network<Real, Weight>& net) noexcept {
    return linear(net) && !net.topology.spikes() &&
           std::none_of(net.topology.outputs.begin(), net.topology.outputs.end(),
                        [](const output_layout& o) {
                          return o.kind == output_kind::linear && o.loss.kind == loss_kind::huber;
                        });
  }

  bool average_taken() const noexcept { return progress_.schedule.seen >= cadence::average; }

  /// What the averaged weights would have lost on the sample that stands in `ws`.
  template <class Weight, class Executor>
  void compare_average(const network<Real, Weight>& net, workspace<Real>& ws,
                       std::span<const Real> target, double current, const Executor& run) {
    const std::uint32_t weight = watch_.weight_of(current, progress_.schedule.seen);
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
    watch_.note(current, loss, weight);
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
    net.renewal_checks = progress_.schedule.moving() ? 16 : 64;
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
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      const auto& layout = net.topology.outputs[o];
      const auto part = target.subspan(layout.first, layout.size);
      const bool mean =
          layout.kind == output_kind::linear && layout.loss.kind == loss_kind::squared;
      if (layout.kind == output_kind::linear) {
        follow_targets(net.outputs[o], layout.loss.kind, net.lanes(), part,
                       ws.prediction.data() + layout.first);
      }
      predict_output(net, o, ws);
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
    if (!compares_average(net) || watch_.lags()) {
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
  average_watch watch_;
  std::vector<Real> norms_; ///< of steps, while they are pruned
};

} // namespace hanami
