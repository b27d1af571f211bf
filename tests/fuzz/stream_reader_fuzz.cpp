// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/archive.hpp>
#include <hanami/stream/live/stream_reader.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

// Whatever the lines of a stream, the rows have values of columns that are known, each once;
// and a reader that was saved between two lines goes on as the one that was not.

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

void check(const hanami::stream_reader& reader) {
  const hanami::stream_row& row = reader.row();
  require(row.values.size() <= reader.columns().size());
  for (const auto& [name, value] : row.values)
    require(!std::isinf(value));
  require(std::isnan(row.time) || std::isfinite(row.time));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0)
    return 0;
  std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  hanami::stream_reader_options options;
  options.by = (bytes[0] & 1) != 0 ? "id" : "";
  options.time.field = (bytes[0] & 2) != 0 ? "none" : "";
  if ((bytes[0] & 4) != 0)
    options.time.zone = hanami::time_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  hanami::stream_reader reader(options);
  try {
    while (!text.empty()) {
      for (reader.feed(take_line(text)); reader.next();)
        check(reader);
      if (reader.begun() && (bytes[0] & 8) != 0) {
        hanami::archive_writer writer;
        writer(reader);
        hanami::stream_reader again;
        hanami::archive_reader(writer.bytes())(again);
        require(again.columns() == reader.columns() && again.timed() == reader.timed());
        const std::string_view line = take_line(text);
        again.feed(line);
        reader.feed(line);
        while (reader.next()) {
          require(again.next() && again.row().values.size() == reader.row().values.size());
          check(reader);
        }
        require(!again.next());
      }
    }
    for (reader.finish(); reader.next();)
      check(reader);
  } catch (const hanami::error&) {
    return 0; // a field that was asked for is not there
  }
  return 0;
}
