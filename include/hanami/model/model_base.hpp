// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "../foundation/error.hpp"
#include "../io/checkpoint.hpp"
#include "../template/cluster_template.hpp"
#include "fit.hpp"
#include "label_encoder.hpp"
#include "rows.hpp"
#include "workspace_pool.hpp"

namespace hanami::inline HANAMI_ISA {

/// Settings for one hexagon that reads `inputs` values. Few inputs begin with one brick of 64
/// neurons and get more where the errors are; many begin with several, since a wide row fills them
/// at once. Measured on MNIST, one pass, with 1, 4 and 8 from the start: 784
/// pixels 97.2, 97.6, 97.7 %; halved to 196 97.0, 97.5, 97.6 %; to 49 95.3, 95.7, 95.8 %.
inline cluster_settings settings_for_inputs(std::size_t inputs) {
  cluster_settings settings;
  settings.initial_bricks = inputs >= 256 ? 8 : inputs >= 32 ? 4 : 1;
  return settings;
}

/// What classifiers and regressors share: a cluster of one output, the names of its inputs, the
/// rows it takes, and when a task of known length is over.
template <class Cluster>
class model_base {
 public:
  /// Values of a row.
  std::size_t input_size() const noexcept { return net_.input_size(); }
  /// Names of the inputs; none where the model was made by count.
  std::vector<std::string> input_names() const { return {names_.begin(), names_.end()}; }
  /// Samples learned from so far.
  std::uint64_t samples() const noexcept { return samples_; }
  /// What is inside: statistics, drawings, an 8-bit copy (`quantized_cluster(model.cluster())`).
  const Cluster& cluster() const noexcept { return net_; }

  /// Announces that `samples` more will be learned: the learning rate falls to zero over them,
  /// which is worth some tenths of a percent where the length is known. After them, or with 0, the
  /// model goes on as in an endless stream.
  void start_task(std::uint64_t samples) {
    net_.start_task(samples);
    task_left_ = samples;
    task_over_ = false;
  }

 protected:
  model_base(cluster_template from, const learning_options& options,
             const std::vector<std::string>& names)
      : net_(std::move(from), options) {
    for (const std::string& name : names) {
      if (names_.find(name)) {
        raise(errc::invalid_argument, "two inputs are called '" + name + "'");
      }
      names_.add(name);
    }
  }

  static std::uint32_t checked_size(std::size_t size, const char* what) {
    if (size == 0 || size > template_limits::nodes) {
      raise(errc::invalid_argument, std::to_string(size) + " " + what + "; 1 to " +
                                        std::to_string(template_limits::nodes) + " are taken");
    }
    return static_cast<std::uint32_t>(size);
  }

  /// The only output of a template, of the kinds that the model knows. Throws
  /// `errc::invalid_template`.
  static output_template& only_output(cluster_template& from, bool classes) {
    const bool good =
        from.outputs.size() == 1 && (from.outputs[0].kind == output_kind::softmax) == classes;
    if (!good) {
      raise(errc::invalid_template, classes ? "a classifier takes a template with one output, of "
                                              "kind softmax"
                                            : "a regressor takes a template with one output, of "
                                              "kind linear or sigmoid");
    }
    return from.outputs[0];
  }

  /// The values of a row as floats: where they stand, or converted into `room`.
  template <model_row Row>
  std::span<const float> floats_of(const Row& row, std::vector<float>& room) const {
    if constexpr (named_row<Row>) {
      room.assign(input_size(), std::numeric_limits<float>::quiet_NaN());
      for (const auto& [name, value] : row) {
        room[input_of(name)] = static_cast<float>(value);
      }
      return room;
    } else if constexpr (std::ranges::contiguous_range<const Row> &&
                         std::is_same_v<std::ranges::range_value_t<const Row>, float>) {
      return {std::ranges::data(row), std::ranges::size(row)};
    } else {
      room.clear();
      for (const auto value : row) {
        room.push_back(static_cast<float>(value));
      }
      return room;
    }
  }

  /// Whether what `train` predicts is what `ask` would answer.
  bool learning_predicts() const noexcept {
    return !task_over_ && net_.inference_weights() == weight_set::current;
  }

  template <model_row Row>
  trained_sample<float> train(const Row& row, std::span<const float> target) {
    if (task_over_) {
      start_task(0);
    }
    const trained_sample<float> result = net_.train(floats_of(row, room_), target);
    ++samples_;
    task_over_ = task_left_ == 1;
    task_left_ -= task_left_ > 0 ? 1 : 0;
    return result;
  }

  /// Calls `read` with what the cluster answers to a row.
  template <model_row Row, class Read>
  decltype(auto) ask(const Row& row, Read read) const {
    workspace_pool::lease seat(pool_);
    const std::span<const float> values = floats_of(row, seat->row);
    if (net_.state().topology.spikes()) {
      seat->work = net_.current_workspace();
    }
    return read(net_.infer(values, seat->work));
  }

  /// Template, cluster and all the rest. Reading throws where an output is not what `classes` says.
  template <class Archive>
  void serialize_base(Archive& archive, bool classes) {
    using traits = checkpoint_traits<Cluster>;
    if constexpr (Archive::reading) {
      net_ = traits::read(archive);
      cluster_template from = net_.cluster_template();
      only_output(from, classes);
    } else {
      traits::write(archive, net_);
    }
    archive(names_, samples_, task_left_, task_over_);
    archive.require(names_.empty() || names_.size() == input_size(),
                    "the names of a model are not as many as its inputs");
  }

  Cluster& net() noexcept { return net_; }

 private:
  using workspace_pool = detail::workspace_pool;

  std::size_t input_of(std::string_view name) const {
    if (const auto found = names_.find(name)) {
      return *found;
    }
    std::string known;
    for (const class_label& one : names_) {
      known += (known.empty() ? "'" : ", '") + one.text() + "'";
    }
    raise(errc::invalid_argument,
          "no input is called '" + std::string(name) + "'; " +
              (known.empty() ? "the model was made without names" : "there are " + known));
  }

  Cluster net_;
  label_encoder names_; ///< of the inputs
  mutable workspace_pool pool_;
  std::vector<float> room_;
  std::uint64_t samples_ = 0;
  std::uint64_t task_left_ = 0;
  bool task_over_ = false; ///< and nothing has been learned since
};

} // namespace hanami
