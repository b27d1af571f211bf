// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/random.hpp>

#include <catch2/catch.hpp>

#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "service/support/http_peer.hpp"
#include "support/sanitized.hpp"
#include "support/skip.hpp"

using namespace hanami;

namespace {

using admitted = std::shared_ptr<http::admitted_request>;

std::unique_ptr<small_application> hello_application() {
  auto app = std::make_unique<small_application>();
  app->answer("/hello", "hello");
  app->paths["/echo"] = [](const http::request& r, const admitted&, const http::responder& give) {
    give(small_application::plain(r.body));
  };
  return app;
}

std::string head_of(std::size_t bytes) {
  const std::string start = "GET /hello HTTP/1.1\r\nHost: h\r\nX-Long: ";
  return start + std::string(bytes - start.size() - 4, 'x') + "\r\n\r\n";
}

bool is_told(const heard_response& heard, unsigned status) {
  return heard.status == status && heard.headers.at("content-type") == "application/problem+json" &&
         heard.body.find("\"status\":" + std::to_string(status)) != std::string::npos &&
         heard.headers.at("connection") == "close";
}

/// While it lives, this process has no file descriptor left.
class no_descriptors {
 public:
  no_descriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const ::rlimit fewer{std::min<::rlim_t>(before_.rlim_cur, 512), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &fewer);
    for (int taken = 0; taken >= 0;) {
      taken = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (taken >= 0) {
        taken_.push_back(taken);
      }
    }
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() {
    for (const int each : taken_) {
      ::close(each);
    }
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  void give_one() {
    ::close(taken_.back());
    taken_.pop_back();
  }

 private:
  ::rlimit before_{};
  std::vector<int> taken_;
};

} // namespace

TEST_CASE("a server out of file descriptors tells who comes, and goes on", "[service]") {
  if (hanami_test::sanitized) {
    hanami_test::skip("a sanitizer needs file descriptors of its own");
    return;
  }
  const auto app = hello_application();
  lone_server server(*app, any_port());
  client early(server.port());
  REQUIRE(early.get("/hello").status == 200);
  std::unique_ptr<client> late;
  {
    no_descriptors none;
    none.give_one(); // which the client takes
    late = std::make_unique<client>(server.port());
    late->send("GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(comes_true([&] {
      const auto reports = app->reports();
      return std::any_of(reports.begin(), reports.end(), [](const std::string& each) {
        return each.find("cannot accept") != std::string::npos;
      });
    }));
    CHECK(late->read().status == 503);
    CHECK(early.get("/hello").status == 200);
  }
  CHECK(client(server.port()).get("/hello").status == 200);
}

TEST_CASE("malformed requests are answered with 400 and a reason", "[service]") {
  const auto app = hello_application();
  lone_server server(*app, any_port());
  const std::string host = " HTTP/1.1\r\nHost: h\r\n";
  const std::string post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  const std::vector<std::string> malformed = {
      "nonsense\r\n\r\n",
      "GET\r\n\r\n",
      "GET /hello HTTP/2.0\r\nHost: h\r\n\r\n",
      "GET /hello HTTP/1.1\r\n\r\n",
      "GET /hello HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
      "GET /hello HTTP/1.1\r\nHost : a\r\n\r\n",
      "GET /hello HTTP/1.1\r\nHost: a\r\nX\r\n\r\n",
      "GET /hello HTTP/1.1\nHost: a\n\n",
      "GET /a/../hello" + host + "\r\n",
      "GET /%2e%2E/hello" + host + "\r\n",
      "GET /a%2f..%2fb" + host + "\r\n",
      "GET /%2Fhello" + host + "\r\n",
      "GET /hello" + host + "X: a\r\n b\r\n\r\n",
      "GET /hello" + host + "X: a\r\n\tb: c\r\n\r\n",
      "GET /a%00" + host + "\r\n",
      "GET /a%0d%0ab" + host + "\r\n",
      "GET /a%7f" + host + "\r\n",
      "GET /a%" + host + "\r\n",
      "GET /a%4" + host + "\r\n",
      "GET /a%zz" + host + "\r\n",
      "GET /a%ff" + host + "\r\n",
      "GET /a%c0%af" + host + "\r\n",
      "GET /a%ed%a0%80" + host + "\r\n",
      "GET /a#b" + host + "\r\n",
      "GET hello" + host + "\r\n",
      "OPTIONS *" + host + "\r\n",
      "CONNECT h:80" + host + "\r\n",
      post + "Content-Length: -1\r\n\r\n",
      post + "Content-Length: 3x\r\n\r\nabc",
      post + "Content-Length: 99999999999999999999999\r\n\r\n",
      post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
      post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      post + "Transfer-Encoding: gzip\r\n\r\n",
      post + "Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
      post + "Content-Length: 3, 3\r\n\r\nabc",
      post + "Transfer-Encoding: chunked, gzip\r\n\r\n",
      "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n",
      post + "Transfer-Encoding: chunked\r\n\r\n3;" + std::string(100'000, 'x'),
      post + "Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + std::string(100'000, 'x')};
  for (const std::string& each : malformed) {
    INFO(each.substr(0, 200));
    client c(server.port());
    CHECK(is_told(c.ask(each), 400));
    CHECK(c.is_closed());
  }
  client c(server.port());
  CHECK(c.get("/hello").body == "hello");
}

TEST_CASE("what breaks off is answered, if anybody listens still", "[service]") {
  const auto app = hello_application();
  lone_server server(*app, any_port());
  for (const char* part :
       {"GET /he", "GET /hello HTTP/1.1\r\nHo",
        "POST /echo HTTP/1.1\r\nHost: h\r\n"
        "Content-Length: 9\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na"}) {
    INFO(part);
    client c(server.port());
    c.send(part);
    c.end_sending();
    CHECK(is_told(c.read(), 400));
    CHECK(c.is_closed());
  }
}

TEST_CASE("heads and bodies have their limits", "[service]") {
  const auto app = hello_application();
  lone_server server(*app, any_port());
  {
    client c(server.port());
    CHECK(c.ask(head_of(16'000)).status == 200);
    CHECK(is_told(c.ask(head_of(20'000)), 431));
    CHECK(c.is_closed());
  }
  {
    client c(server.port());
    CHECK(is_told(c.ask("GET /" + std::string(50'000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"), 431));
  }
  const std::string post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  for (const std::string& each :
       {post + "Content-Length: 100001\r\n\r\n",
        post + "Content-Length: 18446744073709551615\r\n\r\n",
        post + "Transfer-Encoding: chunked\r\n\r\n186a1\r\n" + std::string(100'001, 'x'),
        post + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"}) {
    INFO(each.substr(0, 200));
    client c(server.port());
    CHECK(is_told(c.ask(each), 413));
    CHECK(c.is_closed());
  }
  client c(server.port());
  CHECK(c.ask(post + "Expect: miracles\r\nContent-Length: 3\r\n\r\nabc").status == 417);
}

TEST_CASE("who is too slow is told so, and who says nothing is left", "[service]") {
  const auto app = hello_application();
  service::http_settings settings = any_port();
  settings.header_timeout = std::chrono::milliseconds(100);
  settings.body_timeout = std::chrono::milliseconds(100);
  settings.idle_timeout = std::chrono::milliseconds(150);
  lone_server server(*app, settings);
  client head(server.port());
  client body(server.port());
  client silent(server.port());
  client idle(server.port());
  client dripping(server.port());
  head.send("GET /hel");
  body.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na");
  CHECK(idle.get("/hello").status == 200);
  // A byte now and then does not make a head's time longer.
  const std::string wire = "GET /hello HTTP/1.1\r\nHost: h\r\nX: " + std::string(2000, 'x');
  std::size_t sent = 0;
  while (sent < wire.size() && dripping.send({&wire[sent], 1})) {
    ++sent;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  CHECK(sent < wire.size());
  CHECK(is_told(head.read(), 408));
  CHECK(is_told(body.read(), 408));
  CHECK(silent.read().status == 0);
  CHECK(idle.read().status == 0);
  CHECK(comes_true([&] { return server.statistics().connections == 0; }));
}

TEST_CASE("who takes nothing of a long answer is let go", "[service]") {
  small_application app;
  app.paths["/long"] = [](const http::request&, const admitted&, const http::responder& give) {
    give(small_application::plain(std::string(20'000'000, 'x')));
  };
  service::http_settings settings = any_port();
  settings.body_timeout = std::chrono::milliseconds(100);
  lone_server server(app, settings);
  client c(server.port(), 4096);
  CHECK(c.send("GET /long HTTP/1.1\r\nHost: h\r\n\r\n"));
  CHECK(comes_true(
      [&] { return server.statistics().requests == 1 && server.statistics().connections == 0; }));
}

TEST_CASE("connections above the limit hear 503, and room is found again", "[service]") {
  const auto app = hello_application();
  service::http_settings settings = any_port();
  settings.connections = 2;
  lone_server server(*app, settings);
  auto first = std::make_unique<client>(server.port());
  client second(server.port());
  CHECK(first->get("/hello").status == 200);
  CHECK(second.get("/hello").status == 200);
  {
    client third(server.port());
    CHECK(is_told(third.get("/hello"), 503));
    CHECK(third.is_closed());
  }
  CHECK(server.statistics().refused == 1);
  first.reset();
  REQUIRE(comes_true([&] { return server.statistics().connections < 2; }));
  client fourth(server.port());
  CHECK(fourth.get("/hello").status == 200);
}

TEST_CASE("thousands of damaged requests are refused, and nothing else happens", "[service]") {
  const auto app = hello_application();
  service::http_settings settings = any_port();
  settings.header_timeout = std::chrono::milliseconds(200);
  lone_server server(*app, settings);
  const std::vector<std::string> sound = {
      "GET /hello?a=b HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n",
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      "GET /socket HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"};
  std::size_t answered = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    std::string wire = sound[random_bits(1, 1, i) % sound.size()];
    const std::uint64_t damages = 1 + random_bits(1, 2, i) % 3;
    for (std::uint64_t k = 0; k < damages; ++k) {
      const std::uint64_t draw = random_bits(2 + k, 3, i);
      const std::size_t at = (draw >> 16) % wire.size();
      switch (draw % 4) {
      case 0:
        wire[at] = static_cast<char>(draw >> 40);
        break;
      case 1:
        wire.erase(at, 1 + (draw >> 40) % 4);
        break;
      case 2:
        wire.insert(at, 1 + (draw >> 40) % 8, static_cast<char>(draw >> 48));
        break;
      default:
        wire.insert(at, wire.substr(at / 2, 16));
        break;
      }
      wire += wire.empty() ? "x" : "";
    }
    client c(server.port());
    c.send(wire);
    c.end_sending();
    const heard_response heard = c.read(!wire.starts_with("HEAD"));
    const bool known =
        heard.status == 0 || heard.status == 200 || (heard.status >= 400 && heard.status < 500);
    if (!known) {
      INFO(wire);
      CHECK(heard.status == 0);
    }
    answered += heard.status >= 400;
  }
  CHECK(answered > 1000);
  client c(server.port());
  CHECK(c.get("/hello").body == "hello");
  CHECK(app->reports().empty());
}
