// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/checkpoint.hpp>
#include <hanami/quantized/quantized_cluster.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

std::vector<float> input(std::uint64_t i) {
  std::vector<float> values(10);
  for (std::size_t k = 0; k < values.size(); ++k) {
    values[k] = k < 3 ? 5 * random_signed_unit(1, k, i) : random_unit(1, k, i);
  }
  return values;
}

/// Two hexagons in a row, chains of steps, negative inputs, two outputs.
const cluster& learned() {
  static const cluster made = [] {
    cluster_settings settings;
    settings.brick_size = 32;
    settings.max_steps = 3;
    cluster net(template_builder{}
                    .settings(settings)
                    .hexagons({{1, 1, 1}, {4, 1, 1}})
                    .input("signed", {1, 1, 1}, 3)
                    .input("rest", {1, 1, 1}, 7)
                    .output("class", {4, 1, 1}, 3, output_kind::softmax)
                    .output("value", {4, 1, 1}, 1, output_kind::linear)
                    .build());
    for (std::uint64_t i = 0; i < 1500; ++i) {
      const auto in = input(i);
      const float a = in[0] > 1 ? 1.0f : 0.0f;
      const float b = in[0] < -1 ? 1.0f : 0.0f;
      net.train(in, std::vector{a, b, 1 - a - b, 100 * in[4]});
    }
    return net;
  }();
  return made;
}

} // namespace

TEST_CASE("an 8-bit copy is saved and answers the same, to the bit", "[quantized]") {
  const quantized_cluster copy(learned());
  const auto file = to_checkpoint(copy);
  const auto restored = from_checkpoint<quantized_cluster>(file);
  CHECK(to_checkpoint(restored) == file);
  CHECK(restored.input_size() == copy.input_size());
  for (std::uint64_t i = 2000; i < 2050; ++i) {
    CHECK(restored.infer(input(i)) == copy.infer(input(i)));
  }
  CHECK_THROWS_WITH(from_checkpoint<quantized_cluster>(to_checkpoint(learned())),
                    Catch::Contains("holds a 'cluster', asked for is a 'quantized_cluster'"));
}

TEST_CASE("damaged 8-bit copies are refused or answer", "[quantized]") {
  archive_writer whole;
  whole(quantized_cluster(learned()));
  std::size_t refused = 0;
  for (std::uint64_t trial = 0; trial < 3000; ++trial) {
    auto bytes = whole.bytes();
    // Half of the damage hits the lists in front, where it matters most.
    const auto reach = static_cast<std::uint32_t>(trial % 2 == 0 ? bytes.size() : 600);
    const auto at = random_below(reach, 9, 1, trial);
    bytes[at] ^= std::byte(1U << random_below(8, 9, 2, trial));
    try {
      archive_reader in(bytes);
      const quantized_cluster damaged(in);
      damaged.infer(std::vector<float>(damaged.input_size(), 0.5f));
    } catch (const error&) {
      ++refused;
    }
  }
  CHECK(refused > 300);
  CHECK(refused < 3000);
}
