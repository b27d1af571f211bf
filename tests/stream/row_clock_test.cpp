// SPDX-License-Identifier: Apache-2.0
#include <hanami/stream/time/row_clock.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/archive.hpp>

using namespace hanami;

namespace {

constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

/// Times of rows, and what a clock makes of them.
struct stream {
  std::vector<double> times;
  double now = 1.7e9;
  std::uint64_t drawn = 0;

  /// So many rows, each so long after the one before: `step` is called with the row's number.
  template <class Step>
  stream& rows(int count, Step step) {
    for (int i = 0; i < count; ++i) {
      now += step(i);
      times.push_back(now);
    }
    return *this;
  }
  stream& every(double seconds, int count) {
    return rows(count, [&](int) { return seconds; });
  }
  stream& pause(double seconds) {
    now += seconds;
    return *this;
  }
  /// From 0 to below 1.
  double draw() { return 0.5 + 0.5 * static_cast<double>(random_signed_unit(7, 3, ++drawn)); }
  double exponential(double mean) { return -mean * std::log(1 - draw()); }
};

struct measured {
  std::uint64_t missing = 0;
  std::uint32_t changes = 0;
  double step = 0;
};

measured measure(const std::vector<double>& times, row_clock clock = {}) {
  measured found;
  for (const double time : times) {
    found.missing += clock.missing_before(time);
    found.changes += clock.changed() ? 1U : 0U;
    REQUIRE(clock.taken_back() <= found.missing);
    found.missing -= clock.taken_back();
  }
  found.step = clock.step();
  return found;
}

} // namespace

TEST_CASE("the first nine steps tell the step, and then missing rows are counted", "[stream]") {
  row_clock clock;
  CHECK(clock.step() == 0);
  for (int row = 0; row < 20; ++row) {
    CHECK(clock.missing_before(60.0 * row + (row % 2)) == 0);
    CHECK(clock.settled() == (row >= 9));
  }
  CHECK(clock.step() == Approx(60).margin(1));
  CHECK(clock.missing_before(60.0 * 20) == 0);
  CHECK(clock.missing_before(60.0 * 25) == 4);
  CHECK(clock.missing_before(60.0 * 25) == 0);
  CHECK(clock.missing_before(60.0 * 10) == 0);
  CHECK(clock.missing_before(unknown) == 0);
  CHECK(clock.missing_before(60.0 * 30, 5) == 5);
  CHECK(step_of(std::vector<double>{0, 10, 20, 31}) == 10);
  CHECK(step_of({}) == 0);
}

TEST_CASE("a regular stream misses what it lost, however its times vary", "[stream]") {
  CHECK(measure(stream().every(60, 1000).times).missing == 0);
  for (const double jitter : {0.05, 0.3}) {
    stream jittered;
    for (int i = 0; i < 1000; ++i) {
      if (i < 500 || i >= 520) {
        jittered.times.push_back(1e9 + 60 * (i + jitter * (jittered.draw() - 0.5)));
      }
    }
    const measured found = measure(jittered.times);
    CHECK(found.missing == 20);
    CHECK(found.step == Approx(60).epsilon(0.05));
  }
  for (const double lost : {0.1, 0.3}) {
    stream lossy;
    std::uint64_t gone = 0;
    lossy.rows(1000, [&](int i) {
      double gap = 60;
      for (; lossy.draw() < lost; gap += 60) {
        gone += i > 9 ? 1U : 0U;
      }
      return gap;
    });
    const measured found = measure(lossy.times);
    CHECK(found.missing == gone);
    CHECK(found.step == 60);
  }
}

TEST_CASE("days without a row are missing rows of a stream that is regular", "[stream]") {
  CHECK(measure(stream().every(300, 700).pause(4 * 86400.0).every(300, 700).times).missing == 1152);
  // also soon after the beginning, but not again and again
  CHECK(measure(stream().every(60, 30).pause(86400).every(60, 30).times).missing == 1440);
  stream sessions;
  for (int i = 0; i < 20; ++i) {
    sessions.every(60, 30).pause(86400);
  }
  CHECK(measure(sessions.times).missing == 0);
  const auto nights = [](int i) { return i % 8 == 0 ? 17 * 3600.0 : 3600.0; };
  CHECK(measure(stream().rows(801, nights).times).missing == 99 * 16);
}

TEST_CASE("a step that changes for good is followed, and no row is missing for that", "[stream]") {
  struct kind {
    double from, to;
  };
  for (const auto& [from, to] : {kind{10, 60}, kind{10, 600}, kind{60, 10}, kind{1, 3600},
                                 kind{3600, 1}, kind{60, 100}, kind{300, 100}}) {
    INFO(from << " to " << to);
    const measured found = measure(stream().every(from, 300).every(to, 300).times);
    CHECK(found.missing == 0);
    CHECK(found.changes == 1);
    CHECK(found.step == to);
    // and what is lost at the new one is counted by it
    stream gap = stream().every(from, 300).every(to, 300).pause(9 * to).every(to, 10);
    CHECK(measure(gap.times).missing == 9);
    CHECK(measure(stream().every(from, 30).every(to, 1500).times).missing == 0);
  }
  const measured back = measure(stream().every(10, 300).every(60, 300).every(10, 300).times);
  CHECK(back.missing == 0);
  CHECK(back.changes == 2);
}

TEST_CASE("a few rows at another step are no change", "[stream]") {
  const measured slow = measure(stream().every(10, 300).every(30, 5).every(10, 300).times);
  CHECK(slow.changes == 0);
  CHECK(slow.missing == 10);
  const measured fast = measure(stream().every(10, 300).every(1, 5).every(10, 300).times);
  CHECK(fast.changes == 0);
  CHECK(fast.missing == 0);
}

TEST_CASE("where rows come when something happens none is missing", "[stream]") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    INFO(seed);
    stream chance;
    chance.drawn = seed << 32;
    chance.rows(20000, [&](int) { return chance.exponential(60); });
    CHECK(measure(chance.times).missing < 20); // a few dozen may look regular by chance
    stream bursts;
    bursts.drawn = seed << 32;
    const auto event = [&](int) {
      return bursts.draw() < 0.8 ? std::floor(3 * bursts.draw()) : 60 + 540 * bursts.draw();
    };
    bursts.rows(2000, event).pause(4 * 86400.0).rows(2000, event);
    const measured found = measure(bursts.times);
    CHECK(found.missing == 0);
    CHECK(found.step == 0);
  }
}

TEST_CASE("rows that come several at once have a step, and only whole groups are missing",
          "[stream]") {
  const auto twice = [](int i) { return i % 2 == 0 ? 60.0 : 0.0; };
  const measured pairs = measure(stream().rows(1000, twice).times);
  CHECK(pairs.missing == 0);
  CHECK(pairs.step == 30);
  CHECK(measure(stream().rows(1000, twice).pause(600).rows(1000, twice).times).missing == 20);
  const auto gathered = [](int i) { return i % 10 == 0 ? 59.91 : 0.01; };
  const measured tens = measure(stream().rows(3000, gathered).times);
  CHECK(tens.missing == 0);
  CHECK(tens.step == Approx(6));
  const auto session = [](int i) { return i % 100 == 0 ? 3600.0 : 1.0; };
  CHECK(measure(stream().rows(3000, session).times).missing == 0);
  const auto sensors = [](int i) { return i % 3 == 0 ? 57.5 : i % 3 == 1 ? 1.0 : 1.5; };
  const measured three = measure(stream().rows(1000, sensors).times);
  CHECK(three.missing == 0);
  CHECK(three.step == Approx(20));
}

TEST_CASE("clocks that jump, start at 1970, stand still or run backwards lose no rows",
          "[stream]") {
  stream set;
  set.now = 0;
  set.every(60, 30);
  set.now = 1.7e9;
  CHECK(measure(set.every(60, 1000).times).missing == 0);
  CHECK(measure(set.pause(600).every(60, 30).times).missing == 10);
  stream uptime;
  for (int life = 0; life < 20; ++life) {
    uptime.now = 5;
    uptime.every(60, 25);
  }
  CHECK(measure(uptime.times).missing == 0);
  CHECK(measure(stream().every(60, 300).pause(-3600).every(60, 300).times).missing == 0);
  CHECK(measure(stream().every(-60, 100).times).missing == 0);
  const measured still = measure(stream().every(0, 1000).times);
  CHECK(still.missing == 0);
  CHECK(still.step == 0);
}

TEST_CASE("a row whose time is not known is there all the same", "[stream]") {
  stream half;
  for (int i = 0; i < 200; ++i) {
    half.times.push_back(i % 2 == 0 ? 60.0 * i : unknown);
  }
  const measured found = measure(half.times);
  CHECK(found.missing == 0);
  CHECK(found.step == 60);
  const std::vector<double> gap{0, 60, 120, 180, 240, 300, 360, 420, 480, 540, unknown, 1200};
  CHECK(measure(gap).missing == 9);
  CHECK(measure(std::vector<double>(100, unknown)).step == 0);
}

TEST_CASE("a step that is given holds from the first row on", "[stream]") {
  row_clock clock(60);
  CHECK(clock.settled());
  CHECK(clock.missing_before(0) == 0);
  CHECK(clock.missing_before(300) == 4);
  for (int i = 1; i < 100; ++i) {
    CHECK(clock.missing_before(300 + 10.0 * i) == 0);
  }
  CHECK(clock.step() == 60);
}

TEST_CASE("a new recording begins behind another one without missing rows", "[stream]") {
  row_clock clock;
  for (int i = 0; i < 100; ++i) {
    clock.missing_before(60.0 * i);
  }
  clock.begin_again();
  CHECK(clock.missing_before(60.0 * 200) == 0);
  CHECK(clock.missing_before(60.0 * 203) == 2);
}

TEST_CASE("a saved clock goes on exactly, and a made-up one is refused", "[stream]") {
  stream mixed;
  mixed.every(10, 40).every(60, 30).rows(100, [](int i) { return i % 2 == 0 ? 60.0 : 0.0; });
  for (std::size_t saved = 0; saved < mixed.times.size(); saved += 7) {
    row_clock clock;
    for (std::size_t i = 0; i < saved; ++i) {
      clock.missing_before(mixed.times[i]);
    }
    archive_writer writer;
    writer(clock);
    row_clock again;
    archive_reader(writer.bytes())(again);
    for (std::size_t i = saved; i < mixed.times.size(); ++i) {
      REQUIRE(again.missing_before(mixed.times[i]) == clock.missing_before(mixed.times[i]));
      REQUIRE(again.changed() == clock.changed());
      REQUIRE(again.taken_back() == clock.taken_back());
      REQUIRE(again.step() == clock.step());
    }
  }
  archive_writer writer;
  writer(row_clock(60));
  auto bytes = writer.bytes();
  bytes[9] = std::byte{0xff}; // a negative period
  row_clock clock;
  CHECK_THROWS_AS(archive_reader(bytes)(clock), error);
}
