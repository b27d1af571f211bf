// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <hanami/io/checkpoint.hpp>

#include "service/support/descriptors.hpp"
#include "service/support/engine_fixture.hpp"
#include "service/support/server_fixture.hpp"

using namespace engine_test;
using service_test::few_descriptors;
using service_test::no_descriptors;
using service_test::skipped_under_sanitizers;

namespace {

/// So many clusters; the environment may ask for more.
std::size_t many_clusters() {
  const char* const asked = std::getenv("HANAMI_MANY_CLUSTERS");
  return asked == nullptr ? 300 : std::stoul(asked);
}

} // namespace

TEST_CASE("the limit of descriptors is raised as far as it goes", "[service]") {
  ::rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const few_descriptors few(200);
  CHECK(service::descriptor_limit() == 200);
  const std::size_t now = service::raise_descriptor_limit();
  CHECK(now == service::descriptor_limit());
  ::rlimit raised{};
  ::getrlimit(RLIMIT_NOFILE, &raised);
  CHECK(raised.rlim_cur == limit.rlim_max);
}

TEST_CASE("files keep descriptors that connections cannot have", "[service]") {
  for (const std::size_t limit : {256U, 1024U, 65536U, 1048576U}) {
    const service::descriptor_shares shares(limit);
    CHECK(shares.connections + shares.files <= limit);
    CHECK(shares.files >= 64);
    CHECK(shares.journals < shares.files);
    CHECK(shares.connections > limit / 2);
  }
}

TEST_CASE("many more clusters than descriptors learn in turn, and all of it is kept", "[service]") {
  const scratch_folder folder;
  const std::size_t count = many_clusters();
  const few_descriptors few(count > 1000 ? 1024 : 160);
  engine_fixture fixture(folder.path, false, [&](service::server_config& config) {
    config.quota.clusters = count;
    config.engine.snapshot_interval = std::chrono::hours(1); // the journals have to do
  });
  std::vector<std::string> ids(count);
  for (std::string& id : ids) {
    id = fixture.create();
  }
  for (std::size_t round = 0; round < 2; ++round) {
    for (const std::string& id : ids) {
      fixture.train(id, sample_of(round));
    }
  }
  const auto seen = fixture->statistics();
  CHECK(seen.trained == 2 * count);
  CHECK(seen.journals_open <= service::descriptor_shares(service::descriptor_limit()).journals);
  const auto last = fixture.state_of(ids.back());
  CHECK((fixture.state_of(ids.front()) == last));
  fixture.open_again();
  for (std::size_t i = 0; i < count; i += std::max<std::size_t>(1, count / 100)) {
    REQUIRE(fixture->statistics(fixture.cluster(ids[i])).samples == 2);
  }
  CHECK((fixture.state_of(ids.back()) == last));
}

TEST_CASE("without a free descriptor a cluster is busy, not damaged, and what is in memory learns",
          "[service]") {
  if (skipped_under_sanitizers()) {
    return;
  }
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string first = fixture.create();
  const std::string second = fixture.create();
  fixture.train(first, sample_of(0));
  fixture.train(second, sample_of(0));
  fixture.open_again();
  fixture.infer(first, sample_of(0).input); // in memory, its journal closed
  {
    const no_descriptors none;
    CHECK(refusal_of([&] { fixture.infer(second, sample_of(0).input); }) == refusal_code::busy);
    CHECK_NOTHROW(fixture.train(first, sample_of(1)));
    CHECK_NOTHROW(fixture.train(first, sample_of(2)));
  }
  fixture.train(second, sample_of(1));
  fixture.train(second, sample_of(2));
  const auto state = fixture.state_of(first);
  CHECK((fixture.state_of(second) == state));
  fixture.open_again();
  CHECK((fixture.state_of(first) == state));
}

TEST_CASE("who finds no descriptor for a connection hears that", "[service]") {
  if (skipped_under_sanitizers()) {
    return;
  }
  const server_test::server_fixture fixture;
  const int peer = ::socket(AF_INET, SOCK_STREAM, 0);
  REQUIRE(peer >= 0);
  std::string heard;
  {
    const no_descriptors none;
    ::sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(fixture.port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(peer, reinterpret_cast<const ::sockaddr*>(&to), sizeof to) == 0);
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n";
    REQUIRE(::send(peer, request.data(), request.size(), MSG_NOSIGNAL) ==
            static_cast<::ssize_t>(request.size()));
    std::array<char, 4096> some{};
    for (::ssize_t got = 1; got > 0;) {
      got = ::recv(peer, some.data(), some.size(), 0);
      heard.append(some.data(), static_cast<std::size_t>(std::max<::ssize_t>(got, 0)));
    }
  }
  ::close(peer);
  INFO(heard);
  CHECK(heard.starts_with("HTTP/1.1 503 "));
  CHECK(heard.find("\"code\":\"busy\"") != std::string::npos);
  CHECK(heard.find("Retry-After: 1\r\n") != std::string::npos);
  CHECK(fixture.ask("GET", "/healthz").status == 200);
}
