// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <iostream>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace example {

/// What the user typed is not what the program takes.
struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
concept number = std::integral<T> || std::floating_point<T>;

/// The numbers an option takes, both ends included.
template <number T>
struct bounds {
  T least = std::numeric_limits<T>::lowest();
  T most = std::numeric_limits<T>::max();
};

namespace detail {

/// Edit distance (Levenshtein 1966).
inline std::size_t edits_between(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

template <number T>
std::string show(T value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

} // namespace detail

/// Options of a program: declared with the variable they set, then parsed. `--name value`,
/// `--name=value` and `--flag`; `--help` is always there.
class command_line {
 public:
  /// `usage` goes behind the program's name in the first line of the help.
  command_line(std::string program, std::string usage, std::string purpose)
      : program_(std::move(program)), usage_(std::move(usage)), purpose_(std::move(purpose)) {}

  /// A line between the options of the help.
  void section(std::string title) { entries_.push_back({{}, {}, std::move(title), nullptr}); }

  void flag(std::string name, bool& value, std::string help) {
    entries_.push_back(
        {std::move(name), {}, std::move(help), [&value](std::string_view) { value = true; }});
  }

  void option(std::string name, std::string takes, std::string& value, std::string help) {
    entries_.push_back({std::move(name), std::move(takes), std::move(help),
                        [&value](std::string_view text) { value = text; }});
  }

  /// `a,b,c`
  void option(std::string name, std::string takes, std::vector<std::string>& values,
              std::string help) {
    entries_.push_back({std::move(name), std::move(takes), std::move(help),
                        [&values](std::string_view text) { values = split(text); }});
  }

  template <number T>
  void option(std::string name, std::string takes, T& value, std::string help,
              std::type_identity_t<bounds<T>> range = {}) {
    entries_.push_back(
        {name, std::move(takes), std::move(help),
         [&value, name, range](std::string_view text) { value = parse(name, text, range); }});
  }

  /// Sets the variables; false if the help was asked for and printed. Throws `usage_error`.
  bool parse(std::span<char* const> arguments) const {
    for (std::size_t i = 0; i < arguments.size(); ++i) {
      const std::string_view argument = arguments[i];
      if (argument == "--help" || argument == "-h") {
        print_help(std::cout);
        return false;
      }
      if (argument.substr(0, 2) != "--") {
        throw usage_error("'" + std::string(argument) + "' is no option" + hint());
      }
      const std::size_t equals = argument.find('=');
      const entry& found = find(argument.substr(2, equals - 2));
      if (found.takes.empty()) {
        if (equals != std::string_view::npos) {
          throw usage_error("'--" + found.name + "' takes no value");
        }
        found.set({});
      } else if (equals != std::string_view::npos) {
        found.set(argument.substr(equals + 1));
      } else if (i + 1 < arguments.size()) {
        found.set(arguments[++i]);
      } else {
        throw usage_error("'--" + found.name + "' needs a value: " + found.takes);
      }
    }
    return true;
  }

 private:
  struct entry {
    std::string name;  ///< empty: a title
    std::string takes; ///< empty: a flag
    std::string help;
    std::function<void(std::string_view)> set;
  };

  static std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
      const std::size_t comma = text.find(',');
      parts.emplace_back(text.substr(0, comma));
      text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    }
    return parts;
  }

  template <number T>
  static T parse(const std::string& name, std::string_view text, bounds<T> range) {
    T value{};
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() ||
        !(value >= range.least && value <= range.most)) {
      std::string wanted = std::integral<T> ? "a whole number" : "a number";
      if (range.least != std::numeric_limits<T>::lowest()) {
        wanted += " from " + detail::show(range.least);
      }
      if (range.most != std::numeric_limits<T>::max()) {
        wanted += " up to " + detail::show(range.most);
      }
      throw usage_error("'--" + name + "' takes " + wanted + ", not '" + std::string(text) + "'");
    }
    return value;
  }

  const entry& find(std::string_view name) const {
    const entry* nearest = nullptr;
    std::size_t fewest = std::max<std::size_t>(2, name.size() / 2);
    for (const entry& e : entries_) {
      if (e.name.empty()) {
        continue;
      }
      if (e.name == name) {
        return e;
      }
      const std::size_t edits = e.name.starts_with(name) ? 1 : detail::edits_between(e.name, name);
      if (edits < fewest) {
        fewest = edits;
        nearest = &e;
      }
    }
    throw usage_error("there is no option '--" + std::string(name) + "'" +
                      (nearest == nullptr ? hint() : "; did you mean '--" + nearest->name + "'?"));
  }

  std::string hint() const { return "; '" + program_ + " --help' lists what there is"; }

  void print_help(std::ostream& out) const {
    out << "usage: " << program_ << ' ' << usage_ << "\n\n" << purpose_ << '\n';
    const auto left = [](const entry& e) {
      return "  --" + e.name + (e.takes.empty() ? "" : ' ' + e.takes);
    };
    std::size_t width = 8;
    for (const entry& e : entries_) {
      width = std::max(width, e.name.empty() ? 0 : left(e).size());
    }
    for (const entry& e : entries_) {
      if (e.name.empty()) {
        out << '\n' << e.help << ":\n";
        continue;
      }
      std::string line = left(e);
      line.resize(width + 2, ' ');
      for (const char c : e.help) {
        line += c;
        line.append(c == '\n' ? width + 2 : 0, ' ');
      }
      out << line << '\n';
    }
    std::string line = "  --help";
    line.resize(width + 2, ' ');
    out << line << "this text\n";
  }

  std::string program_;
  std::string usage_;
  std::string purpose_;
  std::vector<entry> entries_;
};

/// Runs the body of a program and turns what it throws into a message and an exit code: 1 for a
/// failure, 2 for a wrong command line.
template <std::invocable Body>
int run_program(std::string_view name, Body body) {
  try {
    return body();
  } catch (const usage_error& e) {
    std::cerr << name << ": " << e.what() << '\n';
    return 2;
  } catch (const std::exception& e) {
    std::cerr << name << ": " << e.what() << '\n';
    return 1;
  }
}

} // namespace example
