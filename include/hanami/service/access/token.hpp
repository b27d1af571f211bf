// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "../base/settings.hpp"

/// Signed tokens: JSON Web Tokens (RFC 7519) with HMAC-SHA256 and nothing else.

namespace hanami::service::access {

/// 32 bytes that must stay secret.
using secret_key = std::array<unsigned char, 32>;

/// Reads a key of 32 bytes or more (at most 64 KiB; keys longer than 32 bytes are hashed as they
/// are, including a newline at the end). Where there is no file, creates one with a new key,
/// readable by its owner only, and its folder; two processes that do so at once get the same key.
/// Throws `errc::file_error`, and `errc::invalid_argument` for a short one.
secret_key load_or_make_key(const std::filesystem::path& file);
/// A key of its own for each purpose (8 characters, else `errc::invalid_argument`) and number,
/// derived from a main key.
secret_key derive_key(const secret_key& from, std::string_view purpose, std::uint64_t number = 0);

/// That of files at rest, made where it is missing; throws as `load_or_make_key`.
secret_key key_of_files(const server_config& config);

struct token_claims {
  std::string id;                 ///< jti
  std::string user_id;            ///< sub
  std::string project_id;         ///< "project"
  std::uint64_t token_series = 0; ///< "gen": of the user, at the time of issue
  std::int64_t issued_at = 0;     ///< iat, seconds since 1970
  std::int64_t expires = 0;       ///< exp
};

/// A token; shorter than 4 KiB as long as the texts in it are short.
std::string sign_token(const token_claims& claims, const secret_key& key);
/// The claims of a token that was signed with this key, names HS256 and has not expired at `now`
/// (seconds since 1970); nothing for any other text.
std::optional<token_claims> check_token(std::string_view token, const secret_key& key,
                                        std::int64_t now);

} // namespace hanami::service::access
