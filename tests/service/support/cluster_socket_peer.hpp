// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <hanami/service/api/v1/cluster_frames.hpp>

#include "service/support/server_fixture.hpp"

/// Who talks to clusters over their sockets.

namespace server_test {

using peer = socket_client_over<client>;

inline std::string template_of(unsigned outputs) {
  return "version: 1\\nhexagons:\\n  1..3,1,1\\ninputs:\\n  x:\\n    target: 1,1,1\\n    "
         "number_of_inputs: 2\\noutputs:\\n  y:\\n    target: 3,1,1\\n    number_of_outputs: " +
         std::to_string(outputs) + "\\n    kind: linear\\n";
}

/// An input x of two values, an output y of `outputs`; the id.
inline std::string make_cluster(const server_fixture& fixture, const std::string& token,
                                unsigned outputs = 1) {
  const heard made =
      fixture.ask("POST", "/v1/clusters",
                  R"({"name":"a cluster","template":")" + template_of(outputs) + "\"}", token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.text("id");
}

/// Asks for the socket of a cluster, with more fields of the head.
inline heard_response enter(peer& by, const std::string& cluster_id, const std::string& fields) {
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
inline void open(peer& by, const std::string& cluster_id, const std::string& token) {
  REQUIRE(enter(by, cluster_id, bearer(token)).status == 101);
}

inline std::string lesson(int a, int b, const std::string& id) {
  return R"({"id":)" + id + R"(,"train":{"inputs":{"x":[)" + std::to_string(a) + ',' +
         std::to_string(b) + R"(]},"targets":{"y":[)" + std::to_string(a + b) + "]}}}";
}
inline std::string question(int a, int b, const std::string& id) {
  return R"({"id":)" + id + R"(,"infer":{"inputs":{"x":[)" + std::to_string(a) + ',' +
         std::to_string(b) + "]}}}";
}

inline std::string frame_of(hanami::service::api::frame_op op, std::uint32_t id,
                            const std::vector<float>& x, const std::vector<float>& y = {}) {
  std::string frame = hanami::service::api::begin_frame(
      op, op == hanami::service::api::frame_op::train ? 2 : 1, id);
  hanami::service::api::append_block(frame, hanami::service::api::block_kind::input, 0, x);
  if (op == hanami::service::api::frame_op::train) {
    hanami::service::api::append_block(frame, hanami::service::api::block_kind::output, 0, y);
  }
  return frame;
}

inline json::value hear_json(peer& from) {
  const heard_frame frame = from.hear();
  INFO(frame.opcode << ' ' << frame.data);
  REQUIRE(frame.opcode == 1);
  return json::parse(frame.data);
}
inline unsigned status_of(const json::value& answer) {
  return static_cast<unsigned>(answer.at("error").at("status").to_number<unsigned>());
}

} // namespace server_test
