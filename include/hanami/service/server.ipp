// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "server.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "../foundation/error.hpp"
#include "../io/file.hpp"
#include "access/accounts.hpp"
#include "access/authenticator.hpp"
#include "access/policy.hpp"
#include "api/dispatcher.hpp"
#include "api/reference/endpoints.hpp"
#include "api/reference/sockets.hpp"
#include "api/v1/cluster_socket.hpp"
#include "api/v1/endpoints.hpp"
#include "base/clock.hpp"
#include "data/datasets.hpp"
#include "engine/engine.hpp"
#include "http/http_server.hpp"
#include "store/idempotency.hpp"
#include "store/logs.hpp"
#include "store/resources.hpp"
#include "store/tasks.hpp"

namespace hanami::service {

namespace detail {

/// One process a data directory.
class data_lock {
 public:
  explicit data_lock(const std::filesystem::path& data) {
    std::error_code trouble;
    if (std::filesystem::create_directories(data, trouble)) {
      std::filesystem::permissions(data, std::filesystem::perms::owner_all, trouble);
    }
    const std::filesystem::path file = data / "lock";
    fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd_ < 0) {
      throw error(errc::file_error, "cannot use the data directory " + data.string() + ": " +
                                        std::generic_category().message(errno));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      ::close(fd_);
      throw error(errc::file_error,
                  "the data directory " + data.string() + " is in use by another server");
    }
  }
  ~data_lock() { ::close(fd_); }
  data_lock(const data_lock&) = delete;
  data_lock& operator=(const data_lock&) = delete;

 private:
  int fd_ = -1;
};

inline std::shared_ptr<spdlog::logger> make_logger(const server_config& config) {
  std::shared_ptr<spdlog::sinks::sink> sink;
  if (config.log_file.empty()) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.log_file.string());
  }
  auto logger = std::make_shared<spdlog::logger>("hanami", std::move(sink));
  logger->set_level(spdlog::level::from_str(config.log_level));
  logger->set_pattern(config.log_json
                          ? R"({"time":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l","message":"%v"})"
                          : "%Y-%m-%d %H:%M:%S.%e %l: %v");
  logger->flush_on(spdlog::level::warn);
  return logger;
}

/// As it may stand in a line of a log, or in JSON: no quotes, no control characters.
inline std::string log_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
    line += plain ? c : (c == '"' ? '\'' : ' ');
  }
  return line;
}

inline access::policy load_policy(const std::filesystem::path& file) {
  if (file.empty()) {
    return access::policy::parse(access::policy::built_in(), "the built-in policy");
  }
  const std::vector<std::uint8_t> bytes = read_file(file, std::size_t{1} << 20);
  return access::policy::parse(std::string(bytes.begin(), bytes.end()), file.string());
}

} // namespace detail

/// All parts, in the order in which they need each other.
struct server::state {
  explicit state(server_config given)
      : config(std::move(given)), lock(config.data), log(detail::make_logger(config)),
        rules(detail::load_policy(config.auth.policies)), db(config.data / "hanami.sqlite"),
        rows(db), tasks(db), logs(db), people(db, config), door(db, people, config),
        data(config, rows, tasks, people), engine(config, db, rows, tasks, people, data),
        with{config,
             people,
             door,
             rows,
             logs,
             data,
             engine,
             sampler,
             counts,
             endpoints,
             [this] { return http ? http->statistics() : http::transport_statistics{}; },
             [this] { return ready.load(); },
             rules,
             workers(),
             watch},
        answers({config, endpoints, door, rules, db, logs, counts,
                 [this](std::string_view what) { log->error("{}", detail::log_line(what)); }},
                [this](const http::request&, std::shared_ptr<http::socket> peer) {
                  return api::open_reference_socket(with, rules, workers(), std::move(peer));
                }) {
    admin_password = people.ensure_admin();
    api::add_account_endpoints(endpoints, with);
    api::add_cluster_endpoints(endpoints, with);
    api::add_task_endpoints(endpoints, with);
    api::add_data_endpoints(endpoints, with);
    api::add_system_endpoints(endpoints, with);
    api::add_reference_endpoints(endpoints, with);
    answers.run_by([this](std::function<void()> work) { http->run(std::move(work)); });
    engine.start();
    http = std::make_unique<http::server>(answers, config.http, config.tls);
    ready = true;
    keeper = std::thread([this] { keep(); });
  }

  ~state() {
    {
      const std::lock_guard guard(mutex);
      stop = true;
    }
    wake.notify_all();
    if (keeper.joinable()) {
      keeper.join();
    }
    if (http) {
      http->stop();
    }
    // `http` goes before what its requests use, since it was made last.
  }

  std::function<void(std::function<void()>)> workers() {
    return [this](std::function<void()> work) { http->run(std::move(work)); };
  }

  /// Four times a second: sockets whose time is over end. Once a minute: what has expired is
  /// removed.
  void keep() {
    constexpr unsigned looks_a_minute = 240;
    std::unique_lock guard(mutex);
    for (unsigned look = 1;
         !wake.wait_for(guard, std::chrono::minutes(1) / looks_a_minute, [this] { return stop; });
         ++look) {
      guard.unlock();
      try {
        watch.look_at_all();
        if (look % looks_a_minute == 0) {
          clean();
        }
      } catch (const std::exception& trouble) {
        log->error("keeping house: {}", detail::log_line(trouble.what()));
      }
      guard.lock();
    }
  }

  void clean() {
    door.clean();
    data.clean();
    store::clean_answers(db);
    constexpr std::int64_t year_ms = std::int64_t{365} * 24 * 3600 * 1000;
    logs.remove_before(now_ms() - year_ms);
  }

  server_config config;
  detail::data_lock lock;
  std::shared_ptr<spdlog::logger> log;
  access::policy rules;
  store::database db;
  store::resources rows;
  store::tasks tasks;
  store::logs logs;
  access::accounts people;
  access::authenticator door;
  engine::datasets data;
  engine::engine engine;
  monitor::sampler sampler;
  monitor::request_counts counts;
  api::registry endpoints;
  api::socket_watch watch;
  api::services with;
  api::dispatcher answers;
  std::optional<std::string> admin_password;
  std::atomic<bool> ready{false};
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::thread keeper;
  std::unique_ptr<http::server> http;
};

HANAMI_SERVICE_INLINE server::server(server_config config)
    : state_(std::make_unique<state>(std::move(config))) {}

HANAMI_SERVICE_INLINE server::~server() = default;

HANAMI_SERVICE_INLINE std::uint16_t server::port() const noexcept { return state_->http->port(); }

HANAMI_SERVICE_INLINE std::optional<std::string> server::take_admin_password() {
  return std::exchange(state_->admin_password, std::nullopt);
}

HANAMI_SERVICE_INLINE void server::reload_certificate() { state_->http->reload_certificate(); }

HANAMI_SERVICE_INLINE std::string server::greeting() const {
  const server_config& c = state_->config;
  const std::string address = std::string(c.tls.certificate.empty() ? "http://" : "https://") +
                              c.http.address + ':' + std::to_string(port());
  return "hanami listens on " + address + "\ndocumentation: " + address +
         "/docs\ndata: " + std::filesystem::absolute(c.data).string() + '\n';
}

} // namespace hanami::service
