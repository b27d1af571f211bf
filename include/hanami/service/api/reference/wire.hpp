// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// The three messages of the reference's WebSockets, in protobuf's wire format (proto3): small
/// enough to be read and written by hand, without protobuf's compiler. Unknown fields are skipped,
/// as protobuf requires.

namespace hanami::service::api {

enum class process_kind : std::uint8_t { request = 0, train = 1 };
enum class buffer_kind : std::uint8_t { input = 0, output = 1, expected = 2 };

/// ClusterIO_Message.
struct cluster_message {
  std::string buffer;          ///< 1
  bool last = false;           ///< 2
  process_kind process{};      ///< 3
  buffer_kind target{};        ///< 4
  std::uint64_t announced = 0; ///< 5
  std::vector<float> values;   ///< 6
};

/// FileUpload_Message; `data` is a view into the parsed bytes.
struct upload_message {
  std::uint64_t position = 0; ///< 1
  std::string_view data;      ///< 2
};

/// Nothing for bytes that are not such a message.
std::optional<cluster_message> parse_cluster_message(std::string_view bytes);
std::optional<upload_message> parse_upload_message(std::string_view bytes);

std::string write_cluster_message(std::string_view buffer, bool last, process_kind process,
                                  buffer_kind target, std::span<const float> values);
/// FileUploadResponse_Message.
std::string write_upload_response(bool success, std::string_view message);

} // namespace hanami::service::api
