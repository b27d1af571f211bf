// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <hanami/service/base/json_text.hpp>

#include "service/support/fixtures.hpp"
#include "service/support/http_socket_peer.hpp"

/// What those may do whom nobody knows yet.

using namespace server_test;
using hanami::service::parse_json;

namespace {

/// The answer to a head alone, whose body never comes.
heard_response refused_before_body(const server_fixture& fixture, const std::string& head) {
  client connection(fixture.port());
  connection.send(head + "Host: here\r\nContent-Length: 1000\r\n\r\n");
  return connection.read();
}

std::string read_all(const std::filesystem::path& file) {
  std::ifstream from(file);
  return {std::istreambuf_iterator<char>(from), {}};
}

} // namespace

TEST_CASE("of strangers no body is read, and of their log-ins a short one", "[service]") {
  const server_fixture fixture;
  CHECK(refused_before_body(fixture, "POST /v1/clusters HTTP/1.1\r\n").status == 401);
  CHECK(
      refused_before_body(fixture, "POST /v1/clusters HTTP/1.1\r\nAuthorization: Bearer x.y.z\r\n")
          .status == 401);
  CHECK(refused_before_body(fixture, "POST /v1/nothing HTTP/1.1\r\n").status == 404);
  CHECK(refused_before_body(fixture, "PATCH /v1/clusters HTTP/1.1\r\n").status == 405);
  CHECK(refused_before_body(fixture, "PUT /v1.0alpha/token HTTP/1.1\r\n").status == 401);
  const std::string long_name(100'000, 'a');
  CHECK(fixture.ask("POST", "/v1/sessions", R"({"user_id":")" + long_name + "\"}").status == 413);
  const std::string token = fixture.admin();
  CHECK(fixture.ask("POST", "/v1/clusters", R"({"name":")" + long_name + "\"}", token).status ==
        422);
}

TEST_CASE("a token that ends while a body comes does not help it", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string body = R"({"name":"a cluster"})";
  client slow(fixture.port());
  slow.send("POST /v1/clusters HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer " + token +
            "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body.substr(0, 5));
  REQUIRE(fixture.ask("DELETE", "/v1/sessions/current", "", token).status == 204);
  slow.send(body.substr(5));
  CHECK(slow.read().status == 401);
}

TEST_CASE("JSON says everything once", "[service]") {
  for (const std::string_view once :
       {R"({})", R"({"a":1,"b":{"a":2}})", R"([{"a":1},{"a":2}])",
        R"({"a":"b:c","d:e":[1,{"f":":"}]})", R"({"a\"":1,"a":"\\","b":":"})", R"("a:b")"}) {
    CAPTURE(once);
    CHECK(parse_json(once).trouble.empty());
  }
  for (const std::string_view twice :
       {R"({"a":1,"a":1})", R"({"a":1,"\u0061":2})", R"([1,{"b":{"a":":","c":0,"a":1}}])",
        R"({"x":"::","a":1,"b":[{"y":0,"y":{}}]})"}) {
    CAPTURE(twice);
    CHECK(parse_json(twice).trouble == "an object has two members of the same name");
  }
  CHECK_FALSE(parse_json(R"({"a":1)").trouble.empty());
  CHECK_FALSE(parse_json(std::string(40, '[') + std::string(40, ']')).trouble.empty());
  const server_fixture fixture;
  CHECK(
      fixture
          .ask("POST", "/v1/clusters", R"({"name":"a cluster","name":"another"})", fixture.admin())
          .status == 400);
}

TEST_CASE("a flood of wrong log-ins leaves the service to the others", "[service]") {
  const server_fixture fixture([](server_config& config) {
    config.auth.light_passwords = false; // as long as in earnest
    config.auth.failed_logins = 1'000'000;
    config.http.workers = 4;
  });
  const std::string token = fixture.admin();
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> flood;
  for (int i = 0; i < 8; ++i) {
    flood.emplace_back([&, i] {
      const std::string login =
          R"({"user_id":"user_)" + std::to_string(i) + R"(","password":"no such password"})";
      while (!over) {
        const unsigned status = fixture.ask("POST", "/v1/sessions", login).status;
        wrong += status == 401 || status == 503 ? 1 : 1000;
      }
    });
  }
  // What waits for the disk has workers all the same.
  for (int i = 0; i < 20; ++i) {
    CHECK(fixture.ask("GET", "/v1/clusters", "", token).status == 200);
    CHECK(upload_csv(fixture, "a,b\n1,2\n3,4\n", token).size() > 0);
  }
  over = true;
  for (std::thread& each : flood) {
    each.join();
  }
  CHECK(wrong > 0);
  CHECK(wrong < 1000);
}

TEST_CASE("log-ins stand in the audit log and in the operator's, the failed ones too",
          "[service]") {
  const scratch_folder logs;
  const auto file = logs.path / "log";
  const server_fixture fixture([&](server_config& config) {
    config.log_level = "info";
    config.log_file = file;
  });
  CHECK(fixture.log_in("admin", "wrong password").empty());
  CHECK(fixture.log_in("ann\nlog-in of 'x'", "wrong password").empty());
  const std::string token = fixture.admin();
  REQUIRE_FALSE(token.empty());
  const heard audit = fixture.ask("GET", "/v1/audit-log", "", token);
  CHECK(audit.status == 200);
  CHECK(audit.body.find(R"("user_id":"admin","project_id":"admin")") != std::string::npos);
  CHECK(audit.body.find("\"status\":401") != std::string::npos);
  const std::string text = read_all(file);
  CHECK(text.find("log-in of 'admin' from 127.0.0.1 refused") != std::string::npos);
  CHECK(text.find("\nlog-in of 'x'") == std::string::npos); // nobody writes lines of their own
}

TEST_CASE("metrics are shown to this machine, but to nobody through a proxy on it", "[service]") {
  const server_fixture fixture;
  CHECK(fixture.ask("GET", "/metrics").status == 200);
  for (const char* field : {"X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9",
                            "X-Real-IP: 203.0.113.9", "Via: 1.1 proxy"}) {
    CAPTURE(field);
    client connection(fixture.port());
    CHECK(connection.ask("GET /metrics HTTP/1.1\r\nHost: h\r\n" + std::string(field) + "\r\n\r\n")
              .status == 403);
  }
}

TEST_CASE("passwords that are tried first, or short ones, are none", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const auto status_of = [&](const std::string& password) {
    return fixture
        .ask("POST", "/v1/users",
             json::serialize(
                 json::object{{"id", "anna"}, {"name", "Anna B."}, {"password", password}}),
             token)
        .status;
  };
  for (const char* bad : {"password", "PassWord1", "12345678", "qwertyuiop", "zzzzzzzzzzzz",
                          "\u00e4\u00e4\u00f6\u00f6\u00fc\u00fc"}) { // six letters, twelve bytes
    CAPTURE(bad);
    CHECK(status_of(bad) == 422);
  }
  CHECK(status_of("\u00e4b\u00f6d\u00fcf\u00e9h") == 201);
}

TEST_CASE("pages to read the API on run their own script and nothing else", "[service]") {
  const server_fixture fixture;
  client connection(fixture.port());
  const heard_response page = connection.get("/docs");
  REQUIRE(page.status == 200);
  const std::string policy = page.headers.at("content-security-policy");
  CHECK(policy.find("default-src 'none'") != std::string::npos);
  CHECK(policy.find("script-src 'sha256-") != std::string::npos);
  CHECK(policy.find("unsafe") == std::string::npos);
}

TEST_CASE("a socket of the reference says who it is, in few words and in time", "[service]") {
  const server_fixture fixture(
      [](server_config& config) { config.http.header_timeout = std::chrono::milliseconds(300); });
  socket_client silent(fixture.port());
  REQUIRE(silent.open("/").status == 101);
  CHECK(silent.is_closed());

  socket_client talkative(fixture.port());
  REQUIRE(talkative.open("/").status == 101);
  talkative.say(std::string(20'000, 'x'));
  CHECK(talkative.hear().close_code() == 1009);
}
