// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "service/support/comes.hpp"
#include "service/support/engine_fixture.hpp"

using namespace engine_test;
using engine::task_kind;
using store::task_state;

using service_test::comes;

namespace {

/// Grows with what it is trained on, up to a few MiB.
const char* const growing = R"(version: 1
settings:
    brick_size: 64
hexagons:
    1..6, 1, 1
inputs:
    a:
        target: 1, 1, 1
        number_of_inputs: 64
outputs:
    b:
        target: 6, 1, 1
        number_of_outputs: 4
        kind: softmax
)";

sample growing_sample(std::size_t i) {
  sample s{std::vector<float>(64), std::vector<float>(4)};
  for (std::size_t k = 0; k < s.input.size(); ++k) {
    s.input[k] = static_cast<float>((i * 31 + k * 17) % 23);
  }
  s.target[i % 4] = 1;
  return s;
}

std::string growing_data(const engine_fixture& fixture, std::uint64_t rows) {
  return fixture.add_data({{"a", 64}, {"b", 4}}, rows, [](std::uint64_t row, std::span<float> v) {
    const sample s = growing_sample(row);
    std::copy(s.input.begin(), s.input.end(), v.begin());
    std::copy(s.target.begin(), s.target.end(), v.begin() + 64);
  });
}

engine::task_plan training(const std::string& cluster, const std::string& data) {
  engine::task_plan p;
  p.kind = task_kind::train;
  p.name = "training";
  p.cluster_id = cluster;
  p.inputs = {{"a", data}};
  p.outputs = {{"b", data}};
  p.epochs = 3;
  return p;
}

} // namespace

TEST_CASE("a cluster that nobody uses leaves memory, and comes back as it was", "[service]") {
  const scratch_folder folder;
  const bool encrypted = GENERATE(false, true);
  const engine_fixture fixture(folder.path, encrypted, [](service::server_config& config) {
    config.engine.idle_time = std::chrono::seconds(1);
  });
  const std::string id = fixture.create();
  const engine::cluster_handle held = fixture.cluster(id);
  for (std::size_t i = 0; i < 60; ++i) {
    fixture.train(id, sample_of(i));
  }
  const auto before = fixture.infer(id, sample_of(7).input);
  const auto state = fixture.state_of(id);
  REQUIRE(comes([&] { return fixture->statistics().left == 1; }));
  CHECK(fixture->statistics().clusters == 0);
  CHECK_FALSE(held.is_in_memory());
  CHECK_FALSE(fixture->find_cluster(id));
  CHECK(fixture->memory_of("anna") == 0);

  // One that was looked up before brings it back as well as one that is looked up now.
  std::promise<std::vector<float>> promise;
  fixture->infer(held, "anna", sample_of(7).input,
                 [&](std::span<const float> answer, const std::exception_ptr& e) {
                   e ? promise.set_exception(e) : promise.set_value({answer.begin(), answer.end()});
                 });
  CHECK(promise.get_future().get() == before);
  CHECK(fixture->statistics().clusters == 1);
  CHECK(fixture->memory_of("anna") > 0);
  CHECK((fixture.state_of(id) == state));
  CHECK(fixture->statistics(held).samples == 60);
}

TEST_CASE("clusters leave and come back while all of them are used, and learn the same",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false,
                         [](service::server_config& config) { config.engine.threads = 1; });
  constexpr std::size_t rounds = 8;
  const std::string alone = fixture.create();
  for (std::size_t i = 0; i < rounds; ++i) {
    fixture.train(alone, sample_of(i));
  }
  const auto first = fixture.state_of(alone);
  const std::size_t one = fixture->statistics(fixture.cluster(alone)).bytes;
  fixture.close();
  fixture.config.engine.memory_budget = 32 * one;
  fixture.open();
  constexpr std::size_t count = 50;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < count; ++i) {
    ids.push_back(fixture.create());
  }
  std::vector<std::thread> users;
  for (std::size_t user = 0; user < 2; ++user) {
    users.emplace_back([&fixture, &ids, user] {
      for (std::size_t i = 0; i < rounds; ++i) {
        for (std::size_t k = user; k < count; k += 2) {
          fixture.train(ids[k], sample_of(i));
        }
      }
    });
  }
  for (std::thread& each : users) {
    each.join();
  }
  const auto seen = fixture->statistics();
  CHECK(seen.bytes <= 32 * one);
  CHECK(seen.left > count);
  CHECK(seen.refused_for_memory == 0);
  std::size_t same = 0;
  for (std::size_t k = 0; k < count; ++k) {
    CHECK(fixture->statistics(fixture.cluster(ids[k])).samples == rounds);
    if (k % 5 == 0) {
      const auto state = fixture.state_of(ids[k]);
      const bool equal = state == first;
      // who grew before others had left was refused first, and notes that
      CHECK((equal || hanami::from_checkpoint<>(state).state().growth.growth_denied > 0));
      same += equal ? 1U : 0U;
    }
  }
  CHECK(same > 0);
}

TEST_CASE("who finds no memory beside clusters in use hears no_memory, and the others go on",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false, [](service::server_config& config) {
    config.engine.cluster_memory = 150'000; // which all of them soon have
  });
  const std::string data = growing_data(fixture, 400);
  const std::string first = fixture->create(fixture.ann, "first", growing).id;
  const std::string second = fixture->create(fixture.ann, "second", growing).id;
  const std::size_t fresh = fixture->statistics(fixture.cluster(second)).bytes;
  auto endless = training(first, data);
  endless.epochs = 1'000'000;
  const std::string long_one = fixture->start_task(fixture.ann, endless).row.id;
  REQUIRE(comes([&] { return fixture->task(fixture.ann, long_one).row.done > 4000; }));
  const std::size_t grown = fixture->statistics(fixture.cluster(first)).bytes;
  REQUIRE(grown > 130'000);
  fixture.close();
  fixture.config.engine.memory_budget = grown + fresh + 15'000; // not enough for a brick
  fixture.open();

  const auto view = fixture.run(training(second, data));
  CHECK(view.row.state == task_state::failed);
  CHECK_THAT(view.row.error, Catch::Matchers::StartsWith("no_memory: "));
  CHECK(view.row.done < view.row.total);
  CHECK(fixture->is_short_of_memory());
  CHECK(fixture->statistics().refused_for_memory > 0);

  // One at a time it is no better, as long as the first one works.
  bool refused = false;
  for (std::size_t i = 0; i < 400 && !refused; ++i) {
    refused =
        refusal_of([&] { fixture.train(second, growing_sample(i)); }) == refusal_code::no_memory;
  }
  CHECK(refused);
  CHECK(fixture->task(fixture.ann, long_one).row.state == task_state::active);

  fixture->abort(fixture.ann, long_one);
  REQUIRE(
      comes([&] { return fixture->task(fixture.ann, long_one).row.state == task_state::aborted; }));
  fixture.train(second, growing_sample(1)); // the first one leaves for it
  CHECK_FALSE(fixture->find_cluster(first));
}

TEST_CASE("a cluster is neither made nor brought back where those in use take all memory",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string idle = fixture->create(fixture.ann, "idle", growing).id;
  const std::string busy = fixture->create(fixture.ann, "busy", growing).id;
  const std::size_t one = fixture->statistics(fixture.cluster(busy)).bytes;
  const std::string data = growing_data(fixture, 4);
  fixture.close();
  fixture.config.engine.memory_budget = one + one / 2;
  fixture.open();
  auto endless = training(busy, data);
  endless.epochs = 1'000'000;
  const std::string task = fixture->start_task(fixture.ann, endless).row.id;
  CHECK(refusal_of([&] { fixture.cluster(idle); }) == refusal_code::no_memory);
  CHECK(refusal_of([&] { fixture->create(fixture.ann, "third", growing); }) ==
        refusal_code::no_memory);
  CHECK(refusal_of([&] { fixture->start_task(fixture.ann, training(idle, data)); }) ==
        refusal_code::no_memory);
  fixture->abort(fixture.ann, task);
  CHECK(fixture.cluster(idle));
  CHECK_NOTHROW(fixture->create(fixture.ann, "third", growing));
}

TEST_CASE("the memory of a user has a quota, within which its own clusters make room",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string first = fixture->create(fixture.ann, "first", growing).id;
  const std::string second = fixture->create(fixture.ann, "second", growing).id;
  const std::string other = fixture->create(fixture.bob, "of bert", growing).id;
  const std::size_t one = fixture->statistics(fixture.cluster(first)).bytes;
  const std::string data = growing_data(fixture, 4);
  fixture.close();
  fixture.config.quota.memory = one + one / 2;
  fixture.open();
  CHECK(fixture.cluster(other));
  CHECK(fixture.cluster(first));
  CHECK(fixture.cluster(second));
  CHECK_FALSE(fixture->find_cluster(first)); // it has left for the second
  CHECK(fixture->find_cluster(other));
  CHECK(fixture->memory_of("anna") <= fixture.config.quota.memory);

  auto endless = training(second, data);
  endless.epochs = 1'000'000;
  fixture->start_task(fixture.ann, endless);
  CHECK(refusal_of([&] { fixture.cluster(first); }) == refusal_code::quota_exceeded);
  CHECK_FALSE(fixture->is_short_of_memory()); // it is not the service that lacks it
}

TEST_CASE("the files of clusters are counted, shown and within the quota", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false, [](service::server_config& config) {
    config.engine.journal_bytes = 1 << 20;
  });
  const auto row = fixture->create(fixture.ann, "counted", growing);
  const auto on_disk = [&] {
    std::uint64_t sum = 0;
    for (const auto& each :
         std::filesystem::directory_iterator(fixture.config.data / "clusters" / row.id)) {
      sum += each.file_size();
    }
    return sum;
  };
  const auto shown = [&] {
    return fixture.resources->get(fixture.ann, store::resource_kind::cluster, row.id);
  };
  CHECK(row.bytes == on_disk());
  CHECK(shown().bytes == on_disk());
  CHECK(fixture.resources->used_by("anna").bytes == row.bytes);
  for (std::size_t i = 0; i < 200; ++i) {
    fixture.train(row.id, growing_sample(i));
  }
  fixture->snapshot_all();
  CHECK(shown().bytes == on_disk());
  CHECK(shown().bytes > row.bytes);
  CHECK(shown().version == row.version); // nobody has changed it

  fixture.config.quota.bytes = shown().bytes - 1;
  CHECK(refusal_of([&] { fixture->create(fixture.ann, "one more", growing); }) ==
        refusal_code::quota_exceeded);
  fixture.train(row.id, growing_sample(1));
  fixture->snapshot_all(); // it is seen then
  CHECK(refusal_of([&] { fixture.train(row.id, growing_sample(2)); }) ==
        refusal_code::quota_exceeded);
  CHECK_NOTHROW(fixture.infer(row.id, growing_sample(2).input));
  fixture.config.quota.bytes *= 2;
  CHECK(comes([&] {
    return refusal_of([&] { fixture.train(row.id, growing_sample(2)); }) !=
           refusal_code::quota_exceeded;
  }));
}
