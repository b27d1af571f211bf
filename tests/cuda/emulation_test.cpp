// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <hanami/cuda/emulated_device.hpp>
#include <hanami/cuda/trainer.hpp>
#include <hanami/foundation/error.hpp>

#include "cuda_samples.hpp"
#include "threaded_device.hpp"

using namespace hanami;
using hanami_test::device_clusters;
using hanami_test::owned_table;
using hanami_test::saved;
using hanami_test::table_for;

namespace {

using emulated = gpu::basic_trainer<gpu::emulated_device>;

/// What the error says.
template <class Call>
std::string refusal(const Call& call, errc expected) {
  try {
    call();
  } catch (const error& e) {
    CHECK(e.code() == expected);
    return e.what();
  }
  return "nothing was thrown";
}

} // namespace

TEST_CASE("what a device does is bit for bit what the serial executor does", "[cuda]") {
  for (auto& [name, made] : device_clusters()) {
    // Endless streams long enough for averages and for the renewal of silent neurons.
    const std::size_t rows = made.endless() ? 1050 : 400;
    const auto samples = table_for(made, rows);
    cluster serial = made;
    hanami_test::train_serially(serial, samples);
    for (const bool backwards : {false, true}) { // the order of its threads must not matter
      CAPTURE(name, backwards);
      cluster here = made;
      emulated device{gpu::emulated_device(backwards ? 96 : 1000, backwards)};
      const auto report = device.train(here, samples.view());
      CHECK(report.samples == rows);
      CHECK(report.host_samples < rows / 2);
      CHECK((saved(here) == saved(serial)));
      CHECK((here.state().centres.octaves > 0) == (name == "folded"));
    }
  }
}

TEST_CASE("threads of several blocks do the same, whoever of them is faster", "[cuda]") {
  for (auto& [name, made] : device_clusters()) {
    hanami_test::train_serially(
        made, table_for(made, 160)); // dense columns and their spreads are known then
    const auto samples = table_for(made, 25, 2);
    cluster serial = made;
    hanami_test::train_serially(serial, samples);
    CAPTURE(name);
    gpu::basic_trainer device{hanami_test::threaded_device(2, 2)};
    device.train(made, samples.view());
    CHECK((saved(made) == saved(serial)));
  }
}

TEST_CASE("an image holds all of a cluster", "[cuda]") {
  for (auto& [name, made] : device_clusters()) {
    CAPTURE(name);
    hanami_test::train_serially(made, table_for(made, 1200));
    cluster here = made;
    const gpu::image_layout layout(here.state(), 3);
    aligned_vector<std::byte> image(layout.bytes());
    layout.pack(here, image.data());
    layout.unpack(image.data(), here);
    CHECK((saved(here) == saved(made)));

    // What only the image has is not taken from the cluster again.
    cluster fresh = here;
    const gpu::image_view view{image.data(), image.data()};
    view.tile(0)[1] += 1;
    layout.unpack(image.data(), fresh);
    CHECK((saved(fresh) != saved(here)));
    CHECK(fresh.state().tiles.tile(0)[1] == here.state().tiles.tile(0)[1] + 1);
  }
}

TEST_CASE("answers of a device are those of the cluster", "[cuda]") {
  for (auto& [name, made] : device_clusters()) {
    CAPTURE(name);
    hanami_test::train_serially(made, table_for(made, 1100));
    const auto samples = table_for(made, 60, 2);
    emulated device{gpu::emulated_device(64)};
    const auto answers = device.infer(made, samples.inputs);
    workspace<float> ws;
    for (std::size_t k = 0; k < 60; ++k) {
      const auto expected = made.infer(
          std::span(samples.inputs).subspan(k * made.input_size(), made.input_size()), ws);
      REQUIRE(std::vector<float>(expected.begin(), expected.end()) ==
              std::vector<float>(
                  answers.begin() + static_cast<std::ptrdiff_t>(k * made.output_size()),
                  answers.begin() + static_cast<std::ptrdiff_t>((k + 1) * made.output_size())));
    }
  }
}

TEST_CASE("a fleet learns what each of its members would have learned alone", "[cuda]") {
  const auto table = table_for(hanami_test::sensor_cluster(), 400);
  std::vector<cluster> fleet;
  std::vector<std::vector<std::uint32_t>> orders;
  for (std::uint32_t m = 0; m < 5; ++m) {
    fleet.push_back(hanami_test::sensor_cluster(m + 1));
    orders.emplace_back();
    for (std::uint32_t k = 0; k < 200 + 30 * m; ++k) {
      orders.back().push_back((k * 7 + m) % 400);
    }
  }
  std::vector<cluster> alone = fleet;
  std::vector<gpu::training_job> members;
  for (std::size_t m = 0; m < fleet.size(); ++m) {
    members.push_back({&fleet[m], orders[m]});
    for (const std::uint32_t row : orders[m]) {
      alone[m].train(std::span(table.inputs).subspan(row * 16, 16),
                     std::span(table.targets).subspan(row * 3, 3));
    }
  }
  emulated device;
  const auto report = device.train(members, table.view());
  CHECK(report.samples == 200 + 230 + 260 + 290 + 320);
  CHECK(report.launches < 10);
  for (std::size_t m = 0; m < fleet.size(); ++m) {
    CHECK((saved(fleet[m]) == saved(alone[m])));
  }
}

TEST_CASE("streams are trained in parts, while the next part is read", "[cuda]") {
  constexpr std::size_t rows = 70;
  std::vector<cluster> fleet{hanami_test::sensor_cluster(1), hanami_test::sensor_cluster(2)};
  std::vector<cluster> alone = fleet;
  const std::array tables{table_for(fleet[0], 400, 1), table_for(fleet[1], 400, 2)};
  const std::vector<cluster*> members{&fleet[0], &fleet[1]};
  std::size_t read = 0;
  emulated device;
  const auto report =
      device.train_streams(members, rows, [&](std::span<float> inputs, std::span<float> targets) {
        const std::size_t count = std::min(rows, 400 - read);
        for (std::size_t m = 0; m < 2; ++m) {
          std::copy_n(tables[m].inputs.data() + read * 16, count * 16,
                      inputs.data() + m * rows * 16);
          std::copy_n(tables[m].targets.data() + read * 3, count * 3,
                      targets.data() + m * rows * 3);
        }
        read += count;
        return count;
      });
  CHECK(report.samples == 800);
  CHECK(report.host_samples < 2 * 200);
  for (std::size_t m = 0; m < 2; ++m) {
    hanami_test::train_serially(alone[m], tables[m]);
    CHECK((saved(fleet[m]) == saved(alone[m])));
  }
}

TEST_CASE("a memory limit stops growth on a device, and nothing else", "[cuda]") {
  for (auto& [name, made] : device_clusters()) {
    CAPTURE(name);
    const auto samples = table_for(made, 300);
    hanami_test::train_serially(made, table_for(made, 1));
    cluster serial = made;
    cluster here = made;
    const std::size_t tile = made.state().lanes() * sizeof(float);
    for (cluster* c : {&serial, &here}) { // copies hold equally much, the original may hold more
      c->allow_growth(6 * tile * (made.state().averaging() ? 2 : 1));
    }
    hanami_test::train_serially(serial, samples);
    CHECK(serial.state().growth.growth_denied > 0);
    emulated device;
    const auto report = device.train(here, samples.view());
    CHECK(report.samples == 300);
    CHECK((saved(here) == saved(serial)));
  }
}

TEST_CASE("a device notices that a stream has changed", "[cuda]") {
  cluster made = hanami_test::sensor_cluster();
  auto samples = table_for(made, 4200);
  for (std::size_t k = 3600; k < 4200; ++k) {
    std::rotate(samples.targets.begin() + static_cast<std::ptrdiff_t>(3 * k),
                samples.targets.begin() + static_cast<std::ptrdiff_t>(3 * k + 1),
                samples.targets.begin() + static_cast<std::ptrdiff_t>(3 * k + 3));
  }
  cluster serial = made;
  hanami_test::train_serially(serial, samples);
  CHECK(serial.statistics().drifts == 1);
  emulated device;
  device.train(made, samples.view());
  CHECK((saved(made) == saved(serial)));
}

TEST_CASE("bad samples end the training of one member only", "[cuda]") {
  auto table = table_for(hanami_test::sensor_cluster(), 50);
  table.inputs[30 * 16 + 4] = std::numeric_limits<float>::infinity();
  std::vector<cluster> fleet{hanami_test::sensor_cluster(1), hanami_test::sensor_cluster(2)};
  const std::vector<std::uint32_t> bad{1, 2, 3, 30, 4};
  const std::vector<std::uint32_t> good{1, 2, 3, 31, 4};
  const std::vector<gpu::training_job> members{{&fleet[0], bad}, {&fleet[1], good}};
  emulated device;
  const auto why = refusal([&] { device.train(members, table.view()); }, errc::invalid_argument);
  CHECK(why.find("infinit") != std::string::npos);
  CHECK(fleet[0].statistics().samples == 3);
  CHECK(fleet[1].statistics().samples == 5);
  CHECK(refusal([&] { device.infer(fleet[0], table.inputs); }, errc::invalid_argument)
            .find("infinite") != std::string::npos);
}

TEST_CASE("targets that no output can mean end the training before anything is learned of them",
          "[cuda]") {
  const std::vector<std::vector<float>> bad{{0, 0, 0}, {1, 1, 0}, {0.5f, 0.2f, 0.2f}, {2, -1, 0}};
  for (const auto& target : bad) {
    cluster serial = hanami_test::sensor_cluster();
    cluster made = serial;
    auto table = table_for(made, 50);
    hanami_test::train_serially(serial, table_for(made, 30));
    std::copy(target.begin(), target.end(), table.targets.begin() + 30 * 3);
    emulated device;
    const auto why = refusal([&] { device.train(made, table.view()); }, errc::invalid_argument);
    CHECK(why.find("softmax output") != std::string::npos);
    CHECK(made.statistics().samples == 30);
    CHECK((saved(made) == saved(serial)));
  }
}

TEST_CASE("what a device has not, it names", "[cuda]") {
  const auto why = [](cluster c) {
    return refusal([&] { gpu::require_supported(c); }, errc::invalid_argument);
  };
  gpu::require_supported(hanami_test::sensor_cluster());
  CHECK(why(hanami_test::small_cluster()).find("max_steps") != std::string::npos);
  auto spiking = hanami_test::sensor_template();
  spiking.settings.refractory_time = 2;
  CHECK(why(cluster(spiking)).find("spiking") != std::string::npos);
  auto linear = hanami_test::sensor_template();
  linear.outputs[0].kind = output_kind::linear;
  CHECK(why(cluster(linear)).find("linear outputs ('" + linear.outputs[0].name + "')") !=
        std::string::npos);
  learning_options rehearsing;
  rehearsing.rehearsal = 1;
  CHECK(why(cluster(hanami_test::sensor_template(), rehearsing)).find("rehearsal") !=
        std::string::npos);
}

TEST_CASE("tables that do not fit are refused before anything is learned", "[cuda]") {
  cluster c = hanami_test::sensor_cluster();
  const auto table = table_for(c, 5);
  emulated device;
  const auto refused = [&](const owned_table& bad, std::vector<std::uint32_t> order) {
    const gpu::training_job member{&c, order};
    return refusal([&] { device.train(std::span(&member, 1), bad.view()); },
                   errc::invalid_argument);
  };
  owned_table torn = table;
  torn.inputs.pop_back();
  CHECK(refused(torn, {0}).find("whole rows of 16") != std::string::npos);
  owned_table fewer = table;
  fewer.targets.resize(3);
  CHECK(refused(fewer, {0}).find("as many of both") != std::string::npos);
  CHECK(refused(table, {5}).find("the table has 5") != std::string::npos);
  cluster other = hanami_test::picture_cluster();
  const std::vector<cluster*> unlike{&c, &other};
  CHECK(refusal([&] { device.train_streams(unlike, 5, [](auto, auto) { return std::size_t{0}; }); },
                errc::invalid_argument)
            .find("equal samples") != std::string::npos);
  CHECK(c.statistics().samples == 0);
}
