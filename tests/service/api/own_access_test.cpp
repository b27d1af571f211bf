// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include <hanami/service/access/totp.hpp>
#include <hanami/service/base/clock.hpp>

#include "service/support/fixtures.hpp"

/// Sessions, API tokens and the second factor, by REST.

using namespace server_test;

namespace {

std::string make_token(const server_fixture& fixture, const std::string& token,
                       const std::string& scopes) {
  const heard made =
      fixture.ask("POST", "/v1/me/tokens", R"({"name":"a robot","scopes":)" + scopes + '}', token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.text("token");
}

/// What an app shows at present for a secret in base32.
std::string code_for(const std::string& secret) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::vector<unsigned char> bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : secret) {
    bits = bits << 5 | static_cast<unsigned>(letters.find(c));
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<unsigned char>(bits >> count & 255U));
    }
  }
  return hanami::service::access::totp_code(bytes, hanami::service::now_ms() / 1000 /
                                                       hanami::service::access::totp_step_s);
}

} // namespace

TEST_CASE("a user sees where the own sessions are, and ends them", "[service]") {
  const server_fixture fixture;
  const std::string here = fixture.member("anna", "lab_one");
  const heard_response other =
      ask_with(fixture.port(), "POST", "/v1/sessions", "User-Agent: some phone/1.0\r\n",
               R"({"user_id":"anna","password":"some password"})");
  REQUIRE(other.status == 201);
  const std::string there(json::parse(other.body).at("access_token").as_string());
  const heard listed = fixture.ask("GET", "/v1/me/sessions", {}, here);
  REQUIRE(listed.status == 200);
  const json::array items = listed.content().at("items").as_array();
  REQUIRE(items.size() >= 2);
  std::string phone;
  std::size_t current = 0;
  for (const json::value& each : items) {
    CHECK(each.at("address") == "127.0.0.1");
    current += each.at("is_current").as_bool() ? 1U : 0U;
    if (each.at("device") == "some phone/1.0") {
      phone = each.at("id").as_string();
    }
  }
  CHECK(current == 1);
  REQUIRE_FALSE(phone.empty());
  CHECK(fixture.ask("DELETE", "/v1/me/sessions/" + phone, {}, fixture.admin()).status == 404);
  CHECK(fixture.ask("DELETE", "/v1/me/sessions/" + phone, {}, here).status == 204);
  CHECK(fixture.ask("GET", "/v1/me", {}, there).status == 401);
  const std::string third = fixture.log_in("anna", "some password");
  CHECK(fixture.ask("DELETE", "/v1/me/sessions", {}, here).status == 204);
  CHECK(fixture.ask("GET", "/v1/me", {}, third).status == 401);
  CHECK(fixture.ask("GET", "/v1/me/sessions", {}, here).content().at("items").as_array().size() ==
        1);
}

TEST_CASE("a refresh may be repeated by who never heard the answer", "[service]") {
  const server_fixture fixture;
  fixture.member("anna", "lab_one");
  const heard in =
      fixture.ask("POST", "/v1/sessions", R"({"user_id":"anna","password":"some password"})");
  const std::string body = R"({"refresh_token":")" + in.text("refresh_token") + "\"}";
  CHECK(fixture.ask("POST", "/v1/sessions/refresh", body).status == 201);
  const heard again = fixture.ask("POST", "/v1/sessions/refresh", body);
  REQUIRE(again.status == 201);
  CHECK(fixture.ask("GET", "/v1/me", {}, again.text("access_token")).status == 200);
  CHECK(fixture.ask("POST", "/v1/sessions/refresh", body).status == 401);
  CHECK(fixture.ask("GET", "/v1/me", {}, again.text("access_token")).status == 401);
}

TEST_CASE("an API token does what its scopes say and no more", "[service]") {
  const server_fixture fixture;
  const std::string person = fixture.member("anna", "lab_one");
  const std::string cluster = "/v1/clusters/" + make_line_of_three(fixture, person);
  const std::string question = R"({"inputs":{"x":[1,2]}})";
  const std::string lesson = R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})";
  struct expectation {
    const char* scopes;
    bool reads, asks, teaches, writes;
  };
  for (const expectation& each : {expectation{R"(["read"])", true, false, false, false},
                                  expectation{R"(["infer"])", false, true, false, false},
                                  expectation{R"(["train"])", false, false, true, false},
                                  expectation{R"(["write"])", false, true, true, true},
                                  expectation{R"(["infer","train"])", false, true, true, false},
                                  expectation{R"(["admin"])", false, false, false, false}}) {
    CAPTURE(each.scopes);
    const std::string robot = make_token(fixture, person, each.scopes);
    const auto can = [&](const char* method, const std::string& target, const std::string& body) {
      const heard given = fixture.ask(method, target, body, robot);
      INFO(given.body);
      CHECK((given.status / 100 == 2 || given.status == 403));
      return given.status / 100 == 2;
    };
    CHECK(can("GET", cluster, "") == each.reads);
    CHECK(can("GET", "/v1/me", "") == each.reads);
    CHECK(can("POST", cluster + "/infer", question) == each.asks);
    CHECK(can("POST", cluster + "/train", lesson) == each.teaches);
    CHECK(can("PATCH", cluster, R"({"visibility":"project"})") == each.writes);
  }
  const std::string all = make_token(fixture, person, R"(["read","write","admin"])");
  for (const auto& [method, target] :
       {std::pair("POST", "/v1/me/tokens"), std::pair("GET", "/v1/me/tokens"),
        std::pair("GET", "/v1/me/sessions"), std::pair("DELETE", "/v1/me/sessions"),
        std::pair("PUT", "/v1/me/password"), std::pair("POST", "/v1/me/second-factor"),
        std::pair("POST", "/v1/sessions/project"), std::pair("DELETE", "/v1/sessions/current"),
        std::pair("PUT", "/v1.0alpha/token")}) {
    CAPTURE(method, target);
    const heard refused = fixture.ask(method, target, "{}", all);
    CHECK((refused.status == 403 || refused.status == 401));
    CHECK(refused.body.find("API token") != std::string::npos);
  }
  CHECK(fixture.ask("GET", "/v1/users", {}, all).status == 403); // anna is none
}

TEST_CASE("an administrator's API token is one only where its scope says so", "[service]") {
  const server_fixture fixture;
  const std::string chief = fixture.admin();
  CHECK(fixture.ask("GET", "/v1/users", {}, make_token(fixture, chief, R"(["read"])")).status ==
        403);
  CHECK(fixture.ask("GET", "/v1/users", {}, make_token(fixture, chief, R"(["read","admin"])"))
            .status == 200);
  CHECK(fixture.ask("GET", "/v1/users", {}, make_token(fixture, chief, R"(["admin"])")).status ==
        403);
}

TEST_CASE("API tokens are shown once, listed and removed", "[service]") {
  const server_fixture fixture;
  const std::string person = fixture.member("anna", "lab_one");
  const heard made =
      fixture.ask("POST", "/v1/me/tokens",
                  R"({"name":"the boiler","scopes":["train","read"],"expires_in":3600})", person);
  REQUIRE(made.status == 201);
  const std::string robot = made.text("token");
  const std::string id = made.text("id");
  const auto listed = [&] {
    const heard all = fixture.ask("GET", "/v1/me/tokens", {}, person);
    CHECK(all.body.find(robot) == std::string::npos);
    return all.content().at("items").as_array();
  };
  REQUIRE(listed().size() == 1);
  CHECK(listed()[0].at("used_at").is_null());
  CHECK(listed()[0].at("scopes") == json::value({"read", "train"}));
  REQUIRE(fixture.ask("GET", "/v1/me", {}, robot).status == 200);
  CHECK(listed()[0].at("used_at").is_string());
  const std::string as_admin = "/v1/users/anna/tokens";
  CHECK(fixture.ask("GET", as_admin, {}, fixture.admin()).content().at("items").as_array().size() ==
        1);
  CHECK(fixture.ask("GET", as_admin, {}, person).status == 403);
  CHECK(fixture.ask("DELETE", "/v1/me/tokens/" + id, {}, fixture.admin()).status == 404);
  CHECK(fixture.ask("DELETE", "/v1/me/tokens/" + id, {}, person).status == 204);
  CHECK(fixture.ask("GET", "/v1/me", {}, robot).status == 401);
  CHECK(listed().empty());
  make_token(fixture, person, R"(["read"])");
  const std::string other(listed().at(0).at("id").as_string());
  CHECK(fixture.ask("DELETE", as_admin + '/' + other, {}, fixture.admin()).status == 204);
  CHECK(listed().empty());
  for (const char* wrong :
       {R"({"name":"x","scopes":[]})", R"({"name":"x","scopes":["all"]})",
        R"({"name":"x","scopes":["read"],"expires_in":1})", R"({"name":"x"})"}) {
    CHECK(fixture.ask("POST", "/v1/me/tokens", wrong, person).status == 422);
  }
}

TEST_CASE("a log-in wants the code of the second factor", "[service]") {
  const server_fixture fixture;
  const std::string person = fixture.member("anna", "lab_one");
  const heard begun =
      fixture.ask("POST", "/v1/me/second-factor", R"({"password":"some password"})", person);
  REQUIRE(begun.status == 201);
  const std::string secret = begun.text("secret");
  CHECK(begun.text("otpauth_url").find(secret) != std::string::npos);
  const heard enabled = fixture.ask("POST", "/v1/me/second-factor/confirm",
                                    R"({"code":")" + code_for(secret) + "\"}", person);
  REQUIRE(enabled.status == 200);
  const std::string recovery(enabled.content().at("recovery_codes").at(0).as_string());
  CHECK(fixture.ask("GET", "/v1/me/second-factor", {}, person).content().at("is_enabled") == true);

  const auto log_in = [&](const std::string& more) {
    return fixture.ask("POST", "/v1/sessions",
                       R"({"user_id":"anna","password":"some password")" + more + '}');
  };
  const heard waits = log_in("");
  CHECK(waits.status == 401);
  CHECK(waits.text("code") == "code_needed");
  CHECK(log_in(R"(,"code":"000000")").text("code") == "unauthorized");
  const heard in = log_in(R"(,"code":")" + recovery + '"');
  REQUIRE(in.status == 201);
  CHECK(in.content().as_object().contains("access_token"));
  CHECK(fixture.ask("POST", "/v1.0alpha/token", R"({"id":"anna","password":"some password"})")
            .status == 401);
  CHECK(
      fixture.ask("GET", "/v1/users/anna", {}, fixture.admin()).content().at("has_second_factor") ==
      true);
  CHECK(fixture.ask("DELETE", "/v1/users/anna/second-factor", {}, fixture.admin()).status == 204);
  CHECK(log_in("").status == 201);
}

TEST_CASE("where a second factor is wanted, nothing else can be done before", "[service]") {
  const server_fixture fixture(
      [](server_config& config) { config.auth.second_factor = "everybody"; });
  const std::string chief = fixture.admin();
  REQUIRE_FALSE(chief.empty());
  for (const char* target : {"/v1/users", "/v1/clusters", "/v1/me/tokens", "/v1/datasets"}) {
    const heard refused = fixture.ask("GET", target, {}, chief);
    CHECK(refused.status == 403);
    CHECK(refused.text("code") == "second_factor_missing");
  }
  CHECK(fixture.ask("GET", "/v1.0alpha/cluster/all", {}, chief).status == 401);
  CHECK(fixture.ask("GET", "/v1/me", {}, chief).status == 200);
  CHECK(fixture.ask("GET", "/v1/me/second-factor", {}, chief).content().at("is_needed") == true);
  const heard begun =
      fixture.ask("POST", "/v1/me/second-factor", R"({"password":"the first password"})", chief);
  REQUIRE(begun.status == 201);
  REQUIRE(fixture
              .ask("POST", "/v1/me/second-factor/confirm",
                   R"({"code":")" + code_for(begun.text("secret")) + "\"}", chief)
              .status == 200);
  CHECK(fixture.ask("GET", "/v1/clusters", {}, chief).status == 200);
}
