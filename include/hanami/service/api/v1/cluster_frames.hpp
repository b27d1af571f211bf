// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/refusal.hpp"
#include "../../engine/cluster_shape.hpp"
#include "samples.hpp"

/// The binary frames of a cluster's WebSocket: for speed, and for clients too small for JSON.
/// Little- endian throughout; all numbers are aligned to their size.
///
///     frame   op (1 byte), 0 (1), blocks (2), request id (4), then the blocks one by one
///     block   kind (1), 0 (1), number (2), count (4), then `count` values of float32
///
/// A block's number is that of the input or output, in the order in which the cluster's statistics
/// list them, from 0. NaN is a missing value. Requests: "infer" with each input once, "train" with
/// each input and each target once, in any order. Answers: "outputs" with each output, "learned"
/// with one block of kind `result` (loss, error, and 1 or 0 for whether it was learned), or
/// "refused", with the status in the place of `blocks` and the problem as JSON after the id.

namespace hanami::service::api {

enum class frame_op : std::uint8_t {
  infer = 1,
  train = 2,
  outputs = 0x81,
  learned = 0x82,
  refused = 0xff
};
enum class block_kind : std::uint8_t { input = 0, output = 1, result = 2 };

/// A breach that cannot be answered: the socket is closed with this code and reason.
class protocol_breach : public std::runtime_error {
 public:
  protocol_breach(std::uint16_t code, const std::string& reason)
      : std::runtime_error(reason), code_(code) {}
  std::uint16_t code() const noexcept { return code_; }

 private:
  std::uint16_t code_;
};

struct frame_block {
  block_kind kind = block_kind::input;
  std::uint16_t number = 0;
  std::string_view values; ///< as received: four bytes each, a view into the frame
  std::size_t count() const noexcept { return values.size() / 4; }
};

struct cluster_frame {
  frame_op op = frame_op::infer;
  std::uint32_t id = 0;
  std::vector<frame_block> blocks;
};

namespace detail {

static_assert(std::endian::native == std::endian::little, "frames are copied as they are");

inline constexpr std::size_t frame_head = 8; ///< bytes; that of a block has as many

template <class Number>
Number number_at(std::string_view bytes, std::size_t at) noexcept {
  Number value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class Number>
void put_little(std::string& to, Number value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  to.append(bytes, sizeof bytes);
}

inline frame_block take_block(std::string_view& rest) {
  if (rest.size() < frame_head) {
    throw protocol_breach(1002, "the frame ends within the head of a block");
  }
  frame_block block;
  const auto kind = static_cast<std::uint8_t>(rest[0]);
  const std::size_t size = std::size_t{number_at<std::uint32_t>(rest, 4)} * 4;
  if (kind > 1 || rest[1] != 0) {
    throw protocol_breach(1002, "a block's kind is 0 (input) or 1 (target), then comes a 0");
  }
  if (rest.size() - frame_head < size) {
    throw protocol_breach(1002, "the frame ends within the values of a block");
  }
  block.kind = static_cast<block_kind>(kind);
  block.number = number_at<std::uint16_t>(rest, 2);
  block.values = rest.substr(frame_head, size);
  rest.remove_prefix(frame_head + size);
  return block;
}

} // namespace detail

/// Reads a request; throws `protocol_breach`.
inline cluster_frame parse_cluster_frame(std::string_view bytes) {
  if (bytes.size() < detail::frame_head) {
    throw protocol_breach(1002, "a binary frame has at least 8 bytes");
  }
  cluster_frame frame;
  const auto op = static_cast<std::uint8_t>(bytes[0]);
  if ((op != 1 && op != 2) || bytes[1] != 0) {
    throw protocol_breach(1003, "a binary frame begins with 1 (infer) or 2 (train), then a 0");
  }
  frame.op = static_cast<frame_op>(op);
  const auto blocks = detail::number_at<std::uint16_t>(bytes, 2);
  frame.id = detail::number_at<std::uint32_t>(bytes, 4);
  std::string_view rest = bytes.substr(detail::frame_head);
  for (unsigned i = 0; i < blocks; ++i) {
    frame.blocks.push_back(detail::take_block(rest));
  }
  if (!rest.empty()) {
    throw protocol_breach(1002, "the frame has more bytes than its blocks");
  }
  return frame;
}

/// The blocks of a kind as one flat vector: each buffer of the cluster once. Throws `invalid_value`
/// with a pointer below `pointer`.
inline std::vector<float> flat_blocks(const cluster_frame& from, block_kind kind,
                                      const std::vector<engine::buffer_shape>& buffers,
                                      std::size_t size, const std::string& pointer) {
  std::vector<float> flat(size);
  std::vector<bool> seen(buffers.size());
  for (const frame_block& block : from.blocks) {
    if (block.kind != kind) {
      continue;
    }
    const std::string here = pointer + '/' + std::to_string(block.number);
    if (block.number >= buffers.size()) {
      throw invalid_value_at(here, "the cluster has " + std::to_string(buffers.size()) + ": " +
                                       detail::known_buffers(buffers));
    }
    if (seen[block.number]) {
      throw invalid_value_at(here, "is there twice");
    }
    seen[block.number] = true;
    const engine::buffer_shape& buffer = buffers[block.number];
    if (block.count() != buffer.size) {
      throw invalid_value_at(here, "must have " + std::to_string(buffer.size) + " values, not " +
                                       std::to_string(block.count()));
    }
    float* const to = flat.data() + buffer.first;
    std::memcpy(to, block.values.data(), block.values.size());
    for (std::size_t i = 0; i < buffer.size; ++i) {
      if (std::isinf(to[i])) {
        throw invalid_value_at(here + '/' + std::to_string(i),
                               "is not finite; what is missing is NaN");
      }
    }
  }
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    if (!seen[i]) {
      throw invalid_value_at(pointer + '/' + std::to_string(i),
                             "is required: " + std::to_string(buffers[i].size) + " values");
    }
  }
  return flat;
}

/// Throws `invalid_value`.
inline void expect_no_targets(const cluster_frame& in) {
  for (const frame_block& block : in.blocks) {
    if (block.kind != block_kind::input) {
      throw invalid_value_at("/targets", "only a training has targets");
    }
  }
}

/// The head of a frame, to which its blocks are appended. `blocks`: for "refused", the status.
inline std::string begin_frame(frame_op op, std::size_t blocks, std::uint32_t id) {
  std::string frame;
  frame += static_cast<char>(op);
  frame += '\0';
  detail::put_little(frame, static_cast<std::uint16_t>(blocks));
  detail::put_little(frame, id);
  return frame;
}

inline void append_block(std::string& to, block_kind kind, std::size_t number,
                         std::span<const float> values) {
  to += static_cast<char>(kind);
  to += '\0';
  detail::put_little(to, static_cast<std::uint16_t>(number));
  detail::put_little(to, static_cast<std::uint32_t>(values.size()));
  to.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
}

} // namespace hanami::service::api
