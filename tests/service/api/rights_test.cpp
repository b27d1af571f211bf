// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "service/support/described_calls.hpp"
#include "service/support/fixtures.hpp"
#include "service/support/outsiders.hpp"

/// Every endpoint that the server describes, with the ids of what is somebody else's wherever it
/// takes one: nobody may reach them, in any role, nor learn that they are there.

using namespace server_test;

namespace {

heard ask(const server_fixture& fixture, const marked_call& c, const std::string& token) {
  if (!c.target.ends_with("/events")) {
    return fixture.ask(c.verb, c.target, c.body, token);
  }
  client peer(fixture.port()); // a stream has no end: whether it begins is enough
  peer.send(c.verb + ' ' + c.target + " HTTP/1.1\r\nHost: here\r\n" + bearer(token) + "\r\n");
  const heard_response head = peer.read_head();
  const auto length = head.headers.find("content-length");
  return {head.status,
          length == head.headers.end() ? std::string() : peer.take(std::stoul(length->second))};
}

/// One call, with the other's ids where `chosen` says so and own ones elsewhere: it must be refused
/// as if they were nobody's.
void expect_nothing(const server_fixture& fixture, const outsider& by, const marked_call& call,
                    const id_map& others, const std::function<bool(std::size_t)>& chosen) {
  const auto with = [&](const id_map& ids) {
    return call.filled([&](std::size_t i, const std::string& kind) {
      return chosen(i) ? ids.at(kind) : by.own.at(kind);
    });
  };
  const marked_call asked = with(others);
  const heard found = ask(fixture, asked, by.token);
  const heard nothing = ask(fixture, with(nobodys), by.token);
  INFO(by.what << ": " << asked.verb << ' ' << asked.target << ' ' << asked.body << " -> "
               << found.status << ' ' << found.body << " / " << nothing.status << ' '
               << nothing.body);
  CHECK((found.status == 401 || found.status == 403 || found.status == 404));
  CHECK(found.status == nothing.status);
  CHECK(with_other_ids(found.body, others) == nothing.body);
}

std::size_t expect_no_way(const server_fixture& fixture, const outsider& by,
                          const std::vector<marked_call>& calls, const id_map& others) {
  std::size_t asked = 0;
  for (const marked_call& call : calls) {
    const std::vector<std::string> marks = call.marks();
    if (marks.empty() && call.verb == "GET") { // lists, measurements: nothing of others in it
      const heard answer = ask(fixture, call, by.token);
      INFO(by.what << ": " << call.target << ' ' << answer.body);
      CHECK(answer.status < 500);
      CHECK(answer.body.find(canary) == std::string::npos);
      ++asked;
    }
    const bool accounts = !marks.empty() && std::all_of(marks.begin(), marks.end(), is_account);
    if (marks.empty() || (accounts && !by.stranger)) {
      continue;
    }
    if (accounts && call.verb == "GET" && call.target.find("log") != std::string::npos) {
      const heard answer =
          ask(fixture, // a filter: the entries stay the own ones
              call.filled([&](std::size_t, const std::string& kind) { return others.at(kind); }),
              by.token);
      INFO(by.what << ": " << call.target << ' ' << answer.status << ' ' << answer.body);
      CHECK(answer.status < 500);
      CHECK(answer.body.find("\"lab_one\"") == std::string::npos);
      const bool names_projects = call.target.starts_with("/v1/"); // one's own may be led
      CHECK((names_projects || answer.body.find("\"anna\"") == std::string::npos));
      ++asked;
      continue;
    }
    expect_nothing(fixture, by, call, others, [](std::size_t) { return true; });
    ++asked;
    for (std::size_t one = 0; marks.size() > 1 && !accounts && one < marks.size(); ++one) {
      expect_nothing(fixture, by, call, others, [one](std::size_t i) { return i == one; });
      ++asked;
    }
  }
  return asked;
}

/// Of an answer that may never end.
heard beginning_of(const server_fixture& fixture, const marked_call& c, const std::string& token) {
  client connection(fixture.port());
  connection.send(c.verb + ' ' + c.target + " HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " +
                  token + "\r\n\r\n");
  return {connection.read_head().status, {}};
}

/// That the calls are refused for whose ids they hold and for nothing else.
void expect_own_way(const server_fixture& fixture, const std::vector<marked_call>& calls) {
  const std::string token = fixture.member("dora", "lab_one");
  id_map own;
  int round = 0;
  for (const marked_call& call : calls) {
    const std::vector<std::string> marks = call.marks();
    if (marks.empty() || std::any_of(marks.begin(), marks.end(), is_account)) {
      continue;
    }
    if (own.empty() || call.verb == "DELETE") {
      own = furnish(fixture, token, "dora " + std::to_string(++round), "dora", "lab_one");
    }
    const marked_call mine =
        call.filled([&](std::size_t, const std::string& kind) { return own.at(kind); });
    const heard answer = mine.target.ends_with("/events") ? beginning_of(fixture, mine, token)
                                                          : ask(fixture, mine, token);
    INFO(mine.verb << ' ' << mine.target << ' ' << mine.body << " -> " << answer.status << ' '
                   << answer.body);
    const bool unfinished = answer.status == 409 && call.target.find("upload") != std::string::npos;
    const bool wants_upgrade = answer.status == 426;
    CHECK((answer.status / 100 == 2 || unfinished || wants_upgrade));
    if (call.verb == "DELETE") {
      own.clear();
    }
  }
}

void check_rights(const char* description, std::size_t least) {
  const server_fixture fixture(
      [](server_config& config) { config.quota = {1000, 1000, 1000, 1000, 1000, 1u << 30}; });
  const std::string owner = fixture.member("anna", "lab_one");
  id_map others = furnish(fixture, owner, "a " + std::string(canary), "anna", "lab_one");
  const described_calls calls(fixture.ask("GET", description).content());
  const std::string before =
      fixture.ask("GET", "/v1/clusters/" + others["cluster"] + "/statistics", {}, owner).body;
  std::size_t asked = 0;
  for (const outsider& by : all_outsiders(fixture, owner)) {
    asked += expect_no_way(fixture, by, calls.all(), others);
  }
  CHECK(asked > least);
  for (const marked_call& call : calls.all()) {
    CHECK(ask(fixture,
              call.filled([](std::size_t, const std::string& kind) { return nobodys.at(kind); }),
              "")
              .status == 401);
  }
  // What was asked for in vain is still there, as it was.
  CHECK(fixture.ask("GET", "/v1/clusters/" + others["cluster"] + "/statistics", {}, owner).body ==
        before);
  for (const char* kind : {"cluster", "dataset", "checkpoint"}) {
    CHECK(fixture.ask("GET", "/v1/" + std::string(kind) + "s/" + others[kind], {}, owner)
              .text("name") == "a " + std::string(canary));
  }
  CHECK(fixture.ask("GET", "/v1/streams/" + others["stream"] + "/statistics", {}, owner)
            .content()
            .at("rows")
            .as_int64() == 0);
  CHECK(fixture.ask("GET", "/v1/uploads/" + others["upload"], {}, owner).status == 200);
  CHECK(fixture.ask("GET", "/v1/tasks", {}, owner).content().at("total").as_int64() == 2);
  expect_own_way(fixture, calls.all());
}

} // namespace

TEST_CASE("nobody reaches what belongs to another, by any endpoint, in any role", "[service]") {
  check_rights("/v1/openapi.json", 400);
}

TEST_CASE("nobody reaches what belongs to another by the reference's endpoints, in any role",
          "[service]") {
  check_rights("/v1.0alpha/openapi.json", 400);
}
