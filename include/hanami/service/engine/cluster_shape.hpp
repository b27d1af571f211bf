// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "../../template/cluster_template.hpp"

namespace hanami::service::engine {

/// Names of classes, by the place in a row of the value that tells which one it is.
using class_map = std::map<std::size_t, std::vector<std::string>>;

struct buffer_shape {
  std::string name;
  std::size_t first = 0;                  ///< in the flat vector of a sample
  std::size_t size = 0;                   ///< values
  output_kind kind = output_kind::linear; ///< of an output
  /// The classes that training tasks have told of: of an output, at 0, what its values stand for,
  /// in their order; of an input, what the numbers 0, 1, ... in one of its values stand for.
  class_map classes{};

  /// What value `i` of an output stands for; a number where no classes are known.
  std::string class_name(std::size_t i) const {
    const auto known = classes.find(0);
    if (known == classes.end()) {
      return std::to_string(i);
    }
    return i < known->second.size() ? known->second[i] : "unnamed " + std::to_string(i);
  }
};

/// The layout of a cluster's inputs and outputs. Constant, but for classes, as long as the cluster
/// has the same template.
struct cluster_shape {
  std::vector<buffer_shape> inputs;
  std::vector<buffer_shape> outputs;
  std::size_t input_size = 0;
  std::size_t output_size = 0;

  /// nullptr where there is none of that name.
  const buffer_shape* input(std::string_view name) const noexcept { return find(inputs, name); }
  const buffer_shape* output(std::string_view name) const noexcept { return find(outputs, name); }

 private:
  static const buffer_shape* find(const std::vector<buffer_shape>& in,
                                  std::string_view name) noexcept {
    const auto found = std::find_if(in.begin(), in.end(),
                                    [name](const buffer_shape& b) { return b.name == name; });
    return found == in.end() ? nullptr : &*found;
  }
};

} // namespace hanami::service::engine
