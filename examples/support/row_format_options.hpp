// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/io/row_format.hpp>
#include <hanami/io/row_reader.hpp>

namespace example {

namespace detail {

/// A sign on a command line: itself, or a word for one that is hard to type.
inline std::string sign_of(const std::string& text, char& sign) {
  static const std::map<std::string, char> words = {{"tab", '\t'},
                                                    {"\\t", '\t'},
                                                    {"blank", ' '},
                                                    {"space", ' '},
                                                    {"comma", ','},
                                                    {"semicolon", ';'},
                                                    {"pipe", '|'},
                                                    {"point", '.'},
                                                    {"double", '"'},
                                                    {"single", '\''},
                                                    {"//", '/'},
                                                    {"auto", hanami::found_sign},
                                                    {"none", hanami::no_sign}};
  const auto word = words.find(text);
  if (word == words.end() && text.size() != 1) {
    return "takes one sign, or one of tab, blank, none, auto: " + text;
  }
  sign = word == words.end() ? text.front() : word->second;
  return {};
}

inline void add_sign(CLI::App& command, const char* name, char& sign, const char* about,
                     const char* group) {
  command
      .add_option_function<std::string>(
          name,
          [&sign, name](const std::string& text) {
            if (const std::string why = sign_of(text, sign); !why.empty()) {
              throw CLI::ValidationError(name, why);
            }
          },
          about)
      ->type_name("SIGN")
      ->group(group);
}

} // namespace detail

/// An option that takes names of columns with a comma between them; one that has a comma itself
/// stands in double quotes.
inline CLI::Option* add_names(CLI::App& command, const char* name, std::vector<std::string>& names,
                              const char* about) {
  return command
      .add_option_function<std::string>(
          name,
          [&names](const std::string& text) {
            hanami::row_reader reader({.syntax = hanami::row_syntax::csv,
                                       .separator = ',',
                                       .quote = '"',
                                       .comment = hanami::no_sign,
                                       .header = hanami::row_header::absent});
            reader.feed(text);
            for (reader.finish(); reader.next();) {
              for (const hanami::row_cell& cell : reader.cells()) {
                names.emplace_back(cell.text);
              }
            }
          },
          about)
      ->type_name("A,B,...");
}

/// The options that say how rows stand in the input, for what its first lines do not tell.
inline void add_row_format(CLI::App& command, hanami::row_format& format,
                           const char* group = "how rows stand in the input (found)") {
  detail::add_sign(command, "--separator", format.separator, "between fields: , ; | tab blank",
                   group);
  detail::add_sign(command, "--decimal", format.decimal, "in numbers: . or ,", group);
  detail::add_sign(command, "--thousands", format.thousands,
                   "between thousands: , . ' blank, or none", group);
  detail::add_sign(command, "--quote", format.quote, "around fields: \" or ', or none", group);
  detail::add_sign(command, "--comment", format.comment,
                   "at the beginning of lines to leave out, or none", group);
  static const std::map<std::string, hanami::row_header> headers = {
      {"auto", hanami::row_header::automatic},
      {"yes", hanami::row_header::present},
      {"no", hanami::row_header::absent}};
  command.add_option("--header", format.header, "whether the first line names columns: yes or no")
      ->type_name("WORD")
      ->transform(CLI::CheckedTransformer(headers).description(""))
      ->group(group);
  command
      .add_option("--missing", format.missing,
                  "words for a missing value, beside NA, null, ? and the like")
      ->type_name("A,B")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--skip-lines", format.skip_lines, "before the table begins (0)")
      ->type_name("N")
      ->group(group);
}

} // namespace example
