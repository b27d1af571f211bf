// SPDX-License-Identifier: Apache-2.0
// What only a device can show. Without one the program ends with the code that ctest counts as
// skipped.

#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include <hanami/cuda/cuda.hpp>

#include "cuda_samples.hpp"

using namespace hanami;
using hanami_test::device_clusters;
using hanami_test::saved;
using hanami_test::table_for;

namespace {

constexpr int skipped = 77;

std::span<const float> row_of(const std::vector<float>& values, std::size_t size, std::size_t row) {
  return std::span(values).subspan(row * size, size);
}

/// Share of the rows whose largest answer of the first output is their target's.
double accuracy(const cluster& c, const hanami_test::owned_table& table) {
  const std::size_t nodes = c.state().topology.outputs[0].size;
  const std::size_t rows = table.targets.size() / c.output_size();
  workspace<float> ws;
  std::size_t right = 0;
  for (std::size_t k = 0; k < rows; ++k) {
    const auto answer = c.infer(row_of(table.inputs, c.input_size(), k), ws).first(nodes);
    const auto target = row_of(table.targets, c.output_size(), k).first(nodes);
    const auto best = std::max_element(answer.begin(), answer.end()) - answer.begin();
    const auto label = std::max_element(target.begin(), target.end()) - target.begin();
    right += best == label ? 1U : 0U;
  }
  return static_cast<double>(right) / static_cast<double>(rows);
}

} // namespace

TEST_CASE("a device answers what the cluster answers", "[gpu]") {
  gpu::trainer device;
  for (auto& [name, made] : device_clusters()) {
    CAPTURE(name);
    hanami_test::train_serially(made, table_for(made, 1100));
    const auto samples = table_for(made, 200, 2);
    const auto answers = device.infer(made, samples.inputs);
    workspace<float> ws;
    for (std::size_t k = 0; k < 200; ++k) {
      const auto expected = made.infer(row_of(samples.inputs, made.input_size(), k), ws);
      for (std::size_t o = 0; o < expected.size(); ++o) {
        REQUIRE(std::abs(answers[k * expected.size() + o] - expected[o]) <= 1e-5f);
      }
    }
  }
}

TEST_CASE("a device learns as the host does, and the same every time", "[gpu]") {
  gpu::trainer device;
  for (auto& [name, made] : device_clusters()) {
    CAPTURE(name);
    const auto samples = table_for(made, 1500);
    const auto unseen = table_for(made, 1000, 1);
    cluster serial = made;
    cluster again = made;
    hanami_test::train_serially(serial, samples);
    const auto report = device.train(made, samples.view());
    device.train(again, samples.view());
    CHECK(report.samples == 1500);
    CHECK((saved(made) == saved(again)));
    CHECK(made.statistics().sections == serial.statistics().sections);
    CHECK(std::abs(accuracy(made, unseen) - accuracy(serial, unseen)) <= 0.02);
  }
}

TEST_CASE("clusters come and go between host and device", "[gpu]") {
  gpu::trainer device;
  cluster made = hanami_test::picture_cluster();
  const auto samples = table_for(made, 600);
  const auto before = saved(made);
  device.train(made, {{}, {}});
  CHECK((saved(made) == before));
  device.train(made, samples.view());
  hanami_test::train_serially(made, samples);
  device.train(made, samples.view());
  CHECK(made.statistics().samples == 1800);
  CHECK(accuracy(made, samples) > 0.5);
}

TEST_CASE("members of a fleet learn what they learn alone", "[gpu]") {
  gpu::trainer device;
  const auto table = table_for(hanami_test::sensor_cluster(), 400);
  std::vector<cluster> fleet;
  std::vector<std::vector<std::uint32_t>> orders(300);
  for (std::uint32_t m = 0; m < orders.size(); ++m) {
    fleet.push_back(hanami_test::sensor_cluster(m + 1));
    for (std::uint32_t k = 0; k < 200; ++k) {
      orders[m].push_back((k * 7 + m) % 400);
    }
  }
  std::vector<cluster> alone(fleet.begin(), fleet.begin() + 3);
  std::vector<gpu::training_job> members;
  for (std::size_t m = 0; m < fleet.size(); ++m) {
    members.push_back({&fleet[m], orders[m]});
  }
  device.train(members, table.view());
  for (std::size_t m = 0; m < alone.size(); ++m) {
    const gpu::training_job one{&alone[m], orders[m]};
    device.train(std::span(&one, 1), table.view());
    CHECK((saved(alone[m]) == saved(fleet[m])));
  }
}

TEST_CASE("all blocks together learn what the host learns", "[gpu]") {
  gpu::trainer device;
  cluster_settings settings;
  settings.brick_size = 256;
  settings.initial_bricks = 40;
  settings.max_bricks = 40;
  settings.max_steps = 1;
  cluster made(one_hexagon(400, 10, output_kind::softmax, settings));
  const auto samples = table_for(made, 300);
  cluster serial = made;
  hanami_test::train_serially(serial, samples);
  device.train(made, samples.view());
  CHECK(made.statistics().sections == serial.statistics().sections);
  CHECK(std::abs(accuracy(made, samples) - accuracy(serial, samples)) <= 0.02);
}

TEST_CASE("a full pool stops growth on a device, and nothing else", "[gpu]") {
  gpu::trainer device;
  cluster made = hanami_test::picture_cluster();
  hanami_test::train_serially(made, table_for(made, 1));
  made.allow_growth(64 * 32 * sizeof(float));
  const auto report = device.train(made, table_for(made, 500).view());
  CHECK(report.samples == 500);
  CHECK(made.state().growth.growth_denied > 0);
}

TEST_CASE("a device that is not there is an error", "[gpu]") {
  try {
    gpu::cuda_device none(1000);
    FAIL("there is no device 1000");
  } catch (const error& e) {
    CHECK(e.code() == errc::no_device);
  }
}

int main(int count, char** arguments) {
  const bool lists = std::any_of(arguments, arguments + count, [](const char* a) {
    return std::string(a).find("list") != std::string::npos;
  });
  if (!lists && gpu::device_count() == 0) {
    std::puts("skipped: no CUDA device of compute capability 8.0 or newer");
    return skipped;
  }
  return Catch::Session().run(count, arguments);
}
