// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <hanami/service/api/entity_tags.hpp>

#include "service/support/fixtures.hpp"

/// What requests say in their heads: conditions, schemes, methods; and the names of roles.

using namespace server_test;
using hanami::service::api::entity_tags;

TEST_CASE("conditions are lists of tags, strong or weak, or a star", "[service]") {
  const auto strongly = [](std::vector<std::string_view> fields) {
    return entity_tags(fields).match_strongly(7);
  };
  const auto weakly = [](std::vector<std::string_view> fields) {
    return entity_tags(fields).match_weakly("\"7\"");
  };
  for (const std::string_view field : {"\"7\"", "\"6\", \"7\"", "\"6\",\"7\",W/\"8\"", "*", " * ",
                                       "W/\"6\" , \"7\"", ",, \"7\"", "\"a, b\", \"7\""}) {
    CAPTURE(field);
    CHECK(strongly({field}));
    CHECK(weakly({field}));
  }
  CHECK(strongly({"\"6\"", "\"7\""}));
  CHECK(strongly({"\"7-gzip\""})); // the same version, packed
  CHECK_FALSE(strongly({"\"6-gzip\""}));
  CHECK_FALSE(weakly({"\"7-gzip\""})); // but other bytes
  CHECK_FALSE(strongly({"W/\"7\""}));
  CHECK(weakly({"W/\"7\""}));
  for (const std::string_view field : {"7", "\"7", "7\"", "'7'", "\"07\"", "\" 7\"", "\"17\"",
                                       "w/\"7\"", "", "\"\"", "**", "x*", "\"6\" 7", "\"6, 7\""}) {
    CAPTURE(field);
    CHECK_FALSE(strongly({field}));
    CHECK_FALSE(weakly({field}));
    CHECK(entity_tags({field}).given());
  }
  CHECK_FALSE(entity_tags({}).given());
}

TEST_CASE("a change or a removal for another version is refused, whatever names it", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string who = "Authorization: Bearer " + token + "\r\n";
  fixture.ask("POST", "/v1/projects", R"({"id":"lab_one","name":"a project"})", token);
  const std::vector<std::string> targets{
      "/v1/clusters/" + make_line_of_three(fixture, token),
      "/v1/datasets/" + upload_csv(fixture, "a,b\n1,2\n3,4\n", token), "/v1/projects/lab_one"};
  for (const std::string& target : targets) {
    CAPTURE(target);
    const auto status = [&](const char* method, const std::string& condition) {
      const bool deletes = std::string_view(method) == "DELETE";
      return ask_with(fixture.port(), method, target, who + condition,
                      deletes ? "" : R"({"name":"another name"})")
          .status;
    };
    const std::string first = ask_with(fixture.port(), "GET", target, who).headers.at("etag");
    for (const std::string& tag :
         {"W/" + first, std::string("\"99\""), std::string("nonsense"), first.substr(1)}) {
      CAPTURE(tag);
      CHECK(status("PATCH", "If-Match: " + tag + "\r\n") == 412);
      CHECK(status("DELETE", "If-Match: " + tag + "\r\n") == 412);
    }
    CHECK(status("PATCH", "If-Match: \"99\", " + first + "\r\n") == 200);
    CHECK(status("PATCH", "If-Match: " + first + "\r\n") == 412);
    CHECK(status("PATCH", "If-Match: *\r\n") == 200);
    const std::string now = ask_with(fixture.port(), "GET", target, who).headers.at("etag");
    CHECK(now != first);
    for (const std::string& tag : {now, "W/" + now, "\"99\", " + now, std::string("*")}) {
      CAPTURE(tag);
      CHECK(status("GET", "If-None-Match: " + tag + "\r\n") == 304);
    }
    CHECK(status("GET", "If-None-Match: " + first + "\r\n") == 200);
    CHECK(status("DELETE", "If-Match: " + first + "\r\n") == 412);
    CHECK(status("DELETE", "If-Match: " + now + "\r\n") == 204);
  }
}

TEST_CASE("a method that a path does not know is refused with those that it does", "[service]") {
  const server_fixture fixture;
  const heard_response refused = ask_with(fixture.port(), "DELETE", "/v1/clusters", "");
  CHECK(refused.status == 405);
  CHECK(refused.headers.at("allow") == "POST, GET");
}

TEST_CASE("the scheme of a token may be written in any case", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER ", "Bearer  "}) {
    CHECK(ask_with(fixture.port(), "GET", "/v1/me",
                   std::string("Authorization: ") + scheme + token + "\r\n")
              .status == 200);
  }
  for (const char* scheme : {"Basic ", "Bearer", "Bearers ", "Bear "}) {
    CHECK(ask_with(fixture.port(), "GET", "/v1/me",
                   std::string("Authorization: ") + scheme + token + "\r\n")
              .status == 401);
  }
}

TEST_CASE("roles can be listed, and others are refused with those", "[service]") {
  const server_fixture fixture;
  const std::string member = fixture.member("anna", "lab_one");
  const heard listed = fixture.ask("GET", "/v1/roles", {}, member);
  CHECK(listed.status == 200);
  CHECK(listed.content().at("items") == json::value({"admin", "member", "viewer"}));
  const heard refused = fixture.ask("PUT", "/v1/projects/lab_one/members/anna",
                                    R"({"role":"superuser"})", fixture.admin());
  CHECK(refused.status == 422);
  CHECK(refused.body.find("admin, member, viewer") != std::string::npos);
  CHECK(fixture.ask("GET", "/v1/me", {}, fixture.log_in("anna", "some password")).text("role") ==
        "member");
}
