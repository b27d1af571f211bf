// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "service/support/http_peer.hpp"
#include "service/support/server_fixture.hpp"

/// Where messages of webhooks go.

namespace server_test {

/// Somebody who takes messages, at /hook, with statuses as they are wanted.
class receiver {
 public:
  explicit receiver(const hanami::service::tls_settings& tls = {}) {
    app_.paths["/hook"] = [this](http::request got, const std::shared_ptr<http::admitted_request>&,
                                 const http::responder& give) {
      http::response answer = small_application::plain("thank you");
      {
        const std::lock_guard lock(mutex_);
        answer.status = statuses_.empty() ? 200 : statuses_.front();
        if (statuses_.size() > 1) {
          statuses_.erase(statuses_.begin());
        }
        got_.push_back(std::move(got));
      }
      if (answer.status == 302) {
        answer.headers.add("Location", "/other");
      }
      give(std::move(answer));
    };
    app_.paths["/other"] = [this](const http::request&,
                                  const std::shared_ptr<http::admitted_request>&,
                                  const http::responder& give) {
      const std::lock_guard lock(mutex_);
      ++others_;
      give(small_application::plain("not here"));
    };
    server_ = std::make_unique<lone_server>(app_, any_port(), tls);
  }

  /// Of the answers to come; the last one from then on.
  void answer_with(std::vector<unsigned> statuses) {
    const std::lock_guard lock(mutex_);
    statuses_ = std::move(statuses);
  }
  std::vector<http::request> got() const {
    const std::lock_guard lock(mutex_);
    return got_;
  }
  bool gets(std::size_t count) const {
    return comes_true([&] { return got().size() >= count; });
  }
  int others() const {
    const std::lock_guard lock(mutex_);
    return others_;
  }
  std::uint16_t port() const { return server_->port(); }
  std::string url(const std::string& begin = "http://127.0.0.1:") const {
    return begin + std::to_string(port()) + "/hook";
  }

 private:
  mutable std::mutex mutex_;
  std::vector<unsigned> statuses_;
  std::vector<http::request> got_;
  int others_ = 0;
  small_application app_;
  std::unique_ptr<lone_server> server_;
};

inline void may_reach_here(server_config& config) {
  config.webhook.private_networks = {"127.0.0.0/8", "::1"};
  config.webhook.retry = std::chrono::milliseconds(1);
  config.webhook.tries = 4;
}

/// As a receiver verifies it, with nothing of the service's.
inline std::string expected_signature(const std::string& secret, const http::request& got) {
  REQUIRE(secret.starts_with("whsec_"));
  unsigned char key[64];
  const std::string text = secret.substr(6);
  const int size = EVP_DecodeBlock(key, reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  REQUIRE(size == 33); // the last one fills up
  const std::string content = std::string(got.headers.get("webhook-id")) + '.' +
                              std::string(got.headers.get("webhook-timestamp")) + '.' + got.body;
  unsigned char sum[32];
  unsigned length = 0;
  HMAC(EVP_sha256(), key, 32, reinterpret_cast<const unsigned char*>(content.data()),
       content.size(), sum, &length);
  unsigned char coded[64];
  const int coded_size = EVP_EncodeBlock(coded, sum, 32);
  return "v1," + std::string(coded, coded + coded_size);
}

} // namespace server_test
