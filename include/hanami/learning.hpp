// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <type_traits>

#include "algorithm/average_watch.hpp"
#include "algorithm/backward.hpp"
#include "algorithm/schedule.hpp"
#include "foundation/error.hpp"
#include "foundation/random_streams.hpp"
#include "growth/drift.hpp"

/// What steers learning, how far it has come, and what is due after a sample: plain numbers, the
/// same for hosts and devices.

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

/// The same, and what the current weights had predicted, in the units of the targets. It stands
/// until the next use of the cluster.
template <class Real>
struct trained_sample : train_result {
  std::span<const Real> prediction;
};

/// Windows of averaged weights, in samples: at most, and where nothing tells whether they lag.
inline constexpr double longest_average = 10000;
inline constexpr double blind_average = 1000;

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
  average_watch average;             ///< whether averaged weights answer
  double loss_sum = 0;               ///< since the last brick has grown
  std::uint64_t samples = 0;         ///< trained since the cluster was made
  std::uint64_t samples_learned = 0; ///< of them, those that changed weights
  std::uint64_t pruning_rounds = 0;  ///< of the task, or of the endless stream
  std::uint64_t steps_pruned = 0;    ///< of the task

  /// Counts a sample of this loss, which may be `bounded` as in `drift_detector`, and says what is
  /// due. A stream of classes that has changed is learned faster again, one of `values` as a new
  /// one.
  HANAMI_HOST_DEVICE upkeep after(double loss, bool bounded = false, bool values = false) noexcept {
    schedule.count();
    ++samples;
    if (schedule.endless() && drift.note(loss, bounded)) {
      if (values) {
        schedule = {};
      } else {
        schedule.turn();
      }
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
    std::uint64_t left = schedule.samples_until_reset();
    if (prunes && schedule.endless()) {
      left = std::min(left, cadence::prune - seen % cadence::prune);
    } else if (prunes && pruning_rounds < cadence::prune_rounds) {
      const std::uint64_t due =
          (schedule.planned * (pruning_rounds + 1) + cadence::prune_begin - 1) /
          cadence::prune_begin;
      left = std::min(left, std::max(due, seen) - seen);
    }
    return left > 0 ? left - 1 : 0;
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

} // namespace hanami
