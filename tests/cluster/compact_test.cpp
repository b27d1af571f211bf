// SPDX-License-Identifier: Apache-2.0
#include <hanami/cluster.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

/// Whether a point of the unit square lies in a circle around its middle, and nearly half do.
bool inside(const std::vector<float>& point) {
  const float x = point[0] - 0.5f;
  const float y = point[1] - 0.5f;
  return x * x + y * y < 0.15f;
}

std::vector<float> point(std::uint64_t number) {
  return {random_unit(1, 1, number), random_unit(1, 2, number)};
}

template <class Cluster>
Cluster trained(std::uint64_t planned) {
  cluster_settings settings;
  settings.brick_size = 64;
  Cluster c(one_hexagon(2, 1, output_kind::sigmoid, settings));
  c.start_task(planned);
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const auto p = point(i);
    c.train(p, std::vector<float>{inside(p) ? 1.0f : 0.0f});
  }
  return c;
}

template <class Cluster>
double share_right(const Cluster& c) {
  int right = 0;
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const auto p = point(1000000 + i);
    right += (c.infer(p)[0] > 0.5f) == inside(p) ? 1 : 0;
  }
  return right / 2000.0;
}

} // namespace

TEST_CASE("weights of 16 bits learn what weights of 32 bits learn", "[cluster]") {
  for (const std::uint64_t planned : {std::uint64_t{20000}, std::uint64_t{0}}) {
    const auto wide = trained<cluster>(planned);
    const auto narrow = trained<compact_cluster>(planned);
    CHECK(share_right(wide) > 0.96);
    CHECK(share_right(narrow) > share_right(wide) - 0.01);
    const auto weights = [](const auto& c) {
      const auto& tiles = c.state().tiles;
      return tiles.bytes() - allocated_bytes(tiles.free_slots());
    };
    CHECK(weights(narrow) * 2 <= weights(wide) + 64);
    CHECK(find_fault(narrow.state()) == nullptr);
  }
}

TEST_CASE("corrections far below the resolution of 16 bits add up", "[cluster]") {
  // Of the weights around 1, one step is 2^-7: corrections of a hundredth of that must not vanish.
  constexpr std::size_t lanes = 64;
  tile_pool<bfloat16> tiles(lanes);
  const tile_slot slot = tiles.acquire();
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    tiles.tile(slot)[lane] = bfloat16(1.0f);
  }
  const float phi = 1;
  const std::vector<float> gradient(lanes, 1.0f);
  constexpr int corrections = 10000;
  for (int i = 0; i < corrections; ++i) {
    update_tiles<lanes>(
        tiles.weights(), &phi, &slot, 1, 1e-4f, gradient.data(),
        weight_rounding<bfloat16>(random_bits(1, 1, static_cast<std::uint64_t>(i))));
  }
  double sum = 0;
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    sum += static_cast<double>(tiles.tile(slot)[lane]);
  }
  CHECK(std::abs(sum / lanes) < 0.02); // 1 - 10,000 x 0.0001
}
