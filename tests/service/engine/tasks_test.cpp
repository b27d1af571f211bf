// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <hanami/io/file.hpp>
#include <hanami/io/write_file.hpp>
#include <hanami/service/base/json.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/base/uuid.hpp>

#include "service/support/engine_fixture.hpp"
#include "support/scratch_folder.hpp"

using namespace engine_test;
using engine::task_kind;
using service_test::forbidden;
using service_test::missing;
using store::task_state;

TEST_CASE("what a task cannot do is said before it begins", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(10);
  const auto pointer_of = [&](const std::function<void(engine::task_plan&)>& change,
                              task_kind kind = task_kind::train) {
    auto plan = fixture.plan(kind, id, data);
    change(plan);
    try {
      fixture->start_task(fixture.ann, plan);
    } catch (const service::refusal& e) {
      REQUIRE(e.code() == refusal_code::invalid_value);
      REQUIRE(e.faults.size() == 1);
      return e.faults[0].pointer;
    }
    return std::string("none");
  };
  CHECK(pointer_of([](auto& p) { p.inputs.pop_back(); }) == "/inputs");
  CHECK(pointer_of([](auto& p) { p.inputs[1].buffer = "a"; }) == "/inputs/1/input");
  CHECK(pointer_of([](auto& p) { p.inputs[1].buffer = "c"; }) == "/inputs/1/input");
  CHECK(pointer_of([](auto& p) { p.inputs[1].columns = {"c"}; }) == "/inputs/1/columns/0");
  CHECK(pointer_of([](auto& p) { p.inputs[1].columns = {"a"}; }) == "/inputs/1");
  CHECK(pointer_of([](auto& p) { p.outputs.clear(); }) == "/outputs");
  CHECK(pointer_of([](auto& p) { p.outputs[0].columns = {"class"}; }) == "/outputs/0");
  CHECK(pointer_of([](auto& p) { p.window = 2; }) == "/inputs/0");
  CHECK(pointer_of([](auto& p) { p.window = 0; }) == "/window");
  CHECK(pointer_of([](auto& p) { p.epochs = 0; }) == "/epochs");
  CHECK(pointer_of([](auto& p) { p.horizon = 10; }) == "/inputs");
  CHECK(pointer_of([](auto& p) { p.horizon = 1'000'001; }) == "/horizon");
  CHECK(pointer_of([](auto& p) { p.results.clear(); }, task_kind::request) == "/results");
  CHECK(pointer_of([](auto& p) { p.results[1].buffer = "level"; }, task_kind::request) ==
        "/results/1/output");
  CHECK(pointer_of([](auto& p) { p.results[1].buffer = "a"; }, task_kind::request) ==
        "/results/1/output");
  CHECK(pointer_of([](auto& p) { p.results[0].name = ""; }, task_kind::request) ==
        "/results/0/name");
  CHECK(fixture->list_tasks(fixture.ann, id, {}).total == 0);

  auto plan = fixture.plan(task_kind::train, id, "../../etc/passwd");
  CHECK(refusal_of([&] { fixture->start_task(fixture.ann, plan); }) == missing);
  plan = fixture.plan(task_kind::restore, id);
  plan.checkpoint_id = service::new_uuid();
  CHECK(refusal_of([&] { fixture->start_task(fixture.ann, plan); }) == missing);
}

TEST_CASE("who may not use a cluster learns nothing of it", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(10);
  const auto plan = fixture.plan(task_kind::train, id, data);
  const auto task = fixture.run(plan).row.id;
  const auto saved = fixture.run(fixture.plan(task_kind::save, id)).row.id;
  for (const auto& who : {fixture.bob, fixture.eve}) {
    CHECK(refusal_of([&] { fixture->start_task(who, plan); }) == missing);
    CHECK(refusal_of([&] { fixture->task(who, task); }) == missing);
    CHECK(refusal_of([&] { fixture->abort(who, task); }) == missing);
    CHECK(refusal_of([&] { fixture->remove_task(who, task); }) == missing);
    CHECK(refusal_of([&] { fixture->list_tasks(who, id, {}); }) == missing);
    CHECK(fixture->list_tasks(who, {}, {}).rows.empty());
    CHECK(refusal_of([&] { fixture->remove(who, id); }) == missing);
    CHECK(refusal_of([&] { fixture->open_checkpoint(who, saved); }) == missing);
    CHECK(refusal_of([&] { fixture->remove_checkpoint(who, saved); }) == missing);
  }
  // One who may use it, but not change it, sees the own tasks alone.
  fixture.resources->change(fixture.ann, store::resource_kind::cluster, id,
                            {{}, service::visibility::project});
  CHECK(refusal_of([&] { fixture->start_task(fixture.bob, plan); }) == forbidden);
  CHECK(refusal_of([&] { fixture->remove(fixture.bob, id); }) == forbidden);
  auto save = fixture.plan(task_kind::save, id);
  const auto bobs = fixture->start_task(fixture.bob, save).row.id;
  fixture.wait_end(bobs);
  CHECK(fixture->list_tasks(fixture.bob, id, {}).rows.size() == 1);
  CHECK(refusal_of([&] { fixture->task(fixture.bob, task); }) == missing);
  CHECK(fixture.resources->find(store::resource_kind::checkpoint, bobs)->owner_id == "bert");
  CHECK(fixture->list_tasks(fixture.ann, id, {}).rows.size() == 3);
  // Another's dataset cannot be used.
  const std::string own = fixture->create(fixture.bob, "own", two_by_two).id;
  CHECK(refusal_of([&] {
          fixture->start_task(fixture.bob, fixture.plan(task_kind::train, own, data));
        }) == missing);
}

TEST_CASE("a task is aborted while it runs, and one that waits before it does", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(1000);
  auto endless = fixture.plan(task_kind::train, id, data);
  endless.epochs = 1'000'000;
  const auto first = fixture->start_task(fixture.ann, endless).row.id;
  const auto second = fixture->start_task(fixture.ann, endless).row.id;
  const auto third = fixture->start_task(fixture.ann, fixture.plan(task_kind::save, id)).row.id;
  const auto running =
      fixture.wait(first, [](const engine::task_view& v) { return v.row.done > 100; });
  CHECK(running.row.state == task_state::active);
  CHECK(running.samples_per_second > 0);
  CHECK(running.seconds_left > 0);
  CHECK(fixture->task(fixture.ann, second).row.state == task_state::queued);
  fixture.infer(id, sample_of(0).input); // goes on meanwhile
  CHECK(fixture->statistics().tasks_open == 3);
  CHECK(refusal_of([&] { fixture.data->remove(fixture.ann, data); }) == refusal_code::conflict);

  CHECK(fixture->abort(fixture.ann, second).row.state == task_state::aborted);
  const auto ended = fixture->abort(fixture.ann, first);
  CHECK(ended.row.state == task_state::aborted);
  CHECK(ended.row.done > 100);
  CHECK(ended.row.done < ended.row.total);
  CHECK(fixture.wait_end(third).row.state == task_state::finished);
  CHECK(fixture->abort(fixture.ann, third).row.state == task_state::finished); // stays as it is
  fixture.data->remove(fixture.ann, data);

  // What was learned stays.
  hanami::cluster alone = fresh_cluster();
  alone.start_task(ended.row.total);
  for (std::uint64_t i = 0; i < ended.row.done; ++i) {
    learn(alone, sample_of(i % 1000));
  }
  alone.start_task(0);
  CHECK(fixture.checkpoint(third) == hanami::to_checkpoint(alone));

  fixture->remove_task(fixture.ann, first);
  CHECK(refusal_of([&] { fixture->task(fixture.ann, first); }) == missing);
  CHECK(fixture->list_tasks(fixture.ann, {}, {}).rows.size() == 2);
}

TEST_CASE("a task that runs is removed at once", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  auto endless = fixture.plan(task_kind::train, id, fixture.add_samples(100));
  endless.epochs = 1'000'000;
  const auto task = fixture->start_task(fixture.ann, endless).row.id;
  fixture->remove_task(fixture.ann, task);
  CHECK(refusal_of([&] { fixture->task(fixture.ann, task); }) == missing);
  CHECK(fixture->statistics().tasks_open == 0);
  fixture.train(id, sample_of(1));
}

TEST_CASE("a task fails with its reason, and the cluster goes on", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(20000);
  const auto file = fixture.data->path_of(data);
  auto bytes = hanami::read_file(file, std::size_t{1} << 30);
  bytes[bytes.size() * 3 / 4] ^= 1;
  hanami::write_file(file, std::as_bytes(std::span(bytes)));
  const auto view = fixture.run(fixture.plan(task_kind::train, id, data));
  CHECK(view.row.state == task_state::failed);
  CHECK(!view.row.error.empty());
  CHECK(view.row.error.find(folder.path.string()) == std::string::npos);
  CHECK(view.row.done > 0);
  CHECK(view.row.done < 20000);
  // Annealing has ended with it.
  hanami::cluster alone = fresh_cluster();
  alone.start_task(20000);
  for (std::uint64_t i = 0; i < view.row.done; ++i) {
    learn(alone, sample_of(i));
  }
  alone.start_task(0);
  CHECK(fixture.state_of(id) == hanami::to_checkpoint(alone));

  std::filesystem::remove(file);
  auto request = fixture.plan(task_kind::request, id, data);
  CHECK_THROWS(fixture->start_task(fixture.ann, request)); // it cannot even be opened
}

TEST_CASE("samples that a cluster does not take are counted", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const float infinite = std::numeric_limits<float>::infinity();
  const auto some = [&](std::uint64_t every) {
    return fixture.add_data({{"a", 2}, {"b", 1}, {"level", 1}, {"class", 3}}, 30,
                            [&](std::uint64_t row, std::span<float> v) {
                              const sample s = sample_of(row);
                              std::copy(s.input.begin(), s.input.end(), v.begin());
                              std::copy(s.target.begin(), s.target.end(), v.begin() + 3);
                              v[0] = row % every == 0 ? infinite : v[0];
                            });
  };
  const auto view = fixture.run(fixture.plan(task_kind::train, id, some(3)));
  CHECK(view.row.state == task_state::finished);
  const auto outcome = service::json::parse(view.row.outcome);
  CHECK(outcome.at("refused").to_number<int>() == 10);
  CHECK(outcome.at("samples").to_number<int>() == 20);
  CHECK(!outcome.at("first_refusal").as_string().empty());
  const auto none = fixture.run(fixture.plan(task_kind::train, id, some(1)));
  CHECK(none.row.state == task_state::failed);
  const auto asked = fixture.run(fixture.plan(task_kind::request, id, some(3)));
  CHECK(asked.row.state == task_state::finished);
  const auto values = fixture.values_of(asked.row.id);
  CHECK(std::isnan(values[0]));
  CHECK(!std::isnan(values[1]));
}
