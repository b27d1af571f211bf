// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/random.hpp>
#include <hanami/io/gzip.hpp>
#include <hanami/io/write_file.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/data/data_import.hpp>

#include <cmath>
#include <fstream>

#include <catch2/catch.hpp>

#include "support/sanitized.hpp"
#include "support/scratch_folder.hpp"
#include "support/skip.hpp"

using namespace hanami;
using namespace hanami::service::data;
using service::refusal;
using service::refusal_code;

namespace {

using bytes = std::vector<std::uint8_t>;

void put_file(const std::filesystem::path& file, std::string_view text) {
  write_file(file, std::as_bytes(std::span(text)));
}
void put_file(const std::filesystem::path& file, const bytes& content) {
  write_file(file, std::as_bytes(std::span(content)));
}

/// The files of an import and what comes of it.
struct import_bench {
  scratch_folder folder;
  std::filesystem::path first = folder.path / "first";
  std::filesystem::path second = folder.path / "second";
  std::filesystem::path made = folder.path / "made";

  data_layout csv(std::string_view text, std::uint64_t most_bytes = any_size) {
    put_file(first, text);
    return import_csv(first, made, {}, {most_bytes, {}, {}});
  }
  data_layout mnist(const bytes& images, const bytes& labels, std::uint64_t most = any_size) {
    put_file(first, images);
    put_file(second, labels);
    return import_mnist(first, second, made, {}, {most, {}, {}});
  }
  std::vector<float> values() const {
    const data_reader reader(made, {});
    std::vector<float> all(reader.layout().rows * reader.layout().width);
    reader.read(0, reader.layout().rows, all);
    return all;
  }
  /// The detail of the 422 that `work` must end in, with nothing left behind.
  template <class Work>
  std::string refusal_of(Work&& work, refusal_code code = refusal_code::invalid_data) const {
    try {
      work();
    } catch (const refusal& why) {
      REQUIRE(why.code() == code);
      REQUIRE(!std::filesystem::exists(made));
      REQUIRE(folder.files() <= 2); // the uploaded ones
      const std::string detail = why.what();
      REQUIRE(detail.find(folder.path.string()) == std::string::npos);
      return detail;
    }
    FAIL("not refused");
    return {};
  }
  std::string csv_refusal(std::string_view text) {
    return refusal_of([&] { csv(text); });
  }
  std::string mnist_refusal(const bytes& images, const bytes& labels) {
    return refusal_of([&] { mnist(images, labels); });
  }
};

bytes big_endian(std::initializer_list<std::uint32_t> numbers) {
  bytes result;
  for (const std::uint32_t number : numbers) {
    for (unsigned shift = 32; shift > 0;) {
      shift -= 8;
      result.push_back(static_cast<std::uint8_t>(number >> shift & 0xff));
    }
  }
  return result;
}

/// `count` pictures of 2 x 3 pixels 0, 1, 2, ...
bytes drawn_images(std::uint32_t count) {
  bytes result = big_endian({0x803, count, 2, 3});
  for (std::uint32_t i = 0; i < count * 6; ++i) {
    result.push_back(static_cast<std::uint8_t>(i));
  }
  return result;
}

bytes drawn_labels(const bytes& labels) {
  bytes result = big_endian({0x801, static_cast<std::uint32_t>(labels.size())});
  result.insert(result.end(), labels.begin(), labels.end());
  return result;
}

bytes packed(const bytes& plain, const std::filesystem::path& by_way_of) {
  const gzFile file = ::gzopen(by_way_of.c_str(), "wb");
  const int wrote = ::gzwrite(file, plain.data(), static_cast<unsigned>(plain.size()));
  REQUIRE(wrote == static_cast<int>(plain.size()));
  REQUIRE(::gzclose(file) == Z_OK);
  bytes result = read_file(by_way_of, 1 << 24);
  std::filesystem::remove(by_way_of);
  return result;
}

/// The most memory that this process had at once since `forget_most_memory`, bytes; 0: not known.
[[maybe_unused]] std::uint64_t most_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) {
      return std::stoull(line.substr(6)) * 1024;
    }
  }
  return 0;
}
[[maybe_unused]] bool forget_most_memory() {
  std::ofstream knob("/proc/self/clear_refs");
  knob << "5" << std::flush;
  return static_cast<bool>(knob);
}

} // namespace

TEST_CASE("a CSV becomes a dataset with its columns' names", "[service]") {
  import_bench bench;
  for (const char* text : {"a,\"b, c\"\n1,2\n3.5,-4e2\n", "a,\"b, c\"\r\n1,2\r\n3.5,\"-4e2\"",
                           "\xEF\xBB\xBF"
                           "a,\"b, c\"\n\n1 , 2\n+3.5,-400\n"}) {
    const data_layout layout = bench.csv(text);
    REQUIRE(layout.type == value_type::float32);
    REQUIRE(layout.rows == 2);
    REQUIRE(layout.width == 2);
    REQUIRE(layout.columns[0].name == "a");
    REQUIRE(layout.columns[1].name == "b, c");
    REQUIRE(layout.columns[1].first == 1);
    REQUIRE(layout.columns[1].last == 2);
    REQUIRE(bench.values() == std::vector<float>{1.0F, 2.0F, 3.5F, -400.0F});
  }
}

TEST_CASE("a CSV of one column, and one without a header, are datasets too", "[service]") {
  import_bench bench;
  REQUIRE(bench.csv("x\n1\n2\n3\n").columns[0].name == "x");
  REQUIRE(bench.values() == std::vector<float>{1.0F, 2.0F, 3.0F});
  const data_layout layout = bench.csv("5,6\n7,8");
  REQUIRE(layout.columns[1].name == "column_2");
  REQUIRE(bench.values() == std::vector<float>{5.0F, 6.0F, 7.0F, 8.0F});
}

TEST_CASE("text of a CSV becomes classes, missing cells NaN", "[service]") {
  import_bench bench;
  bench.csv("color,size,flag\nred,1,true\n,NA,false\nblue,3,\nred,4,true\n7,5,1\n");
  const std::vector<float> values = bench.values();
  REQUIRE(values[0] == 0.0F);
  REQUIRE(std::isnan(values[3]));
  REQUIRE(values[6] == 1.0F);
  REQUIRE(values[9] == 0.0F);
  REQUIRE(values[12] == 2.0F); // in a column of text a number is text
  REQUIRE(std::isnan(values[4]));
  REQUIRE(values[2] == 1.0F);
  REQUIRE(values[5] == 0.0F);
  REQUIRE(std::isnan(values[8]));

  bench.csv("a,b\n,1\nx,2\n"); // what kind a column is, its first cell says that is not missing
  REQUIRE(bench.values()[2] == 0.0F);
}

TEST_CASE("the file of a dataset keeps its classes, also of numbers where asked for", "[service]") {
  import_bench bench;
  put_file(bench.first, "color,digit,size\nred,3,1\nblue,5,2\nred,3.0,3\n\xff,,4\n");
  const data_layout layout = import_csv(bench.first, bench.made, {}, {any_size, {"digit"}, {}});
  const data_reader reader(bench.made, {});
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(reader.layout().columns[i].classes == layout.columns[i].classes);
  }
  CHECK(layout.columns[0].classes == std::vector<std::string>{"red", "blue", "?"});
  CHECK(layout.columns[1].classes == std::vector<std::string>{"3", "5"});
  CHECK(layout.columns[2].classes.empty());
  const std::vector<float> values = bench.values();
  CHECK(values[1] == 0);
  CHECK(values[4] == 1);
  CHECK(values[7] == 0);
  CHECK(std::isnan(values[10]));
  std::filesystem::remove(bench.made);
  CHECK_THAT(bench.refusal_of([&] {
    import_csv(bench.first, bench.made, {}, {any_size, {"digits"}, {}});
  }),
             Catch::Contains("digits"));
}

TEST_CASE("an import tells how far it is, and ends where that is wanted", "[service]") {
  import_bench bench;
  std::string text = "a,b\n";
  for (int i = 0; i < 50'000; ++i) {
    text += std::to_string(i) + ',' + std::to_string(i % 7) + '\n';
  }
  put_file(bench.first, text);
  std::vector<double> shares;
  import_csv(bench.first, bench.made, {}, {any_size, {}, [&](double share) {
                                             shares.push_back(share);
                                             return true;
                                           }});
  REQUIRE(shares.size() > 10);
  CHECK(std::is_sorted(shares.begin(), shares.end()));
  CHECK(shares.front() == 0);
  CHECK(shares.back() == Approx(1.0).margin(0.01));
  for (const double end : {0.0, 0.3, 0.8}) {
    std::filesystem::remove(bench.made);
    CHECK_THROWS_AS(import_csv(bench.first, bench.made, {},
                               {any_size, {}, [&](double share) { return share < end; }}),
                    import_cancelled);
    CHECK(bench.folder.files() == 1); // what was to be imported
  }
}

TEST_CASE("names of a CSV in a code of single bytes become UTF-8", "[service]") {
  import_bench bench;
  const data_layout layout = bench.csv("\xe9t\xe9,b\n1,2\n3,4\n");
  REQUIRE(layout.columns.size() == 2);
  CHECK(layout.columns[0].name == "\xc3\xa9t\xc3\xa9");
}

TEST_CASE("what is wrong in a CSV is said with line and column", "[service]") {
  import_bench bench;
  REQUIRE_THAT(bench.csv_refusal("a,b\n1,2\n3,x\n"), Catch::Contains("line 3, column 3") &&
                                                         Catch::Contains("\"b\"") &&
                                                         Catch::Contains("\"x\""));
  REQUIRE_THAT(bench.csv_refusal("a,b\n1,2\n3\n"), Catch::Contains("line 3"));
  REQUIRE_THAT(bench.csv_refusal("a,b\n1,2\n3,4,5\n"), Catch::Contains("line 3"));
  REQUIRE_THAT(bench.csv_refusal("a\n1e99\n"), Catch::Contains("line 2, column 1"));
  REQUIRE_THAT(bench.csv_refusal("a\n\"1\n"), Catch::Contains("line 2, column 1"));
  REQUIRE_THAT(bench.csv_refusal("a,a\n1,2\n"), Catch::Contains("\"a\""));
  REQUIRE_THAT(bench.csv_refusal(""), Catch::Contains("no row"));
  REQUIRE_THAT(bench.csv_refusal("a,b\n"), Catch::Contains("no row"));
  REQUIRE_THAT(bench.csv_refusal(std::string(255, 'n') + "\n1\n"), Catch::Contains("254"));
  REQUIRE_THAT(bench.csv_refusal("a\n1\n\xe9t\xe9\n"), Catch::Contains("\"?t?\"")); // Latin-1
}

TEST_CASE("a CSV may have text, names and columns within bounds", "[service]") {
  import_bench bench;
  std::string text = "word\n";
  for (int i = 0; i <= 65536; ++i) {
    text += "w" + std::to_string(i) + "\n";
  }
  REQUIRE_THAT(bench.csv_refusal(text), Catch::Contains("line 65538"));
  text.resize(text.rfind('w'));
  REQUIRE(bench.csv(text).rows == 65536);
  std::filesystem::remove(bench.made);

  text = "word\n"; // few words, but long ones
  for (int i = 0; i < 300; ++i) {
    text += std::to_string(i) + std::string(60'000, 'x') + "\n";
  }
  REQUIRE_THAT(bench.csv_refusal(text), Catch::Contains("16 MiB"));

  REQUIRE_THAT(bench.csv_refusal(std::string(16384, ',') + "\n"), Catch::Contains("16384"));
  text.clear();
  for (int i = 0; i < 2000; ++i) {
    text += (i == 0 ? "" : ",") + std::string(200, 'n') + std::to_string(i);
  }
  REQUIRE_THAT(bench.csv_refusal(text + "\n" + std::string(1999, ',') + "\n"),
               Catch::Contains("262144"));
}

TEST_CASE("a dataset beyond what is left of a quota is not even begun", "[service]") {
  import_bench bench;
  REQUIRE(bench.csv("a,b\n1,2\n", 8).rows == 1);
  std::filesystem::remove(bench.made);
  REQUIRE_THAT(bench.refusal_of([&] { bench.csv("a,b\n1,2\n", 7); }, refusal_code::quota_exceeded),
               Catch::Contains("7"));
  // A packed file says little of what comes out.
  REQUIRE(bench.mnist(drawn_images(2), drawn_labels({1, 2}), 32).rows == 2);
  std::filesystem::remove(bench.made);
  bench.refusal_of(
      [&] {
        bench.mnist(drawn_images(2), drawn_labels({1, 2}), 31);
      },
      refusal_code::quota_exceeded);
}

TEST_CASE("idx images and labels become a dataset, packed or not", "[service]") {
  import_bench bench;
  const bytes images = drawn_images(3);
  const bytes labels = drawn_labels({7, 0, 9});
  const bytes packed_images = packed(images, bench.made);
  const bytes packed_labels = packed(labels, bench.made);
  for (const auto& [i, l] : {std::pair(images, labels), std::pair(packed_images, packed_labels),
                             std::pair(images, packed_labels)}) {
    const data_layout layout = bench.mnist(i, l);
    REQUIRE(layout.type == value_type::uint8);
    REQUIRE(layout.rows == 3);
    REQUIRE(layout.column("picture").width() == 6);
    REQUIRE(layout.column("label").width() == 10);
    const std::vector<float> values = bench.values();
    for (std::size_t row = 0; row < 3; ++row) {
      const std::array<std::size_t, 3> label{7, 0, 9};
      for (std::size_t k = 0; k < 16; ++k) {
        const float expected =
            k < 6 ? static_cast<float>(6 * row + k) : (k - 6 == label[row] ? 1.0F : 0.0F);
        REQUIRE(values[16 * row + k] == expected);
      }
    }
  }
  REQUIRE(bench.mnist(images, drawn_labels({3, 46, 0})).column("label").width() == 47);
}

TEST_CASE("idx files of many rows come over in order", "[service]") {
  import_bench bench;
  constexpr std::uint32_t count = 30'000;
  bytes labels(count);
  for (std::size_t i = 0; i < count; ++i) {
    labels[i] = static_cast<std::uint8_t>(i % 7);
  }
  bench.mnist(drawn_images(count), drawn_labels(labels));
  const std::vector<float> values = bench.values();
  bool same = true;
  for (std::size_t i = 0; i < count; ++i) {
    same = same && values[16 * i] == static_cast<float>(6 * i % 256) &&
           values[16 * i + 6 + i % 7] == 1.0F;
  }
  REQUIRE(same);
}

TEST_CASE("what is wrong in idx files is said", "[service]") {
  import_bench bench;
  const bytes images = drawn_images(2);
  const bytes labels = drawn_labels({1, 2});
  REQUIRE_THAT(bench.mnist_refusal(labels, images), Catch::Contains("0x00000801"));
  REQUIRE_THAT(bench.mnist_refusal(labels, labels), Catch::Contains("0x00000803"));
  REQUIRE_THAT(bench.mnist_refusal(images, drawn_labels({1})), Catch::Contains("2 images and 1"));
  REQUIRE_THAT(bench.mnist_refusal(drawn_images(0), drawn_labels({})), Catch::Contains("0 images"));
  REQUIRE_THAT(bench.mnist_refusal(big_endian({0x803, 2, 0, 3}), labels), Catch::Contains("0 x 3"));
  REQUIRE_THAT(bench.mnist_refusal(big_endian({0x803, 2, 0xffffffff, 0xffffffff}), labels),
               Catch::Contains("2^24"));
  REQUIRE_THAT(bench.mnist_refusal(images, big_endian({0x801, 0xffffffff})),
               Catch::Contains("labels: byte 8"));

  bytes longer = images;
  longer.push_back(0);
  REQUIRE_THAT(bench.mnist_refusal(longer, labels), Catch::Contains("goes on"));
  for (std::size_t size = 0; size < images.size(); ++size) {
    bench.mnist_refusal({images.begin(), images.begin() + static_cast<std::ptrdiff_t>(size)},
                        labels);
  }
  for (std::size_t size = 0; size < labels.size(); ++size) {
    bench.mnist_refusal(images,
                        {labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(size)});
  }
}

TEST_CASE("a table is read as it is or packed, and no bomb is", "[service]") {
  import_bench bench;
  const auto packed_table = [&](std::string_view text) {
    const bytes all = packed(bytes(text.begin(), text.end()), bench.made);
    return std::string(all.begin(), all.end());
  };
  std::string text = "a,b\n";
  for (int i = 0; i < 10'000; ++i) {
    text += std::to_string(i) + ',' + std::to_string(i % 10) + '\n';
  }
  bench.csv(text);
  const std::vector<float> plain = bench.values();
  const std::string table = packed_table(text);
  CHECK(table.size() < text.size() / 3);
  std::filesystem::remove(bench.made);
  bench.csv(table);
  CHECK(bench.values() == plain);
  bench.csv(packed_table("a,b\n1,2\n") + packed_table("3,4\n")); // as logs are appended to
  CHECK(bench.values() == std::vector<float>{1, 2, 3, 4});
  std::filesystem::remove(bench.made);
  for (const std::size_t cut : {std::size_t{3}, table.size() / 2, table.size() - 1}) {
    CHECK_FALSE(bench.csv_refusal(table.substr(0, cut)).empty());
  }
  std::string bomb = "a\n";
  while (bomb.size() < std::size_t{6} << 20) {
    bomb += "1\n";
  }
  CHECK(bench.csv_refusal(packed_table(bomb)).find("times its size") != std::string::npos);
}

TEST_CASE("damaged gzip is refused or the same", "[service]") {
  import_bench bench;
  const bytes labels = drawn_labels(bytes(200, 3));
  const bytes images = packed(drawn_images(200), bench.made);
  for (std::size_t size = 0; size < images.size(); size += 7) {
    bench.mnist_refusal({images.begin(), images.begin() + static_cast<std::ptrdiff_t>(size)},
                        labels);
  }
  bench.mnist(images, labels);
  const std::vector<float> sound = bench.values();
  for (std::uint64_t i = 0; i < 100; ++i) {
    bytes damaged = images;
    damaged[random_bits(1, 1, i) % damaged.size()] ^=
        static_cast<std::uint8_t>(1U << (random_bits(1, 2, i) % 8));
    std::filesystem::remove(bench.made);
    try {
      bench.mnist(damaged, labels);
      REQUIRE(bench.values() == sound); // a byte of gzip's header that says nothing
    } catch (const refusal& why) {
      REQUIRE(why.code() == refusal_code::invalid_data);
      REQUIRE(bench.folder.files() == 2);
    }
  }
}

TEST_CASE("whatever the bytes, an import is refused or makes a dataset", "[service]") {
  import_bench bench;
  const bytes images = drawn_images(4);
  const bytes labels = drawn_labels({0, 1, 2, 3});
  for (std::uint64_t i = 0; i < 200; ++i) {
    std::array<bytes, 2> files{images, labels};
    for (std::uint64_t j = 0; j < 3; ++j) {
      bytes& changed = files[random_bits(2, i, 3 * j) % 2];
      changed[random_bits(2, i, 3 * j + 1) % std::min<std::size_t>(changed.size(), 16)] =
          static_cast<std::uint8_t>(random_bits(2, i, 3 * j + 2));
    }
    std::string text;
    for (std::uint64_t j = 0; j < 30; ++j) {
      text += std::string_view("a1,.\"\n\r e-\xc3\xa9")[random_bits(3, i, j) % 12];
    }
    for (const bool csv : {false, true}) {
      std::filesystem::remove(bench.made);
      try {
        const data_layout layout = csv ? bench.csv(text) : bench.mnist(files[0], files[1]);
        REQUIRE(bench.values().size() == layout.rows * layout.width);
      } catch (const refusal& why) {
        REQUIRE(why.code() == refusal_code::invalid_data);
        REQUIRE(!std::filesystem::exists(bench.made));
      }
    }
  }
}

TEST_CASE("memory does not grow with the files that are imported", "[service]") {
  if (hanami_test::sanitized) {
    hanami_test::skip("a sanitizer takes memory of its own");
    return;
  }
  import_bench bench;
  bytes images = big_endian({0x803, 65'536, 28, 28});
  images.resize(images.size() + std::size_t{65'536} * 784, 1); // 50 MB
  put_file(bench.first, images);
  put_file(bench.second, drawn_labels(bytes(65'536, 2)));
  bytes().swap(images);
  const std::filesystem::path table = bench.folder.path / "table";
  {
    std::ofstream rows(table);
    for (int i = 0; i < 200'000; ++i) {
      rows << i << ",1.25,-3e-3,0.0078125,word" << i % 10 << ",,1234567,0.1,0.2,0.3,0.4,0.5\n";
    }
  }
  std::uint64_t before = 0;
  if (!forget_most_memory() || (before = most_memory()) == 0) {
    hanami_test::skip("this system does not tell how much memory was used");
    return;
  }
  import_mnist(bench.first, bench.second, bench.made, {});
  import_csv(table, bench.made, {});
  REQUIRE(most_memory() < before + (std::uint64_t{8} << 20));
}

TEST_CASE("imports of files that are not there are errors of the system", "[service]") {
  import_bench bench;
  for (const bool csv : {true, false}) {
    try {
      csv ? import_csv(bench.first, bench.made, {})
          : import_mnist(bench.first, bench.second, bench.made, {});
      FAIL("there is no file");
    } catch (const error& failure) {
      REQUIRE(failure.code() == errc::file_error);
    }
  }
}
