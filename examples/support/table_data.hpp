// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>
#include <hanami/io/row_reader.hpp>

#include "table_model.hpp"
#include "table_options.hpp"

namespace example {

/// Loads columns of a table, and says once what is wrong with it. Throws where it has no row.
inline hanami::table_dataset load_table(const std::string& path, hanami::table_options options,
                                        hanami::table_layout layout) {
  hanami::row_troubles troubles;
  options.troubles = &troubles;
  auto data = hanami::load_table(path, options, std::move(layout));
  for (const hanami::row_trouble& trouble : troubles.all()) {
    std::cerr << "table: " << path << ": " << trouble.message() << '\n';
  }
  if (data.row_count() == 0) {
    throw hanami::error(hanami::errc::invalid_data, path + ": there is no row in it");
  }
  return data;
}

/// The names of the columns of a table, as far as its first lines tell.
inline std::vector<std::string> names_of_columns(const std::string& path,
                                                 const hanami::row_format& format) {
  hanami::row_reader reader(format);
  std::ifstream file(path, std::ios::binary);
  for (std::string line; !reader.decided() && std::getline(file, line);) {
    reader.feed(line);
  }
  reader.finish();
  reader.next();
  return reader.fields();
}

/// Numbers, from 1, of columns that are given instead of their names become those, unless columns
/// are called so.
inline void name_columns(std::vector<std::string>& given, const std::vector<std::string>& names) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  for (std::string& name : given) {
    const bool number =
        !name.empty() && name.size() < 7 && std::all_of(name.begin(), name.end(), digit);
    const std::size_t place = number ? std::stoul(name) : 0;
    if (place > 0 && place <= names.size() &&
        std::find(names.begin(), names.end(), name) == names.end()) {
      name = names[place - 1];
    }
  }
}

/// Whether rows stand each for itself decides which of them are held out.
inline hanami::dataset_split<hanami::table_dataset>
split(const table_options& o, const table_model& table, const hanami::table_dataset& data) {
  return table.is_series() ? hanami::split_series(data, o.hold_out)
                           : hanami::split_rows(data, o.hold_out, o.learning.seed);
}

} // namespace example
