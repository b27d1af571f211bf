// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/ip_network.hpp"
#include "../../base/refusal.hpp"

/// Where a URL leads, and who may be asked there on behalf of users.

namespace hanami::service::http {

struct web_address {
  bool secure = false;
  std::string host; ///< a name, or an address without brackets
  std::string port;
  std::string target; ///< path and query
  std::string field;  ///< `Host`
};

/// From "https://host[:port][/path][?query]", in ASCII. Throws `refusal` (`invalid_value`).
inline web_address parse_web_address(std::string_view url) {
  const auto refuse = [](const char* why) -> refusal {
    return invalid_value_at("/url",
                            std::string(why) + "; https://example.org/alarms is what is wanted");
  };
  if (url.size() > 2048) {
    throw refuse("more than 2048 characters");
  }
  if (std::any_of(url.begin(), url.end(), [](char c) { return c <= ' ' || c > '~'; })) {
    throw refuse("blanks and what is not ASCII have to be encoded");
  }
  web_address to;
  to.secure = url.starts_with("https://");
  if (!to.secure && !url.starts_with("http://")) {
    throw refuse("begins neither with https:// nor with http://");
  }
  url.remove_prefix(to.secure ? 8 : 7);
  const std::size_t end = std::min(url.find_first_of("/?#\\"), url.size());
  const std::string_view place = url.substr(0, end);
  const std::string_view rest = url.substr(end);
  if (rest.find_first_of("#\\") != std::string_view::npos) {
    throw refuse("no part behind a # and no \\ are sent");
  }
  if (place.find('@') != std::string_view::npos) {
    throw refuse("no name and password; the signature is what tells who sends");
  }
  to.target = rest.starts_with('/') ? std::string(rest) : '/' + std::string(rest);
  to.field = place;
  to.port = to.secure ? "443" : "80";
  std::string_view host = place;
  const std::size_t colon = place.rfind(':');
  if (colon != std::string_view::npos && place.find(']', colon) == std::string_view::npos) {
    const std::string_view digits = place.substr(colon + 1);
    unsigned number = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || number == 0 ||
        number > 65535) {
      throw refuse("its port is not a number from 1 to 65535");
    }
    to.port = std::to_string(number);
    host = place.substr(0, colon);
  }
  const bool bracketed = host.starts_with('[');
  to.host = without_brackets(host);
  const bool good = bracketed
                        ? ip_address::parse(host).has_value() && host.ends_with(']')
                        : to.host.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQR"
                                                    "STUVWXYZ0123456789-._") == std::string::npos;
  if (to.host.empty() || to.host.size() > 253 || !good) {
    throw refuse("it names no host");
  }
  return to;
}

/// Whether an address is one of the open internet: none of a machine itself, of a private network,
/// of a link, of documentation, nor one that leads on to others (RFC 6890 and IANA's registries of
/// special-purpose addresses).
inline bool is_public(const ip_address& address) {
  static const std::vector<ip_network> special = [] {
    std::vector<ip_network> all;
    for (const char* each :
         {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
          "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
          "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
          "203.0.113.0/24", "224.0.0.0/3",
          // Of what is given out of IPv6: Teredo and other protocols, documentation, 6to4.
          "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"}) {
      all.push_back(*ip_network::parse(each));
    }
    return all;
  }();
  static const ip_network given_out = *ip_network::parse("2000::/3");
  return (address.is_v4() || given_out.contains(address)) &&
         std::none_of(special.begin(), special.end(),
                      [&](const ip_network& each) { return each.contains(address); });
}

/// Which addresses users may have asked: public ones, and those that the operator names.
class reachable_addresses {
 public:
  /// `private_networks` as in the settings; those that are none are left out.
  explicit reachable_addresses(const std::vector<std::string>& private_networks) {
    for (const std::string& each : private_networks) {
      if (const auto network = ip_network::parse(each)) {
        more_.push_back(*network);
      }
    }
  }
  bool contains(const ip_address& address) const {
    return is_public(address) ||
           std::any_of(more_.begin(), more_.end(),
                       [&](const ip_network& each) { return each.contains(address); });
  }

 private:
  std::vector<ip_network> more_;
};

} // namespace hanami::service::http
