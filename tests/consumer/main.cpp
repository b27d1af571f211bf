// SPDX-License-Identifier: Apache-2.0
#include <hanami/structure/template_parser.hpp>
#include <hanami/structure/template_writer.hpp>
#include <hanami/version.hpp>
#if __has_include(<hanami/hanami.hpp>)
#include <hanami/hanami.hpp>
#endif

#include <iostream>

int main() {
  std::cout << "hanami " HANAMI_VERSION_STRING "\n";
  std::error_code code;
  (void)hanami::parse_template("not a template", code);
  return code ? 0 : 1;
}
