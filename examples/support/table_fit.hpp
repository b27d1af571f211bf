// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

#include <hanami/hanami.hpp>
#include <hanami/io/progress.hpp>

#include "table_model.hpp"
#include "table_options.hpp"

namespace example {

namespace detail {

/// What a line of progress says of a run of `fit`: `trying 8 epochs, held-out loss 0.31`.
inline std::string title_of(const hanami::fit_progress& run) {
  std::ostringstream text;
  text << (run.trial ? "trying " : "training, ") << run.epochs
       << (run.epochs == 1 ? " epoch" : " epochs") << std::setprecision(3);
  if (!std::isnan(run.held_out_loss)) {
    text << ", held-out loss " << run.held_out_loss;
  }
  return text.str();
}

} // namespace detail

/// Fits each model, and says how often it has seen the rows where some were held out to find out.
inline void fit(const table_options& o, const hanami::table_dataset& data,
                const hanami::dataset_part<hanami::table_dataset>& samples, table_model& table) {
  std::optional<hanami::progress> shown;
  const hanami::fit_options options{.epochs = o.epochs,
                                    .series = table.is_series(),
                                    .endless = o.endless,
                                    .observe = [&](const hanami::fit_progress& now) {
                                      if (now.done == 1) {
                                        shown.emplace(detail::title_of(now), now.total);
                                      }
                                      shown->advance(now.done);
                                    }};
  const auto tell = [&](const std::string& what, const hanami::fit_result& result) {
    shown.reset();
    if (!std::isnan(result.held_out_loss)) {
      std::cerr << "table: " << what << ": --epochs " << result.epochs
                << " is best for rows held out, loss " << result.held_out_loss << '\n';
    }
  };
  for (std::size_t k = 0; k < table.classes.size(); ++k) {
    tell(table.name_of(k), table.classes[k].fit(table.labelled(data, samples, k), options));
  }
  for (auto& model : table.numbers) {
    tell("numbers", model.fit(samples, options));
  }
}

} // namespace example
