// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "service/support/engine_fixture.hpp"

/// New datasets from parts of one.

using namespace engine_test;
using store::task_state;

namespace {

std::string add_rows(const engine_fixture& fixture, std::uint64_t rows) {
  return fixture.add_data({{"number", 1}, {"pair", 2}, {"half", 1}}, rows,
                          [](std::uint64_t row, std::span<float> values) {
                            const auto x = static_cast<float>(row);
                            values[0] = x;
                            values[1] = x + 0.25F;
                            values[2] = x + 0.5F;
                            values[3] = x / 2;
                          });
}

engine::task_plan plan_of(const std::string& data, std::vector<double> shares) {
  engine::task_plan plan;
  plan.name = "split";
  plan.dataset_id = data;
  for (const double share : shares) {
    plan.parts.push_back({"part " + std::to_string(plan.parts.size()), share});
  }
  return plan;
}

std::vector<std::string> made_by(const engine_fixture& fixture, const engine::task_plan& plan) {
  const auto ended = fixture.wait_end(fixture->split_dataset(fixture.ann, plan).row.id).row;
  INFO(ended.error);
  REQUIRE(ended.state == task_state::finished);
  std::vector<std::string> ids;
  const auto outcome = service::json::parse(ended.outcome);
  for (const auto& id : outcome.at("dataset_ids").as_array()) {
    ids.emplace_back(id.as_string());
  }
  return ids;
}

} // namespace

TEST_CASE("a dataset is split into shares of its rows, in order or dealt at random", "[service]") {
  const bool random = GENERATE(false, true);
  const scratch_folder folder;
  engine_fixture fixture(folder.path, random);
  const std::string data = add_rows(fixture, 30'000);
  auto plan = plan_of(data, {0.7, 0.2, 0.1});
  if (random) {
    plan.seed = 7;
  }
  const auto ids = made_by(fixture, plan);
  REQUIRE(ids.size() == 3);
  std::set<float> seen;
  for (std::size_t part = 0; part < 3; ++part) {
    const auto layout = fixture.data->layout(fixture.ann, ids[part]);
    const double rows = static_cast<double>(layout.rows);
    CHECK(rows == Approx(plan.parts[part].share * 30'000).epsilon(random ? 0.05 : 1e-4));
    CHECK(layout.columns.size() == 3);
    CHECK(layout.column("half").statistics->known == layout.rows);
    CHECK(fixture.data->get(fixture.ann, ids[part]).name == plan.parts[part].name);
    const auto values = fixture.values_of(ids[part]);
    for (std::size_t i = 0; i < values.size(); i += 4) {
      REQUIRE(seen.insert(values[i]).second);
      REQUIRE(values[i + 2] == values[i] + 0.5F);
      REQUIRE(values[i + 3] == values[i] / 2);
    }
  }
  CHECK(seen.size() == 30'000);
  const auto again = made_by(fixture, plan); // the same rows for the same seed
  CHECK(fixture.values_of(again[1]) == fixture.values_of(ids[1]));
  if (random) {
    plan.seed = 8;
    CHECK(fixture.values_of(made_by(fixture, plan)[1]) != fixture.values_of(ids[1]));
  } else {
    CHECK(fixture.values_of(ids[1])[0] == 21'000);
  }
}

TEST_CASE("columns are left out, and classes stay with theirs", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string data = add_rows(fixture, 100);
  auto plan = plan_of(data, {1.0});
  plan.columns = {"half", "pair"};
  const auto ids = made_by(fixture, plan);
  const auto layout = fixture.data->layout(fixture.ann, ids.at(0));
  CHECK(layout.rows == 100);
  CHECK(layout.width == 3);
  CHECK(layout.column("half").first == 0);
  CHECK(layout.column("pair").last == 3);
  const auto values = fixture.values_of(ids[0]);
  CHECK(std::vector<float>(values.begin() + 30, values.begin() + 33) ==
        std::vector<float>{5, 10.25F, 10.5F});
}

TEST_CASE("a split that makes no sense is refused", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false, [](auto& config) { config.quota.datasets = 4; });
  const std::string data = add_rows(fixture, 10);
  const auto refused = [&](engine::task_plan plan, const service::identity& who) {
    return refusal_of([&] { fixture->split_dataset(who, std::move(plan)); });
  };
  const auto wrong = refusal_code::invalid_value;
  CHECK(refused(plan_of(data, {0.6, 0.6}), fixture.ann) == wrong);
  CHECK(refused(plan_of(data, {0.0}), fixture.ann) == wrong);
  CHECK(refused(plan_of(data, {0.001, 0.9}), fixture.ann) == wrong); // no row for the first
  CHECK(refused(plan_of(data, {0.25, 0.25, 0.25, 0.25}), fixture.ann) ==
        refusal_code::quota_exceeded);
  CHECK(refused(plan_of(data, {1.0}), fixture.eve) == refusal_code::not_found);
  auto plan = plan_of(data, {1.0});
  plan.columns = {"half", "half"};
  CHECK(refused(plan, fixture.ann) == wrong);
  plan.columns = {"quarter"};
  CHECK(refused(plan, fixture.ann) == refusal_code::not_found);
  CHECK(fixture->list_tasks(fixture.ann, {}, {}).total == 0);
}

TEST_CASE("a split goes on where the service was stopped, and its dataset stays until then",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string data = add_rows(fixture, 200'000);
  const std::string task = fixture->split_dataset(fixture.ann, plan_of(data, {0.5, 0.5})).row.id;
  fixture->end_imports();
  if (fixture->task(fixture.ann, task).row.ended_at == 0) {
    CHECK(refusal_of([&] { fixture.data->remove(fixture.ann, data); }) == refusal_code::conflict);
  }
  fixture.open_again();
  const auto ended = fixture.wait_end(task).row;
  INFO(ended.error);
  CHECK(ended.state == task_state::finished);
  CHECK(fixture.resources->used_by("anna").datasets == 3);
  fixture.data->remove(fixture.ann, data);
}
