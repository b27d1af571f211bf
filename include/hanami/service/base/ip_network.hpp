// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include <arpa/inet.h>

/// Addresses of the internet protocols, and networks of them.

namespace hanami::service {

/// An address of IPv6 as it stands in a URL, in brackets; all else as it is.
inline std::string with_brackets(std::string_view host) {
  const bool bare = host.find(':') != std::string_view::npos && !host.starts_with('[');
  return bare ? '[' + std::string(host) + ']' : std::string(host);
}
/// "[::1]" as "::1"; all else as it is.
inline std::string_view without_brackets(std::string_view host) {
  const bool bracketed =
      host.starts_with('[') && host.ends_with(']') && host.find(':') != std::string_view::npos;
  return bracketed ? host.substr(1, host.size() - 2) : host;
}

/// An address of either version as 16 bytes, one of IPv4 as IPv6 maps it (RFC 4291, 2.5.5.2).
class ip_address {
 public:
  /// "192.0.2.1", "2001:db8::1", also in brackets or with a zone behind a %; nothing for anything
  /// else.
  static std::optional<ip_address> parse(std::string_view text) {
    text = without_brackets(text);
    const std::string plain(text.substr(0, text.find('%')));
    ip_address found;
    if (::inet_pton(AF_INET6, plain.c_str(), found.bytes_.data()) == 1) {
      return found;
    }
    found.bytes_ = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (plain.size() == text.size() &&
        ::inet_pton(AF_INET, plain.c_str(), found.bytes_.data() + 12) == 1) {
      return found;
    }
    return std::nullopt;
  }

  bool is_v4() const noexcept {
    constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(mapped.begin(), mapped.end(), bytes_.begin());
  }
  /// Of the machine itself: 127.0.0.0/8 and ::1.
  bool is_loopback() const noexcept {
    constexpr std::array<std::uint8_t, 16> one{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return is_v4() ? bytes_[12] == 127 : bytes_ == one;
  }
  const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

/// "10.0.0.0/8", "2001:db8::/32", or a single address.
class ip_network {
 public:
  static std::optional<ip_network> parse(std::string_view text) {
    const std::size_t slash = std::min(text.find('/'), text.size());
    const auto first = ip_address::parse(text.substr(0, slash));
    if (!first) {
      return std::nullopt;
    }
    const unsigned most = first->is_v4() ? 32 : 128;
    unsigned bits = most;
    if (slash < text.size()) {
      const std::string_view number = text.substr(slash + 1);
      const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), bits);
      if (number.empty() || fault != std::errc{} || end != number.data() + number.size() ||
          bits > most) {
        return std::nullopt;
      }
    }
    return ip_network(*first, bits + (128 - most));
  }

  bool contains(const ip_address& address) const noexcept {
    const std::size_t whole = bits_ / 8;
    const auto& a = address.bytes();
    const auto& b = first_.bytes();
    if (!std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(whole), b.begin())) {
      return false;
    }
    const unsigned rest = bits_ % 8;
    return rest == 0 || (a[whole] >> (8 - rest)) == (b[whole] >> (8 - rest));
  }

 private:
  ip_network(const ip_address& first, unsigned bits) : first_(first), bits_(bits) {}

  ip_address first_;
  unsigned bits_; ///< of the mapped address that all of the network share
};

/// What limits count as one address: a whole IPv6 /64 network, since whoever has one of its
/// addresses has them all. The text itself where it is no address.
inline std::string network_of(std::string_view address) {
  const auto parsed = ip_address::parse(address);
  if (!parsed) {
    return std::string(address);
  }
  const auto* bytes = reinterpret_cast<const char*>(parsed->bytes().data());
  return parsed->is_v4() ? std::string(bytes + 12, 4) : std::string(bytes, 8);
}

} // namespace hanami::service
