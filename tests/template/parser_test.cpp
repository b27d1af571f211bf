// SPDX-License-Identifier: Apache-2.0
#include <hanami/template/parser.hpp>

#include <clocale>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/template/writer.hpp>

#include "template_texts.hpp"

using namespace hanami;
using namespace hanami_test;

TEST_CASE("a template of the reference's grammar is read as it is", "[structure]") {
  const cluster_template t = parse_template(classic);
  CHECK(t.settings.neuron_cooldown == 1e8);
  CHECK(t.settings.refractory_time == 1);
  CHECK(t.settings.max_connection_distance == 2);
  CHECK_FALSE(t.settings.enable_pruning);
  REQUIRE(t.hexagons.size() == 3);
  CHECK(t.hexagons[2].position == hex_position{3, 1, 1});
  REQUIRE(t.inputs.size() == 1);
  CHECK(t.inputs[0] == input_template{"picture", hex_position{1, 1, 1}, 784, 1, 784, std::nullopt});
  REQUIRE(t.outputs.size() == 1);
  CHECK(t.outputs[0] == output_template{"digit", {3, 1, 1}, 10, output_kind::sigmoid});
}

TEST_CASE("blanks, tabs, line ends and comments only separate", "[structure]") {
  const cluster_template t = valid();
  std::string flat;
  for (const char c : classic) {
    flat += c == '\n' ? ' ' : c;
  }
  CHECK(parse_template(flat) == t);
  std::string windows;
  for (const char c : classic) {
    windows += c == '\n' ? std::string("\t# \xC3\xA9 : 1,,\r\n") : std::string(1, c);
  }
  CHECK(parse_template(windows) == t);
  CHECK(parse_template("\xEF\xBB\xBF" + std::string(classic)) == t);
  CHECK(parse_template(with("version: 1", "version:1")) == t);
  CHECK(parse_template(std::string(classic) + "# the end") == t);
}

TEST_CASE("settings are optional, empty or given twice", "[structure]") {
  CHECK(parse_template(lines("")).settings == cluster_settings{});
  CHECK(parse_template(with("settings: \n", "", lines(""))).settings == cluster_settings{});
  const auto t = parse_template(lines("refractory_time: 3 enable_reduction: true "
                                      "refractory_time: 7 enable_reduction: False"));
  CHECK(t.settings.refractory_time == 7);
  CHECK_FALSE(t.settings.enable_pruning);
}

TEST_CASE("every setting has its words and units", "[structure]") {
  const auto settings = [](std::string_view text) { return parse_template(lines(text)).settings; };
  CHECK(settings("neuron_cooldown: 2").neuron_cooldown == 2.0);
  CHECK(settings("neuron_cooldown: 1.5").neuron_cooldown == 1.5);
  CHECK(settings("neuron_cooldown: 1e9").neuron_cooldown == 1e9);
  CHECK(settings("enable_reduction: True").enable_pruning);
  CHECK(settings("activation: relu").activation == activation_kind::relu);
  CHECK(settings("activation: log2").activation == activation_kind::log2);
  for (const std::uint32_t size : {32U, 64U, 128U, 256U}) {
    CHECK(settings("brick_size: " + std::to_string(size)).brick_size == size);
  }
  CHECK(settings("initial_bricks: 9 max_bricks: 12").initial_bricks == 9);
  CHECK(settings("max_bricks: 12").max_bricks == 12);
  CHECK(settings("max_steps: 32").max_steps == 32);
  CHECK(settings("max_steps: 0").max_steps == 0);
  CHECK(settings("max_steps: 5 max_steps: auto").max_steps == 0);
  CHECK(settings("memory_limit: 1000").memory_limit == 1000);
  CHECK(settings("memory_limit: 3 KiB").memory_limit == 3072);
  CHECK(settings("memory_limit: 5MiB;").memory_limit == std::uint64_t{5} << 20);
  CHECK(settings("memory_limit: 2 GiB brick_size: 32").memory_limit == std::uint64_t{2} << 30);
}

TEST_CASE("ranges unfold x first, then y, then z", "[structure]") {
  const auto t = parse_template(lines("", "1,1,1 2..3, -1..0, 4..5; 2,1,1"));
  const std::vector<hex_position> wanted{{1, 1, 1},  {2, -1, 4}, {3, -1, 4}, {2, 0, 4}, {3, 0, 4},
                                         {2, -1, 5}, {3, -1, 5}, {2, 0, 5},  {3, 0, 5}, {2, 1, 1}};
  REQUIRE(t.hexagons.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CHECK(t.hexagons[i].position == wanted[i]);
  }
}

TEST_CASE("shapes, windows, axons and kinds are read", "[structure]") {
  const cluster_template t = parse_template(windowed);
  CHECK(t.settings.activation == activation_kind::log2);
  CHECK(t.settings.initial_bricks == 2);
  CHECK(t.hexagons.size() == 17);
  REQUIRE(t.axons.size() == 1);
  CHECK(t.axons[0] == axon_template{{{1, 1, 1}, {4, 4, 1}}, {1, 1, 2}});
  const input_template& input = t.inputs.at(0);
  CHECK_FALSE(input.target);
  CHECK(input.size == 784);
  CHECK(input.rows == 28);
  REQUIRE(input.windows);
  CHECK(*input.windows == input_windows{12, 12, 1, {{1, 1, 1}, {4, 4, 1}}});
  CHECK(t.outputs.at(0).kind == output_kind::softmax);
}

TEST_CASE("the parts of an entry come in any order and without blanks", "[structure]") {
  const auto wanted = parse_template(
      input_line("a: target: 1,1,1 number_of_inputs: 12 shape: 3 x 4 windows: 2 x 2 to 2,1,1"));
  for (const char* text :
       {"a: windows: 2x2 to 2,1,1 shape: 3x4 target: 1,1,1",
        "a:shape:3 x4 number_of_inputs:12 target:1,1,1 windows:2x 2 to 2,1,1 margin: 0;"}) {
    CHECK(parse_template(input_line(text)) == wanted);
  }
  CHECK(parse_template(output_line("b: kind: linear number_of_outputs: 2 target: 2,1,1")).outputs ==
        std::vector<output_template>{{"b", {2, 1, 1}, 2, output_kind::linear}});
}

TEST_CASE("words that the reference does not reserve may be names", "[structure]") {
  for (const char* name : {"shape", "windows", "margin", "kind", "axons", "to", "x", "1a", "_",
                           "relu", "auto", "x28"}) {
    const std::string entry = std::string(name) + ": target: 1,1,1 number_of_inputs: 3 ";
    CHECK(parse_template(input_line(entry + "other: target: 1,1,1 number_of_inputs: 1"))
              .inputs.at(0)
              .name == name);
    CHECK(parse_template(input_line("other: target: 1,1,1 number_of_inputs: 1 " + entry))
              .inputs.at(1)
              .name == name);
    CHECK(parse_template(output_line("other: target: 1,1,1 number_of_outputs: 1 kind: sigmoid " +
                                     std::string(name) +
                                     ": target: 2,1,1 number_of_outputs: 2 kind: sigmoid"))
              .outputs.at(1)
              .name == name);
  }
}

TEST_CASE("several inputs may share a hexagon, and an output may carry the name of an input",
          "[structure]") {
  CHECK(parse_template(input_line("a: target: 1,1,1 number_of_inputs: 3 "
                                  "b: target: 1,1,1 number_of_inputs: 4"))
            .inputs.size() == 2);
}

TEST_CASE("an output says its kind, unless the caller says what outputs without one are",
          "[template]") {
  const std::string text = output_line("b: target: 2,1,1 number_of_outputs: 2");
  CHECK(refusal(text) ==
        "line 6, column 1: expected 'kind: softmax' (classes), 'kind: sigmoid' (independent values "
        "in 0..1) or 'kind: linear' (values), found the end of the text");
  CHECK(parse_template(text, output_kind::linear).outputs[0].kind == output_kind::linear);
  CHECK(parse_template(windowed, output_kind::linear).outputs[0].kind == output_kind::softmax);
}

TEST_CASE("a linear output may say its loss, by default it is squared", "[template]") {
  const auto of = [](const std::string& rest) {
    return output_line("b: target: 2,1,1 number_of_outputs: 2 " + rest);
  };
  const auto loss_of = [&](const std::string& rest) {
    return parse_template(of(rest)).outputs[0].loss;
  };
  CHECK(loss_of("kind: linear") == value_loss{loss_kind::squared});
  CHECK(loss_of("kind: linear loss: squared") == value_loss{});
  CHECK(loss_of("loss: huber kind: linear") == value_loss{loss_kind::huber});
  CHECK(loss_of("kind: linear loss: quantile 0.9") == value_loss{loss_kind::quantile, 0.9});
  CHECK(refusal(of("kind: linear loss: quantile 1")).find("above 0 and below 1, found '1'") !=
        std::string::npos);
  CHECK(refusal(of("kind: linear loss: quantile")).find("above 0 and below 1") !=
        std::string::npos);
  CHECK(refusal(of("kind: linear loss: absolute"))
            .find("expected 'squared', 'huber' or 'quantile', found 'absolute'") !=
        std::string::npos);
  CHECK(refusal(of("kind: linear loss: huber loss: huber")).find("once") != std::string::npos);
  CHECK(refusal(of("kind: softmax loss: huber")).find("a loss of linear outputs alone") !=
        std::string::npos);
  const auto named = output_line("loss: target: 2,1,1 number_of_outputs: 1 kind: sigmoid");
  CHECK(parse_template(named).outputs[0].name == "loss");

  cluster_template made = parse_template(of("kind: linear loss: quantile 0.25"));
  CHECK(parse_template(to_text(made)) == made);
  made.outputs[0].loss.quantile = std::numeric_limits<double>::quiet_NaN();
  CHECK(refusal(made).find("above 0 and below 1") != std::string::npos);
  made.outputs[0].loss = {static_cast<loss_kind>(9)};
  CHECK(refusal(made).find("squared, huber or quantile") != std::string::npos);
}

TEST_CASE("the overload with an error code does not throw", "[structure]") {
  std::error_code code = errc::invalid_data;
  std::string message = "untouched";
  CHECK(parse_template(classic, code, &message) == valid());
  CHECK_FALSE(code);
  CHECK(message == "untouched");
  CHECK(parse_template("version: 3", code, &message) == cluster_template{});
  CHECK(code == errc::invalid_template);
  CHECK(message == "line 1, column 10: expected '1', found '3'");
  CHECK(parse_template("", code) == cluster_template{});
  CHECK(code == errc::invalid_template);
}

TEST_CASE("numbers do not depend on the locale", "[structure]") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"}) { // where one is installed
    if (std::setlocale(LC_ALL, name) != nullptr) {
      break;
    }
  }
  CHECK(parse_template(lines("neuron_cooldown: 1.5")).settings.neuron_cooldown == 1.5);
  CHECK(to_text(parse_template(lines("neuron_cooldown: 1.5"))).find("neuron_cooldown: 1.5\n") !=
        std::string::npos);
  std::setlocale(LC_ALL, before.c_str());
}
