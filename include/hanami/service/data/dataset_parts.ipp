// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "dataset_parts.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include "../../foundation/random.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "data_import.hpp"

namespace hanami::service::data {

namespace detail {

inline std::vector<data_column> columns_of_parts(const data_layout& from, const parts_plan& plan) {
  if (plan.columns.empty()) {
    return from.columns;
  }
  std::vector<data_column> columns;
  std::set<std::string_view> named;
  for (const std::string& name : plan.columns) {
    if (!named.insert(name).second) {
      throw invalid_value("the column '" + name + "' is there twice");
    }
    columns.push_back(from.column(name));
  }
  return columns;
}

/// Which part each row goes to.
class row_dealer {
 public:
  row_dealer(const parts_plan& plan, std::uint64_t rows) : seed_(plan.seed), rows_(rows) {
    double sum = 0;
    for (const double share : plan.shares) {
      if (!(share > 0) || share > 1) {
        throw invalid_value("a share of " + std::to_string(share) +
                            "; accepted are shares above 0, together at most 1");
      }
      sum += share;
      ends_.push_back(sum);
    }
    constexpr double slack = 1e-9; // thirds are not exact
    if (sum > 1 + slack) {
      throw invalid_value("the shares are " + std::to_string(sum) +
                          " together; accepted are at most 1");
    }
    if (!ends_.empty() && sum > 1 - slack) {
      ends_.back() = 2; // none is lost by rounding
    }
  }

  /// `ends_.size()`: to none.
  std::size_t part_of(std::uint64_t row) const {
    const double place = seed_ ? static_cast<double>(random_bits(*seed_, 0, row) >> 11) * 0x1p-53
                               : (static_cast<double>(row) + 0.5) / static_cast<double>(rows_);
    return static_cast<std::size_t>(
        std::find_if(ends_.begin(), ends_.end(), [place](double end) { return place < end; }) -
        ends_.begin());
  }

  std::vector<std::uint64_t> rows_of_parts() const {
    std::vector<std::uint64_t> counts(ends_.size() + 1);
    for (std::uint64_t row = 0; row < rows_; ++row) {
      ++counts[part_of(row)];
    }
    counts.pop_back();
    return counts;
  }

 private:
  std::optional<std::uint64_t> seed_;
  std::uint64_t rows_;
  std::vector<double> ends_;
};

} // namespace detail

HANAMI_SERVICE_INLINE std::vector<data_layout> layouts_of_parts(const data_reader& from,
                                                                const parts_plan& plan) {
  data_layout layout;
  layout.type = from.layout().type;
  for (data_column column : detail::columns_of_parts(from.layout(), plan)) {
    const std::uint64_t width = column.width();
    column.first = layout.width;
    column.last = layout.width += width;
    column.statistics.reset();
    layout.columns.push_back(std::move(column));
  }
  std::vector<data_layout> layouts;
  for (const std::uint64_t rows : detail::row_dealer(plan, from.layout().rows).rows_of_parts()) {
    if (rows == 0) {
      throw invalid_value("part " + std::to_string(layouts.size() + 1) + " would have no row of " +
                          std::to_string(from.layout().rows));
    }
    layout.rows = rows;
    layouts.push_back(layout);
  }
  return layouts;
}

HANAMI_SERVICE_INLINE void write_parts(const data_reader& from, const parts_plan& plan,
                                       std::span<data_writer* const> to,
                                       const std::function<bool(double)>& report) {
  const data_layout& layout = from.layout();
  const std::vector<data_column> columns = detail::columns_of_parts(layout, plan);
  const detail::row_dealer dealer(plan, layout.rows);
  const std::uint64_t block = std::max<std::uint64_t>(1, 65536 / layout.width);
  std::vector<float> rows;
  std::vector<std::vector<float>> parts(to.size());
  for (std::uint64_t first = 0; first < layout.rows; first += block) {
    if (report && !report(static_cast<double>(first) / static_cast<double>(layout.rows))) {
      throw import_cancelled();
    }
    const std::uint64_t count = std::min(block, layout.rows - first);
    rows.resize(static_cast<std::size_t>(count * layout.width));
    from.read(first, count, rows);
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::size_t part = dealer.part_of(first + i);
      if (part == to.size()) {
        continue;
      }
      const auto row = rows.begin() + static_cast<std::ptrdiff_t>(i * layout.width);
      for (const data_column& column : columns) {
        parts[part].insert(parts[part].end(), row + static_cast<std::ptrdiff_t>(column.first),
                           row + static_cast<std::ptrdiff_t>(column.last));
      }
    }
    for (std::size_t part = 0; part < to.size(); ++part) {
      to[part]->write(std::span<const float>(parts[part]));
      parts[part].clear();
    }
  }
}

} // namespace hanami::service::data
