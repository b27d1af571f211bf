// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../base/refusal.hpp"
#include "../store/database.hpp"

namespace hanami::service::access {

/// A token for a program: it speaks for one user in one project, within its scopes.
struct api_token {
  std::string id;
  std::string user_id;
  std::string project_id;
  std::string name;
  std::uint8_t scopes = 0;        ///< a sum of `token_scope`
  std::uint64_t token_series = 0; ///< of the user, when it was made
  std::int64_t created_at = 0;    ///< milliseconds since 1970
  std::int64_t expires_at = 0;
  std::int64_t used_at = 0; ///< 0: never
};

/// What is told once.
struct made_api_token {
  api_token about;
  std::string text;
};

/// All API tokens, in memory, where each request looks, and in the database, by hashes only. Safe
/// from any thread. No rights are checked here.
class api_tokens {
 public:
  /// How all of them begin, so that programs that look for leaked secrets find them.
  static constexpr std::string_view prefix = "hanami_";
  static constexpr std::size_t most = 100; ///< of a user

  explicit api_tokens(store::database& db);
  /// Keeps when they were last used.
  ~api_tokens();
  api_tokens(const api_tokens&) = delete;
  api_tokens& operator=(const api_tokens&) = delete;

  /// `wanted`: all but id and times of use and making. `quota_exceeded` beyond `most`.
  made_api_token create(api_token wanted);
  /// Those of a user that are still good, the newest first. `token_series`: the user's.
  std::vector<api_token> list(std::string_view user_id, std::uint64_t token_series);
  /// `not_found` where the user has no such token.
  void remove(std::string_view user_id, std::string_view id);

  /// The token of that text, if it is there and has not expired, which counts as a use.
  std::shared_ptr<const api_token> use(std::string_view text);

  /// Writes down when they were used, and forgets what others have removed.
  void clean();

 private:
  struct kept {
    explicit kept(api_token read) : about(std::move(read)), used_at(about.used_at) {}
    const api_token about;
    std::atomic<std::int64_t> used_at;
    std::atomic<bool> changed{false}; ///< `used_at`, since it was written
  };
  using kept_tokens = std::unordered_map<std::string, std::shared_ptr<kept>>; ///< by hash

  void write_uses();
  kept_tokens read_all();

  store::database& db_;
  std::shared_mutex mutex_; ///< guards the rest
  kept_tokens tokens_;
};

} // namespace hanami::service::access
