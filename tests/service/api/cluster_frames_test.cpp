// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

#include <hanami/service/api/v1/cluster_frames.hpp>

using namespace hanami::service::api;

namespace {

std::string some_frame() {
  std::string frame = begin_frame(frame_op::train, 3, 0x01020304);
  append_block(frame, block_kind::input, 1, std::vector<float>{1, -2.5F});
  append_block(frame, block_kind::output, 0, std::vector<float>{});
  append_block(frame, block_kind::input, 0, std::vector<float>{3});
  return frame;
}

} // namespace

TEST_CASE("a frame is laid out as it is documented", "[service]") {
  const std::string bytes = some_frame();
  const std::string wanted("\x02\x00\x03\x00\x04\x03\x02\x01"
                           "\x00\x00\x01\x00\x02\x00\x00\x00\x00\x00\x80\x3f\x00\x00\x20\xc0"
                           "\x01\x00\x00\x00\x00\x00\x00\x00"
                           "\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x40\x40",
                           44);
  CHECK(bytes == wanted);
  const cluster_frame frame = parse_cluster_frame(bytes);
  CHECK(frame.op == frame_op::train);
  CHECK(frame.id == 0x01020304);
  REQUIRE(frame.blocks.size() == 3);
  const std::vector<hanami::service::engine::buffer_shape> inputs = {{"a", 0, 1}, {"b", 1, 2}};
  CHECK(flat_blocks(frame, block_kind::input, inputs, 3, "/inputs") ==
        std::vector<float>{3, 1, -2.5F});
}

TEST_CASE("a frame that is cut anywhere is refused", "[service]") {
  const std::string bytes = some_frame();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CHECK_THROWS_AS(parse_cluster_frame(bytes.substr(0, size)), protocol_breach);
  }
}

TEST_CASE("damaged frames are read within their bounds or refused", "[service]") {
  std::mt19937 random(11);
  const std::vector<hanami::service::engine::buffer_shape> inputs = {{"a", 0, 1}, {"b", 1, 2}};
  unsigned refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = some_frame();
    for (unsigned k = 0; k < 1 + random() % 3; ++k) {
      bytes[random() % bytes.size()] = static_cast<char>(random() % 256);
    }
    try {
      const cluster_frame frame = parse_cluster_frame(bytes);
      std::size_t size = 8;
      for (const frame_block& block : frame.blocks) {
        REQUIRE(block.values.data() + block.values.size() <= bytes.data() + bytes.size());
        size += 8 + block.values.size();
      }
      REQUIRE(size == bytes.size());
      flat_blocks(frame, block_kind::input, inputs, 3, "/inputs");
    } catch (const protocol_breach& why) {
      REQUIRE((why.code() == 1002 || why.code() == 1003));
      ++refused;
    } catch (const hanami::service::refusal& why) {
      REQUIRE(why.code() == hanami::service::refusal_code::invalid_value);
      ++refused;
    }
  }
  CHECK(refused > 5'000);
}
