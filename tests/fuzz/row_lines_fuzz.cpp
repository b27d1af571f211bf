// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/archive.hpp>
#include <hanami/stream/row_lines.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

// Whatever the lines of a stream, each is a row of as many values as there are columns, or it is
// said what is wrong with it; and what has been decided by the first line survives an archive.

namespace {

void require(bool good) {
  if (!good)
    std::abort();
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
  return line;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  hanami::row_lines lines((bytes[0] & 1) != 0 ? "time" : "", {},
                          (bytes[0] & 2) != 0
                              ? std::optional(hanami::time_zone("CET-1CEST,M3.5.0,M10.5.0/3"))
                              : std::nullopt);
  const std::string_view first = take_line(text);
  hanami::row_lines again;
  try {
    require(lines.begin(first) == hanami::row_lines::is_header(first));
    hanami::archive_writer writer;
    writer(lines);
    hanami::archive_reader(writer.bytes())(again);
  } catch (const hanami::error&) {
    return 0;
  }
  require(again.columns() == lines.columns() && !lines.columns().empty());
  hanami::stream_row row;
  hanami::stream_row same;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const std::string wrong = lines.read(line, row);
    require(wrong == again.read(line, same) && wrong.size() < 400 + first.size());
    require(row.values.size() == lines.columns().size() && row.time_text == same.time_text);
  }
  return 0;
}
