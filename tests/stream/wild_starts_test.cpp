// SPDX-License-Identifier: Apache-2.0
// What a sensor reports before it measures: forecasts, intervals and anomaly scores forget it soon.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/stream/stream_model.hpp>

using namespace hanami;

namespace {

constexpr double missing = std::numeric_limits<double>::quiet_NaN();

double noise(std::uint64_t what, std::uint64_t row) {
  return static_cast<double>(random_signed_unit(what, 1, row));
}

enum class kind : std::uint8_t { wave, level, quantised };

double value_at(kind of, std::uint64_t row) {
  const double wave = std::sin(2 * std::numbers::pi * static_cast<double>(row) / 24);
  switch (of) {
  case kind::wave:
    return 50 + 10 * wave + noise(1, row);
  case kind::level:
    return 20 + 0.3 * noise(2, row);
  default:
    return std::round(10 * (20 + 0.2 * wave + 0.1 * noise(3, row))) / 10;
  }
}

std::vector<double> junk(std::size_t count) {
  std::vector<double> made;
  for (std::uint64_t i = 0; i < count; ++i) {
    made.push_back(1e6 * noise(4, i));
  }
  return made;
}

struct quality {
  double covered = 0; ///< share of the values inside their interval
  double error = 0;   ///< mean absolute error
  double width = 0;   ///< mean width of the interval
  double score = 0;
};

/// Over the 400 rows from the 50th behind the wild ones on; the column begins at row `from`.
quality after(const std::vector<double>& wild, kind of, std::uint32_t window, std::uint64_t from) {
  stream_options options;
  options.window = window;
  options.step = 1;
  stream_model model(2, options);
  quality found;
  const std::uint64_t first = from + wild.size() + 50;
  for (std::uint64_t row = 0; row < first + 400; ++row) {
    const std::uint64_t place = row - from;
    const double truth = value_at(of, row);
    const double seen = row < from ? missing : place < wild.size() ? wild[place] : truth;
    const forecast said = model.predict(1);
    const anomaly& how = model.observe({value_at(kind::wave, row + 7), seen}).anomaly;
    if (row >= first) {
      found.covered += (truth >= said.low - 1e-9 && truth <= said.high + 1e-9 ? 1 : 0) / 400.0;
      found.error += std::abs(said.value - truth) / 400;
      found.width += (said.high - said.low) / 400;
      found.score += how.score / 400;
    }
  }
  return found;
}

void check_start(const std::vector<double>& wild, kind of, std::uint32_t window,
                 std::uint64_t from) {
  const quality clean = after({}, of, window, from);
  const quality found = after(wild, of, window, from);
  INFO("window " << window << ", kind " << static_cast<int>(of) << ", from " << from << ": "
                 << (wild.empty() ? 0 : wild[0]) << " and " << wild.size() << " rows");
  CHECK(found.covered > 0.7);
  CHECK(found.covered < 0.92);
  CHECK(found.error < 1.2 * clean.error);
  CHECK(found.width < 1.3 * clean.width);
  CHECK(found.score < 1.5 + clean.score);
}

} // namespace

TEST_CASE("a wild beginning gives way within 50 rows", "[stream]") {
  const std::vector<std::vector<double>> starts = {
      {65535},         {-1e38}, {1e9, 2e9, -3e9, 1e9}, {-127, -127, -127}, {85, 85, 85.5},
      {65535, 0, 1e9}, junk(12)};
  for (const std::uint32_t window : {12U, 0U}) {
    for (const auto& wild : starts) {
      check_start(wild, kind::level, window, 0);
    }
    for (const kind of : {kind::wave, kind::quantised}) {
      check_start({65535}, of, window, 0);
      check_start(junk(5), of, window, 0);
    }
  }
}

TEST_CASE("a level that was none does so, too, and a glitch that comes again", "[stream]") {
  for (const std::uint32_t window : {12U, 0U}) {
    check_start(std::vector<double>(30, 0.0), kind::level, window, 0);
    check_start({85, 20.1, 19.9, 20.2, 85, 20.0}, kind::level, window, 0);
  }
}

TEST_CASE("a column that begins late may begin wildly", "[stream]") {
  for (const std::uint32_t window : {12U, 0U}) {
    check_start({65535}, kind::level, window, 600);
    check_start({1e9, 1e9, 1e9}, kind::level, window, 600);
  }
}

TEST_CASE("a column restarts once its first values turn out to be wild", "[stream]") {
  column_guard guard;
  guard.judge(65535);
  int restarts = 0;
  for (std::uint64_t row = 0; row < 500; ++row) {
    restarts += guard.judge(value_at(kind::level, row)) == validity::restart ? 1 : 0;
  }
  CHECK(restarts == 1);
  CHECK(guard.change_scale() < 0.5);
}

TEST_CASE("what streams usually begin with is no reason to restart", "[stream]") {
  const auto restarts = [](auto next) {
    column_guard guard;
    int count = 0;
    for (std::uint64_t row = 0; row < 2000; ++row) {
      count += guard.judge(static_cast<double>(next(row))) == validity::restart ? 1 : 0;
    }
    return count;
  };
  double level = 0;
  CHECK(restarts([&](std::uint64_t row) { return level += noise(5, row); }) == 0);
  CHECK(restarts([](std::uint64_t row) { return static_cast<double>(row); }) == 0);
  CHECK(restarts([](std::uint64_t row) { return std::exp(0.01 * static_cast<double>(row)); }) == 0);
  CHECK(restarts([](std::uint64_t row) { return row / 20 % 2 == 0 ? 0.0 : 1.0; }) == 0);
  CHECK(restarts([](std::uint64_t row) {
          return random_unit(6, 1, row) < 0.1f ? -std::log(1 - random_unit(6, 2, row)) : 0.0f;
        }) == 0);
}
