// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>

#include "service/support/fixtures.hpp"

/// What clients may rely on in every answer and every list.

using namespace server_test;

TEST_CASE("the address alone leads to the documentation", "[service]") {
  const server_fixture fixture;
  client connection(fixture.port());
  const heard_response answer = connection.get("/");
  CHECK(answer.status == 307);
  CHECK(answer.headers.at("location") == "/docs");
  CHECK(connection.get("/docs").status == 200);
}

TEST_CASE("1.0 is an integer, 1.5 and 1e300 are none", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const auto status_of = [&](const std::string& number) {
    return fixture
        .ask("PUT", "/v1/users/admin/quota",
             R"({"clusters":)" + number +
                 R"(,"datasets":1,"checkpoints":1,"open_tasks":1,"bytes":1000000})",
             token)
        .status;
  };
  CHECK(status_of("5") < 300);
  CHECK(status_of("5.0") < 300);
  CHECK(status_of("5e0") < 300);
  CHECK(status_of("5.5") == 422);
  CHECK(status_of("1e300") == 422);
}

TEST_CASE("a cluster takes no name that another one has", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const auto make = [&](const std::string& name) {
    return fixture.ask("POST", "/v1/clusters", R"({"name":")" + name + "\"}", token);
  };
  const std::string first = make("first one").text("id");
  REQUIRE(make("other one").status == 201);
  const auto rename = [&](const std::string& name) {
    return fixture.ask("PATCH", "/v1/clusters/" + first, R"({"name":")" + name + "\"}", token)
        .status;
  };
  CHECK(rename("other one") == 409);
  CHECK(rename("first one") == 200); // its own
  CHECK(rename("third one") == 200);
  CHECK(make("first one").status == 201);
}

TEST_CASE("logs go on where a page ends", "[service]") {
  const server_fixture fixture;
  std::string token = fixture.admin();
  for (int i = 0; i < 5; ++i) {
    fixture.ask("POST", "/v1/projects",
                R"({"id":"project_)" + std::to_string(i) + R"(","name":"a project"})", token);
  }
  std::size_t seen = 0;
  std::string after;
  do {
    const heard page = fixture.ask(
        "GET", "/v1/audit-log?limit=2&operation=create_project&after=" + after, "", token);
    REQUIRE(page.status == 200);
    const json::value content = page.content();
    seen += content.at("items").as_array().size();
    const json::value& next = content.at("next");
    after = next.is_null() ? std::string() : std::string(next.as_string().c_str());
  } while (!after.empty() && seen < 100);
  CHECK(seen == 5);
  CHECK(fixture.ask("GET", "/v1/audit-log?after=nonsense", "", token).status == 422);
}

TEST_CASE("no name of a column is a formula in the CSV that is downloaded", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = upload_csv(fixture, "\"=1+1\",+b,c-d\n1,2,-3\n4,5,6\n", token);
  REQUIRE_FALSE(id.empty());
  const heard csv = fixture.ask("GET", "/v1/datasets/" + id + "/csv", "", token);
  CHECK(csv.body.starts_with("\"'=1+1\",\"'+b\",\"c-d\"\r\n1,2,-3\r\n"));
}
