// SPDX-License-Identifier: Apache-2.0
// Years of a sensor in a minute: a stream whose ranges and relations change again and again, with
// outliers, missing values and dead sensors, learned by clusters that grow and reduce themselves
// under a hard memory limit. Memory must stay, speed must stay, and errors must come back down.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/draw/html_report.hpp>
#include <hanami/draw/plot.hpp>
#include <hanami/hanami.hpp>

#include <support/program.hpp>
#include <support/report.hpp>
#include <support/stopwatch.hpp>
#include <support/terminal.hpp>
#include <support/text.hpp>

namespace {

constexpr std::size_t sensors = 8;
constexpr std::size_t classes = 4;

struct endless_options {
  double samples = 50e6;
  std::size_t regimes = 20;
  std::size_t memory = 256; ///< KiB
  std::uint64_t seed = 1;
  std::string report;
  bool json = false;
};

void add_options(CLI::App& app, endless_options& o) {
  app.add_option("--samples", o.samples, "in all (5e7)")->check(CLI::Range(1e4, 1e12));
  app.add_option("--regimes", o.regimes, "so many (20)")->check(CLI::Range(2, 1000));
  app.add_option("--memory", o.memory, "limit of each cluster, KiB (256)")
      ->check(CLI::Range(64, 1 << 20));
  app.add_option("--seed", o.seed, "of the stream and the clusters (1)")
      ->check(support::not_negative());
  app.add_option("--report", o.report, "write a page (HTML) with plots")->type_name("FILE");
  support::add_json_flag(app, o.json);
}

/// What holds for a while.
struct regime {
  std::array<float, sensors> offset{};
  std::array<float, sensors> range{};
  std::array<std::array<float, sensors>, 2> slope{};
  std::array<float, 2> product{};
  float level = 0;
  float spread = 1;
  std::size_t dead = 0; ///< the sensor that is silent for a third of it

  explicit regime(std::uint64_t seed) {
    const auto signed_unit = [&](std::uint64_t what, std::size_t k) {
      return hanami::random_signed_unit(seed, what, k);
    };
    for (std::size_t k = 0; k < sensors; ++k) {
      // The order of magnitude belongs to the sensor, the rest to the regime.
      const float usual = std::pow(10.0f, 1.5f + 4.5f * hanami::random_signed_unit(5, 0, k));
      range[k] = usual * std::pow(3.0f, signed_unit(1, k));
      offset[k] = usual * 2 * signed_unit(2, k);
      for (std::size_t f = 0; f < 2; ++f) {
        slope[f][k] = signed_unit(3 + f, k);
      }
    }
    product = {2 * signed_unit(5, 0), 2 * signed_unit(5, 1)};
    level = 1000 * signed_unit(6, 0);
    spread = 100 * std::pow(3.0f, signed_unit(6, 1));
    dead = hanami::random_below(sensors, seed, 7, 0);
  }
};

struct drawn_sample {
  std::array<float, sensors> input{};
  std::array<float, classes> one_of{};
  std::size_t label = 0;
  float value = 0;
  bool clean = true; ///< nothing is missing or wild
};

class drifting_stream {
 public:
  drifting_stream(const endless_options& o, std::uint64_t length)
      : seed_(o.seed), length_(length), regime_(key(0)) {}

  void next(std::uint64_t number, drawn_sample& s) {
    const std::uint64_t inside = number % length_;
    if (inside == 0) {
      regime_ = regime(key(number / length_));
    }
    std::array<float, sensors> unit{};
    for (std::size_t k = 0; k < sensors; ++k) {
      unit[k] = hanami::random_signed_unit(seed_, 100 + k, number);
      s.input[k] = regime_.offset[k] + regime_.range[k] * unit[k];
    }
    answer(unit, s);
    s.clean = true;
    make_dirty(number, inside * 3 / length_ == 1, s);
  }

 private:
  /// Every fourth regime is the one four before it.
  std::uint64_t key(std::uint64_t index) const noexcept {
    const std::uint64_t known = index >= 4 && index % 4 == 3 ? index - 2 : index;
    return hanami::mix_bits(seed_ * 1000003 + known);
  }

  void answer(const std::array<float, sensors>& unit, drawn_sample& s) const {
    std::array<float, 2> sum{};
    for (std::size_t f = 0; f < 2; ++f) {
      for (std::size_t k = 0; k < sensors; ++k) {
        sum[f] += regime_.slope[f][k] * unit[k];
      }
      sum[f] += regime_.product[f] * unit[2 * f] * unit[2 * f + 1];
    }
    s.label = (sum[0] > 0 ? 1U : 0U) + (sum[1] > 0 ? 2U : 0U);
    s.one_of.fill(0);
    s.one_of[s.label] = 1;
    s.value = regime_.level + regime_.spread * (sum[0] + std::abs(sum[1]));
  }

  void make_dirty(std::uint64_t number, bool some_dead, drawn_sample& s) const {
    for (std::size_t k = 0; k < sensors; ++k) {
      const std::uint32_t luck = hanami::random_below(1000, seed_, 200 + k, number);
      if (luck == 0) {
        s.input[k] *= 1e6f;
      } else if (luck <= 10 || (some_dead && k == regime_.dead)) {
        s.input[k] = std::numeric_limits<float>::quiet_NaN();
      } else {
        continue;
      }
      s.clean = false;
    }
  }

  std::uint64_t seed_;
  std::uint64_t length_;
  regime regime_;
};

hanami::cluster make_cluster(const endless_options& o, hanami::output_kind kind) {
  hanami::cluster_settings settings;
  settings.enable_pruning = true;
  settings.max_bricks = 2;
  settings.memory_limit = o.memory * 1024;
  return hanami::cluster(hanami::one_hexagon(sensors,
                                             kind == hanami::output_kind::softmax ? classes : 1,
                                             kind, settings),
                         {.seed = o.seed});
}

/// One stretch of the stream.
struct stretch {
  double error = 0; ///< mean, of clean samples
  double fresh = 0; ///< of a cluster that began with the regime
  double nanoseconds = 0;
  double bytes = 0;
  double steps = 0;
  double drifts = 0; ///< noticed so far
};

struct course {
  std::string name;
  std::vector<stretch> stretches; ///< ten to a regime; the first one of a regime is its begin
};

/// A cluster that is asked before it learns.
class judged_cluster {
 public:
  judged_cluster(const endless_options& o, hanami::output_kind kind)
      : kind_(kind), cluster_(make_cluster(o, kind)) {}

  void judge(const drawn_sample& s) {
    const auto answer = cluster_.infer(s.input, activity_);
    const auto best = std::max_element(answer.begin(), answer.end()) - answer.begin();
    error_ += kind_ == hanami::output_kind::softmax
                  ? (static_cast<std::size_t>(best) == s.label ? 0.0 : 1.0)
                  : static_cast<double>(std::abs(answer[0] - s.value));
    ++asked_;
  }

  void learn(const drawn_sample& s) {
    cluster_.train(s.input, kind_ == hanami::output_kind::softmax
                                ? std::span<const float>(s.one_of)
                                : std::span<const float>(&s.value, 1));
  }

  /// Mean error since the last call.
  double take_error() {
    const double mean = error_ / static_cast<double>(std::max<std::uint64_t>(1, asked_));
    error_ = 0;
    asked_ = 0;
    return mean;
  }

  hanami::cluster_statistics statistics() const { return cluster_.statistics(); }

 private:
  hanami::output_kind kind_;
  hanami::cluster cluster_;
  hanami::workspace<float> activity_;
  double error_ = 0;
  std::uint64_t asked_ = 0;
};

course follow(const endless_options& o, hanami::output_kind kind) {
  constexpr std::uint64_t judged = 8;
  constexpr std::size_t parts = 10;
  const auto length = static_cast<std::uint64_t>(o.samples) / o.regimes / parts * parts;
  drifting_stream stream(o, length);
  judged_cluster lasting(o, kind);
  judged_cluster fresh(o, kind);
  course found{kind == hanami::output_kind::softmax ? "classes" : "values", {}};
  std::vector<drawn_sample> block(1000);
  for (std::uint64_t number = 0; number < length * o.regimes;) {
    if (number % length == 0) {
      fresh = judged_cluster(o, kind);
    }
    stretch part;
    double seconds = 0;
    for (const std::uint64_t end = number + length / parts; number < end;) {
      const std::size_t count = std::min<std::uint64_t>(block.size(), end - number);
      for (std::size_t i = 0; i < count; ++i) {
        stream.next(number + i, block[i]);
      }
      const double begin = support::thread_seconds();
      for (std::size_t i = 0; i < count; ++i) {
        if (i % judged == 0 && block[i].clean) {
          lasting.judge(block[i]);
        }
        lasting.learn(block[i]);
      }
      seconds += support::thread_seconds() - begin;
      for (std::size_t i = 0; i < count; ++i) {
        if (i % judged == 0 && block[i].clean) {
          fresh.judge(block[i]);
        }
        fresh.learn(block[i]);
      }
      number += count;
    }
    const auto now = lasting.statistics();
    part.error = lasting.take_error();
    part.fresh = fresh.take_error();
    part.nanoseconds = 1e9 * seconds / static_cast<double>(length / parts);
    part.bytes = static_cast<double>(now.bytes);
    part.steps = static_cast<double>(now.steps);
    part.drifts = static_cast<double>(now.drifts);
    found.stretches.push_back(part);
    support::say(support::formatted("%s %.0f %%", found.name.c_str(),
                                    100.0 * static_cast<double>(number) /
                                        static_cast<double>(length * o.regimes)));
  }
  support::say("");
  return found;
}

support::table table_of(const course& c, std::size_t regimes) {
  support::table t(c.name, c.name + ", regime by regime",
                   {{"regime", "regime", 0},
                    {"error in its first tenth", "first", 4},
                    {"of a new cluster", "fresh_first", 4},
                    {"in its last", "last", 4},
                    {"of the new cluster", "fresh_last", 4},
                    {"ns a sample", "nanoseconds", 0},
                    {"bytes", "bytes", 0},
                    {"steps", "steps", 0},
                    {"drifts noticed", "drifts", 0}});
  const std::size_t parts = c.stretches.size() / regimes;
  for (std::size_t r = 0; r < regimes; ++r) {
    const stretch& first = c.stretches[r * parts];
    const stretch& last = c.stretches[(r + 1) * parts - 1];
    t.add({static_cast<double>(r + 1), first.error, first.fresh, last.error, last.fresh,
           last.nanoseconds, last.bytes, last.steps, last.drifts});
  }
  return t;
}

/// What must hold in the end, one line a course.
support::table summary_of(const std::vector<course>& courses, std::size_t regimes) {
  support::table t("summary", "In all (errors: geometric mean over the regimes after the first)",
                   {{"", "course", 0},
                    {"error / new cluster's, first tenth", "first", 3},
                    {"last tenth", "last", 3},
                    {"last regime's time / first's", "time", 3},
                    {"its memory / first's", "memory", 3}});
  for (const course& c : courses) {
    const std::size_t parts = c.stretches.size() / regimes;
    double first = 0;
    double last = 0;
    for (std::size_t r = 1; r < regimes; ++r) {
      const stretch& begin = c.stretches[r * parts];
      const stretch& end = c.stretches[(r + 1) * parts - 1];
      first += std::log(begin.error / begin.fresh) / static_cast<double>(regimes - 1);
      last += std::log(end.error / end.fresh) / static_cast<double>(regimes - 1);
    }
    const stretch& early = c.stretches[parts - 1];
    const stretch& late = c.stretches.back();
    t.add({c.name, std::exp(first), std::exp(last), late.nanoseconds / early.nanoseconds,
           late.bytes / early.bytes});
  }
  return t;
}

std::string plot_of(const course& c, double samples, const std::string& title,
                    const std::string& colour, double stretch::*value) {
  hanami::line_plot p;
  p.title = title;
  p.colour = colour;
  const auto count = static_cast<double>(c.stretches.size());
  for (std::size_t i = 0; i < c.stretches.size(); ++i) {
    p.x.push_back(samples * static_cast<double>(i + 1) / count);
    p.y.push_back(c.stretches[i].*value);
  }
  return hanami::to_svg(p);
}

void write_report(const endless_options& o, const std::vector<course>& courses) {
  hanami::html_report page(
      "A stream without an end",
      support::formatted("%.0f samples of 8 sensors in %zu regimes", o.samples, o.regimes));
  for (const course& c : courses) {
    page.card(c.name, "error before learning, of clean samples",
              plot_of(c, o.samples, "of the cluster", "var(--accent)", &stretch::error) +
                  plot_of(c, o.samples, "of one that began with the regime", "var(--leaf)",
                          &stretch::fresh));
    page.card(c.name, "what it costs",
              plot_of(c, o.samples, "bytes", "var(--sky)", &stretch::bytes) +
                  plot_of(c, o.samples, "ns a sample", "var(--bark)", &stretch::nanoseconds));
  }
  page.write(o.report);
}

int run(const endless_options& o) {
  std::vector<course> courses;
  std::vector<support::table> tables;
  for (const auto kind : {hanami::output_kind::softmax, hanami::output_kind::linear}) {
    courses.push_back(follow(o, kind));
    tables.push_back(table_of(courses.back(), o.regimes));
  }
  tables.push_back(summary_of(courses, o.regimes));
  support::print_report({{"samples", o.samples}, {"instruction_set", hanami::instruction_set()}},
                        tables, o.json);
  if (!o.report.empty()) {
    write_report(o, courses);
  }
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  CLI::App app(
      "An endless stream of 8 sensors in raw units: ranges, offsets and relations change with "
      "every\n"
      "regime (every fourth one is an old one that comes back), one value in 1,000 is a million\n"
      "times too large, one in 100 is missing, and one sensor is dead for a third of each regime.\n"
      "One cluster tells classes, one forecasts a value; both answer before they learn.",
      "endless");
  endless_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
