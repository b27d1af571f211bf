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

/// What only HTTP knows: methods, sizes of heads and bodies, upgrades.
enum class transport_fault : std::uint8_t {
  method_not_allowed,
  too_slow,
  body_too_large,
  unknown_coding,
  invalid_range,
  unknown_expectation,
  upgrade_required,
  unknown_version, ///< of the WebSocket protocol
  header_too_large,
  too_many_connections
};
/// The `code` of every problem that a client may meet, each once.
std::vector<std::string> problem_codes();

/// What a client gets to read. Made from a `refusal`, or thrown as it is for what only HTTP knows.
class problem : public std::runtime_error {
 public:
  problem(transport_fault fault, const std::string& detail);
  problem(const refusal& why);

  unsigned status() const noexcept { return status_; } ///< 4xx or 5xx
  /// What a program can compare, in snake_case.
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
