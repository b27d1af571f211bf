// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "data_file.hpp"

/// Samples of a cluster from columns of datasets, which are read in blocks and may be larger than
/// memory.

namespace hanami::service::data {

/// A column that is copied into the flat vector of a sample.
struct sample_link {
  std::shared_ptr<const data_reader> from;
  data_column column;
  std::size_t first = 0;  ///< where the values of the oldest row go
  std::size_t stride = 0; ///< from there to where those of the next row go
  /// Of a column of classes: the number that the cluster knows each of them by; NaN: by none.
  std::vector<float> numbers{};
  /// 0: a class becomes its number; else so many values, of which that of its number is 1 and the
  /// others are 0, or all NaN where the class is missing.
  std::size_t one_hot = 0;
};

/// Input i consists of rows i..i+window-1 of the inputs' columns, one after the other, target i of
/// row i+window-1+horizon of the targets' columns. For one thread at a time.
class sample_reader {
 public:
  sample_reader(std::vector<sample_link> inputs, std::vector<sample_link> targets,
                std::uint32_t window, std::uint32_t horizon);

  /// The number of samples that the shortest dataset yields; 0 where it has too few rows for one.
  std::uint64_t size() const noexcept { return size_; }
  /// Reads one sample; cheap in ascending order. Throws like `data_reader`.
  void read(std::uint64_t index, std::span<float> input, std::span<float> target);

 private:
  /// A part of all rows of a dataset; sample i needs rows [i + begin, i + begin + rows).
  struct block {
    std::shared_ptr<const data_reader> from;
    data_column part;
    std::uint64_t begin = 0;
    std::uint64_t rows = 1;
    std::uint64_t first = 0; ///< row in `values`
    std::vector<float> values;
  };
  struct source {
    sample_link link;
    std::size_t block = 0;
    bool target = false;
  };

  void add(std::vector<sample_link> links, std::uint64_t begin, std::uint64_t rows, bool target);
  void fill(block& b, std::uint64_t index) const;

  std::vector<block> blocks_;
  std::vector<source> sources_;
  std::uint64_t size_ = 0;
};

} // namespace hanami::service::data
