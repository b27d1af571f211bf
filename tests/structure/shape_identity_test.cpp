// SPDX-License-Identifier: Apache-2.0
#include <hanami/structure/shape_identity.hpp>

#include <optional>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/cluster.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

TEST_CASE("shapes are equal where one is a copy of the other", "[structure]") {
  const shape_identity one = shape_identity::fresh();
  const shape_identity other = shape_identity::fresh();
  shape_identity copy = one;
  CHECK(copy == one);
  CHECK(copy != other);
  copy = other;
  CHECK(copy == other);
  shape_identity moved = std::move(copy);
  CHECK(moved == other);
  moved = shape_identity(one);
  CHECK(moved == one);
  moved.forget();
  CHECK(moved != one);
}

TEST_CASE("no shape equals nothing", "[structure]") {
  const shape_identity none;
  CHECK(none != shape_identity());
  CHECK(none != shape_identity::fresh());
}

TEST_CASE("a shape that is gone is not taken for a new one while anybody remembers it",
          "[structure]") {
  std::optional<shape_identity> gone = shape_identity::fresh();
  const shape_identity remembered = *gone;
  gone.reset();
  std::vector<shape_identity> fresh;
  for (int i = 0; i < 1000; ++i) {
    fresh.push_back(shape_identity::fresh());
    REQUIRE(fresh.back() != remembered);
  }
}

TEST_CASE("a workspace follows from cluster to cluster, whatever shapes they have", "[structure]") {
  workspace<float> ws;
  const std::vector<float> small{1};
  const std::vector<float> large(300, 1.0f);
  for (int round = 0; round < 3; ++round) { // each new one may lie where an old one has been
    const cluster one(one_hexagon(1, 1, output_kind::linear));
    CHECK(one.infer(small, ws).size() == 1);
    const cluster other(one_hexagon(300, 40, output_kind::linear));
    CHECK(other.infer(large, ws).size() == 40);
    CHECK(one.infer(small, ws).size() == 1);
  }
}
