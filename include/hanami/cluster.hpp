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
#include "growth/outputs.hpp"
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
  double step_size =
      0.25; ///< linear outputs: share of an error that a first step mends, in place of
            ///< the rate; measured: above 0.3 wide inputs with noisy targets come apart
  double tolerance_classes = 0.05; ///< softmax: samples with no larger error are known, not trained
  double tolerance_values = 0.01;  ///< the same for sigmoid and linear outputs, in inner units
  double gradient_clip = 1.5;      ///< largest error of a node, in inner units
  double growth_loss_per_neuron = 8.0; ///< loss, per neuron of a brick, that asks for another brick
  std::uint32_t rehearsal = 0;         ///< remembered samples trained after each sample; none where
                               ///< neurons spike: without what was before, they mean nothing
  std::uint32_t replay_capacity = 2000; ///< samples kept for rehearsal
  double replay_threshold = 0.3; ///< largest error of a node above which a sample is remembered
  double pruning = 0.0;          ///< share of the steps to remove, 0..0.95; 0: template decides

  friend bool operator==(const learning_options&, const learning_options&) = default;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(seed, learning_rate, bias_rate, step_size, tolerance_classes, tolerance_values,
            gradient_clip, growth_loss_per_neuron, rehearsal, replay_capacity, replay_threshold,
            pruning);
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
  explicit basic_cluster(hanami::cluster_template from, learning_options options = {})
      : template_(std::move(from)), options_(options),
        net_(make_network<Real, Weight>(template_, options.seed)) {
    adopt_options();
    set_averaging(net_, wants_average());
    workspace_.fit(net_);
  }

  const hanami::cluster_template& cluster_template() const noexcept { return template_; }
  const learning_options& options() const noexcept { return options_; }
  const network<Real, Weight>& state() const noexcept { return net_; }
  /// The weights that `infer` uses: the average, as soon as it has been taken for the first time.
  weight_set inference_weights() const noexcept {
    return schedule_.seen < average_period ? weight_set::current : weight_set::average;
  }
  std::size_t input_size() const noexcept { return net_.topology.input_size; }
  std::size_t output_size() const noexcept { return net_.topology.output_size; }

  /// Throws `errc::invalid_argument` for a name that the template does not have.
  value_range input(std::string_view name) const {
    return range_of(net_.topology.inputs, name, "input");
  }
  value_range output(std::string_view name) const {
    return range_of(net_.topology.outputs, name, "output");
  }

  /// Announces a task of `samples` training samples: the learning rate falls to zero over them and
  /// the weights themselves answer. 0: an endless stream (the state of a new cluster), where the
  /// rate stays and averaged weights answer (not those of linear outputs: they follow a level that
  /// wanders, and an average lags behind it).
  void start_task(std::uint64_t samples) {
    schedule_.planned = samples;
    schedule_.seen = 0;
    pruning_rounds_ = 0;
    steps_removed_ = 0;
    if (net_.averaging() != wants_average()) {
      set_averaging(net_, wants_average());
    }
  }

  /// Whether no end of the training is known: `start_task` has announced none.
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
    if (options_.rehearsal > 0 && result.learned && workspace_.memory.empty()) {
      rehearse(input, target, result, run);
    }
    ++schedule_.seen;
    ++samples_;
    if (schedule_.endless() && drift_.note(result.loss)) {
      schedule_.seen = 0; // it learns as fast as at its begin, and forgets the average
    }
    reset_dormant_when_due();
    if (net_.averaging() && schedule_.seen % average_period == 0) {
      update_average(net_, schedule_.seen);
    }
    prune_when_due();
    return result;
  }

  /// Answers in the units of the targets; they stand in `ws.prediction` until its next use. Never
  /// changes the cluster. Allocates only when the network has grown since the activity's last use.
  template <executor Executor = serial_executor>
  std::span<const Real> infer(std::span<const Real> input, workspace<Real>& ws,
                              const Executor& run = {}) const {
    detail::check_size(input.size(), input_size(), "input");
    ws.fit(net_);
    if (place_inputs(net_, input, ws).infinite) {
      detail::refuse_infinity("input");
    }
    infer_placed(net_, inference_weights(), ws, run);
    return ws.prediction;
  }

  /// The same with an activity of its own, which continues from the cluster's. For a single answer.
  std::vector<Real> infer(std::span<const Real> input) const {
    workspace<Real> ws = workspace_;
    const auto answer = infer(input, ws);
    return {answer.begin(), answer.end()};
  }

  /// An activity that continues the stream the cluster was trained on (it matters where neurons
  /// spike); a default one starts from rest.
  workspace<Real> current_workspace() const { return workspace_; }

  /// Takes the memory for `steps` steps in all now: until there are as many, growth allocates only
  /// for new bricks, and pruning nothing.
  void reserve(std::size_t steps) {
    net_.tiles.reserve(steps);
    if (pruning_share() > 0) {
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
    workspace<Real> fresh;
    fresh.fit(net_);
    fresh.memory = std::move(workspace_.memory);
    workspace_ = std::move(fresh);
  }

  /// Makes the averaged weights the weights and gives back what only learning needs: the average,
  /// the memory of the borders, reserves. `train` still works, as at the begin of a new task.
  void compact() {
    if (net_.averaging()) {
      if (inference_weights() == weight_set::average) {
        adopt_average();
      }
      set_averaging(net_, false);
    }
    for (auto& b : net_.bricks) {
      b.compact();
    }
    net_.compacted = true;
    shrink_to_fit();
  }

  /// Bytes held: the network, one activity, remembered samples.
  std::size_t bytes() const noexcept {
    return sizeof(*this) - sizeof(net_) + net_.bytes() + workspace_.bytes() + ring_.bytes();
  }

  /// From now on the network may take `bytes` more than it holds now, within the template's memory
  /// limit; at first, and with the largest number, only that limit holds. For budgets that clusters
  /// share. Copies keep it, checkpoints do not.
  void allow_growth(std::size_t bytes) noexcept {
    const std::size_t held = net_.bytes_learning();
    const std::size_t before = net_.allowance;
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    net_.allowance = bytes < most - held ? held + bytes : most;
    if (net_.allowance > before && before < net_.topology.settings.memory_limit) {
      net_.full = false; // it was the allowance that had said no
    }
  }

  /// Gives an output more nodes while the cluster learns, for classes that nobody has announced.
  /// What it has learned stays; new nodes weigh nothing (those of softmax begin as classes that have
  /// not been seen), outputs behind this one move back in the flat vectors, and an endless stream
  /// learns fast again, as after a change. Linear in the weights of the output. Throws
  /// `errc::invalid_argument` for a name that is not there or fewer nodes than there are,
  /// `errc::invalid_template` beyond the limits of templates, `errc::out_of_memory` beyond the
  /// memory limit; nothing has changed then.
  void grow_output(std::string_view name, std::uint32_t size) {
    const value_range at = output(name);
    if (size < at.size) {
      raise(errc::invalid_argument, "the output '" + std::string(name) + "' has " +
                                        std::to_string(at.size) + " nodes and cannot shrink to " +
                                        std::to_string(size));
    }
    if (size == at.size) {
      return;
    }
    const auto index = static_cast<std::size_t>(
        std::find_if(template_.outputs.begin(), template_.outputs.end(),
                     [&](const output_template& o) { return o.name == name; }) -
        template_.outputs.begin());
    hanami::cluster_template grown = template_;
    grown.outputs[index].size = size;
    validate(grown);
    const std::size_t nodes_before = at.size;
    const std::size_t weights = net_.outputs[index].weights.size() / nodes_before;
    const std::size_t more = (size - nodes_before) * weights * sizeof(Real);
    if (net_.bytes_learning() + (net_.averaging() ? 2 : 1) * more > net_.memory_limit()) {
      raise(errc::out_of_memory, "the output '" + std::string(name) + "' with " +
                                     std::to_string(size) +
                                     " nodes would pass the memory limit of the cluster");
    }
    ring_.widen_targets(at.first + at.size, size - nodes_before,
                        grown.outputs[index].kind == output_kind::softmax
                            ? Real{0}
                            : std::numeric_limits<Real>::quiet_NaN());
    hanami::grow_output(net_, index, size, samples_);
    template_ = std::move(grown);
    if (schedule_.endless()) {
      schedule_.seen = 0;
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
      workspace_ = {};
      workspace_.fit(net_);
    }
    if (net_.topology.spikes()) {
      archive(workspace_.memory);
      archive.require(workspace_.memory.fits(net_),
                      "the memory of the neurons does not fit the cluster");
    }
    archive(schedule_.planned, schedule_.seen, drift_, ring_, loss_sum_, samples_, samples_learned_,
            pruning_rounds_, steps_removed_);
  }

 private:
  friend struct detail::cluster_access;

  bool linear() const noexcept {
    return std::any_of(net_.topology.outputs.begin(), net_.topology.outputs.end(),
                       [](const output_layout& o) { return o.kind == output_kind::linear; });
  }
  bool wants_average() const noexcept { return schedule_.endless() && !linear(); }

  template <class Plans>
  static value_range range_of(const Plans& plans, std::string_view name, const char* what) {
    for (const auto& layout : plans) {
      if (layout.name == name) {
        return {layout.first, layout.size};
      }
    }
    std::string known;
    for (const auto& layout : plans) {
      known += (known.empty() ? "'" : ", '") + layout.name + "'";
    }
    raise(errc::invalid_argument, "the cluster has no " + std::string(what) + " '" +
                                      std::string(name) + "'; it has " + known);
  }

  void adopt_options() {
    check_options();
    ring_ = options_.rehearsal == 0
                ? rehearsal_ring<Real>()
                : rehearsal_ring<Real>(options_.replay_capacity, input_size(), output_size());
  }

  void check_options() const {
    const auto check = [](bool good, const char* why) {
      if (!good) {
        raise(errc::invalid_argument, why);
      }
    };
    check(options_.learning_rate > 0 && options_.learning_rate <= 10,
          "learning_rate must be in (0, 10]");
    check(options_.step_size > 0 && options_.step_size <= 1, "step_size must be in (0, 1]");
    check(options_.bias_rate >= 0 && options_.bias_rate <= 10, "bias_rate must be in [0, 10]");
    check(options_.tolerance_classes >= 0 && options_.tolerance_values >= 0,
          "tolerances must not be negative");
    check(options_.gradient_clip > 0, "gradient_clip must be above 0");
    check(options_.growth_loss_per_neuron > 0, "growth_loss_per_neuron must be above 0");
    check(options_.rehearsal <= 1000, "rehearsal must be at most 1000");
    check(options_.rehearsal == 0 ||
              (options_.replay_capacity > 0 && options_.replay_capacity <= 10000000),
          "replay_capacity must be in 1..10000000");
    check(options_.pruning >= 0 && options_.pruning <= 0.95, "pruning must be in [0, 0.95]");
  }

  template <class Executor>
  train_result train_once(std::span<const Real> input, std::span<const Real> target,
                          const Executor& run) {
    workspace_.fit_to_learn(net_);
    const input_findings found = place_inputs(net_, input, workspace_);
    if (found.infinite) {
      detail::refuse_infinity("input");
    }
    if (net_.compacted) {
      resume();
    }
    if (found.new_negative) {
      open_negatives(input);
    }
    net_.renewal_checks = schedule_.moving() ? 16 : 64;
    grow_forward(net_, workspace_, run);
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
    if (workspace_.memory.empty()) {
      return;
    }
    workspace_.memory.fit_traces(net_);
    const follow_traces<Real, Weight> work{net_, workspace_};
    for (const auto& bricks : workspace_.level_bricks) {
      run.for_each(bricks.size(), 2 * touched_bytes(net_, bricks, workspace_),
                   [&](std::size_t i) { work(bricks[i]); });
    }
  }

  void open_negatives(std::span<const Real> input) {
    for (std::size_t i = 0; i < net_.topology.inputs.size(); ++i) {
      const auto values =
          input.subspan(net_.topology.inputs[i].first, net_.topology.inputs[i].size);
      if (net_.negative_inputs[i] == 0 &&
          std::any_of(values.begin(), values.end(), [](Real x) { return x < Real{0}; })) {
        open_negative_input(net_, i);
      }
    }
    workspace_.fit_to_learn(net_);
    place_inputs(net_, input, workspace_);
  }

  void resume() {
    for (auto& b : net_.bricks) {
      b.resume();
    }
    net_.compacted = false;
    if (wants_average()) {
      set_averaging(net_, true);
    }
  }

  train_result measure(std::span<const Real> target) {
    train_result result;
    for (std::size_t o = 0; o < net_.outputs.size(); ++o) {
      const auto& layout = net_.topology.outputs[o];
      const auto part = target.subspan(layout.first, layout.size);
      if (layout.kind == output_kind::linear) {
        follow_targets(net_.outputs[o], part);
      }
      predict_output(net_, o, workspace_);
      const auto loss =
          measure_output(net_, o, part, static_cast<Real>(options_.gradient_clip), workspace_);
      result.loss += static_cast<double>(loss.nats);
      result.error = std::max(result.error, static_cast<double>(loss.worst));
      const double skip = layout.kind == output_kind::softmax ? options_.tolerance_classes
                                                              : options_.tolerance_values;
      result.learned = result.learned || !(static_cast<double>(loss.worst) < skip);
    }
    return result;
  }

  template <class Executor>
  void learn(double loss, const Executor& run) {
    find_hidden_gradients(net_, workspace_, run);
    correct_weights(net_, rates_now(), workspace_, run);
    ++samples_learned_;
    if (net_.topology.settings.max_bricks <= net_.topology.settings.initial_bricks &&
        net_.growth.bricks_removed == 0) {
      return; // no hexagon has room
    }
    note_errors(net_, workspace_);
    loss_sum_ += loss;
    const double enough = options_.growth_loss_per_neuron * static_cast<double>(net_.lanes());
    if (loss_sum_ > enough) {
      loss_sum_ -= enough;
      if (grow_where_wrong(net_)) {
        workspace_.fit_to_learn(net_);
      }
    }
  }

  /// The rates of this sample; the gradients must be known.
  step_rates<Real> rates_now() const noexcept {
    const double share = schedule_.share();
    step_rates<Real> rates;
    if (linear()) {
      rates = whole_gradient_rates(net_, workspace_, static_cast<Real>(options_.step_size * share),
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
    if (now.error > options_.replay_threshold) {
      ring_.add(input, target);
    }
    if (ring_.size() == 0) {
      return;
    }
    for (std::uint32_t k = 0; k < options_.rehearsal; ++k) {
      const auto pick =
          random_below(static_cast<std::uint32_t>(ring_.size()), options_.seed,
                       detail::random_key(detail::random_stream::rehearsal, k), samples_);
      train_once(ring_.input(pick), ring_.target(pick), run);
    }
  }

  double pruning_share() const noexcept {
    if (options_.pruning > 0) {
      return options_.pruning;
    }
    return net_.topology.settings.enable_pruning ? 0.3 : 0.0;
  }

  /// While a stream moves: after every thousand samples, of which one in eight is looked at.
  void reset_dormant_when_due() {
    if (!schedule_.moving()) {
      return;
    }
    if (schedule_.seen % 8 == 0) {
      note_active(net_, workspace_);
    }
    if (schedule_.seen % 1000 == 0) {
      reset_dormant_neurons(net_);
    }
  }

  /// Ten rounds between 2 % and 20 % of a task, or a round every 5,000 samples of an endless
  /// stream.
  void prune_when_due() {
    const double share = pruning_share();
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
      reopen_sections(net_, static_cast<std::size_t>(pruning_rounds_++ % 10), 10);
      return;
    }
    if (pruning_rounds_ >= 10 || schedule_.seen * 50 < schedule_.planned * (pruning_rounds_ + 1)) {
      return;
    }
    ++pruning_rounds_;
    const auto grown = static_cast<double>(steps + steps_removed_);
    const auto goal =
        static_cast<std::size_t>(grown * share * static_cast<double>(pruning_rounds_) / 10);
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

  hanami::cluster_template template_;
  learning_options options_;
  network<Real, Weight> net_;
  workspace<Real> workspace_;
  learning_schedule schedule_;
  drift_detector drift_;
  rehearsal_ring<Real> ring_;
  std::vector<Real> norms_;
  double loss_sum_ = 0;
  std::uint64_t samples_ = 0;
  std::uint64_t samples_learned_ = 0;
  std::uint64_t pruning_rounds_ = 0;
  std::uint64_t steps_removed_ = 0;
};

} // namespace hanami
