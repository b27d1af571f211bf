// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <sodium.h>

#include "../../foundation/error.hpp"

/// What the keys, tokens and passwords share of libsodium.

namespace hanami::service::access::detail {

/// Must be called before any other function of libsodium; costs next to nothing after the first
/// call.
inline void need_sodium() {
  if (sodium_init() < 0) {
    throw error(errc::unsupported_machine, "libsodium cannot start: the system has no randomness");
  }
}

inline const unsigned char* bytes_of(std::string_view text) noexcept {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Base64 for URLs, without padding (RFC 4648, section 5).
inline std::string to_base64url(const unsigned char* bytes, std::size_t count) {
  constexpr int variant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;
  std::string text(sodium_base64_encoded_len(count, variant), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, count, variant);
  text.pop_back(); // the NUL at the end
  return text;
}

/// Reads just what `to_base64url` writes for as many bytes as `to` has room for, or fewer; -1 for
/// all else.
inline std::ptrdiff_t from_base64url(std::string_view text, unsigned char* to, std::size_t room) {
  std::size_t count = 0;
  const int code = sodium_base642bin(to, room, text.data(), text.size(), nullptr, &count, nullptr,
                                     sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  return code == 0 ? static_cast<std::ptrdiff_t>(count) : -1;
}

/// At most 32 random bytes as base64.
inline std::string random_text(std::size_t bytes) {
  unsigned char random[32];
  randombytes_buf(random, bytes);
  return to_base64url(random, bytes);
}

/// Tokens are stored only as this hash, so that the database contains nothing usable.
inline std::string token_hash(std::string_view token) {
  unsigned char hash[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(hash, bytes_of(token), token.size());
  char text[2 * sizeof hash + 1];
  return sodium_bin2hex(text, sizeof text, hash, sizeof hash);
}

} // namespace hanami::service::access::detail
