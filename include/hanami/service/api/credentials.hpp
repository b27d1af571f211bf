// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "../http/message.hpp"

/// The access token in a request. All views refer to the request.

namespace hanami::service::api {

/// The prefix of an access token in Sec-WebSocket-Protocol, the only field that browsers can set
/// for a WebSocket.
inline constexpr std::string_view bearer_protocol = "bearer.";

/// The access token of a request: `Authorization: Bearer ...`, the scheme in any case (RFC 9110,
/// 11.1), or `X-Auth-Token`; empty: none.
inline std::string_view token_of(const http::request& from) {
  constexpr std::string_view scheme = "bearer";
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  const std::string_view field = from.headers.get("Authorization");
  if (field.size() > scheme.size() && field[scheme.size()] == ' ' &&
      std::equal(scheme.begin(), scheme.end(), field.begin(),
                 [&](char wanted, char found) { return same(found, wanted); })) {
    const std::size_t token = field.find_first_not_of(' ', scheme.size());
    return field.substr(std::min(token, field.size()));
  }
  return from.headers.get("X-Auth-Token");
}

/// The protocols listed in Sec-WebSocket-Protocol.
inline std::vector<std::string_view> offered_protocols(const http::request& from) {
  std::vector<std::string_view> words;
  for (std::string_view rest : from.headers.get_all("Sec-WebSocket-Protocol")) {
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(", \t"), rest.size());
      if (end > 0) {
        words.push_back(rest.substr(0, end));
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  return words;
}

} // namespace hanami::service::api
