// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "key_set.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sodium.h>

#include "../../base/compile.hpp"
#include "../../base/json_text.hpp"
#include "../../base/refusal.hpp"
#include "../sodium.hpp"

namespace hanami::service::access::oidc {

namespace detail {

inline constexpr std::size_t most_keys = 100;
inline constexpr std::size_t most_token = std::size_t{64} << 10;

template <class Handle, auto Free>
struct freed_by {
  void operator()(Handle* handle) const { Free(handle); }
};
template <class Handle, auto Free>
using held = std::unique_ptr<Handle, freed_by<Handle, Free>>;
using held_number = held<BIGNUM, BN_free>;
using held_key_context = held<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using held_parameters = held<OSSL_PARAM, OSSL_PARAM_free>;
using held_builder = held<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;

inline std::string unpacked_in(const json::object& of, std::string_view name) {
  const auto word = word_in(of, name);
  return word ? unpacked(*word).value_or("") : std::string();
}

inline held_number number_from(const std::string& bytes) {
  return held_number(
      BN_bin2bn(access::detail::bytes_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

/// A public key of what `fill(builder)` puts in; nothing where OpenSSL refuses it.
template <class Fill>
std::shared_ptr<void> key_from(const char* kind, Fill fill) {
  const held_builder builder(OSSL_PARAM_BLD_new());
  if (!builder || !fill(builder.get())) {
    return nullptr;
  }
  const held_parameters parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const held_key_context making(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* made = nullptr;
  if (!parameters || !making || EVP_PKEY_fromdata_init(making.get()) != 1 ||
      EVP_PKEY_fromdata(making.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  std::shared_ptr<void> key(made, [](void* each) { EVP_PKEY_free(static_cast<EVP_PKEY*>(each)); });
  const held_key_context checking(EVP_PKEY_CTX_new_from_pkey(nullptr, made, nullptr));
  return checking && EVP_PKEY_public_check(checking.get()) == 1 ? key : nullptr;
}

inline std::shared_ptr<void> rsa_key(const json::object& from) {
  const held_number n = number_from(unpacked_in(from, "n"));
  const held_number e = number_from(unpacked_in(from, "e"));
  constexpr int least_bits = 2048;
  constexpr int most_bits = 8192; // what is longer takes long to check
  constexpr int most_exponent_bits = 64;
  if (!n || !e || BN_num_bits(n.get()) < least_bits || BN_num_bits(n.get()) > most_bits ||
      BN_is_odd(e.get()) == 0 || BN_num_bits(e.get()) < 2 ||
      BN_num_bits(e.get()) > most_exponent_bits) {
    return nullptr;
  }
  return key_from("RSA", [&](OSSL_PARAM_BLD* to) {
    return OSSL_PARAM_BLD_push_BN(to, OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
           OSSL_PARAM_BLD_push_BN(to, OSSL_PKEY_PARAM_RSA_E, e.get()) == 1;
  });
}

inline std::shared_ptr<void> curve_key(const json::object& from) {
  const std::string x = unpacked_in(from, "x");
  const std::string y = unpacked_in(from, "y");
  if (word_in(from, "crv") != "P-256" || x.size() != 32 || y.size() != 32) {
    return nullptr;
  }
  const std::string point = '\x04' + x + y;
  return key_from("EC", [&](OSSL_PARAM_BLD* to) {
    return OSSL_PARAM_BLD_push_utf8_string(to, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(to, OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                            point.size()) == 1;
  });
}

inline std::shared_ptr<void> edwards_key(const json::object& from) {
  const std::string x = unpacked_in(from, "x");
  if (word_in(from, "crv") != "Ed25519" || x.size() != 32) {
    return nullptr;
  }
  return std::shared_ptr<void>(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, access::detail::bytes_of(x), x.size()),
      [](void* each) { EVP_PKEY_free(static_cast<EVP_PKEY*>(each)); });
}

inline std::optional<public_key> read_key(const json::object& from) {
  const auto use = word_in(from, "use");
  if (use && *use != "sig") {
    return std::nullopt;
  }
  public_key made;
  made.id = word_in(from, "kid").value_or("");
  made.algorithm = word_in(from, "alg").value_or("");
  made.kind = word_in(from, "kty").value_or("");
  made.handle = made.kind == "RSA"   ? rsa_key(from)
                : made.kind == "EC"  ? curve_key(from)
                : made.kind == "OKP" ? edwards_key(from)
                                     : nullptr;
  return made.handle ? std::optional(std::move(made)) : std::nullopt;
}

struct known_kind {
  std::string_view name;
  signature_kind kind;
  std::string_view key; ///< its kind
};
inline constexpr std::array<known_kind, 4> known_kinds{{{"RS256", signature_kind::rs256, "RSA"},
                                                        {"PS256", signature_kind::ps256, "RSA"},
                                                        {"ES256", signature_kind::es256, "EC"},
                                                        {"EdDSA", signature_kind::eddsa, "OKP"}}};

inline const known_kind& about(signature_kind kind) {
  return known_kinds[static_cast<std::size_t>(kind)];
}

inline refusal no_token(const char* why) {
  return unauthenticated(std::string("the provider's token is not valid: ") + why);
}

inline json::object object_in(std::string_view part) {
  const std::optional<std::string> text = unpacked(part);
  json_text parsed = parse_json(text.value_or(""));
  if (!parsed.trouble.empty() || !parsed.value.is_object()) {
    throw no_token("a part of it is no JSON object in base64");
  }
  return std::move(parsed.value.get_object());
}

/// r and s as they stand side by side, in the form that OpenSSL takes; empty: they are none.
inline std::string as_der(const std::string& signature) {
  constexpr std::size_t half = 32;
  if (signature.size() != 2 * half) {
    return {};
  }
  const held<ECDSA_SIG, ECDSA_SIG_free> both(ECDSA_SIG_new());
  held_number r = number_from(signature.substr(0, half));
  held_number s = number_from(signature.substr(half));
  if (!both || !r || !s || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) {
    return {};
  }
  static_cast<void>(r.release()); // they are its own now
  static_cast<void>(s.release());
  unsigned char* bytes = nullptr;
  const int size = i2d_ECDSA_SIG(both.get(), &bytes);
  std::string made(reinterpret_cast<const char*>(bytes),
                   static_cast<std::size_t>(std::max(size, 0)));
  CRYPTO_free(bytes, "", 0);
  return made;
}

} // namespace detail

HANAMI_SERVICE_INLINE std::vector<public_key> read_key_set(std::string_view text) {
  const json_text parsed = parse_json(text);
  const json::value* keys = parsed.trouble.empty() && parsed.value.is_object()
                                ? parsed.value.get_object().if_contains("keys")
                                : nullptr;
  if (keys == nullptr || !keys->is_array()) {
    throw refusal(refusal_code::invalid_data, "the provider's keys are no set of keys in JSON");
  }
  std::vector<public_key> found;
  for (const json::value& each : keys->get_array()) {
    if (found.size() == detail::most_keys) {
      break;
    }
    if (each.is_object()) {
      if (auto key = detail::read_key(each.get_object())) {
        found.push_back(*std::move(key));
      }
    }
  }
  return found;
}

HANAMI_SERVICE_INLINE signed_text take_apart(std::string_view token) {
  const std::size_t first = token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
  if (token.size() > detail::most_token || second == std::string_view::npos ||
      token.find('.', second + 1) != std::string_view::npos) {
    throw detail::no_token("it does not have three parts, or is too long");
  }
  const json::object head = detail::object_in(token.substr(0, first));
  const auto named = detail::word_in(head, "alg");
  const auto known =
      std::find_if(detail::known_kinds.begin(), detail::known_kinds.end(),
                   [&](const detail::known_kind& each) { return named && *named == each.name; });
  if (known == detail::known_kinds.end()) {
    throw detail::no_token("it is not signed by RS256, PS256, ES256 or EdDSA");
  }
  if (head.contains("crit")) { // RFC 7515, 4.1.11
    throw detail::no_token("it asks for an extension that is not known here");
  }
  signed_text made;
  made.kind = known->kind;
  made.key_id = detail::word_in(head, "kid").value_or("");
  made.text = token.substr(0, second);
  const auto signature = detail::unpacked(token.substr(second + 1));
  if (!signature) {
    throw detail::no_token("its signature is no base64");
  }
  made.signature = *signature;
  made.claims = detail::object_in(token.substr(first + 1, second - first - 1));
  return made;
}

HANAMI_SERVICE_INLINE std::vector<public_key> keys_for(const signed_text& token,
                                                       const std::vector<public_key>& keys) {
  const detail::known_kind& kind = detail::about(token.kind);
  std::vector<public_key> found;
  for (const public_key& each : keys) {
    const bool fits = each.kind == kind.key &&
                      (each.algorithm.empty() || each.algorithm == kind.name) &&
                      (token.key_id.empty() || each.id == token.key_id);
    if (fits) {
      found.push_back(each);
    }
  }
  return found;
}

HANAMI_SERVICE_INLINE bool is_signed_by(const signed_text& token, const public_key& key) {
  if (key.kind != detail::about(token.kind).key) {
    return false;
  }
  const detail::held<EVP_MD_CTX, EVP_MD_CTX_free> checking(EVP_MD_CTX_new());
  EVP_PKEY_CTX* details = nullptr; // belongs to `checking`
  const bool hashes_itself = token.kind == signature_kind::eddsa;
  if (!checking ||
      EVP_DigestVerifyInit(checking.get(), &details, hashes_itself ? nullptr : EVP_sha256(),
                           nullptr, static_cast<EVP_PKEY*>(key.handle.get())) != 1) {
    return false;
  }
  if (token.kind == signature_kind::ps256 &&
      (EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) != 1 ||
       EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) != 1)) {
    return false;
  }
  const std::string signature =
      token.kind == signature_kind::es256 ? detail::as_der(token.signature) : token.signature;
  return EVP_DigestVerify(checking.get(), access::detail::bytes_of(signature), signature.size(),
                          access::detail::bytes_of(token.text), token.text.size()) == 1;
}

HANAMI_SERVICE_INLINE std::string half_hash(signature_kind kind, std::string_view of) {
  unsigned char hash[crypto_hash_sha512_BYTES];
  std::size_t size = crypto_hash_sha256_BYTES;
  if (kind == signature_kind::eddsa) { // that of Ed25519
    size = crypto_hash_sha512_BYTES;
    crypto_hash_sha512(hash, access::detail::bytes_of(of), of.size());
  } else {
    crypto_hash_sha256(hash, access::detail::bytes_of(of), of.size());
  }
  return access::detail::to_base64url(hash, size / 2);
}

} // namespace hanami::service::access::oidc
