// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "../base/ip_network.hpp"
#include "message.hpp"

/// Who has sent a request, where proxies stand between.

namespace hanami::service::http {

inline constexpr const char* forwarding_fields[] = {"X-Forwarded-For", "Forwarded", "X-Real-IP",
                                                    "Via"};

/// Whether a proxy stands between, or the client says so.
inline bool is_forwarded(const fields& headers) {
  return std::any_of(std::begin(forwarding_fields), std::end(forwarding_fields),
                     [&](const char* each) { return !headers.get(each).empty(); });
}

namespace detail {

inline bool is_one_of(const std::vector<ip_network>& networks, std::string_view address) {
  const auto parsed = ip_address::parse(address);
  return parsed && std::any_of(networks.begin(), networks.end(),
                               [&](const ip_network& each) { return each.contains(*parsed); });
}

/// Without the port that some proxies write behind: "192.0.2.1:4711", "[2001:db8::1]:4711".
inline std::string_view without_port(std::string_view address) {
  if (address.starts_with('[')) {
    return address.substr(1, std::min(address.find(']'), address.size()) - 1);
  }
  const std::size_t colon = address.find(':');
  return colon == address.rfind(':') ? address.substr(0, colon) : address;
}

/// The entries of all X-Forwarded-For fields, the nearest proxy's first.
inline std::vector<std::string_view> forwarded_for(const fields& headers) {
  std::vector<std::string_view> entries;
  for (std::string_view rest : headers.get_all("X-Forwarded-For")) {
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find_first_of(", \t"), rest.size());
      if (end > 0) {
        entries.push_back(without_port(rest.substr(0, end)));
      }
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }
  std::reverse(entries.begin(), entries.end());
  return entries;
}

/// Takes the client's address, and whether it came through TLS, from what proxies say of it, as far
/// as they are trusted: whatever else is in these fields, clients have written themselves.
inline void see_through_proxies(request& seen, const std::vector<ip_network>& trusted) {
  if (trusted.empty() || !is_one_of(trusted, seen.address)) {
    return;
  }
  seen.secure = seen.secure || seen.headers.get("X-Forwarded-Proto") == "https";
  for (const std::string_view entry : forwarded_for(seen.headers)) {
    if (!ip_address::parse(entry)) {
      return;
    }
    seen.address = entry;
    if (!is_one_of(trusted, entry)) {
      return;
    }
  }
}

} // namespace detail

} // namespace hanami::service::http
