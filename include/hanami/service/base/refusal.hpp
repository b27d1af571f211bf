// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// Why something is refused, as codes; only `http/problem.hpp` translates them to HTTP.

namespace hanami::service {

enum class refusal_code : std::uint8_t {
  // The request is wrong.
  bad_request,
  invalid_value,
  invalid_template,
  invalid_data, ///< a file does not have the format it should have
  invalid_checkpoint,
  too_large,     ///< beyond the memory that a cluster may take
  too_many_gaps, ///< in an upload
  key_reused,    ///< an idempotency key came with another request
  // The caller may not do it.
  unauthenticated,
  code_needed, ///< beside the password: of the second factor
  forbidden,
  second_factor_missing, ///< the operator wants one
  quota_exceeded,
  too_many_requests,
  // It does not fit the current state.
  not_found, ///< or may not be seen by the caller
  conflict,
  incomplete,  ///< an upload
  in_progress, ///< the first request with an idempotency key
  version_mismatch,
  // The service cannot do it, or not at the moment.
  starting,
  stopping,
  busy,
  no_memory, ///< for clusters: those that are in use take all that there is
  no_space,  ///< on the service's disk
  damaged,   ///< a file on disk cannot be read
  internal
};

/// What a program can compare, in snake_case; clients see it.
constexpr std::string_view name_of(refusal_code code) noexcept {
  switch (code) {
  case refusal_code::bad_request:
    return "bad_request";
  case refusal_code::invalid_value:
    return "invalid_value";
  case refusal_code::invalid_template:
    return "invalid_template";
  case refusal_code::invalid_data:
    return "invalid_data";
  case refusal_code::invalid_checkpoint:
    return "invalid_checkpoint";
  case refusal_code::too_large:
    return "too_large";
  case refusal_code::too_many_gaps:
    return "too_many_gaps";
  case refusal_code::key_reused:
    return "key_reused";
  case refusal_code::unauthenticated:
    return "unauthorized";
  case refusal_code::code_needed:
    return "code_needed";
  case refusal_code::forbidden:
    return "forbidden";
  case refusal_code::second_factor_missing:
    return "second_factor_missing";
  case refusal_code::quota_exceeded:
    return "quota_exceeded";
  case refusal_code::too_many_requests:
    return "too_many_requests";
  case refusal_code::not_found:
    return "not_found";
  case refusal_code::conflict:
    return "conflict";
  case refusal_code::incomplete:
    return "incomplete";
  case refusal_code::in_progress:
    return "in_progress";
  case refusal_code::version_mismatch:
    return "version_mismatch";
  case refusal_code::starting:
    return "starting";
  case refusal_code::stopping:
    return "stopping";
  case refusal_code::busy:
    return "busy";
  case refusal_code::no_memory:
    return "no_memory";
  case refusal_code::no_space:
    return "no_space";
  case refusal_code::damaged:
    return "damaged";
  case refusal_code::internal:
    break;
  }
  return "internal";
}

/// One fault of a request's values.
struct value_fault {
  std::string pointer; ///< JSON pointer into the body, or "query/<name>"
  std::string detail;  ///< what is wrong and what would be accepted
};

/// `what()` says what is wrong and what would be accepted. Contains nothing that the caller may not
/// know.
class refusal : public std::runtime_error {
 public:
  refusal(refusal_code code, const std::string& detail) : std::runtime_error(detail), code_(code) {}

  refusal_code code() const noexcept { return code_; }

  std::vector<value_fault> faults; ///< of a request that failed its validation
  unsigned retry_after_s = 0;      ///< 0: unknown

 private:
  refusal_code code_;
};

inline refusal bad_request(const std::string& detail) {
  return {refusal_code::bad_request, detail};
}
inline refusal unauthenticated(const std::string& detail) {
  return {refusal_code::unauthenticated, detail};
}
inline refusal forbidden(const std::string& detail) { return {refusal_code::forbidden, detail}; }
/// `kind`: "cluster", for example; `id` as requested. Also for what the caller may not see.
inline refusal not_found(const std::string& kind, const std::string& id) {
  return {refusal_code::not_found, std::string("there is no ") + kind + " '" + id + "'"};
}
inline refusal conflict(const std::string& detail) { return {refusal_code::conflict, detail}; }
inline refusal quota_exceeded(const std::string& detail) {
  return {refusal_code::quota_exceeded, detail};
}
inline refusal invalid_value(const std::string& detail) {
  return {refusal_code::invalid_value, detail};
}
/// With the place of the fault: a JSON pointer into the body, or "query/<name>".
inline refusal invalid_value_at(std::string pointer, const std::string& detail) {
  refusal why = invalid_value(pointer + ": " + detail);
  why.faults.push_back({std::move(pointer), detail});
  return why;
}
inline refusal too_many_files() {
  refusal why(refusal_code::busy, "too many files are open here; try again in a moment");
  why.retry_after_s = 1;
  return why;
}
inline refusal disk_is_full() {
  return {refusal_code::no_space, "the disk of the service is full"};
}

} // namespace hanami::service
