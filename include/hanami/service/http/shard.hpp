// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/saved_handler.hpp>
#include <boost/intrusive/list.hpp>

#include "../base/worker_pool.hpp"
#include "address_counts.hpp"
#include "message.hpp"

/// One network thread and the connections it has been dealt. A connection lives on one thread from
/// its beginning to its end, so that nothing in it needs a lock.

namespace hanami::service::http::detail {

namespace asio = boost::asio;
using boost::system::error_code;
using steady = std::chrono::steady_clock;

using executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;
using tcp_timer = asio::basic_waitable_timer<steady, asio::wait_traits<steady>, executor>;
template <class Result = void>
using coroutine = asio::awaitable<Result, executor>;
inline constexpr asio::use_awaitable_t<executor> awaiting{};
/// Errors as values, first in a tuple.
inline constexpr asio::as_tuple_t<asio::use_awaitable_t<executor>> as_tuple{awaiting};

class shard;

/// What a connection's thread can ask of it. All calls come from that thread, and none of them may
/// end the connection's life at once.
class connection : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  explicit connection(shard& on) : shard_(on) {}
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;
  virtual ~connection() = default;

  /// The deadline has passed; it has been taken away.
  virtual void expired() = 0;
  /// The server stops: end after what has begun.
  virtual void ask_to_end() = 0;
  /// End now.
  virtual void force_end() = 0;

  steady::time_point deadline() const noexcept { return deadline_; }
  /// `expired` is called then or, for one sweep of all, a little later.
  inline void expire_at(steady::time_point when);
  void never_expire() noexcept { deadline_ = steady::time_point::max(); }

 protected:
  shard& shard_;

 private:
  steady::time_point deadline_ = steady::time_point::max();
};

/// Counted by one thread, read by any.
class counter {
 public:
  void add(std::uint64_t more) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

class shard {
 public:
  /// Deadlines are met up to `slack` later, so that one look serves many of them.
  explicit shard(std::chrono::milliseconds slack)
      : slack_(slack), sweeper_(io.get_executor()), guard_(io.get_executor()) {}

  /// Runs until `io` is stopped.
  void run(application& answers) {
    for (;;) {
      try {
        io.run();
        return;
      } catch (const std::exception& fault) {
        answers.report(fault.what());
      }
    }
  }

  void add(connection& begun) { connections_.push_back(begun); }

  /// There is a new deadline. Nothing is done where a look comes in time anyhow, which is the rule:
  /// while connections come and go, the next look is at the first deadline of all that there were
  /// at the last one.
  void expect(steady::time_point deadline) {
    if (deadline < next_look_ - slack_) {
      look_at(deadline + slack_);
    }
  }

  template <class Function>
  void for_each(Function function) {
    for (auto it = connections_.begin(); it != connections_.end();) {
      connection& each = *it++;
      function(each);
    }
  }

  /// "Date: ...\r\n", made once a second.
  std::string_view date_line() {
    const std::time_t now = std::time(nullptr);
    if (now != date_of_) {
      date_of_ = now;
      std::tm parts{};
      gmtime_r(&now, &parts);
      char text[64];
      date_.assign(text, std::strftime(text, sizeof text, "Date: %a, %d %b %Y %T GMT\r\n", &parts));
    }
    return date_;
  }

  /// Buffers go from one connection to the next, so that who waits holds none.
  std::string take_buffer() {
    if (spare_.empty()) {
      return {};
    }
    std::string buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }
  void give_buffer(std::string&& buffer) {
    constexpr std::size_t most = 64;
    if (spare_.size() < most && buffer.capacity() <= (std::size_t{128} << 10)) {
      buffer.clear();
      spare_.push_back(std::move(buffer));
    } else {
      std::string().swap(buffer);
    }
  }

  /// A connection that was counted has ended. On any thread.
  void one_less() {
    if (connections.fetch_sub(1) == 1) {
      const std::lock_guard lock(empty_mutex_);
      empty_.notify_all();
    }
  }
  /// Whether there is no connection any more, which is waited for until then.
  bool wait_until_empty(steady::time_point until) {
    std::unique_lock lock(empty_mutex_);
    return empty_.wait_until(lock, until, [this] { return connections.load() == 0; });
  }

  asio::io_context io{1};
  std::atomic<std::uint64_t> connections{0}; ///< dealt to this thread and not yet ended
  counter sockets_begun, sockets_ended, requests, messages_in, messages_out, bytes_in, bytes_out;

 private:
  void look_at(steady::time_point when) {
    next_look_ = when;
    sweeper_.expires_at(when); // who waited for another time is told that it is not to be
    sweeper_.async_wait([this](error_code trouble) {
      if (!trouble) {
        sweep();
      }
    });
  }

  /// Without a deadline there is no next look.
  void sweep() {
    next_look_ = never;
    const steady::time_point now = steady::now();
    steady::time_point first = never;
    for_each([&](connection& each) {
      if (each.deadline() <= now) {
        each.never_expire();
        each.expired();
      }
      first = std::min(first, each.deadline());
    });
    if (first != never) {
      expect(first);
    }
  }

  static constexpr steady::time_point never = steady::time_point::max();

  std::chrono::milliseconds slack_;
  tcp_timer sweeper_;
  steady::time_point next_look_ = never;
  asio::executor_work_guard<executor> guard_;
  boost::intrusive::list<connection, boost::intrusive::constant_time_size<false>> connections_;
  std::vector<std::string> spare_;
  std::time_t date_of_ = 0;
  std::string date_;
  std::mutex empty_mutex_;
  std::condition_variable empty_;
};

void connection::expire_at(steady::time_point when) {
  deadline_ = when;
  shard_.expect(when);
}

/// A connection's share of the limits.
class place {
 public:
  place(shard& of, address_counts::share of_address)
      : of_(&of), of_address_(std::move(of_address)) {
    of.connections.fetch_add(1);
  }
  place(place&& other) noexcept
      : of_(std::exchange(other.of_, nullptr)), of_address_(std::move(other.of_address_)) {}
  place& operator=(place&&) = delete;
  ~place() {
    if (of_ != nullptr) {
      of_->one_less();
    }
  }

 private:
  shard* of_;
  address_counts::share of_address_;
};

/// Waits in `kept` until somebody invokes it, on the connection's thread. `armed` is called once it
/// can be invoked.
template <class Armed>
auto suspend(boost::beast::saved_handler& kept, Armed armed) {
  return asio::async_initiate<const asio::use_awaitable_t<executor>&, void()>(
      [&kept, armed](auto handler) {
        kept.emplace(
            [handler = std::move(handler)](error_code = {}) mutable { std::move(handler)(); });
        armed();
      },
      awaiting);
}

/// Runs `work` on one of the `workers` and comes back; throws what it throws.
template <class Work>
coroutine<> on_worker(work_group& workers, Work work) {
  const auto initiate = [&workers, &work](auto handler) {
    // The pool copies what it is given; the handler can only be moved.
    workers.post([&work, kept = std::make_shared<decltype(handler)>(std::move(handler))] {
      std::exception_ptr fault;
      try {
        work();
      } catch (...) {
        fault = std::current_exception();
      }
      const auto back = asio::get_associated_executor(*kept); // read before it is moved
      asio::post(back, [handler = std::move(*kept), fault = std::move(fault)]() mutable {
        std::move(handler)(std::move(fault));
      });
    });
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<executor>&, void(std::exception_ptr)>(
      initiate, awaiting);
}

} // namespace hanami::service::http::detail
