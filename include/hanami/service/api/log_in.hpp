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

/// Writes an attempt to the audit log.
inline void note_log_in(services& s, const request_context& request, std::string_view user_id,
                        std::string_view project_id, unsigned status) {
  const http::request& m = request.message;
  s.logs.add(store::audit_entry{now_ms(),
                                std::string(user_id),
                                std::string(project_id),
                                m.method,
                                m.path,
                                request.endpoint->id,
                                status,
                                m.address,
                                {}});
}

/// The session that `enter()` gives. Every attempt stands in the audit log, and in the operator's
/// log in a form that programs can read which keep such addresses out: "log-in of '...' from ...
/// refused".
template <class Enter>
access::session_tokens noted_log_in(services& s, const request_context& request,
                                    std::string_view user_id, std::string_view project_id,
                                    Enter enter) {
  const std::string what =
      "log-in of '" + std::string(user_id) + "' from " + request.message.address;
  try {
    access::session_tokens given = enter();
    note_log_in(s, request, user_id, given.caller.project_id, request.endpoint->status);
    s.log.info("access", what);
    return given;
  } catch (const refusal& why) {
    note_log_in(s, request, user_id, project_id,
                why.code() == refusal_code::too_many_requests ? 429 : 401);
    if (why.code() == refusal_code::code_needed) { // no fault: the password was right
      s.log.info("access", what + " waits for the second factor");
    } else {
      s.log.warning("access", what + " refused: " + why.what());
    }
    throw;
  }
}

/// As `authenticator::login`, noted.
inline access::session_tokens log_in(services& s, const request_context& request,
                                     std::string_view user_id, std::string_view password,
                                     std::string_view project_id = {}, std::string_view code = {}) {
  const http::request& m = request.message;
  return noted_log_in(s, request, user_id, project_id, [&] {
    return s.authenticator.login(
        {user_id, password, m.address, project_id, code, m.headers.get("User-Agent")});
  });
}

} // namespace hanami::service::api
