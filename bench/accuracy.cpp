// SPDX-License-Identifier: Apache-2.0
// What hanami learns, row by row: MNIST in all its variations, few inputs with many classes, levels
// of a table. Every number of the README's table comes from here.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iostream>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <hanami/hanami.hpp>

#include "../examples/support/command_line.hpp"
#include "../examples/support/json.hpp"
#include "../examples/support/mnist_task.hpp"
#include "../examples/support/progress.hpp"
#include "support/learning_tasks.hpp"
#include "support/report.hpp"

namespace {

using example::mnist_options;

struct program_options {
  std::string data;
  std::vector<std::string> rows;
  std::size_t seeds = 3;
  std::size_t jobs = 2;
  std::size_t validate = 0;
  bool json = false;
  bool list = false;
};

/// One measurement: a number for a seed, and how it is compared with its goal.
struct row {
  std::string name;
  std::string unit;
  double goal = 0;
  bool at_least = true; ///< otherwise at most
  std::size_t least_seeds = 1;
  std::function<double(std::uint64_t seed)> measure;

  bool met(double value) const { return at_least ? value >= goal : value <= goal; }
};

/// Rows that train on MNIST, in the order of the table.
class mnist_rows {
 public:
  mnist_rows(const example::mnist_data& data, std::size_t validate)
      : data_(data), validate_(validate) {}

  example::mnist_result run(mnist_options o, std::uint64_t seed) const {
    o.learning.seed = seed;
    o.show_progress = false;
    o.validate = validate_;
    return example::run_mnist(o, data_);
  }
  double accuracy(const mnist_options& o, std::uint64_t seed) const {
    return run(o, seed).test_accuracy;
  }
  /// Points that `changed` loses against the plain `fields` run of the same seed.
  double lost(const mnist_options& changed, std::uint64_t seed) const {
    return accuracy({}, seed) - accuracy(changed, seed);
  }

  template <class Change>
  row accurate(std::string name, double goal, Change change) const {
    mnist_options o;
    change(o);
    return {std::move(name),
            "%",
            goal,
            true,
            1,
            [this, o](std::uint64_t seed) { return accuracy(o, seed); }};
  }
  template <class Change>
  row losing(std::string name, double goal, Change change) const {
    mnist_options o;
    change(o);
    return {std::move(name), "points lost", goal, false, 1, [this, o](std::uint64_t seed) {
              return lost(o, seed);
            }};
  }

  std::vector<row> all() const {
    using options = mnist_options;
    return {
        accurate("fields", 98.25, [](options&) {}),
        accurate("plain", 97.6, [](options& o) { o.cluster_text = "plain"; }),
        accurate("endless", 98.15, [](options& o) { o.endless = true; }),
        accurate("endless-plain", 97.6,
                 [](options& o) {
                   o.endless = true;
                   o.cluster_text = "plain";
                 }),
        accurate("endless-rehearsal", 98.5,
                 [](options& o) {
                   o.endless = true;
                   o.learning.rehearsal = 2;
                 }),
        accurate("epochs-10", 98.7, [](options& o) { o.epochs = 10; }),
        accurate("epochs-5-shifted", 99.1,
                 [](options& o) {
                   o.epochs = 5;
                   o.images.shift = 1;
                   o.learning.rehearsal = 1;
                 }),
        losing("scale-1000", 0.05, [](options& o) { o.images.scale = 1000; }),
        losing("scale-0.001", 0.05, [](options& o) { o.images.scale = 0.001; }),
        losing("feature-scale-7", 0.05, [](options& o) { o.images.feature_scale = 7; }),
        losing("corrupt-every-1000", 0.15, [](options& o) { o.images.corrupt_every = 1000; }),
        accurate("binary", 97.8, [](options& o) { o.images.binary = true; }),
        losing("reduction-0.3", 0.1, [](options& o) { o.learning.reduction = 0.3; }),
        losing("reduction-0.5", 0.35, [](options& o) { o.learning.reduction = 0.5; }),
        {"bytes-per-synapse", "bytes", 4.6, false, 1,
         [this](std::uint64_t seed) {
           return example::bytes_per_synapse(run({}, seed).statistics);
         }},
        accurate("two-in-a-row", 97.3,
                 [](options& o) { o.template_text = bench::row_template(2, 1); }),
        accurate("three-distance-2", 97.3,
                 [](options& o) { o.template_text = bench::row_template(3, 2); }),
        accurate("three-dimensions", 97.1,
                 [](options& o) { o.template_text = bench::spatial_template(); }),
    };
  }

 private:
  const example::mnist_data& data_;
  std::size_t validate_;
};

std::vector<row> other_rows() {
  using hanami::output_kind;
  constexpr std::size_t ten = 10;
  return {
      {"grid", "%", 98.0, true, 1, [](std::uint64_t seed) { return bench::grid_accuracy(seed); }},
      {"table-levels", "mean error", 0.005, false, ten,
       [](std::uint64_t seed) { return bench::learn_table(output_kind::sigmoid, seed).error; }},
      {"table-unseen", "off its like", 0.01, false, ten,
       [](std::uint64_t seed) {
         return bench::learn_table(output_kind::sigmoid, seed).unseen_off;
       }},
      {"table-linear", "mean error", 0.05, false, ten,
       [](std::uint64_t seed) { return bench::learn_table(output_kind::linear, seed).error; }},
  };
}

bool read_options(std::span<char* const> arguments, program_options& o) {
  example::command_line line("accuracy", "[options]",
                             "Measures what hanami learns, row by row, and compares it with the "
                             "goals. All rows take\nsome minutes.");
  line.option("data", "DIR", o.data,
              "folder with MNIST's four files; without it the folder that\n"
              "HANAMI_MNIST_DIR names, without both drawn digits (the goals\nare those for MNIST)");
  line.option("rows", "A,B,..", o.rows, "these rows only");
  line.option("seeds", "N", o.seeds, "1 to N (3); some rows take ten at least", {1, 1000});
  line.option("jobs", "N", o.jobs, "measurements at the same time (2)", {1, 1024});
  line.option("validate", "N", o.validate,
              "hold out the last N training images and test on those: for\n"
              "choices, which must not be made on the test images");
  line.flag("list", o.list, "name the rows and their goals, measure nothing");
  line.flag("json", o.json, "a JSON object instead of a table");
  return line.parse(arguments);
}

std::vector<row> chosen(std::vector<row> rows, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::none_of(rows.begin(), rows.end(), [&](const row& r) { return r.name == name; })) {
      throw example::usage_error("there is no row '" + name + "'; --list names them");
    }
  }
  std::erase_if(rows, [&](const row& r) {
    return !names.empty() && std::find(names.begin(), names.end(), r.name) == names.end();
  });
  return rows;
}

/// values[row][seed - 1], measured by several threads; each number is its own, whatever their
/// count.
std::vector<std::vector<double>> measure_all(const std::vector<row>& rows,
                                             const program_options& o) {
  struct place {
    std::size_t row;
    std::size_t seed;
  };
  std::vector<std::vector<double>> values;
  std::vector<place> places;
  for (const row& r : rows) {
    values.emplace_back(std::max(o.seeds, r.least_seeds));
    for (std::size_t seed = 0; seed < values.back().size(); ++seed) {
      places.push_back({values.size() - 1, seed});
    }
  }
  example::progress shown("measuring", places.size());
  std::atomic<std::size_t> next{0};
  std::atomic<std::size_t> done{0};
  const auto work = [&](bool shows) {
    for (std::size_t i = next++; i < places.size(); i = next++) {
      const auto [r, seed] = places[i];
      values[r][seed] = rows[r].measure(seed + 1);
      ++done;
      if (shows) {
        shown.show(done);
      }
    }
  };
  std::vector<std::jthread> helpers;
  for (std::size_t k = 1; k < o.jobs; ++k) {
    helpers.emplace_back(work, false);
  }
  work(true);
  return values;
}

bench::table table_of(const std::vector<row>& rows,
                      const std::vector<std::vector<double>>& values) {
  bench::table out("accuracy", "",
                   {{"row", "row"},
                    {"unit", "unit"},
                    {"goal", "goal", 3},
                    {"mean", "mean", 4},
                    {"least", "least", 4},
                    {"most", "most", 4},
                    {"seeds", "seeds"},
                    {"", "met"}});
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const auto& v = values[r];
    double mean = 0;
    for (const double value : v) {
      mean += value / static_cast<double>(v.size());
    }
    const auto [least, most] = std::minmax_element(v.begin(), v.end());
    out.add({rows[r].name, (rows[r].at_least ? "at least, " : "at most, ") + rows[r].unit,
             rows[r].goal, mean, *least, *most, static_cast<double>(v.size()),
             std::string(rows[r].met(mean) ? "met" : "missed")});
  }
  return out;
}

int run(std::span<char* const> arguments) {
  program_options o;
  if (!read_options(arguments, o)) {
    return 0;
  }
  const example::mnist_data data = o.list ? example::mnist_data{} : example::find_mnist(o.data);
  const mnist_rows mnist(data, o.validate);
  std::vector<row> rows = mnist.all();
  for (row& other : other_rows()) {
    rows.push_back(std::move(other));
  }
  rows = chosen(std::move(rows), o.rows);
  if (o.list) {
    for (const row& r : rows) {
      std::printf("%-20s %s %g %s\n", r.name.c_str(), r.at_least ? ">=" : "<=", r.goal,
                  r.unit.c_str());
    }
    return 0;
  }
  if (data.drawn()) {
    std::cerr << "accuracy: no MNIST at hand (--data, HANAMI_MNIST_DIR): learning drawn digits\n";
  }
  example::json_object facts;
  facts.add("dataset", data.name);
  facts.add("instruction_set", hanami::instruction_set());
  bench::print_report(facts, {table_of(rows, measure_all(rows, o))}, o.json);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("accuracy");
  return example::run_program("accuracy", [&] {
    return run({arguments + 1, static_cast<std::size_t>(count > 0 ? count - 1 : 0)});
  });
}
