// SPDX-License-Identifier: Apache-2.0
#include <hanami/quantized/quantized_cluster.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

constexpr std::size_t values = 40;

/// Two hexagons of neurons one after the other, and one beside them that the output reads too.
cluster_template plan_of(output_kind kind, std::uint32_t steps, std::uint32_t lanes) {
  cluster_settings settings;
  settings.brick_size = lanes;
  settings.max_bricks = 2;
  settings.max_steps = steps;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {4, 1, 1}})
      .input("values", {1, 1, 1}, values)
      .output("answer", {4, 1, 1}, 3, kind)
      .build();
}

/// Raw values of different sizes, a few negative, many silent.
std::vector<float> sample(std::uint64_t number) {
  std::vector<float> x(values);
  for (std::size_t i = 0; i < values; ++i) {
    const float u = random_signed_unit(7, number, i);
    x[i] = u > 0.2f ? u * (i % 5 == 0 ? 1e5f : 0.1f) : (i < 8 ? u : 0.0f);
  }
  return x;
}

std::vector<float> target(const std::vector<float>& x, output_kind kind) {
  if (kind == output_kind::linear) {
    return {1000 + 50 * x[1] + x[0] / 1e4f, 20 * std::abs(x[2]), -3};
  }
  const std::size_t best = x[1] > 0 ? 0 : x[2] > 0 ? 1 : 2;
  std::vector<float> t(3, 0.0f);
  t[best] = 1.0f;
  return t;
}

cluster trained(output_kind kind, std::uint32_t steps = 1, std::uint32_t lanes = 64,
                std::uint64_t samples = 3000) {
  cluster c(plan_of(kind, steps, lanes), {.seed = 3});
  for (std::uint64_t i = 0; i < samples; ++i) {
    const auto x = sample(i);
    c.train(x, target(x, kind));
  }
  return c;
}

/// Mean distance of the answers, over the mean distance of the float answers from their mean.
double relative_distance(const cluster& c, const quantized_cluster& copy) {
  workspace<float> ws;
  quantized_workspace copy_act;
  std::vector<double> mean(c.output_size());
  const std::uint64_t first = 1000000;
  const std::uint64_t count = 400;
  for (std::uint64_t i = first; i < first + count; ++i) {
    const auto answer = c.infer(sample(i), ws);
    for (std::size_t k = 0; k < mean.size(); ++k) {
      mean[k] += static_cast<double>(answer[k]) / count;
    }
  }
  double apart = 0;
  double spread = 0;
  for (std::uint64_t i = first; i < first + count; ++i) {
    const auto answer = c.infer(sample(i), ws);
    const auto other = copy.infer(sample(i), copy_act);
    for (std::size_t k = 0; k < mean.size(); ++k) {
      apart += std::abs(static_cast<double>(answer[k] - other[k]));
      spread += std::abs(static_cast<double>(answer[k]) - mean[k]);
    }
  }
  return apart / spread;
}

template <std::size_t Lanes>
void check_sums(std::size_t quads) {
  const std::size_t tiles = 9;
  aligned_vector<std::int8_t> weights(tiles * Lanes * quad_width);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    // The largest of both signs stand together in places: no 16 bits may overflow between.
    weights[i] =
        i % 3 == 0 ? std::int8_t{127} : static_cast<std::int8_t>(127 - random_below(255, 1, 1, i));
  }
  std::vector<std::uint32_t> codes(quads + quad_block);
  std::vector<std::uint32_t> tile(quads + quad_block);
  std::vector<std::int64_t> expected(Lanes);
  for (std::size_t q = 0; q < quads; ++q) {
    tile[q] = random_below(tiles, 1, 2, q);
    for (std::size_t k = 0; k < quad_width; ++k) {
      const std::uint32_t code = q % 2 == 0 ? 127 : random_below(128, 1, 3, q * quad_width + k);
      codes[q] |= code << (8 * k);
      for (std::size_t lane = 0; lane < Lanes; ++lane) {
        expected[lane] += std::int64_t{code} * weights[(tile[q] * Lanes + lane) * quad_width + k];
      }
    }
  }
  aligned_vector<std::int32_t> sums(Lanes, -1);
  sum_quads<Lanes>(weights.data(), codes.data(), tile.data(), quads, sums.data());
  for (std::size_t lane = 0; lane < Lanes; ++lane) {
    REQUIRE(sums[lane] == expected[lane]);
  }
}

} // namespace

TEST_CASE("sums of 8-bit products are exact", "[cluster]") {
  for (const std::size_t quads : {0U, 1U, 2U, 15U, 16U, 17U, 333U, 32768U}) {
    check_sums<16>(quads);
    check_sums<64>(quads);
    check_sums<256>(quads);
  }
}

TEST_CASE("quads in which nothing sends are left out", "[cluster]") {
  constexpr std::size_t quads = 2 * quad_block;
  aligned_vector<float> share(quads * quad_width);
  std::vector<std::uint32_t> tile(quads);
  for (std::size_t q = 0; q < quads; ++q) {
    tile[q] = static_cast<std::uint32_t>(100 + q);
  }
  share[5] = 12.4f;
  share[6] = 1e30f; // limited
  share[44] = 127.0f;
  share[47] = 0.4f;
  share[127] = 0.6f;
  share[64] = 0.4f; // rounds to silence
  std::vector<std::uint32_t> codes(quads + quad_block, 1);
  std::vector<std::uint32_t> tiles(quads + quad_block, 1);
  const std::size_t listed =
      list_quads([&](std::size_t chunk,
                     std::size_t k) { return simd_load(share.data() + chunk * chunk_width + k); },
                 tile.data(), quads, codes.data(), tiles.data());
  REQUIRE(listed == 3);
  CHECK(codes[0] == (12U << 8 | 127U << 16));
  CHECK(codes[1] == 127U);
  CHECK(codes[2] == 1U << 24);
  CHECK(tiles[0] == 101);
  CHECK(tiles[1] == 111);
  CHECK(tiles[2] == 131);
  for (std::size_t pad = 0; pad < quad_block; ++pad) {
    CHECK(codes[listed + pad] == 0);
  }
}

TEST_CASE("an 8-bit copy answers like its cluster", "[cluster]") {
  for (const output_kind kind : {output_kind::softmax, output_kind::sigmoid, output_kind::linear}) {
    for (const std::uint32_t steps : {1U, 6U}) {
      for (const std::uint32_t lanes : {32U, 128U}) {
        const cluster c = trained(kind, steps, lanes);
        CAPTURE(static_cast<int>(kind), steps, lanes);
        CHECK(relative_distance(c, quantized_cluster(c)) < 0.02);
      }
    }
  }
}

TEST_CASE("an 8-bit copy is small, and of 16-bit weights too", "[cluster]") {
  const cluster c = trained(output_kind::softmax, 6, 128);
  const quantized_cluster copy(c);
  CHECK(copy.input_size() == values);
  CHECK(copy.output_size() == 3);
  CHECK(4 * copy.bytes() <= c.bytes()); // averages, borders and a workspace included

  compact_cluster narrow(plan_of(output_kind::softmax, 1, 64), {.seed = 3});
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const auto x = sample(i);
    narrow.train(x, target(x, output_kind::softmax));
  }
  const quantized_cluster of_narrow(narrow);
  for (std::uint64_t i = 0; i < 100; ++i) {
    const auto x = sample(500000 + i);
    const auto answer = narrow.infer(x);
    const auto other = of_narrow.infer(x);
    for (std::size_t k = 0; k < answer.size(); ++k) {
      CHECK(std::abs(answer[k] - other[k]) < 0.1f);
    }
  }
}

TEST_CASE("an 8-bit copy stays as it was made", "[cluster]") {
  cluster c = trained(output_kind::linear);
  const quantized_cluster copy(c);
  const auto x = sample(77);
  const auto before = copy.infer(x);
  for (std::uint64_t i = 0; i < 500; ++i) {
    c.train(sample(i), std::vector<float>{-5000, -5000, -5000});
  }
  CHECK(copy.infer(x) == before);
  c = cluster(plan_of(output_kind::softmax, 1, 32));
  CHECK(copy.infer(x) == before);
}

TEST_CASE("an activity serves any 8-bit copy, and threads answer alike", "[cluster]") {
  const quantized_cluster small(trained(output_kind::softmax, 1, 32));
  const quantized_cluster large(trained(output_kind::linear, 6, 128));
  quantized_workspace ws;
  const auto x = sample(5);
  for (int i = 0; i < 3; ++i) {
    const auto a = small.infer(x, ws);
    CHECK(std::vector<float>(a.begin(), a.end()) == small.infer(x));
    const auto b = large.infer(x, ws);
    CHECK(std::vector<float>(b.begin(), b.end()) == large.infer(x));
  }
  std::vector<std::vector<float>> answers(2);
  {
    std::vector<std::jthread> threads;
    for (auto& answer : answers) {
      threads.emplace_back([&] {
        quantized_workspace own;
        for (std::uint64_t i = 0; i < 200; ++i) {
          const auto a = large.infer(sample(i), own);
          answer.insert(answer.end(), a.begin(), a.end());
        }
      });
    }
  }
  CHECK(answers[0] == answers[1]);
}

TEST_CASE("an 8-bit copy takes what its cluster takes", "[cluster]") {
  const cluster c = trained(output_kind::softmax);
  const quantized_cluster copy(c);
  auto x = sample(9);
  const auto usual = copy.infer(x);
  x[2] = c.state().centres.at[2];
  const auto silent = copy.infer(x);
  x[2] = std::numeric_limits<float>::quiet_NaN();
  CHECK(copy.infer(x) == silent);
  x[2] = 3e38f; // far above its border: as much as the border
  for (const float p : copy.infer(x)) {
    CHECK(std::isfinite(p));
  }
  x[2] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(copy.infer(x), error);
  x.pop_back();
  CHECK_THROWS_AS(copy.infer(x), error);

  CHECK(quantized_cluster(cluster(c.cluster_template())).infer(sample(1)).size() ==
        3); // nothing grown yet

  cluster_template spiking = c.cluster_template();
  spiking.settings.refractory_time = 4;
  CHECK_THROWS_AS(quantized_cluster(cluster(spiking)), error);
}
