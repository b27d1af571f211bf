// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <clocale>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/template/builder.hpp>
#include <hanami/template/parser.hpp>
#include <hanami/template/validation.hpp>
#include <hanami/template/writer.hpp>

using namespace hanami;

namespace {

/// As the reference writes it: every word of its grammar, nothing else.
constexpr std::string_view classic = R"(version: 1
settings:
    neuron_cooldown: 100000000.0
    refractory_time: 1
    max_connection_distance: 2
    enable_reduction: False
hexagons:
    1,1,1
    2,1,1
    3,1,1
inputs:
    picture:
        target: 1,1,1
        number_of_inputs: 784
outputs:
    digit:
        target: 3,1,1
        number_of_outputs: 10
        kind: sigmoid
)";

constexpr std::string_view windowed = R"(
version: 1          # sixteen windows of 12 x 12 pixels
settings:
  activation: log2
  brick_size: 128
  initial_bricks: 2;  max_bricks: 4
  max_steps: auto
  memory_limit: 64 MiB
hexagons:
  1..4, 1..4, 1
  1, 1, 2
axons:
  1..4, 1..4, 1 -> 1, 1, 2
inputs:
  picture: shape: 28 x 28  windows: 12 x 12 to 1..4, 1..4, 1  margin: 1
outputs:
  digit: target: 1, 1, 2  number_of_outputs: 10  kind: softmax
)";

std::string refusal(std::string_view text) {
  try {
    parse_template(text);
  } catch (const error& failure) {
    CHECK(failure.code() == errc::invalid_template);
    return failure.what();
  }
  return "accepted";
}

std::string refusal(const cluster_template& made) {
  try {
    validate(made);
  } catch (const error& failure) {
    CHECK(failure.code() == errc::invalid_template);
    return failure.what();
  }
  return "accepted";
}

/// The classic template with the first `from` replaced.
std::string with(std::string_view from, std::string_view to, std::string_view base = classic) {
  std::string text(base);
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// A template around some settings, hexagons, inputs and outputs, each starting a line of its own:
/// settings in line 2, hexagons in line 3, inputs in line 4, outputs in line 5.
std::string
lines(std::string_view settings, std::string_view hexagons = "1,1,1 2,1,1",
      std::string_view inputs = "a: target: 1,1,1 number_of_inputs: 3",
      std::string_view outputs = "b: target: 2,1,1 number_of_outputs: 2 kind: sigmoid") {
  return "version: 1\nsettings: " + std::string(settings) + "\nhexagons: " + std::string(hexagons) +
         "\ninputs: " + std::string(inputs) + "\noutputs: " + std::string(outputs) + "\n";
}

std::string input_line(std::string_view inputs) { return lines("", "1,1,1 2,1,1", inputs); }
std::string output_line(std::string_view outputs) {
  return lines("", "1,1,1 2,1,1", "a: target: 1,1,1 number_of_inputs: 3", outputs);
}

cluster_template valid() { return parse_template(classic); }

} // namespace

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

TEST_CASE("an empty text says how a template starts", "[structure]") {
  CHECK(refusal("") == "line 1, column 1: the template is empty, it must start with 'version: 1'");
  CHECK(refusal(" \n # nothing\n  ") ==
        "line 3, column 3: the template is empty, it must start with 'version: 1'");
}

TEST_CASE("what cannot be read is refused with line, column, found and expected", "[structure]") {
  CHECK(refusal("settings:") == "line 1, column 1: expected 'version', found 'settings'");
  CHECK(refusal("version 1") == "line 1, column 9: expected ':', found '1'");
  CHECK(refusal("version: 2\n") == "line 1, column 10: expected '1', found '2'");
  CHECK(refusal("version: 1") ==
        "line 1, column 11: expected 'hexagons', found the end of the text");
  CHECK(refusal(lines("colour: 3")) ==
        "line 2, column 11: expected a setting or 'hexagons', found 'colour'");
  CHECK(refusal(lines("enable_reduction: yes")) ==
        "line 2, column 29: expected 'true' or 'false', found 'yes'");
  CHECK(refusal(lines("activation: tanh")) ==
        "line 2, column 23: expected 'relu' or 'log2', found 'tanh'");
  CHECK(refusal(lines("", "1,1,1 2,1")) == "line 4, column 1: expected ',', found 'inputs'");
  CHECK(refusal(lines("", "1,1,1 2,1,1.5")) ==
        "line 3, column 21: expected a coordinate from -1000000000 to 1000000000, found '1.5'");
  CHECK(refusal(lines("", "1,1,1 2,1,1 x")) ==
        "line 3, column 23: expected a position, 'axons' or 'inputs', found 'x'");
  CHECK(refusal(lines("", "")) ==
        "line 4, column 1: expected a coordinate from -1000000000 to 1000000000, found 'inputs'");
  CHECK(refusal(input_line("")) ==
        "line 5, column 1: expected the name of an input, found 'outputs'");
  CHECK(refusal(output_line("")) ==
        "line 6, column 1: expected the name of an output, found the end of the text");
  CHECK(refusal(input_line("\"a\": target: 1,1,1")) ==
        "line 4, column 9: expected the name of an input, found '\"'");
  CHECK(refusal(input_line("\x01")) ==
        "line 4, column 9: expected the name of an input, found the byte 0x01");
  CHECK(refusal(std::string(classic) + '\0') ==
        "line 20, column 1: expected the name of an output or the end of the text, found the byte "
        "0x00");
  CHECK(refusal(with("hexagons:", "axons: 1,1,1 -> 2,1,1 hexagons:")) ==
        "line 7, column 1: expected a setting or 'hexagons', found 'axons'");
  CHECK(refusal(std::string(lines("")) + "hexagons: 4,4,4") ==
        "line 6, column 1: expected the name of an output or the end of the text, found "
        "'hexagons'");
}

TEST_CASE("columns count characters, not bytes", "[structure]") {
  CHECK(refusal("version: 1 # \xC3\xA4\xE2\x82\xAC\n?") ==
        "line 2, column 1: expected 'hexagons', found '?'");
  CHECK(refusal("\xEF\xBB\xBFversion: x") == "line 1, column 10: expected '1', found 'x'");
}

TEST_CASE("parts of an entry that miss or come twice are refused", "[structure]") {
  CHECK(refusal(input_line("a: number_of_inputs: 3")) ==
        "line 5, column 1: expected 'target' or 'windows', found 'outputs'");
  CHECK(refusal(input_line("a: target: 1,1,1")) ==
        "line 5, column 1: expected 'number_of_inputs' or 'shape', found 'outputs'");
  CHECK(refusal(input_line("a: target: 1,1,1 number_of_inputs: 3 margin: 1")) ==
        "line 5, column 1: expected 'windows' with the margin, found 'outputs'");
  CHECK(refusal(input_line("a: target: 1,1,1 number_of_inputs: 3 target: 2,1,1")) ==
        "line 4, column 46: expected each part of an entry once, found 'target'");
  CHECK(refusal(input_line("a: target: 1,1,1 number_of_outputs: 3")) ==
        "line 4, column 26: expected 'number_of_inputs' or 'shape', found 'number_of_outputs'");
  CHECK(refusal(output_line("b: number_of_outputs: 3")) ==
        "line 6, column 1: expected 'target', found the end of the text");
  CHECK(refusal(output_line("b: target: 2,1,1")) ==
        "line 6, column 1: expected 'number_of_outputs', found the end of the text");
  CHECK(refusal(output_line("b: target: 2,1,1 number_of_outputs: 3 kind: tanh")) ==
        "line 5, column 54: expected 'softmax', 'sigmoid' or 'linear', found 'tanh'");
}

TEST_CASE("counts below one and beyond the limit are refused before anything is allocated",
          "[structure]") {
  const auto count = [](std::string_view n) {
    return refusal(input_line("a: target: 1,1,1 number_of_inputs: " + std::string(n)));
  };
  const std::string start = "line 4, column 44: expected a positive number of inputs";
  CHECK(count("-1") == start + ", found '-1'");
  CHECK(count("0") == start + ", found '0'");
  CHECK(count("16777217") == start + " up to 16777216, found '16777217'");
  CHECK(count("4294967297") == start + " up to 16777216, found '4294967297'");
  CHECK(count("99999999999999999999999") ==
        start + " up to 16777216, found '99999999999999999999999'");
  CHECK(count("1.5") == start + ", found '1.5'");
  CHECK(count("16777214") == "accepted");
  CHECK(count("16777215") == "line 5, column 46: expected at most 16777216 inputs and outputs in "
                             "all, found '16777217'");
  CHECK(refusal(output_line("b: target: 2,1,1 number_of_outputs: -1")) ==
        "line 5, column 46: expected a positive number of outputs, found '-1'");
  CHECK(refusal(output_line("b: target: 2,1,1 number_of_outputs: 16777217")) ==
        "line 5, column 46: expected a positive number of outputs up to 16777216, found "
        "'16777217'");
}

TEST_CASE("an error in a text of many lines names the line of the number", "[structure]") {
  CHECK(refusal("version: 1\nhexagons:\n  1,1,1\ninputs:\n  a:\n    target: 1,1,1\n"
                "    number_of_inputs: -1\n") ==
        "line 7, column 23: expected a positive number of inputs, found '-1'");
}

TEST_CASE("settings outside their range are refused", "[structure]") {
  CHECK(refusal(lines("neuron_cooldown: 1")) ==
        "line 2, column 28: expected a finite neuron_cooldown above 1, found '1'");
  CHECK(refusal(lines("neuron_cooldown: -2.5")) ==
        "line 2, column 28: expected a finite neuron_cooldown above 1, found '-2.5'");
  CHECK(refusal(lines("neuron_cooldown: inf")) ==
        "line 2, column 28: expected a finite neuron_cooldown above 1, found 'inf'");
  CHECK(refusal(lines("neuron_cooldown: nan")) ==
        "line 2, column 28: expected a finite neuron_cooldown above 1, found 'nan'");
  CHECK(refusal(lines("neuron_cooldown: 1e999")) ==
        "line 2, column 28: expected a finite neuron_cooldown above 1, found '1e999'");
  CHECK(refusal(lines("refractory_time: 0")) ==
        "line 2, column 28: expected a positive refractory_time, found '0'");
  CHECK(refusal(lines("max_connection_distance: -3")) ==
        "line 2, column 36: expected a positive max_connection_distance, found '-3'");
  CHECK(refusal(lines("max_connection_distance: 65")) ==
        "line 2, column 36: expected a positive max_connection_distance up to 64, found '65'");
  CHECK(refusal(lines("brick_size: 100")) ==
        "line 2, column 23: expected a brick_size of 32, 64, 128 or 256, found '100'");
  CHECK(refusal(lines("initial_bricks: 0")) ==
        "line 2, column 27: expected a positive number of initial_bricks, found '0'");
  CHECK(refusal(lines("max_bricks: 65537")) ==
        "line 2, column 23: expected a positive number of max_bricks up to 65536, found '65537'");
  CHECK(refusal(lines("initial_bricks: 9 brick_size: 64")) ==
        "line 2, column 27: expected initial_bricks of at most max_bricks (8), found '9'");
  CHECK(refusal(lines("max_steps: 33")) ==
        "line 2, column 22: expected 'auto' or a number of max_steps up to 32, found '33'");
  CHECK(refusal(lines("memory_limit: 0 GiB")) ==
        "line 2, column 25: expected a positive memory_limit, found '0'");
  CHECK(refusal(lines("memory_limit: 17179869184 GiB")) ==
        "line 2, column 25: expected a memory_limit below 2^64 bytes, found '17179869184'");
  CHECK(refusal(lines("memory_limit: 1 GB")) ==
        "line 2, column 27: expected a setting or 'hexagons', found 'GB'");
}

TEST_CASE("two hexagons at one place are refused, in ranges as well", "[structure]") {
  CHECK(refusal(lines("", "1,1,1 2,1,1 1,1,1")) ==
        "line 3, column 23: expected a position that no other hexagon has, found '(1, 1, 1)'");
  CHECK(refusal(lines("", "2,1,1\n 1..3,1,1")) ==
        "line 4, column 2: expected a position that no other hexagon has, found '(2, 1, 1)'");
}

TEST_CASE("ranges that run backwards or are too large are refused at once", "[structure]") {
  CHECK(refusal(lines("", "1,3..1,1")) ==
        "line 3, column 11: expected a range that runs upwards, found '3..1'");
  const std::string many =
      "line 3, column 11: expected at most 65536 hexagons in all, found 'more'";
  CHECK(refusal(lines("", "1..65537,1,1")) == many);
  CHECK(refusal(lines("", "-1000000000..1000000000,-1000000000..1000000000,"
                          "-1000000000..1000000000")) == many);
  CHECK(refusal(lines("", "1..65535,1,1 1..2,1,2")) ==
        "line 3, column 24: expected at most 65536 hexagons in all, found 'more'");
  CHECK(refusal(lines("", "1..256,1..256,1")) == "accepted");
  CHECK(refusal(lines("", "1000000001,1,1")) ==
        "line 3, column 11: expected a coordinate from -1000000000 to 1000000000, found "
        "'1000000001'");
  CHECK(refusal(lines("", "99999999999,1,1")).find("found '99999999999'") != std::string::npos);
}

TEST_CASE("positions without a hexagon are refused wherever they stand", "[structure]") {
  CHECK(refusal(input_line("a: target: 9,1,1 number_of_inputs: 3")) ==
        "line 4, column 20: expected the position of a hexagon, found '(9, 1, 1)'");
  CHECK(refusal(output_line("b: number_of_outputs: 2 target: 9,1,-1 kind: linear")) ==
        "line 5, column 42: expected the position of a hexagon, found '(9, 1, -1)'");
  CHECK(refusal(input_line("a: shape: 4 x 4 windows: 2 x 2 to 1..3, 1, 1")) ==
        "line 4, column 43: expected the position of a hexagon, found '(3, 1, 1)'");
  CHECK(refusal(lines("", "1,1,1 2,1,1 axons: 1,1,1 -> 3,1,1")) ==
        "line 3, column 39: expected the position of a hexagon, found '(3, 1, 1)'");
  CHECK(refusal(lines("", "1,1,1 2,1,1 axons: 1..3,1,1 -> 2,1,1")) ==
        "line 3, column 30: expected the position of a hexagon, found '(3, 1, 1)'");
}

TEST_CASE("names must be unique, short and no keywords", "[structure]") {
  const std::string entry = ": target: 1,1,1 number_of_inputs: 3 ";
  CHECK(refusal(input_line("a" + entry + "a" + entry)) ==
        "line 4, column 46: expected a name that no other input has, found 'a'");
  CHECK(refusal(output_line("b: target: 2,1,1 number_of_outputs: 2 kind: sigmoid\n"
                            "b: target: 2,1,1 number_of_outputs: 2 kind: sigmoid")) ==
        "line 6, column 1: expected a name that no other output has, found 'b'");
  CHECK(refusal(input_line(std::string(254, 'n') + entry)) == "accepted");
  CHECK(refusal(input_line(std::string(255, 'n') + entry))
            .find("line 4, column 9: expected a name of 1 to 254 letters") == 0);
  CHECK(refusal(input_line("12" + entry)) ==
        "line 4, column 9: expected the name of an input, found '12'");
  for (const char* keyword : {"version", "settings", "hexagons", "inputs", "target", "true",
                              "False", "number_of_outputs", "neuron_cooldown"}) {
    CHECK(refusal(input_line(keyword + entry)) ==
          "line 4, column 9: expected the name of an input, found '" + std::string(keyword) + "'");
  }
}

TEST_CASE("shapes and windows that do not fit are refused", "[structure]") {
  const auto input = [](std::string_view parts) {
    return refusal(input_line("a: target: 1,1,1 " + std::string(parts)));
  };
  CHECK(input("number_of_inputs: 13 shape: 3 x 4") ==
        "line 4, column 54: expected a shape of 13 nodes in all, found '3 x 4'");
  CHECK(input("shape: 0 x 4") ==
        "line 4, column 33: expected a positive number of rows and columns, found '0'");
  CHECK(input("shape: 65536 x 65536") ==
        "line 4, column 33: expected a shape of at most 16777216 nodes, found '65536 x 65536'");
  CHECK(input("shape: 4 by 4") == "line 4, column 35: expected 'x', found 'by'");
  CHECK(input("shape: 4 x 4 windows: 5 x 4 to 2,1,1") ==
        "line 4, column 48: expected windows that fit into 4 x 4 nodes less a margin of 0, found "
        "'5 x 4'");
  CHECK(input("shape: 4 x 4 windows: 2 x 2 to 2,1,1 margin: 2") ==
        "line 4, column 48: expected windows that fit into 4 x 4 nodes less a margin of 2, found "
        "'2 x 2'");
  CHECK(input("shape: 4 x 4 windows: 2 x 2 to 2,1,1 margin: 1") == "accepted");
  CHECK(input("shape: 4 x 4 windows: 2 x 2 to 2,1,1 margin: -1") ==
        "line 4, column 71: expected a margin of 0 or more, found '-1'");
  CHECK(input("shape: 4 x 4 windows: 2 x 2 to 1,1,1..2") ==
        "line 4, column 57: expected windows to a single floor z, found '1..2'");
  CHECK(input("number_of_inputs: 24 windows: 1 x 8 to 1..2,1,1") == "accepted");
}

TEST_CASE("a short text cannot ask for more links than the limit", "[structure]") {
  std::string axons = "1..256,1..256,1 axons:";
  for (int i = 0; i < 17; ++i) {
    axons += " 1..256,1..256,1 -> 1,1,1";
  }
  CHECK(refusal(lines("", axons)) == "line 3, column 434: expected at most 1048576 hexagons in all "
                                     "axons and windows, found 'more'");
  CHECK(refusal(lines("", "1..256,1..256,1",
                      "a: shape: 33 x 32 windows: 33 x 32 to 1..256, 1..256, 1")) ==
        "line 4, column 36: expected at most 67108864 nodes in all windows, found '69206016'");
}

TEST_CASE("a text beyond the limit is refused unread", "[structure]") {
  CHECK(refusal(std::string(template_limits::text_bytes + 1, ' ')) ==
        "expected a template of at most 4194304 bytes, found 4194305");
  std::string full(classic);
  full.resize(template_limits::text_bytes, ' ');
  CHECK(parse_template(full) == valid());
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

TEST_CASE("a builder makes what a text makes", "[structure]") {
  cluster_settings settings;
  settings.activation = activation_kind::log2;
  settings.brick_size = 128;
  settings.initial_bricks = 2;
  settings.max_bricks = 4;
  settings.memory_limit = std::uint64_t{64} << 20;
  const auto made = template_builder{}
                        .settings(settings)
                        .hexagons({{1, 1, 1}, {4, 4, 1}})
                        .hexagon({1, 1, 2})
                        .axons({{1, 1, 1}, {4, 4, 1}}, {1, 1, 2})
                        .input_windows("picture", 28, 28, {12, 12, 1, {{1, 1, 1}, {4, 4, 1}}})
                        .output("digit", {1, 1, 2}, 10, output_kind::softmax)
                        .build();
  CHECK(made == parse_template(windowed));
  settings = {};
  settings.neuron_cooldown = 1e8;
  settings.max_connection_distance = 2;
  template_builder builder;
  builder.settings(settings).hexagons({{1, 1, 1}, {3, 1, 1}});
  builder.input("picture", {1, 1, 1}, 784).output("digit", {3, 1, 1}, 10, output_kind::sigmoid);
  CHECK(builder.build() == valid());
  CHECK(builder.axon({1, 1, 1}, {3, 1, 1}).build().axons.size() == 1);
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

TEST_CASE("a builder refuses what a text may not say", "[structure]") {
  CHECK_THROWS_AS(template_builder{}.build(), error);
  CHECK_THROWS_AS(template_builder{}.hexagons({{2, 1, 1}, {1, 1, 1}}), error);
  CHECK_THROWS_AS(template_builder{}.hexagons({{1, 1, 1}, {300, 300, 300}}), error);
  const auto start =
      template_builder{}.hexagon({1, 1, 1}).output("b", {1, 1, 1}, 1, output_kind::sigmoid);
  CHECK_THROWS_AS(template_builder{start}.input("a", {1, 1, 1}, 0).build(), error);
  CHECK_THROWS_AS(template_builder{start}.input("a", {2, 1, 1}, 1).build(), error);
  CHECK_THROWS_AS(template_builder{start}
                      .input_windows("a", 65536, 65537, {1, 1, 0, {{1, 1, 1}, {1, 1, 1}}})
                      .build(),
                  error);
  CHECK_NOTHROW(template_builder{start}.input("a", {1, 1, 1}, 1).build());
}

TEST_CASE("text and template are the same thing", "[structure]") {
  for (const std::string_view text : {classic, windowed}) {
    const cluster_template t = parse_template(text);
    CHECK(parse_template(to_text(t)) == t);
  }
  CHECK(to_text(valid()).find("hexagons:\n  1..3, 1, 1\n\ninputs:") != std::string::npos);
}

TEST_CASE("a template that is not valid is not written", "[structure]") {
  cluster_template t = valid();
  t.inputs[0].name = "a: target";
  CHECK_THROWS_AS(to_text(t), error);
}

namespace {

/// Random valid templates: scattered hexagons, boxes, all settings, shapes and windows.
class random_templates {
 public:
  explicit random_templates(std::uint32_t seed) : random_(seed) {}

  cluster_template next() {
    cluster_template t;
    t.settings = settings();
    hexagons(t);
    const auto any = [&] { return t.hexagons[below(t.hexagons.size())].position; };
    for (std::uint32_t i = below(4); i > 0; --i) {
      const hex_position from = any();
      t.axons.push_back({{from, from}, any()});
    }
    for (std::uint32_t i = 1 + below(3); i > 0; --i) {
      t.inputs.push_back(input(i, any()));
    }
    for (std::uint32_t i = 1 + below(3); i > 0; --i) {
      const auto kind = static_cast<output_kind>(below(3));
      value_loss loss;
      if (kind == output_kind::linear) {
        loss.kind = static_cast<loss_kind>(below(3));
        loss.quantile = loss.kind == loss_kind::quantile ? (1 + below(998)) / 1000.0 : 0.5;
      }
      t.outputs.push_back({"out" + std::to_string(i), any(), 1 + below(500), kind, loss});
    }
    return t;
  }

 private:
  std::uint32_t bits() { return static_cast<std::uint32_t>(random_()); }
  std::uint32_t below(std::size_t end) { return bits() % static_cast<std::uint32_t>(end); }
  std::int32_t near_zero() { return static_cast<std::int32_t>(below(9)) - 4; }

  cluster_settings settings() {
    cluster_settings all;
    all.neuron_cooldown = 1.0 + std::ldexp(bits() + 1.0, static_cast<int>(below(900)) - 40);
    all.refractory_time = 1 + bits() / 2;
    all.max_connection_distance = 1 + below(64);
    all.enable_pruning = below(2) == 1;
    all.activation = static_cast<activation_kind>(below(2));
    all.brick_size = 32U << below(4);
    all.initial_bricks = 1 + below(100);
    all.max_bricks = all.initial_bricks + below(100);
    all.max_steps = below(33);
    all.memory_limit = (std::uint64_t{1} + bits()) << below(32);
    return all;
  }

  void hexagons(cluster_template& t) {
    std::set<hex_position> taken;
    for (std::uint32_t i = 1 + below(12); i > 0; --i) {
      const hex_position from{near_zero(), near_zero(), near_zero()};
      const std::array<std::int32_t, 3> size{1 + near_zero() / 2, 1 + near_zero() / 2,
                                             1 + near_zero() / 2};
      for (std::int32_t z = 0; z < size[2]; ++z) {
        for (std::int32_t y = 0; y < size[1]; ++y) {
          for (std::int32_t x = 0; x < size[0]; ++x) {
            const hex_position at{from.x + x, from.y + y, from.z + z};
            if (taken.insert(at).second) {
              t.hexagons.push_back({at});
            }
          }
        }
      }
    }
    if (t.hexagons.empty()) {
      t.hexagons.push_back({{-1000000000, 1000000000, 0}});
    }
  }

  input_template input(std::uint32_t number, hex_position at) {
    const std::uint32_t rows = 1 + below(40);
    const std::uint32_t columns = 1 + below(40);
    input_template made{"in_" + std::to_string(number), at, rows * columns, rows, columns, {}};
    if (below(2) == 1) {
      const std::uint32_t margin = below((std::min(rows, columns) + 1) / 2);
      made.windows = input_windows{
          1 + below(rows - 2 * margin), 1 + below(columns - 2 * margin), margin, {at, at}};
      if (below(2) == 1) {
        made.target.reset();
      }
    }
    return made;
  }

  std::mt19937 random_;
};

} // namespace

TEST_CASE("random templates survive being written and read", "[structure]") {
  random_templates templates(20240601);
  for (int i = 0; i < 2000; ++i) {
    const cluster_template t = templates.next();
    const std::string text = to_text(t);
    INFO(text);
    REQUIRE(parse_template(text) == t);
    REQUIRE(to_text(parse_template(text)) == text);
  }
}
