// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "../base/refusal.hpp"
#include "database.hpp"

namespace hanami::service::store {

/// The answer to a request with an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header):
/// for a day, the same request by the same user with the same key gets the same answer, and its
/// work is done only once.
struct kept_answer {
  unsigned status = 0; ///< as the caller counts; never 0 in what is kept
  std::string body;
};

/// The answer to this request, if it has been answered before; nothing: it may proceed, and is
/// marked as in progress. `owner`: whose keys these are, a user in a project. `print`: a hash of
/// method, path and body. Throws `key_reused` where the key was used for a different request,
/// `in_progress` while the first one is still running (after a minute it is considered abandoned).
std::optional<kept_answer> begin_idempotent(database& db, std::string_view owner,
                                            std::string_view key, std::string_view print);
/// Stores the answer of a request in progress.
void finish_idempotent(database& db, std::string_view owner, std::string_view key,
                       const kept_answer& answer);
/// Forgets a request in progress, so that it may be repeated.
void forget_idempotent(database& db, std::string_view owner, std::string_view key);
/// Removes answers older than a day.
void clean_answers(database& db);

} // namespace hanami::service::store
