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
  aligned_vector<float> activations; ///< activations, placed as in the cluster
  aligned_vector<float> prediction;  ///< all outputs in a row
  quantized_scratch scratch;
  std::uint64_t version = 0; ///< of the copy that it fits
};

/// An 8-bit copy of a cluster as it is, for inference only: a quarter of the memory or less,
/// several times the speed where the weights do not stay in the fastest cache, and answers within
/// about a hundredth. Weights are 8 bits with a scale per neuron, shares of presynaptic nodes 7
/// bits, sums are exact; activations and biases are floats.
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
    if (net.topology.spikes()) {
      raise(errc::invalid_argument,
            "neurons that spike have no 8-bit copy; it takes clusters with neuron_cooldown, "
            "refractory_time and fire_threshold left at their defaults");
    }
    inputs_ = net.topology.inputs;
    negative_inputs_ = net.negative_inputs;
    activation_ = net.topology.settings.activation;
    input_size_ = net.topology.input_size;
    output_size_ = net.topology.output_size;
    negative_part_ = net.topology.negative_part;
    source_count_ = net.presynaptic_count();
    for (const auto& level : net.topology.levels) {
      for (const hexagon_id id : level) {
        for (const std::uint32_t index : net.hexagons[index_of(id)].bricks) {
          if (!net.bricks[index].retired) {
            bricks_.push_back(
                {net.neurons_of(index), quantize_brick(net, index, from.inference_weights())});
          }
        }
      }
    }
    for (std::size_t o = 0; o < net.outputs.size(); ++o) {
      const auto& layer = net.outputs[o];
      outputs_.push_back({net.topology.outputs[o], layer.location, layer.spread,
                          quantize_output(net, o, from.inference_weights())});
    }
  }

  std::size_t input_size() const noexcept { return input_size_; }
  std::size_t output_size() const noexcept { return output_size_; }

  /// Answers in the units of the targets, as `cluster::infer` gives them; they stand in
  /// `ws.prediction` until its next use. NaN is silence. Allocates only when `ws` has not served
  /// this copy before. Throws `errc::invalid_argument` for a wrong size or infinite values.
  std::span<const float> infer(std::span<const float> input, quantized_activity& ws) const {
    detail::check_size(input.size(), input_size_, "input");
    fit(ws);
    if (place_inputs(inputs_, negative_inputs_, negative_part_, input, ws.activations.data())
            .infinite) {
      detail::refuse_infinity("input");
    }
    for (const auto& brick : bricks_) {
      read_sources(brick.reader, ws.activations.data(), ws.scratch);
      activate(ws.scratch.activations.data(), brick.reader.lanes(),
               ws.activations.data() + brick.neurons);
    }
    for (const auto& output : outputs_) {
      read_sources(output.reader, ws.activations.data(), ws.scratch);
      const std::span<float> values(ws.prediction.data() + output.plan.first, output.plan.size);
      std::copy_n(ws.scratch.activations.begin(), values.size(), values.begin());
      predict_values<float>(output.plan.kind, output.location, output.spread, values);
    }
    return ws.prediction;
  }

  /// The same with an activity of its own. For a single answer.
  std::vector<float> infer(std::span<const float> input) const {
    quantized_activity ws;
    const auto answer = infer(input, ws);
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
    std::uint32_t neurons = 0; ///< where they stand in the array of presynaptic nodes
    quantized_reader reader;
  };
  struct quantized_output {
    output_layout plan;
    std::vector<float> location;
    std::vector<float> spread;
    quantized_reader reader;
  };

  void fit(quantized_activity& ws) const {
    if (ws.version == version_) {
      return;
    }
    ws.version = 0; // until all of it fits
    ws.activations.assign(source_count_, 0.0f);
    ws.prediction.resize(output_size_);
    for (const auto& b : bricks_) {
      ws.scratch.fit(b.reader);
    }
    for (const auto& o : outputs_) {
      ws.scratch.fit(o.reader);
    }
    ws.version = version_;
  }

  void activate(const float* sums, std::size_t lanes, float* activations) const noexcept {
    with_activation(activation_, [&](auto kind) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        activations[lane] = decltype(kind)::activate(sums[lane]);
      }
    });
  }

  std::uint64_t version_ = next_shape_version();
  std::vector<input_layout> inputs_;
  std::vector<std::uint8_t> negative_inputs_; ///< as in the network
  activation_kind activation_{};
  std::size_t input_size_ = 0;
  std::size_t output_size_ = 0;
  std::size_t negative_part_ =
      0; ///< where the negative parts begin in the array of presynaptic nodes
  std::size_t source_count_ = 0;
  std::vector<quantized_brick> bricks_; ///< those that feed others first
  std::vector<quantized_output> outputs_;
};

} // namespace hanami
