// SPDX-License-Identifier: Apache-2.0
// Learns the state of a wind turbine from its weather; the states are words in a CSV file.
//
// test-lines: 6
// test-output: accuracy 9[5-9].*iced.*full
#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <iostream>

int main() {
  const auto data = hanami::load_table("turbine.csv", {.categorical = {"state"}},
                                       {.inputs = {"wind", "celsius"}, .targets = {"state"}});
  // task
  const auto [train, test] = hanami::split_rows(data, 0.2);
  hanami::classifier model(data.input_names());
  model.fit(train);
  std::cout << hanami::evaluate(model, test);
  std::cout << model.predict({{"wind", 9.0f}, {"celsius", -8.0f}}) << '\n';
  std::cout << model.probabilities({22.0f, 17.0f}) << '\n';
  // end
}
