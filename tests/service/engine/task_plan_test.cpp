// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/service/engine/task/task_plan.hpp>
#include <hanami/service/store/tables.hpp>
#include <hanami/service/store/tasks.hpp>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::engine;

TEST_CASE("a task's plan comes back from the database as it was", "[service]") {
  task_plan plan;
  plan.name = "name \"with\" quotes";
  plan.cluster_id = "c";
  plan.inputs = {{"in", "d1", {"column", "more"}, {{}, {"red", "blue"}}}, {"other", "d2"}};
  plan.outputs = {{"out", "d1", {"target"}}};
  plan.results = {{"out", "result", ""}, {"more", "another", "d3"}};
  plan.answers = answer_form::classes;
  plan.epochs = 1'000'000;
  plan.window = 25;
  plan.horizon = 3;
  plan.anneal = false;
  plan.checkpoint_id = "cp";
  plan.project_id = "p";
  plan.upload_id = "u";
  plan.becomes = "b";
  plan.dataset_id = "d";
  plan.append = {"e", "f"};
  plan.columns = {"a", "b"};
  plan.derived = {{"c", data::column_rule::divide, "a", "b"},
                  {"d", data::column_rule::lag, "a", "", 9}};
  plan.parts = {{"n", 0.25, "p1"}, {"m", 0.5, "p2"}};
  plan.seed = 7;
  for (const auto kind :
       {task_kind::train, task_kind::request, task_kind::evaluate, task_kind::save,
        task_kind::restore, task_kind::import, task_kind::derive}) {
    plan.kind = kind;
    const std::string text = json::serialize(to_json(plan));
    INFO(text);
    const task_plan back = task_plan_from(json::parse(text).as_object());
    CHECK(back.kind == kind);
    CHECK(json::serialize(to_json(back)) == text);
    const bool samples =
        kind == task_kind::train || kind == task_kind::request || kind == task_kind::evaluate;
    CHECK(back.inputs.size() == (samples ? 2 : 0));
    CHECK((text.find("epochs") != std::string::npos) == (kind == task_kind::train));
    if (samples) {
      CHECK(back.inputs[0].columns == plan.inputs[0].columns);
      CHECK(back.inputs[0].classes == plan.inputs[0].classes);
      CHECK(back.inputs[1].dataset_id == "d2");
    }
  }
}

TEST_CASE("a stored plan that cannot be one is refused", "[service]") {
  for (const char* text :
       {"{}", R"({"kind":"dance"})", R"({"kind":7})",
        R"({"kind":"train","name":"n","cluster_id":"c","inputs":[1],"outputs":[],"results":[]})"}) {
    INFO(text);
    CHECK_THROWS_AS(task_plan_from(json::parse(text).as_object()), error);
  }
}

TEST_CASE("plans of the first databases are read after their migration", "[service]") {
  const scratch_folder folder;
  store::database db(folder.path / "database");
  store::tasks tasks(db);
  const auto migrated = [&](const std::string& text) {
    store::task_row row;
    row.plan = text;
    row = tasks.add(row, 100);
    db.write([](store::connection& on) { on.run_script(store::migrations[3]); });
    return task_plan_from(json::parse(tasks.find(row.id)->plan).as_object());
  };
  const std::string rest = R"("name":"n","cluster_id":"c","epochs":7,"window":2,"horizon":1,)"
                           R"("anneal":false,"checkpoint_id":"","project_id":"p")";
  const task_plan train = migrated(
      R"({"kind":"train","inputs":[{"input":"x","dataset_id":"d","column":"a"},)"
      R"({"input":"z","dataset_id":"e","column":""}],"outputs":[{"output":"y","dataset_id":"d",)"
      R"("column":"b"}],"results":[],"winners":false,)" +
      rest + '}');
  REQUIRE(train.inputs.size() == 2);
  CHECK(train.inputs[0].buffer == "x");
  CHECK(train.inputs[0].columns == std::vector<std::string>{"a"});
  CHECK(train.inputs[1].dataset_id == "e");
  CHECK(train.inputs[1].columns.empty());
  CHECK(train.outputs.at(0).columns == std::vector<std::string>{"b"});
  CHECK(train.epochs == 7);
  const task_plan request = migrated(
      R"({"kind":"request","inputs":[{"input":"x","dataset_id":"d","column":"a"}],"outputs":[],)"
      R"("results":[{"output":"y","name":"r","dataset_id":""}],"winners":true,)" +
      rest + '}');
  CHECK(request.answers == answer_form::winners);
  CHECK(request.results.at(0).name == "r");
}
