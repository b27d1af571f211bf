// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data_file.hpp"

/// Datasets from parts of another one: some of its columns, its rows split into shares.

namespace hanami::service::data {

struct parts_plan {
  std::vector<std::string> columns; ///< in this order; none: all
  std::vector<double> shares;       ///< of the rows, each above 0, together at most 1
  /// Rows are dealt at random, the same ones for the same seed; nothing: the first rows go to the
  /// first part, the next ones to the second.
  std::optional<std::uint64_t> seed;
};

/// The layouts of the parts. Throws `not_found` for a column that is not there, `invalid_value` for
/// columns named twice, shares that make no sense and parts without a row.
std::vector<data_layout> layouts_of_parts(const data_reader& from, const parts_plan& plan);

/// Writes the parts, in the order of the layouts; the writers have not been finished. `report`: as
/// in `import_options`. Throws like `data_reader` and `data_writer`, and `import_cancelled`.
void write_parts(const data_reader& from, const parts_plan& plan, std::span<data_writer* const> to,
                 const std::function<bool(double)>& report);

} // namespace hanami::service::data
