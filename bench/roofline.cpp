// SPDX-License-Identifier: Apache-2.0
// How far from the memory's limit: what one core reads and updates a second at every level of the
// memory, what share of it the kernels reach while a cluster learns and answers, and what the rest
// of the time goes to.

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <support/digit_templates.hpp>
#include <support/digits.hpp>
#include <support/program.hpp>
#include <support/report.hpp>
#include <support/stopwatch.hpp>
#include <support/terminal.hpp>
#include <support/text.hpp>
#include <support/ticks.hpp>

#include "roofline/bandwidth.hpp"
#include "roofline/phases.hpp"

namespace {

struct roofline_options {
  std::string data;
  std::vector<std::string> clusters = {"fields", "plain-256", "plain-512", "plain-1024"};
  std::size_t rounds = 5;
  bool json = false;
};

void add_options(CLI::App& app, roofline_options& o) {
  support::add_data_option(app, o.data);
  app.add_option("--clusters", o.clusters, "fields, fields-LANES or plain-NEURONS")
      ->delimiter(',')
      ->type_name("A,B,...")
      ->capture_default_str();
  app.add_option("--rounds", o.rounds, "of every measurement (5)")->check(CLI::Range(1, 1000));
  support::add_json_flag(app, o.json);
}

hanami::cluster_template template_of(const std::string& name) {
  const std::size_t dash = name.find('-');
  const std::string family = name.substr(0, dash);
  const char* end = name.data() + name.size();
  std::uint32_t size = dash == std::string::npos ? 64 : 0;
  if (size == 0 && std::from_chars(name.data() + dash + 1, end, size).ptr != end) {
    size = 0;
  }
  if (std::has_single_bit(size) && size >= 32) {
    if (family == "fields" && size <= 256) {
      return support::fields_of(size);
    }
    if (family == "plain" && size <= 4096) {
      return support::plain_of(size);
    }
  }
  throw support::usage_error(
      "there is no cluster '" + name +
      "'; fields-LANES and plain-NEURONS take powers of two, from 32 up to 256 and 4096");
}

/// What was measured of one cluster, and the best of its rounds.
struct cluster_figures {
  std::string name;
  std::size_t samples = 0;
  std::size_t questions = 0;
  std::size_t weight_bytes = 0;
  std::size_t hot_bytes = 0; ///< of the weights that get nine reads in ten
  double learned = 0;        ///< share of the samples
  double bytes_read = 0;     ///< in all inferences
  double bytes_updated = 0;  ///< in all of the training
  double train_seconds = std::numeric_limits<double>::max(); ///< by `cluster::train`
  double infer_seconds = std::numeric_limits<double>::max(); ///< by `cluster::infer`
  bench::phase_clock training;
  bench::phase_clock inference;
};

/// The digits as a program hands them over, converted one at a time.
class digit_stream {
 public:
  explicit digit_stream(const hanami::image_dataset& images)
      : images_(images), input_(images.input_size()) {}

  std::size_t size() const { return images_.size(); }
  std::span<const float> input(std::size_t i) {
    images_.read(i, input_, target_);
    return input_;
  }
  /// Of the last input.
  std::span<const float> target() const { return target_; }

 private:
  const hanami::image_dataset& images_;
  std::vector<float> input_;
  std::array<float, 10> target_{};
};

hanami::cluster train(const hanami::cluster& fresh, digit_stream& digits, cluster_figures& found) {
  hanami::cluster made = fresh;
  made.start_task(digits.size());
  const double begin = support::user_seconds();
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const auto input = digits.input(i);
    made.train(input, digits.target());
  }
  found.train_seconds = std::min(found.train_seconds, support::user_seconds() - begin);
  return made;
}

/// Bytes of weights of the active steps of the last sample.
double active_bytes(const hanami::network<float>& net, const hanami::workspace<float>& ws) {
  std::size_t bytes = 0;
  for (const auto& bricks : ws.level_bricks) {
    bytes += hanami::touched_bytes(net, bricks, ws);
  }
  return static_cast<double>(bytes);
}

/// The same training once more, with a clock between the phases.
void train_by_phases(const hanami::cluster& fresh, digit_stream& digits, cluster_figures& found) {
  hanami::cluster made = fresh;
  made.start_task(digits.size());
  bench::phase_clock clock;
  std::size_t learned = 0;
  found.bytes_updated = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const auto input = digits.input(i);
    clock.start();
    if (made.train(input, digits.target(), hanami::serial_executor{}, bench::phase_laps{&clock})
            .learned) {
      ++learned;
      found.bytes_updated += active_bytes(made.state(), made.current_workspace());
    }
  }
  found.learned = static_cast<double>(learned) / static_cast<double>(digits.size());
  found.weight_bytes = made.state().tiles.slot_end() * made.state().tiles.lanes() * sizeof(float);
  if (found.training.total() <= 0 || clock.total() < found.training.total()) {
    found.training = clock;
  }
}

/// The smallest set of tiles that gets nine reads in ten: what a cache must hold. All weights would
/// say too much, most of them belong to pixels that are hardly ever lit.
std::size_t hot_bytes(const hanami::cluster& trained, digit_stream& digits) {
  const auto& net = trained.state();
  std::vector<std::size_t> reads(net.tiles.slot_end());
  hanami::workspace<float> ws;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    trained.infer(digits.input(i), ws);
    for (const auto& list : ws.lists) {
      std::for_each_n(list.slot.begin(), list.count,
                      [&](hanami::tile_slot slot) { ++reads[slot]; });
    }
  }
  std::sort(reads.rbegin(), reads.rend());
  const std::size_t all = std::accumulate(reads.begin(), reads.end(), std::size_t{0});
  std::size_t tiles = 0;
  for (std::size_t sum = 0; 10 * sum < 9 * all; ++tiles) {
    sum += reads[tiles];
  }
  return tiles * net.lanes() * sizeof(float);
}

void ask(const hanami::cluster& trained, digit_stream& digits, cluster_figures& found) {
  hanami::workspace<float> ws;
  double seconds = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const auto input = digits.input(i);
    const std::uint64_t begin = support::ticks();
    support::keep(trained.infer(input, ws)[0]);
    const double took = support::seconds_per_tick() * static_cast<double>(support::ticks() - begin);
    seconds += took < bench::phase_clock::longest_lap ? took : 0.0;
  }
  found.infer_seconds = std::min(found.infer_seconds, seconds);

  if (found.hot_bytes == 0) {
    found.hot_bytes = hot_bytes(trained, digits);
  }
  bench::phase_clock clock;
  found.bytes_read = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const auto input = digits.input(i);
    clock.start();
    trained.infer(input, ws, hanami::serial_executor{}, bench::phase_laps{&clock});
    found.bytes_read += active_bytes(trained.state(), ws);
  }
  if (found.inference.total() <= 0 || clock.total() < found.inference.total()) {
    found.inference = clock;
  }
}

cluster_figures measure(const std::string& name, const hanami::digit_images& data,
                        std::size_t rounds) {
  cluster_figures found;
  found.name = name;
  found.samples = data.train.size();
  found.questions = data.test.size();
  const hanami::cluster fresh(template_of(name));
  digit_stream samples(data.train);
  digit_stream questions(data.test);
  for (std::size_t round = 0; round < rounds; ++round) {
    const hanami::cluster trained = train(fresh, samples, found);
    train_by_phases(fresh, samples, found);
    ask(trained, questions, found);
  }
  return found;
}

support::table memory_table(const std::vector<bench::memory_level>& levels) {
  support::table table("memory", "What one core gets, best of several rounds",
                       {{"level", "level"},
                        {"walked KiB", "walked_kib", 0},
                        {"read GB/s", "read_gb_per_second", 1},
                        {"update GB/s", "update_gb_per_second", 1}});
  for (const auto& level : levels) {
    table.add({level.name, static_cast<double>(level.probed) / 1024, level.read / 1e9,
               level.update / 1e9});
  }
  return table;
}

support::table kernel_table(const std::vector<bench::memory_level>& levels,
                            const std::vector<cluster_figures>& clusters) {
  using hanami::phase;
  support::table table(
      "kernels",
      "Kernels over the lists of MNIST, as a share of the level that holds their hot weights: "
      "those\n"
      "that get nine reads in ten (above 100: much of them is held by the level before)",
      {{"cluster", "cluster"},
       {"weights KiB", "weights_kib", 0},
       {"hot KiB", "hot_kib", 0},
       {"in", "level"},
       {"accumulate GB/s", "accumulate_gb_per_second", 1},
       {"%", "accumulate_share", 0},
       {"update GB/s", "update_gb_per_second", 1},
       {"%", "update_share", 0},
       {"infer us", "infer_us", 3},
       {"/ accumulate", "infer_over_accumulate", 2},
       {"train us", "train_us", 3}});
  for (const cluster_figures& c : clusters) {
    const auto level = std::find_if(levels.begin(), levels.end(),
                                    [&](const auto& l) { return c.hot_bytes <= l.size; });
    const double accumulate = c.inference.seconds(phase::accumulate);
    const double read = c.bytes_read / accumulate;
    const double update = c.bytes_updated / c.training.seconds(phase::weights);
    table.add({c.name, static_cast<double>(c.weight_bytes) / 1024,
               static_cast<double>(c.hot_bytes) / 1024, level->name, read / 1e9,
               100 * read / level->read, update / 1e9, 100 * update / level->update,
               1e6 * c.infer_seconds / static_cast<double>(c.questions),
               c.infer_seconds / accumulate,
               1e6 * c.train_seconds / static_cast<double>(c.samples)});
  }
  return table;
}

support::table phase_table(const cluster_figures& c) {
  support::table table(
      c.name,
      c.name + ": time by phases, " +
          support::formatted("%.1f %% of the samples learned from", 100 * c.learned),
      {{"phase", "phase"},
       {"train us", "train_us", 3},
       {"%", "train_share", 1},
       {"infer us", "infer_us", 3},
       {"%", "infer_share", 1}});
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  const auto row = [&](const std::string& name, double train, double infer) {
    const double train_part = train > 0 ? train : nothing;
    const double infer_part = infer > 0 ? infer : nothing;
    table.add({name, 1e6 * train_part / static_cast<double>(c.samples),
               100 * train_part / c.training.total(),
               1e6 * infer_part / static_cast<double>(c.questions),
               100 * infer_part / c.inference.total()});
  };
  for (std::size_t p = 0; p < hanami::phase_names.size(); ++p) {
    const auto phase = static_cast<hanami::phase>(p);
    row(std::string(hanami::phase_names[p]), c.training.seconds(phase), c.inference.seconds(phase));
  }
  row("all", c.training.total(), c.inference.total());
  return table;
}

int run(const roofline_options& o) {
  for (const std::string& name : o.clusters) {
    template_of(name); // a wrong name before anything is measured
  }
  const hanami::digit_images data = support::find_digits(o.data);
  support::say("memory");
  const auto levels = bench::measure_memory(4 * o.rounds);
  std::vector<cluster_figures> clusters;
  for (const std::string& name : o.clusters) {
    support::say(name);
    clusters.push_back(measure(name, data, o.rounds));
  }
  support::say("");
  std::vector<support::table> tables = {memory_table(levels), kernel_table(levels, clusters)};
  for (const cluster_figures& c : clusters) {
    tables.push_back(phase_table(c));
  }
  support::print_report({{"dataset", data.name()}, {"instruction_set", hanami::instruction_set()}},
                        tables, o.json);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  CLI::App app(
      "Measures the memory of this machine, then clusters that learn MNIST: bandwidth of the\n"
      "kernels, and time by phases. Best of several rounds, one thread.",
      "roofline");
  roofline_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
