// SPDX-License-Identifier: Apache-2.0
// `sensor` beside files that are rotated, emptied and replaced, killed and begun again.
#include <cmath>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <unistd.h>

#include <catch2/catch.hpp>

#include <support/child_program.hpp>
#include <support/skip.hpp>

using namespace hanami_test;

namespace {

namespace fs = std::filesystem;
using words = std::vector<std::string>;

/// Rows `from` to below `to` of one long table.
std::string rows(int from, int to) {
  std::string lines;
  for (int row = from; row < to; ++row) {
    lines += std::to_string(1700000000 + 60 * row) + "," +
             std::to_string(20 + std::sin(0.1 * row)) + "\n";
  }
  return lines;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A log, and a sensor beside it that follows it and keeps a checkpoint.
struct followed_log {
  scratch_folder folder;
  fs::path log = folder.path / "log.csv";
  fs::path out = folder.path / "out.csv";
  fs::path err = folder.path / "err";
  fs::path checkpoint = folder.path / "model";

  words arguments(bool follow) const {
    words all = {"--input",    log.string(),   "--window",          "0",      "--output",
                 out.string(), "--checkpoint", checkpoint.string(), "--step", "60"};
    if (follow) {
      all.push_back("--follow");
    }
    return all;
  }
  child_program start(bool follow = true) const {
    return child_program(HANAMI_SENSOR, arguments(follow), {"/dev/null", "/dev/null", err});
  }
  /// Until the output has so many rows, below its header.
  bool wrote(std::size_t lines) const {
    return comes_true([&] { return count_of(text_of(out), "\n") == lines + 1; });
  }
  void rename(int age) const { fs::rename(log, log.string() + "." + std::to_string(age)); }
  /// What one run over all rows writes.
  std::string unbroken(int count) const {
    const scratch_folder other;
    write_text(other.path / "in", "time,v\n" + rows(0, count));
    const auto got = run_program(
        HANAMI_SENSOR, {"--input", (other.path / "in").string(), "--window", "0", "--step", "60"});
    return got.out;
  }
};

} // namespace

TEST_CASE("a log that is rotated while it is followed loses no row", "[cases]") {
  const followed_log test;
  write_text(test.log, "time,v\n" + rows(0, 40));
  child_program sensor = test.start();
  REQUIRE(test.wrote(40));
  write_text(test.log, rows(40, 50), std::ios::app);
  test.rename(1);
  write_text(test.log.string() + ".1", rows(50, 60), std::ios::app); // by who still has it open
  write_text(test.log, "time,v\n" + rows(60, 70));
  REQUIRE(test.wrote(70));
  write_text(test.log, rows(70, 80).substr(0, 30), std::ios::app); // the last line is not whole
  write_text(test.log, rows(70, 80).substr(30), std::ios::app);
  REQUIRE(test.wrote(80));
  // Twice, before anybody could look.
  fs::rename(test.log.string() + ".1", test.log.string() + ".3");
  write_text(test.log, rows(80, 90), std::ios::app);
  test.rename(2);
  write_text(test.log, "time,v\n" + rows(90, 100));
  test.rename(1);
  write_text(test.log, "time,v\n" + rows(100, 110));
  REQUIRE(test.wrote(110));
  sensor.signal(SIGTERM);
  CHECK(sensor.wait() == 130);
  CHECK(text_of(test.out) == test.unbroken(110));
  CHECK(count_of(text_of(test.err), "is another file by now") == 2);
  CHECK(count_of(text_of(test.err), "replaced more than once") == 1);
  CHECK(has(text_of(test.err), "110 rows learned, 0 damaged lines skipped, 0 missing rows"));
}

TEST_CASE("a log that is emptied, written anew, gone and there again is followed", "[cases]") {
  const followed_log test;
  child_program sensor = test.start(); // before there is a log
  REQUIRE(comes_true([&] { return has(text_of(test.err), "is gone; it is waited for"); }));
  write_text(test.log, "time,v\n" + rows(0, 40));
  REQUIRE(test.wrote(40));
  write_text(test.log, "time,v\n" + rows(40, 50)); // in place
  REQUIRE(test.wrote(50));
  fs::rename(test.log, test.folder.path / "away");
  REQUIRE(comes_true([&] { return count_of(text_of(test.err), "is gone") == 2; }));
  fs::rename(test.folder.path / "away", test.log);
  write_text(test.log, rows(50, 60), std::ios::app);
  REQUIRE(test.wrote(60));
  write_text(test.folder.path / "new", "time,v\n" + rows(60, 70));
  fs::rename(test.folder.path / "new", test.log); // another file
  REQUIRE(test.wrote(70));
  sensor.signal(SIGHUP);
  CHECK(sensor.wait() == 130);
  CHECK(fs::exists(test.checkpoint));
  CHECK(text_of(test.out) == test.unbroken(70));
  CHECK(has(text_of(test.err), "was emptied or written anew"));
}

TEST_CASE("killed, rotated and begun again, a sensor goes on as if nothing had been", "[cases]") {
  const followed_log test;
  write_text(test.log, "time,v\n" + rows(0, 40));
  {
    child_program sensor = test.start();
    REQUIRE(test.wrote(40));
    sensor.signal(SIGUSR1);
    REQUIRE(comes_true([&] { return fs::exists(test.checkpoint); }));
    write_text(test.log, rows(40, 60), std::ios::app);
    REQUIRE(test.wrote(60));
    sensor.signal(SIGKILL);
    CHECK(sensor.wait() == 128 + SIGKILL);
  }
  SECTION("in the same file") { write_text(test.log, rows(60, 80), std::ios::app); }
  SECTION("rotated, twice") {
    test.rename(2);
    write_text(test.log, "time,v\n" + rows(60, 70));
    test.rename(1);
    write_text(test.log, "time,v\n" + rows(70, 80));
  }
  SECTION("copied and emptied") {
    fs::copy_file(test.log, test.log.string() + "-20240131");
    write_text(test.log, "time,v\n" + rows(60, 80));
  }
  child_program again = test.start(false);
  CHECK(again.wait() == 0);
  CHECK(text_of(test.out) == test.unbroken(80));
  CHECK(has(text_of(test.err), "goes on after line 41, row 40; "));
}

TEST_CASE("a new day's file begins at its start, whatever was read of the old one", "[cases]") {
  const followed_log test;
  write_text(test.log, "time,v\n" + rows(0, 40));
  CHECK(test.start(false).wait() == 0);
  fs::rename(test.log, test.folder.path / "yesterday");
  write_text(test.log, "time,v\n" + rows(40, 90)); // longer than the old one
  CHECK(test.start(false).wait() == 0);
  CHECK(text_of(test.out) == test.unbroken(90));
  CHECK(has(text_of(test.err), "is another file, and is read from its start"));
  CHECK(test.start(false).wait() == 0); // there is nothing new
  CHECK(text_of(test.out) == test.unbroken(90));
}

TEST_CASE("a row that is not whole when the sensor is stopped waits for its rest", "[cases]") {
  const followed_log test;
  const std::string rest = "two lines\",5\n1700002460,none,6\n";
  std::string begin = "time,note,v\n";
  for (int row = 0; row < 40; ++row) {
    begin += std::to_string(1700000000 + 60 * row) + ",\"one\nor " + std::to_string(row) + "\"," +
             std::to_string(row % 5) + "\n";
  }
  begin += "1700002400,\"here are\n";
  write_text(test.log, begin);
  child_program sensor = test.start();
  REQUIRE(test.wrote(40));
  sensor.signal(SIGTERM);
  CHECK(sensor.wait() == 130);
  write_text(test.log, rest, std::ios::app);
  CHECK(test.start(false).wait() == 0);
  const auto whole = run_program(HANAMI_SENSOR, {"--window", "0", "--step", "60"}, begin + rest);
  CHECK(count_of(whole.out, "\n") == 43);
  CHECK(text_of(test.out) == whole.out);
}

TEST_CASE("devices are kept in one checkpoint", "[cases]") {
  const scratch_folder folder;
  const auto table = [](int from, int to) {
    std::string lines = "time,id,v\n";
    for (int row = from; row < to; ++row) {
      lines += std::to_string(1700000000 + 30 * row) + "," + (row % 2 == 0 ? "a" : "b,c") + "," +
               std::to_string(row % 7) + "\n";
    }
    for (std::size_t at = 0; (at = lines.find("b,c", at)) != std::string::npos; at += 5) {
      lines.replace(at, 3, "\"b,c\"");
    }
    return lines;
  };
  const words options = {"--by", "id", "--window", "0", "--output", (folder.path / "out").string()};
  words kept = options;
  kept.insert(kept.end(), {"--checkpoint", (folder.path / "model").string()});
  CHECK(run_program(HANAMI_SENSOR, kept, table(0, 100)).status == 0);
  const auto second = run_program(HANAMI_SENSOR, kept, table(100, 200));
  CHECK(second.status == 0);
  CHECK(has(second.err, "200 rows learned"));
  CHECK(has(second.err, "2 devices"));
  const std::string broken = text_of(folder.path / "out");
  CHECK(run_program(HANAMI_SENSOR, options, table(0, 200)).status == 0);
  CHECK(text_of(folder.path / "out") == broken);
  CHECK(has(broken, ",\"b,c\","));
}

TEST_CASE("a checkpoint belongs to one process at a time, until that one is gone", "[cases]") {
  const followed_log test;
  write_text(test.log, "time,v\n" + rows(0, 40));
  child_program first = test.start();
  REQUIRE(test.wrote(40));
  const auto second = run_program(
      HANAMI_SENSOR, {"--input", test.log.string(), "--checkpoint", test.checkpoint.string()});
  CHECK(second.status == 1);
  CHECK(has(second.err, "in use by another process"));
  first.signal(SIGKILL);
  first.wait();
  CHECK(run_program(HANAMI_SENSOR, test.arguments(false)).status == 0);
}

TEST_CASE("what a killed writer of checkpoints left is removed", "[cases]") {
  const followed_log test;
  write_text(test.log, "time,v\n" + rows(0, 40));
  const fs::path part = test.checkpoint.string() + ".part-12345";
  const fs::path other = test.checkpoint.string() + ".part-of-mine";
  write_text(part, "half");
  write_text(other, "mine");
  CHECK(run_program(HANAMI_SENSOR, test.arguments(false)).status == 0);
  CHECK_FALSE(fs::exists(part));
  CHECK(fs::exists(other));
  CHECK(fs::exists(test.checkpoint));
}

TEST_CASE("a folder that nobody may write in is named before anything is read", "[cases]") {
  if (::geteuid() == 0) {
    skip("root may write everywhere");
    return;
  }
  const followed_log test;
  write_text(test.log, "time,v\n" + rows(0, 40));
  const fs::path closed = test.folder.path / "closed";
  fs::create_directory(closed);
  fs::permissions(closed, fs::perms::owner_read | fs::perms::owner_exec);
  for (const char* option : {"--output", "--checkpoint", "--report"}) {
    const auto got = run_program(
        HANAMI_SENSOR, {"--input", test.log.string(), option, (closed / "file").string()});
    CHECK(got.status == 2);
    CHECK(has(got.err, "cannot write in the folder " + closed.string()));
  }
  fs::permissions(closed, fs::perms::owner_all);
}
