// SPDX-License-Identifier: Apache-2.0
// What a wind turbine yields, learned hour by hour from plain measurements, in their own units.
//
// test-output: 8 m/s, 15 C: (4[5-9]|5[0-4]). kW, truly 500 kW

#include <array>
#include <cmath>
#include <iostream>

#include <hanami/hanami.hpp>

int main() {
  hanami::cluster turbine(hanami::parse_template(R"(
    version: 1
    hexagons:
      1..3, 1, 1
    inputs:
      weather: target: 1, 1, 1   number_of_inputs: 2    # wind in m/s, degrees Celsius
    outputs:
      yield:   target: 3, 1, 1   number_of_outputs: 1   kind: linear   # W)"));

  const auto measure = [](float wind, float celsius) { // what the cluster is to find out
    const float share = wind < 3 ? 0.0f : wind < 13 ? (wind - 3) / 10 : 1.0f;
    return 2e6f * share * share * (celsius < 0 ? 0.5f : 1.0f); // ice costs half of it
  };
  for (unsigned hour = 0; hour < 20000; ++hour) {
    const std::array weather = {25 * hanami::random_unit(1, 0, hour),
                                -15 + 40 * hanami::random_unit(1, 1, hour)};
    turbine.train(weather, std::array{measure(weather[0], weather[1])});
  }
  for (const float wind : {2.0f, 8.0f, 20.0f}) {
    for (const float celsius : {-10.0f, 15.0f}) {
      const float answer = turbine.infer(std::array{wind, celsius})[0];
      std::cout << wind << " m/s, " << celsius << " C: " << std::lround(answer / 1000)
                << " kW, truly " << std::lround(measure(wind, celsius) / 1000) << " kW\n";
    }
  }
}
