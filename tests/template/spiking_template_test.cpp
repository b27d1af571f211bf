// SPDX-License-Identifier: Apache-2.0
#include <hanami/template/cluster_template.hpp>

#include <string>

#include <catch2/catch.hpp>

#include <hanami/foundation/error.hpp>
#include <hanami/structure/topology.hpp>
#include <hanami/structure/topology_maker.hpp>
#include <hanami/template/builder.hpp>
#include <hanami/template/parser.hpp>
#include <hanami/template/writer.hpp>

using namespace hanami;

namespace {

constexpr const char* ends = "\ninputs: in: target: 1, 1, 1 number_of_inputs: 2"
                             "\noutputs: out: target: 4, 1, 1 number_of_outputs: 2 kind: sigmoid";

std::string text_of(const std::string& settings, const std::string& middle = "2..3, 1, 1") {
  return "version: 1 settings: " + settings + "\nhexagons: 1, 1, 1 " + middle + " 4, 1, 1" + ends;
}

std::string refusal(const std::string& text) {
  try {
    parse_template(text);
  } catch (const error& e) {
    return e.what();
  }
  return "accepted";
}
std::string refusal(const cluster_template& from) {
  try {
    validate(from);
  } catch (const error& e) {
    return e.what();
  }
  return "accepted";
}

} // namespace

TEST_CASE("neurons spike the same everywhere, or each draws from a range", "[structure]") {
  const auto same = parse_template(text_of("neuron_cooldown: 1.5 refractory_time: 3"));
  CHECK(same.settings.neuron_cooldown == neuron_range<double>(1.5, 1.5));
  CHECK(same.settings.refractory_time == neuron_range<std::uint32_t>(3, 3));
  CHECK(same.settings.fire_threshold == 0.0);
  const auto mixed = parse_template(
      text_of("neuron_cooldown: 1.025..2.6 refractory_time: 1..13 fire_threshold: 0.25"));
  CHECK(mixed.settings.neuron_cooldown == neuron_range<double>(1.025, 2.6));
  CHECK(mixed.settings.refractory_time == neuron_range<std::uint32_t>(1, 13));
  CHECK(mixed.settings.fire_threshold == 0.25);
  CHECK(make_topology(mixed).spikes());
  CHECK_FALSE(make_topology(parse_template(text_of("refractory_time: 1"))).spikes());
}

TEST_CASE("what a hexagon says of its neurons goes before the settings", "[structure]") {
  const auto t = parse_template(text_of("refractory_time: 2",
                                        "2, 1, 1 neuron_cooldown: 2..8 fire_threshold: 1;"
                                        "3, 1, 1 refractory_time: 1"));
  const auto made = make_topology(t);
  CHECK(made.hexagons[1].spiking.cooldown == neuron_range<double>(2, 8));
  CHECK(made.hexagons[1].spiking.refractory_time == neuron_range<std::uint32_t>(2));
  CHECK(made.hexagons[1].spiking.fire_threshold == 1.0);
  CHECK(made.hexagons[1].spiking.spikes());
  CHECK(made.hexagons[2].spiking.fire_threshold == 0.0);
  CHECK_FALSE(made.hexagons[2].spiking.spikes());
}

TEST_CASE("spiking settings come back from the text as they were", "[structure]") {
  cluster_template t = parse_template(
      text_of("neuron_cooldown: 1.025..2.6 refractory_time: 1..13 fire_threshold: 0.125",
              "2..3, 1, 1 neuron_cooldown: 1.5 2..3, 2, 1 neuron_cooldown: 1.5"));
  CHECK(parse_template(to_text(t)) == t);
  // Hexagons in a row are one box of the text only where they spike alike.
  CHECK(to_text(t).find("  2..3, 1..2, 1  neuron_cooldown: 1.5\n") != std::string::npos);
  t.hexagons[2].refractory_time = {4, 4294967295};
  t.hexagons[3].fire_threshold = 1e-30;
  CHECK(parse_template(to_text(t)) == t);
  CHECK(to_text(t).find("  3, 1, 1  neuron_cooldown: 1.5  refractory_time: 4..4294967295\n") !=
        std::string::npos);
  const auto built = template_builder{}
                         .hexagon({1, 1, 1})
                         .spiking_hexagon({{2, 1, 1}, 1.5, 3U, 0.5})
                         .hexagon({4, 1, 1})
                         .axon({2, 1, 1}, {4, 1, 1})
                         .input("in", {1, 1, 1}, 2)
                         .output("out", {4, 1, 1}, 1, output_kind::sigmoid)
                         .build();
  CHECK(built.hexagons[1].refractory_time == neuron_range<std::uint32_t>(3));
  CHECK(parse_template(to_text(built)) == built);
}

TEST_CASE("spiking settings out of their ranges are refused where they stand", "[structure]") {
  CHECK(refusal(text_of("neuron_cooldown: 1..2")) ==
        "line 1, column 39: expected a finite neuron_cooldown above 1, found '1'");
  CHECK(refusal(text_of("neuron_cooldown: 2..x")) ==
        "line 1, column 42: expected a finite neuron_cooldown above 1, found 'x'");
  CHECK(refusal(text_of("neuron_cooldown: 2.5..1.5")) ==
        "line 1, column 39: expected a range that runs upwards, found '2.5..1.5'");
  CHECK(refusal(text_of("refractory_time: 0..12")) ==
        "line 1, column 39: expected a positive refractory_time, found '0'");
  CHECK(refusal(text_of("refractory_time: 5..2")) ==
        "line 1, column 39: expected a range that runs upwards, found '5..2'");
  CHECK(refusal(text_of("fire_threshold: -1")) ==
        "line 1, column 38: expected a finite fire_threshold of 0 or more, found '-1'");
  CHECK(refusal(text_of("", "2..3, 1, 1 neuron_cooldown: 0.5")) ==
        "line 2, column 47: expected a finite neuron_cooldown above 1, found '0.5'");
  auto t = parse_template(text_of(""));
  t.hexagons[1].refractory_time = 0U;
  CHECK(refusal(t) == "expected a positive refractory_time, found '0'");
  t.hexagons[1].refractory_time = 1U;
  t.settings.fire_threshold = -1;
  CHECK(refusal(t) == "settings: expected a finite fire_threshold of 0 or more, found '-1'");
}
