// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cstdint>
#include <string>

#include <hanami/service/engine/live/pulse_board.hpp>

/// Histories of what went on.

using namespace hanami::service::engine;
using detail::pulse_board;
using detail::pulse_history;

namespace {

constexpr std::int64_t start = 1'700'000'000 - 1'700'000'000 % 86'400;

pulse_point point(std::int64_t at, double trained, double loss) {
  pulse_point p;
  p.at = at;
  p.seconds = 1;
  p.trained = trained;
  p.losses = trained;
  p.loss_sum = loss * trained;
  p.loss_least = p.loss_most = loss;
  p.neurons = 64;
  return p;
}

} // namespace

TEST_CASE("a history has seconds, minutes, hours and days, and nothing where nothing was",
          "[service]") {
  pulse_history history;
  for (std::int64_t second = 0; second < 7200; second += 2) { // every other second
    history.add(point(start + second, 10, second < 3600 ? 1.0 : 3.0));
  }
  const std::int64_t now = start + 7200;
  const auto seconds = history.read(pulse_span::seconds, now, 365);
  REQUIRE(seconds.size() == 60);
  CHECK(seconds.front().at == now - 60);
  CHECK(seconds.front().trained == 10);
  CHECK(seconds[1].trained == 0);
  CHECK(seconds[1].seconds == 1);
  const auto minutes = history.read(pulse_span::minutes, now - 1, 365);
  REQUIRE(minutes.size() == 60);
  CHECK(minutes.back().trained == 300);
  CHECK(minutes.back().seconds == 60);
  const auto hours = history.read(pulse_span::hours, now - 1, 365);
  REQUIRE(hours.size() == 2);
  CHECK(hours[0].trained == 18'000);
  CHECK(hours[0].loss_sum / hours[0].losses == Approx(1));
  CHECK(hours[1].loss_sum / hours[1].losses == Approx(3));
  const auto days = history.read(pulse_span::days, now - 1, 365);
  REQUIRE(days.size() == 1);
  CHECK(days[0].trained == 36'000);
  CHECK(days[0].loss_least == 1);
  CHECK(days[0].loss_most == 3);
  CHECK(history.read(pulse_span::seconds, now + 3600, 365).at(30).trained == 0); // it rested
}

TEST_CASE("a history is thinned to the points asked for, and loses no sample by that",
          "[service]") {
  pulse_history history;
  for (std::int64_t second = 0; second < 60; ++second) {
    history.add(point(start + second, 1, static_cast<double>(second)));
  }
  for (const std::size_t most : {1UL, 7UL, 20UL, 59UL, 60UL, 365UL}) {
    const auto points = history.read(pulse_span::seconds, start + 60, most);
    INFO(most);
    CHECK(points.size() <= most);
    double trained = 0;
    std::int64_t length = 0;
    for (const pulse_point& p : points) {
      trained += p.trained;
      length += p.seconds;
      CHECK(p.loss_least <= p.loss_sum / p.losses);
      CHECK(p.loss_most >= p.loss_sum / p.losses);
    }
    CHECK(trained == 60);
    CHECK(length == 60);
  }
  CHECK(history.read(pulse_span::seconds, start + 60, 1).at(0).loss_most == 59);
}

TEST_CASE("an empty history has no points", "[service]") {
  CHECK(pulse_history().read(pulse_span::days, start, 10).empty());
}

TEST_CASE("histories are kept of those that were busy last", "[service]") {
  pulse_board board(3);
  for (int i = 0; i < 5; ++i) {
    board.add(std::to_string(i), i % 2 == 0 ? "anna" : "bert", point(start + i, 1, 1));
  }
  const auto there = [&](int i) {
    return !board.read(std::to_string(i), pulse_span::days, start + 10, 10).empty();
  };
  CHECK_FALSE(there(0));
  CHECK_FALSE(there(1));
  CHECK(there(2));
  CHECK(board.busy_of("anna", start, 10).size() == 2);
  CHECK(board.busy_of("anna", start + 3, 10).size() == 1);
  CHECK(board.busy_of("anna", start + 4, 10).empty());
  board.add("2", "anna", point(start + 6, 1, 1)); // busy again
  board.add("5", "anna", point(start + 7, 1, 1));
  CHECK(there(2));
  CHECK_FALSE(there(3));
  board.forget("2");
  CHECK_FALSE(there(2));
}
