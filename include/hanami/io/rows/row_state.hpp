// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "../cell.hpp"
#include "../row_troubles.hpp"
#include "row_fields.hpp"

namespace hanami::inline HANAMI_ISA {

/// A cell of a row. `text` is what stands there without quotes, for numbers too; it is good until
/// the reader goes on. `value` is NaN unless `has_value(kind)`.
struct row_cell {
  double value = std::numeric_limits<double>::quiet_NaN();
  std::string_view text = {};
  std::uint32_t offset = 0; ///< bytes of the row before the field
  cell_kind kind = cell_kind::absent;
};

namespace detail {

/// The row that a reader stands at, and what it knows.
struct row_state {
  row_fields fields;
  std::vector<row_cell> cells; ///< one a field
  row_troubles troubles;
  std::uint64_t lost = 0;       ///< lines that should have been rows
  std::uint64_t line = 0;       ///< of the line that is read, from 1
  std::uint64_t row_line = 0;   ///< where the row begins
  std::uint64_t max_fields = 0; ///< no more are made

  void begin_row() {
    cells.assign(fields.size(), row_cell{});
    row_line = line;
  }

  void set(std::uint32_t field, std::string_view text, const cell& found, std::uint32_t offset) {
    row_cell& to = cells[field];
    to.text = text;
    to.offset = offset;
    to.kind = found.kind;
    to.value = found.value;
    if (found.kind == cell_kind::number) {
      fields.set_numeric(field);
    }
    if (!found.unit.empty()) {
      const double factor = fields.accept_unit(field, found.unit);
      if (factor > 0) {
        to.value *= factor;
      } else {
        to.kind = cell_kind::text;
        to.value = std::numeric_limits<double>::quiet_NaN();
      }
    } else if (found.kind == cell_kind::infinite) {
      troubles.add("a number beyond all numbers is taken as missing", {line}, text,
                   trouble_weight::note);
    }
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(fields, troubles, lost, line, row_line, max_fields);
    if constexpr (Archive::reading) {
      cells.assign(fields.size(), row_cell{});
    }
  }
};

} // namespace detail

} // namespace hanami
