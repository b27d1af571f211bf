// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "second_factor.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "sodium.hpp"

namespace hanami::service::access {

namespace detail {

/// As it is typed: blanks, hyphens and the case of letters say nothing.
inline std::string plain_code(std::string_view typed) {
  std::string code;
  for (const char c : typed) {
    if (c != ' ' && c != '-') {
      code += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return code;
}

inline std::string recovery_hash(std::string_view code) { return token_hash(plain_code(code)); }

struct stored_second_factor {
  std::string secret; ///< sealed
  std::int64_t confirmed_at = 0;
  std::int64_t last_step = 0;
};

inline std::optional<stored_second_factor> find_second_factor(store::connection& on,
                                                              std::string_view user_id) {
  store::statement row = on.query(
      "SELECT secret, confirmed_at, last_step FROM second_factors WHERE user_id = ?", user_id);
  if (!row.step()) {
    return std::nullopt;
  }
  return stored_second_factor{row.text(0), row.integer(1), row.integer(2)};
}

inline refusal wrong_code() {
  return unauthenticated("the code is wrong, was used before, or is too old");
}

} // namespace detail

HANAMI_SERVICE_INLINE std::string second_factors::seal(const totp_secret& secret) const {
  std::array<unsigned char,
             crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + sizeof(totp_secret)>
      sealed;
  randombytes_buf(sealed.data(), crypto_secretbox_NONCEBYTES);
  crypto_secretbox_easy(sealed.data() + crypto_secretbox_NONCEBYTES, secret.data(), secret.size(),
                        sealed.data(), key_.data());
  return detail::to_base64url(sealed.data(), sealed.size());
}

HANAMI_SERVICE_INLINE totp_secret second_factors::open(std::string_view sealed) const {
  std::array<unsigned char,
             crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + sizeof(totp_secret)>
      bytes;
  totp_secret secret{};
  if (detail::from_base64url(sealed, bytes.data(), bytes.size()) !=
          static_cast<std::ptrdiff_t>(bytes.size()) ||
      crypto_secretbox_open_easy(secret.data(), bytes.data() + crypto_secretbox_NONCEBYTES,
                                 bytes.size() - crypto_secretbox_NONCEBYTES, bytes.data(),
                                 key_.data()) != 0) {
    throw refusal(refusal_code::damaged,
                  "the second factor cannot be read with the key of the tokens that is there now; "
                  "an administrator can remove it");
  }
  return secret;
}

HANAMI_SERVICE_INLINE second_factor_state second_factors::state_of(std::string_view user_id) {
  return db_.read([&](store::connection& on) {
    second_factor_state state;
    const auto found = detail::find_second_factor(on, user_id);
    if (found && found->confirmed_at > 0) {
      state.enabled = true;
      state.since = found->confirmed_at;
      store::statement counted =
          on.query("SELECT count(*) FROM recovery_codes WHERE user_id = ?", user_id);
      counted.step();
      state.recovery_codes = static_cast<std::size_t>(counted.integer(0));
    }
    return state;
  });
}

HANAMI_SERVICE_INLINE new_second_factor second_factors::begin(std::string_view user_id) {
  detail::need_sodium();
  totp_secret secret;
  randombytes_buf(secret.data(), secret.size());
  const std::string sealed = seal(secret);
  db_.write([&](store::connection& on) {
    const auto found = detail::find_second_factor(on, user_id);
    if (found && found->confirmed_at > 0) {
      throw conflict("there is a second factor already; it has to be removed first");
    }
    on.execute("INSERT OR REPLACE INTO second_factors (user_id, secret, confirmed_at, last_step) "
               "VALUES (?, ?, 0, 0)",
               user_id, sealed);
  });
  return {to_base32(secret), otpauth_url(secret, user_id)};
}

HANAMI_SERVICE_INLINE std::vector<std::string>
second_factors::make_recovery_codes(store::connection& on, std::string_view user_id) {
  constexpr std::size_t many = 10;
  std::vector<std::string> codes;
  on.execute("DELETE FROM recovery_codes WHERE user_id = ?", user_id);
  for (std::size_t i = 0; i < many; ++i) {
    std::array<unsigned char, 10> random;
    randombytes_buf(random.data(), random.size());
    std::string code = to_base32(random); // 80 bits, 16 letters
    for (const std::size_t at : {std::size_t{12}, std::size_t{8}, std::size_t{4}}) {
      code.insert(at, 1, '-');
    }
    on.execute("INSERT INTO recovery_codes (user_id, hash) VALUES (?, ?)", user_id,
               detail::recovery_hash(code));
    codes.push_back(std::move(code));
  }
  return codes;
}

HANAMI_SERVICE_INLINE std::vector<std::string> second_factors::confirm(std::string_view user_id,
                                                                       std::string_view code) {
  const std::string id(user_id);
  if (const unsigned wait = seconds_locked(id)) {
    refusal why(refusal_code::too_many_requests, "too many wrong codes of this user");
    why.retry_after_s = wait;
    throw why;
  }
  auto codes = db_.write([&](store::connection& on) -> std::optional<std::vector<std::string>> {
    const auto found = detail::find_second_factor(on, user_id);
    if (!found || found->confirmed_at > 0) {
      throw conflict(found ? "the second factor is confirmed already"
                           : "no second factor was begun: POST /v1/me/second-factor does");
    }
    const auto step =
        step_of_code(open(found->secret), detail::plain_code(code), now_ms() / 1000, 0);
    if (!step) {
      return std::nullopt;
    }
    on.execute("UPDATE second_factors SET confirmed_at = ?, last_step = ? WHERE user_id = ?",
               now_ms(), *step, user_id);
    return make_recovery_codes(on, user_id);
  });
  count(id, codes.has_value());
  if (!codes) {
    throw invalid_value_at("/code", "is not what the app should show now; is its clock right?");
  }
  return *std::move(codes);
}

HANAMI_SERVICE_INLINE void second_factors::expect_code(std::string_view user_id,
                                                       std::string_view code) {
  const std::string id(user_id);
  if (!state_of(user_id).enabled) {
    return;
  }
  if (code.empty()) {
    throw refusal(refusal_code::code_needed,
                  "the code of the second factor is needed, too, or a recovery code: 'code'");
  }
  const std::string typed = detail::plain_code(code);
  const unsigned wait = seconds_locked(id);
  const bool right = db_.write_anyway([&](store::connection& on) {
    const std::string hash = detail::recovery_hash(typed);
    if (on.query("SELECT 1 FROM recovery_codes WHERE user_id = ? AND hash = ?", user_id, hash)
            .step()) {
      on.execute("DELETE FROM recovery_codes WHERE user_id = ? AND hash = ?", user_id, hash);
      return true;
    }
    const auto found = detail::find_second_factor(on, user_id);
    if (wait > 0 || !found) {
      return false;
    }
    const auto step = step_of_code(open(found->secret), typed, now_ms() / 1000, found->last_step);
    if (step) {
      on.execute("UPDATE second_factors SET last_step = ? WHERE user_id = ?", *step, user_id);
    }
    return step.has_value();
  });
  if (wait > 0 && !right) {
    refusal why(refusal_code::too_many_requests,
                "too many wrong codes of this user; a recovery code is taken even now");
    why.retry_after_s = wait;
    throw why;
  }
  count(id, right);
  if (!right) {
    throw detail::wrong_code();
  }
}

HANAMI_SERVICE_INLINE std::vector<std::string>
second_factors::renew_recovery_codes(std::string_view user_id) {
  return db_.write([&](store::connection& on) {
    const auto found = detail::find_second_factor(on, user_id);
    if (!found || found->confirmed_at == 0) {
      throw conflict("there is no second factor to recover from");
    }
    return make_recovery_codes(on, user_id);
  });
}

HANAMI_SERVICE_INLINE bool second_factors::remove(std::string_view user_id) {
  return db_.write_anyway([&](store::connection& on) {
    const bool there = detail::find_second_factor(on, user_id).has_value();
    on.execute("DELETE FROM second_factors WHERE user_id = ?", user_id);
    return there;
  });
}

HANAMI_SERVICE_INLINE unsigned second_factors::seconds_locked(const std::string& user_id) {
  const std::lock_guard lock(mutex_);
  const auto found = tries_.find(user_id);
  const time now = std::chrono::steady_clock::now();
  if (found == tries_.end() || found->second.locked_until <= now) {
    return 0;
  }
  return 1 + static_cast<unsigned>(
                 std::chrono::duration_cast<std::chrono::seconds>(found->second.locked_until - now)
                     .count());
}

HANAMI_SERVICE_INLINE void second_factors::count(const std::string& user_id, bool right) {
  const std::lock_guard lock(mutex_);
  if (right) {
    tries_.erase(user_id);
    return;
  }
  const time now = std::chrono::steady_clock::now();
  tries& of = tries_[user_id]; // of those who knew the password: they are not many
  if (now - of.last > settings_.lockout) {
    of.failed = 0;
  }
  of.last = now;
  if (++of.failed >= settings_.failed_logins) {
    of.failed = 0;
    of.locked_until = now + settings_.lockout;
  }
}

HANAMI_SERVICE_INLINE void second_factors::clean() {
  const std::lock_guard lock(mutex_);
  const time now = std::chrono::steady_clock::now();
  std::erase_if(tries_, [&](const auto& entry) {
    return entry.second.locked_until <= now && now - entry.second.last > settings_.lockout;
  });
}

} // namespace hanami::service::access
