// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <hanami/service/data/derivation.hpp>

#include "service/support/engine_fixture.hpp"

/// New datasets from others.

using namespace engine_test;
using service::data::column_rule;
using store::task_state;

namespace {

std::string add_rows(const engine_fixture& fixture, std::uint64_t rows, float from = 0) {
  return fixture.add_data({{"number", 1}, {"pair", 2}, {"half", 1}}, rows,
                          [from](std::uint64_t row, std::span<float> values) {
                            const float x = from + static_cast<float>(row);
                            values[0] = x;
                            values[1] = x + 0.25F;
                            values[2] = x + 0.5F;
                            values[3] = x / 2;
                          });
}

/// A column of classes, and what is like a row number.
std::string add_classes(const engine_fixture& fixture, const std::vector<std::string>& names,
                        const std::vector<float>& values, bool classes = true) {
  service::data::data_layout layout;
  layout.rows = values.size();
  layout.width = 2;
  layout.columns = {{"kind", 0, 1}, {"n", 1, 2}};
  if (classes) {
    layout.columns[0].classes = names;
  }
  const std::string id = service::new_uuid();
  service::data::data_writer writer(fixture.data->path_of(id), layout, fixture.data->key());
  for (std::size_t i = 0; i < values.size(); ++i) {
    writer.write(std::vector<float>{values[i], static_cast<float>(i)});
  }
  writer.finish();
  return fixture.data->adopt(fixture.ann, id, "data", service::visibility::owner_only).id;
}

engine::task_plan plan_of(const std::string& data, std::vector<double> shares = {1.0}) {
  engine::task_plan plan;
  plan.name = "derive";
  plan.dataset_id = data;
  for (const double share : shares) {
    plan.parts.push_back({"part " + std::to_string(plan.parts.size()), share});
  }
  return plan;
}

std::vector<std::string> made_by(const engine_fixture& fixture, const engine::task_plan& plan) {
  const auto ended = fixture.wait_end(fixture->derive_datasets(fixture.ann, plan).row.id).row;
  INFO(ended.error);
  REQUIRE(ended.state == task_state::finished);
  std::vector<std::string> ids;
  const auto outcome = service::json::parse(ended.outcome);
  for (const auto& id : outcome.at("dataset_ids").as_array()) {
    ids.emplace_back(id.as_string());
  }
  return ids;
}

std::optional<refusal_code> refused(const engine_fixture& fixture, engine::task_plan plan) {
  return refusal_of([&] { fixture->derive_datasets(fixture.ann, std::move(plan)); });
}

} // namespace

TEST_CASE("a dataset is split into shares of its rows, in order or dealt at random", "[service]") {
  const bool random = GENERATE(false, true);
  const scratch_folder folder;
  engine_fixture fixture(folder.path, random);
  const std::string data = add_rows(fixture, 30'001);
  auto plan = plan_of(data, {0.7, 0.2, 0.1});
  if (random) {
    plan.seed = 7;
  }
  const auto ids = made_by(fixture, plan);
  REQUIRE(ids.size() == 3);
  std::set<float> seen;
  const std::vector<std::uint64_t> rows{21'001, 6'000, 3'000};
  for (std::size_t part = 0; part < 3; ++part) {
    const auto layout = fixture.data->layout(fixture.ann, ids[part]);
    CHECK(layout.rows == rows[part]);
    CHECK(layout.columns.size() == 3);
    CHECK(layout.column("half").statistics->known == layout.rows);
    CHECK(fixture.data->get(fixture.ann, ids[part]).name == plan.parts[part].name);
    const auto values = fixture.values_of(ids[part]);
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); i += 4) {
      REQUIRE(seen.insert(values[i]).second);
      REQUIRE(values[i + 2] == values[i] + 0.5F);
      REQUIRE(values[i + 3] == values[i] / 2);
      sum += static_cast<double>(values[i]);
    }
    if (random) { // each part has rows from everywhere
      CHECK(sum / static_cast<double>(rows[part]) == Approx(15'000).epsilon(0.05));
    }
  }
  CHECK(seen.size() == 30'001);
  const auto again = made_by(fixture, plan); // the same rows for the same seed
  CHECK(fixture.values_of(again[1]) == fixture.values_of(ids[1]));
  if (random) {
    plan.seed = 8;
    CHECK(fixture.values_of(made_by(fixture, plan)[1]) != fixture.values_of(ids[1]));
  } else {
    CHECK(fixture.values_of(ids[1])[0] == 21'001);
  }
}

TEST_CASE("columns are left out, and rows beyond all shares", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  auto plan = plan_of(add_rows(fixture, 100), {0.5});
  plan.columns = {"half", "pair"};
  const auto ids = made_by(fixture, plan);
  const auto layout = fixture.data->layout(fixture.ann, ids.at(0));
  CHECK(layout.rows == 50);
  CHECK(layout.width == 3);
  CHECK(layout.column("half").first == 0);
  CHECK(layout.column("pair").last == 3);
  const auto values = fixture.values_of(ids[0]);
  CHECK(std::vector<float>(values.begin() + 30, values.begin() + 33) ==
        std::vector<float>{5, 10.25F, 10.5F});
}

TEST_CASE("columns are computed from others, row by row and from rows before", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  auto plan = plan_of(add_rows(fixture, 40'000), {0.25, 0.75});
  plan.columns = {"number"};
  plan.derived = {{"same", column_rule::copy, "pair"},
                  {"before", column_rule::lag, "pair", "", 30'000},
                  {"step", column_rule::difference, "half", "", 2},
                  {"sum", column_rule::add, "pair", "half"},
                  {"less", column_rule::subtract, "number", "half"},
                  {"area", column_rule::multiply, "pair", "pair"},
                  {"ratio", column_rule::divide, "number", "number"}};
  const auto ids = made_by(fixture, plan);
  auto values = fixture.values_of(ids.at(0));
  const auto rest = fixture.values_of(ids.at(1));
  values.insert(values.end(), rest.begin(), rest.end());
  const auto width = static_cast<std::size_t>(fixture.data->layout(fixture.ann, ids[0]).width);
  REQUIRE(width == 12);
  REQUIRE(values.size() == 40'000 * width);
  for (const std::size_t row : {0UL, 1UL, 2UL, 9999UL, 10000UL, 29999UL, 30000UL, 39999UL}) {
    INFO(row);
    const float* const v = values.data() + row * width;
    const auto x = static_cast<float>(row);
    CHECK(v[0] == x);
    CHECK(v[2] == x + 0.5F);
    if (row < 30'000) {
      CHECK(std::isnan(v[3]));
    } else {
      CHECK(v[3] == x - 30'000 + 0.25F);
    }
    CHECK((row < 2 ? std::isnan(v[5]) : v[5] == 1.0F));
    CHECK(v[6] == x + 0.25F + x / 2);
    CHECK(v[7] == x + 0.5F + x / 2);
    CHECK(v[8] == x / 2);
    CHECK(v[9] == (x + 0.25F) * (x + 0.25F));
    CHECK((row == 0 ? std::isnan(v[11]) : v[11] == 1.0F)); // 0 / 0 is missing
  }
}

TEST_CASE("rows of other datasets follow, their classes by name", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const float missing = std::nanf("");
  const std::string first = add_classes(fixture, {"oak", "elm"}, {0, 1, missing});
  const std::string second = add_classes(fixture, {"ash", "elm"}, {0, 1});
  auto plan = plan_of(first);
  plan.append = {second, first};
  plan.derived = {{"is", column_rule::one_hot, "kind"}, {"was", column_rule::lag, "kind"}};
  const auto ids = made_by(fixture, plan);
  const auto layout = fixture.data->layout(fixture.ann, ids.at(0));
  CHECK(layout.rows == 8);
  CHECK(layout.column("kind").classes == std::vector<std::string>{"oak", "elm", "ash"});
  CHECK(layout.column("kind").statistics->counts == std::vector<std::uint64_t>{2, 3, 1});
  CHECK(layout.column("was").classes.size() == 3);
  REQUIRE(layout.width == 6);
  const auto values = fixture.values_of(ids[0]);
  const std::vector<float> row_3(values.begin() + 18, values.begin() + 24); // "ash"
  CHECK(row_3[0] == 2);
  CHECK(std::vector<float>(row_3.begin() + 2, row_3.begin() + 5) == std::vector<float>{0, 0, 1});
  CHECK(std::isnan(row_3[5])); // the row before is missing
  CHECK(values[24] == 1);
  CHECK(values[24 + 5] == 2);
  CHECK(std::isnan(values[12 + 2])); // of what is missing nothing is known

  const std::string numbers = add_classes(fixture, {}, {0, 1}, false);
  plan.append = {numbers};
  CHECK(refused(fixture, plan) == refusal_code::invalid_value);
  plan.append = {add_rows(fixture, 3)};
  CHECK(refused(fixture, plan) == refusal_code::not_found); // it has no such columns
}

TEST_CASE("bytes stay bytes as long as nothing else comes to them", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  service::data::data_layout layout;
  layout.type = service::data::value_type::uint8;
  layout.rows = 2;
  layout.width = 1;
  layout.columns = {{"b", 0, 1}};
  const std::string id = service::new_uuid();
  service::data::data_writer writer(fixture.data->path_of(id), layout, fixture.data->key());
  writer.write(std::vector<float>{7, 200});
  writer.finish();
  fixture.data->adopt(fixture.ann, id, "bytes", service::visibility::owner_only);
  auto plan = plan_of(id);
  plan.append = {id};
  const auto same = made_by(fixture, plan);
  CHECK(fixture.data->layout(fixture.ann, same[0]).type == service::data::value_type::uint8);
  CHECK(fixture.values_of(same[0]) == std::vector<float>{7, 200, 7, 200});
  plan.derived = {{"d", column_rule::difference, "b"}};
  const auto more = made_by(fixture, plan);
  CHECK(fixture.data->layout(fixture.ann, more[0]).type == service::data::value_type::float32);
  CHECK(fixture.values_of(more[0])[5] == -193);
}

TEST_CASE("a derivation that makes no sense is refused", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false, [](auto& config) {
    config.quota.datasets = 5;
    config.quota.bytes = 20'000;
  });
  const std::string data = add_rows(fixture, 10);
  const std::string trees = add_classes(fixture, {"oak"}, {0});
  const auto wrong = refusal_code::invalid_value;
  CHECK(refused(fixture, plan_of(data, {0.6, 0.6})) == wrong);
  CHECK(refused(fixture, plan_of(data, {0.0})) == wrong);
  CHECK(refused(fixture, plan_of(data, {-1.0, 1.0})) == wrong);
  CHECK(refused(fixture, plan_of(data, {std::nan("")})) == wrong);
  CHECK(refused(fixture, plan_of(data, {0.001, 0.9})) == wrong); // no row for the first
  CHECK(refused(fixture, plan_of(data, {0.25, 0.25, 0.25, 0.25})) == refusal_code::quota_exceeded);
  CHECK(refusal_of([&] { fixture->derive_datasets(fixture.eve, plan_of(data)); }) ==
        refusal_code::not_found);
  auto plan = plan_of(data);
  plan.append = {service::new_uuid()};
  CHECK(refused(fixture, plan) == refusal_code::not_found);
  plan.append.clear();
  plan.columns = {"half", "half"};
  CHECK(refused(fixture, plan) == wrong);
  plan.columns = {"quarter"};
  CHECK(refused(fixture, plan) == refusal_code::not_found);
  plan.columns.clear();
  const auto derived = [&](service::data::derived_column column, const std::string& of) {
    auto one = plan_of(of);
    one.derived = {std::move(column)};
    return refused(fixture, one);
  };
  CHECK(derived({"half", column_rule::copy, "pair"}, data) == wrong); // the name is taken
  CHECK(derived({"a\nb", column_rule::copy, "pair"}, data) == wrong);
  CHECK(derived({"x", column_rule::lag, "pair", "", 0}, data) == wrong);
  CHECK(derived({"x", column_rule::lag, "pair", "", 2'000'000}, data) == wrong);
  CHECK(derived({"x", column_rule::add, "pair"}, data) == wrong);
  CHECK(derived({"x", column_rule::add, "half", "pair"}, data) == wrong); // one and two values
  CHECK(derived({"x", column_rule::copy, "half", "pair"}, data) == wrong);
  CHECK(derived({"x", column_rule::one_hot, "half"}, data) == wrong);
  CHECK(derived({"x", column_rule::add, "kind", "n"}, trees) == wrong);
  CHECK(derived({"x", column_rule::multiply, "n", "kind"}, trees) == wrong);
  for (int i = 0; i < 5; ++i) { // more than may be remembered, all together
    plan.derived.push_back({"x" + std::to_string(i), column_rule::lag, "half", "", 900'000});
  }
  CHECK(refused(fixture, plan) == wrong);
  plan.derived.clear();
  for (int i = 0; i < 1000; ++i) { // a dataset far larger than the quota
    plan.derived.push_back({"x" + std::to_string(i), column_rule::copy, "half"});
  }
  CHECK(refused(fixture, plan) == refusal_code::quota_exceeded);
  CHECK(fixture->list_tasks(fixture.ann, {}, {}).total == 0);
}

TEST_CASE("a derivation goes on where the service was stopped, and its datasets stay until then",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string data = add_rows(fixture, 200'000);
  const std::string more = add_rows(fixture, 10);
  auto plan = plan_of(data, {0.5, 0.5});
  plan.append = {more};
  const std::string task = fixture->derive_datasets(fixture.ann, plan).row.id;
  fixture->end_imports();
  if (fixture->task(fixture.ann, task).row.ended_at == 0) {
    CHECK(refusal_of([&] { fixture.data->remove(fixture.ann, data); }) == refusal_code::conflict);
    CHECK(refusal_of([&] { fixture.data->remove(fixture.ann, more); }) == refusal_code::conflict);
  }
  fixture.open_again();
  const auto ended = fixture.wait_end(task).row;
  INFO(ended.error);
  CHECK(ended.state == task_state::finished);
  CHECK(fixture.resources->used_by("anna").datasets == 4);
  fixture.data->remove(fixture.ann, data);
}
