// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "algorithm/average.hpp"
#include "algorithm/backward.hpp"
#include "algorithm/forward.hpp"
#include "algorithm/rehearsal.hpp"
#include "algorithm/sample_check.hpp"
#include "algorithm/schedule.hpp"
#include "algorithm/spiking.hpp"
#include "foundation/error.hpp"
#include "foundation/random_streams.hpp"
#include "foundation/serial_executor.hpp"
#include "fwd.hpp"
#include "growth/bricks.hpp"
#include "growth/dormant.hpp"
#include "growth/drift.hpp"
#include "growth/grow.hpp"
#include "growth/prune.hpp"
#include "structure/network.hpp"
#include "structure/network_check.hpp"
#include "structure/workspace.hpp"

namespace hanami {

namespace detail {
struct cluster_access; // for executors that keep the state of clusters elsewhere
}

/// Numbers that steer learning. The defaults serve every task that has been measured.
struct learning_options {
  std::uint64_t seed = 1;      ///< of all randomness: the same seed and samples, the same cluster
  double learning_rate = 0.04; ///< at the first sample, > 0
  double bias_rate = 0.1;      ///< learning rate of biases, as a share of the rate
  double mend = 0.25; ///< linear outputs: share of an error that a first step mends, in place of
                      ///< the rate; measured: above 0.3 wide inputs with noisy targets come apart
  double skip_classes = 0.05;      ///< softmax: samples with no larger error are known, not trained
  double skip_values = 0.01;       ///< the same for sigmoid and linear outputs, in inner units
  double gradient_clip = 1.5;      ///< largest error of a node, in inner units
  double nats_per_lane = 8.0;      ///< loss, per neuron of a brick, that asks for another brick
  std::uint32_t rehearsal = 0;     ///< remembered samples trained after each sample; none where
                                   ///< neurons spike: without what was before, they mean nothing
  std::uint32_t remembered = 2000; ///< samples kept for rehearsal
  double remember_above = 0.3;     ///< largest error of a node above which a sample is remembered
  double reduction = 0.0;          ///< share of the steps to remove, 0..0.95; 0: template decides

  friend bool operator==(const learning_options&, const learning_options&) = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seed, learning_rate, bias_rate, mend, skip_classes, skip_values, gradient_clip,
            nats_per_lane, rehearsal, remembered, remember_above, reduction);
  }
};

/// What training on one sample found, before it learned from it.
struct train_result {
  double loss = 0;      ///< in nats
  double error = 0;     ///< largest error of an output node, in inner units
  bool learned = false; ///< false: known well enough, weights left alone
};

/// Sizes and events of a cluster.
struct cluster_statistics {
  std::size_t hexagons = 0;
  std::size_t bricks = 0;
  std::size_t neurons = 0;
  std::size_t sections = 0;
  std::size_t steps = 0;
  std::size_t synapses = 0; ///< weights of steps and of outputs
  std::size_t bytes = 0;    ///< memory held for the network, one activity included
  std::uint64_t samples = 0;
  std::uint64_t samples_learned = 0;
  std::uint64_t drifts =
      0; ///< changes noticed in endless streams, each of which starts the rate anew
  growth_statistics growth;
};

/// Where a named input or output stands in the flat vectors of a sample.
struct value_range {
  std::size_t first = 0;
  std::size_t size = 0;
};

/// A growing network: made from a template, trained one sample at a time from raw values, asked at
/// any moment. A value: copies are independent, and equal in everything they do from then on.
///
/// Samples are flat: all inputs of the template in its order, then as many values as each has
/// nodes; targets and answers likewise. Any finite value will do, NaN means "missing" (of an input:
/// silent; of a target: nothing to learn), infinities are refused.
///
/// Threads: `infer` with an activity of its own may run on many threads at once, as long as none
/// trains. Everything else needs the cluster for itself.
///
/// `Weight` is what synapses are stored as: `Real`, or `bfloat16` (`compact_cluster`).
template <class Real, class Weight>
class basic_cluster {
  static_assert(std::is_same_v<Real, Weight> ||
                (std::is_same_v<Real, float> && std::is_same_v<Weight, bfloat16>));

 public:
  using real = Real;
  using weight = Weight;

  /// Throws `errc::invalid_template` or `errc::invalid_argument`.
  explicit basic_cluster(cluster_template from, learning_options options = {})
      : template_(std::move(from)), options_(options),
        net_(make_network<Real, Weight>(template_, options.seed)) {
    adopt_options();
    set_averaging(net_, wants_average());
    act_.fit(net_);
  }

  const cluster_template& plan() const noexcept { return template_; }
  const learning_options& options() const noexcept { return options_; }
  const network<Real, Weight>& state() const noexcept { return net_; }
  /// The weights that `infer` uses: the average, as soon as it has been taken for the first time.
  weight_set answering_weights() const noexcept {
    return schedule_.seen < average_period ? weight_set::current : weight_set::average;
  }
  std::size_t input_size() const noexcept { return net_.plan.input_size; }
  std::size_t output_size() const noexcept { return net_.plan.output_size; }

  /// Throws `errc::invalid_argument` for a name that the template does not have.
  value_range input(std::string_view name) const {
    return range_of(net_.plan.inputs, name, "input");
  }
  value_range output(std::string_view name) const {
    return range_of(net_.plan.outputs, name, "output");
  }

  /// Announces a task of `samples` training samples: the learning rate falls to zero over them and
  /// the weights themselves answer. 0: an endless stream (the state of a new cluster), where the
  /// rate stays and averaged weights answer (not those of linear outputs: they follow a level that
  /// wanders, and an average lags behind it).
  void plan_task(std::uint64_t samples) {
    schedule_.planned = samples;
    schedule_.seen = 0;
    reduction_rounds_ = 0;
    steps_removed_ = 0;
    if (net_.averaging() != wants_average()) {
      set_averaging(net_, wants_average());
    }
  }

  /// Whether no end of the training is known: `plan_task` has announced none.
  bool endless() const noexcept { return schedule_.endless(); }

  /// Learns from one sample. Throws `errc::invalid_argument` for wrong sizes or infinite values,
  /// and has then changed nothing. Allocates only when the network grows beyond what is reserved.
  template <executor Executor = serial_executor>
  train_result train(std::span<const Real> input, std::span<const Real> target,
                     const Executor& run = {}) {
    detail::check_size(input.size(), input_size(), "input");
    detail::check_size(target.size(), output_size(), "target");
    detail::check_targets(target);
    const train_result result = train_once(input, target, run);
    if (options_.rehearsal > 0 && result.learned && act_.memory.empty()) {
      rehearse(input, target, result, run);
    }
    ++schedule_.seen;
    ++samples_;
    if (schedule_.endless() && drift_.note(result.loss)) {
      schedule_.seen = 0; // it learns as fast as at its begin, and forgets the average
    }
    renew_when_due();
    if (net_.averaging() && schedule_.seen % average_period == 0) {
      update_average(net_, schedule_.seen);
    }
    reduce_when_due();
    return result;
  }

  /// Answers in the units of the targets; they stand in `act.answer` until its next use. Never
  /// changes the cluster. Allocates only when the network has grown since the activity's last use.
  template <executor Executor = serial_executor>
  std::span<const Real> infer(std::span<const Real> input, activity<Real>& act,
                              const Executor& run = {}) const {
    detail::check_size(input.size(), input_size(), "input");
    act.fit(net_);
    if (place_inputs(net_, input, act).infinite) {
      detail::refuse_infinity("input");
    }
    infer_placed(net_, answering_weights(), act, run);
    return act.answer;
  }

  /// The same with an activity of its own, which continues from the cluster's. For a single answer.
  std::vector<Real> infer(std::span<const Real> input) const {
    activity<Real> act = act_;
    const auto answer = infer(input, act);
    return {answer.begin(), answer.end()};
  }

  /// An activity that continues the stream the cluster was trained on (it matters where neurons
  /// spike); a default one starts from rest.
  activity<Real> current_activity() const { return act_; }

  /// Takes the memory for `steps` steps in all now: until there are as many, growth allocates only
  /// for new bricks, and reduction nothing.
  void reserve(std::size_t steps) {
    net_.tiles.reserve(steps);
    if (reduction_share() > 0) {
      norms_.reserve(2 * steps);
    }
  }

  /// Gives memory back that was reserved for growth and is not used.
  void shrink_to_fit() {
    std::vector<Real>().swap(norms_);
    net_.tiles.shrink_to_fit();
    net_.bricks.shrink_to_fit();
    for (auto& b : net_.bricks) {
      b.shrink_to_fit();
    }
    for (auto& h : net_.hexagons) {
      h.chunks.shrink_to_fit();
      h.bricks.shrink_to_fit();
    }
    for (auto& o : net_.outputs) {
      o.weights.shrink_to_fit();
      o.average_weights.shrink_to_fit();
      o.bricks.shrink_to_fit();
    }
    activity<Real> fresh;
    fresh.fit(net_);
    fresh.memory = std::move(act_.memory);
    act_ = std::move(fresh);
  }

  /// Makes the averaged weights the weights and gives back what only learning needs: the average,
  /// the memory of the borders, reserves. `train` still works, as at the begin of a new task.
  void freeze() {
    if (net_.averaging()) {
      if (answering_weights() == weight_set::average) {
        adopt_average();
      }
      set_averaging(net_, false);
    }
    for (auto& b : net_.bricks) {
      b.freeze();
    }
    net_.frozen = true;
    shrink_to_fit();
  }

  /// Bytes held: the network, one activity, remembered samples.
  std::size_t bytes() const noexcept {
    return sizeof(*this) - sizeof(net_) + net_.bytes() + act_.bytes() + ring_.bytes();
  }

  /// From now on the network may take `bytes` more than it holds now, within the template's memory
  /// limit; at first, and with the largest number, only that limit holds. For budgets that clusters
  /// share. Copies keep it, checkpoints do not.
  void allow_growth(std::size_t bytes) noexcept {
    const std::size_t held = net_.bytes_learning();
    const std::size_t before = net_.allowance;
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    net_.allowance = bytes < most - held ? held + bytes : most;
    if (net_.allowance > before && before < net_.plan.settings.memory_limit) {
      net_.full = false; // it was the allowance that had said no
    }
  }

  cluster_statistics statistics() const {
    cluster_statistics s;
    s.hexagons = net_.hexagons.size();
    for (const auto& b : net_.bricks) {
      if (b.retired) {
        continue;
      }
      ++s.bricks;
      for (const std::uint16_t bits : b.have) {
        s.sections += static_cast<std::size_t>(std::popcount(bits));
      }
    }
    s.neurons = s.bricks * net_.lanes();
    s.steps = count_steps(net_);
    s.synapses = s.steps * net_.lanes();
    for (const auto& o : net_.outputs) {
      s.synapses += o.weights.size();
    }
    s.bytes = bytes();
    s.samples = samples_;
    s.samples_learned = samples_learned_;
    s.drifts = drift_.changes();
    s.growth = net_.growth;
    return s;
  }

  /// Everything but the template, for checkpoints (`io/checkpoint.hpp`).
  template <class Archive>
  void serialize(Archive& archive) {
    archive(options_);
    if constexpr (Archive::reading) {
      adopt_options();
    }
    archive(net_);
    if constexpr (Archive::reading) {
      const char* fault = find_fault(net_);
      archive.require(fault == nullptr, fault == nullptr ? "" : fault);
      net_.seed = options_.seed;
      act_ = {};
      act_.fit(net_);
    }
    if (net_.plan.spikes()) {
      archive(act_.memory);
      archive.require(act_.memory.fits(net_), "the memory of the neurons does not fit the cluster");
    }
    archive(schedule_.planned, schedule_.seen, drift_, ring_, loss_sum_, samples_, samples_learned_,
            reduction_rounds_, steps_removed_);
  }

 private:
  friend struct detail::cluster_access;

  bool linear() const noexcept {
    return std::any_of(net_.plan.outputs.begin(), net_.plan.outputs.end(),
                       [](const output_plan& o) { return o.kind == output_kind::linear; });
  }
  bool wants_average() const noexcept { return schedule_.endless() && !linear(); }

  template <class Plans>
  static value_range range_of(const Plans& plans, std::string_view name, const char* what) {
    for (const auto& plan : plans) {
      if (plan.name == name) {
        return {plan.first, plan.size};
      }
    }
    std::string known;
    for (const auto& plan : plans) {
      known += (known.empty() ? "'" : ", '") + plan.name + "'";
    }
    raise(errc::invalid_argument, "the cluster has no " + std::string(what) + " '" +
                                      std::string(name) + "'; it has " + known);
  }

  void adopt_options() {
    check_options();
    ring_ = options_.rehearsal == 0
                ? rehearsal_ring<Real>()
                : rehearsal_ring<Real>(options_.remembered, input_size(), output_size());
  }

  void check_options() const {
    const auto check = [](bool good, const char* why) {
      if (!good) {
        raise(errc::invalid_argument, why);
      }
    };
    check(options_.learning_rate > 0 && options_.learning_rate <= 10,
          "learning_rate must be in (0, 10]");
    check(options_.mend > 0 && options_.mend <= 1, "mend must be in (0, 1]");
    check(options_.bias_rate >= 0 && options_.bias_rate <= 10, "bias_rate must be in [0, 10]");
    check(options_.skip_classes >= 0 && options_.skip_values >= 0,
          "skip thresholds must not be negative");
    check(options_.gradient_clip > 0, "gradient_clip must be above 0");
    check(options_.nats_per_lane > 0, "nats_per_lane must be above 0");
    check(options_.rehearsal <= 1000, "rehearsal must be at most 1000");
    check(options_.rehearsal == 0 || (options_.remembered > 0 && options_.remembered <= 10000000),
          "remembered must be in 1..10000000");
    check(options_.reduction >= 0 && options_.reduction <= 0.95, "reduction must be in [0, 0.95]");
  }

  template <class Executor>
  train_result train_once(std::span<const Real> input, std::span<const Real> target,
                          const Executor& run) {
    act_.fit_to_learn(net_);
    const input_findings found = place_inputs(net_, input, act_);
    if (found.infinite) {
      detail::refuse_infinity("input");
    }
    if (net_.frozen) {
      thaw();
    }
    if (found.new_negative) {
      open_negatives(input);
    }
    net_.renewal_checks = schedule_.moving() ? 16 : 64;
    grow_forward(net_, act_, run);
    remember(run);
    train_result result = measure(target);
    if (result.learned) {
      learn(result.loss, run);
    }
    return result;
  }

  /// What spiking neurons learn from later stands in their traces.
  template <class Executor>
  void remember(const Executor& run) {
    if (act_.memory.empty()) {
      return;
    }
    act_.memory.fit_traces(net_);
    const follow_traces<Real, Weight> work{net_, act_};
    for (const auto& bricks : act_.level_bricks) {
      run.for_each(bricks.size(), 2 * touched_bytes(net_, bricks, act_),
                   [&](std::size_t i) { work(bricks[i]); });
    }
  }

  void open_negatives(std::span<const Real> input) {
    for (std::size_t i = 0; i < net_.plan.inputs.size(); ++i) {
      const auto values = input.subspan(net_.plan.inputs[i].first, net_.plan.inputs[i].size);
      if (net_.negative_inputs[i] == 0 &&
          std::any_of(values.begin(), values.end(), [](Real x) { return x < Real{0}; })) {
        open_negative_input(net_, i);
      }
    }
    act_.fit_to_learn(net_);
    place_inputs(net_, input, act_);
  }

  void thaw() {
    for (auto& b : net_.bricks) {
      b.thaw();
    }
    net_.frozen = false;
    if (wants_average()) {
      set_averaging(net_, true);
    }
  }

  train_result measure(std::span<const Real> target) {
    train_result result;
    for (std::size_t o = 0; o < net_.outputs.size(); ++o) {
      const auto& plan = net_.plan.outputs[o];
      const auto part = target.subspan(plan.first, plan.size);
      if (plan.kind == output_kind::linear) {
        follow_targets(net_.outputs[o], part);
      }
      answer_output(net_, o, act_);
      const auto loss =
          measure_output(net_, o, part, static_cast<Real>(options_.gradient_clip), act_);
      result.loss += static_cast<double>(loss.nats);
      result.error = std::max(result.error, static_cast<double>(loss.worst));
      const double skip =
          plan.kind == output_kind::softmax ? options_.skip_classes : options_.skip_values;
      result.learned = result.learned || !(static_cast<double>(loss.worst) < skip);
    }
    return result;
  }

  template <class Executor>
  void learn(double loss, const Executor& run) {
    find_deltas(net_, act_, run);
    correct_weights(net_, rates_now(), act_, run);
    ++samples_learned_;
    if (net_.plan.settings.max_bricks <= net_.plan.settings.initial_bricks &&
        net_.growth.bricks_removed == 0) {
      return; // no hexagon has room
    }
    note_errors(net_, act_);
    loss_sum_ += loss;
    const double enough = options_.nats_per_lane * static_cast<double>(net_.lanes());
    if (loss_sum_ > enough) {
      loss_sum_ -= enough;
      if (grow_where_wrong(net_)) {
        act_.fit_to_learn(net_);
      }
    }
  }

  /// The rates of this sample; the deltas must be known.
  step_rates<Real> rates_now() const noexcept {
    const double share = schedule_.share();
    step_rates<Real> rates;
    if (linear()) {
      rates = whole_gradient_rates(net_, act_, static_cast<Real>(options_.mend * share),
                                   static_cast<Real>(options_.bias_rate));
    } else {
      rates.weight = static_cast<Real>(options_.learning_rate * share);
      rates.bias = static_cast<Real>(options_.learning_rate * share * options_.bias_rate);
      rates.output_bias = rates.bias;
    }
    rates.number = samples_learned_;
    return rates;
  }

  template <class Executor>
  void rehearse(std::span<const Real> input, std::span<const Real> target, const train_result& now,
                const Executor& run) {
    if (now.error > options_.remember_above) {
      ring_.add(input, target);
    }
    if (ring_.size() == 0) {
      return;
    }
    for (std::uint32_t k = 0; k < options_.rehearsal; ++k) {
      const auto pick = random_below(static_cast<std::uint32_t>(ring_.size()), options_.seed,
                                     detail::stream_key(detail::stream::rehearsal, k), samples_);
      train_once(ring_.input(pick), ring_.target(pick), run);
    }
  }

  double reduction_share() const noexcept {
    if (options_.reduction > 0) {
      return options_.reduction;
    }
    return net_.plan.settings.enable_reduction ? 0.3 : 0.0;
  }

  /// While a stream moves: after every thousand samples, of which one in eight is looked at.
  void renew_when_due() {
    if (!schedule_.moving()) {
      return;
    }
    if (schedule_.seen % 8 == 0) {
      note_awake(net_, act_);
    }
    if (schedule_.seen % 1000 == 0) {
      renew_silent_neurons(net_);
    }
  }

  /// Ten rounds between 2 % and 20 % of a task, or a round every 5,000 samples of an endless
  /// stream.
  void reduce_when_due() {
    const double share = reduction_share();
    if (share <= 0) {
      return;
    }
    const std::size_t steps = count_steps(net_);
    if (schedule_.endless()) {
      if (schedule_.seen % 5000 != 0) {
        return;
      }
      remove_weakest(net_, static_cast<std::size_t>(static_cast<double>(steps) * share / 10),
                     norms_);
      reopen_sections(net_, static_cast<std::size_t>(reduction_rounds_++ % 10), 10);
      return;
    }
    if (reduction_rounds_ >= 10 ||
        schedule_.seen * 50 < schedule_.planned * (reduction_rounds_ + 1)) {
      return;
    }
    ++reduction_rounds_;
    const auto grown = static_cast<double>(steps + steps_removed_);
    const auto goal =
        static_cast<std::size_t>(grown * share * static_cast<double>(reduction_rounds_) / 10);
    if (goal > steps_removed_) {
      remove_weakest(net_, goal - static_cast<std::size_t>(steps_removed_), norms_);
    }
    steps_removed_ = static_cast<std::size_t>(grown) - count_steps(net_);
  }

  void adopt_average() {
    std::copy_n(net_.tiles.average(), net_.tiles.slot_end() * net_.lanes(), net_.tiles.weights());
    for (auto& b : net_.bricks) {
      b.bias = b.average_bias;
    }
    for (auto& o : net_.outputs) {
      o.weights = o.average_weights;
      o.bias = o.average_bias;
    }
  }

  cluster_template template_;
  learning_options options_;
  network<Real, Weight> net_;
  activity<Real> act_;
  learning_schedule schedule_;
  drift_watch drift_;
  rehearsal_ring<Real> ring_;
  std::vector<Real> norms_;
  double loss_sum_ = 0;
  std::uint64_t samples_ = 0;
  std::uint64_t samples_learned_ = 0;
  std::uint64_t reduction_rounds_ = 0;
  std::uint64_t steps_removed_ = 0;
};

} // namespace hanami
