// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "sample_reader.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "../base/compile.hpp"

namespace hanami::service::data {

namespace detail {

/// Values that are read at once, unless one sample takes more.
inline constexpr std::uint64_t sample_block_values = 65536;

/// A class as its link wants it.
inline void copy_class(const sample_link& link, float value, float* to) {
  constexpr float missing = std::numeric_limits<float>::quiet_NaN();
  const auto count = static_cast<float>(link.numbers.size());
  const bool known = value >= 0 && value < count; // not for NaN
  const float number = known ? link.numbers[static_cast<std::size_t>(value)] : missing;
  if (link.one_hot == 0) {
    *to = number;
    return;
  }
  std::fill_n(to, link.one_hot, std::isnan(number) ? missing : 0.0F);
  if (!std::isnan(number)) {
    to[static_cast<std::size_t>(number)] = 1;
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE sample_reader::sample_reader(std::vector<sample_link> inputs,
                                                   std::vector<sample_link> targets,
                                                   std::uint32_t window, std::uint32_t horizon) {
  const std::uint64_t target_row = std::uint64_t{window} - 1 + horizon;
  const std::uint64_t taken = targets.empty() ? window : target_row + 1;
  add(std::move(inputs), 0, window, false);
  add(std::move(targets), target_row, 1, true);
  std::uint64_t rows = sources_.empty() ? 0 : std::numeric_limits<std::uint64_t>::max();
  for (const block& b : blocks_) {
    rows = std::min(rows, b.from->layout().rows);
  }
  size_ = rows >= taken ? rows - taken + 1 : 0;
}

/// Columns of one dataset share a block where not much lies between them.
HANAMI_SERVICE_INLINE void sample_reader::add(std::vector<sample_link> links, std::uint64_t begin,
                                              std::uint64_t rows, bool target) {
  for (sample_link& link : links) {
    const auto shared = std::find_if(blocks_.begin(), blocks_.end(), [&](const block& b) {
      const std::uint64_t both =
          std::max(b.part.last, link.column.last) - std::min(b.part.first, link.column.first);
      return b.from == link.from && b.begin == begin && b.rows == rows &&
             both <= 2 * (b.part.width() + link.column.width());
    });
    const auto index = static_cast<std::size_t>(shared - blocks_.begin());
    if (shared == blocks_.end()) {
      const data_column part{{}, link.column.first, link.column.last};
      blocks_.push_back({link.from, part, begin, rows, 0, {}});
    } else {
      shared->part.first = std::min(shared->part.first, link.column.first);
      shared->part.last = std::max(shared->part.last, link.column.last);
    }
    sources_.push_back({std::move(link), index, target});
  }
}

HANAMI_SERVICE_INLINE void sample_reader::fill(block& b, std::uint64_t index) const {
  const std::uint64_t first = index + b.begin;
  const std::uint64_t width = b.part.width();
  const std::uint64_t there = b.values.size() / width;
  if (first >= b.first && first + b.rows <= b.first + there) {
    return;
  }
  const std::uint64_t most = std::max(2 * b.rows, detail::sample_block_values / width);
  const std::uint64_t count = std::min(most, b.from->layout().rows - first);
  b.values.clear(); // where reading fails, nothing is there
  std::vector<float> fresh(static_cast<std::size_t>(count * width));
  b.from->read(b.part, first, count, fresh);
  b.values = std::move(fresh);
  b.first = first;
}

HANAMI_SERVICE_INLINE void sample_reader::read(std::uint64_t index, std::span<float> input,
                                               std::span<float> target) {
  for (block& b : blocks_) {
    fill(b, index);
  }
  for (const source& s : sources_) {
    const block& b = blocks_[s.block];
    const auto stride = static_cast<std::size_t>(b.part.width());
    const auto width = static_cast<std::size_t>(s.link.column.width());
    const float* from = b.values.data() + (index + b.begin - b.first) * stride +
                        (s.link.column.first - b.part.first);
    float* to = (s.target ? target : input).data() + s.link.first;
    for (std::uint64_t row = 0; row < b.rows; ++row, from += stride, to += s.link.stride) {
      if (s.link.numbers.empty()) {
        std::copy_n(from, width, to);
      } else {
        detail::copy_class(s.link, *from, to);
      }
    }
  }
}

} // namespace hanami::service::data
