// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/random.hpp>
#include <hanami/io/gzip.hpp>
#include <hanami/io/idx.hpp>
#include <hanami/io/write_file.hpp>

#include <cstdlib>
#include <span>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"
#include "support/skip.hpp"

using namespace hanami;

namespace {

using bytes = std::vector<std::uint8_t>;

bytes pack(const bytes& plain) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  bytes packed(deflateBound(&stream, static_cast<uLong>(plain.size())) + 64);
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  REQUIRE(result == Z_STREAM_END);
  return packed;
}

bytes pattern(std::size_t size) {
  bytes result(size);
  for (std::size_t i = 0; i < size; ++i)
    result[i] = static_cast<std::uint8_t>(random_bits(1, 2, i / 3));
  return result;
}

bytes joined(bytes first, const bytes& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

} // namespace

TEST_CASE("gunzip gives back what was packed", "[io]") {
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 131072u, 300000u}) {
    const bytes plain = pattern(size);
    REQUIRE(gunzip(pack(plain), size) == plain);
  }
}

TEST_CASE("gzip members follow each other", "[io]") {
  const bytes first = pattern(65536);
  const bytes second = pattern(10);
  const bytes empty = pack({});
  const bytes packed = joined(joined(pack(first), empty), joined(pack(second), empty));
  REQUIRE(gunzip(packed, 1 << 20) == joined(first, second));
}

TEST_CASE("zeros behind and between gzip members are none of them", "[io]") {
  const bytes plain = pattern(1000);
  for (const std::size_t zeros : {1u, 2u, 511u, 70000u}) {
    const bytes padded = joined(pack(plain), bytes(zeros));
    CHECK(gunzip(padded, 1 << 20) == plain);
    CHECK(gunzip(joined(padded, padded), 1 << 20) == joined(plain, plain));
    CHECK_THROWS_WITH(gunzip(joined(padded, {'x'}), 1 << 20),
                      Catch::Contains("byte " + std::to_string(padded.size())));
  }
  CHECK_THROWS_AS(gunzip(bytes(100), 1 << 20), error);
}

TEST_CASE("a gzip bomb stops at the limit", "[io]") {
  const bytes bomb = pack(bytes(50'000'000));
  REQUIRE(bomb.size() < 100'000);
  try {
    gunzip(bomb, 1'000'000);
    FAIL("no error");
  } catch (const error& failure) {
    REQUIRE(failure.code() == errc::out_of_memory);
    REQUIRE(std::string(failure.what()).find("1000000") != std::string::npos);
  }
  REQUIRE_THROWS_AS(gunzip(pack(bytes(1)), 0), error);
}

TEST_CASE("a gzip stream cut anywhere is an error", "[io]") {
  const bytes packed = pack(pattern(1000));
  for (std::size_t size = 0; size < packed.size(); ++size)
    REQUIRE_THROWS_AS(gunzip(std::span(packed).first(size), 1 << 20), error);
}

TEST_CASE("a damaged gzip stream is an error with its byte", "[io]") {
  bytes packed = pack(pattern(1000));
  packed[packed.size() - 6] ^= 1; // the checksum
  REQUIRE_THROWS_WITH(gunzip(packed, 1 << 20), Catch::Contains("gzip: byte"));
  REQUIRE_THROWS_WITH(gunzip(bytes{'P', 'K', 3, 4}, 1 << 20), Catch::Contains("gzip: byte"));
  REQUIRE_THROWS_AS(gunzip(joined(pack(pattern(10)), {'x', 'y', 'z'}), 1 << 20), error);
}

TEST_CASE("gzip streams damaged a thousand times unpack or fail", "[io]") {
  const bytes good = pack(pattern(3000));
  for (std::uint64_t i = 0; i < 1000; ++i) {
    bytes packed = good;
    packed[random_below(static_cast<std::uint32_t>(packed.size()), 5, i, 0)] ^=
        static_cast<std::uint8_t>(1 + random_below(255, 5, i, 1));
    try {
      const bytes plain = gunzip(packed, 1 << 16);
      REQUIRE(plain.size() <= 1 << 16);
    } catch (const error& failure) {
      REQUIRE(failure.code().category() == error_category());
    }
  }
}

TEST_CASE("the gzip reader reads packed and plain files", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "file";
  const auto write = [&](const bytes& content) {
    write_file(path, std::as_bytes(std::span(content)));
  };
  write(pack({1, 2, 3}));
  REQUIRE(read_file_or_gzip(path, 1000) == bytes{1, 2, 3});
  write({4, 5});
  REQUIRE(read_file_or_gzip(path, 1000) == bytes{4, 5});
  write({0x1f, 0x8b, 0});
  REQUIRE_THROWS_WITH(read_file_or_gzip(path, 1000), Catch::Contains(path.string()));
}

TEST_CASE("MNIST loads", "[io]") {
  const char* folder = std::getenv("HANAMI_MNIST_DIR");
  if (folder == nullptr) {
    hanami_test::skip("HANAMI_MNIST_DIR is not set");
    return;
  }
  const image_dataset train = load_mnist(folder, mnist_part::train, read_file_or_gzip);
  const image_dataset test = load_mnist(folder, mnist_part::test, read_file_or_gzip);
  REQUIRE(train.size() == 60000);
  REQUIRE(test.size() == 10000);
  REQUIRE(train.rows() == 28);
  REQUIRE(train.columns() == 28);
  REQUIRE(train.label(0) == 5);
  REQUIRE(test.label(0) == 7);
}
