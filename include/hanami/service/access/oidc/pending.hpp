// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sodium.h>

#include "../../base/clock.hpp"
#include "../../base/json.hpp"
#include "../../base/json_text.hpp"
#include "../sodium.hpp"
#include "../token.hpp"
#include "key_set.hpp"
#include "provider.hpp"

/// Log-ins on their way: to the provider and back, then to the program that wanted them.

namespace hanami::service::access::oidc {

/// Whom a log-in is for: a program that has made a secret, and shows its hash.
struct asking_program {
  std::string challenge; ///< SHA-256 of its secret, in base64
  std::string return_to; ///< empty: a page shows the code to whoever has to type it
  std::string state;     ///< its own, which it gets back
};

/// What has to be known when the browser comes back.
struct begun_log_in {
  log_in_words words;
  asking_program program;
};

inline constexpr std::int64_t most_log_in_s = 600; ///< at the provider

/// As a cookie of the browser, which is thereby known again: encrypted, so that nothing of it is
/// kept here and nobody can make one up.
inline std::string sealed(const begun_log_in& one, const secret_key& key) {
  const std::string text = json::serialize(
      json::array{one.words.state, one.words.nonce, one.words.verifier, one.words.begun,
                  one.program.challenge, one.program.return_to, one.program.state});
  std::string box(crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + text.size(), '\0');
  auto* const bytes = reinterpret_cast<unsigned char*>(box.data());
  randombytes_buf(bytes, crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(bytes + crypto_secretbox_NONCEBYTES, access::detail::bytes_of(text),
                        text.size(), bytes, key.data());
  return access::detail::to_base64url(bytes, box.size());
}

/// Nothing for what was not sealed with this key, or too long ago. `now`: seconds since 1970.
inline std::optional<begun_log_in> unsealed(std::string_view text, const secret_key& key,
                                            std::int64_t now) {
  constexpr std::size_t head = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
  const std::optional<std::string> box = detail::unpacked(text);
  if (!box || box->size() < head) {
    return std::nullopt;
  }
  std::string plain(box->size() - head, '\0');
  const unsigned char* const bytes = access::detail::bytes_of(*box);
  if (crypto_secretbox_open_easy(
          reinterpret_cast<unsigned char*>(plain.data()), bytes + crypto_secretbox_NONCEBYTES,
          box->size() - crypto_secretbox_NONCEBYTES, bytes, key.data()) != 0) {
    return std::nullopt;
  }
  const json::value parsed = json::parse(plain); // it is our own
  const auto word = [&](std::size_t at) {
    const json::string& found = parsed.at(at).as_string();
    return std::string(found.data(), found.size());
  };
  begun_log_in one{{word(0), word(1), word(2), parsed.at(3).as_int64()},
                   {word(4), word(5), word(6)}};
  const bool in_time = one.words.begun <= now && now - one.words.begun <= most_log_in_s;
  return in_time ? std::optional(std::move(one)) : std::nullopt;
}

/// Who has come back from the provider, for the program that waits.
struct granted_log_in {
  std::string user_id;
  asking_program program;
};

/// Things that are good once and for a while, by random names; in memory alone. Safe from any
/// thread.
template <class Thing>
class good_once {
 public:
  good_once(std::int64_t for_s, std::size_t most) : good_ms_(1000 * for_s), most_(most) {}

  /// False where there is one of that name. Where there are too many, the oldest goes.
  bool add(const std::string& name, Thing thing) {
    const std::lock_guard lock(mutex_);
    forget_old();
    if (!things_.emplace(name, std::move(thing)).second) {
      return false;
    }
    order_.emplace_back(name, steady_ms());
    return true;
  }
  std::optional<Thing> look(const std::string& name) {
    const std::lock_guard lock(mutex_);
    forget_old();
    const auto found = things_.find(name);
    return found == things_.end() ? std::nullopt : std::optional(found->second);
  }
  /// It is gone then.
  std::optional<Thing> take(const std::string& name) {
    const std::lock_guard lock(mutex_);
    forget_old();
    const auto found = things_.find(name);
    if (found == things_.end()) {
      return std::nullopt;
    }
    Thing thing = std::move(found->second);
    things_.erase(found);
    return thing;
  }

 private:
  void forget_old() {
    const std::int64_t oldest = steady_ms() - good_ms_;
    while (!order_.empty() && (order_.front().second <= oldest || order_.size() >= most_)) {
      things_.erase(order_.front().first);
      order_.pop_front();
    }
  }

  const std::int64_t good_ms_;
  const std::size_t most_;
  std::mutex mutex_;
  std::deque<std::pair<std::string, std::int64_t>> order_; ///< those taken, too, until they are old
  std::map<std::string, Thing> things_;
};

} // namespace hanami::service::access::oidc
