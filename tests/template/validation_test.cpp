// SPDX-License-Identifier: Apache-2.0
#include <hanami/template/validation.hpp>

#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

#include "template_texts.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("validation refuses by hand what the parser refuses in a text", "[structure]") {
  CHECK(refusal(valid()) == "accepted");
  cluster_template t = valid();
  CHECK(refusal(cluster_template{}) == "expected at least one hexagon, one input and one output");
  t.settings.neuron_cooldown = std::numeric_limits<double>::quiet_NaN();
  CHECK(refusal(t) == "settings: expected a finite neuron_cooldown above 1, found 'nan'");
  t = valid();
  t.settings.activation = static_cast<activation_kind>(9);
  CHECK(refusal(t) == "settings: expected the activation relu or log2, found 'an unknown one'");
  t = valid();
  t.outputs[0].kind = static_cast<output_kind>(9);
  CHECK(refusal(t).find("output 'digit': expected the kind softmax") == 0);
  t = valid();
  t.hexagons.push_back(t.hexagons[0]);
  CHECK(refusal(t) == "expected a position that no other hexagon has, found '(1, 1, 1)'");
  t = valid();
  t.inputs[0].size = 0;
  CHECK(refusal(t) == "input 'picture': expected a positive number of inputs, found '0'");
  t = valid();
  t.inputs[0].rows = 2;
  CHECK(refusal(t) == "input 'picture': expected a shape of 784 nodes in all, found '2 x 784'");
  t = valid();
  t.inputs[0].target.reset();
  CHECK(refusal(t) == "input 'picture': expected a target or windows, found 'picture'");
  t = valid();
  t.inputs[0].name = "two words";
  CHECK(refusal(t) == "input 'two words': expected a name of 1 to 254 letters, digits and "
                      "underscores, not only digits, found 'two words'");
  t = valid();
  t.inputs[0].name = "target";
  CHECK(refusal(t) == "input 'target': expected a name that is no keyword, found 'target'");
  t = valid();
  t.axons.push_back({{{1, 1, 1}, {0, 1, 1}}, {2, 1, 1}});
  CHECK(refusal(t) == "axon 0: expected a range that runs upwards, found '1..0'");
  t = valid();
  t.axons.push_back({{{std::numeric_limits<std::int32_t>::min(), 1, 1},
                      {std::numeric_limits<std::int32_t>::max(), 1, 1}},
                     {2, 1, 1}});
  CHECK(refusal(t).find("axon 0: expected a coordinate") == 0);
}
