// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/ssl/stream.hpp>

#include "../../foundation/error.hpp"
#include "../base/ip_network.hpp"
#include "../base/settings.hpp"
#include "address_counts.hpp"
#include "forwarded.hpp"
#include "message.hpp"
#include "shard.hpp"

/// What sessions of all kinds share.

namespace hanami::service::http::detail {

using tls_socket = asio::ssl::stream<tcp_socket>;

/// What one server's connections work with. It outlives them.
struct transport {
  application& answers;
  http_settings settings;
  std::chrono::seconds https_only; ///< for which browsers are told so
  std::vector<ip_network> proxies; ///< that are trusted
  address_counts addresses;
  work_group workers; ///< what may wait
  std::atomic<bool> stopping{false};
  std::atomic<std::uint16_t> secure_port{0}; ///< where the redirecting listener sends to

  transport(application& a, const http_settings& s, const tls_settings& tls, worker_pool& pool)
      : answers(a), settings(s), https_only(tls.remember), workers(pool, work_kind::request) {
    for (const std::string& each : settings.trusted_proxies) {
      const auto network = ip_network::parse(each);
      if (!network) {
        raise(errc::invalid_argument,
              "http.trusted_proxies: '" + each + "' is no address and no network");
      }
      proxies.push_back(*network);
    }
  }
};

inline tcp_socket& lowest(tcp_socket& stream) { return stream; }
inline tcp_socket& lowest(tls_socket& stream) { return stream.next_layer(); }

/// Of the other side; empty where it has gone.
inline std::string address_of(const tcp_socket& socket) {
  error_code gone;
  const auto address = socket.remote_endpoint(gone).address();
  if (gone) {
    return {};
  }
  return address.is_v6() && address.to_v6().is_v4_mapped()
             ? asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string()
             : address.to_string();
}

inline void close_quietly(tcp_socket& socket) {
  error_code ignored;
  socket.close(ignored);
}

/// Whether the peer has closed its side, or is gone.
inline bool peer_is_gone(tcp_socket& socket) {
  ::pollfd asked{socket.native_handle(), POLLRDHUP, 0};
  return ::poll(&asked, 1, 0) != 0;
}

/// Bytes that the peer has acknowledged so far; nothing: the system does not say.
inline std::optional<std::uint64_t> acknowledged_bytes(tcp_socket& socket) {
  // <netinet/tcp.h> knows the structure's beginning only; the field has this place since Linux 4.1.
  constexpr std::size_t place_of_acknowledged = 120;
  unsigned char info[192] = {};
  ::socklen_t size = sizeof info;
  if (::getsockopt(socket.native_handle(), IPPROTO_TCP, TCP_INFO, info, &size) != 0 ||
      size < place_of_acknowledged + sizeof(std::uint64_t)) {
    return std::nullopt;
  }
  std::uint64_t bytes = 0;
  std::memcpy(&bytes, info + place_of_acknowledged, sizeof bytes);
  return bytes;
}

/// Tells a peer that takes its time from one that takes nothing: asked when a time-out has passed
/// during a write, it wants some kilobytes to have been taken since it was last asked.
class write_progress {
 public:
  void begin() noexcept { asked_ = false; }
  bool goes_on(tcp_socket& socket) {
    constexpr std::uint64_t least = 4096;
    const std::optional<std::uint64_t> now = acknowledged_bytes(socket);
    const bool moved = now && (!asked_ || *now >= seen_ + least);
    asked_ = true;
    seen_ = now.value_or(0);
    return moved;
  }

 private:
  bool asked_ = false;
  std::uint64_t seen_ = 0;
};

/// Keeps who sends a body slowly, to hold a connection for hours, from doing so: beside the time
/// that every piece has, the body as a whole must come at a least rate. Only the waiting counts.
class read_pace {
 public:
  void begin() noexcept {
    waited_ = {};
    bytes_ = 0;
  }
  /// How long the next piece may be waited for.
  std::chrono::milliseconds next(std::chrono::milliseconds piece, std::size_t bytes_a_second) {
    asked_ = steady::now();
    const std::chrono::duration<double> earned(static_cast<double>(bytes_) /
                                               static_cast<double>(bytes_a_second));
    const auto left = piece + std::chrono::duration_cast<std::chrono::milliseconds>(earned) -
                      std::chrono::duration_cast<std::chrono::milliseconds>(waited_);
    return std::clamp(left, std::chrono::milliseconds(0), piece);
  }
  void came(std::size_t bytes) {
    waited_ += steady::now() - asked_;
    bytes_ += bytes;
  }

 private:
  steady::time_point asked_{};
  steady::duration waited_{};
  std::uint64_t bytes_ = 0;
};

} // namespace hanami::service::http::detail
