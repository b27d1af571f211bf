// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <hanami/service/api/reference/wire.hpp>
#include <hanami/service/api/v1/cluster_frames.hpp>

#include "service/support/server_fixture.hpp"

using namespace server_test;
using hanami::service::api::append_block;
using hanami::service::api::begin_frame;
using hanami::service::api::block_kind;
using hanami::service::api::frame_op;

namespace {

using peer = socket_client_over<client>;

std::string template_of(unsigned outputs) {
  return "version: 1\\nhexagons:\\n  1..3,1,1\\ninputs:\\n  x:\\n    target: 1,1,1\\n    "
         "number_of_inputs: 2\\noutputs:\\n  y:\\n    target: 3,1,1\\n    number_of_outputs: " +
         std::to_string(outputs) + "\\n    kind: linear\\n";
}

std::string make_cluster(const server_fixture& fixture, const std::string& token,
                         unsigned outputs = 1) {
  const heard made =
      fixture.ask("POST", "/v1/clusters",
                  R"({"name":"a cluster","template":")" + template_of(outputs) + "\"}", token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.text("id");
}

/// Asks for the socket of a cluster, with more fields of the head.
heard_response enter(peer& by, const std::string& cluster_id, const std::string& fields) {
  by.send("GET /v1/clusters/" + cluster_id +
          "/socket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
          fields + "\r\n");
  heard_response answer = by.read_head();
  if (answer.status != 101 && answer.headers.count("content-length") == 1) {
    answer.body = by.take(std::stoul(answer.headers["content-length"]));
  }
  return answer;
}
std::string bearer(const std::string& token) { return "Authorization: Bearer " + token + "\r\n"; }
void open(peer& by, const std::string& cluster_id, const std::string& token) {
  REQUIRE(enter(by, cluster_id, bearer(token)).status == 101);
}

std::string lesson(int a, int b, const std::string& id) {
  return R"({"id":)" + id + R"(,"train":{"inputs":{"x":[)" + std::to_string(a) + ',' +
         std::to_string(b) + R"(]},"targets":{"y":[)" + std::to_string(a + b) + "]}}}";
}
std::string question(int a, int b, const std::string& id) {
  return R"({"id":)" + id + R"(,"infer":{"inputs":{"x":[)" + std::to_string(a) + ',' +
         std::to_string(b) + "]}}}";
}

std::string frame_of(frame_op op, std::uint32_t id, const std::vector<float>& x,
                     const std::vector<float>& y = {}) {
  std::string frame = begin_frame(op, op == frame_op::train ? 2 : 1, id);
  append_block(frame, block_kind::input, 0, x);
  if (op == frame_op::train) {
    append_block(frame, block_kind::output, 0, y);
  }
  return frame;
}
float value_at(const std::string& frame, std::size_t number) {
  return hanami::service::api::detail::number_at<float>(frame, 16 + 4 * number);
}
std::uint32_t id_of(const std::string& frame) {
  return hanami::service::api::detail::number_at<std::uint32_t>(frame, 4);
}
unsigned op_of(const std::string& frame) { return static_cast<unsigned char>(frame.at(0)); }

json::value hear_json(peer& from) {
  const heard_frame frame = from.hear();
  INFO(frame.opcode << ' ' << frame.data);
  REQUIRE(frame.opcode == 1);
  return json::parse(frame.data);
}
unsigned status_of(const json::value& answer) {
  return static_cast<unsigned>(answer.at("error").at("status").to_number<unsigned>());
}

} // namespace

TEST_CASE("a cluster's socket answers many requests in their order, as REST does", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token);
  peer by(fixture.port());
  open(by, id, token);
  std::string all;
  for (int i = 0; i < 600; ++i) {
    const std::string number = std::to_string(i);
    const int a = i % 7;
    all += peer::frame(1, i % 3 == 0    ? question(a, 1, number)
                          : i % 50 == 7 ? R"({"id":)" + number + R"(,"infer":{"inputs":{}}})"
                                        : lesson(a, 1, number));
  }
  std::thread sender([&] { by.send(all); });
  for (int i = 0; i < 600; ++i) {
    const json::value answer = hear_json(by);
    REQUIRE(answer.at("id").as_int64() == i);
    const char* wanted = i % 3 == 0 ? "outputs" : i % 50 == 7 ? "error" : "learned";
    REQUIRE(answer.as_object().contains(wanted));
  }
  sender.join();
  by.say(question(3, 1, R"({"any":["thing"]})"));
  const json::value last = hear_json(by);
  CHECK(last.at("id") == json::parse(R"({"any":["thing"]})"));
  CHECK(last.at("outputs").at("y").at(0).to_number<double>() == Approx(4).margin(0.5));
  const heard same =
      fixture.ask("POST", "/v1/clusters/" + id + "/infer", R"({"inputs":{"x":[3,1]}})", token);
  CHECK(same.content().at("outputs") == last.at("outputs"));
}

TEST_CASE("a wrong request is answered with its fault, and the socket goes on", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token);
  peer by(fixture.port());
  open(by, id, token);
  for (const char* wrong :
       {"{}", R"({"id":1})", R"({"infer":{"inputs":{"x":[1,2]}},"train":{}})",
        R"({"infer":{"inputs":{"x":[1]}}})", R"({"infer":{"inputs":{"x":[1,"2"]}}})",
        R"({"infer":{"inputs":{"x":[1,2],"z":[1]}}})", R"({"infer":{"inputs":[1,2]}})",
        R"({"train":{"inputs":{"x":[1,2]}}})", R"({"infer":{"inputs":{"x":[1,1e99]}}})",
        R"({"infer":{"inputs":{"x":[1,2]}},"more":1})"}) {
    by.say(wrong);
    const json::value answer = hear_json(by);
    INFO(wrong << " -> " << answer);
    CHECK(status_of(answer) == 422);
    CHECK_FALSE(answer.at("error").at("detail").as_string().empty());
  }
  by.say(R"({"infer":{"inputs":{"x":[1]}}})");
  CHECK(hear_json(by).at("error").at("errors").at(0).at("pointer").as_string() ==
        "/infer/inputs/x");
  by.say(R"({"id":")" + std::string(300, 'x') + R"(","infer":{"inputs":{"x":[1,2]}}})");
  CHECK(status_of(hear_json(by)) == 422);
  by.say(R"({"infer":{"inputs":{"x":[1,null]}}})");
  const json::value answer = hear_json(by);
  CHECK(answer.as_object().contains("outputs"));
  CHECK_FALSE(answer.as_object().contains("id"));
}

TEST_CASE("binary frames say the same as text, and both go over one socket", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token);
  peer by(fixture.port());
  open(by, id, token);
  for (std::uint32_t i = 0; i < 40; ++i) {
    const float a = static_cast<float>(i % 5);
    by.send(peer::frame(2, frame_of(frame_op::train, i, {a, 2}, {a + 2})));
    const std::string learned = by.hear().data;
    REQUIRE(learned.size() == 28);
    REQUIRE(op_of(learned) == 0x82);
    REQUIRE(id_of(learned) == i);
    REQUIRE(value_at(learned, 0) >= 0);
    REQUIRE((value_at(learned, 2) == 0 || value_at(learned, 2) == 1));
  }
  by.send(peer::frame(2, frame_of(frame_op::infer, 0xfffffffe, {1, 2})));
  const heard_frame outputs = by.hear();
  CHECK(outputs.opcode == 2);
  REQUIRE(outputs.data.size() == 20);
  CHECK(op_of(outputs.data) == 0x81);
  CHECK(id_of(outputs.data) == 0xfffffffe);
  by.say(question(1, 2, "7"));
  CHECK(static_cast<float>(hear_json(by).at("outputs").at("y").at(0).to_number<double>()) ==
        value_at(outputs.data, 0));

  std::string twice = begin_frame(frame_op::infer, 2, 9);
  std::string unknown = begin_frame(frame_op::infer, 1, 9);
  const std::vector<float> x = {1, 2};
  append_block(twice, block_kind::input, 0, x);
  append_block(twice, block_kind::input, 0, x);
  append_block(unknown, block_kind::input, 1, x);
  std::string with_target = begin_frame(frame_op::infer, 2, 9);
  append_block(with_target, block_kind::input, 0, x);
  append_block(with_target, block_kind::output, 0, std::vector<float>{3});
  const float infinite = std::numeric_limits<float>::infinity();
  for (const std::string& wrong :
       {twice, unknown, with_target, begin_frame(frame_op::infer, 0, 9),
        frame_of(frame_op::infer, 9, {1}), frame_of(frame_op::infer, 9, {1, infinite}),
        frame_of(frame_op::train, 9, {1, 2}, {})}) {
    by.send(peer::frame(2, wrong));
    const std::string refused = by.hear().data;
    REQUIRE(refused.size() > 8);
    CHECK(op_of(refused) == 0xff);
    CHECK(id_of(refused) == 9);
    CHECK(hanami::service::api::detail::number_at<std::uint16_t>(refused, 2) == 422);
    CHECK(json::parse(refused.substr(8)).at("status").as_int64() == 422);
  }
}

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

TEST_CASE("who does not take the answers is not read any further", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token, 1000);
  peer by(fixture.port(), 8192);
  open(by, id, token);
  constexpr std::uint32_t count = 25'000; // their answers are more than a socket may keep unsent
  std::thread sender([&] {
    std::string some;
    for (std::uint32_t i = 0; i < count; ++i) {
      some += peer::frame(2, frame_of(frame_op::infer, i, {1, 2}));
      if (some.size() > 16384 || i + 1 == count) {
        by.send(some);
        some.clear();
      }
    }
  });
  const auto answered = [&] {
    const std::string page = fixture.ask("GET", "/metrics").body;
    const std::string name = "\nhanami_answered_total ";
    return std::stod(page.substr(page.find(name) + name.size()));
  };
  double before = -1;
  for (double now = answered(); now != before || now == 0; now = answered()) {
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  CHECK(before < count);
  std::uint32_t heard = 0;
  for (; heard < count; ++heard) {
    const heard_frame frame = by.hear();
    if (frame.opcode != 2 || id_of(frame.data) != heard || frame.data.size() != 4016) {
      break;
    }
  }
  sender.join();
  CHECK(heard == count);
}

TEST_CASE("what a socket has acknowledged is on disk", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token);
  peer by(fixture.port());
  open(by, id, token);
  for (int i = 0; i < 30; ++i) {
    by.say(lesson(i % 4, 2, std::to_string(i)));
    REQUIRE(hear_json(by).as_object().contains("learned"));
  }
  by.say(question(3, 2, "0"));
  const json::value before = hear_json(by).at("outputs");
  // What a kill at this moment would leave behind.
  const scratch_folder killed;
  server_config config = fixture.config();
  std::filesystem::copy(config.data, killed.path / "data",
                        std::filesystem::copy_options::recursive);
  config.data = killed.path / "data";
  const server again(config);
  peer later(again.port());
  open(later, id, token);
  later.say(question(3, 2, "0"));
  CHECK(hear_json(later).at("outputs") == before);
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

TEST_CASE("the socket is in the description of the API", "[service]") {
  const server_fixture fixture;
  const json::value api = fixture.ask("GET", "/v1/openapi.json").content();
  const json::value& found = api.at("paths").at("/v1/clusters/{cluster_id}/socket").at("get");
  CHECK(found.at("responses").as_object().contains("101"));
  CHECK(found.at("description").as_string().find("float32") != json::string::npos);
  CHECK(found.at("description").as_string().find("\"infer\"") != json::string::npos);
}

TEST_CASE("the reference's sockets end with their token, too", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.member("anna", "lab_one");
  const std::string id = make_cluster(fixture, token);
  peer by(fixture.port());
  REQUIRE(by.open("/").status == 101);
  by.say(R"({"token":")" + token + R"(","target":"cluster","uuid":")" + id + "\"}");
  REQUIRE(json::parse(by.hear().data).at("success").as_bool());
  REQUIRE(fixture.ask("DELETE", "/v1/sessions/current", {}, token).status == 204);
  CHECK(by.hear().close_code() == 1008);
}

TEST_CASE("the reference's sockets end with the right to train the cluster", "[service]") {
  const server_fixture fixture;
  const std::string owner = fixture.member("anna", "lab_one");
  const std::string id = make_cluster(fixture, owner);
  const std::string admin = fixture.admin();
  const auto make_leader = [&](bool leads) {
    return fixture
        .ask("PUT", "/v1/projects/lab_one/members/cleo",
             std::string(R"({"role":"member","is_project_admin":)") + (leads ? "true}" : "false}"),
             admin)
        .status;
  };
  fixture.member("cleo", "lab_one");
  REQUIRE(make_leader(true) == 200);
  const std::string leader = fixture.log_in("cleo", "some password");
  peer by(fixture.port());
  REQUIRE(by.open("/").status == 101);
  by.say(R"({"token":")" + leader + R"(","target":"cluster","uuid":")" + id + "\"}");
  REQUIRE(json::parse(by.hear().data).at("success").as_bool());
  SECTION("which a role gave") {
    REQUIRE(make_leader(false) == 200);
    REQUIRE(fixture.ask("GET", "/v1/clusters/" + id, {}, leader).status != 200);
  }
  SECTION("and with the cluster") {
    REQUIRE(fixture.ask("DELETE", "/v1/clusters/" + id, {}, owner).status == 204);
  }
  CHECK(by.hear().close_code() == 1008);
}

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

TEST_CASE("a reference's socket ends when its cluster has other outputs", "[service]") {
  using namespace hanami::service::api;
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string small = make_cluster(fixture, token, 1);
  REQUIRE(fixture.ask("PATCH", "/v1/clusters/" + small, R"({"name":"small"})", token).status ==
          200);
  const std::string id = make_cluster(fixture, token, 3);
  const auto run = [&](const std::string& on, const std::string& plan) {
    const heard task = fixture.ask("POST", "/v1/clusters/" + on + "/tasks", plan, token);
    REQUIRE(task.status == 202);
    REQUIRE(comes_true([&] {
      return fixture.ask("GET", "/v1/tasks/" + task.text("id"), {}, token).text("state") ==
             "finished";
    }));
    return task.text("id");
  };
  const std::string saved = run(small, R"({"kind":"save","name":"small"})");
  peer by(fixture.port());
  REQUIRE(by.open("/").status == 101);
  by.say(R"({"token":")" + token + R"(","target":"cluster","uuid":")" + id + "\"}");
  REQUIRE(json::parse(by.hear().data).at("success").as_bool());
  const std::vector<float> x = {1, 2};
  const auto ask = [&] {
    by.send(peer::frame(
        2, write_cluster_message("x", true, process_kind::request, buffer_kind::input, x)));
    return by.hear();
  };
  CHECK(parse_cluster_message(ask().data)->values.size() == 3);
  run(id, R"({"kind":"restore","name":"back","checkpoint_id":")" + saved + "\"}");
  const heard_frame end = ask();
  CHECK(end.close_code() == 1008);
  CHECK(end.data.find("replaced by a checkpoint") != std::string::npos);
}
