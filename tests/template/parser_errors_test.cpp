// SPDX-License-Identifier: Apache-2.0
#include <hanami/template/parser.hpp>

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "template_texts.hpp"

using namespace hanami;
using namespace hanami_test;

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
