// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include <hanami/draw/draw.hpp>
#include <hanami/structure/topology.hpp>
#include <hanami/template/parser.hpp>
#include <hanami/template/writer.hpp>

/// Any bytes are refused with a message or make a template that is valid and survives being written
/// and read; what can be planned can be drawn. Build with `clang++ -fsanitize=fuzzer,address`.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::error_code code;
  std::string message;
  const hanami::cluster_template read = hanami::parse_template(text, code, &message);
  if (code) {
    if (message.empty()) {
      std::abort();
    }
    return 0;
  }
  if (hanami::parse_template(hanami::to_text(read)) != read) {
    std::abort();
  }
  if (read.hexagons.size() <= 1000) { // more are nothing new, only slow
    try {
      const auto drawing = hanami::draw_svg(hanami::make_topology(read));
      if (!drawing.ends_with("</svg>\n")) {
        std::abort();
      }
    } catch (const hanami::error&) {
    }
  }
  return 0;
}
