// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/digits.hpp>
#include <hanami/io/gzip.hpp>
#include <hanami/io/idx.hpp>
#include <hanami/io/write_file.hpp>

#include <bit>
#include <cstdlib>
#include <filesystem>
#include <initializer_list>
#include <span>
#include <string>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"
#include "support/skip.hpp"

using namespace hanami;

namespace {

using bytes = std::vector<std::uint8_t>;

void append(bytes& to, std::uint64_t bits, std::size_t width, bool little) {
  for (std::size_t i = 0; i < width; ++i) {
    to.push_back(static_cast<std::uint8_t>(bits >> (8 * (little ? i : width - 1 - i))));
  }
}

bytes header(std::uint8_t type, std::initializer_list<std::uint32_t> sizes, bool little = false) {
  bytes made;
  append(made, std::uint64_t{type} << 8 | sizes.size(), 4, little);
  for (const std::uint32_t size : sizes) {
    append(made, size, 4, little);
  }
  return made;
}

/// Numbers of an idx type behind a header.
bytes idx(std::uint8_t type, std::initializer_list<std::uint32_t> sizes,
          const std::vector<double>& numbers, bool little = false) {
  bytes made = header(type, sizes, little);
  for (const double n : numbers) {
    switch (type) {
    case 0x0d:
      append(made, std::bit_cast<std::uint32_t>(static_cast<float>(n)), 4, little);
      break;
    case 0x0e:
      append(made, std::bit_cast<std::uint64_t>(n), 8, little);
      break;
    default:
      append(made, static_cast<std::uint64_t>(static_cast<std::int64_t>(n)),
             type == 0x0c ? 4 : (type == 0x0b ? 2 : 1), little);
    }
  }
  return made;
}

const std::vector<double> pixels{0, 1, 2, 3, 250, 251, 252, 255};
const bytes two_labels = idx(0x08, {2}, {3, 7});
const bytes two_images = idx(0x08, {2, 2, 2}, pixels);

void check_images(const bytes& images) {
  const image_dataset read = read_idx(images, two_labels);
  REQUIRE(read.size() == 2);
  CHECK(read.rows() == 2);
  CHECK(read.columns() == 2);
  CHECK(read.pixels(0)[3] == 3);
  CHECK(read.pixels(1)[0] == 250);
  CHECK(read.pixels(1)[3] == 255);
}

std::string refusal(const bytes& images, const bytes& labels, idx_classes classes = {}) {
  try {
    read_idx(images, labels, classes);
  } catch (const error& failure) {
    CHECK(failure.code() == errc::invalid_data);
    return failure.what();
  }
  return "no error";
}

void write_bytes(const std::filesystem::path& path, const bytes& content) {
  write_file(path, std::as_bytes(std::span(content)));
}

} // namespace

TEST_CASE("idx images of one channel, in a row and of any type of numbers are read", "[io]") {
  for (const bool little : {false, true}) {
    check_images(idx(0x08, {2, 2, 2}, pixels, little));
    check_images(idx(0x08, {2, 4}, pixels, little));
    check_images(idx(0x08, {2, 1, 2, 2}, pixels, little));
    check_images(idx(0x08, {2, 2, 2, 1}, pixels, little));
    for (const auto type : bytes{0x0b, 0x0c, 0x0d, 0x0e}) {
      check_images(idx(type, {2, 2, 2}, pixels, little));
    }
  }
  std::vector<double> shares;
  for (const double p : pixels) {
    shares.push_back(p / 255);
  }
  check_images(idx(0x0d, {2, 2, 2}, shares));
  check_images(idx(0x0e, {2, 4}, shares));
  const image_dataset flat = read_idx(idx(0x08, {2, 3}, {1, 2, 3, 4, 5, 6}), two_labels);
  CHECK(flat.rows() == 1);
  CHECK(flat.columns() == 3);
}

TEST_CASE("idx sizes of a little-endian writer are read behind a big-endian magic number", "[io]") {
  bytes images{0, 0, 8, 3};
  for (const std::uint32_t size : {2u, 2u, 2u}) {
    append(images, size, 4, true);
  }
  images.insert(images.end(), two_images.begin() + 16, two_images.end());
  check_images(images);
}

TEST_CASE("a line break behind an idx file is none of its numbers", "[io]") {
  for (const char* end : {"\n", "\r\n"}) {
    bytes images = two_images;
    images.insert(images.end(), end, end + std::string(end).size());
    check_images(images);
  }
  bytes images = two_images;
  images.push_back(' ');
  CHECK_THAT(refusal(images, two_labels), Catch::Contains("promises 2 items of 4 bytes, but 9"));
}

TEST_CASE("idx images that are no bytes are refused with the place and what would be right",
          "[io]") {
  CHECK(refusal(idx(0x0d, {2, 2, 2}, {0, 0.25, 0, 0, 0, 0, 0, 0}), two_labels) ==
        "images: byte 20: pixel 0.25, expected whole numbers from 0 to 255, or all of them divided "
        "by 255");
  CHECK_THAT(refusal(idx(0x0b, {2, 2, 2}, {0, 1, 2, 300, 0, 0, 0, 0}), two_labels),
             Catch::Contains("byte 22: pixel 300"));
  CHECK_THAT(refusal(idx(0x09, {2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, -7}), two_labels),
             Catch::Contains("byte 23: pixel -7"));
  CHECK(refusal(idx(0x08, {2, 3, 1, 2}, std::vector<double>(12)), two_labels) ==
        "images: byte 4: 2 x 3 x 1 x 2 numbers are images of several channels, expected one: 2 x "
        "rows x columns");
  CHECK_THAT(refusal({0, 0, 7, 3, 0, 0, 0, 0}, two_labels),
             Catch::Contains("byte 0: magic number 0x00000703, expected 0x00000803"));
  CHECK(refusal({'P', 'K', 3, 4, 0, 0, 0, 0}, two_labels) ==
        "images: byte 0: magic number 0x504b0304, expected 0x00000803; the file is a zip archive "
        "(also .npz); unpack it first");
  CHECK_THAT(refusal({0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}, two_labels),
             Catch::Contains("an array of NumPy"));
}

TEST_CASE("idx labels of any type of numbers, as a column and one-hot are read", "[io]") {
  std::vector<double> hot(20);
  hot[3] = hot[17] = 1;
  std::vector<double> extended(16, 9);
  extended[0] = 3;
  extended[8] = 7;
  for (const bytes& labels :
       {two_labels, idx(0x0c, {2}, {3, 7}), idx(0x0c, {2}, {3, 7}, true), idx(0x0d, {2}, {3, 7}),
        idx(0x0b, {2, 1}, {3, 7}), idx(0x08, {2, 10}, hot), idx(0x0d, {2, 10}, hot),
        idx(0x0c, {2, 8}, extended)}) {
    const image_dataset read = read_idx(two_images, labels);
    CHECK(read.label(0) == 3);
    CHECK(read.label(1) == 7);
  }
}

TEST_CASE("idx labels that name no class are refused with the place and what would be right",
          "[io]") {
  CHECK(refusal(two_images, idx(0x0c, {2}, {3, 70000})) ==
        "labels: byte 12: label 70000, expected whole numbers from 0 to 255");
  CHECK_THAT(refusal(two_images, idx(0x0d, {2}, {0.5, 1})), Catch::Contains("byte 8: label 0.5"));
  CHECK_THAT(refusal(two_images, idx(0x08, {2, 3}, {0, 1, 0, 1, 1, 0})),
             Catch::Contains("byte 15: label 1 is a row of 3 numbers, expected one number"));
  CHECK_THAT(refusal(two_images, idx(0x08, {2, 3}, {0, 0, 0, 1, 0, 0})),
             Catch::Contains("byte 12: label 0 is a row"));
  CHECK_THAT(refusal(two_images, idx(0x08, {2, 1, 1}, {1, 1})),
             Catch::Contains("magic number 0x00000803, expected 0x00000801"));
}

TEST_CASE("the range of idx labels is given or found", "[io]") {
  const bytes letters = idx(0x08, {2}, {1, 26});
  CHECK(refusal(two_images, letters) == "labels: byte 9: label 26, expected less than 10");
  CHECK(refusal(two_images, letters, {25, 1}) == "labels: byte 9: label 26, expected 1 to 25");
  for (const idx_classes classes : {idx_classes(26, 1), idx_classes::found()}) {
    const image_dataset read = read_idx(two_images, letters, classes);
    CHECK(read.classes() == 26);
    CHECK(read.label(0) == 0);
    CHECK(read.label(1) == 25);
  }
  const image_dataset all = read_idx(two_images, idx(0x08, {2}, {0, 61}), idx_classes::found());
  CHECK(all.classes() == 62);
  CHECK(all.label(1) == 61);
}

TEST_CASE("sets of images are found by any usual name", "[io]") {
  const scratch_folder folder;
  const auto write_set = [&](const std::string& train, const std::string& test,
                             std::initializer_list<double> labels) {
    write_bytes(folder.path / (train + "images-idx3-ubyte"), two_images);
    write_bytes(folder.path / (train + "labels-idx1-ubyte"), idx(0x08, {2}, labels));
    write_bytes(folder.path / (test + "images-idx3-ubyte"), two_images);
    write_bytes(folder.path / (test + "labels-idx1-ubyte"), two_labels);
  };
  write_set("emnist-letters-train-", "emnist-letters-test-", {1, 26});
  write_bytes(folder.path / "train-images.txt", {'x'});
  const digit_images letters = load_digits(folder.path);
  CHECK(letters.name() == std::string("emnist-letters"));
  CHECK(letters.first_label == 1);
  CHECK(letters.train.classes() == 26);
  CHECK(letters.train.label(0) == 0);
  CHECK(letters.test.classes() == 26);
  CHECK(letters.test.label(0) == 2);

  write_set("emnist-digits-train-", "emnist-digits-test-", {0, 9});
  CHECK_THROWS_WITH(load_digits(folder.path),
                    Catch::Contains("it has the sets 'emnist-digits', 'emnist-letters'"));
  const digit_images digits = load_digits(folder.path, &read_file, "emnist-digits");
  CHECK(digits.train.classes() == 10);
  CHECK(digits.test.label(1) == 7);
  CHECK_THROWS_WITH(load_digits(folder.path, &read_file, "emnist-mnist"),
                    Catch::Contains("emnist-mnist-train-images-idx3-ubyte"));

  write_set("train_", "t10k_", {0, 4});
  CHECK(load_digits(folder.path).train.label(1) == 4);
  CHECK(load_digits(folder.path).name() == std::string("MNIST"));
}

TEST_CASE("idx files of other writers are read, or refused with the byte", "[io]") {
  const char* cases = std::getenv("HANAMI_CASES_DIR");
  if (cases == nullptr) {
    hanami_test::skip("HANAMI_CASES_DIR is not set");
    return;
  }
  const std::filesystem::path folder = cases;
  const auto load = [&](const char* images, const char* labels) {
    return load_idx(folder / images, folder / labels, 10, &read_file_or_gzip);
  };
  for (const char* images :
       {"idx_images4x4", "idx_images_2d", "idx_images_4d", "idx_images_little_endian",
        "idx_trailing_newline", "idx_gz_two_members.gz", "idx_gz_empty_member.gz",
        "idx_gz_zero_padded.gz"}) {
    CAPTURE(images);
    const image_dataset read = load(images, "idx_labels10");
    CHECK(read.size() == 20);
    CHECK(read.rows() == 4);
    CHECK(read.columns() == 4);
    CHECK(read.label(19) == 9);
  }
  for (const char* labels : {"idx_labels_int32", "idx_labels_onehot"}) {
    CAPTURE(labels);
    CHECK(load("idx_images4x4", labels).label(19) == 9);
  }
  CHECK_THROWS_WITH(load("idx_images_float", "idx_labels10"), Catch::Contains("byte 20: pixel"));
  CHECK_THROWS_WITH(load("idx_gz_garbage.gz", "idx_labels10"),
                    Catch::Contains("gzip: byte 303: what follows"));
}
