// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "../foundation/bfloat16.hpp"
#include "../foundation/error.hpp"
#include "../foundation/growing_array.hpp"
#include "../foundation/memory.hpp"
#include "../foundation/random.hpp"

/// Little-endian archives for everything with a `serialize(Archive&)` member: `archive(a, b, c)`
/// writes or reads numbers, enumerations, strings and vectors of such, and objects with that
/// member. Both archives check with `require`, so that one function serves both directions.
/// Elements of vectors that have no default constructor are read by their constructor from
/// `archive_reader&`.

namespace hanami::inline HANAMI_ISA {

namespace detail {

template <class T>
concept plain_value = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::is_same_v<T, bfloat16>;

template <class T>
void swap_bytes(T& value) noexcept {
  unsigned char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  for (std::size_t i = 0; i < sizeof(T) / 2; ++i) {
    std::swap(bytes[i], bytes[sizeof(T) - 1 - i]);
  }
  std::memcpy(&value, bytes, sizeof(T));
}

/// 64 bits over all bytes. Every single damaged word changes it for certain: each word passes
/// through a bijection of the state.
inline std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  std::uint64_t state = 0x68616e616d690000ULL ^ bytes.size();
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, 8);
    if constexpr (std::endian::native == std::endian::big) {
      swap_bytes(word);
    }
    state = mix_bits(state ^ word) + 0x9e3779b97f4a7c15ULL;
  }
  std::uint64_t rest = 0;
  for (std::size_t shift = 0; at < bytes.size(); ++at, shift += 8) {
    rest |= std::to_integer<std::uint64_t>(bytes[at]) << shift;
  }
  return mix_bits(state ^ rest);
}

} // namespace detail

/// Appends to a buffer.
class archive_writer {
 public:
  static constexpr bool reading = false;

  const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

  template <class... T>
  void operator()(const T&... values) {
    (write(values), ...);
  }
  void require(bool, const char*) const noexcept {}

 private:
  void put(const void* from, std::size_t size) {
    if (size > 0) {
      const std::size_t at = bytes_.size();
      bytes_.resize(at + size);
      std::memcpy(bytes_.data() + at, from, size);
    }
  }

  template <class T>
  void write(const T& value) {
    if constexpr (detail::plain_value<T>) {
      T copy = value;
      if constexpr (std::endian::native == std::endian::big) {
        detail::swap_bytes(copy);
      }
      put(&copy, sizeof copy);
    } else {
      // `serialize` serves both directions and so takes a mutable object; writing leaves it alone.
      const_cast<T&>(value).serialize(*this);
    }
  }
  void write(const std::string& text) {
    write(std::uint64_t{text.size()});
    put(text.data(), text.size());
  }
  template <class T, std::size_t Size>
  void write(const std::array<T, Size>& values) {
    for (const T& value : values) {
      write(value);
    }
  }
  template <class T>
  void write(const growing_array<T>& values) {
    write_list(values.values());
  }
  template <class T, class Allocator>
  void write(const std::vector<T, Allocator>& values) {
    write_list(std::span<const T>(values));
  }
  template <class T>
  void write_list(std::span<const T> values) {
    write(std::uint64_t{values.size()});
    if constexpr (detail::plain_value<T> && std::endian::native == std::endian::little) {
      put(values.data(), values.size_bytes());
    } else {
      for (const T& value : values) {
        write(value);
      }
    }
  }

  std::vector<std::byte> bytes_;
};

/// Reads what the writer wrote. Throws `errc::invalid_checkpoint` with the byte offset for anything
/// that does not fit, before it allocates more than the bytes at hand can fill.
class archive_reader {
 public:
  static constexpr bool reading = true;

  explicit archive_reader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  template <class... T>
  void operator()(T&... values) {
    (read(values), ...);
  }
  bool at_end() const noexcept { return at_ == bytes_.size(); }
  /// What has not been read yet.
  std::span<const std::byte> rest() const noexcept { return bytes_.subspan(at_); }

  void require(bool good, const char* why) const {
    if (!good) {
      raise(errc::invalid_checkpoint, "byte " + std::to_string(at_) + ": " + why);
    }
  }

 private:
  void take(void* to, std::size_t size) {
    require(size <= bytes_.size() - at_, "the data end too early");
    if (size > 0) {
      std::memcpy(to, bytes_.data() + at_, size);
    }
    at_ += size;
  }

  std::size_t count_of(std::size_t least_bytes) {
    std::uint64_t count = 0;
    read(count);
    require(count <= (bytes_.size() - at_) / least_bytes, "a list is longer than the data");
    return to_size(count);
  }

  template <class T>
  void read(T& value) {
    if constexpr (std::same_as<T, bool>) {
      std::uint8_t bit = 0;
      take(&bit, 1);
      require(bit <= 1, "a flag is neither 0 nor 1");
      value = bit != 0;
    } else if constexpr (detail::plain_value<T>) {
      take(&value, sizeof value);
      if constexpr (std::endian::native == std::endian::big) {
        detail::swap_bytes(value);
      }
    } else {
      value.serialize(*this);
    }
  }
  template <class T, std::size_t Size>
  void read(std::array<T, Size>& values) {
    for (T& value : values) {
      read(value);
    }
  }
  void read(std::string& text) {
    text.resize(count_of(1));
    take(text.data(), text.size());
  }
  template <class T>
  void read(growing_array<T>& values) {
    values.resize(0);
    values.resize(count_of(sizeof(T)));
    if constexpr (std::endian::native == std::endian::little) {
      take(values.data(), values.size() * sizeof(T));
    } else {
      for (T& value : std::span(values.data(), values.size())) {
        read(value);
      }
    }
  }
  template <class T, class Allocator>
  void read(std::vector<T, Allocator>& values) {
    values.clear();
    if constexpr (detail::plain_value<T> && std::endian::native == std::endian::little) {
      values.resize(count_of(sizeof(T)));
      take(values.data(), values.size() * sizeof(T));
    } else {
      const std::size_t count = count_of(1);
      for (std::size_t i = 0; i < count; ++i) {
        if constexpr (std::default_initializable<T>) {
          read(values.emplace_back());
        } else {
          values.emplace_back(*this);
        }
      }
    }
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

} // namespace hanami
