// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "service/support/certificate.hpp"
#include "service/support/fixtures.hpp"
#include "service/support/http_peer.hpp"
#include "service/support/webhook_receiver.hpp"

/// Webhooks as their owners and receivers see them.

using namespace server_test;

namespace {

/// A port where connections are made, and nothing is ever said.
class silence {
 public:
  silence() : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    ::sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::socklen_t size = sizeof at;
    REQUIRE(::bind(fd_, reinterpret_cast<const ::sockaddr*>(&at), size) == 0);
    REQUIRE(::listen(fd_, 16) == 0);
    REQUIRE(::getsockname(fd_, reinterpret_cast<::sockaddr*>(&at), &size) == 0);
    url = "http://127.0.0.1:" + std::to_string(ntohs(at.sin_port)) + "/";
  }
  ~silence() { ::close(fd_); }
  silence(const silence&) = delete;
  silence& operator=(const silence&) = delete;

  std::string url;

 private:
  int fd_;
};

std::string rows(int from, int to, double offset = 0) {
  std::string list;
  for (int i = from; i < to; ++i) {
    list += R"({"t":)" + std::to_string(1'770'000'000 + 60 * i) + R"(,"celsius":)" +
            std::to_string(20 + 5 * std::sin(i * 0.1) + offset) + "}\n";
  }
  return list;
}

/// A stream of a user, which has learned what is usual.
class fed_stream {
 public:
  fed_stream(const server_fixture& fixture, std::string token)
      : fixture_(fixture), token_(std::move(token)) {
    const heard made =
        fixture.ask("POST", "/v1/streams",
                    R"({"name":"boiler","window":0,"step":60,"alarms_per_day":20})", token_);
    REQUIRE(made.status == 201);
    path_ = "/v1/streams/" + made.text("id");
    feed(rows(0, 2000));
  }

  void feed(const std::string& text) {
    const heard fed = fixture_.ask("POST", path_ + "/rows?answers=none", text, token_);
    INFO(fed.body);
    REQUIRE(fed.status == 200);
    alarms_ = fed.content().at("alarms").as_int64();
  }
  /// Something strange happens; the number of the first alarm of it.
  std::int64_t raise_alarm() {
    for (alarms_ = 0; alarms_ == 0; ++next_) {
      REQUIRE(next_ < 2400);
      feed(rows(next_, next_ + 1, next_ % 2 == 0 ? -60 : 70));
    }
    return alarms() - alarms_ + 1;
  }
  std::int64_t alarms() const {
    return fixture_.ask("GET", path_ + "/statistics", {}, token_).content().at("alarms").as_int64();
  }

  /// The webhook's path; its secret.
  std::pair<std::string, std::string> add_webhook(const std::string& url) const {
    const heard made =
        fixture_.ask("POST", path_ + "/webhooks", R"({"url":")" + url + "\"}", token_);
    INFO(made.body);
    REQUIRE(made.status == 201);
    return {path_ + "/webhooks/" + made.text("id"), made.text("secret")};
  }
  json::value look(const std::string& path) const {
    return fixture_.ask("GET", path, {}, token_).content();
  }
  json::value newest_message(const std::string& webhook) const {
    return look(webhook + "/messages?limit=1").at("items").at(0);
  }
  const std::string& path() const { return path_; }

 private:
  const server_fixture& fixture_;
  std::string token_;
  std::string path_;
  int next_ = 2000;
  std::int64_t alarms_ = 0;
};

} // namespace

TEST_CASE("an alarm goes to the webhook of its stream, signed", "[service]") {
  receiver there;
  server_fixture fixture(may_reach_here);
  fed_stream stream(fixture, fixture.admin());
  const auto made = stream.add_webhook(there.url());
  const std::string& webhook = made.first;
  const std::string& secret = made.second;
  CHECK(stream.look(webhook).as_object().contains("secret") == false);
  const std::int64_t number = stream.raise_alarm();
  REQUIRE(there.gets(1));
  const http::request got = there.got()[0];
  CHECK(got.headers.get("webhook-signature") == expected_signature(secret, got));
  CHECK(got.headers.get("Content-Type") == "application/json");
  const json::value said = json::parse(got.body);
  CHECK(said.at("type").as_string() == "stream.alarm");
  CHECK(said.at("data").at("alarm").at("number").as_int64() == number);
  CHECK("/v1/streams/" + std::string(said.at("data").at("stream_id").as_string()) == stream.path());
  CHECK(comes_true([&] { return stream.newest_message(webhook).at("state") == "delivered"; }));
  CHECK(stream.newest_message(webhook).at("status").as_int64() == 200);
  CHECK(stream.newest_message(webhook).at("body").as_string() == got.body);
  CHECK(stream.look(webhook).at("last_alarm").as_int64() == number);
}

TEST_CASE("a message that nobody takes is sent again, for so long, with the same id", "[service]") {
  receiver there;
  there.answer_with({500, 302, 200});
  server_fixture fixture(may_reach_here);
  const std::string token = fixture.admin();
  fed_stream stream(fixture, token);
  const std::string webhook = stream.add_webhook(there.url()).first;
  REQUIRE(fixture.ask("POST", webhook + "/test", {}, token).status == 202);
  CHECK(comes_true([&] { return stream.newest_message(webhook).at("state") == "delivered"; }));
  REQUIRE(there.got().size() == 3);
  CHECK(there.got()[0].headers.get("webhook-id") == there.got()[2].headers.get("webhook-id"));
  CHECK(there.others() == 0); // redirects are not followed
  CHECK(stream.newest_message(webhook).at("tries").as_int64() == 3);
  CHECK(stream.look(webhook).at("failing_since").is_null());

  there.answer_with({503});
  REQUIRE(fixture.ask("POST", webhook + "/test", {}, token).status == 202);
  CHECK(comes_true([&] { return stream.newest_message(webhook).at("state") == "failed"; }));
  CHECK(there.got().size() == 3 + 4);
  CHECK(stream.newest_message(webhook).at("trouble").as_string() == "the answer was 503");
  CHECK(stream.look(webhook).at("failing_since").is_string());
  CHECK(stream.look(webhook).at("enabled").as_bool());
  CHECK(stream.look(webhook + "/messages").at("total").as_int64() == 2);
}

TEST_CASE("messages that wait survive the end of the server", "[service]") {
  receiver there;
  there.answer_with({500});
  server_fixture fixture([](server_config& config) {
    may_reach_here(config);
    config.webhook.retry = std::chrono::hours(1);
  });
  fed_stream stream(fixture, fixture.admin());
  const auto made = stream.add_webhook(there.url());
  const std::string& webhook = made.first;
  const std::string& secret = made.second;
  stream.raise_alarm();
  REQUIRE(there.gets(1));
  CHECK(comes_true([&] { return stream.newest_message(webhook).at("tries") == 1; }));
  CHECK(stream.newest_message(webhook).at("state").as_string() == "waiting");
  fixture.close();
  fixture.open();
  const std::string token = fixture.admin();
  const heard kept = fixture.ask("GET", webhook + "/messages", {}, token);
  CHECK(kept.content().at("items").at(0).at("tries").as_int64() == 1);
  there.answer_with({200});
  REQUIRE(fixture.ask("POST", webhook + "/test", {}, token).status == 202);
  REQUIRE(there.gets(2));
  CHECK(there.got()[1].headers.get("webhook-signature") ==
        expected_signature(secret, there.got()[1]));
}

TEST_CASE("a webhook whose receiver is gone, or takes nothing for long, is disabled, and tells",
          "[service]") {
  receiver there;
  server_fixture fixture([](server_config& config) {
    may_reach_here(config);
    config.webhook.disable_after = std::chrono::seconds(0);
  });
  const std::string token = fixture.admin();
  fed_stream stream(fixture, token);
  const std::string gone = stream.add_webhook(there.url()).first;
  client listener(fixture.port());
  REQUIRE(listener.send("GET " + stream.path() +
                        "/events HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " + token +
                        "\r\n\r\n"));
  REQUIRE(listener.read_head().status == 200);
  there.answer_with({410});
  REQUIRE(fixture.ask("POST", gone + "/test", {}, token).status == 202);
  CHECK(comes_true([&] { return !stream.look(gone).at("enabled").as_bool(); }));
  CHECK(stream.newest_message(gone).at("state").as_string() == "failed");
  CHECK(std::string(stream.look(gone).at("reason").as_string()).find("410") != std::string::npos);
  CHECK(fixture.ask("POST", gone + "/test", {}, token).status == 409);
  std::string told;
  while (told.find("\n\n") == std::string::npos) {
    told += listener.take(1);
  }
  INFO(told);
  CHECK(told.find("event: webhook_disabled\ndata: {") != std::string::npos);

  there.answer_with({500});
  const heard again = fixture.ask("PATCH", gone, R"({"enabled":true})", token);
  REQUIRE(again.status == 200);
  CHECK(again.content().at("reason").is_null());
  REQUIRE(fixture.ask("POST", gone + "/test", {}, token).status == 202);
  CHECK(comes_true([&] { return !stream.look(gone).at("enabled").as_bool(); }));
  CHECK(std::string(stream.look(gone).at("reason").as_string()).find("the answer was 500") !=
        std::string::npos);
}

TEST_CASE("messages go by https to whom the authorities know, and to nobody else", "[service]") {
  const scratch_folder known;
  const scratch_folder unknown;
  const auto good = make_certificate(known.path, "localhost");
  receiver trusted(good);
  receiver stranger(make_certificate(unknown.path, "localhost"));
  server_fixture fixture([&](server_config& config) {
    may_reach_here(config);
    config.webhook.tries = 1;
    config.webhook.authorities = good.certificate;
  });
  const std::string token = fixture.admin();
  fed_stream stream(fixture, token);
  const auto state_after = [&](const std::string& url) {
    const std::string webhook = stream.add_webhook(url).first;
    REQUIRE(fixture.ask("POST", webhook + "/test", {}, token).status == 202);
    CHECK(comes_true([&] { return stream.newest_message(webhook).at("state") != "waiting"; }));
    const json::value last = stream.newest_message(webhook);
    INFO(json::serialize(last));
    return std::string(last.at("state").as_string());
  };
  CHECK(state_after(trusted.url("https://localhost:")) == "delivered");
  CHECK(trusted.got().size() == 1);
  CHECK(state_after(trusted.url("https://127.0.0.1:")) == "failed"); // not the name it is for
  CHECK(state_after(stranger.url("https://localhost:")) == "failed");
  CHECK(trusted.got().size() == 1);
  CHECK(stranger.got().empty());
}

TEST_CASE("webhooks reach no machine of the inside, by whatever name", "[service]") {
  receiver inside;
  server_fixture fixture([](server_config& config) {
    may_reach_here(config);
    config.webhook.private_networks = {};
    config.webhook.tries = 1;
  });
  const std::string token = fixture.admin();
  fed_stream stream(fixture, token);
  for (const char* address : {"http://127.0.0.1:", "http://[::1]:", "http://[::ffff:127.0.0.1]:",
                              "http://169.254.169.254:"}) {
    const heard refused = fixture.ask("POST", stream.path() + "/webhooks",
                                      R"({"url":")" + inside.url(address) + "\"}", token);
    INFO(refused.body);
    CHECK(refused.status == 422);
  }
  for (const char* name : {"http://localhost:", "http://2130706433:", "http://0x7f.1:"}) {
    const std::string webhook = stream.add_webhook(inside.url(name)).first;
    REQUIRE(fixture.ask("POST", webhook + "/test", {}, token).status == 202);
    CHECK(comes_true([&] { return stream.newest_message(webhook).at("state") == "failed"; }));
    INFO(json::serialize(stream.newest_message(webhook)));
    CHECK(stream.newest_message(webhook).at("status").is_null());
  }
  CHECK(inside.got().empty());
}

TEST_CASE("a receiver that says nothing holds up neither rows nor other receivers", "[service]") {
  const silence nobody;
  receiver there;
  server_fixture fixture([](server_config& config) {
    may_reach_here(config);
    config.webhook.timeout = std::chrono::seconds(600);
  });
  const std::string token = fixture.admin();
  fed_stream stream(fixture, token);
  const std::string silent = stream.add_webhook(nobody.url).first;
  stream.add_webhook(there.url());
  stream.raise_alarm();
  CHECK(there.gets(1));
  stream.raise_alarm();
  CHECK(there.gets(2));
  CHECK(stream.newest_message(silent).at("state").as_string() == "waiting");
  fixture.close(); // does not wait for it, either

  server_fixture hasty([](server_config& config) {
    may_reach_here(config);
    config.webhook.timeout = std::chrono::milliseconds(50);
    config.webhook.tries = 2;
  });
  fed_stream other(hasty, hasty.admin());
  const std::string webhook = other.add_webhook(nobody.url).first;
  other.raise_alarm();
  CHECK(comes_true([&] {
    return other.look(webhook + "/messages").at("items").as_array().size() > 0 &&
           other.newest_message(webhook).at("state") == "failed";
  }));
  CHECK(std::string(other.newest_message(webhook).at("trouble").as_string()).find("timeout") !=
        std::string::npos);
}

TEST_CASE("a stream has some webhooks at most, and they go with it", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  fed_stream stream(fixture, token);
  std::string one;
  for (int i = 0; i < 10; ++i) {
    one = stream.add_webhook("https://hooks.invalid/" + std::to_string(i)).first;
  }
  CHECK(fixture
            .ask("POST", stream.path() + "/webhooks", R"({"url":"https://hooks.invalid/x"})", token)
            .status == 403);
  CHECK(stream.look(stream.path() + "/webhooks").at("items").as_array().size() == 10);
  CHECK(fixture.ask("PATCH", one, R"({"url":"https://hooks.invalid/y"})", token).status == 200);
  CHECK(stream.look(one).at("url").as_string() == "https://hooks.invalid/y");
  CHECK(fixture.ask("DELETE", one, {}, token).status == 204);
  CHECK(fixture.ask("GET", one, {}, token).status == 404);
  CHECK(fixture.ask("DELETE", stream.path(), {}, token).status == 204);
  CHECK(fixture.ask("GET", stream.path() + "/webhooks", {}, token).status == 404);
}
