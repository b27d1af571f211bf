// SPDX-License-Identifier: Apache-2.0
#include <hanami/model/classifier.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/drawn_digits.hpp>
#include <hanami/model/evaluate.hpp>

using namespace hanami;

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

/// A turbine: wind in m/s, degrees Celsius, and what it does.
struct hour {
  std::array<float, 2> row{};
  const char* state = "";
};

hour hour_of(std::uint64_t i, std::uint64_t stream = 1) {
  hour one;
  one.row = {25 * random_unit(stream, 0, i), -15 + 40 * random_unit(stream, 1, i)};
  one.state = one.row[0] < 3    ? "still"
              : one.row[1] < 0  ? "iced"
              : one.row[0] < 13 ? "part"
                                : "full";
  return one;
}

struct hours {
  std::vector<std::array<float, 2>> rows;
  std::vector<std::string> states;

  explicit hours(std::size_t count, std::uint64_t stream = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      const hour one = hour_of(i, stream);
      rows.push_back(one.row);
      states.emplace_back(one.state);
    }
  }
};

errc refusal(auto work) {
  try {
    work();
  } catch (const error& failure) {
    CHECK(std::string(failure.what()).size() > 15);
    return static_cast<errc>(failure.code().value());
  }
  return errc{};
}

} // namespace

TEST_CASE("a classifier learns words from raw values, one row at a time", "[model]") {
  classifier model({"wind", "celsius"});
  for (std::uint64_t i = 0; i < 6000; ++i) {
    model.learn(hour_of(i).row, hour_of(i).state);
  }
  CHECK(model.samples() == 6000);
  CHECK(model.classes().size() == 4);
  const hours test(1000, 2);
  CHECK(evaluate(model, test.rows, test.states).accuracy() > 0.95);
  CHECK(model.predict({20.0f, 15.0f}) == "full");
  CHECK(model.predict({{"celsius", -8.0f}, {"wind", 9.0f}}) == "iced");
  const auto all = model.probabilities({20.0f, 15.0f});
  CHECK(all.best().label == "full");
  CHECK(all["full"] > 0.8f);
  CHECK(all["gale"] == 0.0f);
  float sum = 0;
  for (const class_probability& one : all) {
    sum += one.probability;
  }
  CHECK(sum == Approx(1.0f));
}

TEST_CASE("labels may be numbers, flags and enumerators", "[model]") {
  enum class speed : std::uint8_t { low, high };
  classifier numbers(1);
  classifier flags(1);
  classifier names(1);
  for (std::uint64_t i = 0; i < 600; ++i) {
    const std::array row{100 * random_unit(1, 0, i)};
    numbers.learn(row, static_cast<int>(row[0]) / 25 * 10);
    flags.learn(row, row[0] > 50);
    names.learn(row, row[0] > 50 ? speed::high : speed::low);
  }
  CHECK(numbers.predict({60.0f}).as<int>() == 20);
  CHECK(numbers.predict({60.0f}) == 20);
  CHECK(flags.predict({90.0f}) == true);
  CHECK_FALSE(flags.predict({10.0f}).as<bool>());
  CHECK(names.predict({90.0f}).as<speed>() == speed::high);
}

TEST_CASE("rows of every type are the same row", "[model]") {
  const hours some(300);
  classifier floats({"wind", "celsius"});
  classifier others({"wind", "celsius"});
  for (std::size_t i = 0; i < some.rows.size(); ++i) {
    const auto& row = some.rows[i];
    floats.learn(std::span<const float>(row), some.states[i]);
    if (i % 3 == 0) {
      others.learn(std::vector<double>(row.begin(), row.end()), some.states[i]);
    } else if (i % 3 == 1) {
      others.learn(std::map<std::string, float>{{"celsius", row[1]}, {"wind", row[0]}},
                   some.states[i]);
    } else {
      others.learn({row[0], row[1]}, some.states[i]);
    }
  }
  CHECK(to_checkpoint(floats) == to_checkpoint(others));
  classifier integers(3);
  integers.learn(std::array<std::uint8_t, 3>{1, 2, 255}, "a");
  CHECK(integers.predict(std::vector<int>{1, 2, 255}) == "a");
}

TEST_CASE("many rows at once are the rows one by one", "[model]") {
  const hours some(400);
  classifier one(2);
  classifier many(2);
  classifier flat(2);
  std::vector<float> values;
  for (std::size_t i = 0; i < some.rows.size(); ++i) {
    one.learn(some.rows[i], some.states[i]);
    values.insert(values.end(), some.rows[i].begin(), some.rows[i].end());
  }
  many.learn_many(some.rows, some.states);
  flat.learn_many(values, some.states);
  CHECK(to_checkpoint(one) == to_checkpoint(many));
  CHECK(to_checkpoint(one) == to_checkpoint(flat));
  const auto said = many.predict_many(values);
  REQUIRE(said.size() == some.rows.size());
  for (std::size_t i = 0; i < said.size(); i += 17) {
    CHECK(said[i] == one.predict(some.rows[i]));
  }
  std::vector<bool> flags(some.rows.size()); // a range of proxies
  for (std::size_t i = 0; i < flags.size(); ++i) {
    flags[i] = some.rows[i][0] > 12;
  }
  classifier windy(2);
  windy.fit(some.rows, flags);
  CHECK(evaluate(windy, some.rows, flags).accuracy() > 0.95);
}

TEST_CASE("classes that nobody announced are learned, and the others kept", "[model]") {
  const auto train = draw_digits(6000, 1);
  const auto test = draw_digits(1000, 2);
  classifier model(train.input_size());
  std::vector<float> row(train.input_size());
  const auto learn = [&](std::size_t first, std::size_t last, std::size_t without) {
    for (std::size_t i = first; i < last; ++i) {
      if (train.label(i) != without) {
        train.read_input(i, row);
        model.learn(row, train.label(i));
      }
    }
  };
  learn(0, 3000, 9);
  CHECK(model.classes().size() == 9);
  CHECK(evaluate(model, test).recall(9) == 0);
  learn(3000, 6000, 10);
  CHECK(model.classes().size() == 10);
  const auto scores = evaluate(model, test);
  CHECK(scores.recall(9) > 0.65); // 0.72 to 0.88 over six seeds
  CHECK(scores.accuracy() > 0.85);
}

TEST_CASE("fit learns as well as a network made by hand for the task", "[model]") {
  const auto train = draw_digits(4000, 1);
  const auto test = draw_digits(1000, 2);
  classifier model(train.input_size());
  model.fit(train);
  cluster by_hand(one_hexagon(784, 10, output_kind::softmax, settings_for_inputs(784)));
  by_hand.start_task(5 * train.size());
  sample_buffer buffer;
  for (std::size_t epoch = 1; epoch <= 5; ++epoch) {
    for (const auto i : epoch_order(train.size(), epoch, 1)) {
      const auto sample = buffer.read(train, i);
      by_hand.train(sample.input, sample.target);
    }
  }
  std::size_t right = 0;
  for (std::size_t i = 0; i < test.size(); ++i) {
    const auto answer = by_hand.infer(buffer.read(test, i).input);
    right += std::max_element(answer.begin(), answer.end()) - answer.begin() ==
                     static_cast<std::ptrdiff_t>(test.label(i))
                 ? 1U
                 : 0U;
  }
  CHECK(evaluate(model, test).accuracy() + 0.01 > static_cast<double>(right) / 1000);
}

TEST_CASE("after a fit a classifier goes on learning", "[model]") {
  const hours some(500);
  classifier model(2);
  model.fit(some.rows, some.states, {.epochs = 2});
  CHECK(model.samples() == 1000);
  for (int i = 0; i < 400; ++i) {
    model.learn({60.0f, 40.0f}, "storm");
  }
  CHECK(model.predict({60.0f, 40.0f}) == "storm");
  CHECK(model.cluster().endless());
}

TEST_CASE("missing values are silent, missing labels teach nothing", "[model]") {
  hours some(2000);
  for (std::size_t i = 0; i < some.rows.size(); i += 4) {
    some.rows[i][i % 8 == 0 ? 0 : 1] = missing;
    some.states[i + 1] = "";
  }
  classifier model(2);
  model.learn_many(some.rows, some.states);
  CHECK(model.samples() == 1500);
  model.fit(some.rows, some.states, {.epochs = 3});
  CHECK(model.samples() == 1500 * 4);
  const hours test(500, 2);
  CHECK(evaluate(model, test.rows, test.states).accuracy() > 0.85);
  CHECK_NOTHROW(model.predict({missing, missing}));
  CHECK_FALSE(model.classes().find(""));
}

TEST_CASE("a classifier says what it cannot take, and stays as it is", "[model]") {
  classifier model({"wind", "celsius"});
  CHECK(refusal([&] { model.predict({1.0f, 2.0f}); }) == errc::invalid_argument);
  CHECK(refusal([&] { model.probabilities({1.0f, 2.0f}); }) == errc::invalid_argument);
  model.learn({1.0f, 2.0f}, "a");
  model.learn({9.0f, 2.0f}, "b");
  const auto before = to_checkpoint(model);
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK(refusal([&] { model.learn({1.0f}, "a"); }) == errc::invalid_argument);
  CHECK(refusal([&] { model.learn({1.0f, infinity}, "a"); }) == errc::invalid_argument);
  CHECK(refusal([&] { model.learn({{"gale", 1.0f}}, "a"); }) == errc::invalid_argument);
  CHECK(refusal([&] { model.learn({1.0f, 2.0f}, ""); }) == errc::invalid_argument);
  CHECK(refusal([&] { model.predict({1.0f, 2.0f, 3.0f}); }) == errc::invalid_argument);
  const std::vector<float> odd(5);
  const std::vector<std::string> labels(2, "a");
  CHECK(refusal([&] { model.learn_many(odd, labels); }) == errc::invalid_argument);
  const std::vector<float> three(6);
  CHECK(refusal([&] { model.learn_many(three, labels); }) == errc::invalid_argument);
  CHECK(to_checkpoint(model) == before);
  CHECK_THROWS_WITH(model.predict({{"gale", 1.0f}}), Catch::Contains("'wind', 'celsius'"));
  CHECK(refusal([] { classifier({"a", "a"}); }) == errc::invalid_argument);
  CHECK(refusal([] { classifier(0); }) == errc::invalid_argument);
  CHECK(refusal([] { classifier(std::size_t{1} << 40); }) == errc::invalid_argument);
  const auto linear = one_hexagon(2, 1, output_kind::linear);
  CHECK(refusal([&] { classifier{linear}; }) == errc::invalid_template);
}

TEST_CASE("a classifier takes a network of one's own", "[model]") {
  const auto train = draw_digits(2000, 1);
  const hex_range grid{{1, 1, 1}, {5, 5, 1}};
  classifier model(template_builder{}
                       .hexagons(grid)
                       .hexagon({1, 1, 3})
                       .axons(grid, {1, 1, 3})
                       .input_windows("picture", 28, 28, {10, 10, 0, grid})
                       .output("digit", {1, 1, 3}, 10, output_kind::softmax)
                       .build());
  model.fit(train, {.epochs = 1});
  CHECK(model.classes().size() == 10);
  CHECK(evaluate(model, draw_digits(500, 2)).accuracy() > 0.85);
}

TEST_CASE("a classifier is saved in the middle of anything and goes on, to the bit", "[model]") {
  const hours some(300);
  classifier model({"wind", "celsius"}, {.seed = 3});
  model.start_task(400);
  model.learn_many(some.rows, some.states);
  classifier restored = from_checkpoint<classifier>(to_checkpoint(model));
  CHECK(restored.input_names() == model.input_names());
  CHECK(restored.classes() == model.classes());
  for (std::uint64_t i = 0; i < 250; ++i) { // beyond the end of the task
    model.learn(hour_of(i, 4).row, hour_of(i, 4).state);
    restored.learn(hour_of(i, 4).row, hour_of(i, 4).state);
  }
  model.learn({1.0f, 2.0f}, "new");
  restored.learn({1.0f, 2.0f}, "new");
  CHECK(to_checkpoint(restored) == to_checkpoint(model));
  classifier copy = model;
  copy.learn({1.0f, 2.0f}, "only here");
  CHECK(model.classes().size() + 1 == copy.classes().size());
  CHECK_THROWS_WITH(from_checkpoint<classifier>(to_checkpoint(model.cluster())),
                    Catch::Contains("holds a 'cluster', asked for is a 'classifier'"));
}

TEST_CASE("a classifier of 16-bit weights learns as well and is a kind of its own", "[model]") {
  const hours train(3000);
  const hours test(500, 2);
  basic_classifier<compact_cluster> model(2);
  model.learn_many(train.rows, train.states);
  CHECK(evaluate(model, test.rows, test.states).accuracy() > 0.9);
  const auto file = to_checkpoint(model);
  CHECK(to_checkpoint(from_checkpoint<basic_classifier<compact_cluster>>(file)) == file);
  CHECK_THROWS_WITH(from_checkpoint<classifier>(file), Catch::Contains("'compact_classifier'"));
}

TEST_CASE("damaged classifiers are refused or sound", "[model]") {
  classifier model({"a", "b"});
  for (std::uint64_t i = 0; i < 30; ++i) {
    model.learn(hour_of(i).row, hour_of(i).state);
  }
  archive_writer whole;
  whole(model);
  std::size_t refused = 0;
  for (std::uint64_t trial = 0; trial < 2000; ++trial) {
    auto bytes = whole.bytes();
    const auto at = random_below(static_cast<std::uint32_t>(bytes.size()), 9, 1, trial);
    bytes[at] ^= std::byte(1U << random_below(8, 9, 2, trial));
    try {
      archive_reader in(bytes);
      classifier damaged(in);
      damaged.learn(std::vector<float>(damaged.input_size(), 0.5f), "again");
      damaged.predict(std::vector<float>(damaged.input_size(), 0.5f));
    } catch (const error&) {
      ++refused;
    }
  }
  CHECK(refused > 30);
  CHECK(refused < 2000);
}

TEST_CASE("many threads ask one classifier", "[model]") {
  const hours some(600);
  classifier learning(2);
  learning.learn_many(some.rows, some.states);
  const classifier& model = learning;
  const auto alone = model.predict_many(some.rows);
  std::array<std::size_t, 4> different{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < different.size(); ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t i = 0; i < some.rows.size(); ++i) {
        different[t] += model.predict(some.rows[i]) == alone[i] ? 0U : 1U;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(different == std::array<std::size_t, 4>{});
}
