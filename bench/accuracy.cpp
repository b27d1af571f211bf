// SPDX-License-Identifier: Apache-2.0
// What hanami learns, row by row: MNIST in all its variations, few inputs with many classes, levels
// of a table. Every number of the README's table comes from here.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <iostream>
#include <mutex>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>
#include <hanami/io/progress.hpp>

#include <support/digits.hpp>
#include <support/program.hpp>
#include <support/report.hpp>
#include <support/text.hpp>

#include "accuracy/rows.hpp"

namespace {

using bench::row;

struct program_options {
  std::string data;
  std::vector<std::string> rows;
  std::size_t seeds = 3;
  std::size_t jobs = 2;
  std::size_t validate = 0;
  bool json = false;
  bool list = false;
};

void add_options(CLI::App& app, program_options& o) {
  support::add_data_option(app, o.data); // the goals are those for MNIST
  app.add_option("--rows", o.rows, "these rows only")->delimiter(',')->type_name("A,B,..");
  app.add_option("--seeds", o.seeds, "1 to N (3); some rows take ten at least")
      ->check(CLI::Range(1, 1000));
  app.add_option("--jobs", o.jobs, "measurements at the same time (2)")->check(CLI::Range(1, 1024));
  app.add_option("--validate", o.validate,
                 "hold out the last N training images and test on those: for choices,\n"
                 "which must not be made on the test images")
      ->check(support::not_negative());
  app.add_flag("--list", o.list, "name the rows and their goals, measure nothing");
  support::add_json_flag(app, o.json);
}

std::vector<row> chosen(std::vector<row> rows, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::none_of(rows.begin(), rows.end(), [&](const row& r) { return r.name == name; })) {
      throw support::usage_error("there is no row '" + name + "'; --list names them");
    }
  }
  std::erase_if(rows, [&](const row& r) {
    return !names.empty() && std::find(names.begin(), names.end(), r.name) == names.end();
  });
  return rows;
}

/// Calls `work(i)` for every i below `count` on several threads, and `done(how_many)` on the
/// calling one now and then. Throws what a call has thrown first; no further calls are begun then.
template <class Work, class Done>
void run_jobs(std::size_t count, std::size_t jobs, Work work, Done done) {
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> finished{0};
  std::mutex guard;
  std::exception_ptr failure;
  const auto take = [&](bool reports) {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(guard);
        failure = failure ? failure : std::current_exception();
        next = count;
      }
      ++finished;
      if (reports) {
        done(finished.load());
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t k = 1; k < std::min(jobs, count); ++k) {
      helpers.emplace_back(take, false);
    }
    take(true);
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

/// values[row][seed - 1]. Each is the same, however many threads there are.
std::vector<std::vector<double>> measure_all(const std::vector<row>& rows,
                                             const program_options& o) {
  std::vector<std::vector<double>> values;
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (const row& r : rows) {
    values.emplace_back(std::max(o.seeds, r.least_seeds));
    for (std::size_t k = 0; k < values.back().size(); ++k) {
      places.emplace_back(values.size() - 1, k);
    }
  }
  hanami::progress shown("measuring", places.size());
  run_jobs(
      places.size(), o.jobs,
      [&](std::size_t i) {
        const auto [r, k] = places[i];
        values[r][k] = rows[r].measure(k + 1);
      },
      [&](std::size_t finished) { shown.show(finished); });
  return values;
}

support::table table_of(const std::vector<row>& rows,
                        const std::vector<std::vector<double>>& values) {
  support::table out("accuracy", "",
                     {{"row", "row"},
                      {"goal is", "goal_is"},
                      {"goal", "goal", 3},
                      {"mean", "mean", 4},
                      {"unit", "unit"},
                      {"", "verdict"},
                      {"seeds 1, 2, ..", "seeds", 4}});
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto& v = values[r];
    const double mean = std::accumulate(v.begin(), v.end(), 0.0) / static_cast<double>(v.size());
    const double missed = rows[r].missed_by(mean);
    out.add({rows[r].name, std::string(to_text(rows[r].goal_is)), rows[r].goal, mean, rows[r].unit,
             missed > 0 ? support::formatted("missed by %.4f", missed) : "ok", v});
  }
  return out;
}

int run(const program_options& o) {
  const hanami::digit_images data = o.list ? hanami::digit_images{} : support::find_digits(o.data);
  const bench::mnist_rows mnist(data, o.validate);
  std::vector<row> rows = mnist.all();
  for (auto made : {bench::made_rows(), bench::class_rows()}) {
    rows.insert(rows.end(), made.begin(), made.end());
  }
  rows = chosen(std::move(rows), o.rows);
  if (o.list) {
    for (const row& r : rows) {
      std::printf("%-20s %-8s %g %s\n", r.name.c_str(), to_text(r.goal_is), r.goal, r.unit.c_str());
    }
    return 0;
  }
  support::print_report({{"dataset", data.name()}, {"instruction_set", hanami::instruction_set()}},
                        {table_of(rows, measure_all(rows, o))}, o.json);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("accuracy");
  CLI::App app(
      "Measures what hanami learns, row by row, and compares it with the goals (some minutes).",
      "accuracy");
  program_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
