// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/random.hpp>
#include <hanami/io/write_file.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/data/byte_ranges.hpp>
#include <hanami/service/data/part_file.hpp>

#include <thread>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "service/support/refusal_of.hpp"
#include "support/scratch_folder.hpp"

using namespace hanami;
using service::refusal_code;
using service::data::byte_ranges;
using service::data::part_file;

namespace {

using bytes = std::vector<std::byte>;

bytes pattern(std::size_t size) {
  bytes result(size);
  for (std::size_t i = 0; i < size; ++i) {
    result[i] = static_cast<std::byte>(random_bits(3, 1, i) & 0xff);
  }
  return result;
}

void write_part(part_file& to, const bytes& content, std::uint64_t begin, std::uint64_t end) {
  to.write(begin, std::span(content).subspan(begin, end - begin));
}

bool holds(const part_file& part, const bytes& content) {
  const std::vector<std::uint8_t> got = read_file(part.path(), 1 << 24);
  return std::equal(got.begin(), got.end(), content.begin(), content.end(),
                    [](std::uint8_t a, std::byte b) { return std::byte{a} == b; });
}

/// Writes so many bytes; the refusal, if there is one.
auto refusal_of_write(part_file& to, std::uint64_t position, std::size_t size) {
  return service_test::refusal_of([&] { to.write(position, bytes(size)); });
}

} // namespace

TEST_CASE("byte ranges know every byte that was added, and join", "[service]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    byte_ranges ranges;
    std::vector<bool> known(200);
    for (std::uint64_t i = 0; i < 60; ++i) {
      const std::uint64_t begin = random_bits(seed, 1, i) % known.size();
      const std::uint64_t end =
          std::min<std::uint64_t>(known.size(), begin + random_bits(seed, 2, i) % 9);
      bool all = true;
      for (std::uint64_t k = begin; k < end; ++k) {
        all = all && known[k];
      }
      REQUIRE(ranges.contains({begin, end}) == all);
      ranges.add({begin, end});
      for (std::uint64_t k = begin; k < end; ++k) {
        known[k] = true;
      }
      std::vector<bool> listed(known.size());
      std::uint64_t last = 0;
      for (const byte_ranges::range& r : ranges.list()) {
        REQUIRE(r.begin < r.end);
        REQUIRE((last == 0 || last < r.begin)); // apart
        std::fill(listed.begin() + static_cast<std::ptrdiff_t>(r.begin),
                  listed.begin() + static_cast<std::ptrdiff_t>(r.end), true);
        last = r.end;
      }
      REQUIRE(listed == known);
      REQUIRE(ranges.total() ==
              static_cast<std::uint64_t>(std::count(known.begin(), known.end(), true)));
      REQUIRE(
          ranges.first_gap() ==
          static_cast<std::uint64_t>(std::find(known.begin(), known.end(), false) - known.begin()));
    }
  }
}

TEST_CASE("pieces arrive in any order, and again", "[service]") {
  const scratch_folder folder;
  const bytes content = pattern(10'000);
  part_file part(folder.path / "part", content.size());
  REQUIRE(part.received() == 0);
  write_part(part, content, 5000, 7000);
  REQUIRE(part.received() == 2000);
  REQUIRE(part.next() == 0);
  write_part(part, content, 6000, 10'000);
  write_part(part, content, 0, 3000);
  write_part(part, content, 0, 3000);
  REQUIRE(part.received() == 8000);
  REQUIRE(part.next() == 3000);
  write_part(part, content, 2999, 5001);
  REQUIRE(part.received() == part.size());
  REQUIRE(part.next() == part.size());
  REQUIRE(holds(part, content));
  for (const char* name : {"part", "part.ranges"}) {
    struct ::stat status {};
    REQUIRE(::stat((folder.path / name).c_str(), &status) == 0);
    REQUIRE((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("nothing is written beyond the announced end", "[service]") {
  const scratch_folder folder;
  part_file part(folder.path / "part", 100);
  REQUIRE(refusal_of_write(part, 0, 101) == refusal_code::invalid_value);
  REQUIRE(refusal_of_write(part, 100, 1) == refusal_code::invalid_value);
  REQUIRE(refusal_of_write(part, ~std::uint64_t{0}, 2) == refusal_code::invalid_value);
  REQUIRE(refusal_of_write(part, 100, 0) == std::nullopt);
  REQUIRE(refusal_of_write(part, 99, 1) == std::nullopt);
  REQUIRE(part.received() == 1);
  REQUIRE(std::filesystem::file_size(part.path()) == 100);
}

TEST_CASE("what has arrived is known when a part is opened again", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "part";
  const bytes content = pattern(10'000);
  {
    part_file part(file, content.size());
    write_part(part, content, 1000, 2000);
    write_part(part, content, 4000, 9000);
  }
  {
    part_file part(file, content.size());
    REQUIRE(part.received() == 6000);
    write_part(part, content, 0, 1500);
    write_part(part, content, 1500, 4000);
  }
  {
    part_file part(file, content.size());
    REQUIRE(part.next() == 9000);
    write_part(part, content, 9000, 10'000);
    REQUIRE(holds(part, content));
  }
  REQUIRE(part_file(file, 9000).received() == 0); // other sizes, another file
}

TEST_CASE("a torn record of what has arrived costs no more than its piece", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "part";
  const bytes content = pattern(300);
  for (std::uintmax_t cut = 0; cut < 24; ++cut) {
    std::filesystem::remove_all(folder.path);
    std::filesystem::create_directories(folder.path);
    {
      part_file part(file, content.size());
      write_part(part, content, 0, 100);
      write_part(part, content, 200, 300);
    }
    std::filesystem::resize_file(file.string() + ".ranges", 24 + cut);
    {
      part_file part(file, content.size());
      REQUIRE(part.received() == 100);
      write_part(part, content, 150, 200); // over the torn one
    }
    REQUIRE(part_file(file, content.size()).received() == 150);
  }
}

TEST_CASE("whatever stands in the records, no more is believed than can be", "[service]") {
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "part";
  for (std::uint64_t i = 0; i < 100; ++i) {
    { part_file(file, 50).write(10, bytes(20)); }
    bytes records(random_bits(1, 1, i) % 100);
    for (std::size_t k = 0; k < records.size(); ++k) {
      records[k] = static_cast<std::byte>(random_bits(2, i, k) & 0xff);
    }
    write_file(file.string() + ".ranges", records);
    REQUIRE(part_file(file, 50).received() == 0);
  }
}

TEST_CASE("small pieces in order leave few records", "[service]") {
  const scratch_folder folder;
  const bytes content = pattern(3000);
  part_file part(folder.path / "part", content.size());
  for (std::size_t i = 0; i < content.size(); ++i) {
    write_part(part, content, i, i + 1);
  }
  REQUIRE(part.received() == content.size());
  REQUIRE(std::filesystem::file_size(folder.path / "part.ranges") <= 24 * 1026);
  REQUIRE(part_file(part.path(), content.size()).received() == content.size());
  REQUIRE(holds(part, content));
}

TEST_CASE("gaps between pieces are limited, and can be filled", "[service]") {
  const scratch_folder folder;
  part_file part(folder.path / "part", 4000); // 1024 gaps
  for (std::uint64_t i = 0; i < 1024; ++i) {
    REQUIRE(refusal_of_write(part, 2 * i, 1) == std::nullopt);
  }
  REQUIRE(refusal_of_write(part, 3000, 1) == refusal_code::too_many_gaps);
  REQUIRE(part.received() == 1024);
  REQUIRE(refusal_of_write(part, 1, 1) == std::nullopt);
  REQUIRE(refusal_of_write(part, 3000, 1) == std::nullopt);
}

TEST_CASE("several connections write to a part at once", "[service]") {
  const scratch_folder folder;
  const bytes content = pattern(400'000);
  part_file part(folder.path / "part", content.size());
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (std::size_t at = t * 1000; at < content.size(); at += 4000) {
        write_part(part, content, at, at + 1000);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(part.received() == content.size());
  REQUIRE(part_file(part.path(), content.size()).received() == content.size());
  REQUIRE(holds(part, content));
}

TEST_CASE("a part that is removed leaves nothing", "[service]") {
  const scratch_folder folder;
  part_file part(folder.path / "part", 10);
  part.write(0, bytes(10));
  REQUIRE(folder.files() == 2);
  part.remove();
  REQUIRE(folder.files() == 0);
}
