// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "message.hpp"
#include "shard.hpp"

/// The side of a WebSocket that other threads see: what waits to be sent, and the sign that the
/// next message may be read.

namespace hanami::service::http::detail {

/// What goes out, in its order.
struct outgoing {
  enum class kind { text, binary, ping, close };
  kind what = kind::text;
  std::string data; ///< or the reason to close
  std::uint16_t code = 0;
};

/// What a link needs of the session on the network thread.
class link_target {
 public:
  virtual ~link_target() = default;
  /// There is something to send.
  virtual void flush() = 0;
  /// The message that was handed over is done with.
  virtual void go_on() = 0;
};

class socket_link final : public http::socket, public std::enable_shared_from_this<socket_link> {
 public:
  static constexpr std::size_t most_waiting = std::size_t{64} << 20;

  explicit socket_link(executor of) : executor_(std::move(of)) {}

  void send(std::string message, bool binary) override {
    const std::size_t size = message.size();
    put({binary ? outgoing::kind::binary : outgoing::kind::text, std::move(message), 0}, size);
  }
  void close(std::uint16_t code, std::string_view reason) override {
    std::size_t length = std::min<std::size_t>(reason.size(), 123); // a control frame's room
    while (length < reason.size() && length > 0 && (reason[length] & 0xc0) == 0x80) {
      --length; // no character in halves
    }
    put({outgoing::kind::close, std::string(reason.substr(0, length)), code}, 0);
  }
  std::size_t waiting() const override {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

  void when_sent(std::function<void()> then) override {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) {
        return;
      }
      if (waiting_ > 0) {
        when_sent_ = std::move(then);
        return;
      }
    }
    then();
  }

  void ping() { put({outgoing::kind::ping, {}, 0}, 0); }

  /// From now on a session sends; what waits already, too.
  void attach(std::shared_ptr<link_target> target) {
    const std::lock_guard lock(mutex_);
    target_ = std::move(target);
    if (!queue_.empty()) {
      wake();
    }
  }
  /// The end: nothing is taken any more, and the session is let go.
  void detach() {
    std::shared_ptr<link_target> gone;
    std::vector<outgoing> unsent;
    std::function<void()> uncalled;
    const std::lock_guard lock(mutex_);
    ended_ = true;
    uncalled.swap(when_sent_);
    waiting_ = 0;
    gone.swap(target_);
    unsent.swap(queue_);
  }

  /// Takes all that waits.
  std::vector<outgoing> take() {
    const std::lock_guard lock(mutex_);
    woken_ = false;
    return std::exchange(queue_, {});
  }
  void sent(std::size_t bytes) {
    std::function<void()> then;
    {
      const std::lock_guard lock(mutex_);
      waiting_ -= std::min(bytes, waiting_);
      if (waiting_ == 0) {
        then.swap(when_sent_);
      }
    }
    if (then) {
      then();
    }
  }

  /// A message is about to be handed over; what its reader is to call when done. A call that comes
  /// late, when another message is being read, does nothing.
  std::function<void()> begin_message() {
    const std::lock_guard lock(mutex_);
    ready_ = false;
    armed_ = false;
    ++message_;
    return [self = shared_from_this(), message = message_] { self->ready(message); };
  }
  bool is_ready() const {
    const std::lock_guard lock(mutex_);
    return ready_;
  }
  /// The session sleeps now, and wants to be told.
  void arm() {
    const std::lock_guard lock(mutex_);
    armed_ = true;
    if (ready_) {
      wake_reader();
    }
  }

 private:
  void put(outgoing what, std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (ended_ || closing_) {
      return;
    }
    if (waiting_ + size > most_waiting) {
      queue_.clear();
      what = {outgoing::kind::close, "the peer takes too little of what it is sent", 1008};
      size = 0;
    }
    closing_ = what.what == outgoing::kind::close;
    waiting_ += size;
    queue_.push_back(std::move(what));
    if (target_ && !woken_) {
      wake();
    }
  }
  void ready(std::uint64_t message) {
    const std::lock_guard lock(mutex_);
    if (message != message_ || ready_) {
      return;
    }
    ready_ = true;
    if (armed_) {
      wake_reader();
    }
  }
  /// While there is a session, there is its executor; hence both under the lock.
  void wake() {
    woken_ = true;
    asio::post(executor_, [target = target_] { target->flush(); });
  }
  void wake_reader() {
    armed_ = false;
    if (target_) {
      asio::post(executor_, [target = target_] { target->go_on(); });
    }
  }

  executor executor_;
  mutable std::mutex mutex_;
  std::shared_ptr<link_target> target_;
  std::vector<outgoing> queue_;
  std::size_t waiting_ = 0;
  std::function<void()> when_sent_;
  std::uint64_t message_ = 0;
  bool woken_ = false;
  bool closing_ = false; ///< the last thing to be sent is in the queue
  bool ended_ = false;
  bool ready_ = false;
  bool armed_ = false;
};

} // namespace hanami::service::http::detail
