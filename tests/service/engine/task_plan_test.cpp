// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/service/engine/task_plan.hpp>

#include <catch2/catch.hpp>

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::engine;

TEST_CASE("a task's plan comes back from the database as it was", "[service]") {
  task_plan plan;
  plan.kind = task_kind::request;
  plan.name = "name \"with\" quotes";
  plan.cluster_id = "c";
  plan.inputs = {{"in", "d1", "column"}, {"other", "d2", ""}};
  plan.outputs = {{"out", "d1", "target"}};
  plan.results = {{"out", "result", ""}, {"more", "another", "d3"}};
  plan.winners = true;
  plan.epochs = 1'000'000;
  plan.window = 25;
  plan.horizon = 3;
  plan.anneal = false;
  plan.checkpoint_id = "cp";
  plan.project_id = "p";
  const std::string text = json::serialize(to_json(plan));
  const task_plan back = task_plan_from(json::parse(text).as_object());
  CHECK(back.kind == plan.kind);
  CHECK(back.inputs.at(1).dataset_id == "d2");
  CHECK(back.epochs == 1'000'000);
  CHECK(json::serialize(to_json(back)) == text);
  for (const auto kind : {task_kind::train, task_kind::request, task_kind::evaluate,
                          task_kind::save, task_kind::restore}) {
    plan.kind = kind;
    CHECK(task_plan_from(to_json(plan)).kind == kind);
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
