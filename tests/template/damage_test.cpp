// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include <hanami/template/parser.hpp>
#include <hanami/template/validation.hpp>
#include <hanami/template/writer.hpp>

using namespace hanami;

namespace {

constexpr std::array<std::string_view, 4> whole{
    "version: 1\nsettings:\n  neuron_cooldown: 100000000.0\n  refractory_time: 1\n"
    "  max_connection_distance: 2\n  enable_reduction: false\nhexagons:\n  1,1,1\n  2,1,1\n"
    "  3,1,1\ninputs:\n  picture:\n    target: 1,1,1\n    number_of_inputs: 784\n"
    "outputs:\n  digit:\n    target: 3,1,1\n    number_of_outputs: 10 kind: sigmoid\n",

    "version: 1\nsettings:\n  activation: log2\n  brick_size: 128\n  initial_bricks: 2\n"
    "  max_bricks: 4\n  max_steps: auto\n  memory_limit: 64 MiB\nhexagons:\n  1..4, 1..4, 1\n"
    "  1, 1, 2\naxons:\n  1..4, 1..4, 1 -> 1, 1, 2\ninputs:\n"
    "  picture: shape: 28 x 28 windows: 12 x 12 to 1..4, 1..4, 1 margin: 1\noutputs:\n"
    "  digit: target: 1, 1, 2 number_of_outputs: 10 kind: softmax\n",

    "version:1 hexagons: 0,0,0; -1,0,0; 0,-1,-2..2 inputs: a: target: 0,0,0 number_of_inputs: 4; "
    "shape: target: -1,0,0 shape: 2x2 windows: 1x1 to 0,-1,0; outputs: a: target: 0,-1,2 "
    "number_of_outputs: 64 kind: linear; b: target: 0,-1,1 number_of_outputs: 1 kind: sigmoid;",

    "# a comment \xC3\xA9\r\nversion: 1\r\nsettings:\r\nhexagons:\r\n\t1,1,1 # here\r\n"
    "inputs: x: target: 1,1,1 number_of_inputs: 1\r\noutputs: y: target: 1,1,1 "
    "number_of_outputs: 1 kind: sigmoid # end"};

/// Bytes and pieces that are likely to hurt.
constexpr std::array<std::string_view, 24> pieces{
    ":",  ",",     ";",       "..",      "->",      "-",       "#",          "\n",
    "0",  "-1",    "9999999", "x",       "target:", "inputs:", "hexagons: ", "1..65536",
    "\t", "shape", "\xFF",    "windows", "1.5",     "kind: ",  "axons:",     "4294967296"};

/// One to four damages to a text: deleted, inserted, replaced, duplicated or cut off.
std::string damaged(std::string text, std::mt19937& random) {
  const auto below = [&](std::size_t end) { return end == 0 ? 0 : random() % end; };
  for (std::size_t times = 1 + below(4); times > 0 && !text.empty(); --times) {
    const std::size_t at = below(text.size());
    const std::size_t length = 1 + below(random() % 2 == 0 ? 3 : 30);
    switch (random() % 6) {
    case 0:
      text.erase(at, length);
      break;
    case 1:
      text.insert(at, pieces[below(pieces.size())]);
      break;
    case 2:
      text.replace(at, length, pieces[below(pieces.size())]);
      break;
    case 3:
      text.insert(below(text.size()), text.substr(at, length));
      break;
    case 4:
      text[at] = static_cast<char>(random() & 0xFFU);
      break;
    default:
      if (random() % 4 == 0) {
        text.resize(at);
      }
    }
  }
  return text;
}

} // namespace

TEST_CASE("ten thousand damaged templates are read whole or refused with a place", "[structure]") {
  std::mt19937 random(7);
  int read = 0;
  int refused = 0;
  for (std::size_t i = 0; i < 10000; ++i) {
    const std::string text = damaged(std::string(whole[i % whole.size()]), random);
    INFO(text);
    try {
      const cluster_template t = parse_template(text);
      validate(t);
      REQUIRE(parse_template(to_text(t)) == t);
      ++read;
    } catch (const error& failure) {
      REQUIRE(failure.code() == errc::invalid_template);
      REQUIRE(std::string_view(failure.what()).substr(0, 5) == "line ");
      ++refused;
    }
  }
  CHECK(read > 500); // the damage is neither harmless nor total
  CHECK(refused > 500);
}

TEST_CASE("a template cut off anywhere is refused at its end or read whole", "[structure]") {
  for (const std::string_view text : whole) {
    for (std::size_t length = 0; length < text.size(); ++length) {
      std::error_code code;
      std::string message;
      const cluster_template t = parse_template(text.substr(0, length), code, &message);
      if (code) {
        CHECK(message.substr(0, 5) == "line ");
      } else {
        CHECK_NOTHROW(validate(t));
      }
    }
  }
}
