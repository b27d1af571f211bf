// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hanami::service::engine {

struct buffer_shape {
  std::string name;
  std::size_t first = 0; ///< in the flat vector of a sample
  std::size_t size = 0;  ///< values
};

/// The layout of a cluster's inputs and outputs. Constant as long as the cluster has the same
/// template.
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
