// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>

#include "service/support/fixtures.hpp"
#include "service/support/packed.hpp"

/// How bodies travel: packed, and in parts.

using namespace server_test;

namespace {

heard_response ask_as(const server_fixture& fixture, const std::string& method,
                      const std::string& target, const std::string& token,
                      const std::string& fields, const std::string& body = {}) {
  return ask_with(fixture.port(), method, target, bearer(token) + fields, body);
}

constexpr const char* packed_please = "Accept-Encoding: gzip\r\n";

/// A saved checkpoint of a cluster; its id.
std::string make_checkpoint(const server_fixture& fixture, const std::string& token) {
  const heard saved =
      fixture.ask("POST", "/v1/clusters/" + make_line_of_three(fixture, token) + "/tasks",
                  R"({"kind":"save","name":"kept"})", token);
  REQUIRE(saved.status == 202);
  REQUIRE(end_of(fixture, saved.text("id"), token) == "finished");
  return saved.text("id");
}

} // namespace

TEST_CASE("a packed request is taken as if it had come plain", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string body = R"({"name":"packed cluster"})";
  const heard_response made =
      ask_as(fixture, "POST", "/v1/clusters", token, "Content-Encoding: gzip\r\n", packed(body));
  CHECK(made.status == 201);
  CHECK(made.body.find("packed cluster") != std::string::npos);
  const std::string key = "Idempotency-Key: once\r\n";
  const heard_response first = ask_as(fixture, "POST", "/v1/clusters", token, key, body);
  const heard_response again =
      ask_as(fixture, "POST", "/v1/clusters", token, key + "Content-Encoding: gzip\r\n",
             packed(body)); // the same request
  CHECK(again.body == first.body);
  const heard_response refused =
      ask_as(fixture, "POST", "/v1/clusters", token, "Content-Encoding: br\r\n", packed(body));
  CHECK(refused.status == 415);
  // Of strangers as little as plain: 32 KiB.
  const std::string bomb = packed(R"({"user_id":")" + std::string(40'000, 'a') + "\"}");
  CHECK(ask_as(fixture, "POST", "/v1/sessions", token, "Content-Encoding: gzip\r\n", bomb).status ==
        413);
}

TEST_CASE("answers come packed to who asks, with a tag that serves for changes", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  std::string header;
  std::string row;
  for (int i = 0; i < 100; ++i) {
    header += (i == 0 ? "" : ",") + std::string("column_") + std::to_string(i);
    row += (i == 0 ? "" : ",") + std::to_string(i);
  }
  const std::string target =
      "/v1/datasets/" + upload_csv(fixture, header + '\n' + row + '\n' + row + '\n', token);
  const heard_response plain = ask_as(fixture, "GET", target, token, "");
  const heard_response coded = ask_as(fixture, "GET", target, token, packed_please);
  REQUIRE(plain.status == 200);
  CHECK(plain.headers.count("content-encoding") == 0);
  CHECK(plain.headers.at("vary").find("Accept-Encoding") != std::string::npos);
  CHECK(coded.headers.at("vary").find("Accept-Encoding") != std::string::npos);
  REQUIRE(coded.headers.at("content-encoding") == "gzip");
  CHECK(unpacked(coded.body) == plain.body);
  CHECK(coded.body.size() < plain.body.size() / 2);
  const std::string tag = coded.headers.at("etag");
  CHECK(tag != plain.headers.at("etag")); // other bytes
  const auto known = [&](const std::string& which, const char* coding) {
    return ask_as(fixture, "GET", target, token, coding + ("If-None-Match: " + which + "\r\n"));
  };
  CHECK(known(tag, packed_please).status == 304);
  CHECK(known(tag, packed_please).headers.at("etag") == tag);
  CHECK(known(tag, "").status == 200);
  CHECK(known(plain.headers.at("etag"), "").status == 304);
  const heard_response head = ask_as(fixture, "HEAD", target, token, packed_please);
  CHECK(head.headers.at("etag") == tag);
  CHECK(head.headers.at("content-length") == coded.headers.at("content-length"));
  const auto rename = [&] {
    return ask_as(fixture, "PATCH", target, token, "If-Match: " + tag + "\r\n",
                  R"({"name":"other name"})")
        .status;
  };
  CHECK(rename() == 200);
  CHECK(rename() == 412);

  const heard_response csv = ask_as(fixture, "GET", target + "/csv", token, packed_please);
  CHECK(csv.headers.at("content-encoding") == "gzip");
  CHECK(unpacked(csv.body) == ask_as(fixture, "GET", target + "/csv", token, "").body);
  const heard_response api = ask_as(fixture, "GET", "/v1/openapi.json", token, packed_please);
  CHECK(json::parse(unpacked(api.body)).at("openapi") == "3.1.0");
}

TEST_CASE("answers with secrets in them are never packed", "[service]") {
  const server_fixture fixture;
  const std::string body = R"({"user_id":"admin","password":"the first password"})";
  const heard_response in = ask_as(fixture, "POST", "/v1/sessions", "", packed_please, body);
  REQUIRE(in.status == 201);
  CHECK(in.headers.at("cache-control") == "no-store");
  CHECK(in.headers.count("content-encoding") == 0);
}

TEST_CASE("a download goes on where it broke off", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string target = "/v1/checkpoints/" + make_checkpoint(fixture, token) + "/content";
  const auto get = [&](const std::string& fields, const char* method = "GET") {
    return ask_as(fixture, method, target, token, fields);
  };
  const heard_response whole = get("");
  REQUIRE(whole.status == 200);
  CHECK(whole.headers.at("accept-ranges") == "bytes");
  const std::string tag = whole.headers.at("etag");
  const std::string size = std::to_string(whole.body.size());
  REQUIRE(whole.body.size() > 200);

  const heard_response rest = get("Range: bytes=100-\r\nIf-Range: " + tag + "\r\n");
  CHECK(rest.status == 206);
  CHECK(rest.body == whole.body.substr(100));
  CHECK(rest.headers.at("content-range") ==
        "bytes 100-" + std::to_string(whole.body.size() - 1) + '/' + size);
  CHECK(rest.headers.at("etag") == tag);
  CHECK(get("Range: bytes=3-7\r\n").body == whole.body.substr(3, 5));
  CHECK(get("Range: bytes=-9\r\n").body == whole.body.substr(whole.body.size() - 9));
  CHECK(get("Range: bytes=0-\r\n").body == whole.body);

  for (const char* other : {"\"other\"", "W/\"other\"", "Sat, 31 Jan 2026 12:00:00 GMT"}) {
    const heard_response all = get(std::string("Range: bytes=3-7\r\nIf-Range: ") + other + "\r\n");
    CHECK(all.status == 200);
    CHECK(all.body == whole.body);
  }
  CHECK(get("Range: bytes=3-7\r\nIf-Range: W/" + tag + "\r\n").status == 200);
  CHECK(get("Range: rows=3-7\r\n").status == 200);
  for (const std::string& none : {"bytes=" + size + '-', std::string("bytes=0-1,3-4")}) {
    const heard_response refused = get("Range: " + none + "\r\n");
    CHECK(refused.status == 416);
    CHECK(refused.headers.at("content-range") == "bytes */" + size);
  }
  CHECK(get("Range: bytes=3-7\r\n", "HEAD").status == 200); // ranges are for GET
  CHECK(get("Range: bytes=3-7\r\nIf-None-Match: " + tag + "\r\n").status == 304);
  CHECK(get(packed_please).headers.count("content-encoding") == 0); // numbers do not get shorter
}

TEST_CASE("a table may be uploaded as .csv.gz", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  std::string rows = "a,b\n";
  for (int i = 0; i < 5000; ++i) {
    rows += std::to_string(i) + ',' + std::to_string(i % 7) + '\n';
  }
  const auto csv_of = [&](const std::string& id) {
    return fixture.ask("GET", "/v1/datasets/" + id + "/csv", {}, token).body;
  };
  CHECK(csv_of(upload_csv(fixture, packed(rows), token, "packed")) ==
        csv_of(upload_csv(fixture, rows, token, "plain")));
}
