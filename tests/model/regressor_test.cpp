// SPDX-License-Identifier: Apache-2.0
#include <hanami/model/regressor.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/model/evaluate.hpp>

using namespace hanami;

namespace {

/// What a wind turbine yields, in watt.
float yield(float wind, float celsius) {
  const float share = wind < 3 ? 0.0f : wind < 13 ? (wind - 3) / 10 : 1.0f;
  return 2e6f * share * share * (celsius < 0 ? 0.5f : 1.0f);
}

struct hours {
  std::vector<std::array<double, 2>> rows;
  std::vector<float> watts;

  explicit hours(std::size_t count, std::uint64_t stream = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      const float wind = 25 * random_unit(stream, 0, i);
      const float celsius = -15 + 40 * random_unit(stream, 1, i);
      rows.push_back({static_cast<double>(wind), static_cast<double>(celsius)});
      watts.push_back(yield(wind, celsius));
    }
  }
};

errc refusal(auto work) {
  try {
    work();
  } catch (const error& failure) {
    return static_cast<errc>(failure.code().value());
  }
  return errc{};
}

} // namespace

TEST_CASE("a regressor learns values in their own unit, one row at a time", "[model]") {
  const hours train(20000);
  regressor model({"wind", "celsius"});
  for (std::size_t i = 0; i < train.rows.size(); ++i) {
    model.learn(train.rows[i], train.watts[i]);
  }
  const hours test(500, 2);
  const auto scores = evaluate(model, test.rows, test.watts);
  CHECK(scores.mae() < 60'000);
  CHECK(scores.r2() > 0.95);
  CHECK(model.predict({{"celsius", 15.0f}, {"wind", 8.0f}}) == Approx(500'000).margin(80'000));
  CHECK(model.predict({8.0f, 15.0f}) == model.predict({{"wind", 8.0f}, {"celsius", 15.0f}}));
}

TEST_CASE("fit learns what is there as often as it takes", "[model]") {
  const hours train(500);
  regressor model(2);
  const fit_result found = model.fit(train.rows, train.watts);
  CHECK(found.epochs >= 32); // there is no noise
  CHECK(model.samples() == 500 * found.epochs);
  const hours test(500, 2);
  CHECK(evaluate(model, test.rows, test.watts).mae() < 80'000);
  model.learn(train.rows[0], train.watts[0]); // and goes on
  CHECK(model.cluster().endless());
}

TEST_CASE("a regressor of several values learns them from rows or from one after the other",
          "[model]") {
  const hours train(2000);
  std::vector<std::array<float, 2>> both;
  std::vector<float> flat;
  for (std::size_t i = 0; i < train.rows.size(); ++i) {
    both.push_back({train.watts[i] / 1000, static_cast<float>(-train.rows[i][1])});
    flat.insert(flat.end(), both[i].begin(), both[i].end());
  }
  regressor one(2, 2);
  regressor other(2, 2);
  regressor third(2, 2);
  one.learn_many(train.rows, both);
  other.learn_many(train.rows, flat);
  for (std::size_t i = 0; i < both.size(); ++i) {
    third.learn(train.rows[i], std::vector<double>(both[i].begin(), both[i].end()));
  }
  CHECK(to_checkpoint(one) == to_checkpoint(other));
  CHECK(to_checkpoint(one) == to_checkpoint(third));
  const auto said = one.predict_values({8.0f, 15.0f});
  REQUIRE(said.size() == 2);
  CHECK(said[1] == Approx(-15).margin(3));
  const auto many = one.predict_many(train.rows);
  REQUIRE(many.size() == flat.size());
  CHECK(many[6] == one.predict_values(train.rows[3])[0]);
  CHECK(refusal([&] { one.predict({8.0f, 15.0f}); }) == errc::invalid_argument);
  const auto scores = evaluate(one, train.rows, both);
  CHECK(scores.size() == 2);
  CHECK(scores.r2(1) > 0.9);
}

TEST_CASE("missing targets teach nothing, missing values are silent", "[model]") {
  hours train(3000);
  for (std::size_t i = 0; i < train.rows.size(); i += 5) {
    train.watts[i] = std::numeric_limits<float>::quiet_NaN();
    train.rows[i + 1][1] = std::numeric_limits<double>::quiet_NaN();
  }
  regressor model(2);
  model.learn_many(train.rows, train.watts);
  const auto scores = evaluate(model, train.rows, train.watts);
  CHECK(scores.samples() == 2400);
  CHECK(scores.r2() > 0.8);
}

TEST_CASE("a regressor of shares stays between 0 and 1", "[model]") {
  regressor model(one_hexagon(1, 1, output_kind::sigmoid));
  for (std::uint64_t i = 0; i < 2000; ++i) {
    const float x = random_unit(3, 0, i);
    model.learn({x}, x > 0.5f ? 1 : 0);
  }
  CHECK(model.predict({0.9f}) > 0.9f);
  CHECK(model.predict({0.9f}) <= 1.0f);
  CHECK(model.predict({0.1f}) < 0.1f);
}

TEST_CASE("a regressor says what it cannot take, and stays as it is", "[model]") {
  regressor model({"wind", "celsius"});
  CHECK(refusal([&] { model.predict({1.0f, 2.0f}); }) == errc::invalid_argument);
  model.learn({1.0f, 2.0f}, 3);
  const auto before = to_checkpoint(model);
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(refusal([&] { model.learn({1.0f}, 3); }) == errc::invalid_argument);
  CHECK(refusal([&] { model.learn({1.0f, 2.0f}, infinity); }) == errc::invalid_argument);
  CHECK(refusal([&] { model.learn({1.0f, 2.0f}, std::array{1, 2}); }) == errc::invalid_argument);
  CHECK(refusal([&] { model.learn({{"gale", 1.0f}}, 3); }) == errc::invalid_argument);
  CHECK(to_checkpoint(model) == before);
  CHECK(refusal([] { regressor(2, 0); }) == errc::invalid_argument);
  const auto classes = one_hexagon(2, 2, output_kind::softmax);
  CHECK(refusal([&] { regressor{classes}; }) == errc::invalid_template);
}

TEST_CASE("a regressor is saved and goes on, to the bit", "[model]") {
  const hours train(400);
  regressor model({"wind", "celsius"}, 1, {.seed = 5});
  model.learn_many(train.rows, train.watts);
  auto restored = from_checkpoint<regressor>(to_checkpoint(model));
  model.fit(train.rows, train.watts, {.epochs = 2});
  restored.fit(train.rows, train.watts, {.epochs = 2});
  CHECK(to_checkpoint(restored) == to_checkpoint(model));
  CHECK(restored.predict({{"wind", 8.0f}}) == model.predict({{"wind", 8.0f}}));
}
