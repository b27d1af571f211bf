// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/stream/mqtt/mqtt_topics.hpp>

#include <catch2/catch.hpp>

using namespace hanami::service::streams;

namespace {

const std::string stream = "12345678-1234-4234-8234-123456789abc";

bool matches(const std::string& pattern, std::string_view topic) {
  return topic_mapping{pattern, stream, batch_syntax::json}.matches(topic);
}

} // namespace

TEST_CASE("topics are mapped to streams", "[service]") {
  const auto plain = topic_mapping::parse("plant/+/state=" + stream);
  REQUIRE(plain);
  CHECK(plain->pattern == "plant/+/state");
  CHECK(plain->stream_id == stream);
  CHECK(plain->syntax == batch_syntax::json);
  CHECK(topic_mapping::parse("#=" + stream + "=json")->syntax == batch_syntax::json);
  CHECK(topic_mapping::parse("telegraf/#=" + stream + "=line_protocol")->syntax ==
        batch_syntax::line_protocol);
  for (const std::string& bad :
       {std::string(), std::string("plant"), "=" + stream, std::string("plant=boiler"),
        "plant=" + stream + "=csv", "plant/#/state=" + stream, "plant+/state=" + stream,
        "a/b#=" + stream}) {
    INFO(bad);
    CHECK_FALSE(topic_mapping::parse(bad));
  }
}

TEST_CASE("patterns match as MQTT says", "[service]") {
  CHECK(matches("a/b", "a/b"));
  CHECK_FALSE(matches("a/b", "a/b/c"));
  CHECK_FALSE(matches("a/b", "a"));
  CHECK_FALSE(matches("a/b", "A/b"));
  CHECK(matches("a/+/c", "a/b/c"));
  CHECK(matches("a/+/c", "a//c"));
  CHECK_FALSE(matches("a/+/c", "a/b/d"));
  CHECK_FALSE(matches("a/+", "a"));
  CHECK(matches("+", "a"));
  CHECK_FALSE(matches("+", "/a"));
  CHECK(matches("/+", "/a"));
  CHECK(matches("a/#", "a/b/c"));
  CHECK(matches("a/#", "a"));
  CHECK_FALSE(matches("a/#", "ab"));
  CHECK(matches("+/b/#", "a/b/c/d"));
  CHECK(matches("#", "a/b"));
  CHECK_FALSE(matches("#", "$SYS/broker/load"));
  CHECK_FALSE(matches("+/broker/load", "$SYS/broker/load"));
  CHECK(matches("$SYS/#", "$SYS/broker/load"));
}

TEST_CASE("messages become rows with their topic", "[service]") {
  const auto row = [](std::string_view payload) {
    return rows_of_message("home/\"x\"", payload, batch_syntax::json);
  };
  CHECK(row("21.5") == R"({"topic":"home/\"x\"","value":21.5})");
  CHECK(row(" -3e2\n") == R"({"topic":"home/\"x\"","value":-3e2})");
  CHECK(row(R"({"celsius":21})") == R"({"topic":"home/\"x\"","celsius":21})");
  CHECK(row("  { \"a\": 1 }") == R"({"topic":"home/\"x\"", "a": 1 })");
  CHECK(row("{}") == R"({"topic":"home/\"x\"")"
                     "}");
  CHECK(row(R"({"topic":"own","a":1})") == R"({"topic":"own","a":1})");
  CHECK(row(R"([{"a":1}])") == R"([{"a":1}])");
  CHECK(row("offline") == "offline");
  CHECK(row("").empty());
  CHECK(row("   ").empty());
  CHECK(rows_of_message("a", "m x=1 2", batch_syntax::line_protocol) == "m x=1 2");
}
