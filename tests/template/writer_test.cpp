// SPDX-License-Identifier: Apache-2.0
#include <hanami/template/writer.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <hanami/template/parser.hpp>

#include "template_texts.hpp"

using namespace hanami;
using namespace hanami_test;

namespace {

/// Random valid templates: scattered hexagons, boxes, all settings, shapes and windows.
class random_templates {
 public:
  explicit random_templates(std::uint32_t seed) : random_(seed) {}

  cluster_template next() {
    cluster_template t;
    t.settings = settings();
    hexagons(t);
    const auto any = [&] { return t.hexagons[below(t.hexagons.size())].position; };
    for (std::uint32_t i = below(4); i > 0; --i) {
      const hex_position from = any();
      t.axons.push_back({{from, from}, any()});
    }
    for (std::uint32_t i = 1 + below(3); i > 0; --i) {
      t.inputs.push_back(input(i, any()));
    }
    for (std::uint32_t i = 1 + below(3); i > 0; --i) {
      const auto kind = static_cast<output_kind>(below(3));
      value_loss loss;
      if (kind == output_kind::linear) {
        loss.kind = static_cast<loss_kind>(below(3));
        loss.quantile = loss.kind == loss_kind::quantile ? (1 + below(998)) / 1000.0 : 0.5;
      }
      t.outputs.push_back({"out" + std::to_string(i), any(), 1 + below(500), kind, loss});
    }
    return t;
  }

 private:
  std::uint32_t bits() { return static_cast<std::uint32_t>(random_()); }
  std::uint32_t below(std::size_t end) { return bits() % static_cast<std::uint32_t>(end); }
  std::int32_t near_zero() { return static_cast<std::int32_t>(below(9)) - 4; }

  cluster_settings settings() {
    cluster_settings all;
    all.neuron_cooldown = 1.0 + std::ldexp(bits() + 1.0, static_cast<int>(below(900)) - 40);
    all.refractory_time = 1 + bits() / 2;
    all.max_connection_distance = 1 + below(64);
    all.enable_pruning = below(2) == 1;
    all.activation = static_cast<activation_kind>(below(2));
    all.brick_size = 32U << below(4);
    all.initial_bricks = 1 + below(100);
    all.max_bricks = all.initial_bricks + below(100);
    all.max_steps = below(33);
    all.memory_limit = (std::uint64_t{1} + bits()) << below(32);
    return all;
  }

  void hexagons(cluster_template& t) {
    std::set<hex_position> taken;
    for (std::uint32_t i = 1 + below(12); i > 0; --i) {
      const hex_position from{near_zero(), near_zero(), near_zero()};
      const std::array<std::int32_t, 3> size{1 + near_zero() / 2, 1 + near_zero() / 2,
                                             1 + near_zero() / 2};
      for (std::int32_t z = 0; z < size[2]; ++z) {
        for (std::int32_t y = 0; y < size[1]; ++y) {
          for (std::int32_t x = 0; x < size[0]; ++x) {
            const hex_position at{from.x + x, from.y + y, from.z + z};
            if (taken.insert(at).second) {
              t.hexagons.push_back({at});
            }
          }
        }
      }
    }
    if (t.hexagons.empty()) {
      t.hexagons.push_back({{-1000000000, 1000000000, 0}});
    }
  }

  input_template input(std::uint32_t number, hex_position at) {
    const std::uint32_t rows = 1 + below(40);
    const std::uint32_t columns = 1 + below(40);
    input_template made{"in_" + std::to_string(number), at, rows * columns, rows, columns, {}};
    if (below(2) == 1) {
      const std::uint32_t margin = below((std::min(rows, columns) + 1) / 2);
      made.windows = input_windows{
          1 + below(rows - 2 * margin), 1 + below(columns - 2 * margin), margin, {at, at}};
      if (below(2) == 1) {
        made.target.reset();
      }
    }
    return made;
  }

  std::mt19937 random_;
};

} // namespace

TEST_CASE("text and template are the same thing", "[structure]") {
  for (const std::string_view text : {classic, windowed}) {
    const cluster_template t = parse_template(text);
    CHECK(parse_template(to_text(t)) == t);
  }
  CHECK(to_text(valid()).find("hexagons:\n  1..3, 1, 1\n\ninputs:") != std::string::npos);
}

TEST_CASE("a template that is not valid is not written", "[structure]") {
  cluster_template t = valid();
  t.inputs[0].name = "a: target";
  CHECK_THROWS_AS(to_text(t), error);
}

TEST_CASE("random templates survive being written and read", "[structure]") {
  random_templates templates(20240601);
  for (int i = 0; i < 2000; ++i) {
    const cluster_template t = templates.next();
    const std::string text = to_text(t);
    INFO(text);
    REQUIRE(parse_template(text) == t);
    REQUIRE(to_text(parse_template(text)) == text);
  }
}
