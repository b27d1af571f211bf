// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <optional>
#include <string>
#include <string_view>

#include <hanami/service/http/byte_range.hpp>
#include <hanami/service/http/gzip.hpp>

#include "service/support/http_peer.hpp"
#include "service/support/packed.hpp"
#include "service/support/process_use.hpp"
#include "service/support/refusal_of.hpp"
#include "support/sanitized.hpp"

/// Packed bodies and parts of bodies, without a server around and with one.

using hanami::service::refusal;

namespace {

http::fields field(const std::string& name, const std::string& value) {
  http::fields made;
  made.add(name, value);
  return made;
}

std::string text_of_rows() {
  std::string text;
  for (int i = 0; i < 20'000; ++i) {
    text += std::to_string(i * 7919 % 10'007) + ',';
  }
  return text;
}

/// What comes out of a body that arrives in pieces of that size; its status where it is refused.
struct unpacking {
  std::string text;
  unsigned refused = 0;
  std::size_t longest = 0; ///< piece that came out
};

unpacking unpack(std::string_view packed, std::size_t most, std::size_t piece) {
  unpacking came;
  http::gzip_unpacker unpacker(most);
  try {
    for (std::size_t at = 0; at < packed.size(); at += piece) {
      unpacker.unpack(packed.substr(at, piece), [&](std::string_view out) {
        came.longest = std::max(came.longest, out.size());
        came.text += out;
      });
    }
    unpacker.finish();
  } catch (const http::problem& why) {
    came.refused = why.status();
  } catch (const refusal& why) {
    came.refused = http::problem(why).status();
  }
  return came;
}

std::string post(const std::string& fields, const std::string& body) {
  return "POST /echo HTTP/1.1\r\nHost: here\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

void echo(small_application& on) {
  on.paths["/echo"] = [](const http::request& heard, const std::shared_ptr<http::admitted_request>&,
                         const http::responder& give) {
    give(small_application::plain(heard.body));
  };
}

} // namespace

TEST_CASE("a client gets gzip where it prefers that", "[service]") {
  const auto accepts = [](const char* what) {
    return http::accepts_gzip(field("Accept-Encoding", what));
  };
  for (const char* yes : {"gzip", "GZIP", "x-gzip", "deflate, gzip", "gzip;q=0.5", "br;q=1,gzip",
                          "*", "*;q=0.1", "gzip ; q=1.0", "identity;q=0.5, gzip;q=1",
                          "gzip, identity", "gzip;q=1.000", "identity;q=0, *"}) {
    CAPTURE(yes);
    CHECK(accepts(yes));
  }
  for (const char* no : {"", "identity", "br", "gzip;q=0", "*;q=0", "gzip;q=0, *", "deflate",
                         "gzip;q=0.2, identity;q=0.8", "gzip;q=2", "gzip;q=x", "gzip;level=1",
                         "gzipped", "gzip;q=-1", "gzip;q=nan"}) {
    CAPTURE(no);
    CHECK_FALSE(accepts(no));
  }
  CHECK_FALSE(http::accepts_gzip({}));
}

TEST_CASE("a body is unpacked whatever pieces it comes in", "[service]") {
  const std::string text = text_of_rows();
  const std::string whole = packed(text);
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{4096}, whole.size()}) {
    const unpacking came = unpack(whole, text.size(), piece);
    CHECK(came.refused == 0);
    CHECK((came.text == text));
    CHECK(came.longest <= 65536);
  }
  const unpacking twice = unpack(packed("one ") + packed("two"), 100, 3);
  CHECK(twice.text == "one two");
  CHECK(unpack(packed(""), 0, 100).refused == 0);
}

TEST_CASE("what is not gzip, or not all of it, is refused", "[service]") {
  const std::string whole = packed(text_of_rows());
  for (const std::size_t cut :
       {std::size_t{1}, std::size_t{9}, whole.size() / 2, whole.size() - 1}) {
    CHECK(unpack(std::string_view(whole).substr(0, cut), 1'000'000, 1000).refused == 400);
  }
  CHECK(unpack("plain text", 100, 100).refused == 400);
  CHECK(unpack(whole + "more", 1'000'000, 1000).refused == 400);
  std::string damaged = whole;
  damaged[damaged.size() - 6] ^= 1; // of its checksum
  CHECK(unpack(damaged, 1'000'000, 1000).refused == 400);
}

TEST_CASE("a body that unpacks too far is refused before it has", "[service]") {
  const std::string text = text_of_rows();
  CHECK(unpack(packed(text), text.size(), 4096).refused == 0);
  CHECK(unpack(packed(text), text.size() - 1, 4096).refused == 413);

  const std::string zeros(std::size_t{64} << 20, '0');
  const std::string bomb = packed(zeros);
  CHECK(bomb.size() < 100'000);
  const unpacking bounded = unpack(bomb, 100'000, 65536);
  CHECK(bounded.refused == 413);
  CHECK(bounded.text.size() <= 100'000);
  const unpacking by_ratio = unpack(bomb, zeros.size(), 4096);
  CHECK(by_ratio.refused == 413);
  CHECK(by_ratio.text.size() < std::size_t{4} << 20);
  CHECK(unpack(packed(std::string(1'000'000, '0')), zeros.size(), 4096).refused == 0); // small
}

TEST_CASE("packed answers are those that were packed", "[service]") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{2000},
                                 std::size_t{65536}, std::size_t{65537}, std::size_t{500'000}}) {
    std::string text = text_of_rows();
    while (text.size() < size) {
      text += text;
    }
    text.resize(size);
    http::response made = small_application::plain(text);
    http::pack(made);
    CHECK(made.headers.get("Content-Encoding") == "gzip");
    if (made.source) {
      CHECK(size > 65536);
      CHECK_FALSE(made.source->size());
      char block[1000];
      while (const std::size_t count = made.source->read(block)) {
        made.body.append(block, count);
      }
    }
    CHECK((unpacked(made.body) == text));
  }
}

TEST_CASE("only texts of some length are packed, and no secrets", "[service]") {
  const auto could = [](const std::string& type, std::size_t size, const char* cache = nullptr) {
    http::response made = small_application::plain(std::string(size, 'x'));
    made.content_type = type;
    if (cache != nullptr) {
      made.headers.add("Cache-Control", cache);
    }
    return http::can_be_packed(made);
  };
  CHECK(could("application/json", 5000));
  CHECK(could("text/csv; charset=utf-8", 5000));
  CHECK_FALSE(could("application/json", 500));
  CHECK_FALSE(could("application/octet-stream", 5000));
  CHECK_FALSE(could("image/png", 5000));
  CHECK_FALSE(could("application/json", 5000, "no-store"));
  CHECK_FALSE(could("application/json", 5000, "private, no-store"));
}

TEST_CASE("requests may come packed, and bombs cost neither memory nor the connection's thread",
          "[service]") {
  small_application answers;
  echo(answers);
  const lone_server server(answers, any_port());
  const std::string text(90'000, 'a');
  {
    client connection(server.port());
    for (const char* coding : {"gzip", "GZIP", "x-gzip"}) {
      const heard_response answer =
          connection.ask(post(std::string("Content-Encoding: ") + coding + "\r\n", packed(text)));
      CHECK(answer.status == 200);
      CHECK((answer.body == text));
    }
    CHECK(connection.ask(post("Content-Encoding: identity\r\n", "as it is")).body == "as it is");
    CHECK(connection.ask(post("Content-Encoding: gzip\r\n", packed(""))).body.empty());
  }
  for (const char* coding : {"br", "deflate", "gzip, gzip", "zstd", "gzipped"}) {
    client connection(server.port());
    const heard_response refused =
        connection.ask(post(std::string("Content-Encoding: ") + coding + "\r\n", packed(text)));
    CHECK(refused.status == 415);
    CHECK(refused.headers.at("accept-encoding") == "gzip");
  }
  CHECK(client(server.port()).ask(post("Content-Encoding: gzip\r\n", "not packed")).status == 400);
  const std::string bomb = packed(std::string(std::size_t{64} << 20, '0'));
  REQUIRE(bomb.size() < 100'000);
  const std::size_t before = resident_bytes();
  for (int i = 0; i < 50; ++i) {
    CHECK(client(server.port()).ask(post("Content-Encoding: gzip\r\n", bomb)).status == 413);
  }
  CHECK((hanami_test::sanitized || resident_bytes() < before + (std::size_t{16} << 20)));
  CHECK(answers.reports().empty());
}

TEST_CASE("of a range there is what lies in the body", "[service]") {
  const auto asked = [](const char* range, std::uint64_t size) -> std::string {
    try {
      const auto found = http::asked_range(field("Range", range), size);
      return found ? std::to_string(found->first) + '+' + std::to_string(found->count) : "all";
    } catch (const http::problem& why) {
      return std::to_string(why.status());
    }
  };
  CHECK(asked("bytes=0-0", 10) == "0+1");
  CHECK(asked("bytes=2-5", 10) == "2+4");
  CHECK(asked("BYTES=2-5", 10) == "2+4");
  CHECK(asked("bytes=2-", 10) == "2+8");
  CHECK(asked("bytes=2-99", 10) == "2+8");
  CHECK(asked("bytes=-3", 10) == "7+3");
  CHECK(asked("bytes=-30", 10) == "0+10");
  CHECK(asked("bytes=9-", 10) == "9+1");
  CHECK(asked("bytes=0-99999999999999999999999", 10) == "0+10");
  for (const char* none : {"bytes=10-", "bytes=10-12", "bytes=-0", "bytes=0-1,3-4", "bytes=0-,",
                           "bytes=99999999999999999999999-"}) {
    CAPTURE(none);
    CHECK(asked(none, 10) == "416");
  }
  CHECK(asked("bytes=0-", 0) == "416");
  CHECK(asked("bytes=-1", 0) == "416");
  for (const char* ignored : {"", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b",
                              "rows=0-5", "bytes=1", "bytes= 1-2", "bytes=1-2x", "bytes=--3"}) {
    CAPTURE(ignored);
    CHECK(asked(ignored, 10) == "all");
  }
  CHECK_FALSE(http::asked_range({}, 10));
}
