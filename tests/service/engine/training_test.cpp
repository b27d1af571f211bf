// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <hanami/service/base/json.hpp>
#include <hanami/template/parser.hpp>

#include "service/support/engine_fixture.hpp"
#include "support/scratch_folder.hpp"

using namespace engine_test;
using engine::task_kind;
using store::task_state;

namespace {

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
