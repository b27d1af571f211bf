// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/base/uuid.hpp>
#include <hanami/template/parser.hpp>

#include "service/support/engine_fixture.hpp"
#include "support/scratch_folder.hpp"

using namespace engine_test;
using engine::task_kind;
using service_test::missing;
using service_test::wrong;

TEST_CASE("a cluster of the service answers and becomes what it would alone", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const auto cluster = fixture.cluster(id);
  const auto* shape = &cluster.shape();
  REQUIRE(shape->input_size == 3);
  REQUIRE(shape->output("class")->first == 1);
  REQUIRE(shape->input("c") == nullptr);

  hanami::cluster alone = fresh_cluster();
  for (std::size_t i = 0; i < 300; ++i) {
    const sample s = sample_of(i);
    const auto expected = alone.train(std::span<const float>(s.input), s.target);
    REQUIRE(fixture.train(id, s).loss == expected.loss);
    REQUIRE(fixture.infer(id, s.input) == alone.infer(s.input));
  }
  CHECK(fixture.state_of(id) == hanami::to_checkpoint(alone));
  CHECK(fixture->statistics(fixture.cluster(id)).samples == 300);
  CHECK(hanami::parse_template(fixture->template_text(fixture.cluster(id))).inputs.size() == 2);
  CHECK(fixture->picture(fixture.cluster(id), "svg").find("<svg") != std::string::npos);
  CHECK(fixture->picture(fixture.cluster(id), "dot").find("digraph") != std::string::npos);
  CHECK(refusal_of([&] { fixture->picture(fixture.cluster(id), "png"); }) == wrong);

  const auto statistics = fixture->statistics();
  CHECK(statistics.clusters == 1);
  CHECK(statistics.trained == 300);
  CHECK(statistics.answered == 300);
  const auto users = fixture->work_by_user();
  REQUIRE(users.size() == 1);
  CHECK(users[0].user_id == "anna");
  CHECK(users[0].trained == 300);
  CHECK(users[0].cpu_seconds > 0);
}

TEST_CASE("an answer comes from after all that was trained before it", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  hanami::cluster alone = fresh_cluster();
  constexpr std::size_t samples = 2000;
  std::vector<std::vector<float>> answers(samples);
  std::atomic<std::size_t> heard{0};
  for (std::size_t i = 0; i < samples; ++i) { // without waiting
    const sample s = sample_of(i);
    fixture->train(fixture.cluster(id), "anna", s.input, s.target,
                   [](const auto&, const std::exception_ptr&) {});
    fixture->infer(fixture.cluster(id), "anna", s.input,
                   [&, i](std::span<const float> a, const std::exception_ptr&) {
                     answers[i].assign(a.begin(), a.end());
                     ++heard;
                   });
  }
  fixture->statistics(fixture.cluster(id)); // comes after all of them
  REQUIRE(heard == samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const sample s = sample_of(i);
    learn(alone, s);
    REQUIRE(answers[i] == alone.infer(s.input));
  }
}

TEST_CASE("wrong samples are refused and change nothing", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const auto before = fixture.state_of(id);
  const float infinite = std::numeric_limits<float>::infinity();
  CHECK(refusal_of([&] { fixture.infer(id, {1, 2}); }) == wrong);
  CHECK(refusal_of([&] { fixture.infer(id, {1, 2, 3, 4}); }) == wrong);
  CHECK(refusal_of([&] { fixture.infer(id, {1, 2, infinite}); }) == wrong);
  CHECK(refusal_of([&] { fixture.train(id, {{1, 2}, {0, 0, 0, 1}}); }) == wrong);
  CHECK(refusal_of([&] { fixture.train(id, {{1, 2, 3}, {0}}); }) == wrong);
  CHECK(refusal_of([&] { fixture.train(id, {{1, infinite, 3}, {0, 1, 0, 0}}); }) == wrong);
  CHECK(refusal_of([&] { fixture.train(id, {{1, 2, 3}, {0, 0, 0, 0}}); }) == wrong); // no class
  CHECK(refusal_of([&] { fixture.train(id, {{1, 2, 3}, {0, 1, 1, 0}}); }) == wrong); // two classes
  CHECK(fixture.state_of(id) == before);
  for (const std::string& unknown : {service::new_uuid(), std::string(), std::string("../../etc"),
                                     std::string(100000, 'x'), std::string("a\0b", 3)}) {
    CHECK(refusal_of([&] { fixture.infer(unknown, {1, 2, 3}); }) == missing);
    CHECK(refusal_of([&] { fixture.cluster(unknown); }) == missing);
  }
}

TEST_CASE("a cluster is made from a template, within its name, quota and memory", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const auto smallest = fixture->create(fixture.ann, "smallest", "");
  CHECK(smallest.detail ==
        R"({"inputs":[{"name":"input","size":1}],"outputs":[{"name":"output","size":1}]})");
  fixture.train(smallest.id, {{1}, {2}});

  CHECK(refusal_of([&] { fixture->create(fixture.ann, "smallest", ""); }) ==
        refusal_code::conflict);
  fixture->create(fixture.eve, "smallest", ""); // another project
  fixture->create(fixture.ann, "small", "");    // a part of another name

  try {
    fixture->create(fixture.ann, "broken", "version: 1\nhexagons:\n    1,1\n");
    FAIL("a broken template was taken");
  } catch (const service::refusal& e) {
    CHECK(e.code() == refusal_code::invalid_template);
    CHECK_THAT(e.what(), Catch::Contains("line 4") || Catch::Contains("4:"));
  }
  hanami::learning_options options;
  options.learning_rate = -1;
  CHECK(refusal_of([&] { fixture->create(fixture.ann, "rate", "", {}, options); }) == wrong);

  fixture.config.engine.cluster_memory = 1 << 20;
  const std::string wide = "version: 1\nhexagons:\n 1..3,1,1\ninputs:\n i:\n target: 1,1,1\n "
                           "number_of_inputs: 1000000\noutputs:\n o:\n target: 3,1,1\n "
                           "number_of_outputs: 1 kind: sigmoid\n";
  CHECK(refusal_of([&] { fixture->create(fixture.ann, "wide", wide); }) == wrong);
  const auto limited = fixture->create(fixture.ann, "limited", two_by_two);
  CHECK(hanami::parse_template(fixture->template_text(fixture.cluster(limited.id)))
            .settings.memory_limit == 1 << 20);

  fixture.config.quota.clusters = 3;
  CHECK(refusal_of([&] { fixture->create(fixture.ann, "fourth", ""); }) ==
        refusal_code::quota_exceeded);
  const auto clusters = std::filesystem::directory_iterator(fixture.config.data / "clusters");
  CHECK(std::distance(clusters, {}) == 4); // nothing is left of those that were refused
}

TEST_CASE("a cluster is removed with all that it does", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(1000);
  auto endless = fixture.plan(task_kind::train, id, data);
  endless.epochs = 1'000'000;
  const auto task = fixture->start_task(fixture.ann, endless).row.id;
  fixture->start_task(fixture.ann, fixture.plan(task_kind::save, id));
  fixture.wait(task, [](const engine::task_view& v) { return v.row.done > 0; });
  std::atomic<int> heard{0};
  std::atomic<int> others{0};
  for (int i = 0; i < 2000; ++i) {
    fixture->infer(
        fixture.cluster(id), "anna", sample_of(1).input, [&](auto, const std::exception_ptr& e) {
          ++heard;
          others += e && refusal_of([&] { std::rethrow_exception(e); }) != missing ? 1 : 0;
        });
  }
  fixture->remove(fixture.ann, id);
  CHECK(heard == 2000);
  CHECK(others == 0);
  CHECK(refusal_of([&] { fixture.infer(id, {1, 2, 3}); }) == missing);
  CHECK(refusal_of([&] { fixture->task(fixture.ann, task); }) == missing);
  CHECK(refusal_of([&] { fixture->remove(fixture.ann, id); }) == missing);
  CHECK(fixture->statistics().clusters == 0);
  CHECK(fixture->statistics().tasks_open == 0);
  CHECK(std::filesystem::is_empty(fixture.config.data / "clusters"));
  fixture.data->remove(fixture.ann, data);
}

TEST_CASE("many clusters serve many threads at once", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  fixture.config.engine.snapshot_interval = std::chrono::seconds(0); // all the time
  const std::string data = fixture.add_samples(100);
  std::vector<std::string> ids;
  for (int i = 0; i < 6; ++i) {
    ids.push_back(fixture.create());
  }
  std::atomic<int> troubles{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 3; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < 60; ++i) {
        try { // each thread trains two clusters and asks all
          fixture.train(ids[2 * t + i % 2], sample_of(i / 2));
          fixture.infer(ids[i % 6], sample_of(i).input);
          if (i % 20 == 0) {
            fixture->statistics();
            fixture->start_task(fixture.ann, fixture.plan(task_kind::evaluate, ids[i % 6], data));
            fixture.run(fixture.plan(task_kind::request, ids[2 * t], data));
            fixture->snapshot_all();
          }
        } catch (...) {
          ++troubles;
        }
      }
    });
  }
  for (auto& t : threads) {
    t.join();
  }
  CHECK(troubles == 0);
  fixture.open_again();
  hanami::cluster alone = fresh_cluster();
  for (std::size_t i = 0; i < 30; ++i) {
    learn(alone, sample_of(i));
  }
  for (const std::string& id : ids) {
    CHECK(fixture.state_of(id) == hanami::to_checkpoint(alone));
  }
}
