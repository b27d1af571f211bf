// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "service/support/engine_fixture.hpp"

/// Many samples in one call.

using namespace engine_test;

namespace {

struct batch {
  std::vector<float> inputs;
  std::vector<float> targets;
};

batch samples(std::size_t first, std::size_t count) {
  batch made;
  for (std::size_t i = first; i < first + count; ++i) {
    const sample s = sample_of(i);
    made.inputs.insert(made.inputs.end(), s.input.begin(), s.input.end());
    made.targets.insert(made.targets.end(), s.target.begin(), s.target.end());
  }
  return made;
}

std::future<engine::batch_learned> begin(const engine_fixture& fixture, const std::string& id,
                                         batch from, const service::identity& who) {
  auto promise = std::make_shared<std::promise<engine::batch_learned>>();
  auto result = promise->get_future();
  fixture->train_batch(
      fixture.cluster(id), who.user_id, std::move(from.inputs), std::move(from.targets),
      [promise](const engine::batch_learned& found, const std::exception_ptr& why) {
        why ? promise->set_exception(why) : promise->set_value(found);
      });
  return result;
}

engine::batch_learned learn(const engine_fixture& fixture, const std::string& id, batch from) {
  return begin(fixture, id, std::move(from), fixture.ann).get();
}

std::vector<float> ask(const engine_fixture& fixture, const std::string& id,
                       std::vector<float> inputs) {
  std::promise<std::vector<float>> promise;
  fixture->infer_batch(
      fixture.cluster(id), fixture.ann.user_id, std::move(inputs),
      [&](std::span<const float> rows, const std::exception_ptr& why) {
        why ? promise.set_exception(why) : promise.set_value({rows.begin(), rows.end()});
      });
  return promise.get_future().get();
}

} // namespace

TEST_CASE("a batch teaches what its samples teach one by one, to the bit", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string one = fixture.create();
  const std::string many = fixture.create();
  std::vector<float> losses;
  for (std::size_t i = 0; i < 3000; ++i) {
    losses.push_back(static_cast<float>(fixture.train(one, sample_of(i)).loss));
  }
  const auto first = learn(fixture, many, samples(0, 2000));
  const auto rest = learn(fixture, many, samples(2000, 1000));
  CHECK(first.kept == 2000);
  CHECK(first.refused == 0);
  CHECK(first.changed > 0);
  CHECK(first.changed <= 2000);
  CHECK(first.losses == std::vector<float>(losses.begin(), losses.begin() + 2000));
  CHECK(rest.losses == std::vector<float>(losses.begin() + 2000, losses.end()));
  CHECK(fixture.state_of(one) == fixture.state_of(many));

  std::vector<float> answers;
  for (std::size_t i = 0; i < 100; ++i) {
    const auto each = fixture.infer(one, sample_of(i).input);
    answers.insert(answers.end(), each.begin(), each.end());
  }
  CHECK(ask(fixture, many, samples(0, 100).inputs) == answers);
  const auto work = fixture->work_by_user();
  REQUIRE(work.size() == 1);
  CHECK(work[0].trained == 6000);
  CHECK(work[0].answered == 200);
}

TEST_CASE("what a batch has taught survives without a snapshot", "[service]") {
  const bool encrypted = GENERATE(false, true);
  const scratch_folder folder;
  engine_fixture fixture(folder.path, encrypted);
  const std::string id = fixture.create();
  learn(fixture, id, samples(0, 500));
  std::filesystem::copy(folder.path / "data" / "clusters", folder.path / "killed",
                        std::filesystem::copy_options::recursive);
  const auto before = fixture.state_of(id);
  fixture.close();
  std::filesystem::remove_all(folder.path / "data" / "clusters");
  std::filesystem::copy(folder.path / "killed", folder.path / "data" / "clusters",
                        std::filesystem::copy_options::recursive);
  fixture.open();
  CHECK(fixture.state_of(id) == before);
}

TEST_CASE("samples that a cluster does not take are left out, and said", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  batch some = samples(0, 10);
  some.inputs[4 * 3] = std::numeric_limits<float>::infinity();
  const auto found = learn(fixture, id, some);
  CHECK(found.kept == 9);
  CHECK(found.refused == 1);
  CHECK_FALSE(found.first_refusal.empty());
  REQUIRE(found.losses.size() == 10);
  CHECK(std::isnan(found.losses[4]));
  CHECK_FALSE(std::isnan(found.losses[5]));
  const auto before = fixture.state_of(id);
  fixture.open_again(); // and nothing of it is in the journal
  CHECK(fixture.state_of(id) == before);
}

TEST_CASE("batches of a wrong size are refused before their turn", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const auto refused = [&](std::size_t inputs, std::size_t targets) {
    return refusal_of([&] {
      fixture->train_batch(fixture.cluster(id), "anna", std::vector<float>(inputs),
                           std::vector<float>(targets), [](const auto&, const auto&) {});
    });
  };
  CHECK(refused(0, 0) == refusal_code::invalid_value);
  CHECK(refused(4, 4) == refusal_code::invalid_value);
  CHECK(refused(6, 4) == refusal_code::invalid_value);
  CHECK(refused(10'001 * 3, 10'001 * 4) == refusal_code::invalid_value);
  CHECK(refusal_of([&] { ask(fixture, id, {}); }) == refusal_code::invalid_value);
}

TEST_CASE("single samples of the same cluster do not wait for the end of a batch, nor do others",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false, [](auto& config) { config.engine.threads = 1; });
  const std::string id = fixture.create();
  const std::string other = fixture->create(fixture.bob, "bert's", two_by_two).id;
  const service::identity bob = fixture.bob;
  std::vector<std::future<engine::batch_learned>> all;
  for (int i = 0; i < 8; ++i) {
    all.push_back(begin(fixture, id, samples(0, 10'000), fixture.ann));
  }
  fixture.infer(id, sample_of(0).input);
  std::promise<void> answered;
  fixture->infer(fixture.cluster(other), bob.user_id, sample_of(0).input,
                 [&](std::span<const float>, const std::exception_ptr&) { answered.set_value(); });
  answered.get_future().get();
  CHECK(all.back().wait_for(std::chrono::seconds(0)) != std::future_status::ready);
  std::uint64_t kept = 0;
  for (auto& each : all) {
    kept += each.get().kept;
  }
  CHECK(kept == 80'000);
}

TEST_CASE("one user's batches are bounded in number", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false, [](auto& config) { config.engine.threads = 1; });
  const std::string id = fixture.create();
  std::vector<std::future<engine::batch_learned>> all;
  std::optional<refusal_code> why;
  for (int i = 0; i < 40 && !why; ++i) {
    why = refusal_of([&] { all.push_back(begin(fixture, id, samples(0, 10'000), fixture.ann)); });
  }
  CHECK(why == refusal_code::busy);
  CHECK(all.size() >= 16);
  CHECK_FALSE(refusal_of([&] { begin(fixture, id, samples(0, 10), fixture.bob).get(); }));
  for (auto& each : all) {
    each.get();
  }
  CHECK_FALSE(refusal_of([&] { learn(fixture, id, samples(0, 10)); }));
}

TEST_CASE("who waits for a batch hears of a cluster that is removed, and of the end", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false, [](auto& config) { config.engine.threads = 1; });
  const std::string id = fixture.create();
  const std::string other = fixture.create();
  std::vector<std::future<engine::batch_learned>> removed;
  std::vector<std::future<engine::batch_learned>> stopped;
  for (int i = 0; i < 5; ++i) {
    removed.push_back(begin(fixture, id, samples(0, 10'000), fixture.ann));
    stopped.push_back(begin(fixture, other, samples(0, 10'000), fixture.ann));
  }
  fixture->remove(fixture.ann, id);
  CHECK(refusal_of([&] { removed.back().get(); }) == refusal_code::not_found);
  fixture.open_again();
  CHECK(refusal_of([&] { stopped.back().get(); }) == refusal_code::stopping);
}

TEST_CASE("rows of datasets are read a page at a time, for who may use them", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(50);
  engine::task_plan plan;
  plan.inputs = {{"a", data}, {"b", data}};
  const auto page = fixture->read_rows(fixture.ann, fixture.cluster(id), plan, 45, 10);
  CHECK(page.total == 50);
  CHECK(page.inputs == samples(45, 5).inputs);
  CHECK(fixture->read_rows(fixture.ann, fixture.cluster(id), plan, 99, 10).inputs.empty());
  CHECK(refusal_of([&] { fixture->read_rows(fixture.eve, fixture.cluster(id), plan, 0, 10); }) ==
        refusal_code::not_found);
  plan.inputs.pop_back();
  CHECK(refusal_of([&] { fixture->read_rows(fixture.ann, fixture.cluster(id), plan, 0, 10); }) ==
        refusal_code::invalid_value);
}
