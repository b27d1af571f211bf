// SPDX-License-Identifier: Apache-2.0
// One pass over MNIST: this library against what one would use instead, one thread, one run.

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <support/digits.hpp>
#include <support/program.hpp>
#include <support/report.hpp>
#include <support/terminal.hpp>
#include <support/text.hpp>

#include "frontier_plot.hpp"
#include "peer.hpp"

namespace {

struct race_options {
  std::string data;
  std::vector<std::string> peers = {"fields",         "plain-256", "plain-512",
                                    "eigen-128",      "eigen-400", "eigen-skip-128",
                                    "eigen-skip-400", "fann-400",  "torch-400"};
  std::string against = "eigen-400";
  std::size_t repeat = 5;
  std::uint64_t seed = 1;
  bool list = false;
  bool json = false;
  std::string plot;
};

void add_options(CLI::App& app, race_options& o) {
  support::add_data_option(app, o.data);
  app.add_option("--peers", o.peers, "who takes part; 'all' is everybody")
      ->delimiter(',')
      ->type_name("A,B,...")
      ->capture_default_str();
  app.add_option("--against", o.against, "whose times are 1 (eigen-400)")->type_name("NAME");
  app.add_option("--repeat", o.repeat, "rounds (5); slow peers run in the first one only")
      ->check(CLI::Range(1, 1000));
  app.add_option("--seed", o.seed, "of the first round (1)")->check(support::not_negative());
  app.add_flag("--list", o.list, "say who could take part, and run nobody");
  support::add_json_flag(app, o.json);
  app.add_option("--plot", o.plot, "write a picture (SVG) of accuracy against training time")
      ->type_name("FILE");
}

std::vector<bench::peer> everybody() {
  std::vector<bench::peer> peers;
  bench::add_hanami(peers);
#if defined(BENCH_EIGEN)
  bench::add_eigen(peers);
#endif
#if defined(BENCH_FANN)
  bench::add_fann(peers);
#endif
#if defined(BENCH_TORCH)
  bench::add_torch(peers);
#endif
  return peers;
}

/// One peer and all its runs.
struct entrant {
  bench::peer who;
  std::vector<bench::peer_result> runs = {};

  double of(double bench::peer_result::*value) const {
    std::vector<double> values;
    for (const bench::peer_result& r : runs) {
      values.push_back(r.*value);
    }
    return support::median(values);
  }
};

/// Throws `usage_error` for a name that this program does not have.
std::vector<entrant> choose(const race_options& o, const std::vector<bench::peer>& all) {
  const race_options defaults;
  std::vector<entrant> chosen;
  for (const std::string& name : o.peers) {
    if (name == "all") {
      chosen.clear();
      for (const bench::peer& p : all) {
        chosen.push_back({p});
      }
      return chosen;
    }
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const bench::peer& p) { return p.name == name; });
    if (found != all.end()) {
      chosen.push_back({*found});
    } else if (o.peers == defaults.peers) {
      std::cerr << "mnist_peers: built without " << name << '\n';
    } else {
      throw support::usage_error("there is no peer '" + name + "'; --list names all");
    }
  }
  return chosen;
}

/// Runs one peer in a process of its own: no other's memory, threads or caches are in its way.
bench::peer_result run_apart(const bench::peer& who, const hanami::digit_images& data,
                             std::uint64_t seed) {
  int ends[2];
  if (::pipe(ends) != 0) {
    throw std::system_error(errno, std::generic_category(), "pipe");
  }
  const ::pid_t child = ::fork();
  if (child < 0) {
    throw std::system_error(errno, std::generic_category(), "fork");
  }
  if (child == 0) {
    int code = 1;
    try {
      const bench::peer_result result = who.run(data, seed);
      code = ::write(ends[1], &result, sizeof result) == sizeof result ? 0 : 1;
    } catch (const std::exception& e) {
      std::cerr << "mnist_peers: " << who.name << ": " << e.what() << '\n';
    }
    ::_exit(code);
  }
  ::close(ends[1]);
  bench::peer_result result;
  const bool told = ::read(ends[0], &result, sizeof result) == sizeof result;
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (!told || status != 0) {
    throw std::runtime_error("'" + who.name + "' has not finished");
  }
  return result;
}

void race(const race_options& o, const hanami::digit_images& data, std::vector<entrant>& field) {
  for (std::size_t round = 0; round < o.repeat; ++round) {
    for (entrant& e : field) {
      if (round > 0 && e.who.slow) {
        continue;
      }
      support::say(
          support::formatted("round %zu of %zu: %s", round + 1, o.repeat, e.who.name.c_str()));
      e.runs.push_back(run_apart(e.who, data, o.seed + round));
    }
  }
  support::say("");
}

support::table results(const race_options& o, const std::vector<entrant>& field) {
  using bench::peer_result;
  const auto base = std::find_if(field.begin(), field.end(),
                                 [&](const entrant& e) { return e.who.name == o.against; });
  support::table table("peers",
                       "One pass, one thread; x: of " +
                           (base == field.end() ? "(not taking part) " + o.against : o.against),
                       {{"peer", "name"},
                        {"", "what"},
                        {"accuracy %", "accuracy", 2},
                        {"train s", "train_seconds", 3},
                        {"x", "train_ratio", 2},
                        {"inferences/s", "inferences_per_second", 0},
                        {"x", "inference_ratio", 2},
                        {"runs", "runs", 0}});
  const auto ratio = [&](const entrant& e, double peer_result::*value) {
    return base == field.end() ? std::numeric_limits<double>::quiet_NaN()
                               : e.of(value) / base->of(value);
  };
  for (const entrant& e : field) {
    table.add({e.who.name, e.who.what, e.of(&peer_result::accuracy),
               e.of(&peer_result::train_seconds), ratio(e, &peer_result::train_seconds),
               e.of(&peer_result::inferences_per_second),
               ratio(e, &peer_result::inferences_per_second), static_cast<double>(e.runs.size())});
  }
  return table;
}

void write_plot(const std::string& path, const std::string& dataset,
                const std::vector<entrant>& field) {
  std::vector<bench::frontier_point> points;
  for (const entrant& e : field) {
    const std::size_t size = e.who.name.find_last_of('-');
    points.push_back({e.who.name.substr(0, size), e.who.name,
                      e.of(&bench::peer_result::train_seconds),
                      e.of(&bench::peer_result::accuracy)});
  }
  std::ofstream file(path, std::ios::binary);
  file << bench::frontier_svg("Accuracy on " + dataset, points);
  if (!file.flush()) {
    throw std::runtime_error("cannot write '" + path + "'");
  }
}

int run(const race_options& o) {
  const std::vector<bench::peer> all = everybody();
  if (o.list) {
    for (const bench::peer& p : all) {
      std::printf("%-16s %s\n", p.name.c_str(), p.what.c_str());
    }
    return 0;
  }
  std::vector<entrant> field = choose(o, all);
  const hanami::digit_images data = support::find_digits(o.data);
  race(o, data, field);
  support::print_report({{"dataset", data.name()},
                         {"train_samples", data.train.size()},
                         {"test_samples", data.test.size()},
                         {"instruction_set", hanami::instruction_set()},
                         {"against", o.against},
                         {"rounds", o.repeat}},
                        {results(o, field)}, o.json);
  if (!o.plot.empty()) {
    write_plot(o.plot, data.name(), field);
  }
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  CLI::App app(
      "Networks learn MNIST in one pass, one image at a time, each in a process of its own, one\n"
      "after the other, round after round. Medians over the rounds, each with its own seed.",
      "mnist_peers");
  race_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
