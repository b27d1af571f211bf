// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include <hanami/service/api/v1/cluster_frames.hpp>

#include "service/support/cluster_socket_peer.hpp"
#include "service/support/server_fixture.hpp"
#include "support/scratch_folder.hpp"

using namespace server_test;
using hanami::service::api::append_block;
using hanami::service::api::begin_frame;
using hanami::service::api::block_kind;
using hanami::service::api::frame_op;

namespace {

float value_at(const std::string& frame, std::size_t number) {
  return hanami::service::api::detail::number_at<float>(frame, 16 + 4 * number);
}
std::uint32_t id_of(const std::string& frame) {
  return hanami::service::api::detail::number_at<std::uint32_t>(frame, 4);
}
unsigned op_of(const std::string& frame) { return static_cast<unsigned char>(frame.at(0)); }

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

TEST_CASE("the socket is in the description of the API", "[service]") {
  const server_fixture fixture;
  const json::value api = fixture.ask("GET", "/v1/openapi.json").content();
  const json::value& found = api.at("paths").at("/v1/clusters/{cluster_id}/socket").at("get");
  CHECK(found.at("responses").as_object().contains("101"));
  CHECK(found.at("description").as_string().find("float32") != json::string::npos);
  CHECK(found.at("description").as_string().find("\"infer\"") != json::string::npos);
}

TEST_CASE("labels come later over a socket, too, and count as those by REST", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_cluster(fixture, token);
  peer by(fixture.port());
  open(by, id, token);
  const auto ask = [&](const std::string& text) {
    by.say(text);
    return hear_json(by);
  };
  const json::value answer = ask(R"({"id":1,"infer":{"inputs":{"x":[1,2]},"id":"monday"}})");
  CHECK(answer.at("id").as_int64() == 1);
  CHECK(answer.as_object().contains("outputs"));
  const std::string path = "/v1/clusters/" + id;
  const auto labels = [&] {
    return fixture.ask("GET", path + "/statistics", {}, token).content().at("labels");
  };
  CHECK(labels().at("waiting").as_int64() == 1);
  CHECK(ask(R"({"train":{"id":"monday","targets":{"y":[3]}}})").as_object().contains("learned"));
  CHECK(labels().at("waiting").as_int64() == 0);
  CHECK(status_of(ask(R"({"train":{"id":"monday","targets":{"y":[3]}}})")) == 404); // once
  CHECK(status_of(ask(R"({"train":{"targets":{"y":[3]}}})")) == 422);
  CHECK(status_of(ask(R"({"train":{"id":"a","inputs":{"x":[1,2]},"targets":{"y":[3]}}})")) == 422);
  CHECK(status_of(ask(R"({"infer":{"id":"","inputs":{"x":[1,2]}}})")) == 422);
  // Asked there, told here.
  REQUIRE(fixture.ask("POST", path + "/infer", R"({"inputs":{"x":[2,2]},"id":"tuesday"})", token)
              .status == 200);
  CHECK(ask(R"({"train":{"id":"tuesday","targets":{"y":[4]}}})").as_object().contains("learned"));
  CHECK(labels().at("prequential").at(0).at("labels").as_int64() == 2);
}
