// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "problem.hpp"

#include "../../foundation/error.hpp"
#include "../base/compile.hpp"

namespace hanami::service::http {

namespace detail {

constexpr unsigned status_of(refusal_code code) noexcept {
  switch (code) {
  case refusal_code::bad_request:
    return 400;
  case refusal_code::unauthenticated:
  case refusal_code::code_needed:
    return 401;
  case refusal_code::forbidden:
  case refusal_code::second_factor_missing:
  case refusal_code::quota_exceeded:
    return 403;
  case refusal_code::not_found:
    return 404;
  case refusal_code::conflict:
  case refusal_code::incomplete:
  case refusal_code::in_progress:
    return 409;
  case refusal_code::version_mismatch:
    return 412;
  case refusal_code::invalid_value:
  case refusal_code::invalid_template:
  case refusal_code::invalid_data:
  case refusal_code::invalid_checkpoint:
  case refusal_code::too_large:
  case refusal_code::too_many_gaps:
  case refusal_code::key_reused:
    return 422;
  case refusal_code::too_many_requests:
    return 429;
  case refusal_code::starting:
  case refusal_code::stopping:
  case refusal_code::busy:
  case refusal_code::no_memory:
    return 503;
  case refusal_code::no_space:
    return 507;
  case refusal_code::damaged:
  case refusal_code::internal:
    break;
  }
  return 500;
}

/// The status and the code of a fault.
constexpr std::pair<unsigned, std::string_view> words_of(transport_fault fault) noexcept {
  switch (fault) {
  case transport_fault::method_not_allowed:
    return {405, "method_not_allowed"};
  case transport_fault::too_slow:
    return {408, "too_slow"};
  case transport_fault::body_too_large:
    return {413, "body_too_large"};
  case transport_fault::unknown_coding:
    return {415, "unknown_coding"};
  case transport_fault::invalid_range:
    return {416, "invalid_range"};
  case transport_fault::unknown_expectation:
    return {417, "unknown_expectation"};
  case transport_fault::upgrade_required:
    return {426, "upgrade_required"};
  case transport_fault::unknown_version:
    return {426, "unknown_version"};
  case transport_fault::header_too_large:
    return {431, "header_too_large"};
  case transport_fault::too_many_connections:
    break;
  }
  return {503, "too_many_connections"};
}

} // namespace detail

HANAMI_SERVICE_INLINE std::vector<std::string> problem_codes() {
  std::vector<std::string> codes;
  for (unsigned i = 0; i <= static_cast<unsigned>(refusal_code::internal); ++i) {
    codes.emplace_back(name_of(static_cast<refusal_code>(i)));
  }
  for (unsigned i = 0; i <= static_cast<unsigned>(transport_fault::too_many_connections); ++i) {
    codes.emplace_back(detail::words_of(static_cast<transport_fault>(i)).second);
  }
  return codes;
}

HANAMI_SERVICE_INLINE problem::problem(transport_fault fault, const std::string& text)
    : std::runtime_error(text), status_(detail::words_of(fault).first),
      code_(detail::words_of(fault).second) {}

HANAMI_SERVICE_INLINE problem::problem(const refusal& why)
    : std::runtime_error(why.what()), faults(why.faults), retry_after_s(why.retry_after_s),
      status_(detail::status_of(why.code())), code_(name_of(why.code())) {}

HANAMI_SERVICE_INLINE std::optional<problem> problem_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const problem& why) {
    return why;
  } catch (const refusal& why) {
    return why;
  } catch (const error& e) {
    return e.code() == errc::too_many_files ? std::optional<problem>(too_many_files())
                                            : std::nullopt;
  } catch (...) {
    return std::nullopt;
  }
}

HANAMI_SERVICE_INLINE problem internal_problem() {
  return refusal(refusal_code::internal, "something went wrong here; the operator's log says what");
}

HANAMI_SERVICE_INLINE std::string_view title_of(unsigned status) noexcept {
  switch (status) {
  case 101:
    return "Switching Protocols";
  case 200:
    return "OK";
  case 201:
    return "Created";
  case 202:
    return "Accepted";
  case 204:
    return "No Content";
  case 206:
    return "Partial Content";
  case 304:
    return "Not Modified";
  case 308:
    return "Permanent Redirect";
  case 400:
    return "Bad Request";
  case 401:
    return "Unauthorized";
  case 403:
    return "Forbidden";
  case 404:
    return "Not Found";
  case 405:
    return "Method Not Allowed";
  case 408:
    return "Request Timeout";
  case 409:
    return "Conflict";
  case 412:
    return "Precondition Failed";
  case 413:
    return "Content Too Large";
  case 415:
    return "Unsupported Media Type";
  case 416:
    return "Range Not Satisfiable";
  case 417:
    return "Expectation Failed";
  case 422:
    return "Unprocessable Content";
  case 426:
    return "Upgrade Required";
  case 429:
    return "Too Many Requests";
  case 431:
    return "Request Header Fields Too Large";
  case 500:
    return "Internal Server Error";
  case 503:
    return "Service Unavailable";
  case 507:
    return "Insufficient Storage";
  default:
    return status < 400 ? "Other" : status < 500 ? "Client Error" : "Server Error";
  }
}

HANAMI_SERVICE_INLINE json::object to_json(const problem& why) {
  json::object body{{"type", "about:blank"},
                    {"title", title_of(why.status())},
                    {"status", why.status()},
                    {"code", why.code()},
                    {"detail", why.what()}};
  if (!why.faults.empty()) {
    json::array faults;
    for (const value_fault& fault : why.faults) {
      faults.push_back(json::object{{"pointer", fault.pointer}, {"detail", fault.detail}});
    }
    body["errors"] = std::move(faults);
  }
  return body;
}

HANAMI_SERVICE_INLINE response response_of(const problem& why) {
  response refused;
  refused.status = why.status();
  refused.content_type = "application/problem+json";
  refused.body = json::serialize(to_json(why));
  if (why.retry_after_s > 0) {
    refused.headers.add("Retry-After", std::to_string(why.retry_after_s));
  }
  if (why.status() == 405) {
    refused.headers.add("Allow", why.allowed);
  }
  if (why.status() == 415) {
    refused.headers.add("Accept-Encoding", "gzip");
  }
  if (why.status() == 416) {
    refused.headers.add("Content-Range", "bytes */" + std::to_string(why.length));
  }
  if (why.status() == 401) {
    refused.headers.add("WWW-Authenticate", "Bearer");
  }
  return refused;
}

} // namespace hanami::service::http
