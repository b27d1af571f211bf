// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/anomaly.hpp>
#include <hanami/stream/forecaster.hpp>
#include <hanami/stream/row_forecaster.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/archive.hpp>

using namespace hanami;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

double noise(std::uint64_t what, std::uint64_t row) {
  return static_cast<double>(random_signed_unit(what, 1, row));
}

/// A day of 24 rows, bent, with some noise.
double value_at(std::uint64_t row) {
  const double day = 2 * std::numbers::pi * static_cast<double>(row % 24) / 24;
  return 50 + 10 * std::sin(day) + 3 * std::abs(std::cos(2 * day)) + noise(1, row);
}

forecast_options daily() {
  forecast_options options;
  options.horizons = {1, 24};
  options.history.season = 24;
  options.neurons = 32;
  return options;
}

void feed(forecaster& to, std::uint64_t first, std::uint64_t last, double unit = 1) {
  for (std::uint64_t row = first; row < last; ++row) {
    const double value = unit * value_at(row);
    to.observe({&value, 1}, 3600.0 * static_cast<double>(row));
  }
}

/// Mean absolute error one row ahead over the rows, each scored before it is
/// learned.
template <class Forecaster>
double error_over(Forecaster& of, std::uint64_t first, std::uint64_t last) {
  double sum = 0;
  for (std::uint64_t row = first; row < last; ++row) {
    sum += std::abs(of.predict(0).value - value_at(row));
    const double value = value_at(row);
    of.observe(std::span(&value, 1));
  }
  return sum / static_cast<double>(last - first);
}

template <class T>
std::vector<std::byte> bytes_of(const T& value) {
  archive_writer writer;
  writer(value);
  return writer.bytes();
}

template <class T>
void restore(T& value, std::span<const std::byte> bytes) {
  archive_reader reader(bytes);
  reader(value);
  REQUIRE(reader.at_end());
}

} // namespace

TEST_CASE("a forecaster learns the shape of a day", "[stream]") {
  forecaster f(1, daily());
  feed(f, 0, 1500);
  double same = 0;
  for (std::uint64_t row = 1500; row < 2000; ++row) {
    same += std::abs(value_at(row) - value_at(row - 1)) / 500;
  }
  CHECK(error_over(f, 1500, 2000) < 0.6 * same); // the noise alone is 0.5, "no change" 1.9
}

TEST_CASE("forecasts scale with the column", "[stream]") {
  forecaster small(1, daily());
  forecaster large(1, daily());
  feed(small, 0, 600);
  feed(large, 0, 600, 4096);
  for (std::size_t h = 0; h < 2; ++h) {
    CHECK(large.predict(0, h).value == Approx(4096 * small.predict(0, h).value));
    CHECK(large.predict(0, h).low == Approx(4096 * small.predict(0, h).low));
  }
}

TEST_CASE("four truths in five lie in the interval", "[stream]") {
  forecaster f(1, daily());
  feed(f, 0, 1000);
  double inside = 0;
  for (std::uint64_t row = 1000; row < 3000; ++row) {
    const forecast said = f.predict(0);
    REQUIRE(said.low <= said.value);
    REQUIRE(said.value <= said.high);
    inside += value_at(row) >= said.low && value_at(row) <= said.high ? 1.0 / 2000 : 0;
    feed(f, row, row + 1);
  }
  CHECK(inside == Approx(0.8).margin(0.04));
}

TEST_CASE("so they do at every hour, however errors differ by the hour", "[stream]") {
  forecaster f(1, daily());
  std::array<double, 4> inside{};
  for (std::uint64_t row = 0; row < 9000; ++row) {
    const double day = std::sin(2 * std::numbers::pi * static_cast<double>(row % 24) / 24);
    const double value = 20 + (1.2 + day) * noise(3, row);
    const forecast said = f.predict(0);
    const bool within = row >= 3000 && value >= said.low && value <= said.high;
    inside[row % 24 / 6] += within ? 1.0 / 1500 : 0;
    f.observe({&value, 1});
  }
  for (const double share : inside) {
    CHECK(share > 0.76);
    CHECK(share < 0.84);
  }
}

TEST_CASE("a column that follows another one is foreseen from there", "[stream]") {
  constexpr std::size_t columns = 20; // more than are looked at at a time
  const auto error = [&](bool related) {
    forecast_options options;
    options.networks = false;
    forecaster f(columns, options);
    std::array<double, columns> row{};
    double before = 0;
    double sum = 0;
    for (std::uint64_t t = 0; t < 6000; ++t) {
      const double follows = before;
      before = row[17];
      for (std::size_t c = 0; c < columns; ++c) {
        row[c] = 0.9 * row[c] + noise(10 + c, t);
      }
      row[2] = related ? follows : row[2];
      sum += t >= 5000 ? std::abs(f.predict(2).value - row[2]) : 0;
      f.observe(row);
    }
    return sum / 1000;
  };
  CHECK(error(false) > 0.4); // the noise alone
  CHECK(error(true) < 0.1);
}

TEST_CASE("wild and missing values cost a forecaster little", "[stream]") {
  forecaster clean(1, daily());
  forecaster dirty(1, daily());
  double clean_error = 0;
  double dirty_error = 0;
  for (std::uint64_t row = 0; row < 4000; ++row) {
    const double value = value_at(row);
    const double seen = row % 97 == 50 ? 1e6 * value : row % 31 == 3 ? missing : value;
    if (row > 1000) {
      clean_error += std::abs(clean.predict(0).value - value);
      dirty_error += std::abs(dirty.predict(0).value - value);
    }
    clean.observe({&value, 1});
    dirty.observe({&seen, 1});
    REQUIRE(std::isfinite(dirty.predict(0).value));
  }
  CHECK(dirty_error < 1.15 * clean_error);
}

TEST_CASE("two wild values that agree are expected to go on, one is not", "[stream]") {
  forecaster days(1, daily());
  row_forecaster rows(1);
  for (std::uint64_t row = 0; row < 1000; ++row) {
    const double value = value_at(row);
    days.observe({&value, 1});
    rows.observe({&value, 1});
  }
  const auto observe = [&](double value) {
    days.observe({&value, 1});
    rows.observe({&value, 1});
  };
  observe(1e6);
  CHECK(std::abs(days.predict(0).value) < 1e3);
  CHECK(std::abs(rows.predict(0).value) < 1e3);
  observe(1.01e6);
  for (const forecast& next : {days.predict(0), rows.predict(0)}) {
    CHECK(next.value == Approx(1.01e6).epsilon(0.01));
    CHECK(next.low < 1e3); // neither is sure
    CHECK(next.high > 1e6);
  }
  observe(value_at(1002));
  CHECK(std::abs(days.predict(0).value) < 1e3);
  CHECK(std::abs(rows.predict(0).value) < 1e3);
}

TEST_CASE("columns may begin late, die and come back", "[stream]") {
  forecaster f(2, daily());
  for (std::uint64_t row = 0; row < 2000; ++row) {
    const bool alive = (row >= 300 && row < 800) || row >= 1300;
    const std::array<double, 2> values{value_at(row), alive ? 7 * value_at(row) : missing};
    f.observe(values);
    CHECK(std::isnan(f.predict(1).value) == (row < 300));
    CHECK(std::isfinite(f.predict(0).value));
  }
  CHECK(f.validities()[1] == validity::taken);
  CHECK(f.predict(1).value == Approx(7 * value_at(2000)).margin(25));
}

TEST_CASE("a forecaster refuses what it cannot be or take, and has then not changed", "[stream]") {
  forecast_options options;
  CHECK_THROWS_AS(forecaster(0, options), error);
  options.horizons = {24, 1};
  CHECK_THROWS_AS(forecaster(1, options), error);
  options.horizons = {};
  CHECK_THROWS_AS(forecaster(1, options), error);
  options.horizons = {1};
  options.step_size = 0;
  CHECK_THROWS_AS(forecaster(1, options), error);

  forecaster f(2);
  const auto before = bytes_of(f);
  const std::array<double, 3> three{};
  CHECK_THROWS_AS(f.observe(three), error);
  CHECK(bytes_of(f) == before);
}

TEST_CASE("a restored forecaster goes on exactly as the saved one", "[stream]") {
  forecaster f(1, daily());
  anomaly_detector detector(1);
  for (std::uint64_t row = 0; row < 700; ++row) {
    feed(f, row, row + 1);
    detector.observe(f);
  }
  forecaster again(1, daily());
  anomaly_detector detector_again(1);
  restore(again, bytes_of(f));
  restore(detector_again, bytes_of(detector));
  for (std::uint64_t row = 700; row < 900; ++row) {
    feed(f, row, row + 1);
    feed(again, row, row + 1);
    REQUIRE(again.predict(0, 1).value == f.predict(0, 1).value);
    REQUIRE(detector_again.observe(again).score == detector.observe(f).score);
  }
  CHECK(bytes_of(again) == bytes_of(f));
}

TEST_CASE("a damaged state of a forecaster is refused", "[stream]") {
  forecaster f(1, daily());
  feed(f, 0, 50);
  const auto bytes = bytes_of(f);
  for (std::size_t size = 0; size < bytes.size(); size += 1 + bytes.size() / 60) {
    forecaster other(1, daily());
    archive_reader reader{std::span(bytes).first(size)};
    CHECK_THROWS_AS(reader(other), error);
  }
  forecaster wider(2, daily());
  archive_reader reader(bytes);
  CHECK_THROWS_AS(reader(wider), error);
}

TEST_CASE("the memory of a forecaster stays what it is", "[stream]") {
  forecaster f(1, daily());
  feed(f, 0, 3000);
  const std::size_t before = f.bytes();
  feed(f, 3000, 6000);
  CHECK(f.bytes() < before + before / 4);
}

TEST_CASE("a broken day is an anomaly, and it is said what was expected", "[stream]") {
  forecaster f(2, daily());
  anomaly_detector detector(2);
  int early = 0;
  int found = 0;
  for (std::uint64_t row = 0; row < 3000; ++row) {
    const bool broken = row >= 2900 && row < 2930;
    const double second =
        broken ? 50 - 40 * std::sin(0.3 * static_cast<double>(row)) : value_at(row);
    f.observe(std::array<double, 2>{value_at(row + 6), second});
    const anomaly a = detector.observe(f);
    REQUIRE(a.score >= 0);
    if (a.alarm && broken) {
      ++found;
      CHECK(a.column == 1);
      CHECK(a.seen == second);
      CHECK(a.score > 2);
    }
    early += a.alarm && !broken ? 1 : 0;
  }
  CHECK(found >= 1);
  CHECK(early <= 8); // 1 in 30 days of 24 rows was allowed for
}

TEST_CASE("the row forecaster learns from the newest row alone", "[stream]") {
  row_forecaster f(2);
  double wrong = 0;
  double same = 0;
  double last = 0;
  for (std::uint64_t row = 0; row < 4000; ++row) {
    const double angle = 0.1 * static_cast<double>(row);
    const std::array<double, 2> values{100 * std::sin(angle), 1e-3 * std::cos(angle)};
    if (row > 2000) {
      wrong += std::abs(f.predict(0).value - values[0]);
      same += std::abs(last - values[0]);
    }
    last = values[0];
    f.observe(values);
  }
  CHECK(wrong < 0.5 * same);
}

TEST_CASE("sixteen columns are learned within 128 KiB", "[stream]") {
  row_forecaster f(16);
  std::array<double, 16> values{};
  double wrong = 0;
  double same = 0;
  for (std::uint64_t row = 0; row < 20000; ++row) {
    for (std::size_t c = 0; c < values.size(); ++c) {
      const double before = values[c];
      const double angle = 0.1 * static_cast<double>((c / 2 + 1) * row);
      const double unit = std::pow(10.0, static_cast<double>(c) - 8);
      values[c] = unit * (c % 2 == 0 ? std::sin(angle) : std::cos(angle));
      if (c == 0 && row > 10000) {
        wrong += std::abs(f.predict(0).value - values[0]);
        same += std::abs(before - values[0]);
      }
    }
    f.observe(values);
  }
  CHECK(f.bytes() < 128 * 1024);
  CHECK(wrong < 0.7 * same);
}

TEST_CASE("a restored row forecaster goes on exactly as the saved one", "[stream]") {
  row_forecaster f(1);
  error_over(f, 0, 500);
  row_forecaster again(1);
  restore(again, bytes_of(f));
  error_over(f, 500, 700);
  error_over(again, 500, 700);
  CHECK(bytes_of(again) == bytes_of(f));
}

TEST_CASE("a row forecaster holds back wild values and raises an alarm", "[stream]") {
  row_forecaster f(1);
  error_over(f, 0, 1000);
  const double wild = 1e7;
  const anomaly found = f.observe({&wild, 1});
  CHECK(found.alarm);
  CHECK(found.seen == wild);
  CHECK(found.expected == Approx(value_at(1000)).margin(8));
  CHECK(f.predict(0).value < 100);
  CHECK_THROWS_AS(f.observe({}), error);
  CHECK_THROWS_AS(row_forecaster(0), error);
}
