// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <hanami/service/base/settings.hpp>

/// Writes a key and a certificate that it has signed itself, for a host of that name.
inline hanami::service::tls_settings make_certificate(const std::filesystem::path& folder,
                                                      const std::string& name) {
  const hanami::service::tls_settings files{folder / "certificate.pem", folder / "key.pem", 0};
  EVP_PKEY* const key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  X509* const made = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
  X509_gmtime_adj(X509_getm_notBefore(made), 0);
  X509_gmtime_adj(X509_getm_notAfter(made), 3600);
  X509_set_pubkey(made, key);
  X509_NAME* const subject = X509_get_subject_name(made);
  const std::vector<unsigned char> text(name.begin(), name.end());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text.data(),
                             static_cast<int>(text.size()), -1, 0);
  X509_set_issuer_name(made, subject);
  X509_sign(made, key, EVP_sha256());
  std::FILE* file = std::fopen(files.certificate.c_str(), "w");
  PEM_write_X509(file, made);
  std::fclose(file);
  file = std::fopen(files.key.c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(made);
  EVP_PKEY_free(key);
  return files;
}
