// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numbers>
#include <span>
#include <string>
#include <vector>

#include <hanami/foundation/random.hpp>
#include <hanami/stream/anomaly.hpp>

#include <support/report.hpp>
#include <support/sensor_files.hpp>

#include "odd_cycles.hpp"
#include "part.hpp"

namespace bench {

/// What can happen to a sensor. Sizes are in standard deviations: spikes of the column's changes
/// from row to row, all others of its values over the last 30 days.
enum class fault_kind : std::uint8_t {
  spike_3,        ///< one row, 3 deviations of the changes off
  spike_5,        ///< 5
  spike_8,        ///< 8
  level,          ///< 1 deviation off, for 2 days
  drift,          ///< up to 2 deviations off, for 3 days
  stuck,          ///< the same value, for a day
  noise,          ///< as much noise again as there are changes, threefold, for a day
  exchanged_days, ///< what was measured 3 to 30 days before, for a day
  flattened_day,  ///< a quarter of the way around the day's mean, for a day
  night_for_day,  ///< what was measured half a day before, for a day
  gain            ///< 1.5 times the way from the last 30 days' mean, for a day
};

inline constexpr std::array<const char*, 11> fault_names = {
    "spike 3", "spike 5",        "spike 8",       "level",         "drift", "stuck",
    "noise",   "exchanged days", "flattened day", "night for day", "gain"};

/// One that was put into a stream: rows `first` to before `last`.
struct injected_fault {
  fault_kind kind = fault_kind::spike_3;
  bool several = false; ///< in half of the columns; otherwise in one
  std::size_t first = 0;
  std::size_t last = 0;
};

struct faulty_stream {
  support::recording data;
  std::size_t day = 24; ///< rows
  std::vector<injected_fault> faults;
};

namespace detail {

/// Mean and standard deviation of the rows before `row`.
struct moments {
  double mean = 0;
  double deviation = 0;
  double of_changes = 0;
};

inline moments moments_before(const support::recording& of, std::size_t column, std::size_t row,
                              std::size_t rows) {
  const std::size_t first = row - std::min(row, rows);
  double sum = 0;
  double squares = 0;
  double changes = 0;
  for (std::size_t t = first + 1; t < row; ++t) {
    const double value = of.rows[t][column];
    const double change = value - of.rows[t - 1][column];
    sum += value;
    squares += value * value;
    changes += change * change;
  }
  const auto count = static_cast<double>(row - first - 1);
  const double mean = sum / count;
  return {mean, std::sqrt(std::max(0.0, squares / count - mean * mean)),
          std::sqrt(changes / count)};
}

inline std::size_t rows_of(fault_kind kind, std::size_t day) noexcept {
  switch (kind) {
  case fault_kind::spike_3:
  case fault_kind::spike_5:
  case fault_kind::spike_8:
    return 1;
  case fault_kind::level:
    return 2 * day;
  case fault_kind::drift:
    return 3 * day;
  default:
    return day;
  }
}

/// Changes rows of one column of `to`; `from` is the stream without any fault.
inline void inject(support::recording& to, const support::recording& from, std::size_t column,
                   const injected_fault& f, std::size_t day, std::uint64_t seed) {
  const moments usual = moments_before(from, column, f.first, 30 * day);
  const auto draw = [&](std::uint64_t what) {
    return static_cast<double>(hanami::random_signed_unit(seed, column, what));
  };
  const double way = draw(0) < 0 ? -1 : 1;
  const auto size = static_cast<double>(f.last - f.first);
  const auto back = static_cast<std::size_t>(3 + 27 * (draw(1) + 1) / 2) * day;
  double mean = 0;
  for (std::size_t t = f.first; t < f.last; ++t) {
    mean += from.rows[t][column] / size;
  }
  for (std::size_t t = f.first; t < f.last; ++t) {
    double& value = to.rows[t][column];
    switch (f.kind) {
    case fault_kind::spike_3:
      value += way * 3 * usual.of_changes;
      break;
    case fault_kind::spike_5:
      value += way * 5 * usual.of_changes;
      break;
    case fault_kind::spike_8:
      value += way * 8 * usual.of_changes;
      break;
    case fault_kind::level:
      value += way * usual.deviation;
      break;
    case fault_kind::drift:
      value += way * 2 * usual.deviation * static_cast<double>(t - f.first + 1) / size;
      break;
    case fault_kind::stuck:
      value = from.rows[f.first - 1][column];
      break;
    case fault_kind::noise:
      value += 3 * std::numbers::sqrt3 * usual.of_changes * draw(10 + t);
      break;
    case fault_kind::exchanged_days:
      value = from.rows[t - back][column];
      break;
    case fault_kind::flattened_day:
      value = mean + 0.25 * (value - mean);
      break;
    case fault_kind::night_for_day:
      value = from.rows[t - day / 2][column];
      break;
    case fault_kind::gain:
      value = usual.mean + 1.5 * (value - usual.mean);
      break;
    }
  }
}

} // namespace detail

/// Puts faults into a stream, one every 17 to 21 days from a quarter of it on, each kind as often
/// as the others, half of them in one column and half in several.
inline faulty_stream with_faults(const support::recording& clean, std::size_t day,
                                 std::uint64_t seed) {
  faulty_stream made{clean, day, {}};
  const std::size_t columns = clean.names.size();
  std::size_t at = std::max(clean.rows.size() / 4, 31 * day);
  for (std::uint64_t number = 0; at + 8 * day < clean.rows.size(); ++number) {
    const std::uint64_t key = hanami::random_bits(seed, 91, number);
    injected_fault f;
    f.kind = static_cast<fault_kind>((number + 5 * seed) % fault_names.size());
    f.several = columns > 1 && key % 2 == 1;
    f.first = at + key / 2 % day;
    f.last = f.first + detail::rows_of(f.kind, day);
    const std::size_t one = key / 64 % columns;
    for (std::size_t c = 0; c < columns; ++c) {
      if (c == one || (f.several && hanami::random_bits(key, 92, c) % 2 == 0)) {
        detail::inject(made.data, clean, c, f, day, f.several ? key : key + c);
      }
    }
    made.faults.push_back(f);
    at += 17 * day + key / 4096 % (4 * day);
  }
  return made;
}

/// Related sensors: two common causes, one with a day, of which each column shows its own mixture
/// in its own unit beside noise with a memory. The last column is on its own.
inline support::recording related_sensors(std::size_t columns, std::size_t rows, std::size_t day,
                                          std::uint64_t seed) {
  support::recording made;
  std::uint64_t number = 0;
  const auto normal = [&] {
    double sum = 0;
    for (int i = 0; i < 3; ++i) {
      sum += static_cast<double>(hanami::random_signed_unit(seed, 93, number++));
    }
    return sum;
  };
  std::vector<std::array<double, 5>> shape(columns);
  for (std::size_t c = 0; c < columns; ++c) {
    made.names.push_back("sensor_" + std::to_string(c));
    for (double& x : shape[c]) {
      x = normal();
    }
  }
  std::vector<double> own(columns);
  double slow = 0;
  double weather = 0;
  for (std::size_t t = 0; t < rows; ++t) {
    slow = 0.98 * slow + 0.2 * normal();
    weather = 0.9 * weather + 0.44 * normal();
    const double phase =
        2 * std::numbers::pi * static_cast<double>(t % day) / static_cast<double>(day);
    std::vector<double>& row = made.rows.emplace_back();
    for (std::size_t c = 0; c < columns; ++c) {
      const auto& s = shape[c];
      const bool alone = columns > 1 && c + 1 == columns;
      own[c] = 0.8 * own[c] + (alone ? 0.6 : 0.2) * normal();
      const double daily = 1.5 * std::sin(phase + 0.3 * s[2]) + 0.5 * std::sin(2 * phase + s[3]);
      const double common = alone ? 0 : (1 + 0.3 * s[0]) * (daily + slow) + s[1] * weather;
      row.push_back(100 * s[4] + std::pow(10.0, s[2]) * (common + own[c] + 0.1 * normal()));
    }
    made.times.push_back(1.7e9 + 86400 * static_cast<double>(t) / static_cast<double>(day));
  }
  return made;
}

/// How many faults of each kind are seen by scores (the higher, the stranger, one a row) where the
/// rows away from faults bring one false alarm in so many days.
struct faults_seen {
  std::array<double, fault_names.size()> seen{};
  std::array<double, fault_names.size()> all{};
  std::array<double, 2> seen_in{}; ///< one column, several
  std::array<double, 2> all_in{};

  void add(const faults_seen& other) noexcept {
    for (std::size_t k = 0; k < seen.size(); ++k) {
      seen[k] += other.seen[k];
      all[k] += other.all[k];
    }
    for (std::size_t k = 0; k < 2; ++k) {
      seen_in[k] += other.seen_in[k];
      all_in[k] += other.all_in[k];
    }
  }

  double share(std::size_t kind) const noexcept { return seen[kind] / std::max(1.0, all[kind]); }
  /// Of all kinds alike.
  double mean() const noexcept {
    double sum = 0;
    for (std::size_t k = 0; k < seen.size(); ++k) {
      sum += share(k);
    }
    return sum / static_cast<double>(seen.size());
  }
};

/// Alarms within a day of each other are one, and a fault is seen from its first row to half a day
/// after its last one.
inline faults_seen count_seen(const faulty_stream& of, std::span<const double> scores,
                              double days_apart = 30) {
  const std::size_t n = scores.size();
  const std::size_t start = std::max(n / 4, 31 * of.day);
  std::vector<char> busy(n);
  for (const injected_fault& f : of.faults) {
    const std::size_t end = std::min(n, f.last + 4 * of.day);
    std::fill(busy.begin() + static_cast<std::ptrdiff_t>(f.first),
              busy.begin() + static_cast<std::ptrdiff_t>(end), char{1});
  }
  std::vector<std::size_t> quiet;
  for (std::size_t t = start; t < n; ++t) {
    if (busy[t] == 0) {
      quiet.push_back(t);
    }
  }
  std::sort(quiet.begin(), quiet.end(),
            [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  const double allowed =
      static_cast<double>(quiet.size()) / static_cast<double>(of.day) / days_apart;
  std::vector<std::size_t> alarms;
  double threshold = std::numeric_limits<double>::infinity();
  for (const std::size_t t : quiet) {
    const bool fresh = std::none_of(alarms.begin(), alarms.end(), [&](std::size_t a) {
      return (a > t ? a - t : t - a) < of.day;
    });
    if (fresh) {
      alarms.push_back(t);
    }
    if (static_cast<double>(alarms.size()) > allowed) {
      break;
    }
    threshold = scores[t];
  }
  faults_seen found;
  for (const injected_fault& f : of.faults) {
    const std::size_t end = std::min(n, f.last + of.day / 2);
    const double most = *std::max_element(scores.begin() + static_cast<std::ptrdiff_t>(f.first),
                                          scores.begin() + static_cast<std::ptrdiff_t>(end));
    const double hit = most > threshold ? 1 : 0;
    const auto kind = static_cast<std::size_t>(f.kind);
    found.seen[kind] += hit;
    ++found.all[kind];
    found.seen_in[f.several ? 1 : 0] += hit;
    ++found.all_in[f.several ? 1 : 0];
  }
  return found;
}

namespace detail {

/// Scores of the defaults, each row before it is learned from.
inline std::vector<double> anomaly_scores(const support::recording& of, double step) {
  const std::size_t columns = of.names.size();
  hanami::forecaster forecaster(columns, hanami::forecast_options_for(step));
  hanami::anomaly_detector detector(
      columns, {.rows_per_day = step > 0 ? 86400 / step : hanami::anomaly_options().rows_per_day});
  std::vector<double> scores;
  for (std::size_t t = 0; t < of.rows.size(); ++t) {
    forecaster.observe(of.rows[t],
                       step > 0 ? of.times[t] : std::numeric_limits<double>::quiet_NaN());
    scores.push_back(detector.observe(forecaster).score);
  }
  return scores;
}

} // namespace detail

/// Injected faults seen at one false alarm in 30 days, and odd cycles of periodic signals.
inline void add_faults(const part_options& o, std::vector<support::table>& tables) {
  constexpr std::uint64_t seeds = 8;
  constexpr std::size_t day = 24;
  faults_seen recorded;
  faults_seen related;
  faults_seen single;
  const bool at_hand = !o.data.empty();
  const support::recording etth2 =
      at_hand ? support::read_recording(std::filesystem::path(o.data) / "ETTh2.csv.gz")
              : support::recording();
  const auto add = [](faults_seen& to, const faulty_stream& from) {
    to.add(count_seen(from, detail::anomaly_scores(from.data, 3600)));
  };
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    if (at_hand) {
      add(recorded, with_faults(etth2, day, seed));
    }
    add(related, with_faults(related_sensors(6, 10000, day, seed), day, seed));
    add(single, with_faults(related_sensors(1, 10000, day, 100 + seed), day, seed));
  }
  support::table out("faults", "injected faults seen, of 100, at one false alarm in 30 days",
                     {{"fault", "fault"},
                      {"ETTh2", "etth2", 0},
                      {"6 related sensors", "related", 0},
                      {"1 sensor", "single", 0}});
  for (std::size_t k = 0; k < fault_names.size(); ++k) {
    out.add({std::string(fault_names[k]), 100 * recorded.share(k), 100 * related.share(k),
             100 * single.share(k)});
  }
  out.add({std::string("mean"), 100 * recorded.mean(), 100 * related.mean(), 100 * single.mean()});
  tables.push_back(out);

  constexpr std::uint64_t signals = 24;
  double volume = 0;
  for (std::uint64_t seed = 1; seed <= signals; ++seed) {
    const odd_cycles made(seed, 6000);
    support::recording rows;
    rows.names = {"signal"};
    for (const double value : made.values) {
      rows.rows.push_back({value});
    }
    volume += vus_pr(detail::anomaly_scores(rows, 0), made.odd, made.cycle) /
              static_cast<double>(signals);
  }
  support::table cycles("odd_cycles", "odd cycles of 24 periodic signals without times",
                        {{"measure", "measure"}, {"mean", "mean", 3}});
  cycles.add({std::string("VUS-PR"), volume});
  tables.push_back(cycles);
}

} // namespace bench
