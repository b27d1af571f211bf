// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "message.hpp"

/// Refusals in HTTP: the one place that gives a `refusal` its status, and the one that writes
/// `application/problem+json` (RFC 9457).

namespace hanami::service::http {

/// What a client gets to read. Made from a `refusal`, or thrown as it is for what only HTTP knows:
/// methods, sizes of heads and bodies, upgrades.
class problem : public std::runtime_error {
 public:
  /// `status`: 4xx or 5xx. `code`: what a program can compare, in snake_case.
  problem(unsigned status, std::string code, const std::string& detail)
      : std::runtime_error(detail), status_(status), code_(std::move(code)) {}
  problem(const refusal& why);

  unsigned status() const noexcept { return status_; }
  const std::string& code() const noexcept { return code_; }

  std::vector<value_fault> faults; ///< of a request that failed its validation
  unsigned retry_after_s = 0;      ///< 0: not said
  std::string allowed;             ///< of 405: the methods that there are, "GET, POST"
  std::uint64_t length = 0;        ///< of 416: bytes that there are

 private:
  unsigned status_;
  std::string code_;
};

/// What a client may know of an exception; nothing: it is a fault of this program, to be reported
/// to the operator and answered with `internal_problem`.
std::optional<problem> problem_of(const std::exception_ptr& thrown);
problem internal_problem();

/// The words that belong to a status (RFC 9110): in status lines, and as titles of problems.
std::string_view title_of(unsigned status) noexcept;
json::object to_json(const problem& why);
/// With the fields that its status asks for.
response response_of(const problem& why);

} // namespace hanami::service::http
