// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../../foundation/error.hpp"
#include "../../foundation/memory.hpp"

/// An idx file in memory: a header that says of what type the numbers are and how many there are in
/// each dimension, then the numbers, in the order of the header.
///
///     00 00 | type | dimensions | size of each dimension, 4 bytes | numbers
///
/// Big-endian by the format. Some writers leave the magic number, or the sizes behind it, as their
/// processor has them: whatever order the sizes of the file agree with is read.

namespace hanami::inline HANAMI_ISA::detail {

[[noreturn]] inline void fail_idx(std::string_view name, std::size_t offset,
                                  const std::string& what) {
  raise(errc::invalid_data, std::string(name) + ": byte " + std::to_string(offset) + ": " + what);
}

enum class idx_type : std::uint8_t {
  bytes = 0x08,
  signed_bytes = 0x09,
  shorts = 0x0b,
  ints = 0x0c,
  floats = 0x0d,
  doubles = 0x0e
};

/// Bytes of a number; 0 for a type that idx does not have.
constexpr std::size_t idx_width(std::uint8_t type) noexcept {
  switch (static_cast<idx_type>(type)) {
  case idx_type::bytes:
  case idx_type::signed_bytes:
    return 1;
  case idx_type::shorts:
    return 2;
  case idx_type::ints:
  case idx_type::floats:
    return 4;
  case idx_type::doubles:
    return 8;
  }
  return 0;
}

/// Up to 8 bytes as a number.
inline std::uint64_t idx_bits(std::span<const std::uint8_t> bytes, bool little) noexcept {
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bits = bits << 8 | bytes[little ? bytes.size() - 1 - i : i];
  }
  return bits;
}

/// What has been read of an idx file; refers to its bytes.
struct idx_array {
  idx_type type = idx_type::bytes;
  std::array<std::uint64_t, 4> sizes{}; ///< of the first `dimensions`
  std::size_t dimensions = 0;
  bool little = false;    ///< the lowest byte of a number comes first
  std::size_t begin = 0;  ///< of the numbers, in bytes
  std::uint64_t item = 1; ///< numbers of one item: all sizes but the first
  std::span<const std::uint8_t> bytes;

  std::size_t width() const noexcept { return idx_width(static_cast<std::uint8_t>(type)); }
  std::uint64_t count() const noexcept { return sizes[0]; }
  std::size_t offset(std::size_t number) const noexcept { return begin + number * width(); }

  /// Number `index` of all.
  double operator[](std::size_t index) const noexcept {
    const std::uint64_t bits = idx_bits(bytes.subspan(offset(index), width()), little);
    switch (type) {
    case idx_type::bytes:
      break;
    case idx_type::signed_bytes:
      return static_cast<std::int8_t>(static_cast<std::uint8_t>(bits));
    case idx_type::shorts:
      return static_cast<std::int16_t>(static_cast<std::uint16_t>(bits));
    case idx_type::ints:
      return static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
    case idx_type::floats:
      return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    case idx_type::doubles:
      return std::bit_cast<double>(bits);
    }
    return static_cast<double>(bits);
  }

  /// `20 x 4 x 4`
  std::string shape() const {
    std::string text;
    for (std::size_t d = 0; d < dimensions; ++d) {
      text += (d == 0 ? "" : " x ") + std::to_string(sizes[d]);
    }
    return text;
  }
};

/// Whether the sizes behind the magic number, read in this order, are those of the bytes that are
/// there: sets them. A line break at the end is none of the numbers.
inline bool fit_idx_sizes(idx_array& a, bool little) {
  constexpr std::uint64_t too_many = ~std::uint64_t{0};
  a.item = 1;
  for (std::size_t d = 0; d < a.dimensions; ++d) {
    a.sizes[d] = idx_bits(a.bytes.subspan(4 + 4 * d, 4), little);
    if (d > 0) {
      a.item = a.sizes[d] != 0 && a.item > too_many / a.sizes[d] ? too_many : a.item * a.sizes[d];
    }
  }
  const std::uint64_t room = a.bytes.size() - a.begin;
  if (a.count() != 0 && a.item > room / a.width() / a.count()) {
    return false;
  }
  const std::uint64_t needed = a.count() * a.item * a.width();
  const std::uint64_t more = room - needed;
  const auto last = a.bytes.last(to_size(more < 3 ? more : 0));
  return more == 0 || (more == 1 && last[0] == '\n') ||
         (more == 2 && last[0] == '\r' && last[1] == '\n');
}

/// What a file is that begins with these bytes and is no idx file; nullptr: nobody knows.
inline const char* known_by_first_bytes(std::span<const std::uint8_t> bytes) noexcept {
  struct known {
    std::string_view first;
    const char* what;
  };
  constexpr known all[] = {{"PK\3\4", "a zip archive (also .npz); unpack it first"},
                           {"BZh", "packed by bzip2; unpack it first"},
                           {"\xfd"
                            "7zXZ",
                            "packed by xz; unpack it first"},
                           {"\x28\xb5\x2f\xfd", "packed by zstd; unpack it first"},
                           {"\x93NUMPY", "an array of NumPy; write it as idx first"},
                           {"\x89PNG", "a picture"},
                           {"\x89HDF", "an HDF5 file; write it as idx first"}};
  for (const known& one : all) {
    if (bytes.size() >= one.first.size() &&
        std::memcmp(bytes.data(), one.first.data(), one.first.size()) == 0) {
      return one.what;
    }
  }
  return nullptr;
}

/// Reads the header of an idx file and holds all that it promises against the bytes that are there.
/// `wanted` says what was expected, where it is no idx file at all.
inline idx_array read_idx_array(std::string_view name, std::span<const std::uint8_t> bytes,
                                const char* wanted) {
  if (bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b) {
    fail_idx(name, 0,
             "the file is compressed; include hanami/io/gzip.hpp, link hanami::gzip and pass "
             "hanami::read_file_or_gzip as the reader, or unpack the file with gunzip");
  }
  if (bytes.size() < 4) {
    fail_idx(name, bytes.size(), "the file ends inside the 4 bytes of its magic number");
  }
  const bool turned = bytes[2] == 0 && bytes[3] == 0 && idx_width(bytes[1]) != 0;
  idx_array a;
  a.bytes = bytes;
  a.type = static_cast<idx_type>(turned ? bytes[1] : bytes[2]);
  a.dimensions = turned ? bytes[0] : bytes[3];
  if (!(turned || (bytes[0] == 0 && bytes[1] == 0)) || a.width() == 0 || a.dimensions == 0 ||
      a.dimensions > a.sizes.size()) {
    std::array<char, 40> magic{};
    std::snprintf(magic.data(), magic.size(), "magic number 0x%02x%02x%02x%02x",
                  static_cast<unsigned>(bytes[0]), static_cast<unsigned>(bytes[1]),
                  static_cast<unsigned>(bytes[2]), static_cast<unsigned>(bytes[3]));
    const char* known = known_by_first_bytes(bytes);
    fail_idx(name, 0,
             std::string(magic.data()) + ", expected " + wanted +
                 (known != nullptr ? std::string("; the file is ") + known : std::string()));
  }
  a.begin = 4 + 4 * a.dimensions;
  if (bytes.size() < a.begin) {
    fail_idx(name, bytes.size(),
             "the file ends inside its header of " + std::to_string(a.begin) + " bytes");
  }
  a.little = turned;
  if (fit_idx_sizes(a, turned)) {
    return a;
  }
  a.little = !turned;
  if (fit_idx_sizes(a, !turned)) {
    return a;
  }
  a.little = turned;
  fit_idx_sizes(a, turned); // what the format says, for the message
  fail_idx(name, a.begin,
           "the header promises " + std::to_string(a.count()) + " items of " +
               std::to_string(a.item) + (a.width() == 1 ? " bytes" : " numbers") +
               (a.width() == 1 ? std::string() : " of " + std::to_string(a.width()) + " bytes") +
               ", but " + std::to_string(bytes.size() - a.begin) + " bytes follow");
}

} // namespace hanami::detail
