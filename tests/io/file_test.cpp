// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/write_file.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"
#include "support/skip.hpp"

using namespace hanami;

namespace {

using bytes = std::vector<std::uint8_t>;

template <class Work>
std::string file_failure(const Work& work) {
  try {
    work();
  } catch (const error& failure) {
    CHECK(failure.code() == errc::file_error);
    return failure.what();
  }
  return "no error";
}

} // namespace

TEST_CASE("a file reads back as it was written", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "file";
  for (const std::size_t size : {0U, 1U, 100000U}) {
    const bytes content(size, 0x8b);
    write_file(path, std::as_bytes(std::span(content)));
    REQUIRE(read_file(path, size) == content);
    REQUIRE(folder.files() == 1);
  }
}

TEST_CASE("a file over the limit is refused before it is read", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "ten";
  const bytes content(10);
  write_file(path, std::as_bytes(std::span(content)));
  REQUIRE(read_file(path, 10).size() == 10);
  REQUIRE_THROWS_WITH(read_file(path, 9), path.string() + " has 10 bytes; at most 9 are accepted");
}

TEST_CASE("a file that cannot be read is named, with the reason", "[io]") {
  const scratch_folder folder;
  const auto missing = folder.path / "missing";
  REQUIRE(file_failure([&] { read_file(missing, 9); }) ==
          "cannot read " + missing.string() + ": No such file or directory");
  REQUIRE(file_failure([&] { read_file(folder.path, 9); }) ==
          "cannot read " + folder.path.string() + ": Is a directory");
}

TEST_CASE("a file that cannot be written leaves the old one and no other", "[io]") {
  const scratch_folder folder;
  const bytes content(10);
  const auto write = [&](const std::filesystem::path& path) {
    return file_failure([&] { write_file(path, std::as_bytes(std::span(content))); });
  };
  // A folder or a pipe in the place of the file.
  const auto taken = folder.path / "taken";
  std::filesystem::create_directories(taken / "inside");
  CHECK_THAT(write(taken), Catch::Contains("cannot replace " + taken.string()));
  CHECK(std::filesystem::exists(taken / "inside"));
  const auto pipe = folder.path / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK_THAT(write(pipe), Catch::Contains("no regular file"));
  CHECK(std::filesystem::is_fifo(pipe));
  CHECK_THAT(write(folder.path / "nowhere" / "file"), Catch::Contains("nowhere"));
  CHECK(folder.files() == 2);
}

TEST_CASE("a full disk leaves the old file", "[io]") {
  if (!std::filesystem::exists("/dev/full")) {
    hanami_test::skip("there is no /dev/full");
    return;
  }
  const scratch_folder folder;
  const auto path = folder.path / "file";
  std::ofstream(path) << "old";
  // The temporary file leads to a device that is always full.
  const auto temporary = path.string() + ".part-" + std::to_string(::getpid());
  std::filesystem::create_symlink("/dev/full", temporary);
  const bytes content(10);
  CHECK_THAT(file_failure([&] { write_file(path, std::as_bytes(std::span(content))); }),
             Catch::Contains("No space left"));
  CHECK(folder.files() == 1);
  CHECK(read_file(path, 10) == bytes{'o', 'l', 'd'});
}
