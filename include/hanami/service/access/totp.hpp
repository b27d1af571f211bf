// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "sodium.hpp"

/// Codes that change with time (TOTP, RFC 6238): HMAC-SHA1, six digits, 30 seconds, which is what
/// all the apps know.

namespace hanami::service::access {

inline constexpr std::int64_t totp_step_s = 30;
using totp_secret = std::array<unsigned char, 20>;

/// RFC 4648, section 6, without padding.
inline std::string to_base32(std::span<const unsigned char> bytes) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string text;
  std::uint32_t bits = 0;
  int count = 0;
  for (const unsigned char byte : bytes) {
    bits = bits << 8 | byte;
    for (count += 8; count >= 5; count -= 5) {
      text += letters[bits >> (count - 5) & 31U];
    }
  }
  if (count > 0) {
    text += letters[bits << (5 - count) & 31U];
  }
  return text;
}

/// The code of a step: `seconds since 1970 / totp_step_s`.
inline std::string totp_code(std::span<const unsigned char> secret, std::int64_t step) {
  std::array<unsigned char, 8> counter{};
  for (std::size_t i = 0; i < counter.size(); ++i) {
    counter[i] = static_cast<unsigned char>(static_cast<std::uint64_t>(step) >> (56 - 8 * i));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  if (HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()), counter.data(),
           counter.size(), hash.data(), &size) == nullptr) {
    throw error(errc::unsupported_machine, "OpenSSL has no SHA-1");
  }
  const std::size_t at = hash[size - 1] & 15U; // RFC 4226, section 5.3
  const std::uint32_t number = (std::uint32_t{hash[at]} & 127U) << 24 |
                               std::uint32_t{hash[at + 1]} << 16 |
                               std::uint32_t{hash[at + 2]} << 8 | std::uint32_t{hash[at + 3]};
  std::string text = std::to_string(number % 1'000'000);
  return text.insert(0, 6 - text.size(), '0');
}

/// The step whose code this is, if it is later than `last_step` and a clock that is half a minute
/// off may show it.
inline std::optional<std::int64_t> step_of_code(std::span<const unsigned char> secret,
                                                std::string_view code, std::int64_t now_s,
                                                std::int64_t last_step) {
  const std::int64_t present = now_s / totp_step_s;
  std::optional<std::int64_t> found;
  for (std::int64_t step = present - 1; step <= present + 1; ++step) {
    const std::string right = totp_code(secret, step);
    const bool same =
        code.size() == right.size() && sodium_memcmp(code.data(), right.data(), right.size()) == 0;
    if (same && step > last_step && !found) {
      found = step;
    }
  }
  return found;
}

/// What apps read, mostly as a picture.
inline std::string otpauth_url(std::span<const unsigned char> secret, std::string_view user_id) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string name;
  for (const char c : user_id) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    name += plain ? std::string(1, c) : std::string{'%', digits[byte >> 4], digits[byte & 15]};
  }
  return "otpauth://totp/hanami:" + name + "?secret=" + to_base32(secret) +
         "&issuer=hanami&algorithm=SHA1&digits=6&period=" + std::to_string(totp_step_s);
}

} // namespace hanami::service::access
