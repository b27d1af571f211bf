// SPDX-License-Identifier: Apache-2.0
// Nothing is written where something is read or kept, by whatever name it is given.
#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <support/child_program.hpp>

using namespace hanami_test;

namespace fs = std::filesystem;

TEST_CASE("paths that mean one file are refused before any is opened", "[cases]") {
  const scratch_folder folder;
  const auto at = [&](const char* name) { return (folder.path / name).string(); };
  const std::string data = "time,v\n1,2\n2,3\n3,4\n";
  write_text(at("data"), data);
  write_text(at("other"), data);
  write_text(at("model.lines"), "not a count, but something that somebody keeps");
  REQUIRE(::mkfifo(at("pipe").c_str(), 0600) == 0);
  fs::create_symlink("data", at("link"));
  fs::create_hard_link(at("data"), at("hard"));
  fs::create_symlink("not-there", at("dangling"));
  const std::vector<std::vector<std::string>> wrong = {
      {"--input", at("data"), "--output", at("data")},
      {"--input", at("data"), "--output", at("link")},
      {"--input", at("link"), "--output", at("hard")},
      {"--input", at("data"), "--output", at("./../") + folder.path.filename().string() + "/data"},
      {"--input", "/dev/stdin", "--output", at("data")},
      {"--output", at("data")}, // standard input is that file
      {"--input", at("other"), "--checkpoint", at("data")},
      {"--input", at("data"), "--checkpoint", at("hard")},
      {"--input", at("other"), "--report", at("data")},
      {"--input", at("other"), "--output", at("out"), "--checkpoint", at("out")},
      {"--input", at("other"), "--output", at("out"), "--report", at("out")},
      {"--input", at("other"), "--output", at("dangling"), "--report", at("not-there")},
      {"--input", at("other"), "--output", at("out.lines"), "--checkpoint", at("out")},
      {"--input", at("other"), "--checkpoint", at("model")},
      {"--input", at("other"), "--checkpoint", at("pipe")},
      {"--input", at("other"), "--output", at("no/folder/out")},
      {"--input", at("other"), "--report", folder.path.string()},
  };
  for (const auto& arguments : wrong) {
    const scratch_folder elsewhere;
    child_program child(HANAMI_SENSOR, arguments,
                        {at("data"), elsewhere.path / "out", elsewhere.path / "err"});
    const int status = child.wait();
    INFO(arguments.back() << ": " << text_of(elsewhere.path / "err"));
    CHECK(status == 2);
    CHECK(text_of(at("data")) == data);
    CHECK(folder.files() == 7); // none was made
  }
  CHECK(text_of(at("model.lines")) == "not a count, but something that somebody keeps");
  child_program to_itself(HANAMI_SENSOR, {"--input", at("data")}, {"/dev/null", at("data")});
  CHECK(to_itself.wait() == 2); // as >> does
  CHECK(text_of(at("data")) == data);
}

TEST_CASE("output does not overwrite a checkpoint", "[cases]") {
  const scratch_folder folder;
  const std::string model = (folder.path / "model").string();
  const std::string rows = "time,v\n1,2\n2,3\n3,4\n";
  REQUIRE(run_program(HANAMI_SENSOR, {"--window", "0", "--checkpoint", model}, rows).status == 0);
  const std::string held = text_of(model);
  CHECK(run_program(HANAMI_SENSOR, {"--output", model}, rows).status == 2);
  CHECK(run_program(HANAMI_SENSOR, {"--report", model}, rows).status == 2);
  CHECK(text_of(model) == held);
  CHECK(run_program(HANAMI_SENSOR, {"--output", "/dev/null", "--window", "0"}, rows).status == 0);
}
