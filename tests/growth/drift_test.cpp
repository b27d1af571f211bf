// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/drift.hpp>

#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/cluster.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

/// Losses of which most are small and a few are large, as those of classes are.
double usual_loss(std::uint64_t number) {
  const double u = static_cast<double>(random_unit(1, 1, number));
  return u < 0.05 ? 3 * u / 0.05 : 0.01 * u;
}

cluster_template two_sensors(output_kind kind) { return one_hexagon(2, 1, kind); }

/// Ranges of a sensor and what is asked of it; changes with the regime.
struct regime {
  float offset, range, sign;
};

std::vector<float> values(const regime& now, std::uint64_t number) {
  return {now.offset + now.range * random_unit(3, 1, number), random_unit(3, 2, number)};
}

float truth(const regime& now, const std::vector<float>& x) {
  const float u = (x[0] - now.offset) / now.range;
  return now.sign * (u - 0.5f) * (x[1] - 0.5f) > 0 ? 1.0f : 0.0f;
}

double share_wrong(const cluster& c, const regime& now) {
  int wrong = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto x = values(now, 5000000 + i);
    wrong += (c.infer(x)[0] > 0.5f) == (truth(now, x) > 0.5f) ? 0 : 1;
  }
  return wrong / 1000.0;
}

void train(cluster& c, const regime& now, std::uint64_t first, std::uint64_t count) {
  for (std::uint64_t i = first; i < first + count; ++i) {
    const auto x = values(now, i);
    c.train(x, std::vector<float>{truth(now, x)});
  }
}

} // namespace

TEST_CASE("what is usual is no drift, nor are outliers", "[algorithm]") {
  drift_detector drift;
  for (std::uint64_t i = 0; i < 1000000; ++i) {
    REQUIRE(!drift.note(i % 1000 == 0 ? 1e6 : usual_loss(i)));
  }
  CHECK(drift.changes() == 0);
}

TEST_CASE("missing targets are no drift, nor is their end", "[algorithm]") {
  drift_detector drift;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    REQUIRE(!drift.note(i >= 5000 && i < 15000 ? 0.0 : usual_loss(i)));
  }
}

TEST_CASE("a loss that rises is noticed soon, and once", "[algorithm]") {
  drift_detector drift;
  std::uint64_t number = 0;
  for (; number < 10000; ++number) {
    drift.note(usual_loss(number));
  }
  std::uint64_t noticed = 0;
  for (; number < 20000; ++number) {
    if (drift.note(0.5 + usual_loss(number))) {
      CHECK(noticed == 0);
      noticed = number;
    }
  }
  CHECK(noticed >= 10000);
  CHECK(noticed < 10200);
  CHECK(drift.changes() == 1);
}

TEST_CASE("a falling loss is no drift", "[algorithm]") {
  drift_detector drift;
  for (std::uint64_t i = 0; i < 50000; ++i) {
    REQUIRE(!drift.note((1 + usual_loss(i)) * 1000 / static_cast<double>(1000 + i)));
  }
}

TEST_CASE("a cluster follows a stream through many changes", "[algorithm]") {
  cluster c(two_sensors(output_kind::sigmoid));
  std::uint64_t at = 0;
  for (int k = 0; k < 8; ++k) {
    const regime now{k % 3 == 0 ? -20.0f : 300.0f * static_cast<float>(k),
                     k % 2 == 0 ? 100.0f : 5.0f, k % 2 == 0 ? 1.0f : -1.0f};
    train(c, now, at, 15000);
    at += 15000;
    CAPTURE(k);
    CHECK(share_wrong(c, now) < 0.06);
  }
  const auto found = c.statistics();
  CHECK(found.drifts >= 6);
  CHECK(found.drifts <= 12);
  CHECK(find_fault(c.state()) == nullptr);
}

TEST_CASE("renewed neurons change no answer", "[algorithm]") {
  cluster c(two_sensors(output_kind::sigmoid));
  train(c, {100, 50, 1}, 0, 3000);
  const regime now{400, 50, 1}; // where many neurons are silent
  network<float> net = c.state();
  for (auto& b : net.bricks) {
    b.active_lanes = {};
  }
  // Neurons that are active now and then are kept; all others are drawn anew.
  workspace<float> ws;
  ws.fit(net);
  std::vector<std::vector<float>> before;
  const auto answer = [&](std::uint64_t i) {
    place_inputs<float>(net, values(now, i), ws);
    infer_placed(net, weight_set::current, ws, serial_executor{});
    return std::vector<float>(ws.prediction.begin(), ws.prediction.end());
  };
  for (std::uint64_t i = 0; i < 500; ++i) {
    before.push_back(answer(i));
    note_active(net, ws);
  }
  std::size_t silent = 0;
  for (const auto& b : net.bricks) {
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      silent += ((b.active_lanes[lane / 16] >> (lane % 16)) & 1U) == 0 ? 1U : 0U;
    }
  }
  REQUIRE(silent > 0);
  reset_dormant_neurons(net);
  CHECK(net.growth.neurons_reset == c.state().growth.neurons_reset + silent);
  std::size_t awake_now = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const auto now_answered = answer(i);
    for (std::size_t k = 0; k < now_answered.size(); ++k) {
      CHECK(now_answered[k] == before[i][k]);
    }
    note_active(net, ws);
  }
  for (const auto& b : net.bricks) {
    for (const std::uint16_t bits : b.active_lanes) {
      awake_now += static_cast<std::size_t>(std::popcount(bits));
    }
  }
  CHECK(awake_now > net.bricks.size() * net.lanes() - silent);
}
