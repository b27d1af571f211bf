// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/archive.hpp>
#include <hanami/stream/live/result_lines.hpp>
#include <hanami/stream/stream_model.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

// Whatever the bytes: an archive of a stream model is refused or gives one that goes on; and rows
// of any numbers, with any times, are learned and said something about. The first byte chooses.

namespace {

void go_on(hanami::stream_model& model, std::span<const std::uint8_t> bytes) {
  std::string text;
  double time = 0;
  for (int rows = 0; rows < 40 && !bytes.empty(); ++rows) {
    const std::size_t columns = bytes[0] % 4;
    time += 900 * ((bytes[0] >> 2) - 3.0); // on and back, and gaps of up to sixty rows
    std::vector<double> row(columns);
    for (double& value : row) {
      const std::size_t size = std::min<std::size_t>(bytes.size(), sizeof value);
      std::memcpy(&value, bytes.data(), size);
      bytes = bytes.subspan(size);
    }
    bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), 1));
    const hanami::stream_result& said = model.observe(row, time);
    hanami::result_lines(rows % 2 == 0).append(text, model.rows(), "", "", model, said);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0)
    return 0;
  hanami::stream_options options;
  options.window = (bytes[0] & 1) != 0 ? 0 : 2;
  options.step = (bytes[0] & 2) != 0 ? 3600 : 0;
  if ((bytes[0] & 4) != 0)
    options.zone = hanami::time_zone("CET-1CEST,M3.5.0,M10.5.0/3");
  const std::span<const std::uint8_t> rest(bytes + 1, size - 1);
  hanami::stream_model model(options);
  if ((bytes[0] & 8) == 0) {
    go_on(model, rest);
    return 0;
  }
  try {
    hanami::archive_reader reader(std::as_bytes(rest));
    reader(model);
    go_on(model, rest);
  } catch (const hanami::error&) {
  }
  return 0;
}
