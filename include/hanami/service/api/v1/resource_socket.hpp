// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "../../base/clock.hpp"
#include "../../base/identity.hpp"
#include "../../base/refusal.hpp"
#include "../../http/message.hpp"
#include "../../http/problem.hpp"
#include "../credentials.hpp"
#include "../open_sockets.hpp"
#include "../request_context.hpp"
#include "../services.hpp"
#include "cluster_frames.hpp"

/// What the WebSockets of clusters and streams have in common: requests are answered in their
/// order, no more are read while too many are not answered, and the permission may end.

namespace hanami::service::api {

inline constexpr std::string_view socket_protocol = "hanami.v1";

namespace detail {

/// The form of the answer to a request.
struct socket_label {
  bool binary = false;
  std::uint32_t number = 0; ///< binary
  std::string id;           ///< text: JSON; empty: it had none
};

/// One open socket. Who makes it calls `present_rights` first.
class resource_socket : public http::socket_handler,
                        public expiring_socket,
                        public std::enable_shared_from_this<resource_socket> {
 public:
  using ready_function = std::function<void()>;

  std::string_view subprotocol() const noexcept override {
    return named_protocol_ ? socket_protocol : std::string_view();
  }

  void on_message(std::string_view message, bool binary, ready_function ready) override {
    if (is_present()) {
      take(message, binary);
      read_on_by(std::move(ready));
      return;
    }
    // Reading it from disk may take long.
    s_.run([self = shared_from_this(), text = std::string(message), binary,
            ready = std::move(ready)]() mutable {
      self->take(text, binary);
      self->read_on_by(std::move(ready));
    });
  }

  void on_close() noexcept override {
    const std::lock_guard lock(mutex_);
    peer_.reset();
    ready_ = nullptr;
    slots_.clear();
  }

  void close_if_expired() noexcept override {
    try {
      present_rights();
    } catch (const refusal& over) {
      leave(over);
    } catch (const std::exception&) { // the database is busy: checked again later
    }
  }

  /// Reads the rights anew if they may have changed. Throws `unauthenticated`, `forbidden`, and
  /// `not_found` where what the socket is of is gone or hidden.
  void present_rights() {
    const std::lock_guard lock(rights_mutex_);
    const std::uint64_t now = s_.authenticator.changes() + s_.resources.changes();
    if (now_ms() < expires_ms_ && now == seen_) {
      return;
    }
    const identity caller = s_.authenticator.identify(token_);
    learn_rights(caller);
    expires_ms_ = caller.expires * 1000;
    seen_ = now; // as it was before what it counts was read
  }

 protected:
  /// `kind`: what the socket is of, in words. Throws `bad_request` where the client offers other
  /// protocols only.
  resource_socket(services& with, const request_context& request, const char* kind, std::string id,
                  std::shared_ptr<http::socket> peer)
      : s_(with), id_(std::move(id)), kind_(kind), token_(token_of(request.message)),
        named_protocol_(names_protocol(request.message)), peer_(std::move(peer)) {}

  /// Checks what the caller may do here, and keeps it; one call at a time. Throws as
  /// `present_rights`.
  virtual void learn_rights(const identity& caller) = 0;
  /// Whether a message can be taken without waiting.
  virtual bool is_present() = 0;
  /// Answers the request by `answer`, now or later; what it throws is the answer.
  virtual void take_request(std::string_view message, std::uint64_t at, socket_label& label) = 0;
  /// An answer that says why there is none.
  virtual std::string refusal_message(const socket_label& label, const http::problem& why) = 0;

  /// Under `rights_mutex`, which guards what `learn_rights` keeps.
  template <class Rights>
  Rights copy_of(const Rights& rights) {
    const std::lock_guard lock(rights_mutex_);
    return rights;
  }

  template <class Write>
  void answer(std::uint64_t at, const socket_label& label, const std::exception_ptr& why,
              Write write) {
    if (why) {
      fail(at, label, why);
      return;
    }
    try {
      settle(at, 0, write());
    } catch (...) {
      fail(at, label, std::current_exception());
    }
  }

  services& s_;
  const std::string id_;

 private:
  /// Limits for unanswered requests, their bytes, and unsent bytes of answers.
  static constexpr std::size_t most_unanswered = 256;
  static constexpr std::size_t most_bytes = std::size_t{1} << 20;
  static constexpr std::size_t most_unsent = std::size_t{256} << 10;

  /// A request's place in the order of the answers.
  struct slot {
    std::size_t bytes = 0; ///< of the request
    bool done = false;
    bool binary = false;
    std::uint16_t close_code = 0; ///< not 0: the end, for this reason
    std::string answer;
  };

  /// Whether a client offers our protocol in Sec-WebSocket-Protocol, apart from `bearer.` tokens;
  /// false where it offers none.
  static bool names_protocol(const http::request& from) {
    bool others = false;
    for (const std::string_view word : offered_protocols(from)) {
      if (word == socket_protocol) {
        return true;
      }
      others = others || !word.starts_with(bearer_protocol);
    }
    if (others) {
      throw bad_request("the only WebSocket protocol here is 'hanami.v1'");
    }
    return false;
  }

  std::string gone() const { return std::string("the ") + kind_ + " is gone"; }

  /// Closes the socket, whose permission has ended.
  void leave(const refusal& why) {
    const bool is_gone = why.code() == refusal_code::not_found;
    const std::lock_guard lock(mutex_);
    end(is_gone ? 1001 : 1008, is_gone ? gone() : why.what());
  }
  void end(std::uint16_t code, std::string_view reason) {
    if (peer_ && !ended_) {
      ended_ = true;
      peer_->close(code, reason);
    }
  }

  void take(std::string_view message, bool binary) {
    const std::optional<std::uint64_t> place = open_slot(message.size(), binary);
    if (!place) {
      return; // the end is on its way
    }
    const std::uint64_t at = *place;
    socket_label label;
    label.binary = binary;
    try {
      present_rights();
    } catch (const refusal& over) {
      leave(over);
      settle(at, 0, {});
      return;
    } catch (const std::exception&) {
      fail(at, label, std::current_exception());
      return;
    }
    try {
      take_request(message, at, label);
    } catch (...) {
      fail(at, label, std::current_exception());
    }
  }

  std::optional<std::uint64_t> open_slot(std::size_t bytes, bool binary) {
    const std::lock_guard lock(mutex_);
    if (ending_ || ended_) {
      return std::nullopt;
    }
    slots_.push_back({bytes, false, binary, 0, {}});
    bytes_ += bytes;
    return first_ + slots_.size() - 1;
  }

  void fail(std::uint64_t at, const socket_label& label, const std::exception_ptr& why) {
    try {
      std::rethrow_exception(why);
    } catch (const protocol_breach& breach) {
      settle(at, breach.code(), breach.what());
    } catch (const refusal& refused) {
      const bool is_gone = refused.code() == refusal_code::not_found;
      settle(at, is_gone ? 1001 : 0, is_gone ? gone() : refusal_message(label, refused));
    } catch (const std::exception&) {
      s_.log.error("socket", why);
      settle(at, 0,
             refusal_message(label, refusal(refusal_code::internal, "something went wrong here")));
    }
  }

  /// `code` 0: an answer; else closes the socket after all earlier requests have been answered.
  void settle(std::uint64_t at, std::uint16_t code, std::string answer) {
    {
      const std::lock_guard lock(mutex_);
      if (at < first_ || at - first_ >= slots_.size()) {
        return; // the peer has gone
      }
      slot& mine = slots_[static_cast<std::size_t>(at - first_)];
      mine.done = true;
      mine.close_code = code;
      ending_ = ending_ || code != 0;
      mine.answer = std::move(answer);
      send_settled();
    }
    read_on();
  }

  void send_settled() {
    while (!slots_.empty() && slots_.front().done) {
      slot& next = slots_.front();
      if (next.close_code != 0) {
        end(next.close_code, next.answer);
      } else if (peer_ && !ended_) {
        peer_->send(std::move(next.answer), next.binary);
      }
      bytes_ -= next.bytes;
      slots_.pop_front();
      ++first_;
    }
  }

  void read_on_by(ready_function ready) {
    {
      const std::lock_guard lock(mutex_);
      ready_ = std::move(ready);
    }
    read_on();
  }

  /// Lets the next message be read as soon as there is room for its answer.
  void read_on() {
    ready_function ready;
    std::shared_ptr<http::socket> full;
    {
      const std::lock_guard lock(mutex_);
      if (!ready_ || slots_.size() >= most_unanswered || bytes_ >= most_bytes) {
        return;
      }
      if (peer_ && !ended_ && peer_->waiting() > most_unsent) {
        full = peer_;
      } else {
        ready.swap(ready_);
      }
    }
    if (full) {
      full->when_sent([kept = weak_from_this()] {
        if (const auto self = kept.lock()) {
          self->read_on();
        }
      });
    } else {
      ready();
    }
  }

  const char* const kind_;
  const std::string token_;
  const bool named_protocol_;

  std::mutex rights_mutex_; ///< guards the rights
  std::int64_t expires_ms_ = 0;
  std::uint64_t seen_ = 0; ///< changes when the rights were checked

  std::mutex mutex_; ///< guards all below
  std::shared_ptr<http::socket> peer_;
  std::deque<slot> slots_;  ///< unanswered, or waiting for one before them
  std::uint64_t first_ = 0; ///< number of the first slot
  std::size_t bytes_ = 0;   ///< of the requests in the slots
  ready_function ready_;    ///< kept while nothing more is to be read
  bool ending_ = false;     ///< nothing more is taken; what was taken before is answered
  bool ended_ = false;      ///< the close has been sent
};

/// Makes a socket that is closed when its permission ends.
template <class Socket, class... Arguments>
std::shared_ptr<http::socket_handler> open_resource_socket(services& with,
                                                           Arguments&&... arguments) {
  auto opened = std::make_shared<Socket>(with, std::forward<Arguments>(arguments)...);
  opened->present_rights();
  with.sockets.add(opened);
  return opened;
}

} // namespace detail

} // namespace hanami::service::api
