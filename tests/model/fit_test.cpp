// SPDX-License-Identifier: Apache-2.0
#include <hanami/model/fit.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/io/checkpoint.hpp>
#include <hanami/model/classifier.hpp>
#include <hanami/model/evaluate.hpp>
#include <hanami/model/held_out_values.hpp>
#include <hanami/model/regressor.hpp>

using namespace hanami;

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

/// A sum of ten columns, `noise` times as noisy as it varies.
struct sums {
  std::vector<std::array<float, 10>> rows;
  std::vector<float> targets;

  sums(std::size_t count, float noise, std::uint64_t stream = 1) {
    for (std::size_t i = 0; i < count; ++i) {
      std::array<float, 10> row;
      float sum = 0;
      for (std::size_t k = 0; k < row.size(); ++k) {
        row[k] = 100 * random_unit(stream, k, i);
        sum += (k % 2 == 0 ? 1.0f : -0.5f) * (row[k] - 50);
      }
      rows.push_back(row);
      const float off = random_unit(stream, 20, i) + random_unit(stream, 21, i) - 1;
      targets.push_back(1000 + sum + noise * 180 * off);
    }
  }
};

} // namespace

TEST_CASE("noisy rows are gone through less often than clean ones, and are learned better for it",
          "[model]") {
  const sums clean(200, 0);
  const sums noisy(200, 1.5f);
  regressor of_clean(10);
  regressor of_noisy(10);
  regressor as_often(10);
  CHECK(of_clean.fit(clean.rows, clean.targets).epochs >= 32);
  CHECK(of_noisy.fit(noisy.rows, noisy.targets).epochs <= 16);
  as_often.fit(noisy.rows, noisy.targets, {.epochs = epochs_for(200)});
  const sums unseen(1000, 0, 2);
  CHECK(evaluate(of_noisy, unseen.rows, unseen.targets).rmse() <
        evaluate(as_often, unseen.rows, unseen.targets).rmse());
}

TEST_CASE("wrong labels make few epochs, and all rows are learned from in the end", "[model]") {
  const sums from(300, 0);
  std::vector<bool> above;
  for (std::size_t i = 0; i < from.targets.size(); ++i) {
    above.push_back((from.targets[i] > 1000) != (i % 4 == 0));
  }
  classifier model(10);
  const auto found = model.fit(from.rows, above);
  CHECK(found.epochs <= 16);
  CHECK(found.held_out_loss < 0.7);
  classifier as_asked(10);
  const auto asked = as_asked.fit(from.rows, above, {.epochs = found.epochs});
  CHECK(asked.epochs == found.epochs);
  CHECK(std::isnan(asked.held_out_loss));
  CHECK(to_checkpoint(as_asked) == to_checkpoint(model));
}

TEST_CASE("very few rows and many are learned from without holding any out", "[model]") {
  const sums few(19, 1);
  regressor of_few(10);
  const auto found = of_few.fit(few.rows, few.targets);
  CHECK(found.epochs == epochs_for(19));
  CHECK(std::isnan(found.held_out_loss));
  const sums many(10001, 1);
  regressor of_many(10);
  CHECK(of_many.fit(many.rows, many.targets).epochs == 1);
  CHECK(of_many.samples() == 10001);
}

TEST_CASE("the same seed holds out the same rows", "[model]") {
  const sums from(150, 1);
  regressor one(10, 1, {.seed = 7});
  regressor other(10, 1, {.seed = 7});
  const auto found = one.fit(from.rows, from.targets);
  CHECK(other.fit(from.rows, from.targets).held_out_loss == found.held_out_loss);
  CHECK(to_checkpoint(one) == to_checkpoint(other));
}

TEST_CASE("stretches of a series are held out, so that neighbours give nothing away", "[model]") {
  std::vector<float> rows;
  std::vector<float> targets;
  for (std::size_t i = 0; i < 600; ++i) {
    rows.push_back(static_cast<float>(i));
    targets.push_back(random_unit(3, 0, i / 20)); // the same 20 times, and then any other
  }
  regressor single(1);
  regressor stretches(1);
  const double given_away = single.fit(rows, targets).held_out_loss;
  CHECK(stretches.fit(rows, targets, {.series = true}).held_out_loss > 1.3 * given_away);
}

TEST_CASE("fit tells how far it has come", "[model]") {
  const sums from(100, 1);
  std::vector<fit_progress> ends;
  std::uint64_t last = 0;
  bool in_order = true;
  fit_options options;
  options.observe = [&](const fit_progress& now) {
    in_order = in_order && now.done == (last == 0 ? 1 : last + 1);
    last = now.done == now.total ? 0 : now.done;
    if (now.done == now.total) {
      ends.push_back(now);
    }
  };
  regressor model(10);
  const auto found = model.fit(from.rows, from.targets, options);
  CHECK(in_order);
  REQUIRE(ends.size() > 1);
  CHECK(ends[0].trial);
  CHECK(ends[0].epochs == 1);
  CHECK(ends[0].total == 80);
  CHECK(std::isnan(ends[0].held_out_loss));
  CHECK_FALSE(ends.back().trial);
  CHECK(ends.back().epochs == found.epochs);
  CHECK(ends.back().total == 100 * found.epochs);
  CHECK(ends.back().held_out_loss == found.held_out_loss);
}

TEST_CASE("the rate stays up where rows are the beginning of a stream", "[model]") {
  const sums from(100, 1);
  regressor model(10);
  model.fit(from.rows, from.targets, {.epochs = 2, .endless = true});
  CHECK(model.cluster().endless());
  CHECK(model.cluster().learning().progress().schedule.share() > 0.9);
}

TEST_CASE("targets that are missing, or never change, hold nothing up", "[model]") {
  const sums from(50, 0);
  regressor model(10);
  CHECK(model.fit(from.rows, std::vector<float>(50, missing)).epochs == epochs_for(50));
  regressor constant(10);
  CHECK(constant.fit(from.rows, std::vector<float>(50, 5.0f)).epochs == epochs_for(50));
  CHECK(constant.predict(from.rows[0]) == Approx(5));
  std::vector<std::string> labels(50, "usual");
  labels[7] = "once";
  labels[8] = "";
  classifier classes(10);
  CHECK(classes.fit(from.rows, labels).epochs > 0);
  CHECK(classes.predict(from.rows[0]) == "usual");
}

TEST_CASE("losses of held-out values follow the loss that is learned and bound wild targets",
          "[model]") {
  const auto loss_of = [](const value_loss& kind, float truth, float said) {
    detail::held_out_values measure(2, kind);
    for (int i = 0; i <= 200; ++i) {
      measure.note(std::array{static_cast<float>(i), 3.0f});
    }
    measure.note(std::array{1e9f, 3.0f});
    measure.find_scales(); // 198 values of 202 are not more than 100 from 100
    detail::mean_loss found;
    measure.add(std::array{truth, 3.0f}, std::array{said, 9.0f}, found);
    CHECK(found.count == (std::isnan(truth) ? 0 : 1)); // the second never changes
    return found.mean();
  };
  const double half = loss_of({}, 150, 100);
  CHECK(half == Approx(0.25).epsilon(0.05));
  CHECK(loss_of({loss_kind::huber}, 150, 100) == Approx(std::sqrt(half)));
  CHECK(loss_of({loss_kind::quantile, 0.9}, 150, 100) == Approx(0.9 * std::sqrt(half)));
  CHECK(loss_of({loss_kind::quantile, 0.9}, 100, 150) == Approx(0.1 * std::sqrt(half)));
  CHECK(loss_of({}, 1e9f, 100) == Approx(4));
  CHECK(std::isnan(loss_of({}, missing, 100)));
}
