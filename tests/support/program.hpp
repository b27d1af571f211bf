// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <exception>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

namespace support {

/// What the user typed is not what the program takes; the message tells what is.
struct usage_error : CLI::ValidationError {
  explicit usage_error(const std::string& why) : ValidationError(why) {}
};

/// Runs the body of a program. The exit code is the body's, or 1 for what it throws.
template <std::invocable Body>
int run_program(const std::string& name, Body body) {
  try {
    return body();
  } catch (const std::exception& e) {
    std::cerr << name << ": " << e.what() << '\n';
    return 1;
  }
}

/// Reads the command line first; 2 if it is wrong.
template <std::invocable Body>
int run_program(CLI::App& app, int count, const char* const* arguments, Body body) {
  app.get_formatter()->column_width(30);
  return run_program(app.get_name(), [&] {
    try {
      app.parse(count, arguments);
      return body();
    } catch (const CLI::ParseError& e) {
      return app.exit(e) == 0 ? 0 : 2; // help is no failure
    }
  });
}

/// For options without a sign: CLI11 would take -1 for the largest number.
inline CLI::Validator not_negative() {
  return CLI::Validator(
      [](const std::string& text) {
        return text.starts_with('-') ? std::string("takes no negative number") : std::string();
      },
      "");
}

/// `--json`
inline void add_json_flag(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "JSON instead of tables");
}

} // namespace support
