// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/json.hpp>
#include <hanami/service/base/logger.hpp>

#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/error.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami::service;

namespace {

struct log_file {
  server_config config(const std::string& level, bool as_json = false) const {
    server_config made;
    made.log_file = folder.path / "log";
    made.log_level = level;
    made.log_json = as_json;
    return made;
  }
  std::vector<std::string> lines() const {
    std::ifstream from(folder.path / "log");
    std::vector<std::string> all;
    for (std::string line; std::getline(from, line);) {
      all.push_back(line);
    }
    return all;
  }

  scratch_folder folder;
};

} // namespace

TEST_CASE("the log says who speaks and how much it matters", "[service]") {
  const log_file file;
  logger log(file.config("info"));
  log.debug("engine", "not worth a line");
  log.info("http", "listens");
  log.warning("monitor", "no sensors");
  log.error("engine", "the disk is full");
  const auto lines = file.lines(); // each is there at once
  REQUIRE(lines.size() == 3);
  REQUIRE(lines[0].ends_with(" info: http: listens"));
  REQUIRE(lines[1].ends_with(" warning: monitor: no sensors"));
  REQUIRE(lines[2].ends_with(" error: engine: the disk is full"));
}

TEST_CASE("less of the log, or nothing, can be asked for", "[service]") {
  const log_file file;
  for (const char* level : {"warning", "error", "off"}) {
    logger log(file.config(level));
    log.info("http", "a");
    log.warning("http", "b");
    log.error("http", "c");
  }
  REQUIRE(file.lines().size() == 3);
}

TEST_CASE("what is logged stays in its line, also in JSON", "[service]") {
  const log_file file;
  logger log(file.config("info", true));
  log.error("access", "a \"name\"\n{\"level\":\"error\"} \\ \x01 end");
  const auto lines = file.lines();
  REQUIRE(lines.size() == 1);
  const json::value line = json::parse(lines[0]);
  REQUIRE(line.at("level").as_string() == "error");
  REQUIRE(line.at("message").as_string() == "access: a 'name' {'level':'error'}     end");
}

TEST_CASE("a log file that cannot be written is refused", "[service]") {
  server_config config;
  config.log_file = "/proc/nothing/here";
  REQUIRE_THROWS_AS(logger(config), hanami::error);
}
