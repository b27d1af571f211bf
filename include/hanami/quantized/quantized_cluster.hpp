// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../algorithm/activation.hpp"
#include "../algorithm/forward.hpp"
#include "../algorithm/loss.hpp"
#include "../cluster.hpp"
#include "../foundation/error.hpp"
#include "../foundation/memory.hpp"
#include "reader.hpp"

namespace hanami {

/// What an 8-bit copy writes while it answers. One serves one thread, and any copy: it fits itself.
struct quantized_activity {
  aligned_vector<float> sources; ///< potentials, placed as in the cluster
  aligned_vector<float> answer;  ///< all outputs in a row
  quantized_scratch scratch;
  std::uint64_t version = 0; ///< of the copy that it fits
};

/// An 8-bit copy of a cluster as it is, for inference only: a quarter of the memory or less,
/// several times the speed where the weights do not stay in the fastest cache, and answers within
/// about a hundredth. Weights are 8 bits with a scale per neuron, shares of sources 7 bits, sums
/// are exact; potentials and biases are floats.
///
/// A value that does not need the cluster any more. Threads: nothing changes it but assignment, so
/// `infer` may run on many threads at once, each with an activity of its own.
class quantized_cluster {
 public:
  /// Copies the weights that answer, averages included. Throws `errc::invalid_argument` for
  /// clusters whose neurons spike, or with weights that are not finite.
  template <class Weight>
  explicit quantized_cluster(const basic_cluster<float, Weight>& from) {
    const network<float, Weight>& net = from.state();
    if (net.plan.spikes()) {
      raise(errc::invalid_argument,
            "neurons that spike have no 8-bit copy; it takes clusters with neuron_cooldown, "
            "refractory_time and fire_threshold left at their defaults");
    }
    inputs_ = net.plan.inputs;
    negative_inputs_ = net.negative_inputs;
    activation_ = net.plan.settings.activation;
    input_size_ = net.plan.input_size;
    output_size_ = net.plan.output_size;
    negative_part_ = net.plan.negative_part;
    source_count_ = net.source_count();
    for (const auto& level : net.plan.levels) {
      for (const hexagon_id id : level) {
        for (const std::uint32_t index : net.hexagons[index_of(id)].bricks) {
          if (!net.bricks[index].retired) {
            bricks_.push_back(
                {net.neurons_of(index), quantize_brick(net, index, from.answering_weights())});
          }
        }
      }
    }
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      const auto& layer = net.outputs[o];
      outputs_.push_back({net.plan.outputs[o], layer.location, layer.spread,
                          quantize_output(net, o, from.answering_weights())});
    }
  }

  std::size_t input_size() const noexcept { return input_size_; }
  std::size_t output_size() const noexcept { return output_size_; }

  /// Answers in the units of the targets, as `cluster::infer` gives them; they stand in
  /// `act.answer` until its next use. NaN is silence. Allocates only when `act` has not served this
  /// copy before. Throws `errc::invalid_argument` for a wrong size or infinite values.
  std::span<const float> infer(std::span<const float> input, quantized_activity& act) const {
    detail::check_size(input.size(), input_size_, "input");
    fit(act);
    if (place_inputs(inputs_, negative_inputs_, negative_part_, input, act.sources.data())
            .infinite) {
      detail::refuse_infinity("input");
    }
    for (const auto& brick : bricks_) {
      read_sources(brick.reader, act.sources.data(), act.scratch);
      activate(act.scratch.potentials.data(), brick.reader.lanes(),
               act.sources.data() + brick.neurons);
    }
    for (const auto& output : outputs_) {
      read_sources(output.reader, act.sources.data(), act.scratch);
      const std::span<float> values(act.answer.data() + output.plan.first, output.plan.size);
      std::copy_n(act.scratch.potentials.begin(), values.size(), values.begin());
      answer_values<float>(output.plan.kind, output.location, output.spread, values);
    }
    return act.answer;
  }

  /// The same with an activity of its own. For a single answer.
  std::vector<float> infer(std::span<const float> input) const {
    quantized_activity act;
    const auto answer = infer(input, act);
    return {answer.begin(), answer.end()};
  }

  /// Bytes held; activities come on top.
  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + allocated_bytes(inputs_) + allocated_bytes(negative_inputs_) +
                      allocated_bytes(bricks_) + allocated_bytes(outputs_);
    for (const auto& b : bricks_) {
      sum += b.reader.bytes();
    }
    for (const auto& o : outputs_) {
      sum += allocated_bytes(o.location) + allocated_bytes(o.spread) + o.reader.bytes();
    }
    return sum;
  }

 private:
  struct quantized_brick {
    std::uint32_t neurons = 0; ///< where they stand in the array of sources
    quantized_reader reader;
  };
  struct quantized_output {
    output_plan plan;
    std::vector<float> location;
    std::vector<float> spread;
    quantized_reader reader;
  };

  void fit(quantized_activity& act) const {
    if (act.version == version_) {
      return;
    }
    act.version = 0; // until all of it fits
    act.sources.assign(source_count_, 0.0f);
    act.answer.resize(output_size_);
    for (const auto& b : bricks_) {
      act.scratch.fit(b.reader);
    }
    for (const auto& o : outputs_) {
      act.scratch.fit(o.reader);
    }
    act.version = version_;
  }

  void activate(const float* sums, std::size_t lanes, float* potentials) const noexcept {
    with_activation(activation_, [&](auto kind) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        potentials[lane] = decltype(kind)::potential(sums[lane]);
      }
    });
  }

  std::uint64_t version_ = next_shape_version();
  std::vector<input_plan> inputs_;
  std::vector<std::uint8_t> negative_inputs_; ///< as in the network
  activation_kind activation_{};
  std::size_t input_size_ = 0;
  std::size_t output_size_ = 0;
  std::size_t negative_part_ = 0; ///< where the negative parts begin in the array of sources
  std::size_t source_count_ = 0;
  std::vector<quantized_brick> bricks_; ///< those that feed others first
  std::vector<quantized_output> outputs_;
};

} // namespace hanami
