// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Why a request is refused.

namespace hanami::service {

/// One fault of a request's values.
struct value_fault {
  std::string pointer; ///< JSON pointer into the body, or "query/<name>"
  std::string detail;  ///< what is wrong and what would be accepted
};

/// A refusal: what a client hears as `application/problem+json` (RFC 9457), or as the reference's
/// plain text. `what()` is the detail. Never holds anything that the caller may not know.
class problem : public std::runtime_error {
 public:
  /// `status`: 4xx or 5xx. `code`: what a program can compare, in snake_case.
  problem(unsigned status, std::string code, const std::string& detail)
      : std::runtime_error(detail), status_(status), code_(std::move(code)) {}

  unsigned status() const noexcept { return status_; }
  const std::string& code() const noexcept { return code_; }

  std::vector<value_fault> faults; ///< of a request that failed its validation
  unsigned retry_after_s = 0;      ///< 0: not said

 private:
  unsigned status_;
  std::string code_;
};

inline problem bad_request(const std::string& detail) { return {400, "bad_request", detail}; }
inline problem unauthorized(const std::string& detail) { return {401, "unauthorized", detail}; }
inline problem forbidden(const std::string& detail) { return {403, "forbidden", detail}; }
/// `kind` "cluster", `id` as asked for. What a caller may not see is not found, too.
inline problem not_found(const std::string& kind, const std::string& id) {
  return {404, "not_found", std::string("there is no ") + kind + " '" + id + "'"};
}
inline problem conflict(const std::string& detail) { return {409, "conflict", detail}; }
inline problem quota_exceeded(const std::string& detail) { return {403, "quota_exceeded", detail}; }

} // namespace hanami::service
