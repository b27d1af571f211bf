// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "password.hpp"

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstddef>
#include <mutex>

#include "../base/compile.hpp"
#include "sodium.hpp"

namespace hanami::service::access {

namespace detail {

struct hash_effort {
  unsigned long long passes;
  std::size_t bytes;
};

inline hash_effort effort_of(bool light) {
  return light
             ? hash_effort{crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN}
             : hash_effort{crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE};
}

/// A place among those who may hash at once: each needs 64 MiB and a core.
class hash_place {
 public:
  hash_place() {
    std::unique_lock lock(all().mutex);
    all().freed.wait(lock, [] { return all().taken < most; });
    ++all().taken;
  }
  hash_place(const hash_place&) = delete;
  hash_place& operator=(const hash_place&) = delete;
  ~hash_place() {
    {
      const std::lock_guard lock(all().mutex);
      --all().taken;
    }
    all().freed.notify_one();
  }

 private:
  static constexpr int most = 2;
  struct places {
    std::mutex mutex;
    std::condition_variable freed;
    int taken = 0;
  };
  static places& all() {
    static places shared;
    return shared;
  }
};

/// What stands behind "<name>=" in "$argon2id$v=19$m=65536,t=2,p=1$..."; 0 where it does not.
inline unsigned long long hash_parameter(std::string_view hash, std::string_view name) {
  unsigned long long value = 0;
  const std::size_t at = hash.find(name);
  if (at != std::string_view::npos) {
    std::from_chars(hash.data() + at + name.size(), hash.data() + hash.size(), value);
  }
  return value;
}

} // namespace detail

HANAMI_SERVICE_INLINE std::string hash_password(std::string_view password, bool light) {
  detail::need_sodium();
  const detail::hash_effort effort = detail::effort_of(light);
  char hash[crypto_pwhash_STRBYTES];
  const detail::hash_place place;
  if (crypto_pwhash_str(hash, password.data(), password.size(), effort.passes, effort.bytes) != 0) {
    throw error(errc::out_of_memory, "there is no memory left to hash a password with");
  }
  return hash;
}

HANAMI_SERVICE_INLINE bool password_matches(std::string_view password, const std::string& hash) {
  detail::need_sodium();
  const detail::hash_place place;
  errno = 0;
  const int code = crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size());
  if (code != 0 && errno == ENOMEM) {
    throw error(errc::out_of_memory, "there is no memory left to check a password with");
  }
  return code == 0;
}

HANAMI_SERVICE_INLINE bool needs_rehash(const std::string& hash, bool light) {
  const detail::hash_effort effort = detail::effort_of(light);
  return !hash.starts_with(crypto_pwhash_STRPREFIX) ||
         detail::hash_parameter(hash, "$m=") < effort.bytes / 1024 ||
         detail::hash_parameter(hash, ",t=") < effort.passes;
}

HANAMI_SERVICE_INLINE std::string generate_password() {
  detail::need_sodium();
  constexpr std::string_view alphabet = "abcdefghijkmnopqrstuvwxyz"
                                        "ABCDEFGHJKLMNPQRSTUVWXYZ"
                                        "23456789";
  static_assert(alphabet.size() == 57);
  std::string password;
  for (int i = 0; i < 20; ++i) {
    password += alphabet[randombytes_uniform(static_cast<std::uint32_t>(alphabet.size()))];
  }
  return password;
}

} // namespace hanami::service::access
