// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "data_file.hpp"

/// New datasets from others: rows appended, columns left out, renamed and computed, rows dealt to
/// several. Datasets themselves never change, so that what was learned from them can be replayed.

namespace hanami::service::data {

/// How a column is computed. Of what is missing nothing is known; `a` and `b` stand for the columns
/// `column` and `other`.
enum class column_rule : std::uint8_t {
  copy,       ///< a, by another name
  one_hot,    ///< of a column of classes: a value for each class, 1 for its own, else 0
  lag,        ///< a, `by` rows before
  difference, ///< a minus a `by` rows before
  add,        ///< a + b, value by value; b may also be a single value
  subtract,
  multiply,
  divide ///< by 0: missing
};

std::string_view name_of(column_rule rule);
/// Throws `errc::invalid_data` for a name that no rule has.
column_rule column_rule_of(std::string_view name);

struct derived_column {
  std::string name;
  column_rule rule = column_rule::copy;
  std::string column;
  std::string other = {};
  std::uint64_t by = 1; ///< rows, 1..1,000,000
};

struct derive_plan {
  std::vector<std::string> columns;    ///< those to keep, in this order; none: all
  std::vector<derived_column> derived; ///< behind them
  std::vector<double> shares = {1.0};  ///< of the rows, each above 0, together at most 1
  /// Rows are dealt at random, the same ones for the same seed; nothing: the first rows go to the
  /// first part, the next ones to the second.
  std::optional<std::uint64_t> seed = {};
};

/// Makes the parts that a plan asks for, each as large as its share to half a row, in one pass; the
/// memory for it does not grow with the rows.
class derivation {
 public:
  /// `from`: one or more, whose rows follow each other. Columns are those of the first; the others
  /// need the same, in any order; classes are put together by name. Throws `not_found` for columns
  /// that are not there, `invalid_value` for what makes no sense, for parts without a row, for rows
  /// of more than a million values, and for more than four millions to be remembered for `lag` and
  /// `difference`.
  derivation(std::vector<std::shared_ptr<const data_reader>> from, const derive_plan& plan);
  ~derivation();
  derivation(const derivation&) = delete;
  derivation& operator=(const derivation&) = delete;

  const std::vector<data_layout>& layouts() const noexcept;
  /// Bytes of all values of all parts.
  std::uint64_t bytes() const;
  /// Rows that are read.
  std::uint64_t rows() const noexcept;
  /// Writes the parts, in the order of the layouts, without finishing the writers; once. `report`:
  /// as in `import_options`. Throws like `data_reader` and `data_writer`, and `import_cancelled`.
  void write(std::span<data_writer* const> to, const std::function<bool(double)>& report);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::data
