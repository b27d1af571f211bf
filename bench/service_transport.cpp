// SPDX-License-Identifier: Apache-2.0
// What the service's transport takes without anything behind it: small requests over connections
// that stay open, messages over WebSockets, and the memory of sockets that say nothing. Server and
// load generator share the machine.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <hanami/service/base/runtime.hpp>
#include <hanami/service/http/http_server.hpp>

#include <support/load.hpp>
#include <support/program.hpp>
#include <support/report.hpp>
#include <support/websocket_frame.hpp>

namespace {

namespace http = hanami::service::http;

struct transport_options {
  std::size_t threads = 0;
  std::size_t idle = 10'000;
  double seconds = 3;
  bool json = false;
};

/// Answers every message with 40 bytes.
class short_answers final : public http::socket_handler {
 public:
  explicit short_answers(std::shared_ptr<http::socket> peer) : peer_(std::move(peer)) {}
  void on_message(std::string_view, bool binary, std::function<void()> ready) override {
    peer_->send(std::string(40, 'x'), binary);
    ready();
  }
  void on_close() noexcept override {}

 private:
  std::shared_ptr<http::socket> peer_;
};

class small_answers final : public http::application {
 public:
  http::admission admit(const http::request&) override {
    http::admission open;
    open.max_body = 1 << 20;
    return open;
  }
  void handle(http::request, std::shared_ptr<http::admitted_request>,
              http::responder answer) override {
    http::response made;
    made.content_type = "application/json";
    made.body = R"({"status":"ok"})";
    answer(std::move(made));
  }
  std::shared_ptr<http::socket_handler> open_socket(const http::request&,
                                                    std::shared_ptr<http::socket> peer) override {
    return std::make_shared<short_answers>(std::move(peer));
  }
  void report(std::string_view what) noexcept override {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  }
};

/// A process that holds idle sockets, so that its side of them does not count as the server's. It
/// is forked before there are threads, hears the port and the number, and says when it is done.
class idle_clients {
 public:
  idle_clients() {
    int to_child[2];
    int to_parent[2];
    if (::pipe(to_child) != 0 || ::pipe(to_parent) != 0) {
      throw std::runtime_error("cannot make a pipe");
    }
    child_ = ::fork();
    if (child_ == 0) {
      ::close(to_child[1]);
      ::close(to_parent[0]);
      ::_exit(hold(to_child[0], to_parent[1]));
    }
    ::close(to_child[0]);
    ::close(to_parent[1]);
    write_end_ = to_child[1];
    read_end_ = to_parent[0];
  }
  idle_clients(const idle_clients&) = delete;
  idle_clients& operator=(const idle_clients&) = delete;
  ~idle_clients() {
    ::close(write_end_); // which ends the child
    ::close(read_end_);
    ::waitpid(child_, nullptr, 0);
  }

  /// False: some could not be opened.
  bool open(std::uint16_t port, std::size_t count, bool websocket) {
    const std::uint64_t order[3] = {port, count, websocket ? 1u : 0u};
    char done = 0;
    return ::write(write_end_, order, sizeof order) == sizeof order &&
           ::read(read_end_, &done, 1) == 1 && done == 1;
  }

 private:
  static int hold(int in, int out) {
    std::vector<std::unique_ptr<support::detail::load_connection>> held;
    std::uint64_t order[3];
    while (::read(in, order, sizeof order) == sizeof order) {
      support::load_plan plan;
      plan.port = static_cast<std::uint16_t>(order[0]);
      plan.opening = {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"};
      if (order[2] == 1) {
        plan.websocket = true;
        plan.opening = {support::client_handshake("/"),
                        support::websocket_frame(2, std::string(3000, 'x'))};
      }
      char done = 1;
      held.clear();
      try {
        for (std::uint64_t i = 0; i < order[1]; ++i) {
          held.push_back(std::make_unique<support::detail::load_connection>(plan));
        }
      } catch (const std::exception&) {
        done = 0;
      }
      if (::write(out, &done, 1) != 1) {
        return 1;
      }
    }
    return 0;
  }

  ::pid_t child_;
  int write_end_;
  int read_end_;
};

support::table measure_rates(const http::server& server, const transport_options& o) {
  support::table table("rates", "Requests and messages, server and load generator on one machine",
                       {{"what", "what"},
                        {"connections", "connections"},
                        {"a second", "rate"},
                        {"median ms", "median_ms", 3},
                        {"99 % ms", "p99_ms", 3}});
  const auto add = [&](const std::string& what, support::load_plan plan) {
    plan.port = server.port();
    plan.seconds = o.seconds;
    const support::load_result most = support::run_load(plan);
    const auto connections = static_cast<double>(plan.connections);
    table.add({what, connections, most.rate, most.median_ms, most.p99_ms});
    plan.rate = most.rate / 2;
    const support::load_result half = support::run_load(plan);
    table.add({what + ", half load", connections, half.rate, half.median_ms, half.p99_ms});
  };
  for (const std::size_t connections : {1u, 16u, 64u}) {
    support::load_plan plan;
    plan.connections = connections;
    plan.message = "GET /v1/health HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n"
                   "Authorization: Bearer 0123456789abcdef0123456789abcdef\r\n\r\n";
    add("GET", plan);
  }
  for (const std::size_t connections : {1u, 64u}) {
    support::load_plan plan;
    plan.connections = connections;
    plan.websocket = true;
    plan.opening = {support::client_handshake("/")};
    plan.message = support::websocket_frame(2, std::string(3136, 'x'));
    add("WebSocket, 3 KB in, 40 B out", plan);
  }
  return table;
}

struct memory_cost {
  double bytes_each = 0;
  double rate = 0; ///< of requests meanwhile
};

hanami::service::http_settings open_settings(const transport_options& o) {
  hanami::service::http_settings settings;
  settings.port = 0;
  settings.threads = o.threads;
  settings.connections = o.idle + 1000;
  settings.idle_timeout = std::chrono::hours(1);
  return settings;
}

memory_cost cost_of_waiting(const transport_options& o, bool websocket) {
  idle_clients clients; // before there are threads
  small_answers answers;
  hanami::service::runtime common({});
  http::server server(answers, open_settings(o), common.pool);
  const auto open = [&](std::size_t count) {
    if (!clients.open(server.port(), count, websocket)) {
      throw std::runtime_error("cannot open as many connections: raise the limit of open files");
    }
    while (server.statistics().connections != count) { // those from before are closed
      ::usleep(1000);
    }
  };
  constexpr std::size_t first = 100; // what only the first ones cost does not count
  open(first);
  const std::size_t before = support::resident_bytes();
  open(o.idle);
  const std::size_t after = support::resident_bytes();
  support::load_plan plan;
  plan.port = server.port();
  plan.connections = 16;
  plan.message = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
  plan.seconds = 1;
  return {(static_cast<double>(after) - static_cast<double>(before)) /
              static_cast<double>(o.idle - first),
          support::run_load(plan).rate};
}

/// Each kind in a process of its own: memory that has been used once is not given back.
support::table measure_memory(const transport_options& o) {
  support::table table("memory", "Memory of connections that wait, without the clients' side",
                       {{"what", "what"},
                        {"open", "open"},
                        {"bytes each", "bytes_each"},
                        {"GET/s meanwhile", "rate"}});
  for (const bool websocket : {false, true}) {
    int ends[2];
    if (::pipe(ends) != 0) {
      throw std::runtime_error("cannot make a pipe");
    }
    const ::pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      ::_exit(support::run_program("service_transport", [&] {
        const memory_cost cost = cost_of_waiting(o, websocket);
        return ::write(ends[1], &cost, sizeof cost) == sizeof cost ? 0 : 1;
      }));
    }
    ::close(ends[1]);
    memory_cost cost;
    const bool got = ::read(ends[0], &cost, sizeof cost) == sizeof cost;
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    if (!got) {
      throw std::runtime_error("the memory could not be measured");
    }
    table.add({std::string(websocket ? "WebSocket, after a message of 3 KB" : "keep-alive"),
               static_cast<double>(o.idle), cost.bytes_each, cost.rate});
  }
  return table;
}

void add_options(CLI::App& app, transport_options& o) {
  app.add_option("--threads", o.threads, "network threads of the server (0: half of the machine's)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--idle", o.idle, "connections that wait (10000)")
      ->check(CLI::Range(200, 1'000'000));
  app.add_option("--seconds", o.seconds, "of each measurement (3)")->check(CLI::Range(0.1, 600.0));
  support::add_json_flag(app, o.json);
}

int run(const transport_options& o) {
  support::raise_file_limit();
  std::vector<support::table> tables;
  tables.push_back(measure_memory(o)); // forks, hence before there are threads
  small_answers answers;
  hanami::service::runtime common({});
  const http::server server(answers, open_settings(o), common.pool);
  tables.push_back(measure_rates(server, o));
  support::print_report({{"threads", o.threads}, {"seconds", o.seconds}}, tables, o.json);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  CLI::App app("What the service's transport takes without anything behind it.",
               "service_transport");
  transport_options o;
  add_options(app, o);
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
