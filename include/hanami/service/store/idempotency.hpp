// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "database.hpp"

namespace hanami::service::store {

/// What was answered to a request that carried an `Idempotency-Key`
/// (draft-ietf-httpapi-idempotency-key-header): the same user, key and request get the same answer
/// for a day, and the work is done once.
struct kept_answer {
  unsigned status = 0; ///< as the caller counts; never 0 in what is kept
  std::string body;
};

/// The answer to this request, if it was answered before; nothing: it may begin, and is marked as
/// begun. `print`: a hash of method, path and body. Throws `key_reused` where the key was used
/// for another request, `in_progress` while the first one is still running (a mark older than a
/// minute counts as given up).
std::optional<kept_answer> begin_idempotent(database& db, std::string_view user_id,
                                            std::string_view key, std::string_view print);
/// Keeps the answer, if the request is marked as begun.
void finish_idempotent(database& db, std::string_view user_id, std::string_view key,
                       const kept_answer& answer);
/// Forgets that the request has begun, so that it may be tried again.
void forget_idempotent(database& db, std::string_view user_id, std::string_view key);
/// Removes what is older than a day.
void clean_answers(database& db);

} // namespace hanami::service::store

#ifndef HANAMI_SERVICE_PRECOMPILED
#include "idempotency.ipp"
#endif
