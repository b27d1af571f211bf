// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include <hanami/foundation/error.hpp>
#include <hanami/io/write_file.hpp>
#include <hanami/template/parser.hpp>

#include <catch2/catch.hpp>

#include "service/support/engine_fixture.hpp"

using namespace engine_test;
using engine::task_kind;
using store::task_state;

namespace {

constexpr auto missing = refusal_code::not_found;
constexpr auto forbidden = refusal_code::forbidden;
constexpr auto wrong = refusal_code::invalid_value;

hanami::cluster fresh_cluster() { return hanami::cluster(hanami::parse_template(two_by_two)); }

void learn(hanami::cluster& net, const sample& s) {
  net.train(std::span<const float>(s.input), s.target);
}

/// What a cluster of `two_by_two` is that a task has trained, with direct samples before it.
std::vector<std::byte> trained_alone(std::size_t direct, std::size_t rows, std::uint32_t epochs,
                                     bool anneal = true) {
  hanami::cluster net = fresh_cluster();
  for (std::size_t i = 0; i < direct; ++i) {
    learn(net, sample_of(i));
  }
  if (anneal) {
    net.start_task(rows * epochs);
  }
  for (std::size_t i = 0; i < rows * epochs; ++i) {
    learn(net, sample_of(i % rows));
  }
  if (anneal) {
    net.start_task(0);
  }
  return hanami::to_checkpoint(net);
}

} // namespace

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

TEST_CASE("a training task makes what the same samples would make alone", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string data = fixture.add_samples(500);
  const bool anneal = GENERATE(true, false);
  const std::string id = fixture.create();
  for (std::size_t i = 0; i < 5; ++i) {
    fixture.train(id, sample_of(i));
  }
  auto plan = fixture.plan(task_kind::train, id, data);
  plan.epochs = 3;
  plan.anneal = anneal;
  const auto view = fixture.run(plan);
  CHECK(view.row.state == task_state::finished);
  CHECK(view.row.total == 1500);
  CHECK(view.row.done == 1500);
  CHECK(view.row.started_at >= view.row.queued_at);
  const auto outcome = service::json::parse(view.row.outcome);
  CHECK(outcome.at("samples").to_number<int>() == 1500);
  CHECK(outcome.at("refused").to_number<int>() == 0);
  CHECK(fixture.state_of(id) == trained_alone(5, 500, 3, anneal));
}

TEST_CASE("windows and horizon take the rows that they say", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const auto fill = [](std::uint64_t row, std::span<float> v) {
    v[0] = static_cast<float>(row * row % 31);
    v[1] = static_cast<float>(row);
  };
  const std::string data = fixture.add_data({{"x", 1}, {"y", 1}}, 40, fill);
  const std::string longer = fixture.add_data({{"x", 1}, {"y", 1}}, 100, fill);
  const std::string text = "version: 1\nhexagons:\n 1..3,1,1\ninputs:\n x:\n target: 1,1,1\n "
                           "number_of_inputs: 4\noutputs:\n y:\n target: 3,1,1\n "
                           "number_of_outputs: 1\n kind: linear\n";
  const std::string id = fixture.create(text);
  auto plan = fixture.plan(task_kind::train, id);
  plan.window = 4;
  plan.horizon = 2;
  plan.anneal = false;
  plan.inputs = {{"x", longer}};
  plan.outputs = {{"y", data}};
  plan.kind = task_kind::train;
  const auto view = fixture.run(plan);
  REQUIRE(view.row.error.empty());
  CHECK(view.row.total == 40 - 4 - 2 + 1); // the shorter one counts

  hanami::cluster alone(hanami::parse_template(text));
  std::vector<float> row(2);
  for (std::uint64_t i = 0; i < 35; ++i) {
    sample s{{}, {}};
    for (std::uint64_t k = i; k < i + 4; ++k) {
      fill(k, row);
      s.input.push_back(row[0]);
    }
    fill(i + 3 + 2, row);
    s.target = {row[1]};
    learn(alone, s);
  }
  CHECK(fixture.state_of(id) == hanami::to_checkpoint(alone));
}

TEST_CASE("a request keeps several outputs, raw or as winners", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(200);
  fixture.run(fixture.plan(task_kind::train, id, data));
  const auto before = fixture.state_of(id);
  const hanami::cluster alone = hanami::from_checkpoint(before);

  auto plan = fixture.plan(task_kind::request, id, data);
  const bool winners = GENERATE(false, true);
  plan.answers = winners ? engine::answer_form::winners : engine::answer_form::values;
  const auto view = fixture.run(plan);
  REQUIRE(view.row.error.empty());
  const auto outcome = service::json::parse(view.row.outcome);
  const std::string levels(outcome.at("datasets").at("level").as_string());
  const std::string classes(outcome.at("datasets").at("class").as_string());
  CHECK(levels == view.row.id);
  CHECK(classes != levels);
  CHECK(fixture.data->get(fixture.ann, classes).name == "classes");
  CHECK(fixture.data->layout(fixture.ann, classes).column("classes").width() == 3);
  const auto level = fixture.values_of(levels);
  const auto chosen = fixture.values_of(classes);
  REQUIRE(level.size() == 200);
  REQUIRE(chosen.size() == 600);
  for (std::size_t i = 0; i < 200; ++i) {
    const auto answer = alone.infer(sample_of(i).input);
    const auto best = std::max_element(answer.begin() + 1, answer.end()) - answer.begin() - 1;
    REQUIRE(level[i] == (winners ? 1.0F : answer[0]));
    for (std::size_t k = 0; k < 3; ++k) {
      const float winner = static_cast<std::ptrdiff_t>(k) == best ? 1.0F : 0.0F;
      REQUIRE(chosen[3 * i + k] == (winners ? winner : answer[1 + k]));
    }
  }
  CHECK(fixture.state_of(id) == before); // asking has changed nothing
}

TEST_CASE("an evaluation counts what agrees and how far the rest is off", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(150);
  fixture.run(fixture.plan(task_kind::train, id, data));
  const hanami::cluster alone = hanami::from_checkpoint(fixture.state_of(id));
  double absolute = 0;
  double squared = 0;
  int agreed = 0;
  for (std::size_t i = 0; i < 150; ++i) {
    const sample s = sample_of(i);
    const auto answer = alone.infer(s.input);
    const double off = std::abs(static_cast<double>(answer[0]) - static_cast<double>(s.target[0]));
    absolute += off;
    squared += off * off;
    agreed += std::max_element(answer.begin() + 1, answer.end()) - answer.begin() ==
                      std::max_element(s.target.begin() + 1, s.target.end()) - s.target.begin()
                  ? 1
                  : 0;
  }
  const auto view = fixture.run(fixture.plan(task_kind::evaluate, id, data));
  REQUIRE(view.row.error.empty());
  const auto outcome = service::json::parse(view.row.outcome);
  CHECK(outcome.at("samples").to_number<int>() == 150);
  const auto& level = outcome.at("outputs").at("level");
  CHECK(level.at("mean_absolute_error").as_double() == Approx(absolute / 150));
  CHECK(level.at("root_mean_square_error").as_double() == Approx(std::sqrt(squared / 150)));
  CHECK(level.as_object().if_contains("accuracy") == nullptr);
  CHECK(outcome.at("outputs").at("class").at("accuracy").as_double() == Approx(agreed / 150.0));
}

TEST_CASE("a checkpoint is saved, restored elsewhere and survives its cluster", "[service]") {
  const bool encrypted = GENERATE(false, true);
  const scratch_folder folder;
  engine_fixture fixture(folder.path, encrypted);
  const std::string id = fixture.create();
  fixture.run(fixture.plan(task_kind::train, id, fixture.add_samples(100)));
  const auto saved = fixture.run(fixture.plan(task_kind::save, id));
  REQUIRE(saved.row.state == task_state::finished);
  const auto bytes = fixture.checkpoint(saved.row.id);
  fixture->remove(fixture.ann, id);

  const std::string other = fixture.create(""); // of another shape
  auto plan = fixture.plan(task_kind::restore, other);
  plan.checkpoint_id = saved.row.id;
  REQUIRE(fixture.run(plan).row.error.empty());
  CHECK(fixture.cluster(other).shape().input_size == 3);
  CHECK(fixture.state_of(other) == bytes);
  fixture.train(other, sample_of(1));
  CHECK(refusal_of([&] { fixture.train(other, {{1}, {1}}); }) == wrong);
  hanami::cluster alone = hanami::from_checkpoint(bytes);
  learn(alone, sample_of(1));
  fixture.open_again();
  CHECK(fixture.state_of(other) == hanami::to_checkpoint(alone));
  CHECK(fixture.resources->find(store::resource_kind::cluster, other)->detail.find("level") !=
        std::string::npos);
  fixture->remove_checkpoint(fixture.ann, saved.row.id);
  CHECK(refusal_of([&] { fixture->open_checkpoint(fixture.ann, saved.row.id); }) == missing);
}

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

TEST_CASE("a request beyond the quota leaves nothing behind", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(50);
  service::quota limits;
  limits.datasets = 2;
  fixture.accounts->create_user({"anna", "Anna", "a long password", false}, "test");
  fixture.accounts->set_quota("anna", limits);
  const auto plan = fixture.plan(task_kind::request, id, data);
  CHECK(refusal_of([&] { fixture->start_task(fixture.ann, plan); }) ==
        refusal_code::quota_exceeded);
  limits.datasets = 3;
  limits.bytes = fixture.resources->used_by("anna").bytes + 600; // for one of both
  fixture.accounts->set_quota("anna", limits);
  const auto view = fixture.run(plan);
  CHECK(view.row.state == task_state::failed);
  CHECK(fixture.resources->used_by("anna").datasets == 1);
  CHECK(std::distance(std::filesystem::directory_iterator(fixture.config.data / "datasets"), {}) ==
        1);
  limits.open_tasks = 0;
  fixture.accounts->set_quota("anna", limits);
  CHECK(refusal_of([&] { fixture->start_task(fixture.ann, fixture.plan(task_kind::save, id)); }) ==
        refusal_code::quota_exceeded);
  CHECK(fixture->statistics().tasks_open == 0);
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

TEST_CASE("an uploaded checkpoint is looked at before it is one", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const auto send = [&](std::span<const std::byte> bytes) {
    const std::uint64_t size = bytes.size();
    const auto u = fixture.data->begin(fixture.ann, service::data::upload_format::checkpoint,
                                       "trained", {&size, 1});
    fixture.data->write(fixture.ann, u.parts[0].id, 0, bytes);
    return u.row.id;
  };
  hanami::cluster alone = fresh_cluster();
  for (std::size_t i = 0; i < 20; ++i) {
    learn(alone, sample_of(i));
  }
  const auto good = hanami::to_checkpoint(alone, {{"key", "value"}});
  const auto id = fixture.import(fixture.ann, send(good));
  CHECK(fixture.resources->find(store::resource_kind::checkpoint, id)->name == "trained");
  CHECK(fixture.checkpoint(id) == good);

  fixture.config.engine.cluster_memory = 1 << 20; // the rest of it stays as it is
  const auto limited = fixture.import(fixture.ann, send(good));
  const auto net = hanami::from_checkpoint(fixture.checkpoint(limited));
  CHECK(net.cluster_template().settings.memory_limit == 1 << 20);
  CHECK(net.infer(sample_of(3).input) == alone.infer(sample_of(3).input));

  auto damaged = good;
  damaged[good.size() / 2] ^= std::byte{1};
  const auto damaged_upload = send(damaged);
  CHECK(refusal_of([&] { fixture.import(fixture.eve, damaged_upload); }) == missing);
  CHECK(refusal_of([&] { fixture.import(fixture.ann, damaged_upload); }) ==
        refusal_code::invalid_checkpoint);
  CHECK(fixture.data->progress(fixture.ann, damaged_upload).complete()); // it can be mended
  CHECK(refusal_of([&] { fixture.import(fixture.ann, send(std::vector<std::byte>(5))); }) ==
        refusal_code::invalid_checkpoint);
  fixture.config.engine.cluster_memory = 1000;
  CHECK(refusal_of([&] { fixture.import(fixture.ann, send(good)); }) == refusal_code::too_large);
  CHECK(fixture.resources->used_by("anna").checkpoints == 2);
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
