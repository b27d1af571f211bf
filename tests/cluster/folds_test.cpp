// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/cluster.hpp>
#include <hanami/foundation/random.hpp>
#include <hanami/io/archive.hpp>
#include <hanami/quantized/quantized_cluster.hpp>
#include <hanami/structure/network_check.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

cluster cluster_of(std::uint32_t columns, std::uint32_t classes,
                   std::uint64_t memory_limit = cluster_settings{}.memory_limit) {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.memory_limit = memory_limit;
  return cluster(one_hexagon(columns, classes, output_kind::softmax, settings));
}

/// Stretches of one column are classes, in an order that makes no sense.
struct stretches {
  std::uint32_t classes = 150;
  float scale = 1;
  float offset = 0;

  std::size_t draw(std::uint64_t number, std::vector<float>& row) const {
    const float unit = random_unit(5, 1, number);
    row.assign(1, offset + scale * unit);
    const auto place =
        std::min(classes - 1, static_cast<std::uint32_t>(unit * static_cast<float>(classes)));
    return place * 37 % classes; // 37 divides none of the numbers of classes below
  }

  void show(cluster& c, std::uint64_t first, std::uint64_t count) const {
    std::vector<float> row;
    std::vector<float> target(c.output_size());
    for (std::uint64_t i = first; i < first + count; ++i) {
      const std::size_t truth = draw(i, row);
      target[truth] = 1;
      c.train(row, target);
      target[truth] = 0;
    }
  }

  template <class Answer>
  double accuracy(const Answer& answer) const {
    std::vector<float> row;
    int right = 0;
    for (std::uint64_t i = 0; i < 1000; ++i) {
      const std::size_t truth = draw(1000000 + i, row);
      const std::vector<float> p = answer(row);
      right += static_cast<std::size_t>(std::max_element(p.begin(), p.end()) - p.begin()) == truth;
    }
    return right / 1000.0;
  }
  double accuracy(const cluster& c) const {
    return accuracy([&](const std::vector<float>& row) { return c.infer(row); });
  }
};

std::vector<std::byte> saved(cluster c) {
  archive_writer archive;
  c.serialize(archive);
  return archive.bytes();
}

} // namespace

TEST_CASE("one column tells a hundred and fifty classes apart", "[cluster]") {
  const stretches task;
  cluster c = cluster_of(1, task.classes);
  c.start_task(15000);
  task.show(c, 0, 15000);
  CHECK(c.state().centres.octaves == 9);
  CHECK(find_fault(c.state()) == nullptr);
  CHECK(task.accuracy(c) > 0.93);
}

TEST_CASE("scale and offset of a folded column do not matter", "[cluster]") {
  const stretches plain;
  cluster c = cluster_of(1, plain.classes);
  plain.show(c, 0, 3000);
  const stretches doubled{.scale = 1024};
  cluster scaled = cluster_of(1, plain.classes);
  doubled.show(scaled, 0, 3000);
  for (const float x : {0.01f, 0.3f, 0.77f, 1.4f}) {
    CHECK(c.infer(std::vector{x}) == scaled.infer(std::vector{1024 * x})); // to the bit
  }
  const double accuracy = plain.accuracy(c);
  for (const stretches& other : {stretches{.scale = 0.003f}, stretches{.offset = 40},
                                 stretches{.scale = -7e8f, .offset = 1e8f}}) {
    cluster moved = cluster_of(1, plain.classes);
    other.show(moved, 0, 3000);
    CHECK(std::abs(other.accuracy(moved) - accuracy) < 0.05);
  }
}

TEST_CASE("outliers among the first values do not spoil where a column is folded", "[cluster]") {
  const stretches task;
  cluster c = cluster_of(1, task.classes);
  std::vector<float> target(task.classes);
  target[0] = 1;
  for (const float wild : {1e30f, -1e12f, 5e6f}) {
    task.show(c, 0, 20);
    c.train(std::vector{wild}, target);
  }
  c.start_task(15000);
  task.show(c, 100, 15000);
  CHECK(c.state().centres.octaves > 0);
  CHECK(task.accuracy(c) > 0.9);
}

TEST_CASE("columns are folded when there are classes enough, and nothing learned is lost",
          "[cluster]") {
  const stretches task{.classes = 99};
  cluster c = cluster_of(1, 99);
  task.show(c, 0, 600);
  REQUIRE(c.state().centres.folds.size() == 1);
  CHECK(c.state().centres.folds[0].known);
  CHECK(c.state().centres.octaves == 0);
  const std::vector<float> before = c.infer(std::vector{0.4f});
  c.grow_output("output", 100);
  CHECK(c.state().centres.octaves == 8);
  const std::vector<float> after = c.infer(std::vector{0.4f});
  const float left = 1 - after[99];
  for (std::size_t k = 0; k < 99; ++k) {
    CHECK(after[k] == Approx(left * before[k]).epsilon(1e-4).margin(1e-7));
  }
  task.show(c, 600, 100);
  c.grow_output("output", 300);
  CHECK(c.state().centres.octaves == 10);
  CHECK(find_fault(c.state()) == nullptr);
  task.show(c, 700, 100);
}

TEST_CASE("what is folded is saved, while its values are noted and later", "[cluster]") {
  const stretches task;
  cluster c = cluster_of(1, task.classes);
  for (const std::uint64_t seen : {100U, 256U, 700U}) {
    CAPTURE(seen);
    task.show(c, c.statistics().samples, seen - c.statistics().samples);
    const std::vector<std::byte> bytes = saved(c);
    cluster again = cluster_of(1, task.classes);
    archive_reader archive(bytes);
    again.serialize(archive);
    task.show(again, seen, 300);
    cluster alone = c;
    task.show(alone, seen, 300);
    CHECK((saved(again) == saved(alone)));
  }
}

TEST_CASE("missing values are no places of a folded column", "[cluster]") {
  cluster c = cluster_of(2, 150);
  std::vector<float> target(150);
  for (std::uint64_t i = 0; i < 600; ++i) {
    const float unit = random_unit(5, 2, i);
    const auto truth = static_cast<std::size_t>(unit * 150);
    target[truth] = 1;
    c.train(std::vector{unit, i % 2 == 0 ? missing : random_unit(5, 3, i)}, target);
    target[truth] = 0;
  }
  REQUIRE(c.state().centres.folds.size() == 2);
  REQUIRE(c.state().centres.octaves > 0);
  workspace<float> ws;
  c.infer(std::vector{0.5f, missing}, ws);
  REQUIRE(ws.waves.size() == c.state().centres.waves());
  for (std::size_t k = 0; k < ws.waves.size(); k += 4) {
    CHECK((ws.waves[k] != 0 || ws.waves[k + 1] != 0));
    CHECK((ws.waves[k + 2] == 0 && ws.waves[k + 3] == 0));
  }
}

TEST_CASE("what needs no folding is not folded", "[cluster]") {
  const auto octaves_after = [](cluster c, auto value) {
    std::vector<float> target(c.output_size());
    std::vector<float> row(c.input_size());
    for (std::uint64_t i = 0; i < 1100; ++i) {
      for (std::size_t k = 0; k < row.size(); ++k) {
        row[k] = value(random_unit(5, k, i));
      }
      target[i % target.size()] = 1;
      c.train(row, target);
      target[i % target.size()] = 0;
    }
    CHECK_FALSE(c.state().centres.watching());
    return c.state().centres.octaves;
  };
  const auto any = [](float unit) { return 5 + unit; };
  CHECK(octaves_after(cluster_of(4, 100), any) > 0);
  CHECK(octaves_after(cluster_of(5, 100), any) == 0); // many columns
  CHECK(octaves_after(cluster_of(1, 99), any) == 0);  // few classes
  CHECK(octaves_after(cluster_of(1, 100), [](float unit) { return unit < 0.5f ? 1.0f : 2.0f; }) ==
        0); // few levels
  CHECK(octaves_after(cluster_of(1, 100), [](float unit) { return unit < 0.9f ? 0.0f : unit; }) ==
        0); // silent most of the time
}

TEST_CASE("where the memory limit leaves no room for waves, a column stays as it is", "[cluster]") {
  const stretches task;
  cluster c = cluster_of(1, task.classes);
  task.show(c, 0, 200);
  c.allow_growth(4000);
  task.show(c, 200, 400);
  CHECK(c.state().centres.octaves == 0);
  CHECK(c.statistics().growth.growth_denied > 0);
  CHECK(find_fault(c.state()) == nullptr);
}

TEST_CASE("an 8-bit copy folds as its cluster does, saved and read again", "[cluster]") {
  const stretches task;
  cluster c = cluster_of(1, task.classes);
  c.start_task(8000);
  task.show(c, 0, 8000);
  const quantized_cluster copy(c);
  CHECK(task.accuracy([&](const std::vector<float>& row) { return copy.infer(row); }) >
        task.accuracy(c) - 0.05);
  archive_writer to;
  quantized_cluster written = copy;
  written.serialize(to);
  archive_reader from(to.bytes());
  const quantized_cluster read(from);
  for (const float x : {0.1f, 0.5f, 0.9f, missing}) {
    CHECK(read.infer(std::vector{x}) == copy.infer(std::vector{x}));
  }
}
