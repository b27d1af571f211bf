// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/digits.hpp>
#include <hanami/io/idx.hpp>
#include <hanami/io/write_file.hpp>

#include <filesystem>
#include <span>
#include <sstream>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami;

namespace {

using bytes = std::vector<std::uint8_t>;

void append_big_endian(bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to.push_back(static_cast<std::uint8_t>(value >> shift));
}

/// Images of 2 x 3 with pixels 0, 1, 2, ...
bytes images_idx(std::uint32_t count) {
  bytes result;
  for (const std::uint32_t value : {0x803u, count, 2u, 3u})
    append_big_endian(result, value);
  for (std::uint32_t i = 0; i < count * 6; ++i)
    result.push_back(static_cast<std::uint8_t>(i));
  return result;
}

bytes labels_idx(const bytes& labels) {
  bytes result;
  append_big_endian(result, 0x801);
  append_big_endian(result, static_cast<std::uint32_t>(labels.size()));
  result.insert(result.end(), labels.begin(), labels.end());
  return result;
}

std::string message_of(const bytes& images, const bytes& labels) {
  try {
    read_idx(images, labels);
  } catch (const error& failure) {
    REQUIRE(failure.code() == errc::invalid_data);
    return failure.what();
  }
  return "no error";
}

void write_bytes(const std::filesystem::path& path, const bytes& content) {
  write_file(path, std::as_bytes(std::span(content)));
}

} // namespace

TEST_CASE("idx images and labels become a dataset", "[io]") {
  const image_dataset data = read_idx(images_idx(2), labels_idx({7, 0}));
  REQUIRE(data.size() == 2);
  REQUIRE(data.rows() == 2);
  REQUIRE(data.columns() == 3);
  REQUIRE(data.classes() == 10);
  REQUIRE(data.label(0) == 7);
  REQUIRE(data.pixels(1)[0] == 6);
  REQUIRE(read_idx(images_idx(0), labels_idx({})).size() == 0);
}

TEST_CASE("idx streams give the same as bytes", "[io]") {
  const bytes images = images_idx(20000);
  const bytes labels = labels_idx(bytes(20000, 3));
  std::istringstream image_stream(std::string(images.begin(), images.end()));
  std::istringstream label_stream(std::string(labels.begin(), labels.end()));
  const image_dataset data = read_idx(image_stream, label_stream);
  REQUIRE(data.size() == 20000);
  REQUIRE(data.pixels(19999)[5] == static_cast<std::uint8_t>(20000 * 6 - 1));
}

TEST_CASE("an idx stream that failed before is a file error", "[io]") {
  std::istringstream images;
  std::istringstream labels;
  images.setstate(std::ios::badbit);
  REQUIRE_THROWS_AS(read_idx(images, labels), error);
}

TEST_CASE("a wrong idx magic number says which one was expected", "[io]") {
  REQUIRE(message_of(labels_idx({1}), labels_idx({1})) ==
          "images: byte 0: magic number 0x00000801, expected 0x00000803");
  REQUIRE(message_of(images_idx(1), images_idx(1)) ==
          "labels: byte 0: magic number 0x00000803, expected 0x00000801");
  REQUIRE(message_of({0, 0}, {}) ==
          "images: byte 2: the file ends inside the 4 bytes of its magic number");
}

TEST_CASE("an idx header is held against the bytes that follow", "[io]") {
  bytes images = images_idx(2);
  images.pop_back();
  REQUIRE(message_of(images, labels_idx({1, 2})) ==
          "images: byte 16: the header promises 2 items of 6 bytes, but 11 bytes follow");
  images.push_back(0);
  images.push_back(0);
  REQUIRE(message_of(images, labels_idx({1, 2})).find("13 bytes follow") != std::string::npos);
  images.resize(9);
  REQUIRE(message_of(images, labels_idx({1, 2})).find("byte 9") != std::string::npos);
}

TEST_CASE("an idx header of gigantic sizes allocates nothing", "[io]") {
  bytes images;
  for (const std::uint32_t value : {0x803u, 0xffffffffu, 0xffffffffu, 0xffffffffu})
    append_big_endian(images, value);
  REQUIRE(message_of(images, labels_idx({1})).find("promises") != std::string::npos);
  bytes wraps; // 2^32 * 2^32 bytes would be 0 in 64 bits
  for (const std::uint32_t value : {0x803u, 0x80000000u, 0x80000000u, 4u})
    append_big_endian(wraps, value);
  REQUIRE(message_of(wraps, labels_idx({})).find("promises") != std::string::npos);
  bytes flat;
  for (const std::uint32_t value : {0x803u, 1u, 0u, 4u})
    append_big_endian(flat, value);
  REQUIRE(message_of(flat, labels_idx({1})).find("0 rows or columns") != std::string::npos);
}

TEST_CASE("images and labels of different counts do not fit", "[io]") {
  REQUIRE(message_of(images_idx(2), labels_idx({1})) ==
          "labels: byte 4: 1 labels for the 2 images of images");
}

TEST_CASE("a label beyond the classes is named with its byte", "[io]") {
  REQUIRE(message_of(images_idx(2), labels_idx({9, 10})) ==
          "labels: byte 9: label 10, expected less than 10");
  REQUIRE(read_idx(images_idx(1), labels_idx({255}), 256).label(0) == 255);
}

TEST_CASE("MNIST files are found under both spellings", "[io]") {
  const scratch_folder folder;
  write_bytes(folder.path / "train-images-idx3-ubyte", images_idx(2));
  write_bytes(folder.path / "train-labels.idx1-ubyte", labels_idx({4, 5}));
  write_bytes(folder.path / "t10k-images.idx3-ubyte", images_idx(1));
  write_bytes(folder.path / "t10k-labels-idx1-ubyte", labels_idx({6}));
  REQUIRE(load_mnist(folder.path, mnist_part::train).label(1) == 5);
  REQUIRE(load_mnist(folder.path, mnist_part::test).label(0) == 6);

  const digit_images both = load_digits(folder.path);
  CHECK(both.name() == std::string("MNIST"));
  CHECK(both.train.label(1) == 5);
  CHECK(both.test.label(0) == 6);
  CHECK_THROWS_WITH(load_digits(folder.path / "nowhere"), Catch::Contains("there is no folder"));
}

TEST_CASE("missing MNIST files are named", "[io]") {
  const scratch_folder folder;
  try {
    load_mnist(folder.path, mnist_part::test);
    FAIL("no error");
  } catch (const error& failure) {
    REQUIRE(failure.code() == errc::file_error);
    const std::string message = failure.what();
    for (const char* name : {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", ".gz"})
      REQUIRE(message.find(name) != std::string::npos);
  }
  REQUIRE_THROWS_WITH(load_mnist(folder.path / "nowhere", mnist_part::train),
                      Catch::Contains("there is no folder"));
}

TEST_CASE("a packed file without the gzip reader says what to do", "[io]") {
  const scratch_folder folder;
  write_bytes(folder.path / "train-images-idx3-ubyte.gz", {0x1f, 0x8b, 8, 0});
  write_bytes(folder.path / "train-labels-idx1-ubyte.gz", {0x1f, 0x8b, 8, 0});
  REQUIRE_THROWS_WITH(load_mnist(folder.path, mnist_part::train),
                      Catch::Contains("hanami/io/gzip.hpp") && Catch::Contains("hanami::gzip") &&
                          Catch::Contains("gunzip") && Catch::Contains("train-images"));
}

TEST_CASE("idx files load, or tell by code why not", "[io]") {
  const scratch_folder folder;
  write_bytes(folder.path / "train-images-idx3-ubyte", images_idx(2));
  write_bytes(folder.path / "train-labels-idx1-ubyte", labels_idx({4, 5}));
  std::error_code code = errc::invalid_data;
  std::string message;
  const auto both = load_mnist(folder.path, mnist_part::train, &read_file, code);
  REQUIRE_FALSE(code);
  REQUIRE(both);
  CHECK(both->label(1) == 5);
  CHECK_FALSE(load_mnist(folder.path, mnist_part::test, &read_file, code, &message));
  CHECK(code == errc::file_error);
  CHECK_THAT(message, Catch::Contains("t10k-images"));

  const auto images = folder.path / "train-images-idx3-ubyte";
  const auto labels = folder.path / "train-labels-idx1-ubyte";
  const auto five = load_idx(images, labels, 6, &read_file, code);
  REQUIRE(five);
  CHECK(five->classes() == 6);
  CHECK_FALSE(load_idx(images, labels, 5, &read_file, code, &message));
  CHECK(code == errc::invalid_data);
  CHECK(message == labels.string() + ": byte 9: label 5, expected less than 5");
  CHECK_FALSE(load_idx(images, folder.path / "none", 10, &read_file, code, &message));
  CHECK(code == errc::file_error);
}
