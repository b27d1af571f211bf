// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <hanami/service/base/json.hpp>

/// Signs tokens as providers do, and as they never would.

namespace server_test {

inline std::string base64url(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string made;
  unsigned bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 6; count -= 6) {
      made += digits[bits >> (count - 6) & 63U];
    }
  }
  return count > 0 ? made + digits[bits << (6 - count) & 63U] : made;
}

/// A key of its own, of RS256, PS256, ES256 or EdDSA.
class token_signer {
 public:
  token_signer(std::string algorithm, std::string id, unsigned bits = 2048)
      : algorithm_(std::move(algorithm)), id_(std::move(id)),
        key_(algorithm_ == "ES256" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")
             : algorithm_ == "EdDSA"
                 ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                 : EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)),
             EVP_PKEY_free) {
    if (!key_) {
      throw std::runtime_error("no key");
    }
  }

  /// The public key, as a provider shows it.
  hanami::service::json::object jwk() const {
    hanami::service::json::object made{{"kid", id_}, {"use", "sig"}, {"alg", algorithm_}};
    if (algorithm_ == "ES256") {
      made["kty"] = "EC";
      made["crv"] = "P-256";
      made["x"] = base64url(number(OSSL_PKEY_PARAM_EC_PUB_X, 32));
      made["y"] = base64url(number(OSSL_PKEY_PARAM_EC_PUB_Y, 32));
    } else if (algorithm_ == "EdDSA") {
      std::string raw(32, '\0');
      std::size_t size = raw.size();
      EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
      made["kty"] = "OKP";
      made["crv"] = "Ed25519";
      made["x"] = base64url(raw);
    } else {
      made["kty"] = "RSA";
      made["n"] = base64url(number(OSSL_PKEY_PARAM_RSA_N, 0));
      made["e"] = base64url(number(OSSL_PKEY_PARAM_RSA_E, 0));
    }
    return made;
  }

  /// A token with these claims; `head` changes what its head says.
  std::string sign(const hanami::service::json::object& claims,
                   const hanami::service::json::object& head = {}) const {
    hanami::service::json::object whole{{"alg", algorithm_}, {"kid", id_}};
    for (const auto& each : head) {
      if (each.value().is_null()) {
        whole.erase(each.key());
      } else {
        whole[each.key()] = each.value();
      }
    }
    const std::string text = base64url(hanami::service::json::serialize(whole)) + '.' +
                             base64url(hanami::service::json::serialize(claims));
    return text + '.' + base64url(signature_of(text));
  }

 private:
  std::string number(const char* name, int size) const {
    BIGNUM* found = nullptr;
    EVP_PKEY_get_bn_param(key_.get(), name, &found);
    const int bytes = size > 0 ? size : BN_num_bytes(found);
    std::string made(static_cast<std::size_t>(bytes), '\0');
    BN_bn2binpad(found, reinterpret_cast<unsigned char*>(made.data()), bytes);
    BN_free(found);
    return made;
  }

  std::string signature_of(const std::string& text) const {
    EVP_MD_CTX* const signing = EVP_MD_CTX_new();
    EVP_PKEY_CTX* details = nullptr;
    EVP_DigestSignInit(signing, &details, algorithm_ == "EdDSA" ? nullptr : EVP_sha256(), nullptr,
                       key_.get());
    if (algorithm_ == "PS256") {
      EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST);
    }
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    EVP_DigestSign(signing, nullptr, &size, bytes, text.size());
    std::string made(size, '\0');
    EVP_DigestSign(signing, reinterpret_cast<unsigned char*>(made.data()), &size, bytes,
                   text.size());
    EVP_MD_CTX_free(signing);
    made.resize(size);
    return algorithm_ == "ES256" ? side_by_side(made) : made;
  }

  static std::string side_by_side(const std::string& der) {
    const auto* from = reinterpret_cast<const unsigned char*>(der.data());
    ECDSA_SIG* const both = d2i_ECDSA_SIG(nullptr, &from, static_cast<long>(der.size()));
    std::string made(64, '\0');
    auto* to = reinterpret_cast<unsigned char*>(made.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(both), to, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(both), to + 32, 32);
    ECDSA_SIG_free(both);
    return made;
  }

  std::string algorithm_;
  std::string id_;
  std::unique_ptr<EVP_PKEY, void (*)(EVP_PKEY*)> key_;
};

/// A set of public keys, as a provider shows it.
inline std::string key_set_of(const std::vector<hanami::service::json::object>& keys) {
  hanami::service::json::array list;
  for (const auto& each : keys) {
    list.push_back(each);
  }
  return hanami::service::json::serialize(hanami::service::json::object{{"keys", list}});
}

} // namespace server_test
