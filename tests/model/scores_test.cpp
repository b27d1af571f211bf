// SPDX-License-Identifier: Apache-2.0
#include <hanami/model/evaluate.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

TEST_CASE("accuracy and both kappas are those of the definition", "[model]") {
  // truth     a a b b a a b a
  // predicted a b b b a b b a
  classification_scores scores;
  const std::string truth = "aabbaaba";
  const std::string said = "abbbabba";
  for (std::size_t i = 0; i < truth.size(); ++i) {
    scores.add(truth[i], said[i], 0.8f, truth[i] == said[i] ? 0.8f : 0.2f);
  }
  CHECK(scores.samples() == 8);
  CHECK(scores.accuracy() == Approx(6.0 / 8));
  // chance: a 5/8 x 3/8 + b 3/8 x 5/8
  CHECK(scores.kappa() == Approx((6.0 / 8 - 30.0 / 64) / (1 - 30.0 / 64)));
  // as the one before: 3 of 7 (aa, bb, aa); right among those 7: 5
  CHECK(scores.kappa_against_last() == Approx((5.0 / 7 - 3.0 / 7) / (1 - 3.0 / 7)));
  CHECK(scores.log_loss() == Approx(-(6 * std::log(0.8) + 2 * std::log(0.2)) / 8).epsilon(1e-5));
  CHECK(scores.count("a", "b") == 2);
  CHECK(scores.count("b", "a") == 0);
  CHECK(scores.count("b", "c") == 0);
  CHECK(scores.recall("a") == Approx(3.0 / 5));
  CHECK(scores.precision("b") == Approx(3.0 / 5));
  CHECK(scores.calibration_error() == Approx(0.05).epsilon(1e-5)); // 0.8 said, 0.75 right
}

TEST_CASE("scores of nothing, and of one class alone, are numbers", "[model]") {
  classification_scores none;
  CHECK(none.accuracy() == 0);
  CHECK(none.kappa() == 0);
  CHECK(none.log_loss() == 0);
  CHECK(none.calibration_error() == 0);
  CHECK(none.recall("a") == 0);
  classification_scores one;
  one.add("a", "a", 1.0f, 1.0f);
  one.add("a", "a", 1.0f, 1.0f);
  CHECK(one.accuracy() == 1);
  CHECK(one.kappa() == 0); // chance is as good
  CHECK(one.kappa_against_last() == 0);
  classification_scores never;
  never.add("a", "b", 1.0f, 0.0f);
  CHECK(never.log_loss() == Approx(-std::log(1e-15)));
}

TEST_CASE("overconfidence is a calibration error, honesty is none", "[model]") {
  classification_scores honest;
  classification_scores sure;
  for (std::uint64_t i = 0; i < 20000; ++i) {
    const float certainty = 0.5f + 0.5f * random_unit(1, 0, i);
    const bool right = random_unit(1, 1, i) < certainty;
    honest.add("a", right ? "a" : "b", certainty, right ? certainty : 1 - certainty);
    sure.add("a", right ? "a" : "b", 0.999f, right ? 0.999f : 0.001f);
  }
  CHECK(honest.calibration_error() < 0.02);
  CHECK(sure.calibration_error() == Approx(0.25).margin(0.02));
  CHECK(sure.log_loss() > honest.log_loss());
}

TEST_CASE("scores of values are those of the definition", "[model]") {
  regression_scores scores;
  const std::array<float, 4> truth{1, 3, 2, 6};
  const std::array<float, 4> said{1, 2, 4, 6};
  for (std::size_t i = 0; i < truth.size(); ++i) {
    scores.add(truth[i], said[i]);
  }
  scores.add(std::numeric_limits<float>::quiet_NaN(), 100.0f); // not known
  CHECK(scores.samples() == 4);
  CHECK(scores.mae() == Approx(3.0 / 4));
  CHECK(scores.rmse() == Approx(std::sqrt(5.0 / 4)));
  CHECK(scores.bias() == Approx(1.0 / 4));
  CHECK(scores.r2() == Approx(1 - 5.0 / 14));          // around the mean of 3
  CHECK(scores.mae_against_last() == Approx(3.0 / 7)); // steps of 2, 1, 4
}

TEST_CASE("scores of several values keep them apart", "[model]") {
  regression_scores scores;
  scores.add(std::array{1.0f, 100.0f}, std::array{1.0f, 90.0f});
  scores.add(std::array{2.0f, 200.0f}, std::array{2.0f, 210.0f});
  CHECK(scores.size() == 2);
  CHECK(scores.mae(0) == 0);
  CHECK(scores.mae(1) == 10);
  CHECK(std::isnan(scores.mae(2)));
  CHECK(std::isnan(regression_scores{}.mae()));
  CHECK_THROWS_AS(scores.add(1.0f, 1.0f), error);
}

TEST_CASE("scores print what they are", "[model]") {
  classification_scores scores;
  scores.add("iced", "iced", 0.9f, 0.9f);
  scores.add("full", "iced", 0.6f, 0.4f);
  std::ostringstream text;
  text << scores;
  CHECK(text.str() == to_string(scores));
  CHECK_THAT(text.str(), Catch::StartsWith("accuracy 50.00 % of 2, kappa 0.000"));
  CHECK_THAT(text.str(), Catch::Contains("     | iced full <- predicted\n"
                                         "iced |    1    0\n"
                                         "full |    1    0\n"));
  for (int i = 0; i < 20; ++i) {
    scores.add(i, i, 0.5f, 0.5f); // too many for a table
  }
  CHECK_THAT(to_string(scores), !Catch::Contains("predicted"));
  regression_scores values;
  values.add(1.0f, 2.0f);
  CHECK_THAT(to_string(values), Catch::StartsWith("mean absolute error 1 over 1, rmse 1"));
  regression_scores two;
  two.add(std::array{1.0f, 2.0f}, std::array{1.0f, 2.0f});
  CHECK_THAT(to_string(two), Catch::Contains("value 2: mean absolute error 0 over 1"));
}

TEST_CASE("test-then-train predicts every row before it is learned", "[model]") {
  std::vector<std::array<float, 1>> rows;
  std::vector<int> runs;   // 50 of a kind in a row
  std::vector<float> next; // of a line
  for (int i = 0; i < 400; ++i) {
    const int state = i / 50 % 2;
    rows.push_back(
        {static_cast<float>(state) + 0.1f * random_unit(4, 0, static_cast<unsigned>(i))});
    runs.push_back(state);
    next.push_back(3 * rows.back()[0]);
  }
  classifier states(1);
  const auto scores = test_then_train(states, rows, runs);
  CHECK(states.samples() == 400);
  CHECK(scores.samples() == 399); // before the first, nothing was known
  CHECK(scores.accuracy() < 1);   // a class is not known before it comes
  CHECK(scores.accuracy() > 0.95);
  classifier by_hand(1);
  classification_scores slowly;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    by_hand.test(rows[i], runs[i], slowly);
    by_hand.learn(rows[i], runs[i]);
  }
  // One pass is two, but that sections have grown for a row before learning predicts it.
  CHECK(slowly.samples() == scores.samples());
  CHECK(slowly.accuracy() == Approx(scores.accuracy()).margin(0.01));
  CHECK(slowly.log_loss() == Approx(scores.log_loss()).margin(0.02));
  // "As before" is right 98 times in 100: a classifier has to be better than that to be worth it.
  CHECK(scores.kappa() > scores.kappa_against_last());

  regressor line(1);
  CHECK(test_then_train(line, rows, next).samples() == 399);
  CHECK(evaluate(line, rows, next).mae() < 1);
}
