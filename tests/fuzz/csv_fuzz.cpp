// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/csv_reader.hpp>
#include <hanami/io/csv_writer.hpp>

#include <cmath>
#include <cstdlib>
#include <sstream>

// Whatever the bytes, `load_table` gives a table without infinities or a hanami::error; and a table
// of numbers that is written and read again is the same. The first byte chooses the options.

namespace {

void check_round_trip(const hanami::table_dataset& data, const hanami::csv_options& options) {
  std::stringstream text;
  hanami::csv_writer writer(text, options.separator);
  for (std::size_t r = 0; r < data.row_count(); ++r)
    writer.row(data.row(r));
  hanami::csv_reader reader(text,
                            {.separator = options.separator, .header = hanami::csv_header::absent});
  std::vector<float> row(data.columns().size());
  for (std::size_t r = 0; r < data.row_count(); ++r) {
    if (!reader.read(row))
      std::abort();
    for (std::size_t i = 0; i < row.size(); ++i)
      if (row[i] != data.row(r)[i] && !(std::isnan(row[i]) && std::isnan(data.row(r)[i])))
        std::abort();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0)
    return 0;
  hanami::csv_options options;
  options.separator = (bytes[0] & 1) != 0 ? ';' : ',';
  options.header = static_cast<hanami::csv_header>((bytes[0] >> 1) % 3);
  if ((bytes[0] & 16) != 0)
    options.categorical = {"column_1"};
  if ((bytes[0] & 32) != 0)
    options.columns = {"column_2", "column_1"};
  options.max_field_bytes = 256;
  options.max_row_bytes = 1024;
  std::istringstream stream(std::string(bytes + 1, bytes + size));
  try {
    const hanami::table_dataset data =
        hanami::load_table(stream, options, {.window = 2, .horizon = std::size_t{bytes[0]} >> 6});
    hanami::sample_buffer buffer;
    for (std::size_t i = 0; i < data.size(); ++i)
      for (const float value : buffer.read(data, i).input)
        if (std::isinf(value))
          std::abort();
    if (data.row_count() > 0)
      check_round_trip(data, options);
  } catch (const hanami::error&) {
  }
  return 0;
}
