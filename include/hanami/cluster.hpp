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
#include "algorithm/forward.hpp"
#include "algorithm/phases.hpp"
#include "algorithm/sample_check.hpp"
#include "foundation/error.hpp"
#include "foundation/serial_executor.hpp"
#include "fwd.hpp"
#include "growth/outputs.hpp"
#include "growth/prune.hpp"
#include "learner.hpp"
#include "structure/network.hpp"
#include "structure/network_check.hpp"
#include "structure/workspace.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {
struct cluster_access; // for executors that keep the state of clusters elsewhere
}

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
      : template_(std::move(from)), net_(make_network<Real, Weight>(template_, options.seed)),
        learner_(options, net_) {
    learner_.follow_averaging(net_);
    workspace_.fit(net_);
  }

  const hanami::cluster_template& cluster_template() const noexcept { return template_; }
  const learning_options& options() const noexcept { return learner_.options(); }
  /// Learns with these options from the next sample on; what was remembered for rehearsal is
  /// forgotten. Throws `errc::invalid_argument` for options out of range.
  void change_options(const learning_options& options) { learner_.adopt(options, net_); }
  /// How far it has learned, and what is due when.
  const learner<Real>& learning() const noexcept { return learner_; }
  const network<Real, Weight>& state() const noexcept { return net_; }
  /// The weights that `infer` uses: those that have lately lost less, as far as a share of the
  /// samples tells, each predicted by both before it was learned from.
  weight_set inference_weights() const noexcept { return learner_.better_weights(net_); }
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
  /// rate stays and averaged weights answer wherever they are better. Those of linear outputs may
  /// answer in both; of Huber's loss there are none.
  void start_task(std::uint64_t samples) { learner_.start_task(net_, samples); }

  /// Whether no end of the training is known: `start_task` has announced none.
  bool endless() const noexcept { return learner_.progress().schedule.endless(); }

  /// Learns from one sample. Linear in the steps that its active inputs and neurons reach, times
  /// the neurons of a brick; samples known well enough cost a prediction. Allocates only when the
  /// network grows beyond what is reserved. Throws `errc::invalid_argument` for wrong sizes,
  /// infinite values, targets outside 0..1 of sigmoid and softmax outputs, and those of softmax
  /// outputs that do not add up to 1, and has then changed nothing. `observe` is told when each
  /// phase has ended. The result tells what the current weights had predicted, so that a stream is
  /// predicted and learned in one pass wherever they answer (`inference_weights`).
  template <executor Executor = serial_executor, phase_observer Observer = no_observer>
  trained_sample<Real> train(std::span<const Real> input, std::span<const Real> target,
                             const Executor& run = {}, Observer observe = {}) {
    detail::check_size(input.size(), input_size(), "input");
    detail::check_size(target.size(), output_size(), "target");
    detail::check_targets<Real>(net_.topology.outputs, target);
    const train_result result = learner_.train(net_, workspace_, input, target, run, observe);
    return {result, learner_.prediction()};
  }

  /// The prediction for a sample, in the units of the targets; it stands in `ws.prediction` until
  /// the workspace's next use. Never changes the cluster. Costs what the forward pass of `train`
  /// does. Allocates only when the network has grown since the workspace's last use. Throws
  /// `errc::invalid_argument` for a wrong size or infinite values.
  template <executor Executor = serial_executor, phase_observer Observer = no_observer>
  std::span<const Real> infer(std::span<const Real> input, workspace<Real>& ws,
                              const Executor& run = {}, Observer observe = {}) const {
    return infer(input, ws, inference_weights(), run, observe);
  }

  /// The same from weights of one's choice; where no average has been taken, the current ones.
  template <executor Executor = serial_executor, phase_observer Observer = no_observer>
  std::span<const Real> infer(std::span<const Real> input, workspace<Real>& ws, weight_set weights,
                              const Executor& run = {}, Observer observe = {}) const {
    detail::check_size(input.size(), input_size(), "input");
    ws.fit(net_);
    if (place_inputs(net_, input, ws).infinite) {
      detail::refuse_infinity("input");
    }
    observe(phase::inputs);
    infer_placed(net_, learner_.average_taken(net_) ? weights : weight_set::current, ws, run,
                 observe);
    return ws.prediction;
  }

  /// The same with a workspace of its own, which continues from the cluster's. For a single
  /// prediction: it allocates. Throws as the other.
  std::vector<Real> infer(std::span<const Real> input) const {
    workspace<Real> ws = workspace_;
    const auto prediction = infer(input, ws);
    return {prediction.begin(), prediction.end()};
  }

  /// The workspace of the last sample trained. A copy of it continues the stream the cluster was
  /// trained on (it matters where neurons spike); a default one starts from rest.
  const workspace<Real>& current_workspace() const noexcept { return workspace_; }

  /// Takes the memory for `steps` steps in all now: until there are as many, growth allocates only
  /// for new bricks and where columns of the inputs turn out to be dense, and pruning nothing.
  void reserve(std::size_t steps) {
    net_.tiles.reserve(steps);
    if (learner_.pruning_share(net_) > 0) {
      learner_.reserve(steps);
    }
  }

  /// Gives memory back that was reserved for growth and is not used.
  void shrink_to_fit() {
    learner_.shrink_to_fit();
    net_.shrink_to_fit();
    workspace<Real> fresh;
    fresh.fit(net_);
    fresh.memory = std::move(workspace_.memory);
    workspace_ = std::move(fresh);
  }

  /// Makes the averaged weights the weights and gives back what only learning needs: the average,
  /// the memory of the borders, reserves. `train` still works, as at the beginning of a new task.
  void compact() {
    if (net_.averaging()) {
      if (inference_weights() == weight_set::average) {
        adopt_average(net_);
      }
      set_averaging(net_, false);
    }
    net_.compact();
    shrink_to_fit();
  }

  /// Bytes held: the network, one workspace, remembered samples.
  std::size_t bytes() const noexcept {
    return sizeof(*this) - sizeof(net_) + net_.bytes() + workspace_.bytes() + learner_.bytes();
  }

  /// From now on the network may take `bytes` more than it holds now, within the template's memory
  /// limit; at first, and with the largest number, only that limit holds. For budgets that clusters
  /// share. Copies keep it, checkpoints do not.
  void allow_growth(std::size_t bytes) noexcept {
    const std::size_t held = net_.bytes_learning();
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    net_.allowance = bytes < most - held ? held + bytes : most;
    if (net_.refused_bytes > 0 && bytes >= net_.refused_bytes) {
      net_.refused_bytes = 0;
      net_.full = false; // it was the allowance that had said no
    }
  }
  /// The growth, in bytes, that training has gone without because `allow_growth` had not allowed
  /// it; 0: none, or as much was allowed since.
  std::size_t refused_growth() const noexcept { return net_.refused_bytes; }

  /// Gives an output more nodes while the cluster learns, for classes that nobody has announced.
  /// What it has learned stays; new nodes weigh nothing (those of softmax begin as classes that
  /// have not been seen), outputs behind this one move back in the flat vectors, and an endless
  /// stream learns fast again, as after a change. Linear in the weights of the output. Throws
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
    const std::size_t weights =
        net_.outputs[index].weights.size() / nodes_before + net_.centres.straight_rows();
    const std::size_t more = (size - nodes_before) * weights * sizeof(Real);
    if (net_.bytes_learning() + (net_.averaging() ? 2 : 1) * more > net_.memory_limit()) {
      raise(errc::out_of_memory, "the output '" + std::string(name) + "' with " +
                                     std::to_string(size) +
                                     " nodes would pass the memory limit of the cluster");
    }
    learner_.widen_targets(at.first + at.size, size - nodes_before,
                           grown.outputs[index].kind == output_kind::softmax
                               ? Real{0}
                               : std::numeric_limits<Real>::quiet_NaN());
    hanami::grow_output(net_, index, size, learner_.progress().samples);
    template_ = std::move(grown);
    learner_.start_anew();
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
      s.synapses += o.weights.size() + o.straight.size();
    }
    s.bytes = bytes();
    s.samples = learner_.progress().samples;
    s.samples_learned = learner_.progress().samples_learned;
    s.drifts = learner_.progress().drift.changes();
    s.growth = net_.growth;
    return s;
  }

  /// Everything but the template, for checkpoints (`io/checkpoint.hpp`).
  template <class Archive>
  void serialize(Archive& archive) {
    learning_options options = learner_.options();
    archive(options);
    if constexpr (Archive::reading) {
      learner_.adopt(options, net_);
    }
    archive(net_);
    if constexpr (Archive::reading) {
      const char* fault = find_fault(net_);
      archive.require(fault == nullptr, fault == nullptr ? "" : fault);
      net_.seed = options.seed;
      workspace_ = {};
      workspace_.fit(net_);
    }
    if (net_.topology.spikes()) {
      archive(workspace_.memory);
      archive.require(workspace_.memory.fits(net_),
                      "the memory of the neurons does not fit the cluster");
    }
    archive(learner_);
  }

 private:
  friend struct detail::cluster_access;

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

  hanami::cluster_template template_;
  network<Real, Weight> net_;
  learner<Real> learner_;
  workspace<Real> workspace_;
};

} // namespace hanami
