// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/server.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/service/base/json.hpp>
#include <hanami/service/base/uuid.hpp>

#include "service/support/process_use.hpp"
#include "service/support/server_fixture.hpp"
#include "support/sanitized.hpp"

using server_test::heard;
using server_test::server_fixture;
namespace json = hanami::service::json;

namespace {

/// Stands in what belongs to somebody else, and must never come back to whom it does not belong.
constexpr std::string_view canary = "canary-52c1d8";

/// Numbers that are the same in every run.
class dice {
 public:
  explicit dice(std::uint64_t seed) : seed_(seed) {}
  std::uint32_t below(std::size_t limit) {
    return hanami::random_below(static_cast<std::uint32_t>(limit), seed_, 77, counter_++);
  }
  template <class List>
  auto one_of(const List& list) {
    return *(std::begin(list) + below(std::size(list)));
  }
  std::string bytes(std::size_t count) {
    std::string made;
    for (std::size_t i = 0; i < count; ++i) {
      made += static_cast<char>(below(256));
    }
    return made;
  }

 private:
  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

struct known_call {
  std::string method;
  std::string path;
  bool wants_token = true;
  bool has_body = false;
};

/// Every call that the server documents, and some of the reference's API.
std::vector<known_call> all_calls(const server_fixture& fixture) {
  std::vector<known_call> calls;
  const json::value api = fixture.ask("GET", "/v1/openapi.json").content();
  for (const auto& path : api.at("paths").as_object()) {
    for (const auto& method : path.value().as_object()) {
      std::string verb(method.key());
      for (char& c : verb) {
        c = static_cast<char>(c - 'a' + 'A');
      }
      const json::object& what = method.value().as_object();
      calls.push_back({verb, std::string(path.key()), !what.contains("security"),
                       what.contains("requestBody")});
    }
  }
  for (const char* path : {"user", "project", "cluster", "task", "dataset/upload/csv"}) {
    calls.push_back({"POST", std::string("/v1.0alpha/") + path, true, true});
    calls.push_back({"GET", std::string("/v1.0alpha/") + path, true, false});
  }
  return calls;
}

/// Requests that no server should take. Where one is no HTTP, a closed connection is an answer too.
class bad_requests {
 public:
  bad_requests(std::vector<known_call> calls, std::string token, std::uint64_t seed)
      : calls_(std::move(calls)), token_(std::move(token)), random_(seed) {}

  struct request {
    std::string bytes;
    bool is_http = true; ///< false: it may be answered by the connection's end
    bool ends = false;   ///< the client says no more
  };

  request next() {
    const known_call call = random_.one_of(calls_);
    switch (random_.below(10)) {
    case 0:
      return {text(call, bad_token(), good_enough(call)), true, false};
    case 1:
      return {text(with_body(), token_, random_.bytes(1 + random_.below(200))), true, false};
    case 2:
      return {text(with_body(), token_, bad_json()), true, false};
    case 3:
      return {text(call, token_, good_enough(call), bad_query()), true, false};
    case 4:
      return {text({call.method, bad_path(), true, false}, token_, {}), true, false};
    case 5:
      return {bad_length(call), false, true};
    case 6:
      return {half(call), false, true};
    case 7:
      return {random_.bytes(1 + random_.below(300)) + "\r\n\r\n", false, true};
    case 8:
      return {bad_chunks(), false, true};
    default:
      return {text({random_.one_of(strange_methods), call.path, true, false}, token_, {}), true,
              false};
    }
  }

 private:
  static constexpr const char* strange_methods[] = {"BREW", "TRACE", "PROPFIND", "OPTIONS"};

  /// Ids that nobody has take the places of names.
  std::string target(std::string path) {
    for (std::size_t at = 0; (at = path.find('{')) != std::string::npos;) {
      path.replace(at, path.find('}') - at + 1, hanami::service::new_uuid());
    }
    return path;
  }
  std::string text(const known_call& call, const std::string& token, const std::string& body,
                   const std::string& query = {}) {
    return call.method + ' ' + target(call.path) + query +
           " HTTP/1.1\r\nHost: here\r\nConnection: close\r\n" +
           (token.empty() ? "" : "Authorization: Bearer " + token + "\r\n") +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  known_call with_body() {
    known_call call = random_.one_of(calls_);
    while (!call.has_body || call.path.find("/parts/") != std::string::npos) {
      call = random_.one_of(calls_);
    }
    return call;
  }
  static std::string good_enough(const known_call& call) {
    return call.has_body ? R"({"id":"nobody1","name":"nothing","unknown":1})" : "";
  }

  std::string bad_token() {
    std::string token = token_;
    switch (random_.below(5)) {
    case 0:
      return {};
    case 1:
      token[random_.below(token.size())] ^= 1;
      return token + "x"; // the last character has bits that do not count
    case 2:
      return token.substr(0, random_.below(token.size()));
    case 3:
      return std::string(1 + random_.below(6000), 'a');
    default: // "none" as the algorithm
      return "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0" + token.substr(token.find('.'));
    }
  }
  std::string bad_json() {
    static constexpr const char* bodies[] = {"[]",
                                             "null",
                                             "17",
                                             "\"name\"",
                                             "{\"name\":{}}",
                                             "{\"name\":[1,2]}",
                                             "{\"name\":1e999}",
                                             "{\"name\":\"\"}",
                                             "{\"id\":\"../../etc\",\"name\":\"four\"}",
                                             "{\"sizes\":[-1]}",
                                             "{\"inputs\":{\"x\":[\"a\"]}}",
                                             "{\"name\":\"a\\u0000b\",\"zz\":1}",
                                             "{\"a\":1,\"a\":2}"};
    const std::size_t depth = 1 + random_.below(500);
    switch (random_.below(4)) {
    case 0:
      return std::string(depth, '[') + std::string(depth, ']');
    case 1:
      return "{\"" + std::string(1 + random_.below(5000), 'k') + "\":true}";
    default:
      return random_.one_of(bodies);
    }
  }
  std::string bad_query() {
    static constexpr const char* queries[] = {"?zz=1",
                                              "?%zz=1",
                                              "?limit=-1",
                                              "?position=x",
                                              "?limit=99999999999999999999",
                                              "?column=%00&column=b",
                                              "?a=%",
                                              "?unknown=%ff%fe"};
    return random_.one_of(queries);
  }
  std::string bad_path() {
    static constexpr const char* paths[] = {
        "/v1/../../etc/passwd",   "/v1/%2e%2e/%2e%2e/etc/passwd",
        "/v1/clusters/%00",       "/v1/clusters/'%20OR%201=1--",
        "/v1/tasks/%2f%2f",       "//v1//clusters",
        "/v1/clusters/%",         "/v2/clusters",
        "/v1.0alpha/../v1/users", "/v1/users/%F0%9F%92%A9"};
    return random_.below(4) == 0 ? "/v1/clusters/" + std::string(random_.below(9000), 'a')
                                 : std::string(random_.one_of(paths));
  }
  std::string head_without_length(const known_call& call) {
    return call.method + ' ' + target(call.path) +
           " HTTP/1.1\r\nHost: here\r\nConnection: close\r\nAuthorization: Bearer " + token_ +
           "\r\n";
  }
  std::string bad_length(const known_call&) {
    static constexpr const char* lengths[] = {
        "Content-Length: -1",           "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: 1e3",          "Content-Length: 99999999999999999999999",
        "Content-Length: 0x10",         "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Content-Length: 999999999999", "Transfer-Encoding: gzip"};
    return head_without_length(with_body()) + random_.one_of(lengths) + "\r\n\r\n{}";
  }
  std::string half(const known_call&) {
    const std::string whole = text(with_body(), token_, good_enough({"", "", true, true}));
    return whole.substr(0, 1 + random_.below(whole.size() - 1));
  }
  std::string bad_chunks() {
    static constexpr const char* chunks[] = {"zz\r\n{}\r\n0\r\n\r\n", "-1\r\n{}\r\n",
                                             "ffffffffffffffff1\r\n{}", "2\r\n{}XX0\r\n\r\n",
                                             "5\r\n{}"};
    return head_without_length(with_body()) + "Transfer-Encoding: chunked\r\n\r\n" +
           random_.one_of(chunks);
  }

  std::vector<known_call> calls_;
  std::string token_;
  dice random_;
};

std::string make_cluster(const server_fixture& fixture, const std::string& token,
                         std::string_view name) {
  const heard made = fixture.ask("POST", "/v1/clusters",
                                 json::serialize(json::object{{"name", std::string(name)}}), token);
  REQUIRE(made.status == 201);
  return made.text("id");
}

/// Sends it and checks what comes back; 0: the connection was closed.
unsigned check_refused(const server_fixture& fixture, const bad_requests::request& bad) {
  client connection(fixture.port());
  connection.send(bad.bytes);
  if (bad.ends) {
    connection.end_sending();
  }
  const heard_response answer = connection.read(!bad.bytes.starts_with("HEAD"));
  INFO(bad.bytes.substr(0, 600) << "\n-> " << answer.status << ' ' << answer.body.substr(0, 600));
  REQUIRE(answer.body.find(canary) == std::string::npos);
  if (answer.status == 0) {
    REQUIRE_FALSE(bad.is_http);
    return 0;
  }
  REQUIRE(answer.status != 500);
  if (answer.status >= 400) {
    REQUIRE((answer.status < 500 || answer.status == 501 || answer.status == 505));
    REQUIRE_FALSE(answer.body.empty());
  }
  return answer.status;
}

} // namespace

TEST_CASE("ten thousand bad requests are refused and change nothing", "[service]") {
  server_fixture fixture;
  const std::string owner = fixture.member("anna", "lab_one");
  const std::string stranger = fixture.member("bert", "lab_two");
  const std::string kept = make_cluster(fixture, owner, canary);
  std::vector<known_call> calls = all_calls(fixture);
  std::erase_if(calls, [](const known_call& c) { // those that a stranger may end a session with
    return !c.wants_token || c.path.find("/sessions") != std::string::npos;
  });
  REQUIRE(calls.size() > 50);

  bad_requests bad(calls, stranger, 11);
  constexpr int requests = 10'000;
  unsigned refused = 0;
  unsigned answered = 0; // what was wrong was nothing that counts there, as a body of a GET
  for (int i = 0; i < 500; ++i) {
    check_refused(fixture, bad.next());
  }
  const std::size_t files_before = open_files();
  const std::size_t bytes_before = resident_bytes();
  for (int i = 0; i < requests; ++i) {
    const unsigned status = check_refused(fixture, bad.next());
    ++(status == 0 || status >= 400 ? refused : answered);
  }
  CHECK(refused > requests * 9 / 10);
  CHECK(open_files() <= files_before + 4);
  CHECK((hanami_test::sanitized || resident_bytes() < bytes_before + (std::size_t{48} << 20)));

  CHECK(fixture.ask("GET", "/v1/clusters/" + kept, {}, owner).text("name") == canary);
  CHECK(fixture.ask("GET", "/v1/clusters", {}, owner).content().at("total").as_int64() == 1);
  CHECK(fixture.ask("GET", "/v1/clusters", {}, stranger).content().at("total").as_int64() == 0);
  CHECK(fixture.ask("GET", "/v1/projects", {}, fixture.admin()).content().at("total").as_int64() ==
        3);
}

TEST_CASE("broken frames end their own socket and nothing else", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.member("anna", "lab_one");
  const std::string id = make_cluster(fixture, token, "good");
  const std::string greeting =
      json::serialize(json::object{{"token", token}, {"target", "cluster"}, {"uuid", id}});
  dice random(12);
  for (int i = 0; i < 300; ++i) {
    socket_client peer(fixture.port());
    REQUIRE(peer.open("/").status == 101);
    if (random.below(2) == 0) {
      REQUIRE(peer.ask_socket(greeting).find("true") != std::string::npos);
    }
    switch (random.below(7)) {
    case 0: // not masked
      peer.send(std::string("\x82\x05hello", 7));
      break;
    case 1: // reserved bits
      peer.send(std::string(1, '\xf2') + socket_client::frame(2, "x").substr(1));
      break;
    case 2: // an opcode that is none
      peer.send(socket_client::frame(3 + random.below(5), "x"));
      break;
    case 3: // larger than anything
      peer.send(std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x12\x34\x56\x78", 14));
      break;
    case 4: // goes on with what was never begun
      peer.send(socket_client::frame(0, "x"));
      break;
    case 5: // a long control frame
      peer.send(socket_client::frame(9, std::string(200, 'p')));
      break;
    default: // no message of the protocol
      peer.send(socket_client::frame(2, random.bytes(1 + random.below(300))));
      break;
    }
    peer.end_sending();
    heard_frame last = peer.hear();
    while (last.opcode != 0 && last.opcode != 8) {
      last = peer.hear();
    }
  }
  socket_client peer(fixture.port());
  REQUIRE(peer.open("/").status == 101);
  CHECK(peer.ask_socket(greeting).find("true") != std::string::npos);
  CHECK(fixture.ask("GET", "/v1/clusters/" + id, {}, token).text("name") == "good");
}

TEST_CASE("who sends slowly keeps nobody waiting and is sent away", "[service]") {
  using namespace std::chrono_literals;
  const server_fixture fixture([](auto& config) {
    config.http.header_timeout = 300ms;
    config.http.body_timeout = 300ms;
  });
  const std::string token = fixture.admin();
  std::vector<std::unique_ptr<client>> slow;
  for (int i = 0; i < 40; ++i) {
    slow.push_back(std::make_unique<client>(fixture.port()));
    slow.back()->send(i % 2 == 0 ? std::string("GET /v1/me HTTP/1.1\r\nHo")
                                 : "POST /v1/clusters HTTP/1.1\r\nHost: here\r\nAuthorization: "
                                   "Bearer " +
                                       token + "\r\nContent-Length: 100\r\n\r\n{");
  }
  for (int i = 0; i < 20; ++i) {
    CHECK(fixture.ask("GET", "/v1/me", {}, token).status == 200);
  }
  for (const auto& one : slow) {
    const heard_response answer = one->read();
    CHECK((answer.status == 408 || answer.status == 0));
    CHECK(one->is_closed());
  }
  CHECK(fixture.ask("GET", "/v1/me", {}, token).status == 200);
}
