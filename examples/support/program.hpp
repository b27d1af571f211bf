// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

namespace example {

/// For options without a sign: CLI11 would take -1 for the largest number.
inline CLI::Validator not_negative() {
  return CLI::Validator(
      [](const std::string& text) {
        return text.starts_with('-') ? std::string("takes no negative number") : std::string();
      },
      "");
}

/// Reads the command line, then runs the body of the program. The exit code is the body's, 1 for
/// what it throws, 2 for a wrong command line, also for a `CLI::ValidationError` of the body.
template <std::invocable Body>
int run_program(CLI::App& app, int count, const char* const* arguments, Body body) {
  try {
    app.parse(count, arguments);
    return body();
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2; // help is no failure
  } catch (const std::exception& e) {
    std::cerr << app.get_name() << ": " << e.what() << '\n';
    return 1;
  }
}

} // namespace example
