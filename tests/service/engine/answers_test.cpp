// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <hanami/service/base/json.hpp>

#include "service/support/engine_fixture.hpp"
#include "support/scratch_folder.hpp"

using namespace engine_test;
using engine::task_kind;
using store::task_state;

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
