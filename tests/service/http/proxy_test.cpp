// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <hanami/service/http/address_counts.hpp>
#include <hanami/service/http/forwarded.hpp>

#include "service/support/http_peer.hpp"

/// What stands between, or pretends to; and what browsers are told.

using namespace hanami;

namespace {

/// Says who it thinks has asked.
std::unique_ptr<small_application> mirror() {
  auto app = std::make_unique<small_application>();
  app->paths["/who"] = [](const http::request& r, const std::shared_ptr<http::admitted_request>&,
                          const http::responder& give) {
    give(small_application::plain(r.address + (r.secure ? " secure" : "") +
                                  (http::is_forwarded(r.headers) ? " forwarded" : "")));
  };
  return app;
}

std::string seen_by(const service::http_settings& settings, const std::string& fields) {
  const auto app = mirror();
  lone_server server(*app, settings);
  client c(server.port());
  return c.ask("GET /who HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n").body;
}

} // namespace

TEST_CASE("what proxies say of a client is believed of those that are trusted alone", "[service]") {
  const std::string said = "X-Forwarded-For: 203.0.113.9, 192.0.2.1\r\n";
  service::http_settings settings = any_port();
  CHECK(seen_by(settings, "") == "127.0.0.1");
  CHECK(seen_by(settings, said + "X-Forwarded-Proto: https\r\n") == "127.0.0.1 forwarded");

  settings.trusted_proxies = {"127.0.0.0/8"};
  CHECK(seen_by(settings, "") == "127.0.0.1");
  CHECK(seen_by(settings, said) == "192.0.2.1 forwarded"); // the rest, anybody may have written
  CHECK(seen_by(settings, said + "X-Forwarded-Proto: https\r\n") == "192.0.2.1 secure forwarded");
  CHECK(seen_by(settings, "X-Forwarded-For: [2001:db8::1]:443\r\n") == "2001:db8::1 forwarded");
  CHECK(seen_by(settings, "X-Forwarded-For: 192.0.2.1:4711\r\n") == "192.0.2.1 forwarded");
  CHECK(seen_by(settings, "X-Forwarded-For: unknown, 10.0.0.1\r\n") == "10.0.0.1 forwarded");
  CHECK(seen_by(settings, "X-Forwarded-For: <script>\r\n") == "127.0.0.1 forwarded");

  settings.trusted_proxies = {"127.0.0.1", "192.0.2.0/24"};
  CHECK(seen_by(settings, said) == "203.0.113.9 forwarded");
  CHECK(seen_by(settings, "X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 192.0.2.1\r\n") ==
        "203.0.113.9 forwarded");

  settings.trusted_proxies = {"proxy.example"};
  const auto app = mirror();
  CHECK_THROWS_AS(lone_server(*app, settings), error);
}

TEST_CASE("every answer tells browsers not to guess and to run nothing", "[service]") {
  const auto app = mirror();
  app->paths["/page"] = [](const http::request&, const std::shared_ptr<http::admitted_request>&,
                           const http::responder& give) {
    http::response page = small_application::plain("a page");
    page.headers.add("Content-Security-Policy", "default-src 'self'");
    give(std::move(page));
  };
  lone_server server(*app, any_port());
  client c(server.port());
  for (const char* target : {"/who", "/missing"}) {
    const heard_response heard = c.get(target);
    CHECK(heard.headers.at("x-content-type-options") == "nosniff");
    CHECK(heard.headers.at("content-security-policy") ==
          "default-src 'none'; frame-ancestors 'none'");
    CHECK(heard.headers.count("strict-transport-security") == 0); // without TLS nobody may say so
  }
  CHECK(c.get("/page").headers.at("content-security-policy") == "default-src 'self'");
  client broken(server.port());
  CHECK(broken.ask("nonsense\r\n\r\n").headers.at("x-content-type-options") == "nosniff");
}

TEST_CASE("a body that drips is cut off, though each drop comes in time", "[service]") {
  small_application app;
  app.paths["/echo"] = [](const http::request& r, const std::shared_ptr<http::admitted_request>&,
                          const http::responder& give) { give(small_application::plain(r.body)); };
  service::http_settings settings = any_port();
  settings.body_timeout = std::chrono::milliseconds(300);
  settings.body_rate = 100'000;
  lone_server server(app, settings);
  client dripping(server.port());
  dripping.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n");
  int sent = 0;
  while (sent < 2000 && dripping.send("x")) {
    ++sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(sent < 2000);
  CHECK(dripping.read().status == 408);
  client quick(server.port());
  CHECK(quick
            .ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2000\r\n\r\n" +
                 std::string(2000, 'x'))
            .body.size() == 2000);
}

TEST_CASE("connections are counted by network until they end", "[service]") {
  http::detail::address_counts counts;
  auto [first, one] = counts.enter("a");
  auto second = counts.enter("a");
  CHECK(one == 1);
  CHECK(second.second == 2);
  CHECK(counts.enter("b").second == 1); // and gone again
  CHECK(counts.enter("b").second == 1);
  {
    const auto moved = std::move(second.first);
    CHECK(counts.enter("a").second == 3);
  }
  CHECK(counts.enter("a").second == 2);
}
