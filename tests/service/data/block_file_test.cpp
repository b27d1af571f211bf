// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/foundation/random.hpp>
#include <hanami/io/write_file.hpp>
#include <hanami/service/data/block_file.hpp>

#include <algorithm>
#include <thread>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami;
using service::access::secret_key;
using service::data::block_reader;
using service::data::block_writer;
using maybe_key = std::optional<secret_key>;

namespace {

using bytes = std::vector<std::byte>;

constexpr std::size_t block = 65536;

secret_key key_of(unsigned char seed) {
  secret_key key{};
  for (std::size_t i = 0; i < key.size(); ++i) {
    key[i] = static_cast<unsigned char>(seed + 7 * i);
  }
  return key;
}

bytes pattern(std::size_t size) {
  bytes result(size);
  for (std::size_t i = 0; i < size; ++i) {
    result[i] = static_cast<std::byte>(random_bits(3, 1, i) & 0xff);
  }
  return result;
}

void write_blocks(const std::filesystem::path& file, const maybe_key& key, const bytes& content,
                  std::size_t piece) {
  block_writer writer(file, key);
  for (std::size_t at = 0; at < content.size(); at += piece) {
    writer.write(std::span(content).subspan(at, std::min(piece, content.size() - at)));
  }
  REQUIRE(writer.size() == content.size());
  writer.finish();
}

bytes read_all(const std::filesystem::path& file, const maybe_key& key) {
  const block_reader reader(file, key);
  bytes content(static_cast<std::size_t>(reader.size()));
  reader.read(0, content);
  return content;
}

bytes raw(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> got = read_file(file, std::size_t{1} << 24);
  const auto* begin = reinterpret_cast<const std::byte*>(got.data());
  return bytes(begin, begin + got.size());
}

/// Whether opening or reading it all is `errc::invalid_data`; everything else fails the test.
bool is_refused(const std::filesystem::path& file, const maybe_key& key) {
  try {
    read_all(file, key);
    return false;
  } catch (const error& failure) {
    REQUIRE(failure.code() == errc::invalid_data);
    REQUIRE(std::string(failure.what()).find(file.string()) == 0);
    return true;
  }
}

const std::array<maybe_key, 2> plain_and_encrypted{maybe_key(), maybe_key(key_of(1))};

} // namespace

TEST_CASE("block files give back what was written, plain and encrypted", "[service]") {
  const scratch_folder folder;
  for (const maybe_key& key : plain_and_encrypted) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, block - 1, block, block + 1, 2 * block, 5 * block + 77}) {
      const bytes content = pattern(size);
      for (const std::size_t piece : {std::size_t{1000}, block, std::size_t{200'000}}) {
        write_blocks(folder.path / "file", key, content, piece);
        REQUIRE(read_all(folder.path / "file", key) == content);
      }
    }
  }
  REQUIRE(folder.files() == 1);
}

TEST_CASE("block files are read from any position", "[service]") {
  const scratch_folder folder;
  const bytes content = pattern(3 * block + 1000);
  for (const maybe_key& key : plain_and_encrypted) {
    write_blocks(folder.path / "file", key, content, block);
    const block_reader reader(folder.path / "file", key);
    for (std::uint64_t i = 0; i < 200; ++i) {
      const std::size_t begin = random_bits(5, 1, i) % (content.size() + 1);
      const std::size_t length = random_bits(5, 2, i) % (content.size() - begin + 1);
      bytes part(i % 2 == 0 ? length : std::min<std::size_t>(length, 100));
      reader.read(begin, part);
      REQUIRE(std::equal(part.begin(), part.end(),
                         content.begin() + static_cast<std::ptrdiff_t>(begin)));
    }
    bytes one(1);
    REQUIRE_THROWS_AS(reader.read(content.size(), one), error);
    REQUIRE_THROWS_AS(reader.read(~std::uint64_t{0}, one), error);
    REQUIRE_NOTHROW(reader.read(content.size(), std::span<std::byte>()));
  }
}

TEST_CASE("block files are read by several threads at once", "[service]") {
  const scratch_folder folder;
  const bytes content = pattern(4 * block);
  write_blocks(folder.path / "file", key_of(1), content, block);
  const block_reader reader(folder.path / "file", key_of(1));
  std::array<bool, 3> good{};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < good.size(); ++t) {
    threads.emplace_back([&, t] {
      bytes part(300);
      good[t] = true;
      for (std::uint64_t i = 0; i < 100; ++i) {
        const std::size_t begin = random_bits(t, 1, i) % (content.size() - part.size());
        reader.read(begin, part);
        good[t] = good[t] && std::equal(part.begin(), part.end(),
                                        content.begin() + static_cast<std::ptrdiff_t>(begin));
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(good == std::array<bool, 3>{true, true, true});
}

TEST_CASE("a changed byte anywhere in a block file is found", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "file";
  for (const maybe_key& key : plain_and_encrypted) {
    for (const std::size_t size : {std::size_t{0}, 2 * block + 10}) {
      write_blocks(file, key, pattern(size), block);
      const bytes sound = raw(file);
      const std::size_t places = size == 0 ? sound.size() : 150;
      for (std::size_t i = 0; i < places; ++i) {
        // The header byte by byte, then here and there.
        const std::size_t place =
            i < 40 || size == 0 ? i : 40 + random_bits(7, 1, i) % (sound.size() - 40);
        bytes damaged = sound;
        damaged[place] ^= static_cast<std::byte>(1U << (random_bits(7, 2, i) % 8));
        write_file(file, damaged);
        INFO("byte " << place);
        REQUIRE(is_refused(file, key));
      }
    }
  }
}

TEST_CASE("block files that are cut, longer or not files at all are found", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "file";
  for (const maybe_key& key : plain_and_encrypted) {
    write_blocks(file, key, pattern(2 * block + 10), block);
    const bytes sound = raw(file);
    for (const std::size_t left : {std::size_t{0}, std::size_t{1}, std::size_t{39}, std::size_t{40},
                                   block + 48, 2 * block + 56, sound.size() - 1}) {
      write_file(file, std::span(sound).first(left));
      REQUIRE(is_refused(file, key));
    }
    bytes longer = sound;
    longer.push_back(std::byte{0});
    write_file(file, longer);
    REQUIRE(is_refused(file, key));
  }
  REQUIRE(is_refused(folder.path, {}));
  try {
    block_reader(folder.path / "missing", {});
    FAIL("there is no such file");
  } catch (const error& failure) {
    REQUIRE(failure.code() == errc::file_error);
  }
}

TEST_CASE("a block file shortened by whole blocks is found, even with a fitting header",
          "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "file";
  for (const maybe_key& key : plain_and_encrypted) {
    write_blocks(file, key, pattern(3 * block), block);
    bytes cut = raw(file);
    const std::size_t stored = (cut.size() - 40) / 3;
    cut.resize(40 + 2 * stored);
    const std::uint64_t size = 2 * block;
    std::copy_n(reinterpret_cast<const std::byte*>(&size), 8, cut.begin() + 16);
    write_file(file, cut);
    REQUIRE(is_refused(file, key));
  }
}

TEST_CASE("blocks of a file cannot be swapped or taken from another", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "file";
  for (const maybe_key& key : plain_and_encrypted) {
    write_blocks(file, key, bytes(3 * block, std::byte{1}), block);
    const bytes sound = raw(file);
    const auto stored = static_cast<std::ptrdiff_t>((sound.size() - 40) / 3);

    bytes swapped = sound;
    std::swap_ranges(swapped.begin() + 40, swapped.begin() + 40 + stored,
                     swapped.begin() + 40 + stored);
    write_file(file, swapped);
    REQUIRE(is_refused(file, key));

    write_blocks(file, key, bytes(3 * block, std::byte{1}), block); // the same with another salt
    bytes mixed = raw(file);
    std::copy_n(sound.begin() + 40, stored, mixed.begin() + 40);
    write_file(file, mixed);
    REQUIRE(is_refused(file, key));
  }
}

TEST_CASE("encrypted block files need their key and show nothing without", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "file";
  const bytes content(block + 5, std::byte{'x'});
  write_blocks(file, key_of(1), content, block);
  REQUIRE(is_refused(file, key_of(2)));
  REQUIRE(is_refused(file, {}));
  const bytes stored = raw(file);
  const bytes shown(8, std::byte{'x'});
  REQUIRE(std::search(stored.begin(), stored.end(), shown.begin(), shown.end()) == stored.end());

  write_blocks(file, {}, content, block);
  REQUIRE(read_all(file, key_of(1)) == content); // from before encryption was switched on
}

TEST_CASE("a block file without finish leaves nothing, and what was there", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "file";
  { block_writer(file, {}).write(pattern(2 * block)); }
  REQUIRE(folder.files() == 0);

  write_blocks(file, {}, pattern(10), block);
  { block_writer(file, {}).write(pattern(2 * block)); }
  REQUIRE(folder.files() == 1);
  REQUIRE(read_all(file, {}) == pattern(10));

  struct ::stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  REQUIRE((status.st_mode & 0777) == 0600);
  REQUIRE_THROWS_AS(block_writer(folder.path / "no" / "file", {}), error);
}

TEST_CASE("whatever the bytes, a block file is refused or read", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "file";
  write_blocks(file, {}, pattern(30), block);
  const bytes sound = raw(file);
  for (std::uint64_t i = 0; i < 300; ++i) {
    bytes changed = sound;
    for (std::uint64_t j = 0; j <= i % 5; ++j) {
      changed[random_bits(11, i, 2 * j) % changed.size()] =
          static_cast<std::byte>(random_bits(11, i, 2 * j + 1) & 0xff);
    }
    changed.resize(random_bits(12, i, 0) % 3 == 0 ? random_bits(12, i, 1) % 100 : changed.size());
    write_file(file, changed);
    REQUIRE(is_refused(file, {}) == (changed != sound));
  }
}
