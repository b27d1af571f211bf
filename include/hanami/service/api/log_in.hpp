// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "../access/authenticator.hpp"
#include "../base/clock.hpp"
#include "../base/refusal.hpp"
#include "../store/logs.hpp"
#include "request_context.hpp"
#include "services.hpp"

/// Logging in, as both APIs do it.

namespace hanami::service::api {

/// Refuses an address that comes too often; throws `too_many_requests`. For `endpoint::limit_rate`.
inline auto limit_of_logins(services& s) {
  return [&s](const http::request& from) { s.authenticator.count_login(from.address); };
}

/// As `authenticator::login`. Every attempt stands in the audit log, and in the operator's log in a
/// form that programs can read which keep such addresses out: "log-in of '...' from ... refused".
inline access::session_tokens log_in(services& s, const request_context& request,
                                     std::string_view user_id, std::string_view password,
                                     std::string_view project_id = {}, std::string_view code = {}) {
  const http::request& m = request.message;
  const auto note = [&](std::string_view project, unsigned status) {
    s.logs.add(store::audit_entry{now_ms(),
                                  std::string(user_id),
                                  std::string(project),
                                  m.method,
                                  m.path,
                                  request.endpoint->id,
                                  status,
                                  m.address,
                                  {}});
  };
  const std::string what = "log-in of '" + std::string(user_id) + "' from " + m.address;
  try {
    auto given = s.authenticator.login(
        {user_id, password, m.address, project_id, code, m.headers.get("User-Agent")});
    note(given.caller.project_id, request.endpoint->status);
    s.log.info("access", what);
    return given;
  } catch (const refusal& why) {
    note(project_id, why.code() == refusal_code::too_many_requests ? 429 : 401);
    if (why.code() == refusal_code::code_needed) { // no fault: the password was right
      s.log.info("access", what + " waits for the second factor");
    } else {
      s.log.warning("access", what + " refused: " + why.what());
    }
    throw;
  }
}

} // namespace hanami::service::api
