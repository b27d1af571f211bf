// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/cluster.hpp>
#include <hanami/io/archive.hpp>
#include <hanami/structure/network_check.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

cluster small_cluster(std::uint32_t inputs, std::uint32_t max_steps = 1, std::uint32_t bricks = 1) {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_steps = max_steps;
  settings.initial_bricks = settings.max_bricks = bricks;
  return cluster(one_hexagon(inputs, 2, output_kind::softmax, settings));
}

/// Rows of `size` values about `offset`.
struct noise {
  std::mt19937 random{7};

  std::vector<float> row(std::size_t size, float offset) {
    std::normal_distribution<float> normal;
    std::vector<float> values(size);
    for (float& value : values) {
      value = offset + normal(random);
    }
    return values;
  }
};

const std::vector<float> one_class{1, 0};

void show(cluster& c, const std::vector<float>& values, int times = 1) {
  for (int i = 0; i < times; ++i) {
    c.train(values, one_class);
  }
}

std::size_t sections(const cluster& c) { return c.statistics().sections; }

std::vector<std::byte> saved(cluster c) {
  archive_writer archive;
  c.serialize(archive);
  return archive.bytes();
}

} // namespace

TEST_CASE("a column whose first 16 values are all active is measured from its centre for good",
          "[cluster]") {
  cluster c = small_cluster(2);
  noise from;
  double sum = 0;
  for (int i = 0; i < 15; ++i) {
    const float x = 300 + from.row(1, 0)[0];
    sum += static_cast<double>(x);
    show(c, {x, 0});
  }
  CHECK(c.state().centres.at.empty());
  show(c, {300, 0});
  REQUIRE(c.state().centres.at.size() == 2);
  const float centre = c.state().centres.at[0];
  CHECK(std::abs(static_cast<double>(centre) - sum / 15) < 0.5);
  CHECK(c.state().centres.at[1] == 0);
  show(c, {400, 0}, 200);
  CHECK(c.state().centres.at[0] == centre);
  CHECK(c.state().centres.watched.empty());
  CHECK(find_fault(c.state()) == nullptr);
}

TEST_CASE("a lone outlier does not move the centre of a column", "[cluster]") {
  cluster c = small_cluster(1);
  for (int i = 0; i < 16; ++i) {
    show(c, {i == 7 ? 1e30f : 20.0f + static_cast<float>(i % 3)});
  }
  REQUIRE(c.state().centres.at.size() == 1);
  CHECK(c.state().centres.at[0] >= 20);
  CHECK(c.state().centres.at[0] <= 22);
}

TEST_CASE("on the straight way, columns count from their mean and in units of their spread",
          "[cluster]") {
  cluster c = small_cluster(2);
  for (int i = 0; i < 400; ++i) { // a bit that is nearly always set, and a value of any size
    show(c, {i % 10 == 9 ? 0.0f : 1.0f, 1e20f * static_cast<float>(1 + i % 7)});
  }
  const auto& centres = c.state().centres;
  REQUIRE(centres.columns() == 2);
  CHECK(centres.unit_watches.empty());
  for (std::size_t j = 0; j < 2; ++j) {
    const bool bit = centres.places[j] == 0;
    const float middle = centres.units[j].middle + centres.at[bit ? 0 : 1];
    CHECK(middle == Approx(bit ? 0.9f : 4e20f).epsilon(0.1));
    CHECK(1 / centres.units[j].inverse_spread == Approx(bit ? 0.3f : 2e20f).epsilon(0.15));
  }
}

TEST_CASE("bits that are set in more than a third of the samples get a centre, rare ones none",
          "[cluster]") {
  cluster c = small_cluster(3);
  for (int i = 0; i < 64; ++i) {
    show(c, {i % 2 == 0 ? 1.0f : 0.0f, i % 5 == 0 ? 1.0f : 0.0f, i % 3 == 0 ? 0.0f : 1.0f});
  }
  REQUIRE(c.state().centres.at.size() == 3);
  CHECK(c.state().centres.at[0] == Approx(0.5f).margin(0.05));
  CHECK(c.state().centres.at[1] == 0);
  CHECK(c.state().centres.at[2] > 0.5f);
  CHECK(c.state().centres.watched.empty());
}

TEST_CASE("in an input that is sparse as a whole, zeros stay silent", "[cluster]") {
  cluster c = small_cluster(20);
  for (int i = 0; i < 200; ++i) {
    std::vector<float> values(20);
    values[3] = i % 2 == 0 ? 1.0f : 0.0f; // dense enough by itself
    values[10 + static_cast<std::size_t>(i % 10)] = 1;
    show(c, values);
  }
  CHECK(c.state().centres.at.empty());
  CHECK(c.state().centres.watched.empty());
  CHECK(c.state().negative_inputs[0] == 0);
  CHECK(sections(c) == 11);
}

TEST_CASE("missing values tell nothing of a column, and are waited for so long only", "[cluster]") {
  cluster c = small_cluster(2);
  for (int i = 0; i < 40; ++i) {
    show(c, {i % 2 == 0 ? 8.0f : missing, missing});
    CHECK(c.state().centres.at.empty() == (i < 30)); // the 16th value
  }
  CHECK(c.state().centres.at[0] == 8);
  CHECK_FALSE(c.state().centres.watched.empty());
  show(c, {8, missing}, 1000);
  CHECK(c.state().centres.watched.empty());
}

TEST_CASE("centres leave the network as indifferent to scale as it was", "[cluster]") {
  cluster plain = small_cluster(6, 8);
  cluster scaled = small_cluster(6, 8);
  noise from;
  for (int i = 0; i < 300; ++i) {
    const auto values = from.row(6, 40);
    auto larger = values;
    for (std::size_t k = 0; k < 6; ++k) {
      larger[k] = std::ldexp(values[k], 3 * static_cast<int>(k) - 8);
    }
    const std::vector<float> target{values[0] > 40 ? 1.0f : 0.0f, values[0] > 40 ? 0.0f : 1.0f};
    plain.train(values, target);
    scaled.train(larger, target);
    CHECK(plain.infer(values) == scaled.infer(larger));
  }
  CHECK(scaled.state().centres.at[0] == std::ldexp(plain.state().centres.at[0], -8));
}

TEST_CASE("two sides of a dense column cost one and a half times the weights", "[cluster]") {
  constexpr std::size_t bricks = 8;
  constexpr std::size_t columns = 40;
  cluster c = small_cluster(columns, 1, bricks);
  noise from;
  for (int i = 0; i < 100; ++i) {
    show(c, from.row(columns, 1000));
  }
  CHECK(sections(c) > 14 * columns * bricks / 10);
  CHECK(sections(c) < 16 * columns * bricks / 10);
  const auto& net = c.state();
  for (const auto& b : net.bricks) { // every brick hears of every column
    std::vector<std::uint32_t> heard(columns);
    const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
    for (std::size_t local = 0; local < b.chunks() * chunk_width; ++local) {
      if (b.step_count(local) > 0) {
        ++heard[(chunks[local / chunk_width].offset + local % chunk_width) %
                net.topology.negative_part];
      }
    }
    CHECK(std::all_of(heard.begin(), heard.end(), [](auto sides) { return sides > 0; }));
  }

  cluster chains = small_cluster(3, 8);
  for (int i = 0; i < 2000; ++i) {
    show(chains, from.row(3, 1000));
  }
  std::size_t most = 0;
  for (std::size_t local = 0; local < chains.state().bricks[0].chunks() * chunk_width; ++local) {
    most = std::max<std::size_t>(most, chains.state().bricks[0].step_count(local));
  }
  CHECK(most == 6);
}

TEST_CASE("an offset of dense columns costs no accuracy", "[cluster]") {
  const auto mistakes = [](float offset) {
    cluster c = small_cluster(31, 1, 4);
    std::mt19937 random(11);
    workspace<float> ws;
    int wrong = 0;
    for (int i = 0; i < 5000; ++i) {
      std::vector<float> bits(31);
      int set = 0;
      for (float& bit : bits) {
        const bool one = (random() & 1U) != 0;
        set += one ? 1 : 0;
        bit = offset + (one ? 1.0f : 0.0f);
      }
      const std::vector<float> target{set > 15 ? 1.0f : 0.0f, set > 15 ? 0.0f : 1.0f};
      const auto answer = c.infer(bits, ws);
      wrong += i >= 4000 && (answer[0] > answer[1]) != (set > 15) ? 1 : 0;
      c.train(bits, target);
    }
    return wrong;
  };
  CHECK(mistakes(-0.5f) < 100); // of 1,000: centred by hand
  CHECK(mistakes(0) < 100);
  CHECK(mistakes(1000) < 100);
}

TEST_CASE("what is noted of undecided columns is saved with the cluster", "[cluster]") {
  cluster c = small_cluster(4);
  noise from;
  const auto values = [&](int i) {
    auto row = from.row(4, 50);
    row[1] = i % 3 == 0 ? 0.0f : row[1];
    return row;
  };
  for (int i = 0; i < 30; ++i) {
    show(c, values(i));
  }
  CHECK_FALSE(c.state().centres.watched.empty());
  cluster copy = small_cluster(4);
  const auto bytes = saved(c);
  archive_reader archive(bytes);
  copy.serialize(archive);
  for (int i = 0; i < 100; ++i) {
    const auto row = values(i);
    show(c, row);
    show(copy, row);
  }
  CHECK(c.state().centres.at[1] != 0);
  CHECK((saved(copy) == saved(c)));
}

TEST_CASE("to neurons that spike, zeros are silence whatever a column holds", "[cluster]") {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.neuron_cooldown = 1.5;
  cluster c(one_hexagon(2, 2, output_kind::softmax, settings));
  show(c, {5, 7}, 100);
  CHECK(c.state().centres.watched.empty());
  CHECK(c.state().centres.at.empty());
}

TEST_CASE("a network begins as a linear model of its dense columns", "[cluster]") {
  cluster c = small_cluster(40, 1, 4);
  noise from;
  workspace<float> ws;
  int right = 0;
  for (int i = 0; i < 400; ++i) {
    const auto values = from.row(40, 500);
    float sum = 0;
    for (std::size_t k = 0; k < 40; ++k) {
      sum += (k % 2 == 0 ? 1.0f : -1.0f) * values[k];
    }
    const std::vector<float> target{sum > 0 ? 1.0f : 0.0f, sum > 0 ? 0.0f : 1.0f};
    const auto answer = c.infer(values, ws);
    right += i >= 200 && (answer[0] > answer[1]) == (sum > 0) ? 1 : 0;
    c.train(values, target);
  }
  CHECK(right > 150); // of 200
  CHECK(c.state().centres.columns() == 40);
  CHECK(c.state().centres.unit_watches.empty());
  CHECK(c.state().outputs[0].straight.size() == 80);
  CHECK(find_fault(c.state()) == nullptr);

  c.grow_output("output", 3); // the weights of known nodes stay
  CHECK(c.state().outputs[0].straight.size() == 120);
  CHECK(find_fault(c.state()) == nullptr);
}

TEST_CASE("columns that change their scale beyond all measure leave answers finite", "[cluster]") {
  std::mt19937 random{11};
  std::uniform_real_distribution<double> exponent(-38, 38.5);
  for (int trial = 0; trial < 200; ++trial) {
    CAPTURE(trial);
    cluster c = small_cluster(3);
    // Each column keeps a scale for some samples, then takes another.
    double scales[3] = {1, 1, 1};
    for (int i = 0; i < 300; ++i) {
      std::vector<float> row;
      for (double& scale : scales) {
        if (i == 0 || random() % (trial % 2 == 0 ? 8 : 40) == 0) {
          scale = std::pow(10.0, exponent(random));
        }
        const double x = scale * (0.5 + 0.5 * std::generate_canonical<double, 32>(random));
        row.push_back(static_cast<float>(trial % 3 == 0 && random() % 2 == 0 ? -x : x));
      }
      c.train(row, one_class);
      const auto answer = c.infer(row);
      REQUIRE(std::all_of(answer.begin(), answer.end(), [](float y) { return std::isfinite(y); }));
    }
    CHECK(find_fault(c.state()) == nullptr);
  }
}

TEST_CASE("what is noted of columns is not read where it cannot have been written", "[cluster]") {
  straight_watch<float> watch;
  straight_unit<float> unit;
  for (int i = 0; i < 9; ++i) {
    watch.note(static_cast<float>(i - 4), unit);
  }
  const auto read = [](const straight_watch<float>& written) {
    archive_writer to;
    to(written);
    archive_reader from(to.bytes());
    straight_watch<float> back;
    from(back);
  };
  CHECK_NOTHROW(read(watch));
  const float infinite = std::numeric_limits<float>::infinity();
  const auto refused = [&](auto change) {
    straight_watch<float> changed = watch;
    change(changed);
    CHECK_THROWS_AS(read(changed), error);
  };
  refused([](auto& w) { w.beside.mean = -1; });
  refused([](auto& w) { w.beside.first = -1; });
  refused([](auto& w) { w.beside.second = -1; });
  refused([](auto& w) { w.beside.known = w.beside.active = 0xFFFFFFFF; });
  refused([](auto& w) { w.lowest = 1; });
  refused([](auto& w) { w.highest = -1; });
  refused([&](auto& w) { w.lowest = -infinite; });
  refused([](auto& w) { w.values = 0xFFFFFFFF; });
  refused([](auto& w) { w.values = 3; });
  refused([](auto& w) { w.mean = 1e300; });
  refused([](auto& w) { w.squares = -1; });

  unit.inverse_spread = 0.5f;
  CHECK(unit.sound());
  const auto unsound = [&](auto change) {
    straight_unit<float> changed = unit;
    change(changed);
    CHECK_FALSE(changed.sound());
  };
  unsound([](auto& u) { u.lowest = 1; });
  unsound([](auto& u) { u.highest = -1; });
  unsound([](auto& u) { u.highest = std::numeric_limits<float>::max(); });
  unsound([](auto& u) { u.middle = missing; });
  unsound([](auto& u) { u.middle = 1e30f; });
  unsound([](auto& u) { u.inverse_spread = 1e30f; });
  unsound([](auto& u) { u.inverse_spread = -1; });
}
