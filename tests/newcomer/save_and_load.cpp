// SPDX-License-Identifier: Apache-2.0
// Keeps what was learned in a file and goes on from there.
//
// test-lines: 2
// test-output: full full
#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <iostream>

int main() {
  const auto data = hanami::load_table("turbine.csv", {.categorical = {"state"}},
                                       {.inputs = {"wind", "celsius"}, .targets = {"state"}});
  hanami::classifier model(data.input_names());
  model.fit(data);
  // task
  hanami::save(model, "turbine.model");
  const auto again = hanami::load<hanami::classifier>("turbine.model");
  // end
  std::cout << model.predict({22.0f, 17.0f}) << ' ' << again.predict({22.0f, 17.0f}) << '\n';
}
