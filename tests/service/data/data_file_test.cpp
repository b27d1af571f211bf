// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/foundation/random.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/data/data_file.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami;
using namespace hanami::service::data;

namespace {

data_layout small_layout(value_type type, std::uint64_t rows) {
  data_layout layout;
  layout.type = type;
  layout.rows = rows;
  layout.width = 5;
  layout.columns = {{"a", 0, 3}, {"second one", 3, 5}};
  return layout;
}

std::vector<float> counted(std::uint64_t rows, std::uint64_t width) {
  std::vector<float> values(rows * width);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i % 251);
  }
  return values;
}

void write_rows(const std::filesystem::path& file, const data_layout& layout,
                std::span<const float> values) {
  data_writer writer(file, layout, {});
  writer.write(values);
  writer.finish();
}

template <class Work>
errc code_of(Work&& work) {
  try {
    work();
  } catch (const error& failure) {
    return static_cast<errc>(failure.code().value());
  }
  FAIL("no error");
  return {};
}

/// Puts these bytes into a block file and opens it as a dataset.
errc code_of_content(const std::filesystem::path& file, std::span<const std::byte> content) {
  block_writer writer(file, {});
  writer.write(content);
  writer.finish();
  return code_of([&] { data_reader(file, {}); });
}

std::vector<std::byte> content_of(const std::filesystem::path& file) {
  const block_reader reader(file, {});
  std::vector<std::byte> content(static_cast<std::size_t>(reader.size()));
  reader.read(0, content);
  return content;
}

} // namespace

TEST_CASE("datasets give back their layout and rows, of both types", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "data";
  for (const value_type type : {value_type::uint8, value_type::float32}) {
    for (const bool encrypted : {false, true}) {
      const auto key =
          encrypted ? std::optional(service::access::secret_key{1, 2, 3}) : std::nullopt;
      const std::uint64_t rows = 50'000; // several blocks
      const std::vector<float> values = counted(rows, 5);
      data_writer writer(file, small_layout(type, rows), key);
      writer.write(std::span<const float>(values).first(5 * 777));
      writer.write(std::span<const float>(values).subspan(5 * 777));
      writer.finish();

      const data_reader reader(file, key);
      REQUIRE(reader.layout().type == type);
      REQUIRE(reader.layout().rows == rows);
      REQUIRE(reader.layout().width == 5);
      REQUIRE(reader.layout().columns.size() == 2);
      REQUIRE(reader.layout().columns[1].name == "second one");
      std::vector<float> read(values.size());
      reader.read(0, rows, read);
      REQUIRE(read == values);
    }
  }
}

TEST_CASE("columns of a dataset are read on their own, from any row", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "data";
  for (const value_type type : {value_type::uint8, value_type::float32}) {
    const std::uint64_t rows = 30'000;
    const std::vector<float> values = counted(rows, 5);
    write_rows(file, small_layout(type, rows), values);
    const data_reader reader(file, {});
    for (std::uint64_t i = 0; i < 60; ++i) {
      const std::uint64_t first = random_bits(1, 1, i) % rows;
      const std::uint64_t count = random_bits(1, 2, i) % (i % 2 == 0 ? 20 : rows - first + 1);
      if (count > rows - first) {
        continue;
      }
      const data_column& column = reader.layout().column(i % 3 == 0 ? "a" : "second one");
      std::vector<float> got(count * column.width());
      reader.read(column, first, count, got);
      bool same = true;
      for (std::size_t k = 0; k < got.size(); ++k) {
        const std::uint64_t row = first + k / column.width();
        same = same && got[k] == values[row * 5 + column.first + k % column.width()];
      }
      REQUIRE(same);
    }
  }
}

TEST_CASE("a column of rows wider than a block is read on its own", "[service]") {
  const scratch_folder folder;
  data_layout wide;
  wide.rows = 3;
  wide.width = 40'000;
  wide.columns = {{"left", 0, 39'990}, {"right", 39'990, 40'000}};
  const std::vector<float> values = counted(wide.rows, wide.width);
  write_rows(folder.path / "data", wide, values);
  const data_reader reader(folder.path / "data", {});
  std::vector<float> got(20);
  reader.read(wide.columns[1], 1, 2, got);
  REQUIRE(std::equal(got.begin(), got.begin() + 10, values.begin() + 79'990));
  REQUIRE(std::equal(got.begin() + 10, got.end(), values.begin() + 119'990));
}

TEST_CASE("values of uint8 are rounded and held within their range", "[service]") {
  const scratch_folder folder;
  data_layout layout;
  layout.type = value_type::uint8;
  layout.rows = 1;
  layout.width = 7;
  constexpr float infinity = std::numeric_limits<float>::infinity();
  write_rows(folder.path / "data", layout,
             std::vector<float>{-5.0F, 0.4F, 0.6F, 254.6F, 1e9F, std::nanf(""), infinity});
  std::vector<float> read(7);
  data_reader(folder.path / "data", {}).read(0, 1, read);
  REQUIRE(read == std::vector<float>{0.0F, 0.0F, 1.0F, 255.0F, 255.0F, 0.0F, 255.0F});
}

TEST_CASE("float32 values, NaN among them, keep their bits", "[service]") {
  const scratch_folder folder;
  data_layout layout;
  layout.rows = 1;
  layout.width = 3;
  const std::vector<float> values{std::nanf(""), -0.0F, 1e-42F};
  write_rows(folder.path / "data", layout, values);
  std::vector<float> read(3);
  data_reader(folder.path / "data", {}).read(0, 1, read);
  REQUIRE(std::memcmp(read.data(), values.data(), 12) == 0);
}

TEST_CASE("bytes go into datasets of uint8 as they are, and into no others", "[service]") {
  const scratch_folder folder;
  const std::vector<std::uint8_t> values{0, 1, 2, 254, 255};
  data_writer writer(folder.path / "data", small_layout(value_type::uint8, 1), {});
  writer.write(std::span<const std::uint8_t>(values));
  writer.finish();
  std::vector<float> read(5);
  data_reader(folder.path / "data", {}).read(0, 1, read);
  REQUIRE(std::equal(read.begin(), read.end(), values.begin()));

  data_writer floats(folder.path / "other", small_layout(value_type::float32, 1), {});
  REQUIRE(code_of([&] { floats.write(std::span<const std::uint8_t>(values)); }) ==
          errc::invalid_argument);
}

TEST_CASE("a dataset has the rows that were announced, or stays away", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "data";
  const std::vector<float> row(5);
  {
    data_writer writer(file, small_layout(value_type::float32, 2), {});
    writer.write(row);
    REQUIRE(code_of([&] { writer.write(std::span(row).first(3)); }) == errc::invalid_argument);
    REQUIRE(code_of([&] { writer.finish(); }) == errc::invalid_data);
    writer.write(row);
    REQUIRE(code_of([&] { writer.write(row); }) == errc::invalid_data);
  }
  REQUIRE(folder.files() == 0);
  write_rows(file, small_layout(value_type::float32, 0), {});
  REQUIRE(data_reader(file, {}).layout().rows == 0);
}

TEST_CASE("layouts that make no sense are refused", "[service]") {
  const scratch_folder folder;
  const auto refused = [&](auto change) {
    data_layout layout = small_layout(value_type::float32, 1);
    change(layout);
    return code_of([&] { data_writer(folder.path / "data", layout, {}); }) ==
           errc::invalid_argument;
  };
  REQUIRE(refused([](data_layout& l) { l.type = value_type{2}; }));
  REQUIRE(refused([](data_layout& l) { l.width = 0; }));
  REQUIRE(refused([](data_layout& l) { l.rows = std::uint64_t{1} << 62; }));
  REQUIRE(refused([](data_layout& l) { l.width = ~std::uint64_t{0}; }));
  REQUIRE(refused([](data_layout& l) { l.columns[0].last = 6; }));
  REQUIRE(refused([](data_layout& l) { l.columns[0].last = 0; }));
  REQUIRE(refused([](data_layout& l) { l.columns[0].name = ""; }));
  REQUIRE(refused([](data_layout& l) { l.columns[0].name = "second one"; }));
  REQUIRE(refused([](data_layout& l) { l.columns[0].name = std::string(255, 'x'); }));
  REQUIRE(refused([](data_layout& l) { l.columns[0].name = "a\nb"; }));
  REQUIRE(refused([](data_layout& l) { l.columns[0].name = "\xff"; }));
  REQUIRE(refused([](data_layout& l) { l.columns[0].name = "\xed\xa0\x80"; })); // half a pair
  REQUIRE(folder.files() == 0);
}

TEST_CASE("a missing column is not found, and the message says which there are", "[service]") {
  const data_layout layout = small_layout(value_type::float32, 1);
  REQUIRE(layout.column("a").last == 3);
  try {
    layout.column("b");
    FAIL("there is no such column");
  } catch (const service::refusal& why) {
    REQUIRE(why.code() == service::refusal_code::not_found);
    REQUIRE_THAT(why.what(), Catch::Contains("'second one'"));
  }
}

TEST_CASE("a missing column is told of with those whose names are most like it", "[service]") {
  data_layout layout;
  layout.width = 300;
  for (std::uint64_t i = 0; i < 300; ++i) {
    layout.columns.push_back({"reading " + std::to_string(i), i, i + 1});
  }
  layout.columns[250].name = "Temperature";
  try {
    layout.column("temprature");
    FAIL("there is no such column");
  } catch (const service::refusal& why) {
    REQUIRE_THAT(why.what(), Catch::Contains("it has 'Temperature', "));
    REQUIRE(std::string(why.what()).size() < 300);
  }
}

TEST_CASE("a dataset keeps the classes of its columns, and takes no senseless ones", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "data";
  std::vector<std::string> many;
  for (int i = 0; i < 65536; ++i) {
    many.push_back("name " + std::to_string(i));
  }
  data_layout layout;
  layout.rows = 2;
  layout.width = 3;
  layout.columns = {{"few", 0, 1}, {"none", 1, 2}, {"many", 2, 3}};
  data_writer writer(file, layout, {});
  writer.expect_classes(0);
  writer.write(std::vector<float>{0, 1, 2, 1, 0, 65535});
  writer.set_classes(0, {"", "b"});
  writer.set_classes(2, many);
  many.emplace_back("one more");
  REQUIRE(code_of([&] { writer.set_classes(1, many); }) == errc::invalid_argument);
  many.pop_back();
  writer.finish();
  const data_reader reader(file, {});
  CHECK(reader.layout().columns[0].classes == std::vector<std::string>{"", "b"});
  CHECK(reader.layout().columns[1].classes.empty());
  CHECK(reader.layout().columns[2].classes == many);
  CHECK(reader.layout().columns[0].statistics->counts == std::vector<std::uint64_t>{1, 1});
  std::vector<float> rows(6);
  reader.read(0, 2, rows);
  CHECK(rows == std::vector<float>{0, 1, 2, 1, 0, 65535});

  layout.columns = {{"wide", 0, 3}};
  data_writer wide(folder.path / "wide", layout, {});
  CHECK(code_of([&] { wide.set_classes(0, {"a"}); }) == errc::invalid_argument);
}

TEST_CASE("a dataset keeps the statistics of its columns", "[service]") {
  const scratch_folder folder;
  const float missing = std::numeric_limits<float>::quiet_NaN();
  for (const value_type type : {value_type::float32, value_type::uint8}) {
    const bool bytes = type == value_type::uint8;
    write_rows(folder.path / "data", small_layout(type, 2),
               std::vector<float>{1, missing, 3, 300, 5, 2, 4, 2, 7, 8});
    const data_reader reader(folder.path / "data", {});
    const column_statistics a = reader.layout().columns[0].statistics.value();
    const column_statistics second = reader.layout().columns[1].statistics.value();
    CHECK(a.known == (bytes ? 6 : 5)); // NaN becomes 0 there
    CHECK(a.missing == (bytes ? 0 : 1));
    CHECK(a.least == (bytes ? 0 : 1));
    CHECK(a.most == 4);
    CHECK(a.mean == Approx(bytes ? 2 : 2.4));
    CHECK(a.standard_deviation() == Approx(bytes ? std::sqrt(10.0 / 6) : std::sqrt(1.04)));
    CHECK(second.most == (bytes ? 255 : 300)); // what is kept, not what came
    CHECK(second.missing == 0);
  }
}

TEST_CASE("a dataset of the first format is read as one without classes", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "data";
  write_rows(file, small_layout(value_type::float32, 2), counted(2, 5));
  std::vector<std::byte> bytes = content_of(file);
  bytes[8] = std::byte{1};
  REQUIRE(code_of_content(file, bytes) == errc::invalid_data); // with a footer it is none
  constexpr std::size_t of_a_column = 6 * 8 + 4;               // of its footer
  bytes.resize(bytes.size() - of_a_column * small_layout(value_type::float32, 2).columns.size());
  block_writer writer(file, {});
  writer.write(bytes);
  writer.finish();
  const data_reader reader(file, {});
  REQUIRE(reader.layout().rows == 2);
  REQUIRE_FALSE(reader.layout().columns[0].statistics);
  std::vector<float> rows(10);
  reader.read(0, 2, rows);
  REQUIRE(rows == counted(2, 5));
}

TEST_CASE("rows that are not there are refused", "[service]") {
  const scratch_folder folder;
  write_rows(folder.path / "data", small_layout(value_type::uint8, 4), counted(4, 5));
  const data_reader reader(folder.path / "data", {});
  std::vector<float> room(20);
  const auto refused = [&](std::uint64_t first, std::uint64_t count, std::size_t size) {
    return code_of([&] { reader.read(first, count, std::span(room).first(size)); }) ==
           errc::invalid_argument;
  };
  REQUIRE(refused(0, 5, 20));
  REQUIRE(refused(4, 1, 5));
  REQUIRE(refused(~std::uint64_t{0}, 2, 10));
  REQUIRE(refused(1, ~std::uint64_t{0}, 10));
  REQUIRE(refused(0, 4, 19));
  REQUIRE(refused(0, 1, 10));
  REQUIRE(code_of([&] {
            reader.read(data_column{"x", 4, 6}, 0, 1, std::span(room).first(2));
          }) == errc::invalid_argument);
  REQUIRE_NOTHROW(reader.read(4, 0, {}));
}

TEST_CASE("whatever the bytes, the header of a dataset is refused or makes sense", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "data";
  write_rows(file, small_layout(value_type::float32, 2), counted(2, 5));
  const std::vector<std::byte> sound = content_of(file);
  for (std::size_t size = 0; size < sound.size(); ++size) {
    REQUIRE(code_of_content(file, std::span(sound).first(size)) == errc::invalid_data);
  }
  for (std::uint64_t i = 0; i < 600; ++i) {
    std::vector<std::byte> changed = sound;
    const std::size_t footer = 2 * (6 * 8 + 4);
    const std::size_t place = i % 2 == 0 ? random_bits(1, 1, i) % 99 // of the header
                                         : sound.size() - 1 - random_bits(1, 1, i) % footer;
    changed[place] = static_cast<std::byte>(random_bits(1, 2, i) & 0xff);
    block_writer writer(file, {});
    writer.write(changed);
    writer.finish();
    try {
      const data_reader reader(file, {});
      REQUIRE(bytes_of_values(reader.layout()) <= changed.size());
      std::vector<float> all(reader.layout().rows * reader.layout().width);
      reader.read(0, reader.layout().rows, all);
    } catch (const error& failure) {
      REQUIRE(failure.code() == errc::invalid_data);
    }
  }
}
