// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace hanami::service::access {

/// Argon2id in its standard text form, with parameters and salt (libsodium, `crypto_pwhash_str`;
/// RFC 9106). `light`: the least memory and time, for tests. Takes about 64 MiB and 0.1 s
/// otherwise. Throws `errc::out_of_memory`.
std::string hash_password(std::string_view password, bool light = false);
/// Compares in constant time.
bool password_matches(std::string_view password, const std::string& hash);
/// Whether the hash was made with weaker parameters than `hash_password` uses now.
bool needs_rehash(const std::string& hash, bool light = false);
/// 20 characters from an alphabet of 57 without those that look alike: 116 bits.
std::string generate_password();

} // namespace hanami::service::access
