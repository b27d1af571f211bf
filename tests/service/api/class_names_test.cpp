// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>

#include "service/support/fixtures.hpp"

using namespace server_test;

namespace {

json::value columns_of(const server_fixture& fixture, const std::string& csv,
                       const std::string& token) {
  const heard begun = fixture.ask(
      "POST", "/v1/uploads",
      R"({"name":"rows","format":"csv","sizes":[)" + std::to_string(csv.size()) + "]}", token);
  const std::string part(begun.content().at("parts").at(0).at("id").as_string());
  REQUIRE(fixture.ask("PUT", "/v1/parts/" + part, csv, token).status == 204);
  const std::string id = finish_upload(fixture, begun.text("id"), token);
  return fixture.ask("GET", "/v1/datasets/" + id, {}, token).content().at("columns");
}

} // namespace

TEST_CASE("a dataset tells what the classes of its columns of text are", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const json::value columns =
      columns_of(fixture, "size,colour,name\n1,red,\"a \"\"b\"\"\"\n2,blue,\xff\n3,red,c\n", token);
  CHECK_FALSE(columns.at(0).as_object().contains("classes"));
  CHECK(columns.at(1).at("classes") == json::array{"red", "blue"});
  CHECK(columns.at(2).at("classes") == json::array{"a \"b\"", "?", "c"});
}

TEST_CASE("classes that are too many to show are left out", "[service]") {
  const server_fixture fixture;
  std::string csv = "size,name\n";
  for (int i = 0; i < 8000; ++i) {
    csv += "1,name number " + std::to_string(i) + '\n';
  }
  const json::value columns = columns_of(fixture, csv, fixture.admin());
  CHECK_FALSE(columns.at(1).as_object().contains("classes"));
}
