// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "service/support/fixtures.hpp"

using namespace server_test;

namespace {

/// A task that lasts longer than the test.
std::string start_long_task(const server_fixture& fixture, const std::string& token,
                            const std::string& data, const std::string& name) {
  const heard cluster = fixture.ask("POST", "/v1/clusters", R"({"name":")" + name + "\"}", token);
  REQUIRE(cluster.status == 201);
  const heard started =
      fixture.ask("POST", "/v1/clusters/" + cluster.text("id") + "/tasks",
                  R"({"kind":"train","name":"long","epochs":1000000,"inputs":[{"input":"input",)"
                  R"("dataset_id":")" +
                      data + R"(","columns":["a"]}],"outputs":[{"output":"output","dataset_id":")" +
                      data + R"(","columns":["b"]}]})",
                  token);
  INFO(started.body);
  REQUIRE(started.status == 202);
  return started.text("id");
}

std::int64_t done(const server_fixture& fixture, const std::string& token,
                  const std::vector<std::string>& tasks) {
  std::int64_t all = 0;
  for (const std::string& task : tasks) {
    const heard answer = fixture.ask("GET", "/v1/tasks/" + task, {}, token);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    const json::value shown = answer.content();
    REQUIRE(shown.at("state").as_string() != "failed");
    all += shown.at("done").as_int64();
  }
  return all;
}

} // namespace

TEST_CASE("who has many clusters at work gets no more than who has one", "[service]") {
  server_fixture fixture;
  struct user {
    std::string token;
    std::vector<std::string> tasks;
    std::int64_t before = 0;
  };
  std::vector<user> users;
  for (const auto& [name, tasks] : std::map<std::string, int>{{"anna", 6}, {"bert", 1}}) {
    user& u = users.emplace_back();
    u.token = fixture.member(name, "lab_one");
    const std::string data = upload_csv(fixture, "a,b\n1,2\n2,3\n3,4\n", u.token);
    for (int i = 0; i < tasks; ++i) {
      u.tasks.push_back(start_long_task(fixture, u.token, data, name + std::to_string(i)));
    }
  }
  for (user& u : users) {
    while (u.before == 0) {
      u.before = done(fixture, u.token, u.tasks);
    }
  }
  for (int i = 0; i < 500; ++i) { // turns last 10 ms
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    if (done(fixture, users[1].token, users[1].tasks) > users[1].before &&
        done(fixture, users[0].token, users[0].tasks) > users[0].before && i > 50) {
      break;
    }
  }
  const double many =
      static_cast<double>(done(fixture, users[0].token, users[0].tasks) - users[0].before);
  const double one =
      static_cast<double>(done(fixture, users[1].token, users[1].tasks) - users[1].before);
  INFO(many << " and " << one << " samples");
  CHECK(one > 0.5 * many); // not a sixth
}
