// SPDX-License-Identifier: Apache-2.0
// The same seed and samples make the same weights from one version of the library to the next:
// checksums of everything that a cluster has learned, and of a prediction, recorded once. The
// program is built for the least of its processors' instruction sets and without fused
// multiply-adds, where every compiler and level of optimisation gives the same bits. Who changes a
// learning rule on purpose records anew, and says so.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/cluster.hpp>
#include <hanami/foundation/random.hpp>
#include <hanami/io/archive.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

struct checksums {
  std::uint64_t state;
  std::uint64_t prediction;
  friend bool operator==(const checksums&, const checksums&) = default;
};

/// What a recorded cluster is made from and trained with.
struct recording {
  cluster_template made_from;
  learning_options options;
  bool classes_first = true; ///< the first three targets are one-hot
  bool value_last = false;   ///< the last target is a value
  std::uint64_t samples = 0;
  std::uint64_t planned = 0; ///< 0: an endless stream
  bool compacted_half_way = false;
};

cluster_settings grown_settings() {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.enable_pruning = true;
  settings.max_bricks = 3;
  return settings;
}

cluster_template mixed_outputs() {
  cluster_settings settings = grown_settings();
  settings.max_connection_distance = 2;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {4, 2, 1}})
      .input("a", {1, 1, 1}, 6)
      .input("b", {1, 2, 1}, 20)
      .output("class", {4, 1, 1}, 3, output_kind::softmax)
      .output("value", {4, 2, 1}, 1, output_kind::linear)
      .build();
}

cluster_template three_nodes(output_kind kind, cluster_settings settings = grown_settings()) {
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {3, 1, 1}})
      .input("a", {1, 1, 1}, 8)
      .output("class", {3, 1, 1}, 3, kind)
      .build();
}

learning_options rehearsing() {
  learning_options options;
  options.rehearsal = 1;
  options.replay_capacity = 50;
  options.growth_loss_per_neuron = 0.5;
  return options;
}

learning_options growing() {
  learning_options options;
  options.growth_loss_per_neuron = 2;
  return options;
}

/// Sample `number` of `count`: every third input a thousand times larger, some silent, one turning
/// negative; the classes change half way, and one label in 20 is drawn at random.
template <class Real>
void make_sample(const recording& r, std::uint64_t number, std::vector<Real>& input,
                 std::vector<Real>& target) {
  for (std::size_t i = 0; i < input.size(); ++i) {
    const float size = i % 3 == 0 ? 100.0f : 0.01f;
    input[i] = random_below(3, 5, i, number) == 0
                   ? Real{0}
                   : static_cast<Real>(size * random_unit(6, i, number));
    if (number > 300 && i == 2) {
      input[i] = -input[i];
    }
  }
  std::fill(target.begin(), target.end(), Real{0});
  const bool late = number > r.samples / 2;
  const std::size_t level =
      (input[0] > Real{50} ? 1U : 0U) + (input[3] > Real(late ? 30 : 60) ? 1U : 0U);
  const std::size_t label = random_below(20, 7, 0, number) == 0 ? random_below(3, 8, 0, number)
                                                                : (late ? 2 - level : level);
  if (r.classes_first) {
    target[label] = Real{1};
  }
  if (r.value_last) {
    target.back() = input[0] - 3 * input[1];
  }
}

template <class Value>
std::uint64_t checksum_of(Value& value) {
  archive_writer archive;
  archive(value);
  return detail::checksum(archive.bytes());
}

template <class Cluster>
checksums learn(const recording& r) {
  Cluster c(r.made_from, r.options);
  c.start_task(r.planned);
  std::vector<typename Cluster::real> input(c.input_size());
  std::vector<typename Cluster::real> target(c.output_size());
  for (std::uint64_t number = 0; number < r.samples; ++number) {
    make_sample(r, number, input, target);
    c.train(input, target);
    if (r.compacted_half_way && number == r.samples / 2) {
      c.compact();
    }
  }
  auto prediction = c.infer(input);
  return {checksum_of(c), checksum_of(prediction)};
}

} // namespace

namespace Catch {
template <>
struct StringMaker<checksums> {
  static std::string convert(const checksums& sums) {
    return StringMaker<std::uint64_t>::convert(sums.state) + ", " +
           StringMaker<std::uint64_t>::convert(sums.prediction);
  }
};
} // namespace Catch

TEST_CASE("an endless stream of mixed outputs with rehearsal and pruning learns what it always has",
          "[recorded]") {
  const recording r{mixed_outputs(), rehearsing(), true, true, 6500};
  CHECK(learn<cluster>(r) == checksums{0xafbc8eb0e5b0da71U, 0x8d55db98b7edac60U});
}

TEST_CASE("a task of mixed outputs with rehearsal and pruning learns what it always has",
          "[recorded]") {
  const recording r{mixed_outputs(), rehearsing(), true, true, 3000, 3000};
  CHECK(learn<cluster>(r) == checksums{0xdb04d4d466055e19U, 0x8cfe2172c424417bU});
}

TEST_CASE("an endless stream of classes that change learns what it always has", "[recorded]") {
  const recording r{three_nodes(output_kind::softmax), growing(), true, false, 24000};
  CHECK(learn<cluster>(r) == checksums{0x955382e7b1f15bd5U, 0x9cf7c9d3d3163d32U});
}

TEST_CASE("a task of classes learns what it always has", "[recorded]") {
  const recording r{three_nodes(output_kind::softmax), growing(), true, false, 4000, 4000};
  CHECK(learn<cluster>(r) == checksums{0xfd3169637868c25cU, 0xe5825721fab465e4U});
}

TEST_CASE("probabilities of a cluster compacted half way are what they always were", "[recorded]") {
  const recording r{three_nodes(output_kind::sigmoid), growing(), true, false, 5000, 0, true};
  CHECK(learn<cluster>(r) == checksums{0x9495690f2f8308e0U, 0x31e5b06cef3510a6U});
}

TEST_CASE("weights of 16 bits learn what they always have", "[recorded]") {
  const recording r{three_nodes(output_kind::softmax), growing(), true, false, 6000};
  CHECK(learn<compact_cluster>(r) == checksums{0x9451179eb63ad569U, 0xb6c8be0898d65596U});
}

TEST_CASE("numbers of 64 bits learn what they always have", "[recorded]") {
  const recording r{three_nodes(output_kind::softmax), growing(), true, false, 3000, 3000};
  CHECK(learn<basic_cluster<double>>(r) == checksums{0xa1812911ba4ffd07U, 0x376a0fb8533217cbU});
}

TEST_CASE("spiking neurons learn what they always have", "[recorded]") {
  cluster_settings settings = grown_settings();
  settings.neuron_cooldown = {1.025, 2.6};
  settings.refractory_time = {1, 12};
  settings.fire_threshold = 0.01;
  const recording r{three_nodes(output_kind::softmax, settings), growing(), true, false, 3000};
  CHECK(learn<cluster>(r) == checksums{0x1079072a729e9138U, 0xff92b9df206b08f8U});
}
