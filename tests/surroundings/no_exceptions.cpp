// SPDX-License-Identifier: Apache-2.0
// Built with -fno-exceptions -fno-rtti, behind macros of all sorts and as where there is no POSIX:
// a cluster learns, is saved and loaded, and an error ends in the handler. Ends with 0 if the
// handler has heard of the error that was to come.

#include "macros.hpp"

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>
#include <hanami/stream.hpp>

#include <array>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <system_error>

#if !defined(min) || !defined(near) || !defined(ERROR)
#error "the macros of the program are gone"
#endif

namespace {

void hear(hanami::errc value, const char* message) {
  const bool expected =
      value == hanami::errc::invalid_template &&
      std::string_view(message) == "expected a finite neuron_cooldown above 1, found '0.5'";
  std::_Exit(expected ? 0 : 1);
}

} // namespace

int main(int, char** arguments) {
  hanami::cluster cluster(hanami::parse_template(
      "version: 1 hexagons: 1..3, 1, 1 inputs: in: target: 1, 1, 1 number_of_inputs: 2 "
      "outputs: out: target: 3, 1, 1 number_of_outputs: 1 kind: sigmoid"));
  const std::array<float, 2> on{1, 0};
  const std::array<float, 2> off{0, 1};
  for (int i = 0; i < 200; ++i) {
    cluster.train(on, std::array<float, 1>{1});
    cluster.train(off, std::array<float, 1>{0});
  }
  if (!(cluster.infer(on)[0] > 0.8f && cluster.infer(off)[0] < 0.2f)) {
    return 2;
  }
  const std::array<float, 2> broken{1, std::numeric_limits<float>::infinity()};
  if (!hanami::check_values<float>(broken, 2) || !hanami::check_values<float>(on, 3) ||
      hanami::check_values<float>(on, 2)) {
    return 3;
  }
  const std::filesystem::path file = std::string(arguments[0]) + ".checkpoint";
  hanami::save(cluster, file);
  std::error_code code;
  const auto restored = hanami::load(file, code);
  std::filesystem::remove(file);
  if (code || !restored || restored->infer(on) != cluster.infer(on)) {
    return 4;
  }
  hanami::current_error_handler() = &hear;
  hanami::parse_template("version: 1 settings: neuron_cooldown: 0.5 hexagons: 1, 1, 1");
  return 5;
}
