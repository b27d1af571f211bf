// SPDX-License-Identifier: Apache-2.0
// What a cluster costs: against its size while as much of it is active, against the share of it
// that is active, on more threads, and while it grows.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/executor/tbb.hpp>
#include <hanami/hanami.hpp>

#include <support/program.hpp>
#include <support/report.hpp>
#include <support/stopwatch.hpp>
#include <support/terminal.hpp>
#include <support/text.hpp>
#include <support/ticks.hpp>

namespace {

constexpr std::uint32_t lanes = 128;

struct scaling_options {
  double most = 1e8;
  std::size_t rounds = 5;
  bool json = false;
};

void add_options(CLI::App& app, scaling_options& o) {
  app.add_option("--most", o.most, "synapses of the largest cluster (1e8: 2 GB of memory)")
      ->check(CLI::Range(1e5, 1e9));
  app.add_option("--rounds", o.rounds, "tenths of a second for every measurement (5)")
      ->check(CLI::Range(1, 1000));
  support::add_json_flag(app, o.json);
}

/// One hexagon of `bricks` bricks behind `inputs` inputs; 10 classes.
hanami::cluster make_cluster(std::size_t inputs, std::uint32_t bricks) {
  hanami::cluster_settings settings;
  settings.brick_size = lanes;
  settings.initial_bricks = settings.max_bricks = bricks;
  settings.max_steps = 1;
  settings.memory_limit = std::uint64_t{1} << 36;
  hanami::cluster made(hanami::one_hexagon(static_cast<std::uint32_t>(inputs), 10,
                                           hanami::output_kind::softmax, settings));
  made.start_task(std::uint64_t{1} << 40);
  return made;
}

/// Samples of `active` inputs anywhere among `size`; their classes are drawn, so that there is
/// always something to learn.
class random_samples {
 public:
  random_samples(std::size_t size, std::size_t active) : input_(size), places_(active) {}

  void next() {
    for (const std::uint32_t place : places_) {
      input_[place] = 0.0f;
    }
    for (std::uint32_t& place : places_) {
      place = hanami::random_below(static_cast<std::uint32_t>(input_.size()), 1, 1, drawn_++);
      while (input_[place] > 0.0f) {
        place = place + 1 < input_.size() ? place + 1 : 0;
      }
      input_[place] = 1.0f + hanami::random_unit(1, 2, drawn_);
    }
    target_.fill(0.0f);
    target_[hanami::random_below(10, 1, 3, drawn_)] = 1.0f;
  }

  std::span<const float> input() const { return input_; }
  std::span<const float> target() const { return target_; }

 private:
  std::vector<float> input_;
  std::vector<std::uint32_t> places_;
  std::array<float, 10> target_{};
  std::uint64_t drawn_ = 0;
};

/// Gives every input its sections.
void grow_all(hanami::cluster& made) {
  constexpr std::size_t at_once = 1024;
  std::vector<float> input(made.input_size());
  std::array<float, 10> target{1.0f};
  for (std::size_t first = 0; first < input.size(); first += at_once) {
    const std::size_t end = std::min(first + at_once, input.size());
    std::fill(input.begin() + static_cast<std::ptrdiff_t>(first),
              input.begin() + static_cast<std::ptrdiff_t>(end), 1.0f);
    made.train(input, target);
    std::fill(input.begin() + static_cast<std::ptrdiff_t>(first),
              input.begin() + static_cast<std::ptrdiff_t>(end), 0.0f);
  }
}

/// Times of single calls; what counts is the median, in microseconds.
class call_times {
 public:
  template <class Call>
  void take(const Call& call) {
    const std::uint64_t begin = support::ticks();
    call();
    all_.push_back(support::seconds_per_tick() * static_cast<double>(support::ticks() - begin));
  }
  double median_us() const { return 1e6 * support::median(all_); }

 private:
  std::vector<double> all_;
};

struct costs {
  double infer = 0;  ///< us
  double train = 0;  ///< us, learned from
  double silent = 0; ///< us of an inference with no input active
};

/// Sample after sample, each asked and then learned from, for so many tenths of a second.
template <hanami::executor Executor = hanami::serial_executor>
costs measure(hanami::cluster& made, std::size_t active, std::size_t rounds,
              const Executor& run = {}) {
  random_samples samples(made.input_size(), active);
  const std::vector<float> silence(made.input_size());
  hanami::workspace<float> activity;
  call_times infer;
  call_times silent;
  call_times train;
  const double end = support::wall_seconds() + 0.1 * static_cast<double>(rounds);
  do {
    silent.take([&] { support::keep(made.infer(silence, activity, run)[0]); });
    samples.next();
    infer.take([&] { support::keep(made.infer(samples.input(), activity, run)[0]); });
    samples.next();
    train.take([&] { made.train(samples.input(), samples.target(), run); });
  } while (support::wall_seconds() < end);
  return {infer.median_us(), train.median_us(), silent.median_us()};
}

support::table against_size(const scaling_options& o) {
  constexpr std::size_t active = 64;
  support::table table("size", "Against the size: 64 active inputs of ever more, 128 neurons",
                       {{"inputs", "inputs", 0},
                        {"synapses", "synapses", 0},
                        {"bytes/synapse", "bytes_per_synapse", 2},
                        {"infer us", "infer_us", 3},
                        {"train us", "train_us", 3},
                        {"silent us", "silent_us", 3},
                        {"active part us", "active_us", 3}});
  for (double synapses = 1e4; synapses <= o.most * 1.01; synapses *= 10) {
    support::say(support::formatted("size: %.0e synapses", synapses));
    hanami::cluster made = make_cluster(static_cast<std::size_t>(synapses / lanes) + 1, 1);
    grow_all(made);
    const costs c = measure(made, active, o.rounds);
    const auto s = made.statistics();
    table.add({static_cast<double>(made.input_size()), static_cast<double>(s.synapses),
               static_cast<double>(s.bytes) / static_cast<double>(s.synapses), c.infer, c.train,
               c.silent, c.infer - c.silent});
  }
  return table;
}

support::table against_activity(const scaling_options& o) {
  constexpr std::size_t inputs = 4096;
  support::table table("activity",
                       "Against activity: 4,096 inputs, 256 neurons, a million synapses",
                       {{"active %", "active_percent", 0},
                        {"infer us", "infer_us", 3},
                        {"train us", "train_us", 3},
                        {"infer ns/synapse", "infer_ns_per_active_synapse", 4},
                        {"train ns/synapse", "train_ns_per_active_synapse", 4}});
  hanami::cluster made = make_cluster(inputs, 2);
  grow_all(made);
  for (const double percent : {1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0}) {
    support::say(support::formatted("activity: %.0f %%", percent));
    const auto active = static_cast<std::size_t>(inputs * percent / 100);
    const costs c = measure(made, active, o.rounds);
    const double synapses = static_cast<double>(active) * 2 * lanes;
    table.add({percent, c.infer, c.train, 1e3 * c.infer / synapses, 1e3 * c.train / synapses});
  }
  return table;
}

/// All 784 inputs of ever more bricks active, in loops shared by ever more threads.
support::table against_threads(const scaling_options& o) {
  constexpr std::size_t inputs = 784;
  support::table table("threads", "Against threads: 784 active inputs of ever more neurons, oneTBB",
                       {{"synapses", "synapses", 0},
                        {"threads", "threads", 0},
                        {"infer us", "infer_us", 1},
                        {"x", "infer_speedup", 2},
                        {"train us", "train_us", 1},
                        {"x", "train_speedup", 2}});
  for (const std::uint32_t bricks : {1U, 10U, 100U, 1000U}) {
    const double synapses = static_cast<double>(inputs) * bricks * lanes;
    if (synapses > o.most * 1.01) {
      break;
    }
    support::say(support::formatted("threads: %.0e synapses", synapses));
    hanami::cluster made = make_cluster(inputs, bricks);
    grow_all(made);
    costs one_thread;
    for (std::size_t t = 1; t <= std::max(1U, std::thread::hardware_concurrency()); t *= 2) {
      const costs c = measure(made, inputs, o.rounds, hanami::tbb_executor({.threads = t}));
      one_thread = t == 1 ? c : one_thread;
      table.add({synapses, static_cast<double>(t), c.infer, one_thread.infer / c.infer, c.train,
                 one_thread.train / c.train});
    }
  }
  return table;
}

/// Shows one cluster inputs that it has not seen before, 64 a sample, and each sample once more:
/// the difference is what growing took.
support::table while_growing(const scaling_options& o) {
  constexpr std::size_t new_ones = 64;
  support::table table("growth", "While one cluster grows: 64 new inputs a sample, 128 neurons",
                       {{"synapses", "synapses", 0},
                        {"new sample us", "new_us", 1},
                        {"same again us", "again_us", 1},
                        {"growth ns/synapse", "growth_ns_per_synapse", 3},
                        {"x", "ratio", 2}});
  hanami::cluster made = make_cluster(static_cast<std::size_t>(o.most / lanes) + 1, 1);
  std::vector<float> input(made.input_size());
  std::array<float, 10> target{};
  struct stretch {
    double synapses, first_us, again_us, each_ns;
  };
  std::vector<stretch> stretches;
  double first_seconds = 0;
  double again_seconds = 0;
  std::size_t samples = 0;
  double edge = 1e4;
  const auto timed = [&] {
    const double begin = support::thread_seconds();
    made.train(input, target);
    return support::thread_seconds() - begin;
  };
  for (std::size_t first = 0; first + new_ones <= input.size(); first += new_ones) {
    const auto begin = input.begin() + static_cast<std::ptrdiff_t>(first);
    std::fill_n(begin, new_ones, 1.0f);
    target.fill(0.0f);
    target[first / new_ones % 10] = 1.0f;
    first_seconds += timed();
    again_seconds += timed();
    ++samples;
    std::fill_n(begin, new_ones, 0.0f);
    const auto synapses = static_cast<double>((first + new_ones) * lanes);
    if (synapses >= edge || first + 2 * new_ones > input.size()) {
      support::say(support::formatted("growth: %.0e synapses", synapses));
      const auto n = static_cast<double>(samples);
      stretches.push_back({synapses, 1e6 * first_seconds / n, 1e6 * again_seconds / n,
                           1e9 * (first_seconds - again_seconds) / (n * new_ones * lanes)});
      first_seconds = again_seconds = 0;
      samples = 0;
      edge = std::max(edge * std::sqrt(10.0), synapses * 2);
    }
  }
  // The first stretch makes the brick, too; the others are compared.
  double least = std::numeric_limits<double>::max();
  for (std::size_t i = 1; i < stretches.size(); ++i) {
    least = std::min(least, stretches[i].each_ns);
  }
  for (const stretch& s : stretches) {
    table.add({s.synapses, s.first_us, s.again_us, s.each_ns, s.each_ns / least});
  }
  return table;
}

int run(const scaling_options& o) {
  std::vector<support::table> tables;
  tables.push_back(against_size(o));
  tables.push_back(against_activity(o));
  tables.push_back(against_threads(o));
  tables.push_back(while_growing(o));
  support::say("");
  support::print_report({{"instruction_set", hanami::instruction_set()}, {"rounds", o.rounds}},
                        tables, o.json);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  CLI::App app(
      "What a cluster costs: against its size, the share of it that is active and the number of\n"
      "threads, and while it grows. One thread unless said, invented values.",
      "scaling");
  scaling_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
