// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace hanami::service::data {

/// The ranges of a file that have arrived. For one thread at a time.
class byte_ranges {
 public:
  struct range {
    std::uint64_t begin = 0;
    std::uint64_t end = 0; ///< the one after the last
  };

  /// In ascending order, neither empty nor adjacent.
  const std::vector<range>& list() const noexcept { return list_; }
  /// Bytes in all.
  std::uint64_t total() const noexcept { return total_; }
  /// The first byte that is missing.
  std::uint64_t first_gap() const noexcept {
    return list_.empty() || list_.front().begin > 0 ? 0 : list_.front().end;
  }

  bool contains(range wanted) const noexcept {
    const auto found = first_reaching(wanted.begin);
    return wanted.begin >= wanted.end ||
           (found != list_.end() && found->begin <= wanted.begin && wanted.end <= found->end);
  }

  /// Whether it would be merged with another one.
  bool touches(range wanted) const noexcept {
    const auto found = first_reaching(wanted.begin);
    return found != list_.end() && found->begin <= wanted.end;
  }

  /// Merges it with those it overlaps or touches.
  void add(range fresh) {
    if (fresh.begin >= fresh.end) {
      return;
    }
    const auto from = first_reaching(fresh.begin);
    auto to = from;
    for (; to != list_.end() && to->begin <= fresh.end; ++to) {
      fresh.begin = std::min(fresh.begin, to->begin);
      fresh.end = std::max(fresh.end, to->end);
      total_ -= to->end - to->begin;
    }
    total_ += fresh.end - fresh.begin;
    const auto place = list_.begin() + (from - list_.cbegin());
    if (from == to) {
      list_.insert(place, fresh);
    } else {
      *place = fresh;
      list_.erase(from + 1, to);
    }
  }

 private:
  using iterator = std::vector<range>::const_iterator;

  /// The first range that ends at or after `place`.
  iterator first_reaching(std::uint64_t place) const noexcept {
    return std::lower_bound(list_.begin(), list_.end(), place,
                            [](const range& r, std::uint64_t at) { return r.end < at; });
  }

  std::vector<range> list_;
  std::uint64_t total_ = 0;
};

} // namespace hanami::service::data
