// SPDX-License-Identifier: Apache-2.0
#include "service/support/http_socket_peer.hpp"

#include <catch2/catch.hpp>

using namespace hanami;

namespace {

void serve_echo(small_application& app, std::atomic<int>* ends = nullptr) {
  app.sockets["/echo"] = [ends](std::shared_ptr<http::socket> peer) {
    return std::make_shared<echo_handler>(std::move(peer), ends);
  };
}

} // namespace

TEST_CASE("a WebSocket opens, talks and closes as RFC 6455 has it", "[service]") {
  small_application app;
  std::atomic<int> ends{0};
  serve_echo(app, &ends);
  lone_server server(app, any_port());
  socket_client c(server.port());
  const heard_response opened = c.open("/echo");
  CHECK(opened.status == 101);
  CHECK(opened.headers.at("sec-websocket-accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  CHECK(opened.headers.count("sec-websocket-extensions") == 0);
  for (const std::size_t size :
       {0u, 1u, 63u, 64u, 65u, 125u, 126u, 1535u, 3000u, 65535u, 65536u, 1000000u}) {
    INFO(size);
    const std::string text(size, 'x');
    CHECK(c.ask_socket(text) == text);
  }
  c.send(c.frame(2, std::string("\x00\xff", 2)));
  const heard_frame binary = c.hear();
  CHECK(binary.opcode == 2);
  CHECK(binary.data == std::string("\x00\xff", 2));
  c.send(c.frame(9, "are you there"));
  const heard_frame pong = c.hear();
  CHECK(pong.opcode == 10);
  CHECK(pong.data == "are you there");
  c.send(c.frame(1, "in ", false) + c.frame(9, "") + c.frame(0, "", false) + c.frame(0, "parts"));
  CHECK(c.hear().opcode == 10);
  CHECK(c.hear().data == "in parts");
  CHECK(server.statistics().sockets == 1);
  CHECK(server.statistics().messages_in == 14);
  CHECK(server.statistics().messages_out == 14);
  c.send(c.frame(8, "\x03\xe8"));
  CHECK(c.hear().close_code() == 1000);
  CHECK(c.is_closed());
  CHECK(comes_true([&] { return ends == 1 && server.statistics().connections == 0; }));
  CHECK(server.statistics().sockets == 0);
  CHECK(app.reports().empty());
}

TEST_CASE("what is no WebSocket is refused with a reason", "[service]") {
  small_application app;
  serve_echo(app);
  app.sockets["/fails"] =
      [](const std::shared_ptr<http::socket>&) -> std::shared_ptr<http::socket_handler> {
    throw std::runtime_error("no sockets today");
  };
  lone_server server(app, any_port());
  const auto refused = [&](const std::string& from, const std::string& to,
                           const std::string& path = "/echo") {
    socket_client c(server.port());
    std::string wire = socket_client::handshake(path);
    if (!from.empty()) {
      wire.replace(wire.find(from), from.size(), to);
    }
    return c.ask(wire).status;
  };
  CHECK(refused("", "", "/other") == 404);
  CHECK(refused("", "", "/fails") == 500);
  CHECK(refused("Version: 13", "Version: 8") == 426);
  CHECK(refused("GET", "POST") == 400);
  CHECK(refused("dGhlIHNhbXBsZSBub25jZQ==", "short") == 400);
  CHECK(refused("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\nx") == 400);
  CHECK(refused("HTTP/1.1", "HTTP/1.0") == 404); // no upgrade then: a request like any other
  CHECK(app.reports().size() == 1);
}

TEST_CASE("frames that break the protocol end the socket with their code", "[service]") {
  small_application app;
  std::atomic<int> ends{0};
  serve_echo(app, &ends);
  service::http_settings settings = any_port();
  settings.message_bytes = 10'000;
  lone_server server(app, settings);
  const auto code = [&](const std::string& wire) {
    socket_client c(server.port());
    REQUIRE(c.open("/echo").status == 101);
    c.send(wire);
    return c.hear().close_code();
  };
  const auto frame = [](unsigned opcode, std::string data, bool last = true) {
    return socket_client::frame(opcode, std::move(data), last);
  };
  CHECK(code(frame(1, std::string(10'001, 'x'))) == 1009);
  CHECK(code(frame(1, std::string(9'000, 'x'), false) + frame(0, std::string(2'000, 'x'))) == 1009);
  CHECK(code(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff....", 14)) == 1009);
  CHECK(code(frame(1, "\xff\xfe")) == 1007);
  CHECK(code(frame(3, "")) == 1002);
  CHECK(code(frame(0, "")) == 1002);
  CHECK(code(frame(9, std::string(126, 'x'))) == 1002);
  CHECK(code("\x81\x01x") == 1002); // without a mask
  CHECK(comes_true([&] { return ends == 8; }));
}

TEST_CASE("the next message is read when the last is done with", "[service]") {
  small_application app;
  std::mutex mutex;
  std::vector<std::string> heard;
  std::function<void()> go_on;
  app.sockets["/slow"] = [&](const std::shared_ptr<http::socket>&) {
    return std::make_shared<handler_of>([&](std::string_view message, std::function<void()> ready) {
      const std::lock_guard lock(mutex);
      heard.emplace_back(message);
      go_on = std::move(ready);
    });
  };
  lone_server server(app, any_port());
  socket_client c(server.port());
  REQUIRE(c.open("/slow").status == 101);
  const auto count = [&] {
    const std::lock_guard lock(mutex);
    return heard.size();
  };
  const auto ready = [&] {
    const std::lock_guard lock(mutex);
    go_on();
    go_on(); // once too often: nothing
  };
  c.send(c.frame(1, "one") + c.frame(1, "two") + c.frame(1, "three"));
  REQUIRE(comes_true([&] { return count() == 1; }));
  CHECK(server.statistics().messages_in == 1);
  std::function<void()> stale;
  {
    const std::lock_guard lock(mutex);
    stale = go_on;
  }
  ready();
  REQUIRE(comes_true([&] { return count() == 2; }));
  stale(); // of a message that is long done: lets no other pass
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(count() == 2);
  ready();
  REQUIRE(comes_true([&] { return count() == 3; }));
  CHECK(heard == std::vector<std::string>{"one", "two", "three"});
}

TEST_CASE("a flood of small messages costs no stack", "[service]") {
  small_application app;
  std::atomic<int> count{0};
  app.sockets["/count"] = [&](const std::shared_ptr<http::socket>&) {
    return std::make_shared<handler_of>([&](std::string_view, const std::function<void()>& ready) {
      ++count;
      ready();
    });
  };
  lone_server server(app, any_port());
  socket_client c(server.port());
  REQUIRE(c.open("/count").status == 101);
  std::string flood;
  for (int i = 0; i < 50'000; ++i) {
    flood += socket_client::frame(2, "x");
  }
  c.send(flood);
  CHECK(comes_true([&] { return count == 50'000; }));
}

TEST_CASE("messages from many threads arrive whole and in their order", "[service]") {
  small_application app;
  std::shared_ptr<http::socket> peer;
  app.sockets["/many"] = [&](std::shared_ptr<http::socket> opened) {
    opened->send("before it was open", false);
    peer = opened;
    return std::make_shared<echo_handler>(std::move(opened));
  };
  lone_server server(app, any_port());
  socket_client c(server.port());
  REQUIRE(c.open("/many").status == 101);
  CHECK(c.hear().data == "before it was open");
  constexpr int each = 500;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&peer, t] {
      for (int i = 0; i < each; ++i) {
        peer->send(std::to_string(t) + " " + std::to_string(i), i % 2 == 0);
      }
    });
  }
  std::vector<int> next(4, 0);
  for (int i = 0; i < 4 * each; ++i) {
    const heard_frame heard = c.hear();
    const auto thread = static_cast<std::size_t>(heard.data[0] - '0');
    REQUIRE(heard.data == std::to_string(thread) + " " + std::to_string(next[thread]));
    CHECK((heard.opcode == 2) == (next[thread] % 2 == 0));
    ++next[thread];
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  CHECK(comes_true([&] { return peer->waiting() == 0; }));
  peer->send("last", false);
  peer->close(4001, "enough");
  peer->send("too late", false);
  CHECK(c.hear().data == "last");
  const heard_frame closed = c.hear();
  CHECK(closed.close_code() == 4001);
  CHECK(closed.data.substr(2) == "enough");
}

TEST_CASE("who does not take what it is sent is cut off", "[service]") {
  small_application app;
  std::shared_ptr<http::socket> peer;
  std::atomic<int> ends{0};
  app.sockets["/deaf"] = [&](std::shared_ptr<http::socket> opened) {
    peer = opened;
    return std::make_shared<echo_handler>(std::move(opened), &ends);
  };
  service::http_settings settings = any_port();
  settings.body_timeout = std::chrono::seconds(3); // long enough to send all that
  lone_server server(app, settings);
  socket_client c(server.port(), 4096);
  REQUIRE(c.open("/deaf").status == 101);
  for (int i = 0; i < 40; ++i) {
    peer->send(std::string(1 << 20, 'x'), true);
  }
  CHECK(peer->waiting() > (std::size_t{20} << 20));
  CHECK(comes_true([&] { return ends == 1; }));
  CHECK(peer->waiting() == 0);
}

TEST_CASE("a queue that grows without end is given up with 1008", "[service]") {
  small_application app;
  std::shared_ptr<http::socket> peer;
  app.sockets["/deaf"] = [&](std::shared_ptr<http::socket> opened) {
    peer = opened;
    return std::make_shared<echo_handler>(std::move(opened));
  };
  lone_server server(app, any_port());
  socket_client c(server.port(), 4096);
  REQUIRE(c.open("/deaf").status == 101);
  peer->send(std::string(std::size_t{16} << 20, 'x'), true);
  for (int i = 0; i < 7; ++i) {
    peer->send(std::string(std::size_t{8} << 20, 'x'), true);
  }
  CHECK(peer->waiting() <= (std::size_t{64} << 20));
  heard_frame heard = c.hear();
  while (heard.opcode == 2) {
    heard = c.hear();
  }
  CHECK(heard.close_code() == 1008);
}

TEST_CASE("sockets do not wait for one another", "[service]") {
  small_application app;
  serve_echo(app);
  app.sockets["/never"] = [](const std::shared_ptr<http::socket>&) {
    return std::make_shared<handler_of>([](std::string_view, const std::function<void()>&) {});
  };
  app.answer("/hello", "hello");
  lone_server server(app, any_port());
  std::vector<std::unique_ptr<socket_client>> stuck;
  for (int i = 0; i < 16; ++i) {
    stuck.push_back(std::make_unique<socket_client>(server.port()));
    REQUIRE(stuck.back()->open("/never").status == 101);
    stuck.back()->say("hello?");
  }
  std::vector<std::unique_ptr<socket_client>> open;
  for (int i = 0; i < 16; ++i) {
    open.push_back(std::make_unique<socket_client>(server.port()));
    REQUIRE(open.back()->open("/echo").status == 101);
  }
  for (int round = 0; round < 3; ++round) {
    for (std::size_t i = 0; i < open.size(); ++i) {
      open[i]->say(std::to_string(i));
    }
    for (std::size_t i = 0; i < open.size(); ++i) {
      CHECK(open[i]->hear().data == std::to_string(i));
    }
  }
  client c(server.port());
  CHECK(c.get("/hello").body == "hello");
}

TEST_CASE("a silent socket is asked whether it is there, and closed if it is not", "[service]") {
  small_application app;
  std::atomic<int> ends{0};
  app.sockets["/"] = [&](std::shared_ptr<http::socket> peer) {
    return std::make_shared<echo_handler>(std::move(peer), &ends);
  };
  hanami::service::http_settings settings = any_port();
  settings.idle_timeout = std::chrono::milliseconds(100);
  lone_server server(app, settings);
  socket_client there(server.port());
  socket_client away(server.port());
  REQUIRE(there.open("/").status == 101);
  REQUIRE(away.open("/").status == 101);
  for (int i = 0; i < 3; ++i) {
    CHECK(there.hear().opcode == 9);
    there.send(socket_client::frame(10, ""));
  }
  CHECK(away.hear().opcode == 9); // and no answer
  CHECK(away.hear().opcode == 0);
  CHECK(ends == 1);
  CHECK(there.ask_socket("hello") == "hello");
}

TEST_CASE("a handler that fails closes its socket with 1011", "[service]") {
  small_application app;
  app.sockets["/fails"] = [](const std::shared_ptr<http::socket>&) {
    return std::make_shared<handler_of>([](std::string_view, const std::function<void()>&) {
      throw std::runtime_error("cannot read this");
    });
  };
  lone_server server(app, any_port());
  socket_client c(server.port());
  REQUIRE(c.open("/fails").status == 101);
  c.say("hello");
  CHECK(c.hear().close_code() == 1011);
  CHECK(app.reports().size() == 1);
}

TEST_CASE("a stop closes sockets with 1001", "[service]") {
  small_application app;
  std::atomic<int> ends{0};
  serve_echo(app, &ends);
  std::shared_ptr<http::socket> kept;
  app.sockets["/kept"] = [&](std::shared_ptr<http::socket> peer) {
    kept = peer;
    return std::make_shared<echo_handler>(std::move(peer), &ends);
  };
  lone_server server(app, any_port());
  socket_client first(server.port());
  socket_client second(server.port());
  REQUIRE(first.open("/echo").status == 101);
  REQUIRE(second.open("/kept").status == 101);
  CHECK(first.ask_socket("x") == "x");
  std::thread stopping([&] { server.stop(); });
  for (socket_client* each : {&first, &second}) {
    CHECK(each->hear().close_code() == 1001);
    each->send(each->frame(8, "\x03\xe9"));
    CHECK(each->is_closed());
  }
  stopping.join();
  CHECK(ends == 2);
  kept->send("nobody hears this", false);
  kept->close(1000, "");
  CHECK(kept->waiting() == 0);
}
