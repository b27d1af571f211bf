// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <hanami/service/engine/delayed_labels.hpp>

#include "service/support/engine_fixture.hpp"

/// Labels that come later.

using namespace engine_test;
using engine::detail::delayed_labels;
using engine::detail::open_question;

namespace {

std::vector<float> ask(const engine_fixture& fixture, const std::string& id,
                       const std::string& label, const std::vector<float>& input,
                       const service::identity& who) {
  std::promise<std::vector<float>> promise;
  fixture->infer_for_label(
      fixture.cluster(id), who.user_id, label, input,
      [&](std::span<const float> found, const std::exception_ptr& why) {
        why ? promise.set_exception(why) : promise.set_value({found.begin(), found.end()});
      });
  return promise.get_future().get();
}

hanami::train_result tell(const engine_fixture& fixture, const std::string& id,
                          const std::string& label, const std::vector<float>& target) {
  std::promise<hanami::train_result> promise;
  fixture->train_label(fixture.cluster(id), "anna", label, target,
                       [&](const hanami::train_result& r, const std::exception_ptr& why) {
                         why ? promise.set_exception(why) : promise.set_value(r);
                       });
  return promise.get_future().get();
}

open_question question(const std::string& user, std::size_t values = 1) {
  return {user, std::vector<float>(values), {0.5F}};
}

} // namespace

TEST_CASE("a label that comes later teaches what was asked, and is compared with the answer of "
          "then",
          "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string plain = fixture.create();
  std::vector<std::vector<float>> answers;
  for (std::size_t i = 0; i < 20; ++i) {
    answers.push_back(ask(fixture, id, std::to_string(i), sample_of(i).input, fixture.ann));
  }
  CHECK(fixture->labels_waiting(id) == 20);
  double wrong = 0;
  double distance = 0;
  for (std::size_t i = 20; i-- > 0;) {
    const sample s = sample_of(i);
    const auto told = tell(fixture, id, std::to_string(i), s.target);
    const auto same = fixture.train(plain, s);
    CHECK(told.loss == same.loss);
    const auto winner = [](const std::vector<float>& values) {
      return std::max_element(values.begin() + 1, values.end()) - values.begin();
    };
    wrong += winner(answers[i]) == winner(s.target) ? 0 : 1;
    distance += std::abs(static_cast<double>(answers[i][0]) - static_cast<double>(s.target[0]));
  }
  CHECK(fixture.state_of(id) == fixture.state_of(plain));
  CHECK(fixture->labels_waiting(id) == 0);
  const auto errors = fixture->label_errors(id);
  REQUIRE(errors.size() == 2);
  CHECK(errors[0].output == "level");
  CHECK(errors[0].labels == 20);
  CHECK(errors[0].error == Approx(distance / 20));
  CHECK(errors[1].error == Approx(wrong / 20));
  CHECK(errors[1].recent == Approx(wrong / 20));
}

TEST_CASE("a label comes once, and a training that failed may be tried again", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  ask(fixture, id, "a", sample_of(1).input, fixture.ann);
  CHECK(refusal_of([&] { tell(fixture, id, "b", sample_of(1).target); }) ==
        refusal_code::not_found);
  CHECK(refusal_of([&] { tell(fixture, id, "a", {1, 2}); }) == refusal_code::invalid_value);
  CHECK(refusal_of([&] {
          tell(fixture, id, "a", {INFINITY, 0, 1, 0});
        }) == refusal_code::invalid_value);
  tell(fixture, id, "a", sample_of(1).target);
  CHECK(refusal_of([&] { tell(fixture, id, "a", sample_of(1).target); }) ==
        refusal_code::not_found);
}

TEST_CASE("nobody replaces what another has asked, nor outlives its cluster", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  ask(fixture, id, "a", sample_of(1).input, fixture.ann);
  CHECK(refusal_of([&] { ask(fixture, id, "a", sample_of(2).input, fixture.bob); }) ==
        refusal_code::conflict);
  ask(fixture, id, "a", sample_of(3).input, fixture.ann);
  CHECK(fixture->labels_waiting(id) == 1);
  fixture->remove(fixture.ann, id);
  CHECK(fixture->labels_waiting(id) == 0);
}

TEST_CASE("questions wait for their labels while their cluster is not in memory", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(
      folder.path, false, [](auto& config) { config.engine.idle_time = std::chrono::seconds(1); });
  const std::string id = fixture.create();
  ask(fixture, id, "a", sample_of(1).input, fixture.ann);
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (fixture->find_cluster(id) && std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  REQUIRE_FALSE(fixture->find_cluster(id));
  tell(fixture, id, "a", sample_of(1).target);
  CHECK(fixture->label_errors(id).size() == 2);
}

TEST_CASE("questions are bounded in number, bytes and time, and others' stay", "[service]") {
  delayed_labels labels(std::chrono::hours(1));
  labels.put("c", "bert's", question("bert"));
  for (int i = 0; i < 100'100; ++i) {
    labels.put("c", std::to_string(i), question("anna"));
  }
  CHECK(labels.waiting("c") <= 100'001);
  CHECK(refusal_of([&] { labels.take("c", "0"); }) == refusal_code::not_found);
  CHECK(labels.take("c", "100099").user_id == "anna");
  CHECK(labels.take("c", "bert's").user_id == "bert");
  for (int i = 0; i < 100; ++i) {
    labels.put("d", std::to_string(i), question("anna", 100'000)); // 400 kB each
  }
  CHECK(labels.waiting("c") == 0);
  CHECK(labels.waiting("d") <= 41);
  CHECK(labels.waiting("d") >= 35);
  CHECK(refusal_of([&] { labels.put("d", "x", question("anna", 5'000'000)); }) ==
        refusal_code::conflict);
  labels.forget("d");
  CHECK(labels.waiting("d") == 0);

  delayed_labels brief(std::chrono::seconds(0));
  brief.put("c", "a", question("anna"));
  brief.put("c", "b", question("anna"));
  CHECK(brief.waiting("c") == 1); // the first was over then
  CHECK(refusal_of([&] { brief.take("c", "b"); }) == refusal_code::not_found);
}
