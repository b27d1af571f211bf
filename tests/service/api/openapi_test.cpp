// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <hanami/service/http/problem.hpp>

#include "service/support/fixtures.hpp"

using namespace server_test;

namespace {

/// With a line for each value, so that changes of a description can be read line by line.
void write_lines(std::string& to, const json::value& value, std::size_t depth = 0) {
  const auto in_lines = [&](char open, char close, const auto& items, const auto& write) {
    to += open;
    bool first = true;
    for (const auto& item : items) {
      to += first ? "\n" : ",\n";
      to.append(2 * depth + 2, ' ');
      write(item);
      first = false;
    }
    if (!first) {
      to += '\n';
      to.append(2 * depth, ' ');
    }
    to += close;
  };
  if (const json::object* members = value.if_object()) {
    in_lines('{', '}', *members, [&](const json::key_value_pair& member) {
      to += json::serialize(json::value(member.key())) + ": ";
      write_lines(to, member.value(), depth + 1);
    });
  } else if (const json::array* items = value.if_array()) {
    in_lines('[', ']', *items, [&](const json::value& item) { write_lines(to, item, depth + 1); });
  } else {
    to += json::serialize(value);
  }
}

} // namespace

TEST_CASE("the description that clients are made from is the one that the server gives",
          "[service]") {
  const server_fixture fixture;
  std::string given;
  write_lines(given, fixture.ask("GET", "/v1/openapi.json").content());
  given += '\n';
  std::ifstream file(HANAMI_OPENAPI_FILE, std::ios::binary);
  const std::string kept(std::istreambuf_iterator<char>(file), {});
  if (given != kept) {
    std::ofstream("openapi.json", std::ios::binary) << given;
    FAIL_CHECK("the API differs from " HANAMI_OPENAPI_FILE
               "; if that is meant, ./openapi.json takes its place");
  }
}

TEST_CASE("every operation is described with all that may come of it", "[service]") {
  const server_fixture fixture;
  const json::value api = fixture.ask("GET", "/v1/openapi.json").content();
  std::set<std::string> chapters;
  for (const json::value& tag : api.at("tags").as_array()) {
    chapters.emplace(tag.at("name").as_string());
    CHECK_FALSE(tag.at("description").as_string().starts_with("Part of"));
  }
  std::set<std::string> ids;
  for (const auto& path : api.at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      const json::value& operation = method.value();
      INFO(std::string(method.key()) + ' ' + std::string(path.key()));
      CHECK(ids.emplace(operation.at("operationId").as_string()).second);
      CHECK_FALSE(operation.at("summary").as_string().empty());
      CHECK_FALSE(operation.at("description").as_string().empty());
      CHECK(chapters.contains(std::string(operation.at("tags").at(0).as_string())));
      for (const char* status : {"422", "429", "503", "default"}) {
        REQUIRE(operation.at("responses").as_object().contains(status));
        CHECK(operation.at("responses")
                  .at(status)
                  .at("content")
                  .as_object()
                  .contains("application/problem+json"));
      }
    }
  }
}

TEST_CASE("the codes of all problems are listed, each once", "[service]") {
  const server_fixture fixture;
  const json::value api = fixture.ask("GET", "/v1/openapi.json").content();
  const json::array& codes = api.at("components")
                                 .at("schemas")
                                 .at("Problem")
                                 .at("properties")
                                 .at("code")
                                 .at("enum")
                                 .as_array();
  std::set<std::string> listed;
  for (const json::value& code : codes) {
    CHECK(listed.emplace(code.as_string()).second);
  }
  const std::string token = fixture.admin();
  const std::vector<std::string> met = {
      std::string(fixture.ask("PUT", "/v1/clusters", "", token).content().at("code").as_string()),
      std::string(fixture.ask("GET", "/v1/nothing", "", token).content().at("code").as_string()),
      std::string(fixture.ask("GET", "/v1/clusters").content().at("code").as_string()),
      std::string(fixture.ask("POST", "/v1/clusters", "{", token).content().at("code").as_string()),
      std::string(
          fixture.ask("POST", "/v1/clusters", "{}", token).content().at("code").as_string())};
  CHECK(std::set<std::string>(met.begin(), met.end()).size() == met.size());
  for (const std::string& code : met) {
    INFO(code);
    CHECK(listed.contains(code));
  }
}
