// SPDX-License-Identifier: Apache-2.0
// What a wind turbine yields, learned hour by hour from plain measurements, in their own units.
//
// test-output: 8 m/s, 15 C: (4[5-9]|5[0-4]). kW, truly 500 kW

#include <cmath>
#include <cstdint>
#include <iostream>

#include <hanami/hanami.hpp>

int main() {
  hanami::regressor turbine({"wind", "celsius"});      // m/s, degrees Celsius; yields W
  const auto measure = [](float wind, float celsius) { // what it is to find out
    const float share = wind < 3 ? 0.0f : wind < 13 ? (wind - 3) / 10 : 1.0f;
    return 2e6f * share * share * (celsius < 0 ? 0.5f : 1.0f); // ice costs half of it
  };
  for (std::uint64_t hour = 0; hour < 20000; ++hour) {
    const float wind = 25 * hanami::random_unit(1, 0, hour);
    const float celsius = -15 + 40 * hanami::random_unit(1, 1, hour);
    turbine.learn({wind, celsius}, measure(wind, celsius));
  }
  for (const float wind : {2.0f, 8.0f, 20.0f}) {
    for (const float celsius : {-10.0f, 15.0f}) {
      std::cout << wind << " m/s, " << celsius
                << " C: " << std::lround(turbine.predict({wind, celsius}) / 1000) << " kW, truly "
                << std::lround(measure(wind, celsius) / 1000) << " kW\n";
    }
  }
  std::cout << turbine.cluster().statistics() << '\n';
}
