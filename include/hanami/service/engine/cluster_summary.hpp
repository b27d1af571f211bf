// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "../base/json.hpp"
#include "cluster_shape.hpp"

/// What lists show of a cluster, so that nobody has to bring it into memory for that.

namespace hanami::service::engine::detail {

struct cluster_counts {
  std::uint64_t samples = 0; ///< trained
  std::uint64_t neurons = 0;
  std::int64_t used_at = 0; ///< milliseconds since 1970; 0: never
};

inline std::string_view name_of(output_kind kind) {
  return kind == output_kind::softmax   ? "softmax"
         : kind == output_kind::sigmoid ? "sigmoid"
                                        : "linear";
}

/// The JSON of a summary: short, whatever the template and the classes are.
inline json::object summary_of(const cluster_shape& shape, const cluster_counts& counts) {
  constexpr std::size_t most_buffers = 32;
  constexpr std::size_t most_names = 10;
  json::array inputs;
  json::array outputs;
  for (std::size_t i = 0; i < std::min(shape.inputs.size(), most_buffers); ++i) {
    inputs.push_back(json::object{{"name", shape.inputs[i].name}, {"size", shape.inputs[i].size}});
  }
  for (std::size_t i = 0; i < std::min(shape.outputs.size(), most_buffers); ++i) {
    const buffer_shape& b = shape.outputs[i];
    json::array names;
    std::size_t count = 0;
    if (const auto known = b.classes.find(0); known != b.classes.end()) {
      count = known->second.size();
      for (std::size_t k = 0; k < std::min(count, most_names); ++k) {
        names.emplace_back(known->second[k]);
      }
    }
    outputs.push_back(json::object{{"name", b.name},
                                   {"size", b.size},
                                   {"kind", name_of(b.kind)},
                                   {"classes", std::move(names)},
                                   {"class_count", count}});
  }
  return {{"samples", counts.samples},
          {"neurons", counts.neurons},
          {"used_at", counts.used_at},
          {"inputs", std::move(inputs)},
          {"outputs", std::move(outputs)}};
}

} // namespace hanami::service::engine::detail
