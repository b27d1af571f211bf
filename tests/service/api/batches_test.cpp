// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "service/support/fixtures.hpp"

/// Many samples in one request, as JSON and as they lie in memory, and rows of datasets.

using namespace server_test;

namespace {

std::string bytes_of(const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

std::vector<float> floats_of(const std::string& bytes) {
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

struct batch_user {
  heard ask(const std::string& what, const std::string& body) const {
    return fixture.ask("POST", at + what, body, token);
  }
  heard_response ask_binary(const std::string& what, const std::string& body) const {
    return ask_with(fixture.port(), "POST", at + what,
                    bearer(token) + "Content-Type: application/octet-stream\r\n", body);
  }

  server_fixture fixture;
  std::string token = fixture.admin();
  std::string at = "/v1/clusters/" + make_line_of_three(fixture, token);
};

} // namespace

TEST_CASE("a batch of JSON teaches and asks as many samples as it has rows", "[service]") {
  const batch_user user;
  const heard learned = user.ask(
      "/batch/train", R"({"inputs":{"x":[[1,2],[3,null],[0,0]]},"targets":{"y":[[3],[4],[0]]}})");
  INFO(learned.body);
  REQUIRE(learned.status == 200);
  const json::value told = learned.content();
  CHECK(told.at("samples").as_int64() == 3);
  CHECK(told.at("refused").as_int64() == 0);
  CHECK(told.at("first_refusal").is_null());
  CHECK(told.at("losses").as_array().size() == 3);
  CHECK(told.at("mean_loss").is_number());
  const heard answer = user.ask("/batch/infer", R"({"inputs":{"x":[[1,2],[3,4]]}})");
  INFO(answer.body);
  REQUIRE(answer.status == 200);
  const json::value rows = answer.content().at("outputs").at("y");
  REQUIRE(rows.as_array().size() == 2);
  const json::value alone = user.ask("/infer", R"({"inputs":{"x":[3,4]}})").content();
  CHECK(rows.at(1) == alone.at("outputs").at("y"));
}

TEST_CASE("a binary batch is rows of float32, and so is its answer", "[service]") {
  const batch_user user;
  const float missing = std::nanf("");
  const heard_response learned =
      user.ask_binary("/batch/train", bytes_of({1, 2, 3, 3, missing, 4, 5, 6, missing}));
  INFO(learned.body);
  REQUIRE(learned.status == 200);
  CHECK(json::parse(learned.body).at("samples").as_int64() == 3);
  const heard_response answer = user.ask_binary("/batch/infer", bytes_of({1, 2, 3, 4}));
  REQUIRE(answer.status == 200);
  const std::vector<float> rows = floats_of(answer.body);
  REQUIRE(rows.size() == 2);
  const json::value alone = user.ask("/infer", R"({"inputs":{"x":[3,4]}})").content();
  CHECK(rows[1] == alone.at("outputs").at("y").at(0).to_number<float>());
}

TEST_CASE("batches that are no rows of the cluster are refused with what would be right",
          "[service]") {
  const batch_user user;
  const auto refused = [&](const std::string& what, const std::string& body) {
    const heard answer = user.ask(what, body);
    INFO(answer.body);
    CHECK(answer.status == 422);
    return answer.body;
  };
  using Catch::Contains;
  CHECK_THAT(refused("/batch/infer", R"({"inputs":{"x":[[1,2],[3]]}})"), Contains("/inputs/x/1"));
  CHECK_THAT(refused("/batch/infer", R"({"inputs":{}})"), Contains("/inputs/x"));
  CHECK_THAT(refused("/batch/infer", R"({"inputs":{"x":[]}})"), Contains("/inputs/x"));
  CHECK_THAT(refused("/batch/infer", R"({"inputs":{"x":[[1,2]],"z":[[1]]}})"),
             Contains("/inputs/z"));
  CHECK_THAT(refused("/batch/infer", R"({"inputs":{"x":[[1,1e300]]}})"), Contains("/inputs/x/0/1"));
  CHECK_THAT(refused("/batch/train", R"({"inputs":{"x":[[1,2]]}})"), Contains("/targets"));
  CHECK_THAT(refused("/batch/train", R"({"inputs":{"x":[[1,2]]},"targets":{"y":[[1],[2]]}})"),
             Contains("as many rows as the inputs: 1"));
  CHECK(user.ask("/batch/infer", "[]").status == 422);
  CHECK(user.ask("/batch/infer", "nonsense").status == 400);
  CHECK(user.ask_binary("/batch/infer", bytes_of({1, 2, 3})).status == 422);
  CHECK(user.ask_binary("/batch/infer", "").status == 422);
  CHECK(user.ask_binary("/batch/infer", bytes_of({1, INFINITY})).status == 422);
  CHECK(user.ask_binary("/batch/infer", std::string(10'001 * 8, '\0')).status == 422);
  CHECK(user.ask_binary("/batch/infer", std::string((std::size_t{4} << 20) + 1, '\0')).status ==
        413);
}

TEST_CASE("rows are not multiplied by what a cluster's template makes of them", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const heard made = fixture.ask(
      "POST", "/v1/clusters",
      R"({"name":"wide","template":"version: 1\nhexagons:\n  1..2,1,1\ninputs:\n  x:\n    )"
      R"(target: 1,1,1\n    number_of_inputs: 1\noutputs:\n  y:\n    target: 2,1,1\n    )"
      R"(number_of_outputs: 1000\n    kind: softmax\n"})",
      token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  std::string rows = "[0]";
  for (int i = 0; i < 1000; ++i) {
    rows += ",[0]";
  }
  const heard answer = fixture.ask("POST", "/v1/clusters/" + made.text("id") + "/batch/infer",
                                   R"({"inputs":{"x":[)" + rows + "]}}", token);
  CHECK(answer.status == 422);
  CHECK_THAT(answer.body, Catch::Contains("ask for 1000 at most"));
}

TEST_CASE("a batch with an idempotency key is learned once", "[service]") {
  const batch_user user;
  const std::string body = R"({"inputs":{"x":[[1,2]]},"targets":{"y":[[3]]}})";
  const auto again = [&] {
    return ask_with(user.fixture.port(), "POST", user.at + "/batch/train",
                    bearer(user.token) + "Idempotency-Key: once\r\n", body);
  };
  const heard_response first = again();
  CHECK(first.status == 200);
  CHECK(again().body == first.body);
  const json::value now =
      user.fixture.ask("GET", user.at + "/statistics", {}, user.token).content();
  CHECK(now.at("statistics").at("samples").as_int64() == 1);
}

TEST_CASE("viewers ask batches and datasets, and train none", "[service]") {
  const server_fixture fixture;
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string eve = fixture.member("evelyn", "lab_one", "viewer");
  const std::string id = make_line_of_three(fixture, anna);
  fixture.ask("PATCH", "/v1/clusters/" + id, R"({"visibility":"project"})", anna);
  const std::string at = "/v1/clusters/" + id;
  CHECK(fixture.ask("POST", at + "/batch/infer", R"({"inputs":{"x":[[1,2]]}})", eve).status == 200);
  CHECK(fixture
            .ask("POST", at + "/batch/train", R"({"inputs":{"x":[[1,2]]},"targets":{"y":[[3]]}})",
                 eve)
            .status == 403);
  CHECK(fixture.ask("POST", at + "/dataset/infer", R"({"inputs":[]})", eve).status == 422);
}

TEST_CASE("a cluster is asked about rows of a dataset, page by page, with the names of classes",
          "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  std::string csv = "a,b,kind\n";
  for (int i = 0; i < 30; ++i) {
    csv += std::to_string(i) + ',' + std::to_string(-i) + (i < 15 ? ",low\n" : ",high\n");
  }
  const std::string data = upload_csv(fixture, csv, token);
  const heard made = fixture.ask(
      "POST", "/v1/clusters",
      R"({"name":"kinds","template":"version: 1\nhexagons:\n  1..2,1,1\ninputs:\n  x:\n    )"
      R"(target: 1,1,1\n    number_of_inputs: 2\noutputs:\n  kind:\n    target: 2,1,1\n    )"
      R"(number_of_outputs: 2\n    kind: softmax\n"})",
      token);
  REQUIRE(made.status == 201);
  const std::string at = "/v1/clusters/" + made.text("id");
  const std::string inputs =
      R"("inputs":[{"input":"x","dataset_id":")" + data + R"(","columns":["a","b"]}])";
  const heard task =
      fixture.ask("POST", at + "/tasks",
                  R"({"kind":"train","name":"t","epochs":50,)" + inputs +
                      R"(,"outputs":[{"output":"kind","dataset_id":")" + data + R"("}]})",
                  token);
  INFO(task.body);
  REQUIRE(end_of(fixture, task.text("id"), token) == "finished");
  const auto page = [&](int first) {
    const heard answer =
        fixture.ask("POST", at + "/dataset/infer",
                    "{" + inputs + R"(,"count":20,"first":)" + std::to_string(first) + '}', token);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.content();
  };
  const json::value first = page(0);
  CHECK(first.at("total").as_int64() == 30);
  CHECK(first.at("next").as_int64() == 20);
  CHECK(first.at("outputs").at("kind").as_array().size() == 20);
  CHECK(first.at("outputs").at("kind").at(0).as_array().size() == 2);
  CHECK(first.at("classes").at("kind").at(0).as_string() == "low");
  CHECK(first.at("classes").at("kind").at(19).as_string() == "high");
  const json::value rest = page(20);
  CHECK(rest.at("next").is_null());
  CHECK(rest.at("outputs").at("kind").as_array().size() == 10);
  CHECK(page(30).at("outputs").at("kind").as_array().empty());
}

TEST_CASE("a question with an id has its label later, and the statistics tell how good it was",
          "[service]") {
  const batch_user user;
  CHECK(user.ask("/infer", R"({"inputs":{"x":[1,2]},"id":"order 7"})").status == 200);
  CHECK(user.ask("/train", R"({"targets":{"y":[3]}})").status == 422);
  CHECK(user.ask("/train", R"({"id":"order 7","inputs":{"x":[1,2]},"targets":{"y":[3]}})").status ==
        422);
  CHECK(user.ask("/infer", R"({"inputs":{"x":[1,2]},"id":"a\nb"})").status == 422);
  CHECK(user.ask("/infer", R"({"inputs":{"x":[1,2]},"id":""})").status == 422);
  const auto labels = [&] {
    return user.fixture.ask("GET", user.at + "/statistics", {}, user.token).content().at("labels");
  };
  CHECK(labels().at("waiting").as_int64() == 1);
  const heard learned = user.ask("/train", R"({"id":"order 7","targets":{"y":[3]}})");
  INFO(learned.body);
  CHECK(learned.status == 200);
  CHECK(learned.content().at("learned").is_bool());
  CHECK(user.ask("/train", R"({"id":"order 7","targets":{"y":[3]}})").status == 404);
  CHECK(labels().at("waiting").as_int64() == 0);
  CHECK(labels().at("prequential").at(0).at("output").as_string() == "y");
  CHECK(labels().at("prequential").at(0).at("labels").as_int64() == 1);
}
