// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>

namespace example {

/// What a cluster needs to know of a table, beside what it has learned: kept in a CSV file of its
/// own next to the checkpoint.
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

inline std::filesystem::path columns_path(std::filesystem::path checkpoint) {
  return checkpoint += ".columns";
}

inline void save_columns(const table_columns& columns, const std::filesystem::path& path) {
  std::ofstream file(path, std::ios::binary);
  hanami::csv_writer out(file);
  const auto line = [&](const char* key, const std::vector<std::string>& values) {
    out.field(key);
    for (const auto& value : values) {
      out.field(value);
    }
    out.end_row();
  };
  line("kind", {kind_names[static_cast<std::size_t>(columns.kind)]});
  line("inputs", columns.inputs);
  line("targets", columns.targets);
  line("rows", {std::to_string(columns.window), std::to_string(columns.target_rows),
                std::to_string(columns.horizon)});
  for (const auto& classes : columns.classes) {
    line("classes", classes);
  }
  file.close();
  if (!file) {
    throw hanami::error(hanami::errc::file_error, "cannot write '" + path.string() + "'");
  }
}

namespace detail {

inline std::size_t row_count(const std::string& text) {
  std::size_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = code == std::errc() && end == text.data() + text.size();
  return good ? value : std::numeric_limits<std::size_t>::max();
}

inline void read_columns_line(table_columns& columns, const std::string& key,
                              std::vector<std::string> values) {
  if (key == "kind" && values.size() == 1) {
    columns.kind = parse_kind(values[0]);
  } else if (key == "inputs") {
    columns.inputs = std::move(values);
  } else if (key == "targets") {
    columns.targets = std::move(values);
  } else if (key == "classes") {
    columns.classes.push_back(std::move(values));
  } else if (key == "rows" && values.size() == 3) {
    columns.window = row_count(values[0]);
    columns.target_rows = row_count(values[1]);
    columns.horizon = row_count(values[2]);
  }
}

} // namespace detail

inline table_columns load_columns(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw hanami::error(hanami::errc::file_error,
                        "cannot read '" + path.string() + "', written with the checkpoint");
  }
  table_columns columns;
  for (hanami::csv_parser rows(file); rows.next();) {
    std::vector<std::string> values;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      values.emplace_back(rows.field(i));
    }
    detail::read_columns_line(columns, std::string(rows.field(0)), std::move(values));
  }
  if (columns.inputs.empty() || columns.targets.empty() || columns.window > 100000 ||
      columns.target_rows > 100000 ||
      columns.classes.size() != (columns.of_classes() ? columns.targets.size() : 0)) {
    throw hanami::error(hanami::errc::invalid_data,
                        "'" + path.string() + "' does not describe the columns of a cluster");
  }
  return columns;
}

/// Reads a table whose columns beside `numbers` may hold any text. The layout is still to be set.
inline hanami::table_dataset read_table(const std::string& path,
                                        const std::vector<std::string>& numbers) {
  hanami::csv_options options;
  std::ifstream file(path, std::ios::binary);
  if (file && !std::filesystem::is_directory(path)) {
    options.max_categories = std::size_t{1} << 24;
    const hanami::csv_reader head(file);
    for (const auto& column : head.columns()) {
      if (std::find(numbers.begin(), numbers.end(), column.name) == numbers.end()) {
        options.categorical.push_back(column.name);
      }
    }
  }
  return hanami::load_table(path, options);
}

} // namespace example
