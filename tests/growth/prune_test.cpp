// SPDX-License-Identifier: Apache-2.0
#include <hanami/growth/prune.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/algorithm/average.hpp>
#include <hanami/algorithm/backward.hpp>
#include <hanami/algorithm/forward.hpp>
#include <hanami/foundation/serial_executor.hpp>
#include <hanami/growth/grow.hpp>
#include <hanami/structure/network_check.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

cluster_template row(std::int32_t length, std::uint32_t inputs, std::uint32_t max_steps) {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_steps = max_steps;
  settings.max_bricks = 3;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {length, 1, 1}})
      .input("in", {1, 1, 1}, inputs)
      .output("out", {length, 1, 1}, 2, output_kind::linear)
      .build();
}

/// A network shown random samples, all of whose steps have random weights of very different sizes.
struct reducible {
  network<double> net;
  workspace<double> ws;
  std::vector<double> norms;

  reducible(const cluster_template& from, std::uint64_t samples)
      : net(make_network<double>(from, 1)) {
    set_averaging(net, true);
    for (std::uint64_t i = 0; i < samples; ++i) {
      show(random_sample(i));
    }
    for (std::size_t s = 0; s < net.tiles.slot_end(); ++s) {
      const double size = std::exp2(10 * static_cast<double>(random_signed_unit(1, 50, s)));
      double* tile = net.tiles.tile(static_cast<tile_slot>(s));
      for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
        tile[lane] = size * static_cast<double>(random_signed_unit(1, 51, s * 64 + lane));
      }
    }
    set_averaging(net, true);
  }

  std::vector<double> random_sample(std::uint64_t number) const {
    std::vector<double> values(net.topology.input_size);
    for (std::size_t k = 0; k < values.size(); ++k) {
      values[k] = std::exp2(6 * static_cast<double>(random_signed_unit(9, k, number)));
    }
    return values;
  }
  void show(const std::vector<double>& values) {
    ws.fit_to_learn(net);
    place_inputs<double>(net, values, ws);
    grow_forward(net, ws, serial_executor{});
  }
  std::vector<double> answer(const std::vector<double>& values, workspace<double>& with) {
    with.fit(net);
    place_inputs<double>(net, values, with);
    infer_placed(net, weight_set::current, with, serial_executor{});
    return {with.prediction.begin(), with.prediction.end()};
  }
  std::vector<double> answer(const std::vector<double>& values) {
    workspace<double> fresh;
    return answer(values, fresh);
  }
  /// What brick 0 adds up in lane `lane` when input 0 sends `x`.
  double sum_of_lane(double x, std::size_t lane, bool average = false) const {
    const auto& b = net.bricks[0];
    double sum = 0;
    for (std::size_t k = 0; k < b.step_count(0); ++k) {
      const double lower = b.lower.empty() ? 0.0 : b.lower[k];
      const double phi = std::clamp((x - lower) * b.inverse_width[k], 0.0, 1.0);
      sum += phi * (average ? net.tiles.average() + b.slot[k] * net.lanes()
                            : net.tiles.tile(b.slot[k]))[lane];
    }
    return sum;
  }
};

const char* said(const char* why) { return why == nullptr ? "" : why; }

} // namespace

TEST_CASE("exactly as many steps are removed as asked, and their tiles come back", "[algorithm]") {
  for (const std::uint32_t max_steps : {1U, 2U, 8U, 32U}) {
    reducible r(row(4, 12, max_steps), 100);
    std::size_t steps = count_steps(r.net);
    REQUIRE(steps > 12);
    for (const std::size_t count : {std::size_t{1}, steps / 10, steps / 3, std::size_t{0}}) {
      INFO(count << " of " << steps << " steps, at most " << max_steps << " in a section");
      const auto removed = r.net.growth.steps_removed;
      const std::size_t end = r.net.tiles.slot_end();
      remove_weakest(r.net, count, r.norms);
      CHECK(steps - count_steps(r.net) == count);
      CHECK(r.net.growth.steps_removed - removed == count);
      CHECK(r.net.tiles.free_slots().size() == end - count_steps(r.net));
      CHECK(find_fault(r.net) == nullptr);
      steps = count_steps(r.net);
    }
    const std::size_t end = r.net.tiles.slot_end();
    for (std::size_t free = end - steps; free > 0; --free) {
      CHECK(r.net.tiles.acquire() < end); // recycled
    }
    CHECK(r.net.tiles.slot_end() == end);
  }
}

TEST_CASE("the steps that go are the weakest", "[algorithm]") {
  reducible r(row(3, 60, 1), 5);
  const auto norms = [&] {
    std::vector<double> all;
    detail::for_each_section(r.net, [&](brick<double>& b, std::size_t, std::size_t,
                                        std::size_t local) {
      all.push_back(detail::squared_norm<double>(r.net.tiles.tile(b.slot[local]), r.net.lanes()));
    });
    std::sort(all.begin(), all.end());
    return all;
  };
  const auto before = norms();
  remove_weakest(r.net, 20, r.norms);
  CHECK(norms() == std::vector<double>(before.begin() + 20, before.end()));
}

TEST_CASE("of equally weak steps all below go first", "[algorithm]") {
  reducible r(row(3, 10, 1), 3);
  auto& b = r.net.bricks[0];
  for (std::size_t source = 0; source < 10; ++source) {
    std::fill_n(r.net.tiles.tile(b.slot[source]), 32, source == 9 ? 0.5 : 1.0);
  }
  remove_weakest(r.net, 3, r.norms);
  CHECK(b.have[0] == 0b0111111100); // the weakest, then two in order
}

TEST_CASE("merging steps keeps a section continuous and equal outside of the merged ranges",
          "[algorithm]") {
  for (const std::size_t which : {std::size_t{0}, std::size_t{3}, std::size_t{7}}) {
    reducible r(row(3, 1, 8), 200);
    auto& b = r.net.bricks[0];
    REQUIRE(b.steps[0] == 8);
    const network<double> before = r.net;
    std::fill_n(r.net.tiles.tile(b.slot[which]), 32, 1e-9); // the weakest
    reducible old = r;
    remove_weakest(r.net, 1, r.norms);
    REQUIRE(b.steps[0] == 7);
    const std::size_t below = which == 0 ? 0 : which - 1;
    const double from = old.net.bricks[0].lower[below];
    const double to =
        old.net.bricks[0].lower[below + 1] + 1 / old.net.bricks[0].inverse_width[below + 1];
    double last = 0;
    for (double x = 0; x < 80; x += 0.01) {
      const double now = r.sum_of_lane(x, 5);
      if (x <= from || x >= to) {
        REQUIRE(now == Approx(old.sum_of_lane(x, 5)).epsilon(1e-9).margin(1e-9));
        REQUIRE(r.sum_of_lane(x, 5, true) ==
                Approx(old.sum_of_lane(x, 5, true)).epsilon(1e-9).margin(1e-9));
      }
      double steepest = 0;
      for (std::size_t k = 0; k < 7; ++k) {
        steepest =
            std::max(steepest, std::abs(r.net.tiles.tile(b.slot[k])[5]) * b.inverse_width[k]);
      }
      REQUIRE(std::abs(now - last) <= 0.0101 * steepest + 1e-9);
      last = now;
    }
  }
}

TEST_CASE("what was removed does not grow again until it is reopened", "[algorithm]") {
  reducible r(row(3, 10, 1), 3);
  remove_weakest(r.net, 4, r.norms);
  const std::size_t steps = count_steps(r.net);
  REQUIRE(steps == 6);
  r.show(std::vector<double>(10, 1.0));
  CHECK(count_steps(r.net) == steps);
  reopen_sections(r.net, 1, 10); // another brick's turn
  r.show(std::vector<double>(10, 1.0));
  CHECK(count_steps(r.net) == steps);
  reopen_sections(r.net, 0, 10);
  r.show(std::vector<double>(10, 1.0));
  CHECK(count_steps(r.net) == 10);
  CHECK(r.net.tiles.slot_end() == 10); // in recycled tiles
  CHECK(find_fault(r.net) == nullptr);
}

TEST_CASE("removed tiles make room for growth under the memory limit", "[algorithm]") {
  reducible r(row(3, 10, 1), 3);
  r.net.full = true;
  remove_weakest(r.net, 1, r.norms);
  CHECK_FALSE(r.net.full);
}

TEST_CASE("a brick without sections retires, is silent, and its place is used again",
          "[algorithm]") {
  reducible r(row(4, 10, 1), 3);
  REQUIRE(r.net.bricks.size() == 2);
  std::fill(r.net.bricks[0].bias.begin(), r.net.bricks[0].bias.end(), 3.0);
  // All sections of inputs are weaker than those of neurons.
  for (std::size_t source = 0; source < 10; ++source) {
    std::fill_n(r.net.tiles.tile(r.net.bricks[0].slot[source]), 32, 1e-6);
  }
  const auto sample = r.random_sample(77);
  workspace<double> used;
  r.answer(sample, used); // leaves activations behind
  remove_weakest(r.net, 10, r.norms);
  CHECK(r.net.bricks[0].retired);
  CHECK_FALSE(r.net.bricks[1].retired);
  CHECK(r.net.growth.bricks_removed == 1);
  REQUIRE(find_fault(r.net) == nullptr);
  // Nothing is left of it, whoever asks: an activity that has seen it and one that has not.
  CHECK(r.answer(sample, used) == r.answer(sample));

  const auto replacements = r.net.bricks[0].replacements;
  CHECK(grow_brick(r.net, hexagon_id{1}, true));
  CHECK(r.net.bricks.size() == 2);
  CHECK_FALSE(r.net.bricks[0].retired);
  CHECK(r.net.bricks[0].replacements == replacements + 1);
  CHECK(r.net.hexagons[1].bricks.size() == 1);
  r.show(sample);
  CHECK(r.net.bricks[0].step_count(0) == 1);
  CHECK(find_fault(r.net) == nullptr);
}

TEST_CASE("a hexagon that has lost all its bricks can grow again", "[algorithm]") {
  reducible r(row(3, 4, 1), 3);
  remove_weakest(r.net, 4, r.norms);
  REQUIRE(r.net.bricks[0].retired);
  REQUIRE(count_steps(r.net) == 0);
  r.net.hexagons[1].error_sum = 1;
  CHECK(grow_where_wrong(r.net));
  r.show(r.random_sample(5));
  CHECK(count_steps(r.net) == 4);
  CHECK(find_fault(r.net) == nullptr);
}

TEST_CASE("everything stays sound through thousands of rounds of growth and reduction",
          "[algorithm]") {
  for (const std::uint32_t max_steps : {1U, 5U, 32U}) {
    auto net = make_network<float>(row(5, 6, max_steps), 3);
    set_averaging(net, true);
    workspace<float> ws;
    std::vector<float> norms;
    for (std::uint64_t round = 0; round < 2500; ++round) {
      const auto below = [&](std::uint32_t bound, std::uint64_t what) {
        return random_below(bound, 11, what, round);
      };
      ws.fit_to_learn(net);
      std::vector<float> values(6);
      for (std::size_t k = 0; k < 6; ++k) {
        values[k] = below(4, 100 + k) == 0
                        ? 0.0f
                        : std::exp2(8 * random_signed_unit(12, k, round)) *
                              (round > 1000 && below(3, 200 + k) == 0 ? -1.0f : 1.0f);
      }
      if (place_inputs<float>(net, values, ws).new_negative) {
        open_negative_input(net, 0);
        ws.fit_to_learn(net);
        place_inputs<float>(net, values, ws);
      }
      grow_forward(net, ws, serial_executor{});
      for (std::size_t k = 0; k < 2; ++k) {
        ws.output_gradients[k] = 0.3f * random_signed_unit(13, k, round);
      }
      find_hidden_gradients(net, ws, serial_executor{});
      correct_weights(net, {0.02f, 0.002f, 0.002f}, ws, serial_executor{});
      note_errors(net, ws);
      switch (below(20, 1)) {
      case 0:
        remove_weakest(net, below(static_cast<std::uint32_t>(count_steps(net) + 2), 2), norms);
        break;
      case 1:
      case 2:
        remove_weakest(net, below(5, 3), norms);
        break;
      case 3:
        grow_where_wrong(net);
        break;
      case 4:
        reopen_sections(net, below(3, 4), 3);
        break;
      case 5:
        if (net.averaging()) {
          update_average(net, 1.0f, round);
        }
        break;
      case 6:
        set_averaging(net, below(2, 5) == 0);
        break;
      default:
        break;
      }
      if (round % 8 == 0) {
        const char* why = find_fault(net);
        INFO("round " << round << ": " << said(why));
        REQUIRE(why == nullptr);
      }
    }
    CHECK(net.growth.bricks_removed > 10);
    CHECK(net.growth.steps_removed > 1000);
    CHECK(net.growth.bricks_grown > 10);
    CHECK(net.tiles.slot_end() < 12000);
  }
}
