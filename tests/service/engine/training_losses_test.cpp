// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/engine/task/training_losses.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <numeric>

using hanami::service::engine::loss_point;
using hanami::service::engine::training_losses;

namespace {

double loss_at(std::uint64_t i) {
  return 2 / (1 + static_cast<double>(i) / 100) + std::sin(static_cast<double>(i));
}

training_losses after(std::uint64_t count) {
  training_losses losses;
  for (std::uint64_t i = 0; i < count; ++i) {
    losses.add(loss_at(i));
  }
  return losses;
}

} // namespace

TEST_CASE("a curve of losses holds the means of all samples in few points", "[service]") {
  for (const std::uint64_t count : {1U, 2U, 127U, 128U, 129U, 1000U, 98'765U}) {
    INFO(count);
    const auto curve = after(count).curve();
    CHECK(curve.size() >= std::min<std::uint64_t>(count, training_losses::most_points / 2));
    CHECK(curve.size() <= training_losses::most_points);
    CHECK(curve.back().samples == count);
    double sum = 0;
    std::uint64_t before = 0;
    for (const loss_point& point : curve) {
      sum += point.loss * static_cast<double>(point.samples - before);
      before = point.samples;
    }
    double expected = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      expected += loss_at(i);
    }
    CHECK(sum == Approx(expected));
  }
  CHECK(after(0).curve().empty());
}

TEST_CASE("losses go on from their text to the bit", "[service]") {
  for (const std::uint64_t count : {0U, 1U, 130U, 5000U}) {
    training_losses whole = after(count);
    training_losses read = training_losses::from_text(whole.to_text());
    for (std::uint64_t i = count; i < count + 3000; ++i) {
      whole.add(loss_at(i));
      read.add(loss_at(i));
    }
    CHECK(whole.to_text() == read.to_text());
  }
}

TEST_CASE("text that is of no losses is as none, and losses that are no numbers are left out",
          "[service]") {
  const std::string sound = after(500).to_text();
  for (std::string text :
       {std::string(), std::string("x"), std::string("5 0 1 1"), std::string("5 1 1 1"),
        sound.substr(0, sound.size() / 2), sound + " 1", sound + " x"}) {
    CHECK(training_losses::from_text(text).samples() == 0);
  }
  training_losses losses = after(10);
  losses.add(std::numeric_limits<double>::quiet_NaN());
  losses.add(std::numeric_limits<double>::infinity());
  CHECK(losses.to_text() == after(10).to_text());
}
