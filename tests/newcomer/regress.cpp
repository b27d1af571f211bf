// SPDX-License-Identifier: Apache-2.0
// Learns what a wind turbine yields, in kW, from wind and temperature as they were measured.
//
// test-lines: 6
// test-output: mean absolute error [1-5]?[0-9]\.[0-9]+ over 120
#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <iostream>

int main() {
  const auto data = hanami::load_table("turbine.csv", {.columns = {"wind", "celsius", "yield"}},
                                       {.targets = {"yield"}});
  // task
  const auto [train, test] = hanami::split_rows(data, 0.2);
  hanami::regressor model(data.input_names());
  model.fit(train);
  std::cout << hanami::evaluate(model, test);
  std::cout << model.predict({8.0f, 15.0f}) << " kW\n";
  // end
}
