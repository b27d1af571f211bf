// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/idx.hpp>
#include <hanami/io/load_table.hpp>

#include <cmath>
#include <sstream>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

// Ten thousand damaged files of each kind: whatever comes is a valid dataset or a hanami::error.

using namespace hanami;

namespace {

using bytes = std::vector<std::uint8_t>;

/// One to four changes: a byte flipped, set, put in, taken out, or the end cut off.
bytes damage(bytes file, std::string_view favourites, std::uint64_t seed, std::uint64_t trial) {
  std::uint64_t counter = 0;
  const auto below = [&](std::size_t bound) {
    return random_below(static_cast<std::uint32_t>(bound), seed, trial, counter++);
  };
  for (std::uint32_t changes = 1 + below(4); changes > 0 && !file.empty(); --changes) {
    const auto at = file.begin() + static_cast<std::ptrdiff_t>(below(file.size()));
    const auto value = static_cast<std::uint8_t>(favourites[below(favourites.size())]);
    switch (below(5)) {
    case 0:
      *at = static_cast<std::uint8_t>(*at ^ (1u << below(8)));
      break;
    case 1:
      *at = value;
      break;
    case 2:
      file.insert(at, value);
      break;
    case 3:
      file.erase(at);
      break;
    default:
      file.erase(at, file.end());
      break;
    }
  }
  return file;
}

void append_big_endian(bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift));
}

bool is_sound(const table_dataset& data) {
  sample_buffer buffer;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const sample_view sample = buffer.read(data, i);
    for (const float value : sample.input)
      if (std::isinf(value))
        return false;
  }
  for (const table_column& column : data.columns())
    if (column.name.empty())
      return false;
  return true;
}

} // namespace

TEST_CASE("ten thousand damaged CSVs load or fail with a hanami::error", "[io]") {
  const std::string good = "\xEF\xBB\xBFtime,value,\"kind, of\",on\r\n"
                           "1,2.5,red,true\r\n2,NA,\"gr\"\"een\",false\r\n\r\n"
                           "3,1e5,blue,true\r\n4,-7,\"two\nlines\",\r\n5,+0.25,red,null\r\n";
  std::size_t loaded = 0;
  std::size_t refused = 0;
  for (std::uint64_t trial = 0; trial < 10000; ++trial) {
    const bytes file = damage(bytes(good.begin(), good.end()),
                              std::string_view("\",\r\n\0e9-.\xFFx ", 12), 11, trial);
    std::istringstream stream(std::string(file.begin(), file.end()));
    try {
      const table_dataset data =
          load_table(stream, {.format = {.max_row_bytes = 256}, .categorical = {"kind, of"}},
                     {.window = 2, .horizon = trial % 3});
      REQUIRE(is_sound(data));
      ++loaded;
    } catch (const error& failure) {
      REQUIRE(failure.code().category() == error_category());
      ++refused;
    }
  }
  CAPTURE(loaded, refused);
  REQUIRE(loaded > 500);
  REQUIRE(refused > 500);
}

TEST_CASE("ten thousand damaged idx files load or fail with a hanami::error", "[io]") {
  bytes images;
  bytes labels;
  for (const std::uint32_t value : {0x803u, 5u, 2u, 2u})
    append_big_endian(images, value);
  for (const std::uint32_t value : {0x801u, 5u})
    append_big_endian(labels, value);
  images.resize(images.size() + 20, 200);
  for (std::uint8_t label = 0; label < 5; ++label)
    labels.push_back(label);
  std::size_t loaded = 0;
  std::size_t refused = 0;
  for (std::uint64_t trial = 0; trial < 10000; ++trial) {
    const std::string_view favourites("\0\1\3\5\10\xFF\x80\x1f\x8b", 9);
    const bytes damaged_images = trial % 2 == 0 ? damage(images, favourites, 12, trial) : images;
    const bytes damaged_labels = trial % 2 == 0 ? labels : damage(labels, favourites, 13, trial);
    try {
      const image_dataset data = read_idx(damaged_images, damaged_labels);
      REQUIRE(data.size() == 5);
      REQUIRE(data.input_size() == 4);
      for (std::size_t i = 0; i < data.size(); ++i)
        REQUIRE(data.label(i) < data.classes());
      ++loaded;
    } catch (const error& failure) {
      REQUIRE(failure.code() == errc::invalid_data);
      ++refused;
    }
  }
  CAPTURE(loaded, refused);
  REQUIRE(loaded > 500);
  REQUIRE(refused > 500);
}
