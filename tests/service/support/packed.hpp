// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include <zlib.h>

#include <hanami/io/gzip.hpp>

/// Texts packed by gzip, and back.

inline std::string packed(std::string_view text, int level = 9) {
  z_stream stream{};
  if (deflateInit2(&stream, level, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib cannot start");
  }
  std::string made(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(made.data());
  stream.avail_out = static_cast<uInt>(made.size());
  const int result = deflate(&stream, Z_FINISH);
  made.resize(made.size() - stream.avail_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) {
    throw std::runtime_error("zlib cannot pack");
  }
  return made;
}

inline std::string unpacked(std::string_view packed) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(packed.data());
  const auto bytes = hanami::gunzip(std::span(first, packed.size()), std::size_t{1} << 30);
  return {bytes.begin(), bytes.end()};
}
