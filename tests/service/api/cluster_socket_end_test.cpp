// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <hanami/service/api/v1/cluster_frames.hpp>

#include "service/support/cluster_socket_peer.hpp"
#include "service/support/server_fixture.hpp"

using namespace server_test;
using hanami::service::api::append_block;
using hanami::service::api::begin_frame;
using hanami::service::api::block_kind;
using hanami::service::api::frame_op;

TEST_CASE("what is no request closes the socket with a reason, after all before it is answered",
          "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token);
  std::string long_block = begin_frame(frame_op::infer, 1, 1);
  append_block(long_block, block_kind::input, 0, std::vector<float>{1, 2});
  long_block.resize(long_block.size() - 1);
  const std::vector<std::pair<std::string, unsigned>> wrong = {
      {peer::frame(1, "not JSON"), 1002},
      {peer::frame(1, "[1,2]"), 1002},
      {peer::frame(1, "\xff\xfe"), 1007},
      {peer::frame(2, "short"), 1002},
      {peer::frame(2, std::string(8, '\x07')), 1003},
      {peer::frame(2, long_block), 1002},
      {peer::frame(2, frame_of(frame_op::infer, 1, {1, 2}) + "more"), 1002},
      {peer::frame(2, begin_frame(frame_op::infer, 65535, 1)), 1002}};
  for (const auto& [bytes, code] : wrong) {
    peer by(fixture.port());
    open(by, id, token);
    by.send(peer::frame(1, question(1, 2, "1")) + peer::frame(1, lesson(1, 2, "2")));
    if (code == 1007) { // the transport refuses it at once
      hear_json(by);
      hear_json(by);
      by.send(bytes);
    } else {
      by.send(bytes + peer::frame(1, lesson(1, 2, "3"))); // the last one is not taken
      CHECK(hear_json(by).at("id").as_int64() == 1);
      CHECK(hear_json(by).at("id").as_int64() == 2);
    }
    const heard_frame end = by.hear();
    CHECK(end.opcode == 8);
    CHECK(end.close_code() == code);
    CHECK((code == 1007 || end.data.size() > 10));
  }
  const heard now = fixture.ask("GET", "/v1/clusters/" + id + "/statistics", {}, token);
  CHECK(static_cast<std::size_t>(
            now.content().at("statistics").at("samples").to_number<std::int64_t>()) ==
        wrong.size());
  peer by(fixture.port());
  open(by, id, token);
  by.send(std::string("\x82\xff\x00\x00\x00\x00\x10\x00\x00\x00\x01\x02\x03\x04", 14)); // 256 MiB
  CHECK(by.hear().close_code() == 1009);
}

TEST_CASE("a socket ends with the right to be there", "[service]") {
  const server_fixture fixture;
  const std::string admin = fixture.admin();
  const std::string token = fixture.member("anna", "lab_one");
  const std::string id = make_cluster(fixture, token);
  const auto begin = [&](peer& by, const std::string& with) {
    open(by, id, with);
    by.say(question(1, 2, "1"));
    REQUIRE(hear_json(by).as_object().contains("outputs"));
  };
  const auto end_of = [](peer& by) {
    const heard_frame end = by.hear();
    CHECK(end.opcode == 8);
    CHECK(end.data.size() > 10);
    return end.close_code();
  };
  SECTION("the token is revoked while the socket is silent") {
    peer by(fixture.port());
    begin(by, token);
    REQUIRE(fixture.ask("DELETE", "/v1/sessions/current", {}, token).status == 204);
    CHECK(end_of(by) == 1008);
  }
  SECTION("the user is deleted: the next message is not answered") {
    peer by(fixture.port());
    begin(by, token);
    REQUIRE(fixture.ask("DELETE", "/v1/users/anna", {}, admin).status == 204);
    by.say(question(1, 2, "2"));
    CHECK(end_of(by) == 1008);
  }
  SECTION("the cluster is deleted") {
    peer silent(fixture.port());
    peer speaking(fixture.port());
    begin(silent, token);
    begin(speaking, token);
    REQUIRE(fixture.ask("DELETE", "/v1/clusters/" + id, {}, token).status == 204);
    speaking.say(question(1, 2, "2"));
    CHECK(end_of(speaking) == 1001);
    CHECK(end_of(silent) == 1001);
  }
  SECTION("the cluster is not shown to the user any more") {
    REQUIRE(
        fixture.ask("PATCH", "/v1/clusters/" + id, R"({"visibility":"public"})", token).status ==
        200);
    peer by(fixture.port());
    begin(by, fixture.member("bert", "lab_two"));
    REQUIRE(
        fixture.ask("PATCH", "/v1/clusters/" + id, R"({"visibility":"private"})", token).status ==
        200);
    CHECK(end_of(by) == 1001);
  }
  SECTION("the user becomes a viewer, who may ask but not train") {
    peer by(fixture.port());
    REQUIRE(
        fixture.ask("PATCH", "/v1/clusters/" + id, R"({"visibility":"project"})", token).status ==
        200);
    begin(by, token);
    REQUIRE(fixture.ask("PUT", "/v1/projects/lab_one/members/anna", R"({"role":"viewer"})", admin)
                .status == 200);
    by.say(lesson(1, 2, "2"));
    CHECK(status_of(hear_json(by)) == 403);
    by.say(question(1, 2, "3"));
    CHECK(hear_json(by).as_object().contains("outputs"));
  }
}

TEST_CASE("a socket ends when its token expires", "[service]") {
  server_fixture fixture;
  const std::string id = make_cluster(fixture, fixture.admin());
  fixture.close();
  server_config config = fixture.config();
  config.auth.token_lifetime = std::chrono::seconds(1);
  const server brief(config);
  client knocking(brief.port());
  const std::string login = R"({"user_id":"admin","password":"the first password"})";
  const heard_response in =
      knocking.ask("POST /v1/sessions HTTP/1.1\r\nHost: here\r\nContent-Length: " +
                   std::to_string(login.size()) + "\r\n\r\n" + login);
  REQUIRE(in.status == 201);
  const json::value tokens = json::parse(in.body);
  peer by(brief.port());
  open(by, id, std::string(tokens.at("access_token").as_string()));
  CHECK(by.hear().close_code() == 1008);
}

TEST_CASE("the end of the server ends its sockets", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token);
  peer by(fixture.port());
  open(by, id, token);
  std::string all;
  for (int i = 0; i < 200; ++i) {
    all += peer::frame(1, lesson(1, i, std::to_string(i)));
  }
  by.send(all);
  std::thread closer([&] { fixture.close(); });
  heard_frame last = by.hear();
  while (last.opcode == 1) {
    last = by.hear();
  }
  CHECK((last.opcode == 8 || last.opcode == 0));
  if (last.opcode == 8) {
    CHECK(last.close_code() == 1001);
    by.send(peer::frame(8, last.data));
  }
  closer.join();
}
