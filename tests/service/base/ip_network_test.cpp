// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/ip_network.hpp>

#include <catch2/catch.hpp>

#include <string_view>

using hanami::service::ip_address;
using hanami::service::ip_network;
using hanami::service::network_of;

namespace {

bool holds(std::string_view network, std::string_view address) {
  const auto of = ip_network::parse(network);
  const auto one = ip_address::parse(address);
  REQUIRE(of);
  REQUIRE(one);
  return of->contains(*one);
}

} // namespace

TEST_CASE("networks hold their addresses, of both versions, and no others", "[service]") {
  CHECK(holds("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(holds("10.0.0.0/8", "11.0.0.1"));
  CHECK(holds("192.0.2.7", "192.0.2.7"));
  CHECK_FALSE(holds("192.0.2.7", "192.0.2.6"));
  CHECK(holds("192.0.2.4/30", "192.0.2.7"));
  CHECK_FALSE(holds("192.0.2.4/30", "192.0.2.8"));
  CHECK(holds("10.0.0.0/8", "::ffff:10.1.2.3")); // the same address, written as IPv6
  CHECK(holds("0.0.0.0/0", "203.0.113.9"));
  CHECK_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  CHECK(holds("2001:db8::/33", "2001:db8:7fff::1"));
  CHECK_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
  CHECK(holds("::/0", "2001:db8::1"));
  CHECK(holds("[2001:db8::]/32", "[2001:db8::1]"));
  for (const std::string_view bad :
       {"", "/", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0", "10.0.0.0.0",
        "localhost", "::1/129", "2001:db8::g", "10.0.0.0 /8", "[10.0.0.1]", "[::1", "::1]", "[]",
        "[[::1]]"}) {
    CAPTURE(bad);
    CHECK_FALSE(ip_network::parse(bad));
  }
}

TEST_CASE("addresses of IPv6 stand in brackets where a port follows", "[service]") {
  using hanami::service::with_brackets;
  using hanami::service::without_brackets;
  CHECK(with_brackets("::1") == "[::1]");
  CHECK(with_brackets("[::1]") == "[::1]");
  CHECK(with_brackets("127.0.0.1") == "127.0.0.1");
  CHECK(with_brackets("localhost") == "localhost");
  CHECK(without_brackets("[::1]") == "::1");
  CHECK(without_brackets("::1") == "::1");
  CHECK(without_brackets("[host]") == "[host]");
}

TEST_CASE("the machine's own addresses are known by every name", "[service]") {
  for (const std::string_view own : {"127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"}) {
    CAPTURE(own);
    CHECK(ip_address::parse(own)->is_loopback());
  }
  for (const std::string_view other : {"128.0.0.1", "10.0.0.127", "::", "::2", "fe80::1%eth0"}) {
    CAPTURE(other);
    CHECK_FALSE(ip_address::parse(other)->is_loopback());
  }
}

TEST_CASE("limits take an IPv6 network of 64 bits for one address", "[service]") {
  CHECK(network_of("2001:db8::1") == network_of("2001:db8::ffff:1"));
  CHECK(network_of("2001:db8::1") != network_of("2001:db8:0:1::1"));
  CHECK(network_of("10.0.0.1") == network_of("::ffff:10.0.0.1"));
  CHECK(network_of("10.0.0.1") != network_of("10.0.0.2"));
  CHECK(network_of("a name") == "a name");
}
