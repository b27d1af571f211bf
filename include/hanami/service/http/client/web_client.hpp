// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../../base/ip_network.hpp"
#include "../../base/logger.hpp"
#include "web_address.hpp"

namespace hanami::service::http {

struct web_request {
  web_address to;
  bool reads = false; ///< GET, without a body; else POST
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
  std::size_t most_answer = 0; ///< bytes of the answer's body; 0: it is not read
};

struct web_result {
  unsigned status = 0;      ///< 0: no answer came
  std::uint32_t wait_s = 0; ///< `Retry-After`, in seconds; 0: none
  std::string trouble;      ///< why there is no answer
  std::string body;
};

struct web_client_settings {
  std::filesystem::path authorities;         ///< PEM, beside those of the system; empty: none
  std::string authorities_name;              ///< of the setting
  std::chrono::milliseconds timeout{15'000}; ///< from connecting to the end of the answer
  std::function<bool(const ip_address&)> may_reach;
  std::string unreachable; ///< what is said of a host without an address that may be reached
};

/// Sends requests to others, many at a time on one thread of its own. A name is resolved, its
/// addresses are checked, and just those are connected to; redirects are not followed, proxies of
/// the environment not asked. Safe from any thread.
class web_client {
 public:
  /// Throws `errc::invalid_argument` where the file of authorities holds no certificates. `name`:
  /// of its thread and in the log, 15 characters at most.
  web_client(web_client_settings settings, logger& log, const char* name);
  /// What is under way is dropped, and nobody called.
  ~web_client();
  web_client(const web_client&) = delete;
  web_client& operator=(const web_client&) = delete;

  /// `done` is called once, on the client's thread; it must return quickly.
  void send(web_request what, std::function<void(web_result)> done);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::http
