// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/server.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include <hanami/service/base/json.hpp>

#include "service/support/child_process.hpp"
#include "service/support/server_fixture.hpp"
#include "support/scratch_folder.hpp"

using server_test::ask_at;
using server_test::heard;
namespace json = hanami::service::json;

namespace {

/// A server in a process of its own, over and over in the same folder.
class mortal_server {
 public:
  explicit mortal_server(std::filesystem::path folder) : folder_(std::move(folder)) { rise(); }

  void rise() {
    process_ = std::make_unique<child_process>([this](const child_process::reporter& report) {
      hanami::service::server_config config;
      config.data = folder_;
      config.http.port = 0;
      config.http.threads = 1;
      config.engine.threads = 1;
      config.engine.snapshot_interval = std::chrono::seconds(1);
      config.auth.light_passwords = true;
      config.auth.logins_per_second = 1000;
      config.admin_password = "the first password";
      config.log_level = "off";
      const hanami::service::server running(config);
      report(running.port());
      for (;;) {
        std::this_thread::sleep_for(std::chrono::hours(1));
      }
    });
    const auto port = process_->next();
    REQUIRE(port.has_value()); // else it did not start
    port_ = static_cast<std::uint16_t>(*port);
    token = ask("POST", "/v1/sessions", R"({"user_id":"admin","password":"the first password"})")
                .text("access_token");
  }
  /// Kills it at some time while `load` runs, which ends when it gets no answer.
  template <class Load>
  void kill_during(std::chrono::milliseconds after, Load load) {
    std::thread killer([&] {
      std::this_thread::sleep_for(after);
      process_->kill_without_waiting();
    });
    load();
    killer.join();
    process_.reset();
  }

  /// Status 0: no answer.
  heard ask(const std::string& method, const std::string& target,
            const std::string& body = {}) const {
    try {
      return ask_at(port_, method, target, body, token);
    } catch (const std::runtime_error&) {
      return {};
    }
  }

  std::string token;

 private:
  std::filesystem::path folder_;
  std::unique_ptr<child_process> process_;
  std::uint16_t port_ = 0;
};

/// What a client remembers of what it was told, and what it does not know of its last request.
class witness {
 public:
  explicit witness(mortal_server& server) : server_(server) {
    cluster_ = made("/v1/clusters", R"({"name":"direct"})");
    busy_ = made("/v1/clusters", R"({"name":"busy"})");
    stream_ = made("/v1/streams", R"({"name":"rows","window":0})");
    upload_ =
        server_.ask("POST", "/v1/uploads", R"({"name":"rows","format":"csv","sizes":[100000000]})")
            .content();
    start_task();
  }

  /// One request after the other until there is no answer.
  void work() {
    for (std::uint64_t i = 0;; ++i) {
      const bool answered = i % 6 == 0   ? make_project()
                            : i % 6 == 1 ? drop_project()
                            : i % 6 == 2 ? send_piece()
                            : i % 6 == 3 ? look_at_task()
                            : i % 6 == 4 ? feed()
                                         : learn();
      if (!answered) {
        return;
      }
    }
  }

  /// What was acknowledged is there.
  void check() {
    const auto samples =
        static_cast<std::uint64_t>(server_.ask("GET", "/v1/clusters/" + cluster_ + "/statistics")
                                       .content()
                                       .at("statistics")
                                       .at("samples")
                                       .as_int64());
    CHECK(samples >= learned_);
    CHECK(samples <= learned_ + 1);
    learned_ = samples;

    const std::int64_t rows = server_.ask("GET", "/v1/streams/" + stream_ + "/statistics")
                                  .content()
                                  .at("rows")
                                  .as_int64();
    CHECK((rows == fed_ || rows == fed_ + batch)); // whole batches
    fed_ = rows;

    for (std::uint64_t p = 0; p < next_project_; ++p) {
      const unsigned status = server_.ask("GET", "/v1/projects/" + name_of(p)).status;
      INFO("project " << p);
      if (p != unsure_) {
        CHECK(status == (projects_.contains(p) ? 200U : 404U));
      }
      status == 200 ? void(projects_.insert(p)) : void(projects_.erase(p));
    }
    unsure_ = none;

    const json::value part =
        server_.ask("GET", "/v1/uploads/" + text_of(upload_, "id")).content().at("parts").at(0);
    CHECK(part.at("next").as_int64() >= sent_);
    sent_ = part.at("next").as_int64();

    const json::value task = server_.ask("GET", "/v1/tasks/" + task_).content();
    CHECK(task.at("state").as_string() != "failed");
    CHECK(task.at("done").as_int64() >= seen_done_);
  }

  std::uint64_t acknowledged() const { return acknowledged_; }

 private:
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  static std::string text_of(const json::value& from, const char* key) {
    return std::string(from.at(key).as_string());
  }
  static std::string name_of(std::uint64_t project) { return "project_" + std::to_string(project); }
  std::string made(const std::string& path, const std::string& body) {
    const heard answer = server_.ask("POST", path, body);
    INFO(answer.body);
    REQUIRE(answer.status >= 200);
    REQUIRE(answer.status < 300);
    return answer.text("id");
  }

  /// A task that outlives many servers.
  void start_task() {
    std::string rows = "a,b\n";
    for (int i = 0; i < 500; ++i) {
      rows += std::to_string(i % 17) + ',' + std::to_string(i % 5) + '\n';
    }
    const json::value begun =
        server_
            .ask("POST", "/v1/uploads",
                 R"({"name":"rows","format":"csv","sizes":[)" + std::to_string(rows.size()) + "]}")
            .content();
    REQUIRE(
        server_.ask("PUT", "/v1/parts/" + text_of(begun.at("parts").at(0), "id"), rows).status ==
        204);
    const std::string data = text_of(begun, "becomes");
    made("/v1/uploads/" + text_of(begun, "id") + "/finish", {});
    for (int i = 0; i < 5000 && server_.ask("GET", "/v1/datasets/" + data).status != 200; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    task_ = made("/v1/clusters/" + busy_ + "/tasks",
                 R"({"kind":"train","name":"long","epochs":1000000,"inputs":[{"input":"input",)"
                 R"("dataset_id":")" +
                     data + R"(","columns":["a"]}],"outputs":[{"output":"output","dataset_id":")" +
                     data + R"(","columns":["b"]}]})");
  }

  bool took(const heard& answer, unsigned status) {
    if (answer.status == 0) {
      return false;
    }
    INFO(answer.body);
    CHECK(answer.status == status);
    ++acknowledged_;
    return true;
  }
  bool learn() {
    const bool answered =
        took(server_.ask("POST", "/v1/clusters/" + cluster_ + "/train",
                         R"({"inputs":{"input":[20.5]},"targets":{"output":[4]}})"),
             200);
    learned_ += answered ? 1 : 0;
    return answered;
  }
  bool feed() {
    std::string rows;
    for (std::int64_t i = 0; i < batch; ++i) {
      rows += R"({"t":)" + std::to_string(1'770'000'000 + fed_ + i) + R"(,"x":20.5})" + '\n';
    }
    const bool answered =
        took(server_.ask("POST", "/v1/streams/" + stream_ + "/rows?answers=none", rows), 200);
    fed_ += answered ? batch : 0;
    return answered;
  }
  bool make_project() {
    unsure_ = next_project_++;
    const bool answered =
        took(server_.ask("POST", "/v1/projects",
                         R"({"id":")" + name_of(unsure_) + R"(","name":"a project"})"),
             201);
    if (answered) {
      projects_.insert(unsure_);
      unsure_ = none;
    }
    return answered;
  }
  bool drop_project() {
    if (projects_.size() < 5) {
      return true;
    }
    unsure_ = *projects_.begin();
    const bool answered = took(server_.ask("DELETE", "/v1/projects/" + name_of(unsure_)), 204);
    if (answered) {
      projects_.erase(unsure_);
      unsure_ = none;
    }
    return answered;
  }
  bool send_piece() {
    constexpr std::int64_t piece = 5000;
    const bool answered = took(server_.ask("PUT",
                                           "/v1/parts/" + text_of(upload_.at("parts").at(0), "id") +
                                               "?position=" + std::to_string(sent_),
                                           std::string(piece, '7')),
                               204);
    sent_ += answered ? piece : 0;
    return answered;
  }
  bool look_at_task() {
    const heard answer = server_.ask("GET", "/v1/tasks/" + task_);
    if (took(answer, 200)) {
      seen_done_ = answer.content().at("done").as_int64();
      return true;
    }
    return false;
  }

  mortal_server& server_;
  std::string cluster_;
  std::string busy_;
  std::string stream_;
  json::value upload_;
  std::string task_;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t learned_ = 0;
  static constexpr std::int64_t batch = 500;
  std::int64_t fed_ = 0;
  std::uint64_t next_project_ = 0;
  std::set<std::uint64_t> projects_;
  std::uint64_t unsure_ = none; ///< the project whose request had no answer
  std::int64_t sent_ = 0;
  std::int64_t seen_done_ = 0;
};

void kill_under_load(int times) {
  const scratch_folder folder;
  mortal_server server(folder.path / "data");
  witness told(server);
  std::mt19937 random(5);
  for (int i = 0; i < times; ++i) {
    INFO("kill " << i);
    server.kill_during(std::chrono::milliseconds(20 + random() % 400), [&] { told.work(); });
    server.rise();
    told.check();
  }
  CHECK(told.acknowledged() > static_cast<std::uint64_t>(times));
}

} // namespace

TEST_CASE("a server that is killed under load has all that it acknowledged", "[service]") {
  kill_under_load(5);
}

TEST_CASE("a server that is killed a hundred times has all that it acknowledged",
          "[service][.long]") {
  kill_under_load(100);
}
