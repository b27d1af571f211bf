// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "token.hpp"

#include <cerrno>
#include <span>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "../../io/write_file.hpp"
#include "../base/compile.hpp"
#include "../base/json.hpp"
#include "../base/uuid.hpp"
#include "sodium.hpp"

namespace hanami::service::access {

namespace detail {

inline constexpr std::size_t most_key_bytes = 65536;
inline constexpr std::size_t most_token_bytes = 4096;
inline constexpr std::string_view token_issuer = "hanami";
/// The only header there is: {"alg":"HS256","typ":"JWT"}.
inline constexpr std::string_view token_header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// Writes a new key to a temporary file and links it into place, which fails where another process
/// was faster.
inline void make_key_file(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.has_parent_path() ? file.parent_path() : ".";
  std::error_code trouble;
  if (std::filesystem::create_directories(folder, trouble)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, trouble);
  }
  secret_key fresh;
  randombytes_buf(fresh.data(), fresh.size());
  std::filesystem::path temporary = file;
  temporary += "." + new_uuid();
  hanami::detail::file_handle handle(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  const bool written =
      handle.get() >= 0 &&
      ::write(handle.get(), fresh.data(), fresh.size()) == static_cast<::ssize_t>(fresh.size()) &&
      ::fsync(handle.get()) == 0;
  sodium_memzero(fresh.data(), fresh.size());
  const bool placed = written && (::link(temporary.c_str(), file.c_str()) == 0 || errno == EEXIST);
  const std::error_code why = hanami::detail::system_trouble();
  ::unlink(temporary.c_str());
  if (!placed) {
    hanami::detail::refuse_file("cannot make the key ", file, why);
  }
  const hanami::detail::file_handle parent(
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() >= 0) {
    ::fsync(parent.get());
  }
}

inline secret_key hmac_sha256(std::string_view text, const secret_key& key) {
  secret_key code;
  static_assert(crypto_auth_hmacsha256_BYTES == sizeof code &&
                crypto_auth_hmacsha256_KEYBYTES == sizeof key);
  crypto_auth_hmacsha256(code.data(), bytes_of(text), text.size(), key.data());
  return code;
}

inline bool signature_fits(std::string_view text, std::string_view signature,
                           const secret_key& key) {
  secret_key code;
  return from_base64url(signature, code.data(), code.size()) ==
             static_cast<std::ptrdiff_t>(code.size()) &&
         crypto_auth_hmacsha256_verify(code.data(), bytes_of(text), text.size(), key.data()) == 0;
}

/// The claims, if they are just those that `sign_token` writes.
inline std::optional<token_claims> read_claims(std::string_view text) {
  json::parse_options options;
  options.max_depth = 2;
  json::error_code trouble;
  const json::value parsed = json::parse(text, trouble, {}, options);
  if (trouble || !parsed.is_object() || parsed.get_object().size() != 7) {
    return std::nullopt;
  }
  bool good = true;
  const auto value = [&](const char* name, json::kind kind) -> const json::value* {
    const json::value* found = parsed.get_object().if_contains(name);
    good = good && found != nullptr && found->kind() == kind;
    return good ? found : nullptr;
  };
  const auto word = [&](const char* name) {
    const json::value* found = value(name, json::kind::string);
    return found == nullptr ? std::string() : std::string(found->get_string());
  };
  const auto number = [&](const char* name) {
    const json::value* found = value(name, json::kind::int64);
    return found == nullptr ? std::int64_t{-1} : found->get_int64();
  };
  const bool ours = word("iss") == token_issuer;
  token_claims claims;
  claims.id = word("jti");
  claims.user_id = word("sub");
  claims.project_id = word("project");
  const std::int64_t token_series = number("gen");
  claims.token_series = static_cast<std::uint64_t>(token_series);
  claims.issued_at = number("iat");
  claims.expires = number("exp");
  return good && ours && token_series >= 0 ? std::optional(std::move(claims)) : std::nullopt;
}

} // namespace detail

HANAMI_SERVICE_INLINE secret_key load_or_make_key(const std::filesystem::path& file) {
  detail::need_sodium();
  std::error_code trouble;
  if (!std::filesystem::exists(file, trouble) && !trouble) {
    detail::make_key_file(file);
  }
  std::vector<std::uint8_t> bytes = read_file(file, detail::most_key_bytes);
  secret_key key;
  if (bytes.size() < key.size()) {
    sodium_memzero(bytes.data(), bytes.size());
    throw error(errc::invalid_argument,
                file.string() + ": a key of " + std::to_string(bytes.size()) +
                    " bytes is too short; at least 32 random bytes are wanted");
  }
  if (bytes.size() == key.size()) {
    std::copy(bytes.begin(), bytes.end(), key.begin());
  } else {
    crypto_generichash(key.data(), key.size(), bytes.data(), bytes.size(), nullptr, 0);
  }
  sodium_memzero(bytes.data(), bytes.size());
  return key;
}

HANAMI_SERVICE_INLINE secret_key derive_key(const secret_key& from, std::string_view purpose,
                                            std::uint64_t number) {
  detail::need_sodium();
  if (purpose.size() != crypto_kdf_CONTEXTBYTES) {
    throw error(errc::invalid_argument, "the purpose of a key has 8 characters");
  }
  secret_key key;
  static_assert(crypto_kdf_KEYBYTES == sizeof key);
  crypto_kdf_derive_from_key(key.data(), key.size(), number, purpose.data(), from.data());
  return key;
}

HANAMI_SERVICE_INLINE std::string sign_token(const token_claims& claims, const secret_key& key) {
  detail::need_sodium();
  const std::string payload = json::serialize(json::object{
      {"iss", detail::token_issuer},
      {"jti", claims.id},
      {"sub", claims.user_id},
      {"project", claims.project_id},
      {"gen", static_cast<std::int64_t>(claims.token_series)},
      {"iat", claims.issued_at},
      {"exp", claims.expires},
  });
  std::string token(detail::token_header);
  token += '.';
  token += detail::to_base64url(detail::bytes_of(payload), payload.size());
  const secret_key code = detail::hmac_sha256(token, key);
  token += '.';
  token += detail::to_base64url(code.data(), code.size());
  return token;
}

HANAMI_SERVICE_INLINE std::optional<token_claims>
check_token(std::string_view token, const secret_key& key, std::int64_t now) {
  detail::need_sodium();
  const std::size_t last_dot = token.rfind('.');
  if (token.size() > detail::most_token_bytes || last_dot == std::string_view::npos ||
      !detail::signature_fits(token.substr(0, last_dot), token.substr(last_dot + 1), key)) {
    return std::nullopt;
  }
  // From here on it is something that was signed with this key.
  const std::size_t first_dot = token.find('.');
  if (first_dot == last_dot || token.substr(0, first_dot) != detail::token_header) {
    return std::nullopt;
  }
  const std::string_view coded = token.substr(first_dot + 1, last_dot - first_dot - 1);
  std::string payload(coded.size(), '\0');
  const std::ptrdiff_t size = detail::from_base64url(
      coded, reinterpret_cast<unsigned char*>(payload.data()), payload.size());
  if (size < 0) {
    return std::nullopt;
  }
  std::optional<token_claims> claims =
      detail::read_claims(std::string_view(payload).substr(0, static_cast<std::size_t>(size)));
  return claims && claims->expires > now ? claims : std::nullopt;
}

HANAMI_SERVICE_INLINE secret_key key_of_files(const server_config& config) {
  return derive_key(load_or_make_key(file_key_of(config)), "filestor");
}

} // namespace hanami::service::access
