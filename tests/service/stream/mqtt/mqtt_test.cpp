// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <hanami/foundation/error.hpp>

#include "service/support/certificate.hpp"
#include "service/support/fixtures.hpp"
#include "service/support/http_peer.hpp"
#include "support/skip.hpp"

/// Rows from a real broker of MQTT, where one is installed: mosquitto and its clients.

using namespace server_test;

namespace {

/// A port that was free a moment ago.
std::uint16_t some_free_port() {
  small_application app;
  return lone_server(app, any_port()).port();
}

std::string find_program(const char* name) {
  for (const char* folder : {"/usr/sbin/", "/usr/bin/", "/usr/local/sbin/", "/usr/local/bin/"}) {
    if (std::filesystem::exists(std::string(folder) + name)) {
      return std::string(folder) + name;
    }
  }
  return {};
}

/// Starts a program; its process.
::pid_t start(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) {
    arguments.push_back(const_cast<char*>(word.c_str()));
  }
  arguments.push_back(nullptr);
  const ::pid_t process = ::fork();
  if (process == 0) {
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  return process;
}

class broker {
 public:
  /// With `tls`: by its files. Who is nobody is not let in where there is a password.
  explicit broker(const hanami::service::tls_settings& tls = {}, const std::string& password = {})
      : port(some_free_port()), tls_(tls), password_(password) {
    std::ofstream config(folder_.path / "broker.conf");
    config << "listener " << port << " 127.0.0.1\nlog_type none\nuser root\n";
    config << "persistence true\npersistence_location " << folder_.path.string() << "/\n";
    if (!tls.certificate.empty()) {
      config << "certfile " << tls.certificate.string() << "\nkeyfile " << tls.key.string() << '\n';
    }
    if (password.empty()) {
      config << "allow_anonymous true\n";
    } else {
      const std::string file = folder_.path / "passwords";
      int status = 0;
      ::waitpid(start({find_program("mosquitto_passwd"), "-b", "-c", file, "robot", password}),
                &status, 0);
      config << "allow_anonymous false\npassword_file " << file << '\n';
    }
    config.close();
    rise();
  }
  ~broker() { fall(); }
  broker(const broker&) = delete;
  broker& operator=(const broker&) = delete;

  void rise() {
    process_ = start({find_program("mosquitto"), "-c", folder_.path / "broker.conf"});
    comes_true([this] {
      try {
        client(port).end_sending();
        return true;
      } catch (const std::runtime_error&) {
        return false;
      }
    });
  }
  void fall() {
    if (process_ > 0) {
      ::kill(process_, SIGTERM);
      int status = 0;
      ::waitpid(process_, &status, 0);
      process_ = -1;
    }
  }
  void publish(const std::string& topic, const std::string& payload) const {
    std::vector<std::string> words = {find_program("mosquitto_pub"),
                                      "-h",
                                      "localhost",
                                      "-p",
                                      std::to_string(port),
                                      "-q",
                                      "1",
                                      "-t",
                                      topic,
                                      "-m",
                                      payload};
    if (!tls_.certificate.empty()) {
      words.insert(words.end(), {"--cafile", tls_.certificate.string()});
    }
    if (!password_.empty()) {
      words.insert(words.end(), {"-u", "robot", "-P", password_});
    }
    int status = 0;
    ::waitpid(start(words), &status, 0);
    REQUIRE(status == 0);
  }

  const std::uint16_t port;

 private:
  scratch_folder folder_;
  const hanami::service::tls_settings tls_;
  const std::string password_;
  ::pid_t process_ = -1;
};

bool is_there() {
#ifdef HANAMI_MQTT
  const bool built = true;
#else
  const bool built = false;
#endif
  const bool there =
      built && !find_program("mosquitto").empty() && !find_program("mosquitto_pub").empty();
  if (!there) {
    hanami_test::skip("mosquitto, its clients or libmosquitto-dev is not installed");
  }
  return there;
}

std::string make_stream(const server_fixture& fixture, const std::string& token,
                        const std::string& name, const std::string& more) {
  const heard made = fixture.ask("POST", "/v1/streams",
                                 R"({"name":")" + name + R"(","window":0,)" + more + '}', token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.text("id");
}

json::value statistics_of(const server_fixture& fixture, const std::string& stream) {
  return fixture.ask("GET", "/v1/streams/" + stream + "/statistics", {}, fixture.admin()).content();
}

bool has_rows(const server_fixture& fixture, const std::string& stream, std::int64_t count) {
  return comes_true([&] { return statistics_of(fixture, stream).at("rows").as_int64() == count; });
}

std::string metrics_of(const server_fixture& fixture) {
  return fixture.ask("GET", "/metrics").body;
}

} // namespace

TEST_CASE("messages of a broker become rows of the streams that their topics are mapped to",
          "[service]") {
  if (!is_there()) {
    return;
  }
  broker there;
  std::vector<std::string> topics;
  server_fixture fixture([&](server_config& config) {
    config.mqtt.broker = topics.empty() ? "" : "localhost";
    config.mqtt.port = there.port;
    config.mqtt.topics = topics;
  });
  std::string token = fixture.admin();
  const std::string by_topic =
      make_stream(fixture, token, "by topic", R"("by":"topic","time":{"field":"none"})");
  const std::string lines = make_stream(fixture, token, "lines", R"("by":"host")");
  fixture.close();
  topics = {"home/+/celsius=" + by_topic, "home/+/state=" + by_topic,
            "telegraf/#=" + lines + "=line_protocol"};
  fixture.open();
  REQUIRE(comes_true([&] {
    return metrics_of(fixture).find("\nhanami_mqtt_connected 1\n") != std::string::npos;
  }));
  there.publish("home/kitchen/celsius", "21.5");
  there.publish("home/cellar/celsius", "12");
  there.publish("home/cellar/state", R"({"humidity":71,"battery":3.1})");
  there.publish("home/cellar/other", "1");
  there.publish("telegraf/a", "cpu,host=a user=1.5 1770000000000000000");
  CHECK(has_rows(fixture, by_topic, 3));
  CHECK(has_rows(fixture, lines, 1));
  CHECK(statistics_of(fixture, by_topic).at("devices").as_int64() == 3);
  there.publish("home/cellar/state", "offline");
  CHECK(comes_true([&] {
    return metrics_of(fixture).find("\nhanami_mqtt_messages_lost_total 1\n") != std::string::npos;
  }));
  CHECK(statistics_of(fixture, by_topic).at("rows").as_int64() == 3);

  // What is published while the service is away comes when it is back; so does a lost connection.
  fixture.close();
  there.publish("home/kitchen/celsius", "21.6");
  fixture.open();
  CHECK(has_rows(fixture, by_topic, 4));
  there.fall();
  there.rise();
  there.publish("home/kitchen/celsius", "21.7");
  CHECK(has_rows(fixture, by_topic, 5));
}

TEST_CASE("rows come from a broker by TLS, from whom the authorities know, with a password",
          "[service]") {
  if (!is_there()) {
    return;
  }
  const scratch_folder folder;
  const scratch_folder other;
  const auto files = make_certificate(folder.path, "localhost");
  std::filesystem::path trusted = make_certificate(other.path, "localhost").certificate;
  broker there(files, "a password");
  std::vector<std::string> topics;
  server_fixture fixture([&](server_config& config) {
    config.mqtt.broker = topics.empty() ? "" : "localhost";
    config.mqtt.port = there.port;
    config.mqtt.topics = topics;
    config.mqtt.tls = true;
    config.mqtt.authorities = trusted;
    config.mqtt.user = "robot";
    config.mqtt.password = "a password";
  });
  const std::string stream =
      make_stream(fixture, fixture.admin(), "rows", R"("time":{"field":"none"})");
  fixture.close();
  topics = {"#=" + stream};
  fixture.open();
  there.publish("a", "1"); // to a broker that the service does not trust
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  CHECK(metrics_of(fixture).find("\nhanami_mqtt_connected 0\n") != std::string::npos);
  fixture.close();
  trusted = files.certificate;
  fixture.open();
  REQUIRE(comes_true([&] {
    return metrics_of(fixture).find("\nhanami_mqtt_connected 1\n") != std::string::npos;
  }));
  there.publish("a", "2");
  CHECK(has_rows(fixture, stream, 1));
}

TEST_CASE("settings of MQTT that cannot be are refused, and a broker may be away", "[service]") {
  if (!is_there()) {
    return;
  }
  const auto refusal = [](std::vector<std::string> topics) {
    try {
      server_fixture fixture([&](server_config& config) {
        config.mqtt.broker = "localhost";
        config.mqtt.topics = topics;
      });
    } catch (const hanami::error& why) {
      return std::string(why.what());
    }
    return std::string();
  };
  CHECK(refusal({}).find("mqtt.topics") != std::string::npos);
  CHECK(refusal({"a=b"}).find("'a=b' is not PATTERN=STREAM_ID") != std::string::npos);
  const std::uint16_t nobodys = some_free_port();
  server_fixture fixture([&](server_config& config) {
    config.mqtt.broker = "localhost";
    config.mqtt.port = nobodys;
    config.mqtt.topics = {"a=12345678-1234-4234-8234-123456789abc"};
  });
  CHECK(fixture.ask("GET", "/healthz").status == 200);
  CHECK(metrics_of(fixture).find("\nhanami_mqtt_connected 0\n") != std::string::npos);
}
