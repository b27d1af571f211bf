// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/lines/line_source.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <support/scratch_folder.hpp>

using namespace hanami;

namespace {

constexpr auto always = [] { return true; };

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

std::vector<std::string> all_of(line_source& source) {
  std::vector<std::string> lines;
  while (const auto line = source.next(always)) {
    lines.emplace_back(*line);
  }
  return lines;
}

} // namespace

TEST_CASE("lines come one by one, whatever ends them", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "lines";
  write(path, "a\n\r\nthird\r\nthe last one, without an end");
  line_source source(path);
  CHECK(all_of(source) ==
        std::vector<std::string>{"a", "", "third", "the last one, without an end"});
  CHECK(source.offset() == std::filesystem::file_size(path));
}

TEST_CASE("a line source goes on at the byte where another stopped", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "lines";
  write(path, "one\ntwo\nthree\n");
  line_source first(path);
  CHECK_FALSE(first.waiting());
  CHECK(first.next(always) == "one");
  CHECK(first.waiting());
  CHECK(first.offset() == 4);
  line_source second(path);
  REQUIRE(second.seekable());
  CHECK(second.resume(first.mark()) == source_resumed::here);
  CHECK(all_of(second) == std::vector<std::string>{"two", "three"});
}

TEST_CASE("of a line too long the first megabyte comes, and then the next line", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "lines";
  write(path, "before\n" + std::string(std::size_t{5} << 19, 'x') + "\nafter\n");
  line_source source(path);
  CHECK(source.next(always) == "before");
  CHECK_FALSE(source.cut());
  CHECK(source.next(always) == std::string(std::size_t{1} << 20, 'x'));
  CHECK(source.cut());
  CHECK(source.next(always) == "after");
  CHECK_FALSE(source.cut());
  CHECK_FALSE(source.next(always));
}

TEST_CASE("a file that is followed has no end until its reader wants one", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "lines";
  write(path, "one\nhal");
  line_source source(path, true);
  CHECK(source.next(always) == "one");
  int asked = 0;
  const auto grow = [&] {
    if (asked++ == 0) {
      write(path, "f\n");
    }
    return true;
  };
  CHECK(source.next(grow) == "half");
  CHECK_FALSE(source.next([] { return false; }));
}

TEST_CASE("a pipe is read as it is filled", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "pipe";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  std::fstream end(path, std::ios::in | std::ios::out); // holds it open
  line_source source(path);
  CHECK_FALSE(source.seekable());
  end << "one\ntwo\n" << std::flush;
  CHECK(source.next(always) == "one");
  CHECK(source.next(always) == "two");
  CHECK_FALSE(source.next([] { return false; }));
}

TEST_CASE("a file that is not there is refused by name", "[io]") {
  CHECK_THROWS_WITH(line_source("no/such/file"), Catch::Contains("cannot open no/such/file"));
}
