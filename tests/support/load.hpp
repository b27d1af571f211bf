// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

namespace support {

/// What a load generator does. Each connection sends the next message when the last one has been
/// answered; with a rate, when it is due besides.
struct load_plan {
  std::uint16_t port = 0; ///< at 127.0.0.1
  std::size_t connections = 1;
  std::vector<std::string> opening; ///< sent one by one, each answered once; not measured
  std::string message;              ///< the bytes as they go out
  bool websocket = false;           ///< answers are frames, else HTTP responses
  double rate = 0;                  ///< messages a second of all connections; 0: as many as go
  double warm_up_s = 0.5;
  double seconds = 3;
};

struct load_result {
  double rate = 0; ///< answers a second
  double median_ms = 0;
  double p99_ms = 0; ///< both from when a message was due
};

namespace detail {

inline int connect_to(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ::sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const ::sockaddr*>(&to), sizeof to) != 0) {
    throw std::runtime_error("load: cannot connect");
  }
  const int yes = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

inline void send_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ::ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      throw std::runtime_error("load: the server has closed a connection");
    }
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// Bytes of the HTTP response that `text` begins with; 0: it is not all there.
inline std::size_t response_size(std::string_view text) {
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return 0;
  }
  if (!text.starts_with("HTTP/1.1 2") && !text.starts_with("HTTP/1.1 101")) {
    throw std::runtime_error("load: " + std::string(text.substr(0, text.find('\r'))));
  }
  constexpr std::string_view name = "Content-Length: ";
  std::size_t length = 0;
  if (const std::size_t field = text.substr(0, end).find(name); field != std::string_view::npos) {
    std::from_chars(text.data() + field + name.size(), text.data() + end, length);
  }
  return text.size() >= end + 4 + length ? end + 4 + length : 0;
}

/// The same of a WebSocket's frame.
inline std::size_t frame_size(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.size() < 2) {
    return 0;
  }
  if ((byte(0) & 15u) > 2) {
    throw std::runtime_error("load: the server closes a socket");
  }
  const unsigned shortest = byte(1) & 127u;
  const std::size_t wide = shortest == 126 ? 2 : shortest == 127 ? 8 : 0;
  if (text.size() < 2 + wide) {
    return 0;
  }
  std::size_t size = wide == 0 ? shortest : 0;
  for (std::size_t i = 0; i < wide; ++i) {
    size = size * 256 + byte(2 + i);
  }
  return text.size() >= 2 + wide + size ? 2 + wide + size : 0;
}

class load_connection {
 public:
  using clock = std::chrono::steady_clock;

  explicit load_connection(const load_plan& plan) : fd_(connect_to(plan.port)) {
    for (std::size_t i = 0; i < plan.opening.size(); ++i) {
      send_all(fd_, plan.opening[i]);
      while (!take_answer(plan.websocket && i > 0)) {
        read();
      }
    }
  }
  load_connection(const load_connection&) = delete;
  load_connection& operator=(const load_connection&) = delete;
  ~load_connection() { ::close(fd_); }

  int fd() const noexcept { return fd_; }
  void send(std::string_view message, clock::time_point due) {
    due_ = due;
    send_all(fd_, message);
  }
  void read() {
    char bytes[16384];
    const ::ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) {
      throw std::runtime_error("load: the server has closed a connection");
    }
    kept_.append(bytes, static_cast<std::size_t>(got));
  }
  bool take_answer(bool websocket) {
    const std::size_t size = websocket ? frame_size(kept_) : response_size(kept_);
    kept_.erase(0, size);
    return size > 0;
  }
  clock::time_point due() const noexcept { return due_; }

 private:
  int fd_;
  std::string kept_;
  clock::time_point due_;
};

/// The load on one thread: an epoll loop, and a timer for a fixed rate.
class load_loop {
 public:
  using clock = std::chrono::steady_clock;

  explicit load_loop(const load_plan& plan)
      : plan_(plan), epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        timer_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    for (std::size_t i = 0; i < plan.connections; ++i) {
      connections_.push_back(std::make_unique<load_connection>(plan));
      watch(connections_.back()->fd(), i);
      free_.push_back(i);
    }
    watch(timer_, connections_.size());
  }
  load_loop(const load_loop&) = delete;
  load_loop& operator=(const load_loop&) = delete;
  ~load_loop() {
    ::close(timer_);
    ::close(epoll_);
  }

  load_result run() {
    const clock::time_point begin = clock::now();
    measure_from_ = begin + seconds(plan_.warm_up_s);
    const clock::time_point end = measure_from_ + seconds(plan_.seconds);
    next_due_ = begin;
    while (clock::now() < end) {
      send_what_is_due();
      ::epoll_event events[64];
      const int count = ::epoll_wait(epoll_, events, 64, 100);
      for (int i = 0; i < count; ++i) {
        read(static_cast<std::size_t>(events[i].data.u64));
      }
    }
    std::sort(latencies_ms_.begin(), latencies_ms_.end());
    load_result result;
    result.rate = static_cast<double>(latencies_ms_.size()) / plan_.seconds;
    if (!latencies_ms_.empty()) {
      result.median_ms = latencies_ms_[latencies_ms_.size() / 2];
      result.p99_ms = latencies_ms_[latencies_ms_.size() * 99 / 100];
    }
    return result;
  }

 private:
  static clock::duration seconds(double count) {
    return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(count));
  }
  void watch(int fd, std::size_t index) {
    ::epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = index;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }

  void send_what_is_due() {
    const clock::time_point now = clock::now();
    while (!free_.empty() && (plan_.rate == 0 || next_due_ <= now)) {
      const std::size_t index = free_.front();
      free_.pop_front();
      connections_[index]->send(plan_.message, plan_.rate == 0 ? now : next_due_);
      if (plan_.rate != 0) {
        next_due_ += seconds(1 / plan_.rate);
      }
    }
    if (plan_.rate != 0 && next_due_ > now) {
      const auto wait = std::chrono::duration_cast<std::chrono::nanoseconds>(next_due_ - now);
      ::itimerspec at{};
      at.it_value.tv_nsec = std::clamp<long>(wait.count(), 1, 999'999'999);
      ::timerfd_settime(timer_, 0, &at, nullptr);
    }
  }

  void read(std::size_t index) {
    if (index == connections_.size()) {
      std::uint64_t times = 0;
      [[maybe_unused]] const ::ssize_t got = ::read(timer_, &times, sizeof times);
      return;
    }
    load_connection& from = *connections_[index];
    from.read();
    if (!from.take_answer(plan_.websocket)) {
      return;
    }
    const clock::time_point now = clock::now();
    if (now >= measure_from_) {
      const std::chrono::duration<double, std::milli> took = now - from.due();
      latencies_ms_.push_back(took.count());
    }
    free_.push_back(index);
  }

  const load_plan& plan_;
  int epoll_;
  int timer_;
  std::vector<std::unique_ptr<load_connection>> connections_;
  std::deque<std::size_t> free_; ///< connections that wait for something to send
  clock::time_point measure_from_;
  clock::time_point next_due_;
  std::vector<double> latencies_ms_;
};

} // namespace detail

/// Puts the load on, from this thread. Throws `std::runtime_error` when the server refuses.
inline load_result run_load(const load_plan& plan) { return detail::load_loop(plan).run(); }

/// What opens a WebSocket.
inline std::string client_handshake(std::string_view path) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
         "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

/// Lets this process have as many files as it may.
inline void raise_file_limit() {
  ::rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// What of this process is in memory, bytes.
inline std::size_t resident_bytes() {
  std::size_t pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    if (std::fscanf(file, "%*s %zu", &pages) != 1) {
      pages = 0;
    }
    std::fclose(file);
  }
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

} // namespace support
