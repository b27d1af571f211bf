// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <hanami/service/data/agreement.hpp>

#include "service/support/engine_fixture.hpp"

/// Tables whose columns hold classes: how tasks learn them, speak of them, and refuse them.

using namespace engine_test;
using engine::task_kind;
using store::task_state;

namespace {

/// Three measurements and one of four colours in; one of three kinds, and a level, out.
const char* const flowers = R"(version: 1
hexagons:
    1..3, 1, 1
inputs:
    features:
        target: 1, 1, 1
        number_of_inputs: 3
outputs:
    kind:
        target: 3, 1, 1
        number_of_outputs: 4
        kind: softmax
    level:
        target: 3, 1, 1
        number_of_outputs: 1
        kind: linear
)";

using names = std::vector<std::string>;

/// Rows of "length", "width", "colour", "kind" and "level"; the classes are numbered as given.
std::string add_flowers(const engine_fixture& fixture, const names& colours, const names& kinds,
                        std::uint64_t rows = 900) {
  service::data::data_layout layout;
  layout.rows = rows;
  layout.columns = {{"length", 0, 1},
                    {"width", 1, 2},
                    {"colour", 2, 3, colours},
                    {"kind", 3, 4, kinds},
                    {"level", 4, 5}};
  layout.width = 5;
  const std::string id = service::new_uuid();
  service::data::data_writer writer(fixture.data->path_of(id), layout, fixture.data->key());
  const names true_kinds = {"lily", "rose", "tulip"};
  const names true_colours = {"blue", "red", "white"};
  const auto number = [](const names& of, const std::string& name) {
    return static_cast<float>(std::find(of.begin(), of.end(), name) - of.begin());
  };
  for (std::uint64_t i = 0; i < rows; ++i) {
    const std::size_t kind = i * 7 % 3;
    const std::size_t colour = i * 5 % 9 < 3 ? kind : i % 3;
    const auto noise = static_cast<float>(i % 11) * 0.1F;
    writer.write(std::vector<float>{static_cast<float>(kind) * 5 + noise,
                                    10 - static_cast<float>(kind * 3) + noise,
                                    number(colours, true_colours[colour]),
                                    number(kinds, true_kinds[kind]), static_cast<float>(kind)});
  }
  writer.finish();
  return fixture.data->adopt(fixture.ann, id, "flowers", service::visibility::owner_only).id;
}

engine::task_plan flower_plan(task_kind kind, const std::string& cluster, const std::string& data) {
  engine::task_plan plan;
  plan.kind = kind;
  plan.name = "flowers";
  plan.cluster_id = cluster;
  plan.inputs = {{"features", data, {"length", "width", "colour"}}};
  if (kind == task_kind::request) {
    plan.results = {{"kind", "kind"}};
    plan.answers = engine::answer_form::classes;
  } else {
    plan.outputs = {{"level", data, {"level"}}, {"kind", data, {}}};
  }
  if (kind == task_kind::train) {
    plan.epochs = 3;
  }
  return plan;
}

service::json::value outputs_of(const engine::task_view& view) {
  INFO(view.row.error);
  REQUIRE(view.row.state == task_state::finished);
  return service::json::parse(view.row.outcome).at("outputs");
}

const names colours_here = {"red", "white", "blue"};
const names kinds_here = {"tulip", "lily", "rose"};

} // namespace

TEST_CASE("columns of a table train a classifier, and tasks speak of its classes", "[service]") {
  const bool encrypted = GENERATE(false, true);
  const scratch_folder folder;
  engine_fixture fixture(folder.path, encrypted);
  const std::string id = fixture.create(flowers);
  const std::string data = add_flowers(fixture, colours_here, kinds_here);
  const auto trained = fixture.run(flower_plan(task_kind::train, id, data));
  INFO(trained.row.error);
  REQUIRE(trained.row.state == task_state::finished);
  CHECK(fixture.cluster(id).shape().outputs[0].classes.at(0) == kinds_here);
  CHECK(fixture.cluster(id).shape().inputs[0].classes.at(2) == colours_here);
  fixture.open_again();

  // A table whose classes come in another order, one of them unheard of.
  const std::string other =
      add_flowers(fixture, {"blue", "red", "white"}, {"rose", "thistle", "lily", "tulip"}, 300);
  const auto found = outputs_of(fixture.run(flower_plan(task_kind::evaluate, id, other)));
  const auto& kind = found.at("kind");
  INFO(service::json::serialize(kind));
  CHECK(kind.at("accuracy").to_number<double>() > 0.95);
  CHECK(kind.at("classes").as_array().size() == 3);
  std::int64_t support = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto& one = kind.at("classes").at(i);
    CHECK(one.at("name").as_string() == kinds_here[i]);
    CHECK(one.at("precision").to_number<double>() > 0.9);
    CHECK(one.at("recall").to_number<double>() > 0.9);
    CHECK(one.at("f1").to_number<double>() > 0.9);
    CHECK(kind.at("confusion").at(i).at(i).to_number<int>() > 90);
    support += one.at("support").to_number<std::int64_t>();
  }
  CHECK(support == 300);
  CHECK(found.at("level").at("values").to_number<int>() == 300);
  CHECK(found.at("level").as_object().if_contains("accuracy") == nullptr);

  const auto asked = fixture.run(flower_plan(task_kind::request, id, other));
  INFO(asked.row.error);
  REQUIRE(asked.row.state == task_state::finished);
  const auto answers = fixture.data->open(asked.row.id);
  const auto& column = answers->layout().column("kind");
  CHECK(column.classes == names{"tulip", "lily", "rose", "unnamed 3"});
  const auto truth = fixture.data->open(other);
  CHECK(service::data::agreement(*answers, column, *truth, truth->layout().column("kind")) ==
        Approx(kind.at("accuracy").to_number<double>()));
}

TEST_CASE("what a cluster has learned from classes is the same in any order of them", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string first = fixture.create(flowers);
  const std::string second = fixture.create(flowers);
  const std::string begun = add_flowers(fixture, colours_here, kinds_here, 30);
  const std::string same = add_flowers(fixture, colours_here, kinds_here);
  const std::string turned =
      add_flowers(fixture, {"white", "blue", "red"}, {"rose", "tulip", "lily"});
  for (const std::string& id : {first, second}) {
    fixture.run(flower_plan(task_kind::train, id, begun));
  }
  fixture.run(flower_plan(task_kind::train, first, same));
  fixture.run(flower_plan(task_kind::train, second, turned));
  CHECK(fixture.state_of(first) == fixture.state_of(second));
}

TEST_CASE("a new class takes a free value of the output, and no more than there are", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create(flowers);
  fixture.run(flower_plan(task_kind::train, id, add_flowers(fixture, colours_here, kinds_here)));
  const std::string more =
      add_flowers(fixture, colours_here, {"rose", "lily", "tulip", "thistle"}, 50);
  REQUIRE(fixture.run(flower_plan(task_kind::train, id, more)).row.error.empty());
  CHECK(fixture.cluster(id).shape().outputs[0].classes.at(0) ==
        names{"tulip", "lily", "rose", "thistle"});
  const std::string too_many =
      add_flowers(fixture, colours_here, {"rose", "lily", "tulip", "daisy"}, 50);
  try {
    fixture->start_task(fixture.ann, flower_plan(task_kind::train, id, too_many));
    FAIL("five classes for four values");
  } catch (const service::refusal& why) {
    CHECK(why.faults.at(0).pointer == "/outputs/1/columns/0");
    CHECK_THAT(why.what(), Catch::Contains("4 values for 5 classes") && Catch::Contains("'daisy'"));
  }
}

TEST_CASE("classes go with a checkpoint to the cluster that is restored from it", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create(flowers);
  const std::string data = add_flowers(fixture, colours_here, kinds_here);
  fixture.run(flower_plan(task_kind::train, id, data));
  const auto saved = fixture.run(fixture.plan(task_kind::save, id)).row.id;
  const std::string other = fixture.create();
  auto restore = fixture.plan(task_kind::restore, other);
  restore.checkpoint_id = saved;
  REQUIRE(fixture.run(restore).row.error.empty());
  const auto expect = [&] {
    CHECK(fixture.cluster(other).shape().outputs[0].classes.at(0) == kinds_here);
    CHECK(fixture.cluster(other).shape().inputs[0].classes.at(2) == colours_here);
  };
  expect();
  fixture.open_again();
  expect();
  const auto evaluated = outputs_of(fixture.run(flower_plan(task_kind::evaluate, other, data)));
  CHECK(evaluated.at("kind").at("accuracy").to_number<double>() > 0.9);
}

TEST_CASE("links that cannot be meant are refused with what would be right", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create(flowers);
  const std::string data = add_flowers(fixture, colours_here, kinds_here, 50);
  const auto expect = [&](task_kind kind, const std::string& pointer, const std::string& words,
                          const std::function<void(engine::task_plan&)>& change) {
    auto plan = flower_plan(kind, id, data);
    change(plan);
    try {
      fixture->start_task(fixture.ann, plan);
      FAIL("taken: " + words);
    } catch (const service::refusal& why) {
      INFO(why.what());
      CHECK(why.code() == refusal_code::invalid_value);
      REQUIRE(why.faults.size() == 1);
      CHECK(why.faults[0].pointer == pointer);
      CHECK_THAT(why.what(), Catch::Contains(words));
    }
  };
  const auto train = task_kind::train;
  expect(train, "/inputs/0/columns/1", "it has 'width', ",
         [](auto& p) { p.inputs[0].columns[1] = "Widht"; });
  expect(train, "/inputs/0", "'features' has 3 values; the columns have 2 a row, in 1 row(s)",
         [](auto& p) { p.inputs[0].columns.pop_back(); });
  expect(train, "/inputs/0", "in 2 row(s)", [](auto& p) { p.window = 2; });
  expect(train, "/outputs/0/columns/0", "'level' is a linear output; classes are for a softmax",
         [](auto& p) { p.outputs[0].columns = {"kind"}; });
  expect(train, "/outputs/1/columns/1", "classes stand alone", [](auto& p) {
    p.outputs[1].columns = {"level", "kind"};
  });
  expect(train, "/outputs/1", "among `classes`", [](auto& p) { p.outputs[1].columns = {"level"}; });
  // Before training, the cluster knows no names.
  expect(task_kind::evaluate, "/inputs/0/columns/2", "has learned from no classes", [](auto&) {});
  expect(task_kind::evaluate, "/outputs/1/columns/0", "knows no names of classes",
         [](auto& p) { p.inputs[0].columns[2] = "level"; });
  expect(task_kind::request, "/results/0/output", "a single value", [](auto& p) {
    p.inputs[0].columns[2] = "level";
    p.results[0].buffer = "level";
  });
  fixture.run(flower_plan(train, id, data));
  expect(train, "/inputs/0/columns/2", "holds numbers; the cluster has learned from classes here",
         [](auto& p) { p.inputs[0].columns[2] = "level"; });
}

TEST_CASE("a task that waited for one that told of classes knows them", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create(flowers);
  const std::string data = add_flowers(fixture, colours_here, kinds_here);
  const std::string turned =
      add_flowers(fixture, {"white", "blue", "red"}, {"rose", "tulip", "lily"});
  auto train = flower_plan(task_kind::train, id, data);
  const auto first = fixture->start_task(fixture.ann, train).row.id;
  train = flower_plan(task_kind::train, id, turned);
  const auto second = fixture->start_task(fixture.ann, train).row.id;
  REQUIRE(fixture.wait_end(first).row.error.empty());
  REQUIRE(fixture.wait_end(second).row.error.empty());
  CHECK(fixture.cluster(id).shape().outputs[0].classes.at(0) == kinds_here);
  const auto found = outputs_of(fixture.run(flower_plan(task_kind::evaluate, id, turned)));
  CHECK(found.at("kind").at("accuracy").to_number<double>() > 0.95);
}

TEST_CASE("training on classes goes on to the bit after the process was killed", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create(flowers);
  const std::string plain = fixture.create(flowers);
  const std::string data = add_flowers(fixture, colours_here, kinds_here);
  auto plan = flower_plan(task_kind::train, id, data);
  plan.epochs = 60;
  const auto task = fixture->start_task(fixture.ann, plan).row.id;
  fixture.wait(task, [](const engine::task_view& view) { return view.row.done > 200; });
  fixture.open_again();
  REQUIRE(fixture.wait_end(task).row.error.empty());
  plan.cluster_id = plain;
  REQUIRE(fixture.run(plan).row.error.empty());
  CHECK(fixture.state_of(id) == fixture.state_of(plain));
}
