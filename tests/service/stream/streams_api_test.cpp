// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cmath>
#include <string>

#include "service/support/fixtures.hpp"
#include "service/support/http_socket_peer.hpp"

/// Streams as clients see them.

using namespace server_test;

namespace {

std::string row(int i, double offset = 0) {
  return R"({"t":)" + std::to_string(1'770'000'000 + 60 * i) + R"(,"celsius":)" +
         std::to_string(20 + 5 * std::sin(i * 0.1) + offset) + '}';
}

std::string rows(int from, int to) {
  std::string list = "[";
  for (int i = from; i < to; ++i) {
    list += (i > from ? "," : "") + row(i);
  }
  return list + "]";
}

std::string make_stream(const server_fixture& fixture, const std::string& token,
                        const std::string& settings = R"("window":0)") {
  const heard made =
      fixture.ask("POST", "/v1/streams", R"({"name":"a stream",)" + settings + '}', token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.text("id");
}

heard_response post_as(const server_fixture& fixture, const std::string& target,
                       const std::string& type, const std::string& body, const std::string& token,
                       const std::string& more = {}) {
  client connection(fixture.port());
  return connection.ask("POST " + target + " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n" +
                        more + "Content-Type: " + type + "\r\nAuthorization: Bearer " + token +
                        "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
}

} // namespace

TEST_CASE("a stream is made, fed, looked at and removed", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.member("anna", "lab_one");
  const heard made = fixture.ask(
      "POST", "/v1/streams",
      R"({"name":"boiler","time":{"field":"t","unit":"s"},"columns":["celsius"],"horizons":[1,5]})",
      token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  const std::string path = "/v1/streams/" + made.text("id");
  CHECK(made.content().at("settings").at("time").at("unit").as_string() == "s");
  CHECK(fixture.ask("POST", "/v1/streams", R"({"name":"boiler"})", token).status == 409);
  CHECK(fixture.ask("GET", path, {}, token).body == made.body);

  const heard one = fixture.ask("POST", path + "/rows", row(0), token);
  INFO(one.body);
  REQUIRE(one.status == 200);
  CHECK(one.content().at("rows").as_int64() == 1);
  const heard many = fixture.ask("POST", path + "/rows", rows(1, 200), token);
  REQUIRE(many.status == 200);
  CHECK(many.content().at("answers").as_array().size() == 199);
  CHECK(many.content().at("last_row").as_int64() == 200);
  const json::value last = many.content().at("answers").at(198);
  CHECK(last.at("forecasts").at("celsius").at(1).at("ahead").as_int64() == 5);
  CHECK(fixture.ask("POST", path + "/rows?answers=last", rows(200, 210), token)
            .content()
            .at("answers")
            .as_array()
            .size() == 1);
  CHECK(fixture.ask("POST", path + "/rows?answers=some", row(1), token).status == 422);

  const json::value seen = fixture.ask("GET", path + "/statistics", {}, token).content();
  CHECK(seen.at("rows").as_int64() == 210);
  CHECK(seen.at("columns") == json::value(json::array{"celsius"}));
  CHECK(seen.at("memory_bytes").as_int64() > 1000);
  const heard page = fixture.ask("GET", path + "/rows?limit=3", {}, token);
  INFO(page.body);
  CHECK(page.content().at("items").at(0).at("row").as_int64() == 210);
  CHECK(page.content().at("total").as_int64() == 210);
  CHECK(fixture.ask("GET", path + "/rows?limit=3&after=" + page.text("next"), {}, token)
            .content()
            .at("items")
            .at(0)
            .at("row")
            .as_int64() == 207);
  CHECK(fixture.ask("GET", path + "/rows?after=x", {}, token).status == 422);
  CHECK(fixture.ask("GET", path + "/forecasts", {}, token)
            .content()
            .at("forecasts")
            .as_object()
            .size() == 1);
  CHECK(fixture.ask("GET", path + "/alarms", {}, token).content().at("items").is_array());

  CHECK(fixture.ask("DELETE", path, {}, token).status == 204);
  CHECK(fixture.ask("GET", path, {}, token).status == 404);
  CHECK(fixture.ask("POST", path + "/rows", row(0), token).status == 404);
}

TEST_CASE("rows come as CSV and as lines of JSON; other types are named", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string path = "/v1/streams/" + make_stream(fixture, token) + "/rows";
  const heard_response table = post_as(
      fixture, path, "text/csv; charset=utf-8",
      "time;celsius\n2026-01-31 12:00;21,5\n2026-01-31 12:01;21,7\n2026-01-31 12:02;21,9\n", token);
  INFO(table.body);
  REQUIRE(table.status == 200);
  CHECK(json::parse(table.body).at("answers").at(0).at("values").at("celsius") == 21.5);
  const heard_response text =
      post_as(fixture, path, "application/x-ndjson", row(1) + "\n" + row(2) + "\n", token);
  REQUIRE(text.status == 200);
  CHECK(json::parse(text.body).at("rows").as_int64() == 2);
  const heard_response other = post_as(fixture, path, "image/png", "x", token);
  CHECK(other.status == 400);
  CHECK(other.body.find("text/csv") != std::string::npos);
  const heard_response garbage = post_as(fixture, path, "application/json", "no json", token);
  CHECK(garbage.status == 422);
  CHECK(garbage.body.find("no row could be read") != std::string::npos);
}

TEST_CASE("a batch that is sent again with its key is not learned again", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string path = "/v1/streams/" + make_stream(fixture, token) + "/rows";
  const std::string key = "Idempotency-Key: batch 17\r\n";
  const auto first = post_as(fixture, path, "application/json", rows(0, 10), token, key);
  const auto again = post_as(fixture, path, "application/json", rows(0, 10), token, key);
  CHECK(first.status == 200);
  CHECK(again.body == first.body);
  CHECK(again.headers.at("idempotency-replayed") == "true");
  CHECK(json::parse(post_as(fixture, path, "application/json", row(10), token).body)
            .at("last_row")
            .as_int64() == 11);
}

TEST_CASE("a stream that was stopped goes on as if it had not been", "[service]") {
  server_fixture stopped([](server_config& c) { c.encrypt_files = true; });
  server_fixture steady;
  std::string token = stopped.admin();
  const std::string other = steady.admin();
  const std::string a = "/v1/streams/" + make_stream(stopped, token, R"("seed":7)") + "/rows";
  const std::string b = "/v1/streams/" + make_stream(steady, other, R"("seed":7)") + "/rows";
  for (int part = 0; part < 4; ++part) {
    const std::string list = rows(part * 50, part * 50 + 50);
    CHECK(stopped.ask("POST", a, list, token).body == steady.ask("POST", b, list, other).body);
    stopped.close();
    stopped.open();
    token = stopped.admin();
  }
  CHECK(stopped.ask("GET", a, {}, token).body == steady.ask("GET", b, {}, other).body);
}

TEST_CASE("a stream that nobody uses leaves memory and comes back", "[service]") {
  server_fixture fixture([](server_config& c) { c.stream.idle_timeout = std::chrono::seconds(1); });
  const std::string token = fixture.admin();
  const std::string path = "/v1/streams/" + make_stream(fixture, token);
  fixture.ask("POST", path + "/rows", rows(0, 50), token);
  const auto in_memory = [&] {
    const std::string page = fixture.ask("GET", "/metrics").body;
    const std::size_t at = page.find("\nhanami_streams_in_memory ");
    return page.substr(at + 26, 1);
  };
  CHECK(in_memory() == "1");
  for (int i = 0; i < 3000 && in_memory() != "0"; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  CHECK(in_memory() == "0");
  CHECK(fixture.ask("POST", path + "/rows", row(50), token).content().at("last_row").as_int64() ==
        51);
}

TEST_CASE("a stream goes back to a checkpoint of a stream, and to nothing else", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string path = "/v1/streams/" + make_stream(fixture, token);
  fixture.ask("POST", path + "/rows", rows(0, 50), token);
  const heard saved = fixture.ask("POST", path + "/checkpoints", R"({"name":"fifty"})", token);
  INFO(saved.body);
  REQUIRE(saved.status == 201);
  const std::string body = R"({"checkpoint_id":")" + saved.text("id") + "\"}";
  const std::string then = fixture.ask("POST", path + "/rows", row(50), token).body;
  fixture.ask("POST", path + "/rows", rows(51, 80), token);
  REQUIRE(fixture.ask("POST", path + "/restore", body, token).status == 200);
  CHECK(fixture.ask("POST", path + "/rows", row(50), token).body == then);
  fixture.close();
  fixture.open();
  const std::string again = fixture.admin();
  CHECK(fixture.ask("GET", path + "/statistics", {}, again).content().at("rows").as_int64() == 51);

  const std::string cluster = make_line_of_three(fixture, again);
  const heard other = fixture.ask("POST", "/v1/clusters/" + cluster + "/tasks",
                                  R"({"kind":"save","name":"net"})", again);
  REQUIRE(end_of(fixture, other.text("id"), again) == "finished");
  CHECK(
      fixture
          .ask("POST", path + "/restore", R"({"checkpoint_id":")" + other.text("id") + "\"}", again)
          .status == 422);
  const heard wrong = fixture.ask("POST", "/v1/clusters/" + cluster + "/tasks",
                                  R"({"kind":"restore","name":"no",)" + body.substr(1), again);
  CHECK(end_of(fixture, wrong.text("id"), again) == "failed");
}

TEST_CASE("streams are counted, and of others only those that are open can be looked at",
          "[service]") {
  server_fixture fixture([](server_config& c) { c.quota.streams = 1; });
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string bert = fixture.member("bert", "lab_two");
  const std::string cleo = fixture.member("cleo", "lab_one", "viewer");
  const std::string path = "/v1/streams/" + make_stream(fixture, anna);
  const heard second = fixture.ask("POST", "/v1/streams", R"({"name":"one more"})", anna);
  CHECK(second.status == 403);
  CHECK(second.body.find("quota") != std::string::npos);
  CHECK(fixture.ask("POST", path + "/rows", row(0), bert).status == 404);
  REQUIRE(fixture.ask("PATCH", path, R"({"visibility":"project"})", anna).status == 200);
  CHECK(fixture.ask("GET", path + "/statistics", {}, cleo).status == 200);
  CHECK(fixture.ask("POST", path + "/rows", row(0), cleo).status == 403);
  CHECK(fixture.ask("GET", path + "/statistics", {}, bert).status == 404);
  CHECK(fixture.ask("GET", "/v1/streams", {}, cleo).content().at("total").as_int64() == 1);
  CHECK(fixture.ask("GET", "/v1/streams", {}, bert).content().at("total").as_int64() == 0);
}

TEST_CASE("alarms come as events, from where one was", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string path =
      "/v1/streams/" + make_stream(fixture, token, R"("step":60,"alarms_per_day":20)");
  fixture.ask("POST", path + "/rows?answers=none", rows(0, 2000), token);
  const std::int64_t before =
      fixture.ask("GET", path + "/statistics", {}, token).content().at("alarms").as_int64();
  client listener(fixture.port());
  REQUIRE(listener.send("GET " + path + "/events HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " +
                        token + "\r\n\r\n"));
  REQUIRE(listener.read_head().status == 200);
  std::int64_t found = 0;
  for (int i = 2000; i < 2100 && found == 0; ++i) {
    found =
        fixture.ask("POST", path + "/rows", row(i, -60), token).content().at("alarms").as_int64();
  }
  REQUIRE(found == 1);
  std::string heard_text;
  while (heard_text.find("\n\n") == std::string::npos) {
    heard_text += listener.take(1);
  }
  INFO(heard_text);
  CHECK(heard_text.find("id: " + std::to_string(before + 1) + "\nevent: alarm\n") !=
        std::string::npos);
  CHECK(heard_text.find(R"("reason":"celsius is )") != std::string::npos);
  const json::value listed = fixture.ask("GET", path + "/alarms?limit=1", {}, token).content();
  CHECK(listed.at("items").at(0).at("number").as_int64() == before + 1);
  CHECK(listed.at("total").as_int64() == before + 1);
  client later(fixture.port()); // comes back, and hears what it missed
  REQUIRE(later.send("GET " + path + "/events HTTP/1.1\r\nHost: here\r\nLast-Event-ID: " +
                     std::to_string(before) + "\r\nAuthorization: Bearer " + token + "\r\n\r\n"));
  REQUIRE(later.read_head().status == 200);
  std::string missed;
  while (missed.find("\n\n") == std::string::npos) {
    missed += later.take(1);
  }
  CHECK(missed.find("id: " + std::to_string(before + 1) + "\n") != std::string::npos);
}

namespace {

using peer = socket_client_over<client>;

unsigned enter(peer& by, const std::string& path, const std::string& token) {
  by.send("GET " + path +
          " HTTP/1.1\r\nHost: here\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
          "Authorization: Bearer " +
          token + "\r\n\r\n");
  return by.read_head().status;
}

} // namespace

TEST_CASE("rows go through a WebSocket, and their answers come in order", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string path = "/v1/streams/" + make_stream(fixture, token);
  peer by(fixture.port());
  REQUIRE(enter(by, path + "/socket?answers=last", token) == 101);
  constexpr int count = 200;
  for (int i = 0; i < count; ++i) {
    by.say(i == 100 ? "garbage" : row(i));
  }
  for (int i = 0; i < count; ++i) {
    const json::value said = json::parse(by.hear().data);
    if (i == 100) {
      CHECK(said.at("error").at("status").as_int64() == 422);
    } else {
      REQUIRE(said.at("last_row").as_int64() == i + (i < 100 ? 1 : 0));
      CHECK(said.at("answers").as_array().size() == 1);
    }
  }
  peer table(fixture.port());
  REQUIRE(enter(table, path + "/socket?format=csv&answers=none", token) == 101);
  table.say("t,celsius\n1770100000,21.5\n1770100060,21.6\n");
  CHECK(json::parse(table.hear().data).at("rows").as_int64() == 2);
  table.send(peer::frame(2, "\x01\x02"));
  CHECK(table.hear().close_code() == 1003);
  fixture.ask("DELETE", path, {}, token);
  CHECK(by.hear().close_code() == 1001);
}

TEST_CASE("who may not feed a stream gets no socket for it", "[service]") {
  server_fixture fixture;
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string bert = fixture.member("bert", "lab_two");
  const std::string path = "/v1/streams/" + make_stream(fixture, anna) + "/socket";
  peer by(fixture.port());
  CHECK(enter(by, path, bert) == 404);
  REQUIRE(fixture.ask("PATCH", path.substr(0, path.size() - 7), R"({"visibility":"public"})", anna)
              .status == 200);
  peer again(fixture.port());
  CHECK(enter(again, path, bert) == 403);
  CHECK(fixture.ask("GET", path, {}, anna).status == 426);
}
