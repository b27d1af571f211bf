// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "service/support/cluster_socket_peer.hpp"
#include "service/support/server_fixture.hpp"

using namespace server_test;

TEST_CASE("an answer of a cluster that was replaced meanwhile is a conflict, or of one of both",
          "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token, 1);
  REQUIRE(fixture.ask("PATCH", "/v1/clusters/" + id, R"({"name":"replaced"})", token).status ==
          200);
  const std::string other = make_cluster(fixture, token, 3);
  std::string saved[2];
  for (int i = 0; i < 2; ++i) {
    const heard task = fixture.ask("POST", "/v1/clusters/" + (i == 0 ? id : other) + "/tasks",
                                   R"({"kind":"save","name":"kept"})", token);
    REQUIRE(task.status == 202);
    saved[i] = task.text("id");
    REQUIRE(comes_true([&] {
      return fixture.ask("GET", "/v1/checkpoints/" + saved[i], {}, token).status == 200;
    }));
  }
  std::vector<std::unique_ptr<client>> askers;
  for (int i = 0; i < 8; ++i) {
    askers.push_back(std::make_unique<client>(fixture.port()));
  }
  const std::string body = R"({"inputs":{"x":[1,2]}})";
  const std::string question = "POST /v1/clusters/" + id + "/infer HTTP/1.1\r\nHost: h\r\n" +
                               bearer(token) + "Content-Length: " + std::to_string(body.size()) +
                               "\r\n\r\n" + body;
  bool replaced = false;
  for (int round = 0; round < 500 && !replaced; ++round) {
    const heard restored = fixture.ask("POST", "/v1/clusters/" + id + "/tasks",
                                       R"({"kind":"restore","name":"back","checkpoint_id":")" +
                                           saved[(round + 1) % 2] + "\"}",
                                       token);
    REQUIRE(restored.status == 202);
    for (const auto& each : askers) {
      each->send(question);
    }
    for (const auto& each : askers) {
      const heard_response answer = each->read();
      INFO(answer.body);
      if (answer.status == 409) {
        CHECK(answer.body.find("replaced by a checkpoint") != std::string::npos);
        replaced = true;
        continue;
      }
      REQUIRE(answer.status == 200);
      const std::size_t values = json::parse(answer.body).at("outputs").at("y").as_array().size();
      CHECK((values == 1 || values == 3));
    }
  }
  CHECK(replaced);
}
