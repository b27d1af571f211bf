// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/api/reference/wire.ipp>
#include <hanami/service/api/v1/cluster_frames.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

// Whatever the bytes, a message of a WebSocket is refused or read; what was read and is written
// again reads as the same. The first byte chooses the kind.

namespace {

using namespace hanami::service::api;

void expect(bool good) {
  if (!good) {
    std::abort();
  }
}

bool same_values(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

void try_cluster_message(std::string_view bytes) {
  const auto read = parse_cluster_message(bytes);
  if (!read) {
    return;
  }
  const auto again = parse_cluster_message(
      write_cluster_message(read->buffer, read->last, read->process, read->target, read->values));
  expect(again && again->buffer == read->buffer && again->last == read->last &&
         again->process == read->process && again->target == read->target &&
         same_values(again->values, read->values));
}

void try_upload_message(std::string_view bytes) {
  const auto read = parse_upload_message(bytes);
  if (read && !read->data.empty()) {
    expect(read->data.data() >= bytes.data() &&
           read->data.data() + read->data.size() <= bytes.data() + bytes.size());
  }
}

void try_frame(std::string_view bytes) {
  cluster_frame read;
  try {
    read = parse_cluster_frame(bytes);
  } catch (const protocol_breach&) {
    return;
  }
  std::string again = begin_frame(read.op, read.blocks.size(), read.id);
  for (const frame_block& block : read.blocks) {
    std::vector<float> values(block.count());
    if (!values.empty()) {
      std::memcpy(values.data(), block.values.data(), block.values.size());
    }
    append_block(again, block.kind, block.number, values);
  }
  expect(again == bytes);

  const std::vector<hanami::service::engine::buffer_shape> buffers = {{"x", 0, 2}, {"y", 2, 1}};
  try {
    expect(flat_blocks(read, block_kind::input, buffers, 3, "/inputs").size() == 3);
  } catch (const hanami::service::refusal& why) {
    expect(why.code() == hanami::service::refusal_code::invalid_value);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view rest(reinterpret_cast<const char*>(bytes + 1), size - 1);
  switch (bytes[0] % 3) {
  case 0:
    try_cluster_message(rest);
    break;
  case 1:
    try_upload_message(rest);
    break;
  default:
    try_frame(rest);
  }
  return 0;
}
