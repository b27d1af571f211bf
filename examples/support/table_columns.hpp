// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>

namespace example {

/// What a program needs to know of a table, beside what its cluster has learned: the metadata of
/// the checkpoint.
struct table_columns {
  std::vector<std::string> inputs;
  std::vector<std::string> targets;
  std::vector<std::vector<std::string>> classes; ///< of each target; empty: targets are numbers
  hanami::output_kind kind = hanami::output_kind::linear;
  std::size_t window = 1;
  std::size_t target_rows = 1;
  std::size_t horizon = 0;

  bool of_classes() const { return kind == hanami::output_kind::softmax; }

  hanami::table_layout layout() const {
    return {inputs, targets, window, target_rows, horizon, of_classes()};
  }
};

inline constexpr std::array kind_names = {"softmax", "sigmoid", "linear"};

inline hanami::output_kind parse_kind(std::string_view name) {
  const auto found = std::find(kind_names.begin(), kind_names.end(), name);
  if (found == kind_names.end()) {
    throw hanami::error(hanami::errc::invalid_argument,
                        "'" + std::string(name) +
                            "' is no kind of output; there are linear, sigmoid and softmax");
  }
  return static_cast<hanami::output_kind>(found - kind_names.begin());
}

namespace detail {

using text_rows = std::vector<std::vector<std::string>>;

inline std::string to_csv(const text_rows& rows) {
  std::ostringstream text;
  hanami::csv_writer out(text);
  for (const auto& row : rows) {
    out.row(row);
  }
  return text.str();
}

inline text_rows from_csv(const std::string& text) {
  std::istringstream stream(text);
  hanami::csv_options options; // any length of names: a checkpoint bounds its metadata
  options.max_field_bytes = options.max_row_bytes = options.max_columns = text.size() + 1;
  text_rows rows;
  for (hanami::csv_parser parser(stream, options); parser.next();) {
    auto& row = rows.emplace_back();
    for (std::size_t i = 0; i < parser.size(); ++i) {
      row.emplace_back(parser.field(i));
    }
  }
  return rows;
}

inline std::size_t to_number(const std::string& text) {
  std::size_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = code == std::errc() && end == text.data() + text.size();
  return good ? value : std::numeric_limits<std::size_t>::max();
}

} // namespace detail

inline hanami::checkpoint_metadata to_metadata(const table_columns& columns) {
  return {{"kind", kind_names[static_cast<std::size_t>(columns.kind)]},
          {"inputs", detail::to_csv({columns.inputs})},
          {"targets", detail::to_csv({columns.targets})},
          {"classes", detail::to_csv(columns.classes)},
          {"window", std::to_string(columns.window)},
          {"target_rows", std::to_string(columns.target_rows)},
          {"horizon", std::to_string(columns.horizon)}};
}

/// Throws `hanami::errc::invalid_data` for metadata that `to_metadata` has not made.
inline table_columns from_metadata(const hanami::checkpoint_metadata& metadata) {
  const auto check = [](bool good) {
    if (!good) {
      throw hanami::error(hanami::errc::invalid_data,
                          "the checkpoint does not describe the columns of a table; expected one "
                          "that 'table train' saved");
    }
  };
  const auto value = [&](const char* key) {
    const auto found = metadata.find(key);
    check(found != metadata.end());
    return found->second;
  };
  const auto names = [&](const char* key) {
    auto rows = detail::from_csv(value(key));
    check(rows.size() == 1);
    return std::move(rows.front());
  };
  table_columns columns{names("inputs"),
                        names("targets"),
                        detail::from_csv(value("classes")),
                        parse_kind(value("kind")),
                        detail::to_number(value("window")),
                        detail::to_number(value("target_rows")),
                        detail::to_number(value("horizon"))};
  check(columns.window <= 100000 && columns.target_rows <= 100000);
  check(columns.classes.size() == (columns.of_classes() ? columns.targets.size() : 0));
  return columns;
}

} // namespace example
