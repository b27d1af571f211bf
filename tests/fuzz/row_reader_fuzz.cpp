// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/archive.hpp>
#include <hanami/io/csv_writer.hpp>
#include <hanami/io/load_table.hpp>
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>
#include <string_view>

// Whatever the bytes, a reader of rows gives sound cells of known fields, also after it has been in
// an archive; `load_table` gives a table without infinities or a hanami::error; and a table of
// numbers that is written and read again is the same. The first two bytes choose the options.

namespace {

void require(bool good) {
  if (!good)
    std::abort();
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

void check_row(const hanami::row_reader& reader, std::string_view line) {
  require(reader.cells().size() == reader.fields().size());
  require(reader.line() >= 1 && reader.line() <= reader.lines());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < reader.cells().size(); ++i) {
    const hanami::row_cell& cell = reader.cells()[i];
    require(hanami::has_value(cell.kind) == std::isfinite(cell.value));
    for (const char c : cell.text)
      bytes += static_cast<unsigned char>(c) != 0 ? 1U : 0U; // reads all of it
  }
  require(bytes < (std::size_t{1} << 20) + line.size());
}

void check_stream(std::string_view text, const hanami::row_format& format, bool live) {
  hanami::row_reader reader(format);
  hanami::row_reader again(format);
  std::size_t lines = 0;
  const auto compare = [&](std::string_view line) {
    for (;;) {
      const bool more = reader.next();
      require(more == again.next());
      if (!more)
        return;
      check_row(reader, line);
      require(reader.fields() == again.fields());
      for (std::size_t i = 0; i < reader.cells().size(); ++i)
        require(same(reader.cells()[i].value, again.cells()[i].value) &&
                reader.cells()[i].text == again.cells()[i].text);
    }
  };
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    reader.feed(line);
    again.feed(line);
    if (live) {
      reader.settle();
      again.settle();
    }
    compare(line);
    if (++lines % 3 == 0) {
      hanami::archive_writer writer;
      writer(again);
      again = hanami::row_reader();
      hanami::archive_reader(writer.bytes())(again);
    }
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  reader.finish();
  again.finish();
  compare({});
  require(reader.lost_lines() == again.lost_lines() && reader.lost_lines() <= reader.lines());
}

void check_table(const std::string& text, const hanami::table_options& options) {
  std::istringstream stream(text);
  const hanami::table_dataset data = hanami::load_table(stream, options);
  std::stringstream written;
  hanami::csv_writer writer(written);
  for (const hanami::table_column& column : data.columns())
    writer.field("n" + column.name);
  writer.end_row();
  for (std::size_t r = 0; r < data.row_count(); ++r) {
    for (const float value : data.row(r))
      require(!std::isinf(value));
    writer.row(data.row(r));
  }
  const hanami::table_dataset same_data =
      hanami::load_table(written, {.format = {.syntax = hanami::row_syntax::csv,
                                              .separator = ',',
                                              .quote = '"',
                                              .comment = hanami::no_sign,
                                              .header = hanami::row_header::present}});
  require(same_data.row_count() == data.row_count());
  for (std::size_t r = 0; r < data.row_count(); ++r)
    for (std::size_t i = 0; i < data.row(r).size(); ++i)
      require(same(static_cast<double>(data.row(r)[i]), static_cast<double>(same_data.row(r)[i])));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2)
    return 0;
  const auto pick = [](std::uint8_t bits, std::string_view signs) {
    return signs[bits % signs.size()];
  };
  hanami::row_format format;
  format.separator = pick(bytes[0] & 7, std::string_view("\0\0\0\0,; |", 8));
  format.header = static_cast<hanami::row_header>((bytes[0] >> 3) % 3);
  format.decimal = pick(bytes[0] >> 6, std::string_view("\0\0.,", 4));
  format.syntax = static_cast<hanami::row_syntax>(bytes[1] % 4);
  format.quote = pick((bytes[1] >> 2) & 3, std::string_view("\0\0'\n", 4));
  format.skip_lines = (bytes[1] >> 4) & 1;
  format.max_row_bytes = 4096;
  format.max_fields = 64;
  const std::string text(bytes + 2, bytes + size);
  try {
    check_stream(text, format, (bytes[1] & 32) != 0);
    hanami::row_troubles troubles;
    hanami::table_options options{.format = format};
    options.troubles = (bytes[1] & 64) != 0 ? &troubles : nullptr;
    check_table(text, options);
  } catch (const hanami::error&) {
  }
  return 0;
}
