// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/forecast/expert_aggregation.hpp>
#include <hanami/stream/forecast/last_changes.hpp>
#include <hanami/stream/recursive_least_squares.hpp>
#include <hanami/stream/running.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/archive.hpp>

using namespace hanami;

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

double noise(std::uint64_t what, std::uint64_t number) {
  return static_cast<double>(random_signed_unit(what, 1, number));
}

/// One column, put together from the parts that say what is computed.
class one_column {
 public:
  explicit one_column(point_forecast point) : mix_(3, 0.998, point) {}

  void begin_level(double value) {
    inputs_.fill(0);
    level_.restart(value);
  }

  void add(double value, double change, double truth) {
    if (!std::isnan(truth)) {
      mix_.learn(said_, mixed_, truth);
      linear_.learn(inputs_, truth);
    }
    if (!std::isnan(change)) {
      inputs_ = {std::clamp(change, -30.0, 30.0), inputs_[0], inputs_[1], inputs_[3], inputs_[4]};
      level_.add(value);
    }
  }

  double predict(double value, double unit, double network) {
    inputs_[3] = unit > 0 ? std::clamp((value - level_.mean()) / (8 * unit), -30.0, 30.0) : 0;
    inputs_[4] = unit > 0 ? network / unit : 0;
    said_ = {0, std::clamp(linear_.predict(inputs_), -20.0, 20.0), inputs_[4]};
    mixed_ = mix_.predict(said_);
    return unit > 0 ? unit * mixed_ : 0;
  }

 private:
  recursive_least_squares linear_{5, 0.9995};
  expert_aggregation mix_;
  running_mean level_{2000};
  std::array<double, 5> inputs_{};
  std::array<double, 3> said_{};
  double mixed_ = 0;
};

/// Streams of columns with gaps, new levels, wild changes, and units that are not known yet.
struct streams {
  explicit streams(std::size_t columns)
      : value(columns), unit(columns), network(columns), change(columns), truth(columns),
        said(columns), known(columns) {}

  void next(std::uint64_t row) {
    for (std::size_t c = 0; c < value.size(); ++c) {
      const double before = value[c];
      const bool taken = noise(3 * c, row) < 0.8;
      const double wild = noise(3 * c + 1, row) > 0.99 ? 500 : 1;
      value[c] += taken ? 0.7 * last(c) + wild * noise(3 * c + 2, row) : 0;
      change[c] = taken && unit[c] > 0 ? (value[c] - before) / unit[c] : nothing;
      truth[c] = known[c] ? change[c] : nothing;
      known[c] = taken;
      unit[c] = row < 5 + c ? 0 : 0.5 + 0.1 * static_cast<double>(c);
      network[c] = 0.3 * last(c) + 0.1 * noise(100 + c, row);
    }
  }
  double last(std::size_t c) const { return std::isnan(change[c]) ? 0 : unit[c] * change[c] / 500; }

  std::vector<double> value, unit, network, change, truth, said;
  std::vector<bool> known;
};

} // namespace

TEST_CASE("columns side by side learn what each would learn alone", "[stream]") {
  for (const point_forecast point : {point_forecast::median, point_forecast::mean}) {
    constexpr std::size_t columns = 11; // a whole group, and a part of one
    streams rows(columns);
    last_changes together(point);
    together.add_columns(3);
    together.add_columns(columns - 3);
    std::vector<one_column> alone(columns, one_column(point));
    double farthest = 0;
    for (std::uint64_t row = 0; row < 6000; ++row) {
      rows.next(row);
      if (row % 700 == 699) {
        const std::size_t c = row / 700 % columns;
        rows.value[c] += 1000;
        rows.change[c] = rows.truth[c] = nothing;
        if (row % 1400 == 699) {
          together.begin_level(c, rows.value[c]);
        } else {
          together.begin_anew(c, rows.value[c]);
          alone[c] = one_column(point);
        }
        alone[c].begin_level(rows.value[c]);
      }
      together.add(rows.value, rows.change, rows.truth);
      together.predict(rows.value, rows.unit, rows.network, rows.said);
      for (std::size_t c = 0; c < columns; ++c) {
        alone[c].add(rows.value[c], rows.change[c], rows.truth[c]);
        const double said = alone[c].predict(rows.value[c], rows.unit[c], rows.network[c]);
        farthest = std::max(farthest, std::abs(said - rows.said[c]));
      }
    }
    CHECK(farthest < 1e-6);
  }
}

TEST_CASE("a column of last changes that stands still keeps its weights", "[stream]") {
  last_changes changes;
  changes.add_columns(1);
  std::vector<double> value{0};
  std::vector<double> said{0};
  double before = 0;
  const std::vector<double> unit{1};
  const std::vector<double> network{0};
  const auto step = [&](double change) {
    value[0] += change;
    const std::vector<double> moved{change};
    changes.add(value, moved, moved);
    changes.predict(value, unit, network, said);
    before = change;
  };
  const auto alternate = [&](std::uint64_t rows) { // what comes next is the opposite
    double wrong = 0;
    for (std::uint64_t t = 0; t < rows; ++t) {
      const double next = -0.9 * before + 0.1 * noise(1, t);
      wrong += std::abs(next - said[0]);
      step(next);
    }
    return wrong / static_cast<double>(rows);
  };
  step(1);
  alternate(500);
  CHECK(alternate(500) < 0.08);
  for (int t = 0; t < 100000; ++t) { // nothing excites the matrix
    step(0);
  }
  CHECK(said[0] == Approx(0).margin(0.05));
  step(1);
  alternate(200);
  CHECK(alternate(500) < 0.08);
}

TEST_CASE("last changes go on from an archive as if nothing had been", "[stream]") {
  streams rows(9);
  last_changes first;
  first.add_columns(9);
  for (std::uint64_t row = 0; row < 300; ++row) {
    rows.next(row);
    first.add(rows.value, rows.change, rows.truth);
    first.predict(rows.value, rows.unit, rows.network, rows.said);
  }
  archive_writer writer;
  writer(first);
  last_changes second;
  second.add_columns(9);
  archive_reader reader(writer.bytes());
  reader(second);
  rows.next(300);
  std::vector<double> said(9);
  first.add(rows.value, rows.change, rows.truth);
  second.add(rows.value, rows.change, rows.truth);
  first.predict(rows.value, rows.unit, rows.network, rows.said);
  second.predict(rows.value, rows.unit, rows.network, said);
  CHECK(said == rows.said);

  last_changes other;
  other.add_columns(8);
  archive_reader again(writer.bytes());
  CHECK_THROWS(again(other));
}
