// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

#include "service/support/fixtures.hpp"
#include "support/child_program.hpp"
#include "support/skip.hpp"

using namespace server_test;

TEST_CASE("the API can be read, searched and tried on its pages in a browser", "[service]") {
  const std::filesystem::path folder = HANAMI_NODE_FOLDER;
  const char* const chromium = "/usr/bin/chromium";
  if (!std::filesystem::exists(folder / "node_modules/playwright-core") ||
      !std::filesystem::exists(chromium)) {
    hanami_test::skip("npm's playwright-core is not installed in " + folder.string() +
                      ", or Debian's chromium is not");
    return;
  }
  const server_fixture fixture;
  fixture.member("anna", "lab_one");
  const hanami_test::program_result result = hanami_test::run_program(
      "/usr/bin/env",
      {"node", HANAMI_PAGES_SCRIPT, folder, chromium,
       "http://127.0.0.1:" + std::to_string(fixture.port()), "anna", "some password"});
  INFO(result.out << result.err);
  CHECK(result.status == 0);
}
