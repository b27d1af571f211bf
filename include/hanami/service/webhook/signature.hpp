// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <sodium.h>

#include "../access/sodium.hpp"
#include "../access/token.hpp"
#include "../base/refusal.hpp"

/// How messages of webhooks are signed: by the convention of Standard Webhooks 1.0.0
/// (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md), for which there are
/// verifiers in all usual languages.

namespace hanami::service::webhooks {

using webhook_secret = std::array<unsigned char, 32>;

namespace detail {

inline std::string to_base64(const unsigned char* bytes, std::size_t count) {
  std::string text(sodium_base64_encoded_len(count, sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), bytes, count, sodium_base64_VARIANT_ORIGINAL);
  text.pop_back(); // the NUL at the end
  return text;
}

} // namespace detail

inline webhook_secret new_secret() {
  access::detail::need_sodium();
  webhook_secret made;
  randombytes_buf(made.data(), made.size());
  return made;
}

/// As its owner gets to see it, once: "whsec_" and base64.
inline std::string shown(const webhook_secret& secret) {
  return "whsec_" + detail::to_base64(secret.data(), secret.size());
}

/// The field `webhook-signature`: "v1," and the HMAC-SHA256 of "id.seconds.body" in base64.
inline std::string signature_of(const webhook_secret& secret, std::string_view id,
                                std::int64_t seconds, std::string_view body) {
  std::string text(id);
  text += '.' + std::to_string(seconds) + '.';
  text += body;
  std::array<unsigned char, crypto_auth_hmacsha256_BYTES> sum;
  static_assert(crypto_auth_hmacsha256_KEYBYTES == sizeof(webhook_secret));
  crypto_auth_hmacsha256(sum.data(), access::detail::bytes_of(text), text.size(), secret.data());
  return "v1," + detail::to_base64(sum.data(), sum.size());
}

/// As it stands in the database: encrypted.
inline std::string sealed(const webhook_secret& secret, const access::secret_key& key) {
  std::array<unsigned char,
             crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + sizeof(webhook_secret)>
      box;
  randombytes_buf(box.data(), crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(box.data() + crypto_secretbox_NONCEBYTES, secret.data(), secret.size(),
                        box.data(), key.data());
  return access::detail::to_base64url(box.data(), box.size());
}

/// Throws `refusal` (`damaged`) where it was sealed with another key.
inline webhook_secret unsealed(std::string_view text, const access::secret_key& key) {
  std::array<unsigned char,
             crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + sizeof(webhook_secret)>
      box;
  webhook_secret secret{};
  if (access::detail::from_base64url(text, box.data(), box.size()) !=
          static_cast<std::ptrdiff_t>(box.size()) ||
      crypto_secretbox_open_easy(secret.data(), box.data() + crypto_secretbox_NONCEBYTES,
                                 box.size() - crypto_secretbox_NONCEBYTES, box.data(),
                                 key.data()) != 0) {
    throw refusal(refusal_code::damaged,
                  "the secret cannot be read with the key of the tokens that is there now; a new "
                  "webhook gets a new one");
  }
  return secret;
}

} // namespace hanami::service::webhooks
