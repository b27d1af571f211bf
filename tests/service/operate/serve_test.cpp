// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/operate/serve.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "service/support/fixtures.hpp"
#include "service/support/http_peer.hpp"
#include "service/support/notify_socket.hpp"
#include "service/support/server_fixture.hpp"
#include "support/scratch_folder.hpp"

using namespace hanami::service;

namespace {

std::string text_of(const std::filesystem::path& file) {
  std::ifstream from(file);
  return {std::istreambuf_iterator<char>(from), {}};
}

server_config config_in(const std::filesystem::path& folder) {
  server_config made;
  made.data = folder / "data";
  made.log_file = folder / "log";
  made.http.port = 0;
  made.http.threads = 1;
  made.engine.threads = 1;
  made.auth.light_passwords = true;
  return made;
}

/// `serve` in a process of its own, which is told what a service manager would tell it.
class served_process {
 public:
  served_process(const server_config& config, const std::string& notify,
                 const std::filesystem::path& out)
      : process_(::fork()) {
    if (process_ == 0) {
      ::setenv("NOTIFY_SOCKET", notify.c_str(), 1);
      ::setenv("WATCHDOG_USEC", "400000", 1);
      int code = 1;
      try {
        std::ofstream to(out);
        serve(config, to);
        code = 0;
      } catch (const std::exception&) {
      }
      ::_exit(code);
    }
  }
  served_process(const served_process&) = delete;
  served_process& operator=(const served_process&) = delete;
  ~served_process() {
    if (process_ > 0) {
      ::kill(process_, SIGKILL);
      ::waitpid(process_, nullptr, 0);
    }
  }

  void tell(int signal) const { ::kill(process_, signal); }
  int exit_code() {
    int status = -1;
    ::waitpid(process_, &status, 0);
    process_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  ::pid_t process_;
};

} // namespace

TEST_CASE("a service manager hears of start, work, looking anew and end", "[service]") {
  const scratch_folder folder;
  const std::string address = (folder.path / "notify").string();
  const notify_socket listener(address);
  served_process served(config_in(folder.path), address, folder.path / "out");

  CHECK(listener.next() == "STATUS=reads what it knew");
  const std::string ready = listener.next();
  CHECK(ready.starts_with("READY=1\nSTATUS=http://127.0.0.1:"));
  CHECK(listener.next().starts_with("WATCHDOG=1\nSTATUS=http://127.0.0.1:"));
  CHECK(text_of(folder.path / "out").find("password: ") != std::string::npos);

  std::filesystem::rename(folder.path / "log", folder.path / "log.1");
  served.tell(SIGHUP);
  CHECK(listener.wait_for("RELOADING=1\nMONOTONIC_USEC=") != "");
  CHECK(listener.wait_for("READY=1\n") != "");
  CHECK(text_of(folder.path / "log").find("the log goes on here") != std::string::npos);

  served.tell(SIGTERM);
  CHECK(listener.wait_for("STOPPING=1\n") == "STOPPING=1\nSTATUS=writes what was learned");
  CHECK(served.exit_code() == 0);
  CHECK(text_of(folder.path / "log.1").find("listens on http://127.0.0.1:") != std::string::npos);
  const std::string log = text_of(folder.path / "log");
  CHECK(log.find("server: ends") != std::string::npos);
  CHECK(log.find("engine: what was learned is on disk") != std::string::npos);
}

TEST_CASE("a service manager hears why a server cannot start", "[service]") {
  const scratch_folder folder;
  const std::string address = (folder.path / "notify").string();
  const notify_socket listener(address);
  server_config config = config_in(folder.path);
  config.http.address = "192.0.2.1"; // of no machine
  served_process served(config, address, folder.path / "out");
  CHECK(listener.wait_for("STATUS=cannot serve: ").find("192.0.2.1") != std::string::npos);
  CHECK(served.exit_code() == 1);
}

TEST_CASE("a thread that is held up does not answer, and is heard of once it goes on",
          "[service]") {
  small_application app;
  std::mutex held;
  app.paths["/wait"] = [&](const http::request&, const std::shared_ptr<http::admitted_request>&,
                           const http::responder& give) {
    const std::lock_guard lock(held);
    give(small_application::plain("done"));
  };
  quiet_runtime common;
  http_settings settings;
  settings.port = 0;
  settings.threads = 1;
  http::server running(app, settings, common.pool);
  CHECK(running.answers_within(std::chrono::seconds(10)));
  client peer(running.port());
  {
    const std::lock_guard lock(held);
    peer.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
    bool answers = true; // until the request has arrived
    for (int i = 0; i < 1000 && answers; ++i) {
      answers = running.answers_within(std::chrono::milliseconds(20));
    }
    CHECK_FALSE(answers);
  }
  CHECK(peer.read().body == "done");
  CHECK(running.answers_within(std::chrono::seconds(10)));
}

TEST_CASE("a server works while it is idle and while it trains", "[service]") {
  server_test::server_fixture fixture;
  server& running = fixture.running();
  CHECK(running.works(std::chrono::seconds(10)));
  CHECK(running.status().find(" 0 open tasks") != std::string::npos);
  const std::string token = fixture.admin();
  const std::string id = server_test::make_line_of_three(fixture, token);
  std::atomic<bool> end{false};
  std::thread trainer([&] {
    while (!end) {
      fixture.ask("POST", "/v1/clusters/" + id + "/train",
                  R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})", token);
    }
  });
  for (int i = 0; i < 20; ++i) {
    CHECK(running.works(std::chrono::seconds(10)));
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  end = true;
  trainer.join();
  CHECK(running.works(std::chrono::seconds(10)));
}
