// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <atomic>
#include <string>
#include <thread>

#include <hanami/foundation/error.hpp>

#include "service/support/server_fixture.hpp"
#include "service/support/service_bench.hpp"

using namespace server_test;
using hanami::service::access::membership;

namespace {

/// A server of the fixture's data with other settings.
template <class Change>
std::unique_ptr<server> reopened(server_fixture& fixture, Change change) {
  fixture.close();
  server_config config = fixture.config();
  change(config);
  return std::make_unique<server>(config);
}

heard_response ask_with(const server& s, const std::string& line, const std::string& fields) {
  client by(s.port());
  return by.ask(line + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n" + fields + "\r\n");
}

} // namespace

TEST_CASE("a member's role changes in one step, in the same place", "[service]") {
  service_test::account_bench bench;
  bench.add_user("anna");
  for (const char* project : {"lab_one", "lab_two"}) {
    bench.accounts.create_project(project, "A lab", "test");
    bench.accounts.set_member("anna", {project, "member", false});
  }
  const auto changed = bench.accounts.set_member("anna", {"lab_one", "viewer", true});
  REQUIRE(changed.projects.size() == 2);
  CHECK(changed.projects[0].project_id == "lab_one");
  CHECK(changed.projects[0].role == "viewer");
  CHECK(changed.projects[0].project_admin);
  CHECK(changed.projects[1].role == "member");
  using service_test::refusal_code;
  using service_test::refusal_of;
  constexpr auto missing = refusal_code::not_found;
  CHECK(refusal_of([&] {
          bench.accounts.set_member("bert", {"lab_one", "member", false});
        }) == missing);
  CHECK(refusal_of([&] {
          bench.accounts.set_member("anna", {"lab_six", "member", false});
        }) == missing);
  CHECK(refusal_of([&] {
          bench.accounts.set_member("anna", {"lab_one", "", false});
        }) == refusal_code::invalid_value);
}

TEST_CASE("nobody sees a member outside while the role changes", "[service]") {
  service_test::account_bench bench;
  bench.add_user("anna");
  bench.accounts.create_project("lab_one", "A lab", "test");
  bench.accounts.set_member("anna", {"lab_one", "member", false});
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int i = 0; i < 60; ++i) {
      bench.accounts.set_member("anna", {"lab_one", i % 2 == 0 ? "viewer" : "member", false});
    }
    done = true;
  });
  bool always = true;
  while (!done) {
    always = always && bench.accounts.get_user("anna").projects.size() == 1;
  }
  writer.join();
  CHECK(always);
}

TEST_CASE("pages of other origins may call only where the configuration lets them", "[service]") {
  server_fixture fixture;
  const std::string preflight = "Origin: https://lab.example\r\n"
                                "Access-Control-Request-Method: POST\r\n"
                                "Access-Control-Request-Headers: authorization\r\n";
  heard_response answer =
      ask_with(fixture.running(), "GET /healthz", "Origin: https://lab.example\r\n");
  CHECK(answer.headers.count("access-control-allow-origin") == 0);
  CHECK(ask_with(fixture.running(), "OPTIONS /v1/clusters", preflight).status == 405);

  SECTION("some") {
    const auto s = reopened(fixture, [](server_config& config) {
      set_config(config, "http.allowed_origins", "https://lab.example, http://localhost:8080");
    });
    answer = ask_with(*s, "OPTIONS /v1/clusters", preflight);
    CHECK(answer.status == 204);
    CHECK(answer.headers["access-control-allow-origin"] == "https://lab.example");
    CHECK(answer.headers["access-control-allow-methods"].find("POST") != std::string::npos);
    CHECK(answer.headers["access-control-allow-headers"].find("Authorization") !=
          std::string::npos);
    CHECK(answer.headers["vary"] == "Origin");
    CHECK(answer.headers.count("access-control-allow-credentials") == 0);
    // A refusal can be read, too, or the page would not know why.
    answer = ask_with(*s, "GET /v1/clusters", "Origin: http://localhost:8080\r\n");
    CHECK(answer.status == 401);
    CHECK(answer.headers["access-control-allow-origin"] == "http://localhost:8080");
    for (const char* other : {"https://lab.example.evil", "http://lab.example", "null"}) {
      answer =
          ask_with(*s, "OPTIONS /v1/clusters",
                   std::string("Origin: ") + other + "\r\nAccess-Control-Request-Method: POST\r\n");
      CHECK(answer.headers.count("access-control-allow-origin") == 0);
    }
    CHECK(ask_with(*s, "OPTIONS /v1/nothing", preflight).status == 404);
    answer = ask_with(*s, "PUT /v1/parts/12345678-1234-1234-1234-123456789abc",
                      "Origin: https://lab.example\r\nContent-Length: 0\r\n");
    CHECK(answer.status == 401);
    CHECK(answer.headers["access-control-allow-origin"] == "https://lab.example");
  }
  SECTION("all") {
    const auto s =
        reopened(fixture, [](server_config& config) { config.http.allowed_origins = {"*"}; });
    answer = ask_with(*s, "GET /healthz", "Origin: https://any.example\r\n");
    CHECK(answer.headers["access-control-allow-origin"] == "https://any.example");
  }
}

TEST_CASE("pages can read also what is refused before it is a request", "[service]") {
  const server_fixture fixture([](server_config& config) {
    config.http.allowed_origins = {"https://lab.example"};
    config.http.body_timeout = std::chrono::milliseconds(100);
    config.http.header_timeout = std::chrono::milliseconds(100);
  });
  const auto refused = [&](const std::string& origin, const std::string& rest) {
    client connection(fixture.port());
    return connection.ask("POST /v1/sessions HTTP/1.1\r\nHost: here\r\nOrigin: " + origin + "\r\n" +
                          rest);
  };
  const std::pair<const char*, unsigned> requests[] = {
      {"Host: there\r\n\r\n", 400},
      {"Content-Length: many\r\n\r\n", 400},
      {"Content-Length: 999999999\r\n\r\n", 413},
      {"Content-Length: 10\r\n\r\nslow", 408},
      {"X-Slow: ", 408},
      {"Expect: nothing\r\nContent-Length: 1\r\n\r\n", 417}};
  for (const auto& [rest, status] : requests) {
    heard_response answer = refused("https://lab.example", rest);
    INFO(rest << " -> " << answer.status << ' ' << answer.body);
    CHECK(answer.status == status);
    CHECK(answer.headers["access-control-allow-origin"] == "https://lab.example");
    CHECK(answer.headers["vary"] == "Origin");
    answer = refused("https://lab.example.evil", rest);
    CHECK(answer.status == status);
    CHECK(answer.headers.count("access-control-allow-origin") == 0);
  }
}

TEST_CASE("origins are written as browsers write them", "[service]") {
  server_config config;
  set_config(config, "http.allowed_origins", "https://a.example http://[::1]:8080,*");
  CHECK(config.http.allowed_origins ==
        std::vector<std::string>{"https://a.example", "http://[::1]:8080", "*"});
  CHECK(list_config(config).at("http.allowed_origins") ==
        "https://a.example, http://[::1]:8080, *");
  for (const char* wrong : {"lab.example", "https://", "https://a.example/", "https://A.example",
                            "ftp://a.example", "https://a.example;https://b.example"}) {
    CHECK_THROWS_AS(set_config(config, "http.allowed_origins", wrong), hanami::error);
  }
  set_config(config, "http.allowed_origins", "");
  CHECK(config.http.allowed_origins.empty());
}

TEST_CASE("the metrics are for this machine, or for who has their token", "[service]") {
  server_fixture fixture;
  CHECK(fixture.ask("GET", "/metrics").status == 200);
  const std::string admin = fixture.admin();
  const auto s = reopened(fixture, [](server_config& config) {
    set_config(config, "auth.metrics_token", "a-long-and-secret-word");
  });
  CHECK(ask_with(*s, "GET /metrics", "").status == 401);
  CHECK(ask_with(*s, "GET /metrics", "Authorization: Bearer a-long-and-secret-wort\r\n").status ==
        401);
  CHECK(ask_with(*s, "GET /metrics", "Authorization: Bearer " + admin + "\r\n").status == 401);
  CHECK(ask_with(*s, "GET /metrics", "Authorization: Bearer a-long-and-secret-word\r\n").status ==
        200);
  server_config config;
  CHECK_THROWS_AS(set_config(config, "auth.metrics_token", "short"), hanami::error);
  CHECK(list_config(config).count("auth.metrics_token") == 0);
}

TEST_CASE("the reference's GET /auth tells whom a token speaks for and what the policy lets it do",
          "[service]") {
  const server_fixture fixture;
  const std::string admin = fixture.admin();
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string cleo = fixture.member("cleo", "lab_one", "viewer");
  const auto ask = [&](const std::string& query, const std::string& token) {
    return fixture.ask("GET", "/v1.0alpha/auth" + query, {}, token);
  };
  CHECK(ask("", anna).text("id") == "anna");
  CHECK(ask("?token=" + anna, admin).text("id") == "anna");
  CHECK(ask("?token=nonsense", admin).status == 401);
  CHECK(ask("?token=" + anna, "nonsense").status == 401);
  CHECK(ask("?endpoint=v1.0alpha/cluster&http_type=4", anna).status == 200);
  CHECK(ask("?endpoint=v1.0alpha/cluster&http_type=4", cleo).status == 401);
  CHECK(ask("?endpoint=v1.0alpha/cluster&http_type=4&token=" + cleo, anna).status == 401);
  CHECK(ask("?endpoint=v1.0alpha/cluster&http_type=2", cleo).text("role") == "viewer");
  CHECK(ask("?endpoint=v1.0alpha/cluster&http_type=3", cleo).status == 200);
  CHECK(ask("?endpoint=v1.0alpha/user&http_type=4", anna).status == 401); // administrators only
  CHECK(ask("?endpoint=v1.0alpha/user&http_type=4", admin).status == 200);
  CHECK(ask("?endpoint=v1.0alpha/nothing&http_type=2", admin).status == 401);
  CHECK(ask("?endpoint=v1.0alpha/cluster", anna).status == 400);
  CHECK(ask("?http_type=2", anna).status == 400);
  CHECK(ask("?endpoint=v1.0alpha/cluster&http_type=6", anna).status == 400);
}
