// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "wire.hpp"

#include "../../base/compile.hpp"

namespace hanami::service::api {

namespace detail {

/// Reads fields one after the other (protobuf.dev, "Encoding").
class wire_reader {
 public:
  explicit wire_reader(std::string_view bytes) : bytes_(bytes) {}

  bool good() const noexcept { return good_; }
  bool at_end() const noexcept { return bytes_.empty() || !good_; }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      if (bytes_.empty()) {
        break;
      }
      const auto byte = static_cast<unsigned char>(bytes_.front());
      bytes_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << shift;
      if (byte < 0x80) {
        return value;
      }
    }
    good_ = false;
    return 0;
  }

  std::string_view bytes(std::uint64_t size) {
    if (size > bytes_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view found = bytes_.substr(0, static_cast<std::size_t>(size));
    bytes_.remove_prefix(found.size());
    return found;
  }
  std::string_view block() { return bytes(varint()); }

  void skip(std::uint64_t type) {
    switch (type) {
    case 0:
      varint();
      return;
    case 1:
      bytes(8);
      return;
    case 2:
      block();
      return;
    case 5:
      bytes(4);
      return;
    default:
      good_ = false;
    }
  }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

inline void append_floats(std::vector<float>& to, std::string_view little_endian) {
  const std::size_t before = to.size();
  to.resize(before + little_endian.size() / 4);
  static_assert(std::endian::native == std::endian::little);
  if (!little_endian.empty()) {
    std::memcpy(to.data() + before, little_endian.data(), little_endian.size());
  }
}

inline void put_varint(std::string& to, std::uint64_t value) {
  while (value >= 0x80) {
    to += static_cast<char>((value & 0x7fU) | 0x80U);
    value >>= 7;
  }
  to += static_cast<char>(value);
}

inline void put_number(std::string& to, unsigned field, std::uint64_t value) {
  if (value != 0) { // proto3 leaves out what is zero
    put_varint(to, field << 3U);
    put_varint(to, value);
  }
}

inline void put_block(std::string& to, unsigned field, std::string_view bytes) {
  if (!bytes.empty()) {
    put_varint(to, (field << 3U) | 2U);
    put_varint(to, bytes.size());
    to += bytes;
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE std::optional<cluster_message> parse_cluster_message(std::string_view bytes) {
  cluster_message message;
  detail::wire_reader reader(bytes);
  while (!reader.at_end()) {
    const std::uint64_t tag = reader.varint();
    if (tag == ((1U << 3U) | 2U)) {
      message.buffer = std::string(reader.block());
    } else if (tag == (2U << 3U)) {
      message.last = reader.varint() != 0;
    } else if (tag == (3U << 3U)) {
      const std::uint64_t value = reader.varint();
      if (value > 1) {
        return {};
      }
      message.process = static_cast<process_kind>(value);
    } else if (tag == (4U << 3U)) {
      const std::uint64_t value = reader.varint();
      if (value > 2) {
        return {};
      }
      message.target = static_cast<buffer_kind>(value);
    } else if (tag == (5U << 3U)) {
      message.announced = reader.varint();
    } else if (tag == ((6U << 3U) | 2U)) {
      const std::string_view packed = reader.block();
      if (packed.size() % 4 != 0) {
        return {};
      }
      detail::append_floats(message.values, packed);
    } else if (tag == ((6U << 3U) | 5U)) {
      detail::append_floats(message.values, reader.bytes(4));
    } else {
      reader.skip(tag & 7U);
    }
  }
  return reader.good() ? std::optional(std::move(message)) : std::nullopt;
}

HANAMI_SERVICE_INLINE std::optional<upload_message> parse_upload_message(std::string_view bytes) {
  upload_message message;
  detail::wire_reader reader(bytes);
  while (!reader.at_end()) {
    const std::uint64_t tag = reader.varint();
    if (tag == (1U << 3U)) {
      message.position = reader.varint();
    } else if (tag == ((2U << 3U) | 2U)) {
      message.data = reader.block();
    } else {
      reader.skip(tag & 7U);
    }
  }
  return reader.good() ? std::optional(message) : std::nullopt;
}

HANAMI_SERVICE_INLINE std::string write_cluster_message(std::string_view buffer, bool last,
                                                        process_kind process, buffer_kind target,
                                                        std::span<const float> values) {
  std::string message;
  message.reserve(buffer.size() + values.size() * 4 + 32);
  detail::put_block(message, 1, buffer);
  detail::put_number(message, 2, last ? 1 : 0);
  detail::put_number(message, 3, static_cast<std::uint64_t>(process));
  detail::put_number(message, 4, static_cast<std::uint64_t>(target));
  detail::put_number(message, 5, values.size());
  detail::put_block(message, 6,
                    {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  return message;
}

HANAMI_SERVICE_INLINE std::string write_upload_response(bool success, std::string_view message) {
  std::string written;
  detail::put_number(written, 1, success ? 1 : 0);
  detail::put_block(written, 2, message);
  return written;
}

} // namespace hanami::service::api
