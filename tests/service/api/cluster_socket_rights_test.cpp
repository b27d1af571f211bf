// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>

#include "service/support/cluster_socket_peer.hpp"
#include "service/support/server_fixture.hpp"

using namespace server_test;

TEST_CASE("who may not use a cluster gets no socket, and who may not train it only asks",
          "[service]") {
  const server_fixture fixture;
  const std::string owner = fixture.member("anna", "lab_one");
  const std::string stranger = fixture.member("bert", "lab_two");
  const std::string viewer = fixture.member("cleo", "lab_one", "viewer");
  const std::string id = make_cluster(fixture, owner);
  const auto answer_to = [&](const std::string& fields, const std::string& of) {
    peer by(fixture.port());
    return enter(by, of, fields);
  };
  CHECK(answer_to("", id).status == 401);
  CHECK(answer_to(bearer("nonsense"), id).status == 401);
  CHECK(answer_to(bearer(stranger), id).status == 404);
  CHECK(answer_to(bearer(owner), "12345678-1234-1234-1234-123456789abc").status == 404);
  CHECK(answer_to(bearer(owner), "no-uuid").status == 422);
  CHECK(answer_to(bearer(viewer), id).status == 404);
  CHECK(answer_to(bearer(owner) + "Sec-WebSocket-Protocol: chat\r\n", id).status == 400);
  CHECK(json::parse(answer_to(bearer(stranger), id).body).at("code").as_string() == "not_found");
  CHECK(fixture.ask("GET", "/v1/clusters/" + id + "/socket", {}, owner).status == 426);
  CHECK(fixture.ask("GET", "/v1/clusters/" + id + "/socket", {}, stranger).status == 404);

  // As a browser says who it is.
  heard_response named =
      answer_to("Sec-WebSocket-Protocol: hanami.v1, bearer." + owner + "\r\n", id);
  CHECK(named.status == 101);
  CHECK(named.headers["sec-websocket-protocol"] == "hanami.v1");
  named = answer_to(
      "Sec-WebSocket-Protocol: bearer." + owner + "\r\nSec-WebSocket-Protocol: hanami.v1\r\n", id);
  CHECK(named.status == 101);
  CHECK(answer_to("Sec-WebSocket-Protocol: hanami.v1, bearer.wrong\r\n", id).status == 401);
  CHECK(answer_to(bearer(owner), id).headers.count("sec-websocket-protocol") == 0);

  REQUIRE(fixture.ask("PATCH", "/v1/clusters/" + id, R"({"visibility":"project"})", owner).status ==
          200);
  peer by(fixture.port());
  open(by, id, viewer);
  by.say(question(1, 2, "1"));
  CHECK(hear_json(by).as_object().contains("outputs"));
  by.say(lesson(1, 2, "2"));
  CHECK(status_of(hear_json(by)) == 403);
  by.say(question(1, 2, "3"));
  CHECK(hear_json(by).at("id").as_int64() == 3);
}
