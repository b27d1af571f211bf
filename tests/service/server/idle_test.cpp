// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include "service/support/process_use.hpp"
#include "service/support/server_fixture.hpp"
#include "support/sanitized.hpp"

/// What a whole server costs while nobody wants anything of it.

using namespace server_test;
using namespace std::chrono_literals;

namespace {

struct cost {
  std::uint64_t wakes_a_thread = 0; ///< of the thread that is woken most
  std::uint64_t wakes = 0;          ///< of all
  double processor_share = 0;       ///< of one core
};

constexpr auto watched = 5s;

/// Watches the threads that begin after it has been made.
class rest_watch {
 public:
  /// What they take while they are left alone; the processor's time is that of the whole process.
  cost measure() const {
    std::this_thread::sleep_for(2s); // what was begun comes to its end
    const auto before = wakes_of_threads();
    const auto used_before = processor_time();
    std::this_thread::sleep_for(watched);
    const std::chrono::duration<double> used = processor_time() - used_before;
    cost found;
    for (const auto& [thread, wakes] : wakes_of_threads()) {
      if (others_.count(thread) == 0) {
        const auto known = before.find(thread);
        const std::uint64_t more = wakes - (known == before.end() ? 0 : known->second);
        found.wakes_a_thread = std::max(found.wakes_a_thread, more);
        found.wakes += more;
      }
    }
    found.processor_share = used / std::chrono::duration<double>(watched);
    return found;
  }

 private:
  const std::map<std::string, std::uint64_t> others_ = wakes_of_threads();
};

/// Once a second and thread; two wakes more: one on each border. The processor's time only tells
/// whether a thread runs without a rest: below that, machines bill a wake as they like.
void expect_rest(const cost& found) {
  INFO(found.wakes_a_thread << " wakes of one thread, " << found.wakes << " of all, "
                            << found.processor_share * 100 << " % of a core");
  CHECK((hanami_test::sanitized || // which has a thread of its own
         found.wakes_a_thread <= watched.count() + 2));
  CHECK(found.processor_share < 0.05);
}

} // namespace

TEST_CASE("a server without clients sleeps", "[service]") {
  const rest_watch watch;
  const server_fixture fixture([](server_config& config) {
    config.http.threads = 2;
    config.engine.threads = 2;
  });
  expect_rest(watch.measure());
}

TEST_CASE("clusters and connections that nobody uses wake nobody", "[service]") {
  const rest_watch watch;
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const heard made = fixture.ask("POST", "/v1/clusters", R"({"name":"a cluster"})", token);
  REQUIRE(made.status == 201);
  const std::string path = "/v1/clusters/" + made.text("id");
  REQUIRE(fixture
              .ask("POST", path + "/train", R"({"inputs":{"input":[1]},"targets":{"output":[2]}})",
                   token)
              .status == 200);

  socket_client opened(fixture.port());
  opened.send(socket_client::handshake(path + "/socket")
                  .insert(socket_client::handshake(path + "/socket").size() - 2,
                          "Authorization: Bearer " + token + "\r\n"));
  REQUIRE(opened.read(false).status == 101);
  const std::string answer = opened.ask_socket(R"({"id":1,"infer":{"inputs":{"input":[1]}}})");
  REQUIRE(answer.find("outputs") != std::string::npos);
  client kept_alive(fixture.port());
  REQUIRE(kept_alive.get("/v1/health/live").status != 0);

  expect_rest(watch.measure());
  REQUIRE(opened.ask_socket(R"({"id":2,"infer":{"inputs":{"input":[1]}}})").find("outputs") !=
          std::string::npos);
}
