// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "head.hpp"
#include "message.hpp"
#include "shard.hpp"

/// Answers: how they come back from whatever thread has made them, and their heads as text.

namespace hanami::service::http::detail {

/// Where one request's answer is put, from any thread, while its connection waits.
class reply_slot : public std::enable_shared_from_this<reply_slot> {
 public:
  explicit reply_slot(executor of) : executor_(std::move(of)) {}

  /// The first call counts.
  void give(std::optional<response> answer) {
    const std::lock_guard lock(mutex_);
    if (given_) {
      return;
    }
    given_ = true;
    answer_ = std::move(answer);
    if (armed_) {
      wake();
    }
  }

  /// On the connection's thread. Nothing: the connection is to end.
  coroutine<std::optional<response>> wait() {
    if (!given()) {
      co_await suspend(kept_, [this] { arm(); });
    }
    const std::lock_guard lock(mutex_);
    armed_ = false;
    co_return std::move(answer_);
  }

 private:
  bool given() {
    const std::lock_guard lock(mutex_);
    return given_;
  }
  void arm() {
    const std::lock_guard lock(mutex_);
    armed_ = true;
    if (given_) {
      wake();
    }
  }
  void wake() {
    asio::post(executor_, [self = shared_from_this()] { self->kept_.maybe_invoke(); });
  }

  executor executor_;
  std::mutex mutex_;
  bool given_ = false;
  bool armed_ = false; ///< a connection waits, so the executor is there
  std::optional<response> answer_;
  boost::beast::saved_handler kept_; ///< touched on the connection's thread only
};

/// A responder for the slot: answers 500 when all its copies are gone without a call.
inline responder make_responder(std::shared_ptr<reply_slot> slot) {
  struct promise {
    explicit promise(std::shared_ptr<reply_slot> to) : slot(std::move(to)) {}
    promise(const promise&) = delete;
    promise& operator=(const promise&) = delete;
    ~promise() {
      try {
        slot->give(response_of(internal_problem()));
      } catch (const std::exception&) { // out of memory: then the connection waits for the stop
      }
    }
    std::shared_ptr<reply_slot> slot;
  };
  return [kept = std::make_shared<promise>(std::move(slot))](response answer) {
    kept->slot->give(std::move(answer));
  };
}

/// Whether a field can be written without turning into something else.
inline bool is_field(std::string_view name, std::string_view value) {
  const auto plain = [](std::string_view text) {
    for (const char c : text) {
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) {
        return false;
      }
    }
    return true;
  };
  return !name.empty() && plain(name) && plain(value) &&
         name.find_first_of(": \t") == std::string_view::npos;
}

/// Whether the answer can be sent as it is.
inline bool is_sendable(const response& answer) {
  if (answer.status < 200 || answer.status > 599 ||
      !is_field("Content-Type", answer.content_type)) {
    return false;
  }
  for (const auto& [name, value] : answer.headers.all()) {
    if (!is_field(name, value)) {
      return false;
    }
  }
  return true;
}

/// How the body goes out and what comes after it.
struct framing {
  std::optional<std::uint64_t> length; ///< nothing: not known
  bool chunked = false;
  bool keep_alive = true;
  int version = 11;
  std::chrono::seconds https_only{0}; ///< for so long; 0: that is not said
};

inline bool has_no_content(unsigned status) { return status == 204 || status == 304; }

/// Appends status line and fields to `to`.
inline void write_head(std::string& to, const response& answer, const framing& how,
                       std::string_view date_line) {
  to += how.version >= 11 ? "HTTP/1.1 " : "HTTP/1.0 ";
  to += std::to_string(answer.status);
  to += ' ';
  to += title_of(answer.status);
  to += "\r\n";
  to += date_line;
  const auto add = [&to](std::string_view name, std::string_view value) {
    to += name;
    to += ": ";
    to += value;
    to += "\r\n";
  };
  if (!answer.content_type.empty()) {
    add("Content-Type", answer.content_type);
  }
  if (how.chunked) {
    add("Transfer-Encoding", "chunked");
  } else if (how.length && !has_no_content(answer.status)) {
    add("Content-Length", std::to_string(*how.length));
  }
  if (!how.keep_alive) {
    add("Connection", "close");
  } else if (how.version < 11) {
    add("Connection", "keep-alive");
  }
  if (answer.events) {
    add("Cache-Control", "no-store");
    add("X-Accel-Buffering", "no"); // nginx would keep events back
  }
  // Whatever a browser makes of an answer: it is of the type it says, and runs nothing.
  add("X-Content-Type-Options", "nosniff");
  if (answer.headers.get("Content-Security-Policy").empty()) {
    add("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  }
  if (how.https_only.count() > 0) {
    add("Strict-Transport-Security", "max-age=" + std::to_string(how.https_only.count()));
  }
  for (const auto& [name, value] : answer.headers.all()) {
    add(name, value);
  }
  to += "\r\n";
}

} // namespace hanami::service::http::detail
