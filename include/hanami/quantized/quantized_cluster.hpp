// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../algorithm/activation.hpp"
#include "../algorithm/forward.hpp"
#include "../algorithm/loss.hpp"
#include "../cluster.hpp"
#include "../foundation/error.hpp"
#include "../foundation/memory.hpp"
#include "../structure/shape_identity.hpp"
#include "reader.hpp"

namespace hanami::inline HANAMI_ISA {

/// What an 8-bit copy writes while it answers. One serves one thread, and any copy: it fits itself.
struct quantized_workspace {
  aligned_vector<float> activations; ///< activations, placed as in the cluster
  aligned_vector<float> waves;       ///< of folded columns
  aligned_vector<float> prediction;  ///< all outputs in a row
  quantized_scratch scratch;
  shape_identity fitted; ///< the copy that it fits
};

/// An 8-bit copy of a cluster as it is, for inference only: a quarter of the cluster's memory or
/// less, several times the speed where the weights do not stay in the fastest cache, and
/// predictions that are in the mean within two hundredths of their spread. Weights are 8 bits with
/// a scale per neuron, shares of presynaptic nodes 7 bits, sums are exact; activations and biases
/// are floats.
///
/// A value that does not need the cluster any more. Threads: nothing changes it but assignment, so
/// `infer` may run on many threads at once, each with an activity of its own.
class quantized_cluster {
 public:
  static constexpr std::string_view checkpoint_kind = "quantized_cluster";
  static constexpr std::uint32_t checkpoint_version = 2;

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
    centres_.at = net.centres.at;
    centres_.places = net.centres.places;
    centres_.units = net.centres.units;
    if (net.centres.octaves > 0) {
      centres_.folds = net.centres.folds;
      centres_.octaves = net.centres.octaves;
    }
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
      const bool average = from.inference_weights() == weight_set::average && net.averaging();
      outputs_.push_back({net.topology.outputs[o], layer.location, layer.spread,
                          average ? layer.average_straight : layer.straight,
                          quantize_output(net, o, from.inference_weights())});
    }
  }

  /// Reads what `serialize` has written: `load<quantized_cluster>(path)`.
  template <class Archive>
  requires(Archive::reading) explicit quantized_cluster(Archive& from) { from(*this); }

  std::size_t input_size() const noexcept { return input_size_; }
  std::size_t output_size() const noexcept { return output_size_; }

  /// Answers in the units of the targets, as `cluster::infer` gives them; they stand in
  /// `ws.prediction` until its next use. NaN is silence. Allocates only when `ws` has not served
  /// this copy before. Throws `errc::invalid_argument` for a wrong size or infinite values.
  std::span<const float> infer(std::span<const float> input, quantized_workspace& ws) const {
    detail::check_size(input.size(), input_size_, "input");
    fit(ws);
    if (place_inputs(inputs_, negative_inputs_, centres_, negative_part_, input,
                     ws.activations.data(), ws.waves.data())
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
      add_straight<float>(centres_, {ws.activations.data(), negative_part_, ws.waves.data()},
                          output.straight.data(), values.size(), values.data());
      predict_values<float>(output.plan.kind, output.location, output.spread, values);
    }
    return ws.prediction;
  }

  /// The same with an activity of its own. For a single answer.
  std::vector<float> infer(std::span<const float> input) const {
    quantized_workspace ws;
    const auto answer = infer(input, ws);
    return {answer.begin(), answer.end()};
  }

  template <class Archive>
  void serialize(Archive& archive) {
    std::uint64_t inputs = input_size_;
    std::uint64_t outputs = output_size_;
    std::uint64_t negative = negative_part_;
    std::uint64_t sources = source_count_;
    auto activation = static_cast<std::uint8_t>(activation_);
    archive(inputs, outputs, negative, sources, activation, negative_inputs_, centres_.at,
            centres_.places, centres_.units, centres_.folds, centres_.octaves);
    serialize_inputs(archive);
    archive(bricks_, outputs_);
    if constexpr (Archive::reading) {
      input_size_ = to_size(inputs);
      output_size_ = to_size(outputs);
      negative_part_ = to_size(negative);
      source_count_ = to_size(sources);
      archive.require(activation <= static_cast<std::uint8_t>(activation_kind::log2),
                      "an activation that is none");
      activation_ = static_cast<activation_kind>(activation);
      const char* fault = find_fault();
      archive.require(fault == nullptr, fault == nullptr ? "" : fault);
      shape_ = shape_identity::fresh();
    }
  }

  /// Bytes held; activities come on top.
  std::size_t bytes() const noexcept {
    std::size_t sum = sizeof(*this) + allocated_bytes(inputs_) + allocated_bytes(negative_inputs_) +
                      centres_.bytes() + allocated_bytes(bricks_) + allocated_bytes(outputs_);
    for (const auto& b : bricks_) {
      sum += b.reader.bytes();
    }
    for (const auto& o : outputs_) {
      sum += allocated_bytes(o.location) + allocated_bytes(o.spread) + allocated_bytes(o.straight) +
             o.reader.bytes();
    }
    return sum;
  }

 private:
  struct quantized_brick {
    std::uint32_t neurons = 0; ///< where they stand in the array of presynaptic nodes
    quantized_reader reader;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(neurons, reader);
    }
  };
  struct quantized_output {
    output_layout plan;
    std::vector<float> location;
    std::vector<float> spread;
    aligned_vector<float> straight; ///< as in the network, in floats
    quantized_reader reader;

    template <class Archive>
    void serialize(Archive& archive) {
      auto kind = static_cast<std::uint8_t>(plan.kind);
      archive(plan.name, kind, plan.first, plan.size, location, spread, straight, reader);
      archive.require(kind <= static_cast<std::uint8_t>(output_kind::linear),
                      "an output of a kind that is none");
      plan.kind = static_cast<output_kind>(kind);
    }
  };

  template <class Archive>
  void serialize_inputs(Archive& archive) {
    std::vector<std::string> names;
    std::vector<std::uint32_t> numbers; // five of each
    for (const input_layout& one : inputs_) {
      names.push_back(one.name);
      numbers.insert(numbers.end(), {one.offset, one.first, one.size, one.rows, one.columns});
    }
    archive(names, numbers);
    archive.require(numbers.size() == 5 * names.size(), "inputs without sizes");
    inputs_.clear();
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::uint32_t* n = numbers.data() + 5 * i;
      inputs_.push_back({names[i], n[0], n[1], n[2], n[3], n[4], {}});
    }
  }

  /// What of a copy that was read does not fit together, or nullptr.
  const char* find_fault() const {
    constexpr std::uint64_t most_neurons = std::uint64_t{1} << 26;
    std::uint64_t first = 0;
    for (const input_layout& one : inputs_) {
      if (one.first != first || std::uint64_t{one.offset} + one.size > negative_part_) {
        return "an input that does not fit";
      }
      first += one.size;
    }
    if (first != input_size_ || negative_inputs_.size() != inputs_.size() ||
        !centres_.fits(input_size_, negative_part_) || first > template_limits::nodes ||
        negative_part_ > first + (inputs_.size() + 1) * chunk_width ||
        2 * negative_part_ > source_count_ || source_count_ > 2 * negative_part_ + most_neurons) {
      return "inputs that do not fit";
    }
    for (const quantized_brick& one : bricks_) {
      if (!one.reader.fits(source_count_) ||
          std::uint64_t{one.neurons} + one.reader.lanes() > source_count_) {
        return "a brick that does not fit";
      }
    }
    first = 0;
    for (const quantized_output& one : outputs_) {
      const std::size_t linear = one.plan.kind == output_kind::linear ? one.plan.size : 0;
      if (!one.reader.fits(source_count_) || one.plan.first != first || one.plan.size == 0 ||
          one.plan.size > one.reader.lanes() || one.location.size() != linear ||
          one.spread.size() != linear ||
          one.straight.size() != centres_.straight_rows() * one.plan.size) {
        return "an output that does not fit";
      }
      first += one.plan.size;
    }
    return first == output_size_ ? nullptr : "outputs that do not fit";
  }

  void fit(quantized_workspace& ws) const {
    if (ws.fitted == shape_) {
      return;
    }
    ws.fitted.forget(); // until all of it fits
    ws.activations.assign(source_count_, 0.0f);
    ws.waves.resize(centres_.waves());
    ws.prediction.resize(output_size_);
    for (const auto& b : bricks_) {
      ws.scratch.fit(b.reader);
    }
    for (const auto& o : outputs_) {
      ws.scratch.fit(o.reader);
    }
    ws.fitted = shape_;
  }

  void activate(const float* sums, std::size_t lanes, float* activations) const noexcept {
    with_activation(activation_, [&](auto kind) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        activations[lane] = decltype(kind)::activate(sums[lane]);
      }
    });
  }

  shape_identity shape_ = shape_identity::fresh();
  std::vector<input_layout> inputs_;
  std::vector<std::uint8_t> negative_inputs_; ///< as in the network
  input_centres<float> centres_;              ///< of which none are undecided
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
