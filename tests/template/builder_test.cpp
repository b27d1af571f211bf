// SPDX-License-Identifier: Apache-2.0
#include <hanami/template/builder.hpp>

#include <cstdint>

#include <catch2/catch.hpp>

#include <hanami/template/parser.hpp>

#include "template_texts.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("a builder makes what a text makes", "[structure]") {
  cluster_settings settings;
  settings.activation = activation_kind::log2;
  settings.brick_size = 128;
  settings.initial_bricks = 2;
  settings.max_bricks = 4;
  settings.memory_limit = std::uint64_t{64} << 20;
  const auto made = template_builder{}
                        .settings(settings)
                        .hexagons({{1, 1, 1}, {4, 4, 1}})
                        .hexagon({1, 1, 2})
                        .axons({{1, 1, 1}, {4, 4, 1}}, {1, 1, 2})
                        .input_windows("picture", 28, 28, {12, 12, 1, {{1, 1, 1}, {4, 4, 1}}})
                        .output("digit", {1, 1, 2}, 10, output_kind::softmax)
                        .build();
  CHECK(made == parse_template(windowed));
  settings = {};
  settings.neuron_cooldown = 1e8;
  settings.max_connection_distance = 2;
  template_builder builder;
  builder.settings(settings).hexagons({{1, 1, 1}, {3, 1, 1}});
  builder.input("picture", {1, 1, 1}, 784).output("digit", {3, 1, 1}, 10, output_kind::sigmoid);
  CHECK(builder.build() == valid());
  CHECK(builder.axon({1, 1, 1}, {3, 1, 1}).build().axons.size() == 1);
}

TEST_CASE("a builder refuses what a text may not say", "[structure]") {
  CHECK_THROWS_AS(template_builder{}.build(), error);
  CHECK_THROWS_AS(template_builder{}.hexagons({{2, 1, 1}, {1, 1, 1}}), error);
  CHECK_THROWS_AS(template_builder{}.hexagons({{1, 1, 1}, {300, 300, 300}}), error);
  const auto start =
      template_builder{}.hexagon({1, 1, 1}).output("b", {1, 1, 1}, 1, output_kind::sigmoid);
  CHECK_THROWS_AS(template_builder{start}.input("a", {1, 1, 1}, 0).build(), error);
  CHECK_THROWS_AS(template_builder{start}.input("a", {2, 1, 1}, 1).build(), error);
  CHECK_THROWS_AS(template_builder{start}
                      .input_windows("a", 65536, 65537, {1, 1, 0, {{1, 1, 1}, {1, 1, 1}}})
                      .build(),
                  error);
  CHECK_NOTHROW(template_builder{start}.input("a", {1, 1, 1}, 1).build());
}
