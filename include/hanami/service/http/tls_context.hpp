// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <openssl/ssl.h>
#include <unistd.h>

#include <boost/asio/ssl/context.hpp>

#include "../../foundation/error.hpp"
#include "../base/settings.hpp"

/// What TLS connections are made with.

namespace hanami::service::http::detail {

/// Of the protocols a client offers, http/1.1; one that offers others only goes without.
inline int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_length,
                           const unsigned char* offered, unsigned offered_length, void*) {
  static constexpr unsigned char known[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_length, known, sizeof known - 1, offered,
                            offered_length) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

inline void need_readable(const std::filesystem::path& file) {
  if (::access(file.c_str(), R_OK) != 0) {
    raise(errc::file_error,
          "cannot read " + file.string() + ": " + std::generic_category().message(errno));
  }
}

/// Certificate chain and key from their files. Throws `errc::file_error` where one cannot be read,
/// `errc::invalid_argument` where they are no PEM, or the key is another's.
inline std::shared_ptr<boost::asio::ssl::context> make_tls_context(const tls_settings& from) {
  namespace ssl = boost::asio::ssl;
  need_readable(from.certificate);
  need_readable(from.key);
  auto made = std::make_shared<ssl::context>(ssl::context::tls_server);
  SSL_CTX* const native = made->native_handle();
  SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION);
  SSL_CTX_set_options(native, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                  SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cipher_list(native, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_alpn_select_cb(native, choose_protocol, nullptr);
  // A key with a password is refused; without this, OpenSSL would ask the terminal for it.
  made->set_password_callback(
      [](std::size_t, ssl::context::password_purpose) { return std::string(); });

  const auto refuse = [](const std::filesystem::path& file, const char* what,
                         const boost::system::error_code& why) {
    raise(errc::invalid_argument, file.string() + " is not " + what + " in PEM: " + why.message());
  };
  boost::system::error_code trouble;
  made->use_certificate_chain_file(from.certificate.string(), trouble);
  if (trouble) {
    refuse(from.certificate, "a certificate chain", trouble);
  }
  made->use_private_key_file(from.key.string(), ssl::context::pem, trouble);
  if (trouble) {
    refuse(from.key, "the certificate's private key, without a password,", trouble);
  }
  if (SSL_CTX_check_private_key(native) != 1) {
    raise(errc::invalid_argument,
          from.key.string() + " is not the key of the certificate in " + from.certificate.string());
  }
  return made;
}

} // namespace hanami::service::http::detail
