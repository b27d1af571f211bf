// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "service/support/process_use.hpp"
#include "service/support/server_fixture.hpp"
#include "support/sanitized.hpp"

using namespace server_test;

namespace {

using steady_clock = std::chrono::steady_clock;

/// Somebody who uses everything, and puts everything away again. Throws where an answer is not what
/// it should be.
class visitor {
 public:
  visitor(const server_fixture& fixture, std::string user)
      : house_(fixture), user_(std::move(user)) {}

  void visit() {
    token_ = house_.log_in(user_, "some password");
    require(!token_.empty(), "no token");
    const std::string cluster = make("/v1/clusters", R"({"name":"visited"})");
    use_directly(cluster);
    use_socket(cluster);
    const std::string dataset = upload();
    const std::string links =
        R"("inputs":[{"input":"input","dataset_id":")" + dataset +
        R"(","columns":["a"]}],"outputs":[{"output":"output","dataset_id":")" + dataset +
        R"(","columns":["b"]}])";
    run_task(cluster, R"({"kind":"train","name":"learn","epochs":3,)" + links + "}");
    run_task(cluster, R"({"kind":"evaluate","name":"look",)" + links + "}");
    const std::string kept = run_task(cluster, R"({"kind":"save","name":"kept"})")
                                 .at("checkpoint_id")
                                 .as_string()
                                 .c_str();
    leave_early();
    ask("DELETE", "/v1/checkpoints/" + kept, 204);
    ask("DELETE", "/v1/datasets/" + dataset, 204);
    ask("DELETE", "/v1/clusters/" + cluster, 204);
    ask("DELETE", "/v1/sessions/current", 204);
  }

  const std::vector<double>& milliseconds() const { return milliseconds_; }

 private:
  static void require(bool good, const std::string& what) {
    if (!good) {
      throw std::runtime_error(what);
    }
  }
  heard ask(const std::string& method, const std::string& target, unsigned status,
            const std::string& body = {}) {
    const auto begun = steady_clock::now();
    heard answer = house_.ask(method, target, body, token_);
    milliseconds_.push_back(
        std::chrono::duration<double, std::milli>(steady_clock::now() - begun).count());
    require(answer.status == status,
            method + ' ' + target + ": " + std::to_string(answer.status) + ' ' + answer.body);
    return answer;
  }
  std::string make(const std::string& target, const std::string& body, unsigned status = 201) {
    return ask("POST", target, status, body).text("id");
  }

  void use_directly(const std::string& cluster) {
    for (int i = 0; i < 20; ++i) {
      ask("POST", "/v1/clusters/" + cluster + "/train", 200,
          R"({"inputs":{"input":[)" + std::to_string(i) + R"(.5]},"targets":{"output":[4]}})");
      ask("POST", "/v1/clusters/" + cluster + "/infer", 200, R"({"inputs":{"input":[7]}})");
    }
  }
  void use_socket(const std::string& cluster) {
    socket_client socket(house_.port());
    socket.send("GET /v1/clusters/" + cluster +
                "/socket HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                "Authorization: Bearer " +
                token_ + "\r\n\r\n");
    require(socket.read_head().status == 101, "no socket");
    for (int i = 0; i < 20; ++i) {
      const std::string answer =
          socket.ask_socket(R"({"id":1,"infer":{"inputs":{"input":[20.5]}}})");
      require(answer.find("outputs") != std::string::npos, answer);
    }
  }
  std::string upload() {
    std::string rows = "a,b\n";
    for (int i = 0; i < 200; ++i) {
      rows += std::to_string(i % 17) + ',' + std::to_string(i % 5) + '\n';
    }
    const json::value begun =
        ask("POST", "/v1/uploads", 201,
            R"({"name":"rows","format":"csv","sizes":[)" + std::to_string(rows.size()) + "]}")
            .content();
    const std::string part = begun.at("parts").at(0).at("id").as_string().c_str();
    const std::size_t half = rows.size() / 2;
    ask("PUT", "/v1/parts/" + part, 204, rows.substr(0, half));
    ask("PUT", "/v1/parts/" + part + "?position=" + std::to_string(half), 204, rows.substr(half));
    const std::string upload = begun.at("id").as_string().c_str();
    return end_of(make("/v1/uploads/" + upload + "/finish", {}, 202))
        .at("dataset_id")
        .as_string()
        .c_str();
  }
  /// What has come of it.
  json::value run_task(const std::string& cluster, const std::string& plan) {
    return end_of(make("/v1/clusters/" + cluster + "/tasks", plan, 202));
  }
  json::value end_of(const std::string& id) {
    for (;;) {
      const json::value task = ask("GET", "/v1/tasks/" + id, 200).content();
      if (task.at("state").as_string() == "finished") {
        ask("DELETE", "/v1/tasks/" + id, 204);
        return task.at("outcome");
      }
      require(task.at("state").as_string() == "active" || task.at("state").as_string() == "queued",
              json::serialize(task));
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
  /// Connections that end in the middle of a request, of a head, and before their answer.
  void leave_early() const {
    client(house_.port()).send("POST /v1/clusters HTTP/1.1\r\nContent-Length: 100\r\n\r\n{");
    client(house_.port()).send("GET /v1/clus");
    client(house_.port())
        .send("GET /v1/clusters HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " + token_ +
              "\r\n\r\n");
  }

  const server_fixture& house_;
  std::string user_;
  std::string token_;
  std::vector<double> milliseconds_;
};

/// `visits` at least, by two at a time, until the time is over.
std::vector<double> soak(const server_fixture& fixture, int visits, std::chrono::seconds time) {
  std::vector<double> all;
  std::mutex mutex;
  std::string trouble;
  std::atomic<int> left{visits};
  const auto until = steady_clock::now() + time;
  const auto work = [&](const std::string& user) {
    visitor one(fixture, user);
    try {
      while (left.fetch_sub(1) > 0 || steady_clock::now() < until) {
        one.visit();
      }
    } catch (const std::exception& why) {
      const std::lock_guard lock(mutex);
      trouble += why.what();
    }
    const std::lock_guard lock(mutex);
    all.insert(all.end(), one.milliseconds().begin(), one.milliseconds().end());
  };
  {
    std::thread other([&] { work("bert"); });
    work("anna");
    other.join();
  }
  REQUIRE(trouble == "");
  return all;
}

std::size_t entries(const server_fixture& fixture, const char* folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(fixture.config().data / folder), {}));
}

} // namespace

// For longer: HANAMI_SOAK_SECONDS=600 service_tests "who comes and goes*"
TEST_CASE("who comes and goes leaves nothing behind", "[service]") {
  const char* const seconds = std::getenv("HANAMI_SOAK_SECONDS");
  server_fixture fixture;
  fixture.member("anna", "lab_one");
  fixture.member("bert", "lab_two");
  soak(fixture, 20, std::chrono::seconds(0)); // what is kept for the next one is there
  const std::size_t files = open_files();
  const std::size_t bytes = resident_bytes();

  std::vector<double> ms =
      soak(fixture, 20, std::chrono::seconds(seconds == nullptr ? 0 : std::atoi(seconds)));
  CHECK(open_files() <= files + 4);
  CHECK((hanami_test::sanitized || resident_bytes() < bytes + (std::size_t{32} << 20)));
  for (const char* folder : {"clusters", "datasets", "checkpoints", "uploads"}) {
    INFO(folder);
    CHECK(entries(fixture, folder) == 0);
  }
  if (seconds != nullptr) {
    std::sort(ms.begin(), ms.end());
    std::cout << ms.size() << " requests, median " << ms[ms.size() / 2] << " ms, 99 % within "
              << ms[ms.size() * 99 / 100] << " ms; memory " << (bytes >> 10) << " KiB before, "
              << (resident_bytes() >> 10) << " after\n";
  }
}
