// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "../foundation/error.hpp"
#include "class_label.hpp"
#include "label_encoder.hpp"

/// What a cluster of several named outputs predicts, by name.

namespace hanami::inline HANAMI_ISA {

/// The names of the classes of outputs, by the name of the output.
using class_names = std::map<std::string, label_encoder, std::less<>>;

/// The part of a prediction that belongs to one output. A view.
class output_view {
 public:
  output_view(output_kind kind, std::span<const float> values, const label_encoder* names) noexcept
      : kind_(kind), values_(values), names_(names) {}

  output_kind kind() const noexcept { return kind_; }
  std::span<const float> values() const noexcept { return values_; }

  /// The value of an output of one node. Throws `errc::invalid_argument` for more.
  float value() const {
    if (values_.size() != 1) {
      raise(errc::invalid_argument,
            "the output has " + std::to_string(values_.size()) + " values, not one");
    }
    return values_[0];
  }

  /// The number of the most likely class (softmax), of the largest value (others).
  std::size_t class_index() const noexcept {
    return static_cast<std::size_t>(std::max_element(values_.begin(), values_.end()) -
                                    values_.begin());
  }
  /// How likely that class is.
  float certainty() const noexcept { return values_[class_index()]; }
  /// The name of that class, its number where it has none. Throws `errc::invalid_argument` for
  /// outputs that are no classes.
  class_label label() const {
    if (kind_ != output_kind::softmax) {
      raise(errc::invalid_argument, "only outputs of kind softmax answer with a class");
    }
    const std::size_t index = class_index();
    return names_ != nullptr && index < names_->size() ? (*names_)[index] : class_label(index);
  }

  /// `7 (0.98)` for classes, else the values.
  friend std::ostream& operator<<(std::ostream& stream, const output_view& of) {
    if (of.kind_ == output_kind::softmax) {
      return stream << of.label() << " (" << of.certainty() << ')';
    }
    const char* between = "";
    for (const float value : of.values_) {
      stream << between << value;
      between = " ";
    }
    return stream;
  }

 private:
  output_kind kind_;
  std::span<const float> values_;
  const label_encoder* names_;
};

/// A whole prediction, whose outputs are found by name:
///
///     hanami::workspace<float> work;
///     const hanami::predictions said(cluster, cluster.infer(picture, work));
///     std::cout << said["digit"].label() << said["slant"].value();
///
/// A light view: cluster, values and names must outlive it, and the cluster must not have grown an
/// output since.
template <class Weight = float>
class predictions {
 public:
  /// Throws `errc::invalid_argument` for values that are no prediction of the cluster.
  predictions(const basic_cluster<float, Weight>& of, std::span<const float> values,
              const class_names* names = nullptr)
      : of_(of), values_(values), names_(names) {
    detail::check_size(values.size(), of.output_size(), "prediction");
  }

  std::size_t size() const noexcept { return of_.state().topology.outputs.size(); }

  /// Throws `errc::invalid_argument` for an output that the cluster does not have.
  output_view operator[](std::string_view output) const {
    const value_range at = of_.output(output);
    const auto& outputs = of_.state().topology.outputs;
    const auto found = std::find_if(outputs.begin(), outputs.end(),
                                    [&](const auto& one) { return one.name == output; });
    return view(*found, at);
  }

  /// A line an output: `digit: 7 (0.98)`.
  friend std::ostream& operator<<(std::ostream& stream, const predictions& all) {
    for (const auto& one : all.of_.state().topology.outputs) {
      stream << one.name << ": " << all.view(one, {one.first, one.size}) << '\n';
    }
    return stream;
  }

 private:
  output_view view(const output_layout& output, value_range at) const {
    const label_encoder* labels = nullptr;
    if (names_ != nullptr) {
      const auto found = names_->find(output.name);
      labels = found == names_->end() ? nullptr : &found->second;
    }
    return {output.kind, values_.subspan(at.first, at.size), labels};
  }

  const basic_cluster<float, Weight>& of_;
  std::span<const float> values_;
  const class_names* names_;
};

} // namespace hanami
