// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "serve.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <ostream>
#include <string>

#include <pthread.h>

#include "../base/compile.hpp"
#include "../base/service_manager.hpp"
#include "../server.hpp"

namespace hanami::service {

namespace detail {

/// The signals that end the server or make it look anew, for this thread and those that it makes.
inline ::sigset_t await_signals() {
  ::sigset_t awaited;
  sigemptyset(&awaited);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&awaited, number);
  }
  ::pthread_sigmask(SIG_BLOCK, &awaited, nullptr);
  return awaited;
}

/// The next of them; 0: none came in that time.
inline int next_signal(const ::sigset_t& awaited, std::chrono::microseconds most) {
  ::timespec time{};
  time.tv_sec = static_cast<std::time_t>(most.count() / 1'000'000);
  time.tv_nsec = static_cast<long>(most.count() % 1'000'000) * 1000;
  for (;;) {
    const int number = ::sigtimedwait(&awaited, nullptr, &time);
    if (number > 0 || errno == EAGAIN) {
      return std::max(number, 0);
    }
  }
}

/// A password does not go to a log that is kept for ever and that others may read.
inline void show_password(server& running, const server_config& config, std::ostream& out) {
  const auto password = running.take_admin_password();
  if (!password) {
    return;
  }
  const std::string file = running.admin_password_file().string();
  if (std::getenv("JOURNAL_STREAM") != nullptr) {
    out << "administrator: " << config.admin_id << "; the password stands in " << file << '\n';
  } else {
    out << "administrator: " << config.admin_id << ", password: " << *password
        << "  (told only this once; it stands in " << file << ", too, until you delete that)\n";
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE void serve(const server_config& config, std::ostream& out) {
  const ::sigset_t awaited = detail::await_signals();
  const service_manager manager = service_manager::from_environment();
  manager.status("reads what it knew");
  try {
    server running(config);
    detail::show_password(running, config, out);
    out << running.greeting() << std::flush;
    manager.ready(running.status());
    const auto pause = manager.watchdog_pause();
    for (;;) {
      const int number = detail::next_signal(awaited, pause.value_or(std::chrono::hours(24)));
      if (number == SIGHUP) {
        manager.reloading();
        running.reload_certificate(); // the log says what came of it
        running.reopen_log();
        manager.ready(running.status());
      } else if (number != 0) {
        break;
      } else if (pause &&
                 running.works(std::chrono::duration_cast<std::chrono::milliseconds>(*pause))) {
        manager.works(running.status());
      }
    }
    manager.stopping("writes what was learned");
    out << "ending\n" << std::flush;
  } catch (const std::exception& why) {
    manager.status(std::string("cannot serve: ") + why.what());
    throw;
  }
}

} // namespace hanami::service
