// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iostream>
#include <string>
#include <utility>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

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

/// Whether rows stand each for itself decides which of them are held out.
inline hanami::dataset_split<hanami::table_dataset>
split(const table_options& o, const table_model& table, const hanami::table_dataset& data) {
  return table.is_series() ? hanami::split_series(data, o.hold_out)
                           : hanami::split_rows(data, o.hold_out, o.learning.seed);
}

} // namespace example
