// SPDX-License-Identifier: Apache-2.0
#include <hanami/algorithm/spiking.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

using namespace hanami;

namespace {

/// One neuron as a reader of the rules would write it, counting cycles since the last input.
struct plain_neuron {
  double cooldown;
  std::uint32_t refractory;
  double potential = 0;
  std::uint32_t since_input = 1000000;

  double cycle(double input) {
    potential /= cooldown;
    ++since_input;
    if (input > 0 && since_input >= refractory) {
      potential += input;
      since_input = 0;
    }
    return potential;
  }
  bool just_took() const { return since_input == 0; }
};

struct lanes_of_neurons {
  cluster_settings settings;
  std::vector<double> potentials;
  std::vector<std::uint32_t> resting;
  std::vector<std::uint8_t> took;

  lanes_of_neurons(double cooldown, std::uint32_t refractory, std::size_t count)
      : potentials(count), resting(count), took(count) {
    settings.neuron_cooldown = cooldown;
    settings.refractory_time = refractory;
  }
  std::vector<double> cycle(std::vector<double> sums) {
    spike(settings, sums.size(), sums.data(), potentials.data(), resting.data(), took.data());
    return sums;
  }
};

} // namespace

TEST_CASE("neurons take input every n-th cycle for a refractory time of n", "[algorithm]") {
  for (std::uint32_t refractory = 1; refractory <= 9; ++refractory) {
    lanes_of_neurons neurons(2.0, refractory, 1);
    for (std::uint32_t cycle = 0; cycle < 50; ++cycle) {
      neurons.cycle({1.0});
      CHECK((neurons.took[0] != 0) == (cycle % refractory == 0));
    }
  }
}

TEST_CASE("spiking neurons do what a plain model of one neuron does", "[algorithm]") {
  constexpr std::size_t count = 32;
  for (const double cooldown : {1.001, 1.5, 2.0, 10.0, 1e9}) {
    for (std::uint32_t refractory = 1; refractory <= 9; ++refractory) {
      lanes_of_neurons neurons(cooldown, refractory, count);
      std::vector<plain_neuron> plain(count, {cooldown, refractory});
      for (std::uint64_t cycle = 0; cycle < 300; ++cycle) {
        std::vector<double> sums(count);
        for (std::size_t lane = 0; lane < count; ++lane) {
          sums[lane] = static_cast<double>(random_signed_unit(refractory, lane, cycle));
        }
        const std::vector<double> found = neurons.cycle(sums);
        for (std::size_t lane = 0; lane < count; ++lane) {
          const double expected = plain[lane].cycle(sums[lane]);
          REQUIRE(std::abs(found[lane] - expected) <= 1e-12 * (1 + expected));
          REQUIRE((neurons.took[lane] != 0) == plain[lane].just_took());
          REQUIRE(neurons.potentials[lane] == found[lane]);
        }
      }
    }
  }
}

TEST_CASE("a constant input makes a saw of what cooldown and rest leave", "[algorithm]") {
  // 100 every third cycle, divided by 1.5 in each: 100, 66.7, 44.4, 129.6, 86.4, 57.6, ...
  lanes_of_neurons neurons(1.5, 3, 1);
  double level = 0;
  for (int cycle = 0; cycle < 60; ++cycle) {
    level = level / 1.5 + (cycle % 3 == 0 ? 100.0 : 0.0);
    CHECK(neurons.cycle({100.0})[0] == Approx(level).epsilon(1e-12));
  }
  // It settles where the three divisions eat exactly what comes in.
  const double peak = 100 / (1 - 1 / (1.5 * 1.5 * 1.5));
  CHECK(neurons.cycle({100.0})[0] == Approx(peak));
  CHECK(neurons.cycle({100.0})[0] == Approx(peak / 1.5));
  CHECK(neurons.cycle({100.0})[0] == Approx(peak / 2.25));
}

TEST_CASE("a neuron without positive input does not begin to rest", "[algorithm]") {
  lanes_of_neurons neurons(2.0, 5, 1);
  neurons.cycle({-1.0});
  neurons.cycle({0.0});
  CHECK(neurons.took[0] == 0);
  CHECK(neurons.cycle({3.0})[0] == 3.0);
  CHECK(neurons.took[0] == 1);
}
