// SPDX-License-Identifier: Apache-2.0
// Judges a learner on a stream: every row of a CSV file is first predicted, then learned.
//
// test-lines: 4
// test-output: accuracy 8[0-9].*of 599, kappa 0.7
#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <iostream>

int main() {
  const auto data = hanami::load_table("turbine.csv", {.categorical = {"state"}},
                                       {.inputs = {"wind", "celsius"}, .targets = {"state"}});
  // task
  hanami::classifier model(data.input_names());
  const auto scores = hanami::test_then_train(model, data);
  std::cout << scores;
  // end
}
