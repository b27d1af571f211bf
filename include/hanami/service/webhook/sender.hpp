// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../base/runtime.hpp"
#include "../base/settings.hpp"
#include "web_address.hpp"

namespace hanami::service::webhooks {

struct post_request {
  web_address to;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;
};

struct post_result {
  unsigned status = 0;      ///< 0: no answer came
  std::uint32_t wait_s = 0; ///< `Retry-After`, in seconds; 0: none
  std::string trouble;      ///< why there is no answer
};

/// Sends requests to where users want them sent, many at a time on one thread of its own. A name is
/// resolved, its addresses are checked, and just those are connected to; redirects are not
/// followed, proxies of the environment not asked; of the answer only the head is read. Safe from
/// any thread.
class sender {
 public:
  /// Throws `errc::invalid_argument` where `webhook.authorities` holds no certificates.
  sender(const webhook_settings& settings, logger& log);
  /// What is under way is dropped, and nobody called.
  ~sender();
  sender(const sender&) = delete;
  sender& operator=(const sender&) = delete;

  /// `done` is called once, on the sender's thread; it must return quickly.
  void send(post_request what, std::function<void(post_result)> done);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::webhooks
