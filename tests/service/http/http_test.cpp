// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>

#include <catch2/catch.hpp>

#include "service/support/http_peer.hpp"

using namespace hanami;
using hanami::service::refusal;
using hanami::service::refusal_code;
using http::problem;

namespace {

/// So many bytes, one like the other, or broken off with an exception.
class counted_source final : public http::body_source {
 public:
  counted_source(std::uint64_t size, bool told, std::uint64_t breaks_at = ~std::uint64_t{0})
      : size_(size), told_(told), breaks_at_(breaks_at) {}
  std::optional<std::uint64_t> size() const override {
    return told_ ? std::optional(size_) : std::nullopt;
  }
  std::size_t read(std::span<char> buffer) override {
    if (given_ >= breaks_at_) {
      throw std::runtime_error("the disk is gone");
    }
    const std::size_t count =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), size_ - given_));
    std::fill_n(buffer.begin(), count, 'x');
    given_ += count;
    return count;
  }

 private:
  std::uint64_t size_;
  bool told_;
  std::uint64_t breaks_at_;
  std::uint64_t given_ = 0;
};

class counting_events final : public http::event_source {
 public:
  explicit counting_events(int last) : last_(last) {}
  bool next(std::string& out) override {
    out += "data: " + std::to_string(++count_) + "\n\n";
    return count_ < last_;
  }

 private:
  int last_;
  int count_ = 0;
};

class keeping_sink final : public http::admitted_request, public http::body_sink {
 public:
  explicit keeping_sink(std::size_t most) : most_(most) {}
  void write(std::string_view piece) override {
    if (kept.size() + piece.size() > most_) {
      throw problem(refusal(refusal_code::no_space, "the sink is full"));
    }
    kept += piece;
  }
  http::body_sink* sink() noexcept override { return this; }
  std::string kept;

 private:
  std::size_t most_;
};

using request = http::request;
using admitted = std::shared_ptr<http::admitted_request>;
using responder = http::responder;

void echo_body(small_application& app) {
  app.paths["/echo"] = [](const request& r, const admitted&, const responder& give) {
    give(small_application::plain(r.body));
  };
}

std::string chunked(const std::vector<std::string>& pieces) {
  std::string text = "POST /echo HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string& piece : pieces) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    text += size + piece + "\r\n";
  }
  return text + "0\r\n\r\n";
}

} // namespace

TEST_CASE("fields are found whatever the case of their names", "[service]") {
  http::fields fields;
  fields.add("Content-Type", "a");
  fields.add("content-type", "b");
  CHECK(fields.get("CONTENT-type") == "a");
  CHECK(fields.get("Content-Typ").empty());
  CHECK(fields.all().size() == 2);
}

TEST_CASE("a connection serves one request after the other", "[service]") {
  small_application app;
  app.answer("/hello", "hello");
  lone_server server(app, any_port());
  {
    client c(server.port());
    for (int i = 0; i < 3; ++i) {
      const heard_response heard = c.get("/hello");
      CHECK(heard.status == 200);
      CHECK(heard.body == "hello");
      CHECK(heard.headers.at("content-type") == "text/plain");
      CHECK(heard.headers.at("date").ends_with(" GMT"));
      CHECK(heard.headers.count("server") == 0);
      CHECK(heard.headers.count("connection") == 0);
    }
    CHECK(c.ask("GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
              .headers.at("connection") == "close");
    CHECK(c.is_closed());
  }
  const http::transport_statistics seen = server.statistics();
  CHECK(seen.accepted == 1);
  CHECK(seen.requests == 4);
  CHECK(comes_true([&] { return server.statistics().connections == 0; }));
}

TEST_CASE("the request arrives as it was meant", "[service]") {
  small_application app;
  app.paths["/a b/ü"] = [](const request& r, const admitted&, const responder& give) {
    give(small_application::plain(r.method + "|" + r.query + "|" +
                                  std::string(r.headers.get("x-some")) + "|" + r.address + "|" +
                                  (r.secure ? "tls" : "plain")));
  };
  lone_server server(app, any_port());
  client c(server.port());
  const std::string target = "/a%20b/%C3%bc?q=%20&r";
  CHECK(c.ask("PATCH " + target + " HTTP/1.1\r\nHost: h\r\nX-Some: one two\r\n\r\n").body ==
        "PATCH|q=%20&r|one two|127.0.0.1|plain");
  CHECK(c.ask("OPTIONS http://h:1" + target + " HTTP/1.1\r\nHost: h\r\n\r\n").body ==
        "OPTIONS|q=%20&r||127.0.0.1|plain");
}

TEST_CASE("requests sent in one go are answered in their order", "[service]") {
  small_application app;
  echo_body(app);
  app.answer("/hello", "hello");
  std::vector<std::thread> late;
  app.paths["/late"] = [&](const request&, const admitted&, const responder& give) {
    late.emplace_back([give] { give(small_application::plain("late")); });
  };
  lone_server server(app, any_port());
  client c(server.port());
  c.send("\r\nGET /late HTTP/1.1\r\nHost: h\r\n\r\n"
         "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
         "GET /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  c.send(chunked({"de", "f"}));
  c.send("GET /missing HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(c.read().body == "late");
  CHECK(c.read().body == "abc");
  CHECK(c.read().body == "hello");
  CHECK(c.read().body == "def");
  CHECK(c.read().status == 404);
  for (std::thread& each : late) {
    each.join();
  }
}

TEST_CASE("bodies arrive in any pieces", "[service]") {
  small_application app;
  echo_body(app);
  lone_server server(app, any_port());
  client c(server.port());
  const std::string wire = chunked({"a", std::string(300, 'b'), "c"});
  for (const char byte : wire) {
    c.send({&byte, 1});
  }
  CHECK(c.read().body == "a" + std::string(300, 'b') + "c");
  c.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3;name=\"value\"\r\nxyz\r\n0\r\nHost: other\r\nContent-Type: no\r\n\r\n");
  CHECK(c.read().body == "xyz");
  const std::string large(90'000, 'z');
  CHECK(c.ask("PUT /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n" + large).body ==
        large);
  CHECK(c.ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n").body.empty());
}

TEST_CASE("a body is sent when 100-continue has been heard", "[service]") {
  small_application app;
  echo_body(app);
  lone_server server(app, any_port());
  client c(server.port());
  c.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-Continue\r\n\r\n");
  CHECK(c.read_head().status == 100);
  CHECK(c.ask("abc").body == "abc");
  // What is refused anyway is refused before its body is sent.
  CHECK(c.ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\n"
              "Expect: 100-continue\r\n\r\n")
            .status == 413);
  CHECK(c.is_closed());
}

TEST_CASE("HEAD says what GET would, and no more", "[service]") {
  small_application app;
  app.answer("/hello", "hello");
  app.paths["/file"] = [](const request&, const admitted&, const responder& give) {
    http::response made;
    made.source = std::make_unique<counted_source>(1000, true);
    give(std::move(made));
  };
  lone_server server(app, any_port());
  client c(server.port());
  CHECK(c.ask("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n").headers.at("content-length") == "5");
  CHECK(c.ask("HEAD /file HTTP/1.1\r\nHost: h\r\n\r\n").headers.at("content-length") == "1000");
  CHECK(c.get("/hello").body == "hello");
}

TEST_CASE("clients of HTTP/1.0 are served in their way", "[service]") {
  small_application app;
  app.answer("/hello", "hello");
  app.paths["/stream"] = [](const request&, const admitted&, const responder& give) {
    http::response made;
    made.source = std::make_unique<counted_source>(100'000, false);
    give(std::move(made));
  };
  lone_server server(app, any_port());
  client c(server.port());
  const heard_response heard = c.ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(heard.headers.at("connection") == "keep-alive");
  CHECK(heard.body == "hello");
  const heard_response whole = c.ask("GET /stream HTTP/1.0\r\n\r\n");
  CHECK(whole.headers.count("transfer-encoding") == 0);
  CHECK(whole.body.size() == 100'000);
}

TEST_CASE("long bodies come from their source piece by piece", "[service]") {
  small_application app;
  const auto serve = [&](const std::string& path, std::uint64_t size, bool told,
                         std::uint64_t breaks_at) {
    app.paths[path] = [=](const request&, const admitted&, const responder& give) {
      http::response made;
      made.source = std::make_unique<counted_source>(size, told, breaks_at);
      give(std::move(made));
    };
  };
  serve("/known", 1'000'000, true, ~std::uint64_t{0});
  serve("/unknown", 1'000'000, false, ~std::uint64_t{0});
  serve("/empty", 0, true, ~std::uint64_t{0});
  serve("/empty_unknown", 0, false, ~std::uint64_t{0});
  serve("/broken", 1'000'000, true, 500'000);
  lone_server server(app, any_port());
  client c(server.port());
  CHECK(c.get("/known").body == std::string(1'000'000, 'x'));
  CHECK(c.get("/unknown").body == std::string(1'000'000, 'x'));
  CHECK(c.get("/empty").whole);
  CHECK(c.get("/empty_unknown").whole);
  const heard_response broken = c.get("/broken");
  CHECK(broken.status == 200);
  CHECK_FALSE(broken.whole);
  CHECK(app.reports().size() == 2);
}

TEST_CASE("a sink takes a body while it comes, and can refuse it", "[service]") {
  small_application app;
  app.admitting = [](const request& head) {
    http::admission open;
    open.max_body = 10'000'000;
    open.admitted = std::make_shared<keeping_sink>(head.path == "/small" ? 100'000 : 10'000'000);
    return open;
  };
  app.paths["/large"] = [](const request& r, const admitted& s, const responder& give) {
    const auto& kept = dynamic_cast<const keeping_sink&>(*s).kept;
    give(small_application::plain(std::to_string(kept.size()) + " " +
                                  std::to_string(r.body.size()) + " " +
                                  kept.substr(kept.size() - 3)));
  };
  lone_server server(app, any_port());
  const std::string head = "PUT /large HTTP/1.1\r\nHost: h\r\nContent-Length: 2000003\r\n\r\n";
  client c(server.port());
  CHECK(c.ask(head + std::string(2'000'000, 'x') + "end").body == "2000003 0 end");
  CHECK(c.ask("PUT /large HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
              "6\r\nabcend\r\n0\r\n\r\n")
            .body == "6 0 end");
  std::string refused = head;
  refused.replace(refused.find("large"), 5, "small");
  const heard_response heard = c.ask(refused + std::string(2'000'003, 'x'));
  CHECK(heard.status == 507);
  CHECK(heard.body.find("the sink is full") != std::string::npos);
  CHECK(c.is_closed());
}

TEST_CASE("a refusal by the application spares the body", "[service]") {
  small_application app;
  app.admitting = [](const request& head) {
    if (head.path == "/throws") {
      throw problem(refusal(refusal_code::forbidden, "not for you"));
    }
    http::admission refused;
    refused.refusal = small_application::plain("no");
    refused.refusal->status = 401;
    return refused;
  };
  lone_server server(app, any_port());
  client c(server.port());
  CHECK(c.get("/").status == 401);
  CHECK(c.get("/throws").status == 403);
  CHECK(c.ask("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n").status == 401);
  CHECK(c.is_closed());
}

TEST_CASE("who forgets to answer, or fails, answers 500", "[service]") {
  small_application app;
  app.paths["/dropped"] = [](const request&, const admitted&, const responder&) {};
  app.paths["/fails"] = [](const request&, const admitted&, const responder&) {
    throw std::runtime_error("secret of the operator");
  };
  app.paths["/later"] = [](const request&, const admitted&, const responder& give) {
    std::thread([give] {}).detach();
  };
  app.paths["/twice"] = [](const request&, const admitted&, const responder& give) {
    give(small_application::plain("first"));
    give(small_application::plain("second"));
  };
  app.paths["/split"] = [](const request&, const admitted&, const responder& give) {
    http::response made;
    made.headers.add("X-Some", "a\r\nSet-Cookie: b");
    give(std::move(made));
  };
  lone_server server(app, any_port());
  client c(server.port());
  for (const char* path : {"/dropped", "/fails", "/later", "/split"}) {
    INFO(path);
    const heard_response heard = c.get(path);
    CHECK(heard.status == 500);
    CHECK(heard.headers.at("content-type") == "application/problem+json");
    CHECK(heard.body.find("secret") == std::string::npos);
  }
  CHECK(c.get("/twice").body == "first");
  CHECK(c.get("/dropped").status == 500);
  const auto reports = app.reports();
  CHECK(std::any_of(reports.begin(), reports.end(), [](const std::string& each) {
    return each.find("secret of the operator") != std::string::npos;
  }));
}

TEST_CASE("events flow until their source ends or the client goes", "[service]") {
  small_application app;
  std::weak_ptr<int> alive;
  struct watched final : http::event_source {
    explicit watched(std::shared_ptr<int> k) : kept(std::move(k)) {}
    bool next(std::string&) override { return true; }
    std::shared_ptr<int> kept;
  };
  app.paths["/three"] = [](const request&, const admitted&, const responder& give) {
    http::response made;
    made.events = std::make_unique<counting_events>(3);
    give(std::move(made));
  };
  app.paths["/silent"] = [&](const request&, const admitted&, const responder& give) {
    auto kept = std::make_shared<int>(1);
    alive = kept;
    http::response made;
    made.events = std::make_unique<watched>(std::move(kept));
    give(std::move(made));
  };
  lone_server server(app, any_port());
  {
    client c(server.port());
    const heard_response heard = c.get("/three");
    CHECK(heard.body == "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    CHECK(heard.headers.at("content-type") == "text/event-stream");
    CHECK(heard.headers.at("cache-control") == "no-store");
    c.send("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(c.read_head().status == 200);
    CHECK_FALSE(alive.expired());
  }
  CHECK(comes_true([&] { return alive.expired(); }));
}

TEST_CASE("who waits for events that do not come is told that the server is there", "[service]") {
  struct silence final : http::event_source {
    bool next(std::string&) override { return true; }
  };
  small_application app;
  app.paths["/silent"] = [](const request&, const admitted&, const responder& give) {
    http::response made;
    made.events = std::make_unique<silence>();
    give(std::move(made));
  };
  hanami::service::http_settings settings = any_port();
  settings.idle_timeout = std::chrono::milliseconds(200);
  lone_server server(app, settings);
  client c(server.port());
  c.send("GET /silent HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(c.read_head().status == 200);
  CHECK(c.take_chunk() == ":\n\n"); // a comment, which no program takes for an event
  CHECK(c.take_chunk() == ":\n\n");
}

TEST_CASE("work runs on the server's own workers", "[service]") {
  small_application app;
  lone_server server(app, any_port());
  std::atomic<int> done{0};
  for (int i = 0; i < 100; ++i) {
    server.run([&] { ++done; });
  }
  server.run([] { throw std::runtime_error("a worker's trouble"); });
  server.stop(); // ends what was begun
  CHECK(done == 100);
  CHECK(app.reports() == std::vector<std::string>{"a worker's trouble"});
}

TEST_CASE("a stop lets requests end that have begun, and no others", "[service]") {
  small_application app;
  std::atomic<bool> begun{false};
  std::mutex mutex;
  responder kept;
  app.paths["/begun"] = [&](const request&, const admitted&, const responder& give) {
    const std::lock_guard lock(mutex);
    kept = give;
    begun = true;
  };
  lone_server server(app, any_port());
  client idle(server.port());
  client busy(server.port());
  busy.send("GET /begun HTTP/1.1\r\nHost: h\r\n\r\nGET /begun HTTP/1.1\r\nHost: h\r\n\r\n");
  REQUIRE(comes_true([&] { return begun.load(); }));
  std::thread stopping([&] { server.stop(); });
  CHECK(idle.is_closed());
  {
    const std::lock_guard lock(mutex);
    kept(small_application::plain("done"));
    kept = nullptr;
  }
  const heard_response heard = busy.read();
  CHECK(heard.body == "done");
  CHECK(heard.headers.at("connection") == "close");
  CHECK(busy.is_closed());
  stopping.join();
  CHECK_THROWS(client(server.port()));
  server.stop(); // once more is nothing
}

TEST_CASE("an answer that comes after the server's end does no harm", "[service]") {
  small_application app;
  responder late;
  std::atomic<bool> begun{false};
  app.paths["/late"] = [&](const request&, const admitted&, const responder& give) {
    late = give;
    begun = true;
  };
  std::optional<client> c;
  {
    lone_server server(app, any_port());
    c.emplace(server.port());
    c->send("GET /late HTTP/1.1\r\nHost: h\r\n\r\n");
    REQUIRE(comes_true([&] { return begun.load(); }));
    // The destructor waits five seconds for the answer; a client that goes does not end that wait.
    late(small_application::plain("in time"));
    CHECK(c->read().body == "in time");
  }
  late(small_application::plain("too late"));
  CHECK(c->is_closed());
}

TEST_CASE("settings that cannot work are refused with their name", "[service]") {
  small_application app;
  const auto refusal = [&](auto change) {
    service::http_settings settings = any_port();
    service::tls_settings tls;
    change(settings, tls);
    try {
      lone_server server(app, settings, tls);
    } catch (const error& why) {
      return std::string(why.what());
    }
    return std::string();
  };
  CHECK(refusal([](auto& h, auto&) { h.idle_timeout = {}; }).find("idle_timeout") !=
        std::string::npos);
  CHECK(refusal([](auto& h, auto&) { h.connections = 0; }).find("connections") !=
        std::string::npos);
  CHECK(refusal([](auto& h, auto&) { h.address = "999.1.1.1"; }).find("999.1.1.1") !=
        std::string::npos);
  CHECK(refusal([](auto&, auto& t) { t.redirect_port = 1; }).find("certificate") !=
        std::string::npos);
  CHECK(refusal([](auto&, auto& t) {
          t.certificate = t.key = "/nowhere/c.pem";
        }).find("/nowhere/c.pem") != std::string::npos);
  lone_server first(app, any_port());
  CHECK(refusal([&](auto& h, auto&) {
          h.port = first.port();
        }).find(std::to_string(first.port())) != std::string::npos);
}
