// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/http/client/web_address.hpp>

#include <catch2/catch.hpp>

using namespace hanami::service;
using namespace hanami::service::http;

namespace {

bool is_public_text(const char* text) { return is_public(*ip_address::parse(text)); }

} // namespace

TEST_CASE("URLs of webhooks are taken apart", "[service]") {
  const web_address whole = parse_web_address("https://Hooks.Example.org:8443/a/b?c=d&e=%20");
  CHECK(whole.secure);
  CHECK(whole.host == "Hooks.Example.org");
  CHECK(whole.port == "8443");
  CHECK(whole.target == "/a/b?c=d&e=%20");
  CHECK(whole.field == "Hooks.Example.org:8443");
  const web_address bare = parse_web_address("http://example.org");
  CHECK_FALSE(bare.secure);
  CHECK(bare.port == "80");
  CHECK(bare.target == "/");
  CHECK(parse_web_address("https://example.org?x=1").target == "/?x=1");
  CHECK(parse_web_address("https://example.org").port == "443");
  const web_address six = parse_web_address("https://[2606:4700::1111]:444/x");
  CHECK(six.host == "2606:4700::1111");
  CHECK(six.port == "444");
  CHECK(six.field == "[2606:4700::1111]:444");
  CHECK(parse_web_address("https://[2606:4700::1111]/").port == "443");
}

TEST_CASE("what is no URL of a webhook is refused with what would be one", "[service]") {
  for (const char* bad :
       {"", "example.org", "ftp://example.org/", "https://", "https:///path", "https://a b/",
        "https://me:secret@example.org/", "https://example.org:0/", "https://example.org:65536/",
        "https://example.org:/", "https://example.org:x/", "https://example.org/#part",
        "https://example.org\\@10.0.0.1/", "https://[::1/", "https://[nothing]/",
        "https://ex\u00e4mple.org/", "https://example.org/a\r\nHost: other",
        "https://[2606:4700::1111]x/"}) {
    INFO(bad);
    CHECK_THROWS_AS(parse_web_address(bad), refusal);
  }
  CHECK_THROWS_AS(parse_web_address("https://example.org/" + std::string(2048, 'x')), refusal);
  try {
    parse_web_address("example.org");
  } catch (const refusal& why) {
    CHECK(why.code() == refusal_code::invalid_value);
    CHECK(std::string(why.what()).find("https://example.org/alarms") != std::string::npos);
  }
}

TEST_CASE("addresses of machines, private networks and links are not public", "[service]") {
  for (const char* each : {"127.0.0.1",    "127.8.8.8",        "0.0.0.0",
                           "10.1.2.3",     "172.16.0.1",       "172.31.255.255",
                           "192.168.1.1",  "169.254.169.254",  "100.64.0.1",
                           "192.0.0.1",    "192.0.2.1",        "198.18.0.1",
                           "198.51.100.7", "203.0.113.7",      "224.0.0.1",
                           "240.0.0.1",    "255.255.255.255",  "::",
                           "::1",          "::ffff:127.0.0.1", "::ffff:10.0.0.1",
                           "::127.0.0.1",  "fe80::1",          "fc00::1",
                           "fd12::1",      "ff02::1",          "64:ff9b::7f00:1",
                           "2001::1",      "2001:db8::1",      "2002:7f00:1::1",
                           "3fff::1"}) {
    INFO(each);
    CHECK_FALSE(is_public_text(each));
  }
  for (const char* each : {"1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "172.15.0.1",
                           "192.167.0.1", "2606:4700::1111", "2a00:1450:4001::1"}) {
    INFO(each);
    CHECK(is_public_text(each));
  }
}

TEST_CASE("the operator names networks that webhooks may reach, too", "[service]") {
  const reachable_addresses some({"10.1.0.0/16", "fd00::/8", "nonsense"});
  CHECK(some.contains(*ip_address::parse("10.1.2.3")));
  CHECK(some.contains(*ip_address::parse("fd12::1")));
  CHECK(some.contains(*ip_address::parse("1.1.1.1")));
  CHECK_FALSE(some.contains(*ip_address::parse("10.2.0.1")));
  CHECK_FALSE(some.contains(*ip_address::parse("127.0.0.1")));
}
