// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "service/support/fixtures.hpp"

/// Event streams, histories, and the tickets that open them from a browser.

using namespace server_test;

namespace {

/// What an event stream says until it has said `enough` of a word; at most ten seconds.
class listener {
 public:
  listener(const server_fixture& fixture, const std::string& target, const std::string& fields)
      : peer_(fixture.port()) {
    peer_.send("GET " + target + " HTTP/1.1\r\nHost: here\r\n" + fields + "\r\n");
  }

  std::string until(const std::string& word, int enough = 1) {
    const auto count = [&] {
      int found = 0;
      for (std::size_t at = heard_.find(word); at != std::string::npos;
           at = heard_.find(word, at + 1)) {
        ++found;
      }
      return found;
    };
    while (count() < enough && peer_.need(1)) {
      do {
        heard_ += peer_.take(1);
      } while (heard_.back() != '\n' && peer_.need(1));
    }
    INFO(heard_);
    REQUIRE(count() >= enough);
    return heard_;
  }

 private:
  client peer_;
  std::string heard_;
};

std::string ticket(const server_fixture& fixture, const std::string& token) {
  const heard given = fixture.ask("POST", "/v1/tickets", {}, token);
  INFO(given.body);
  REQUIRE(given.status == 201);
  return given.text("ticket");
}

struct busy_user {
  heard train() const {
    return fixture.ask("POST", at + "/train", R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})",
                       token);
  }

  server_fixture fixture;
  std::string token = fixture.admin();
  std::string at = "/v1/clusters/" + make_line_of_three(fixture, token);
};

} // namespace

TEST_CASE("a cluster tells each second what goes on, and who comes again hears what he missed",
          "[service]") {
  const busy_user user;
  listener stream(user.fixture, user.at + "/events", bearer(user.token));
  stream.until("event: pulse");
  for (int i = 0; i < 20; ++i) {
    REQUIRE(user.train().status == 200);
  }
  const std::string heard = stream.until("event: pulse", 4);
  CHECK_THAT(heard, Catch::Contains("text/event-stream"));
  CHECK_THAT(heard, !Catch::Contains("event: end"));
  const std::size_t id = heard.find("\nid: ");
  REQUIRE(id != std::string::npos);
  const std::string first = heard.substr(id + 5, heard.find('\n', id + 1) - id - 5);
  listener again(user.fixture, user.at + "/events?last_event_id=" + first, bearer(user.token));
  const std::string missed = again.until("event: pulse", 2); // at once, not one a second
  CHECK_THAT(missed, Catch::Contains("id: " + std::to_string(std::stoll(first) + 1) + "\n"));
  CHECK_THAT(missed, !Catch::Contains("id: " + first + "\n"));

  double trained = 0;
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (trained < 20 && std::chrono::steady_clock::now() < limit) {
    trained = 0;
    const json::value told =
        user.fixture.ask("GET", user.at + "/history?span=hour", {}, user.token).content();
    for (const json::value& p : told.at("points").as_array()) {
      trained +=
          p.at("trained_per_second").to_number<double>() * p.at("seconds").to_number<double>();
    }
  }
  CHECK(trained == Approx(20));
  CHECK(user.fixture.ask("GET", user.at + "/history?span=week", {}, user.token).status == 422);
  CHECK(user.fixture.ask("GET", user.at + "/history?points=1", {}, user.token)
            .content()
            .at("points")
            .as_array()
            .size() <= 1);
}

TEST_CASE("a user hears of the ends of his tasks, and of nobody else's", "[service]") {
  const server_fixture fixture;
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string bert = fixture.member("bert", "lab_one");
  listener stream(fixture, "/v1/events", bearer(anna));
  save_a_cluster(fixture, bert, "of bert");
  save_a_cluster(fixture, anna, "of anna");
  const std::string heard = stream.until("finished");
  CHECK_THAT(heard, Catch::Contains("event: task\n"));
  CHECK_THAT(heard, Catch::Contains("of anna"));
  CHECK_THAT(heard, !Catch::Contains("of bert"));
}

TEST_CASE("a user hears of the alarms of his streams, and of nobody else's", "[service]") {
  const server_fixture fixture;
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string bert = fixture.member("bert", "lab_one");
  listener stream(fixture, "/v1/events", bearer(anna));
  const auto raise = [&](const std::string& token, const char* name) {
    const std::string path =
        "/v1/streams/" + fixture
                             .ask("POST", "/v1/streams",
                                  std::string(R"({"name":")") + name +
                                      R"(","window":0,"step":60,"alarms_per_day":20})",
                                  token)
                             .text("id");
    std::string rows;
    for (int i = 0; i < 2400; ++i) { // usual ones, then such as never were
      const double celsius = 20 + 5 * std::sin(i * 0.1) + (i < 2000 ? 0 : i % 2 == 0 ? -60 : 70);
      rows += R"({"t":)" + std::to_string(1'770'000'000 + 60 * i) + R"(,"celsius":)" +
              std::to_string(celsius) + "}\n";
    }
    const heard fed = fixture.ask("POST", path + "/rows?answers=none", rows, token);
    REQUIRE(fed.status == 200);
    REQUIRE(fed.content().at("alarms").as_int64() > 0);
    return path;
  };
  raise(bert, "of bert");
  const std::string path = raise(anna, "of anna");
  const std::string heard = stream.until("event: alarm\n");
  const std::string told = stream.until("\n\n", 3);
  const std::string id = path.substr(path.rfind('/') + 1);
  const std::size_t first = told.find("event: alarm\ndata: ");
  const json::value alarm =
      json::parse(told.substr(first + 19, told.find('\n', first + 19) - first - 19));
  CHECK(alarm.at("stream_id").as_string() == id);
  CHECK(alarm.at("alarm").at("number").as_int64() == 1);
  for (std::size_t at = told.find("stream_id"); at != std::string::npos;
       at = told.find("stream_id", at + 1)) {
    CHECK(told.compare(at + 12, id.size(), id) == 0);
  }
  // Who comes again hears what he has missed.
  listener again(fixture, "/v1/events?last_event_id=1", bearer(anna));
  again.until("event: alarm\n");
}

TEST_CASE("a ticket opens a stream's WebSocket and its events", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string path =
      "/v1/streams/" +
      fixture.ask("POST", "/v1/streams", R"({"name":"boiler","window":0})", token).text("id");
  socket_client peer(fixture.port());
  peer.send(socket_client::handshake(path + "/socket?ticket=" + ticket(fixture, token)));
  REQUIRE(peer.read(false).status == 101);
  CHECK(peer.ask_socket(R"([{"t":1,"x":2}])").find("\"rows\":1") != std::string::npos);
  listener events(fixture, path + "/events?ticket=" + ticket(fixture, token), "");
  events.until("200 OK");
  CHECK(fixture.ask("GET", path + "/events?ticket=nonsense").status == 401);
}

TEST_CASE("an event stream ends with the right to hear it", "[service]") {
  const server_fixture fixture;
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string bert = fixture.member("bert", "lab_one");
  const std::string at = "/v1/clusters/" + make_line_of_three(fixture, anna);
  fixture.ask("PATCH", at, R"({"visibility":"project"})", anna);
  listener shown(fixture, at + "/events", bearer(bert));
  listener own(fixture, "/v1/events", bearer(bert));
  shown.until("event: pulse");
  fixture.ask("PATCH", at, R"({"visibility":"private"})", anna);
  CHECK_THAT(shown.until("not_found"), Catch::Contains("event: end"));
  CHECK(fixture.ask("DELETE", "/v1/sessions/current", {}, bert).status == 204);
  CHECK_THAT(own.until("unauthorized"), Catch::Contains("event: end"));
  CHECK(fixture.ask("GET", at + "/events", {}, fixture.log_in("bert", "some password")).status ==
        404);
}

TEST_CASE("a ticket opens one event stream, as who asked for it, and nothing else", "[service]") {
  const busy_user user;
  const std::string one = ticket(user.fixture, user.token);
  listener stream(user.fixture, user.at + "/events?ticket=" + one, "");
  stream.until("event: pulse");
  CHECK(user.fixture.ask("GET", user.at + "/events?ticket=" + one).status == 401); // once
  CHECK(user.fixture.ask("GET", user.at + "/events?ticket=nonsense").status == 401);
  CHECK(user.fixture.ask("GET", user.at + "/events").status == 401);
  const std::string two = ticket(user.fixture, user.token);
  CHECK(user.fixture.ask("GET", user.at + "?ticket=" + two).status == 401); // no stream
  CHECK(user.fixture.ask("DELETE", user.at + "?ticket=" + two).status == 401);
  CHECK(user.fixture.ask("POST", "/v1/tickets").status == 401);
  const std::string eve = user.fixture.member("evelyn", "lab_two", "viewer");
  CHECK(user.fixture.ask("GET", user.at + "/events?ticket=" + ticket(user.fixture, eve)).status ==
        404);
  const std::string void_one = ticket(user.fixture, eve);
  CHECK(user.fixture.ask("DELETE", "/v1/sessions/current", {}, eve).status == 204);
  CHECK(user.fixture.ask("GET", "/v1/events?ticket=" + void_one).status == 401);
}

TEST_CASE("a ticket opens a WebSocket", "[service]") {
  const busy_user user;
  socket_client peer(user.fixture.port());
  peer.send(
      socket_client::handshake(user.at + "/socket?ticket=" + ticket(user.fixture, user.token)));
  REQUIRE(peer.read(false).status == 101);
  CHECK(peer.ask_socket(R"({"infer":{"inputs":{"x":[1,2]}}})").find("outputs") !=
        std::string::npos);
}

TEST_CASE("tickets of one user are bounded, and his alone", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string eve = fixture.member("evelyn", "lab_two");
  const std::string others = ticket(fixture, eve);
  const std::string first = ticket(fixture, token);
  for (int i = 0; i < 100; ++i) {
    ticket(fixture, token);
  }
  CHECK(fixture.ask("GET", "/v1/events?ticket=" + first).status == 401);
  listener stream(fixture, "/v1/events?ticket=" + others, "");
  stream.until("200 OK");
}
