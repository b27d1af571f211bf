// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include "service/support/fixtures.hpp"

/// Fields that do not belong to the kind of what is asked for.

using namespace server_test;

namespace {

/// That a body is refused, with these words about that field.
void expect_refused(const server_fixture& fixture, const std::string& target,
                    const std::string& token, const std::string& body, const std::string& pointer,
                    const std::string& words) {
  const heard answer = fixture.ask("POST", target, body, token);
  INFO(body << " -> " << answer.body);
  REQUIRE(answer.status == 422);
  std::vector<std::string> found;
  const json::value problem = answer.content();
  for (const json::value& fault : problem.at("errors").as_array()) {
    if (fault.at("pointer").as_string() == pointer) {
      found.emplace_back(fault.at("detail").as_string());
    }
  }
  REQUIRE(found.size() == 1);
  CHECK_THAT(found[0], Catch::Contains(words));
}

} // namespace

TEST_CASE("a task takes the fields of its kind and says whose the others are", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_line_of_three(fixture, token);
  const std::string data = upload_csv(fixture, "x,y\n1,2\n3,4\n5,6\n", token);
  const std::string target = "/v1/clusters/" + id + "/tasks";
  const std::string x =
      R"("name":"t","inputs":[{"input":"x","dataset_id":")" + data + R"(","columns":["x","y"]}])";
  const std::string y = R"("outputs":[{"output":"y","dataset_id":")" + data + "\"}]";
  const std::string results = R"("results":[{"output":"y","name":"r"}])";
  const auto expect = [&](const std::string& body, const std::string& pointer,
                          const std::string& words) {
    expect_refused(fixture, target, token, body, pointer, words);
  };
  expect(R"({"kind":"save","name":"s","epochs":3})", "/epochs", "it is for: train");
  expect(R"({"kind":"save","name":"s",)" + y + "}", "/outputs", "it is for: train, evaluate");
  expect(R"({"kind":"train",)" + x + ',' + y + R"(,"answers":"winners"})", "/answers",
         "does not belong to kind train; it is for: request");
  expect(R"({"kind":"request",)" + x + ',' + results + R"(,"horizon":1})", "/horizon",
         "train, evaluate");
  expect(R"({"kind":"evaluate",)" + x + ',' + y + R"(,"anneal":false})", "/anneal", "train");
  expect(R"({"kind":"restore","name":"r"})", "/checkpoint_id", "is required");
  expect(R"({"kind":"train",)" + x + "}", "/outputs", "is required");
  expect(R"({"kind":"import","name":"i"})", "/kind", "must be one of: train, request, evaluate");
  expect(R"({"name":"i"})", "/kind", "is required");
  expect(R"({"kind":"save","name":"s","colour":"red"})", "/colour", "is not known here");
  CHECK(fixture.ask("GET", target, {}, token).content().at("total").as_int64() == 0);

  for (const std::string& body :
       {R"({"kind":"train","epochs":2,"anneal":false,)" + x + ',' + y + "}",
        R"({"kind":"evaluate","horizon":1,)" + x + ',' + y + "}",
        R"({"kind":"request","answers":"values",)" + x + ',' + results + "}",
        std::string(R"({"kind":"save","name":"s"})")}) {
    const heard started = fixture.ask("POST", target, body, token);
    INFO(started.body);
    REQUIRE(started.status == 202);
    CHECK(end_of(fixture, started.text("id"), token) == "finished");
  }
}

TEST_CASE("an upload takes the fields of its format", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const auto expect = [&](const std::string& body, const std::string& pointer,
                          const std::string& words) {
    expect_refused(fixture, "/v1/uploads", token, body, pointer, words);
  };
  expect(R"({"name":"n","format":"mnist","sizes":[1,1],"classes":["a"]})", "/classes",
         "does not belong to format mnist; it is for: csv");
  expect(R"({"name":"n","format":"csv","sizes":[1,1]})", "/sizes", "at most 1");
  expect(R"({"name":"n","format":"mnist","sizes":[1]})", "/sizes", "at least 2");
  expect(R"({"name":"n","format":"parquet","sizes":[1]})", "/format", "csv, mnist, checkpoint");
  CHECK(fixture.ask("GET", "/v1/uploads", {}, token).content().at("total").as_int64() == 0);
}

TEST_CASE("a template takes a loss for linear outputs alone", "[service]") {
  const server_fixture fixture;
  for (const char* const kind : {"softmax", "sigmoid"}) {
    std::string text = line_of_three;
    text.replace(text.find("linear"), 6, std::string(kind) + "\\n    loss: squared");
    const heard refused = fixture.ask(
        "POST", "/v1/clusters", R"({"name":"n","template":")" + text + "\"}", fixture.admin());
    INFO(refused.body);
    CHECK(refused.status == 422);
    CHECK(refused.text("code") == "invalid_template");
    CHECK_THAT(refused.text("detail"),
               Catch::Contains("a loss of linear outputs alone") && Catch::Contains(kind));
  }
}

TEST_CASE("the kinds of a body are described one by one", "[service]") {
  const server_fixture fixture;
  const json::value api = fixture.ask("GET", "/v1/openapi.json").content();
  const json::value& body = api.at("paths")
                                .at("/v1/clusters/{cluster_id}/tasks")
                                .at("post")
                                .at("requestBody")
                                .at("content")
                                .at("application/json")
                                .at("schema");
  CHECK(body.at("oneOf").as_array().size() == 5);
  CHECK(body.at("discriminator").at("propertyName").as_string() == "kind");
  CHECK(body.at("discriminator").at("mapping").at("save").as_string() ==
        "#/components/schemas/SaveTask");
  const json::value& save = api.at("components").at("schemas").at("SaveTask");
  CHECK(save.at("properties").as_object().size() == 2);
  CHECK(save.at("properties").at("kind").at("enum") == json::array{"save"});
}
