// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "service/support/comes.hpp"
#include "service/support/fixtures.hpp"

/// Streams within quotas of memory and files.

using namespace server_test;

using service_test::comes;

namespace {

/// With a note of so many bytes, which is not learned.
std::string rows(int from, int to, std::size_t note = 1) {
  std::string list = "[";
  for (int i = from; i < to; ++i) {
    list += i > from ? "," : "";
    list += R"({"t":)" + std::to_string(1'770'000'000 + 60 * i) + R"(,"x":)" +
            std::to_string(i * 37 % 101) + R"(,"note":")" + std::string(note, 'n') + "\"}";
  }
  return list + "]";
}

std::string make_stream(const server_fixture& fixture, const std::string& token,
                        const std::string& name) {
  const heard made =
      fixture.ask("POST", "/v1/streams", R"({"name":")" + name + R"(","window":0})", token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  return "/v1/streams/" + made.text("id");
}

heard feed(const server_fixture& fixture, const std::string& path, int from, int to,
           const std::string& token, std::size_t note = 1) {
  return fixture.ask("POST", path + "/rows?answers=none", rows(from, to, note), token);
}

/// What a user owns.
std::uint64_t used(const server_fixture& fixture, const char* what, const std::string& token) {
  return fixture.ask("GET", "/v1/me", {}, token)
      .content()
      .at("used")
      .at(what)
      .to_number<std::uint64_t>();
}

std::uint64_t metric(const server_fixture& fixture, const std::string& name) {
  const std::string page = fixture.ask("GET", "/metrics").body;
  const std::size_t at = page.find('\n' + name + ' ');
  REQUIRE(at != std::string::npos);
  return std::stoull(page.substr(at + name.size() + 2));
}

std::uint64_t on_disk(const server_fixture& fixture, const std::string& path) {
  std::uint64_t sum = 0;
  const std::string id = path.substr(path.rfind('/') + 1);
  for (const auto& each :
       std::filesystem::directory_iterator(fixture.config().data / "streams" / id)) {
    sum += each.file_size();
  }
  return sum;
}

} // namespace

TEST_CASE("the files of streams are counted, shown and within the quota", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string path = make_stream(fixture, token, "counted");
  const auto shown = [&] {
    return fixture.ask("GET", path, {}, token).content().at("bytes").to_number<std::uint64_t>();
  };
  const std::uint64_t fresh = shown();
  CHECK(fresh == on_disk(fixture, path));
  CHECK(used(fixture, "bytes", token) == fresh);
  REQUIRE(feed(fixture, path, 0, 300, token, 4000).status == 200); // over a MiB, when it is noted
  CHECK(comes([&] { return shown() > fresh + (std::uint64_t{1} << 20); }));
  CHECK(used(fixture, "bytes", token) == shown());

  const heard saved = fixture.ask("POST", path + "/checkpoints", R"({"name":"c"})", token);
  REQUIRE(saved.status == 201);
  REQUIRE(
      fixture
          .ask("POST", path + "/restore", R"({"checkpoint_id":")" + saved.text("id") + "\"}", token)
          .status == 200);
  CHECK(shown() == on_disk(fixture, path));
}

TEST_CASE("a user whose files take too much feeds no stream until some are deleted", "[service]") {
  server_fixture fixture([](server_config& c) { c.quota.bytes = std::uint64_t{2} << 20; });
  const std::string token = fixture.admin();
  const std::string path = make_stream(fixture, token, "eager");
  unsigned status = 200;
  for (int i = 0; i < 100 && status == 200; ++i) {
    status = feed(fixture, path, i * 50, (i + 1) * 50, token, 10'000).status;
  }
  CHECK(status == 403);
  CHECK(fixture.ask("GET", path + "/statistics", {}, token).status == 200);
  CHECK(fixture.ask("DELETE", path, {}, token).status == 204);
  const std::string other = make_stream(fixture, token, "modest");
  CHECK(comes([&] { return feed(fixture, other, 0, 10, token).status == 200; }));
}

TEST_CASE("streams that nobody uses make room for others of their owner", "[service]") {
  std::uint64_t memory = std::uint64_t{1} << 30;
  server_fixture fixture([&](server_config& c) { c.quota.memory = memory; });
  std::string token = fixture.admin();
  const std::string first = make_stream(fixture, token, "first");
  const std::string second = make_stream(fixture, token, "second");
  REQUIRE(feed(fixture, first, 0, 100, token).status == 200);
  const std::uint64_t one = used(fixture, "memory", token);
  CHECK(one == metric(fixture, "hanami_stream_bytes"));
  REQUIRE(one > 10'000);
  REQUIRE(feed(fixture, second, 0, 100, token).status == 200);
  fixture.close();
  memory = one + one / 2;
  fixture.open();
  token = fixture.admin();
  CHECK(feed(fixture, first, 100, 110, token).content().at("last_row").as_int64() == 110);
  CHECK(metric(fixture, "hanami_streams_in_memory") == 1);
  CHECK(comes([&] { return feed(fixture, second, 100, 110, token).status == 200; }));
  CHECK(metric(fixture, "hanami_streams_in_memory") == 1); // the first has left, unsaved
  CHECK(used(fixture, "memory", token) <= memory);
  CHECK(comes([&] { return feed(fixture, first, 110, 120, token).status == 200; }));
  CHECK(fixture.ask("GET", first + "/statistics", {}, token).content().at("rows").as_int64() ==
        120);
}

TEST_CASE("clusters that nobody uses leave for a stream of their owner, and a stream that is too "
          "large is refused",
          "[service]") {
  std::uint64_t memory = std::uint64_t{1} << 30;
  std::uint64_t budget = memory;
  server_fixture fixture([&](server_config& c) {
    c.quota.memory = memory;
    c.stream.memory_budget = budget;
  });
  std::string token = fixture.admin();
  const std::string path = make_stream(fixture, token, "stream");
  REQUIRE(feed(fixture, path, 0, 100, token).status == 200);
  const std::uint64_t one = used(fixture, "memory", token);
  const std::string cluster = make_line_of_three(fixture, token, "net");
  const std::string of_cluster = "/v1/clusters/" + cluster + "/statistics";
  REQUIRE(fixture.ask("GET", of_cluster, {}, token).status == 200);
  const std::uint64_t other = used(fixture, "memory", token) - one;
  REQUIRE(other > 1);
  fixture.close();
  memory = std::max(one, other) + 1;
  fixture.open();
  token = fixture.admin();
  REQUIRE(fixture.ask("GET", of_cluster, {}, token).status == 200);
  REQUIRE(metric(fixture, "hanami_clusters_in_memory") == 1);
  CHECK(comes([&] { return fixture.ask("GET", path + "/statistics", {}, token).status == 200; }));
  CHECK(metric(fixture, "hanami_clusters_in_memory") == 0);

  fixture.close();
  memory = one / 2;
  fixture.open();
  token = fixture.admin();
  const heard refused = feed(fixture, path, 100, 101, token);
  INFO(refused.body);
  CHECK(refused.status == 403);
  CHECK(refused.text("code") == "quota_exceeded");
  fixture.close();
  memory = one * 2;
  budget = one / 2;
  fixture.open();
  token = fixture.admin();
  const heard full = feed(fixture, path, 100, 101, token);
  INFO(full.body);
  CHECK(full.status == 503);
  CHECK(full.text("code") == "no_memory");
}

TEST_CASE("the journal of a stream that rests is closed", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string path = make_stream(fixture, token, "resting");
  REQUIRE(feed(fixture, path, 0, 10, token).status == 200);
  CHECK(metric(fixture, "hanami_journals_open") == 1);
  CHECK(comes([&] { return metric(fixture, "hanami_journals_open") == 0; }));
  CHECK(metric(fixture, "hanami_streams_in_memory") == 1);
  REQUIRE(feed(fixture, path, 10, 20, token).status == 200);
  CHECK(metric(fixture, "hanami_journals_open") == 1);
}
