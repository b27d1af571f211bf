// SPDX-License-Identifier: Apache-2.0
// Files that are followed by their name, whatever happens to it.
#include <hanami/io/lines/line_source.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <support/scratch_folder.hpp>

using namespace hanami;

namespace {

namespace fs = std::filesystem;

constexpr auto always = [] { return true; };

void append(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary | std::ios::app) << text;
}

void write_anew(const fs::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// The lines of a followed file and, in brackets, what became of it, while `steps` are done one
/// after another, each when everything before has been read.
std::vector<std::string> follow(line_source& source, std::vector<std::function<void()>> steps) {
  std::vector<std::string> seen;
  source.on_change([&](source_change change) {
    constexpr const char* names[] = {"[replaced]", "[rotated]",  "[truncated]", "[emptied]",
                                     "[copied]",   "[vanished]", "[returned]"};
    seen.emplace_back(names[static_cast<std::size_t>(change)]);
  });
  std::size_t step = 0;
  std::size_t quiet = 0; // how often it has asked since a line came or a step was done
  std::size_t before = 0;
  const auto go_on = [&] {
    quiet = seen.size() == before ? quiet + 1 : 0;
    before = seen.size();
    if (quiet < 4) {
      return true;
    }
    quiet = 0;
    if (step == steps.size()) {
      return false;
    }
    steps[step++]();
    return true;
  };
  while (const auto line = source.next(go_on)) {
    seen.emplace_back(*line);
  }
  return seen;
}

using lines = std::vector<std::string>;

} // namespace

TEST_CASE("a renamed file is read to its end before the new one begins", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "log";
  append(path, "one\n");
  line_source source(path, true);
  CHECK(follow(source, {
                           [&] {
                             fs::rename(path, folder.path / "log.1");
                             append(folder.path / "log.1", "two\n");
                           },
                           [&] { write_anew(path, ""); },
                           [&] { append(folder.path / "log.1", "three\nfour"); },
                           [&] {
                             append(folder.path / "log.1", "th\nlast, without an end");
                             append(path, "new\n");
                           },
                           [&] { append(path, "newer\n"); },
                       }) == lines{"one", "[vanished]", "two", "three", "fourth",
                                   "last, without an end", "[replaced]", "new", "newer"});
}

TEST_CASE("a file renamed and made anew at once is followed by the new one", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "log";
  append(path, "one\n");
  line_source source(path, true);
  CHECK(follow(source, {[&] {
                 append(path, "two\n");
                 fs::rename(path, folder.path / "elsewhere");
                 append(folder.path / "elsewhere", "three\n");
                 write_anew(path, "one\ntwo\nthree\nnew\n"); // begins like it, but is no copy
               }}) == lines{"one", "two", "three", "[replaced]", "one", "two", "three", "new"});
}

TEST_CASE("logs that are rotated several times at once come in their order", "[io]") {
  for (const bool dated : {false, true}) {
    const scratch_folder folder;
    const auto path = folder.path / "log.csv";
    const auto named = [&](int age) {
      return folder.path / (dated ? "log-2024010" + std::to_string(9 - age) + ".csv"
                                  : "log.csv." + std::to_string(age));
    };
    append(path, "one\n");
    write_anew(named(3), "before\n");
    write_anew(folder.path / "log-x.csv", "another\n");
    write_anew(folder.path / "log.csv.gz", "packed\n");
    line_source source(path, true);
    CHECK(follow(source, {[&] {
                   append(path, "two\n");
                   fs::rename(path, named(2));
                   write_anew(path, "three\n");
                   fs::rename(path, named(1));
                   write_anew(path, "four\n");
                 }}) == lines{"one", "two", "[rotated]", "three", "[replaced]", "four"});
  }
}

TEST_CASE("a file that is emptied or written anew in place is read from its start", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "log";
  append(path, "first\nsecond\n");
  line_source source(path, true);
  CHECK(follow(source, {
                           [&] { write_anew(path, "short\n"); },
                           [&] { write_anew(path, ""); },
                           [&] { append(path, "after\n"); },
                           [&] { write_anew(path, "longer than what was there before\n"); },
                       }) == lines{"first", "second", "[truncated]", "short", "[truncated]",
                                   "after", "[truncated]", "longer than what was there before"});
}

TEST_CASE("of a file that is copied and emptied the rest of the copy is read", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "log";
  append(path, "one\n");
  line_source source(path, true);
  CHECK(follow(source, {
                           [&] { append(path, "two\nhal"); },
                           [&] {
                             append(path, "f\nthree\n");
                             fs::copy_file(path, folder.path / "log.1");
                             write_anew(path, "new\n");
                           },
                       }) ==
        lines{"one", "two", "[emptied]", "half", "three", "[replaced]", "new"});
}

TEST_CASE("a file that is replaced by a longer copy of it goes on where it was", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "log";
  append(path, "one\ntwo\nhal");
  line_source source(path, true);
  CHECK(follow(source, {[&] {
                 write_anew(folder.path / "part", "one\ntwo\nhalf\nthree\n");
                 fs::rename(folder.path / "part", path);
               }}) == lines{"one", "two", "[copied]", "half", "three"});
}

TEST_CASE("a file that is not there yet is waited for, and one that comes back goes on", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "log";
  line_source source(path, true);
  CHECK(follow(source, {
                           [&] { write_anew(path, "one\n"); },
                           [&] { fs::rename(path, folder.path / "away"); },
                           [&] { append(folder.path / "away", "two\n"); },
                           [&] { fs::rename(folder.path / "away", path); },
                           [&] { append(path, "three\n"); },
                       }) ==
        lines{"[vanished]", "[returned]", "one", "[vanished]", "two", "[returned]", "three"});
  CHECK_THROWS_AS(line_source(folder.path, true), error); // a folder
}

TEST_CASE("what was rotated while nobody read is found again", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "log";
  append(path, "time,v\n1,2\n3,4\n");
  file_mark mark;
  {
    line_source first(path);
    first.next(always);
    CHECK(first.next(always) == "1,2");
    mark = first.mark();
  }
  SECTION("renamed, more than once") {
    fs::rename(path, folder.path / "log.2");
    write_anew(folder.path / "log.1", "time,v\n5,6\n");
    write_anew(path, "time,v\n7,8\n");
    for (const bool followed : {false, true}) {
      line_source second(path, followed);
      CHECK(second.resume(mark) == source_resumed::rotated);
      CHECK(follow(second, {}) ==
            lines{"3,4", "[rotated]", "time,v", "5,6", "[replaced]", "time,v", "7,8"});
    }
  }
  SECTION("copied and emptied") {
    fs::copy_file(path, folder.path / "log-20240131");
    write_anew(path, "time,v\n7,8\n");
    line_source second(path);
    CHECK(second.resume(mark) == source_resumed::rotated);
    CHECK(follow(second, {}) == lines{"3,4", "[replaced]", "time,v", "7,8"});
  }
  SECTION("copied elsewhere, with its beginning") {
    write_anew(folder.path / "part", "time,v\n1,2\n3,4\n5,6\n");
    fs::rename(folder.path / "part", path);
    line_source second(path);
    CHECK(second.resume(mark) == source_resumed::here);
    CHECK(follow(second, {}) == lines{"3,4", "5,6"});
  }
  SECTION("a new file that begins with the same header") {
    write_anew(path, "time,v\n9,2\n3,4\n5,6\n");
    line_source second(path);
    CHECK(second.resume(mark) == source_resumed::another);
    CHECK(follow(second, {}) == lines{"time,v", "9,2", "3,4", "5,6"});
  }
  SECTION("shorter than it was") {
    write_anew(path, "time,v\n");
    line_source second(path);
    CHECK(second.resume(mark) == source_resumed::another);
  }
  SECTION("nothing was read") {
    line_source second(path);
    CHECK(second.resume({}) == source_resumed::another);
    CHECK(follow(second, {}).size() == 3);
  }
}

TEST_CASE("paths are compared by the files behind them", "[io]") {
  const scratch_folder folder;
  const auto data = folder.path / "data";
  write_anew(data, "1\n");
  fs::create_symlink("data", folder.path / "link");
  fs::create_hard_link(data, folder.path / "other-name");
  fs::create_symlink("not-yet", folder.path / "dangling");
  const file_place place = place_of(data);
  CHECK(place.clashes(place_of(folder.path / "link")));
  CHECK(place.clashes(place_of(folder.path / "other-name")));
  CHECK(place.clashes(place_of(folder.path / "." / ".." / folder.path.filename() / "data")));
  CHECK_FALSE(place.clashes(place_of(folder.path / "dangling")));
  CHECK(place_of(folder.path / "dangling").clashes(place_of(folder.path / "not-yet")));
  CHECK_FALSE(place_of(folder.path / "not-yet").clashes(place_of(folder.path / "nor-this")));
  CHECK_FALSE(place_of("/dev/null").clashes(place_of("/dev/null")));
}
