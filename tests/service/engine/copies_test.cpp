// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "service/support/engine_fixture.hpp"

/// Clusters as a whole: copied, from checkpoints, begun anew, changed in how they learn, and what
/// lists show of them.

using namespace engine_test;
using engine::task_kind;
using store::task_state;

namespace {

void teach(const engine_fixture& fixture, const std::string& id, std::size_t first,
           std::size_t count) {
  for (std::size_t i = first; i < first + count; ++i) {
    fixture.train(id, sample_of(i));
  }
}

/// What a kill would leave: the files of now.
void kill(engine_fixture& fixture) {
  const auto clusters = fixture.folder / "data" / "clusters";
  const auto killed = fixture.folder / "killed";
  std::filesystem::remove_all(killed);
  std::filesystem::copy(clusters, killed, std::filesystem::copy_options::recursive);
  fixture.close();
  std::filesystem::remove_all(clusters);
  std::filesystem::rename(killed, clusters);
  fixture.open();
}

service::json::value summary(const engine_fixture& fixture, const std::string& id) {
  return fixture->summaries({id}).at(0);
}

void wait_until_at_rest(const engine_fixture& fixture, const std::string& id) {
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (fixture->find_cluster(id) && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  REQUIRE_FALSE(fixture->find_cluster(id));
}

} // namespace

TEST_CASE("a clone knows what its cluster knew, and both go their own ways", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  teach(fixture, id, 0, 200);
  const auto before = fixture.state_of(id);
  const std::string copy = fixture->clone(fixture.ann, id, "a copy").id;
  CHECK(fixture.state_of(copy) == before);
  teach(fixture, copy, 200, 50);
  CHECK(fixture.state_of(id) == before);
  teach(fixture, id, 200, 50);
  CHECK(fixture.state_of(id) == fixture.state_of(copy));
  CHECK(refusal_of([&] { fixture->clone(fixture.ann, id, "a copy"); }) == refusal_code::conflict);
  CHECK(refusal_of([&] { fixture->clone(fixture.eve, id, "stolen"); }) == refusal_code::not_found);
  fixture.open_again();
  CHECK(fixture.state_of(id) == fixture.state_of(copy));
}

TEST_CASE("a clone knows the classes of its cluster", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const auto copied = [&] { return fixture->clone(fixture.ann, id, service::new_uuid()).id; };
  CHECK(fixture.cluster(copied()).shape().output("class")->classes.empty());
}

TEST_CASE("a cluster is made from a checkpoint, by who may use it", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  teach(fixture, id, 0, 100);
  const std::string saved = fixture.run(fixture.plan(task_kind::save, id)).row.id;
  teach(fixture, id, 100, 10);
  const std::string made = fixture->create_from_checkpoint(fixture.ann, "from it", saved).id;
  CHECK(fixture.state_of(made) == fixture.checkpoint(saved));
  CHECK(refusal_of([&] { fixture->create_from_checkpoint(fixture.eve, "x", saved); }) ==
        refusal_code::not_found);
  CHECK(refusal_of([&] { fixture->create_from_checkpoint(fixture.ann, "x", id); }) ==
        refusal_code::not_found);
}

TEST_CASE("a cluster that is reset is as if it had never learned, also after a kill", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const auto fresh = fixture.state_of(id);
  teach(fixture, id, 0, 300);
  REQUIRE(fixture.state_of(id) != fresh);
  fixture->reset(fixture.ann, id);
  CHECK(fixture.state_of(id) == fresh);
  kill(fixture);
  CHECK(fixture.state_of(id) == fresh);
  fixture->reset(fixture.ann, id);
  teach(fixture, id, 0, 20);
  const auto again = fixture.state_of(id);
  kill(fixture);
  CHECK(fixture.state_of(id) == again);
  CHECK(refusal_of([&] { fixture->reset(fixture.eve, id); }) == refusal_code::not_found);
}

TEST_CASE("a cluster learns differently from now on, also after a kill", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string other = fixture.create();
  teach(fixture, id, 0, 100);
  teach(fixture, other, 0, 100);
  const auto faster = [](hanami::learning_options& o) { o.learning_rate = 0.2; };
  CHECK(fixture->change_learning(fixture.ann, id, faster).learning_rate == 0.2);
  teach(fixture, id, 100, 100);
  teach(fixture, other, 100, 100);
  const auto learned = fixture.state_of(id);
  CHECK(learned != fixture.state_of(other));
  kill(fixture);
  CHECK(fixture->learning(fixture.cluster(id)).learning_rate == 0.2);
  CHECK(fixture.state_of(id) == learned);
  const auto refused = [&](const service::identity& who, double rate) {
    return refusal_of([&] {
      fixture->change_learning(who, id,
                               [&](hanami::learning_options& o) { o.learning_rate = rate; });
    });
  };
  CHECK(refused(fixture.ann, -1) == refusal_code::invalid_value);
  CHECK(refused(fixture.eve, 1) == refusal_code::not_found);
  CHECK(fixture->learning(fixture.cluster(id)).learning_rate == 0.2);
}

TEST_CASE("a cluster with tasks is neither reset nor changed", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  auto plan = fixture.plan(task_kind::train, id, fixture.add_samples(1000));
  plan.epochs = 10'000;
  const std::string task = fixture->start_task(fixture.ann, plan).row.id;
  CHECK(refusal_of([&] { fixture->reset(fixture.ann, id); }) == refusal_code::conflict);
  CHECK(refusal_of([&] { fixture->change_learning(fixture.ann, id, [](auto&) {}); }) ==
        refusal_code::conflict);
  CHECK(summary(fixture, id).at("state").as_string() == "working");
  fixture->abort(fixture.ann, task);
  fixture.wait_end(task);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (summary(fixture, id).at("state").as_string() == "working" &&
         std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CHECK_FALSE(refusal_of([&] { fixture->reset(fixture.ann, id); }));
}

TEST_CASE("lists know clusters that are not in memory", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false,
                         [](auto& config) { config.engine.idle_time = std::chrono::seconds(1); });
  const std::string id = fixture.create();
  const auto fresh = summary(fixture, id);
  CHECK(fresh.at("state").as_string() == "at_rest");
  CHECK(fresh.at("samples").to_number<int>() == 0);
  CHECK(fresh.at("used_at").to_number<std::int64_t>() == 0);
  CHECK(fresh.at("outputs").at(1).at("kind").as_string() == "softmax");
  teach(fixture, id, 0, 30);
  const auto used = summary(fixture, id);
  CHECK(used.at("state").as_string() == "in_memory");
  CHECK(used.at("samples").to_number<int>() == 30);
  CHECK(used.at("used_at").to_number<std::int64_t>() > 0);
  wait_until_at_rest(fixture, id);
  const auto rest = summary(fixture, id);
  CHECK(rest.at("state").as_string() == "at_rest");
  CHECK(rest.at("samples").to_number<int>() == 30);
  CHECK(rest.at("used_at").to_number<std::int64_t>() > 0);
  CHECK_FALSE(fixture->find_cluster(id)); // asking has not brought it back
  fixture.open_again();
  CHECK(summary(fixture, id).at("samples").to_number<int>() == 30);
  CHECK(fixture->summaries({service::new_uuid()}).at(0).is_null());
}
