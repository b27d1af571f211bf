// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/json.hpp"
#include "../sodium.hpp"

/// Public keys of a provider (RFC 7517), and what they have signed (RFC 7515, compact).

namespace hanami::service::access::oidc {

namespace detail {

/// Of the object; nothing where it has no text of that name.
inline std::optional<std::string> word_in(const json::object& of, std::string_view name) {
  const json::value* found = of.if_contains(name);
  return found != nullptr && found->is_string()
             ? std::optional(std::string(found->get_string().data(), found->get_string().size()))
             : std::nullopt;
}

inline std::optional<std::string> unpacked(std::string_view base64) {
  std::string bytes(base64.size(), '\0');
  const std::ptrdiff_t count = access::detail::from_base64url(
      base64, reinterpret_cast<unsigned char*>(bytes.data()), bytes.size());
  if (count < 0) {
    return std::nullopt;
  }
  bytes.resize(static_cast<std::size_t>(count));
  return bytes;
}

} // namespace detail

/// Of what is signed, all else is refused: above all `none`, and HS256 and its like, by which a
/// public key would be taken for a secret.
enum class signature_kind : unsigned char { rs256, ps256, es256, eddsa };

struct public_key {
  std::string id;               ///< `kid`; empty: it has none
  std::string algorithm;        ///< `alg`; empty: any that its kind can do
  std::string kind;             ///< "RSA" of 2048 to 8192 bits, "EC" of P-256, "OKP" of Ed25519
  std::shared_ptr<void> handle; ///< OpenSSL's
};

/// Those of a set that can check signatures; the first 100. Keys of other kinds and for other uses,
/// and those that are none, are left out. Throws `refusal` (`invalid_data`) where it is no set.
std::vector<public_key> read_key_set(std::string_view text);

/// What a token says of how it was signed, and its parts.
struct signed_text {
  signature_kind kind = signature_kind::rs256;
  std::string key_id;    ///< `kid`; empty: none is named
  std::string_view text; ///< that was signed
  std::string signature;
  json::object claims; ///< of nobody yet
};

/// Takes a token apart; nothing of it is checked by that. Throws `refusal` (`unauthenticated`) for
/// what is no token of these kinds, of at most 64 KiB. `text` refers to the token.
signed_text take_apart(std::string_view token);

/// The keys that may have signed it: of the same id where it names one, and of its kind.
std::vector<public_key> keys_for(const signed_text& token, const std::vector<public_key>& keys);

/// Whether the key has signed it.
bool is_signed_by(const signed_text& token, const public_key& key);

/// The left half of the hash that goes with a kind, in base64: `at_hash` of an access token.
std::string half_hash(signature_kind kind, std::string_view of);

} // namespace hanami::service::access::oidc
