// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/settings.hpp>

#include <cstdlib>
#include <fstream>
#include <random>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service;
using service_test::failure_of;
using service_test::holds;

namespace {

/// A variable of the environment, gone at the end.
struct variable {
  variable(const char* as, const std::string& value) : name(as) {
    ::setenv(name, value.c_str(), 1);
  }
  variable(const variable&) = delete;
  variable& operator=(const variable&) = delete;
  ~variable() { ::unsetenv(name); }

  const char* name;
};

/// TOML that says what `settings` say.
std::string toml_of(const setting_map& settings) {
  std::string top;
  std::map<std::string, std::string> groups;
  for (const auto& [name, value] : settings) {
    const bool bare = value == "true" || value == "false" ||
                      (!value.empty() && value.find_first_not_of("0123456789.") == value.npos &&
                       name != "http.address");
    const std::size_t dot = name.find('.');
    const std::string line = (dot == name.npos ? name : name.substr(dot + 1)) + " = " +
                             (bare ? value : "'" + value + "'") + "\n";
    (dot == name.npos ? top : groups[name.substr(0, dot)]) += line;
  }
  for (const auto& [group, lines] : groups) {
    top += "[" + group + "]\n" + lines;
  }
  return top;
}

/// Another value of each setting than the default.
setting_map others() {
  setting_map changed = list_config({});
  for (auto& [name, value] : changed) {
    if (value == "true" || value == "false") {
      value = value == "true" ? "false" : "true";
    } else if (name == "log_level") {
      value = "debug";
    } else if (name == "auth.second_factor") {
      value = "admins";
    } else if (name == "http.allowed_origins" || name == "oidc.return_to") {
      value = "https://lab.example";
    } else if (name == "oidc.roles") {
      value = "staff=lab_one:member, chiefs=admin";
    } else if (name == "mqtt.topics") {
      value = "home/+=12345678-1234-4234-8234-123456789abc";
    } else if (name == "http.trusted_proxies" || name == "webhook.private_networks") {
      value = "10.0.0.0/8, ::1";
    } else if (!value.empty() && value.find_first_not_of("0123456789") == value.npos) {
      value = std::to_string(std::stoull(value) + 1);
    } else {
      value += "/changed";
    }
  }
  return changed;
}

std::string fault_of(const std::string& toml) {
  server_config config;
  const auto why = failure_of([&] { read_config_text(config, toml, "file.toml"); });
  REQUIRE((why.first == errc::invalid_argument || why.second == "none"));
  REQUIRE(list_config(config) == list_config({}));
  return why.second;
}

} // namespace

TEST_CASE("each setting can be listed, set, read from a file and the environment", "[service]") {
  const setting_map changed = others();
  REQUIRE(changed.size() + 4 == known_settings().size()); // but four secrets
  server_config by_name;
  server_config by_environment;
  for (const auto& [name, value] : changed) {
    set_config(by_name, name, value);
    std::string in_capitals = "HANAMI_";
    for (const char c : name) {
      in_capitals +=
          c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    const variable set(in_capitals.c_str(), value);
    read_config_environment(by_environment);
  }
  server_config by_file;
  read_config_text(by_file, toml_of(changed), "file.toml");
  for (const server_config* config : {&by_name, &by_environment, &by_file}) {
    REQUIRE(list_config(*config) == changed);
  }
  REQUIRE(by_file.http.port == 11419);
  REQUIRE(by_file.http.idle_timeout == std::chrono::milliseconds{60'001});
  REQUIRE(by_file.auth.token_lifetime == std::chrono::seconds{3601});
  REQUIRE(by_file.auth.logins_per_second == 6);
  REQUIRE(by_file.data == "hanami-data/changed");
  REQUIRE(by_file.engine.sync_journal);
  REQUIRE(by_file.quota.bytes == (std::uint64_t{16} << 30) + 1);
}

TEST_CASE("a password is set and never listed", "[service]") {
  server_config config;
  read_config_text(config, "admin_password = 'from a file'", "file.toml");
  REQUIRE(config.admin_password == "from a file");
  for (const auto& [name, value] : list_config(config)) {
    REQUIRE_FALSE(holds(name, "password") != holds(name, "light_passwords"));
    REQUIRE_FALSE(holds(value, "from a file"));
  }
  set_config(config, "admin_password", "");
  REQUIRE_FALSE(config.admin_password);
  set_config(config, "mqtt.password", "of a broker");
  REQUIRE(config.mqtt.password == "of a broker");
  for (const auto& [name, value] : list_config(config)) {
    REQUIRE_FALSE(holds(value, "of a broker"));
  }
  const auto why = failure_of([&] { set_config(config, "admin_password", "shorty!"); });
  REQUIRE(why.first == errc::invalid_argument);
  REQUIRE_FALSE(holds(why.second, "shorty"));
  REQUIRE(holds(why.second, "8 to 4096"));
}

TEST_CASE("the reference's variables hold, and ours go before them", "[service]") {
  server_config config;
  const variable id("HANAMI_ADMIN_USER_ID", "root");
  const variable name("HANAMI_ADMIN_USER_NAME", "The Root");
  const variable password("HANAMI_ADMIN_PASSWORD", "a long password");
  read_config_environment(config);
  REQUIRE(config.admin_id == "root");
  REQUIRE(config.admin_name == "The Root");
  REQUIRE(config.admin_password == "a long password");
  const variable ours("HANAMI_ADMIN_ID", "chief");
  const variable not_a_setting("HANAMI_SOMETHING", "else");
  read_config_environment(config);
  REQUIRE(config.admin_id == "chief");
  {
    const variable wrong("HANAMI_HTTP_PORT", "many");
    const auto why = failure_of([&] { read_config_environment(config); });
    REQUIRE(why.first == errc::invalid_argument);
    REQUIRE(why.second.starts_with("HANAMI_HTTP_PORT: http.port takes a whole number"));
  }
  REQUIRE(config.http.port == 11418);
}

TEST_CASE("values out of their range are refused, with what would be accepted", "[service]") {
  server_config config;
  const std::pair<const char*, const char*> wrong[] = {
      {"http.port", "65536"},
      {"http.port", "-1"},
      {"http.port", ""},
      {"http.port", "0x50"},
      {"http.port", " 80"},
      {"http.port", "80 "},
      {"http.port", "1e3"},
      {"http.port", "18446744073709551616"},
      {"http.body_bytes", "0"},
      {"http.idle_timeout_ms", "0"},
      {"http.address", ""},
      {"http.address", "a\nb"},
      {"auth.logins_per_second", "0"},
      {"auth.logins_per_second", "nan"},
      {"auth.logins_per_second", "inf"},
      {"auth.logins_per_second", "-1"},
      {"auth.failed_logins", "0"},
      {"quota.bytes", "9223372036854775808"},
      {"log_level", "loud"},
      {"log_json", "True"},
      {"log_json", "1"},
      {"data", ""},
      {"admin_id", ""},
      {"log_file", "a\tb"},
  };
  for (const auto& setting : wrong) {
    CAPTURE(setting.first, setting.second);
    const auto why = failure_of([&] { set_config(config, setting.first, setting.second); });
    REQUIRE(why.first == errc::invalid_argument);
    REQUIRE(why.second.starts_with(std::string(setting.first) + " takes "));
  }
  REQUIRE(list_config(config) == list_config({}));
  const auto unknown = failure_of([&] { set_config(config, "http.prt", "80"); });
  REQUIRE(holds(unknown.second, "'http.prt'"));
  REQUIRE(holds(unknown.second, "http.port"));
  REQUIRE_FALSE(holds(unknown.second, "engine.threads"));
  REQUIRE(holds(failure_of([&] { set_config(config, "htp.port", "80"); }).second, "http.port"));
  REQUIRE(holds(failure_of([&] { set_config(config, "", ""); }).second, "data"));
}

TEST_CASE("faults of a file are named with line and column", "[service]") {
  REQUIRE(fault_of("") == "none");
  REQUIRE(fault_of("[http]\n\n[quota]\n") == "none");
  REQUIRE(fault_of("[http]\nprt = 1").starts_with("file.toml:2:1: there is no setting 'http.prt'"));
  REQUIRE(fault_of("\n  prt = 1").starts_with("file.toml:2:3: there is no setting 'prt'"));
  REQUIRE(fault_of("data = 'a'\n[htp]\nport = 1").starts_with("file.toml:2:"));
  REQUIRE(holds(fault_of("[htp]\nport = 1"), "http.port"));
  REQUIRE(fault_of("[http]\nport = '80'").starts_with("file.toml:2:1: http.port takes"));
  REQUIRE(fault_of("[http]\nport = 80.5").starts_with("file.toml:2:1: http.port takes"));
  REQUIRE(fault_of("[http]\nport = -1").starts_with("file.toml:2:1: http.port takes"));
  REQUIRE(fault_of("[http]\nport = [80]").starts_with("file.toml:2:1: http.port takes"));
  REQUIRE(fault_of("[http.port]\na = 1").starts_with("file.toml:1:"));
  REQUIRE(fault_of("http = 1").starts_with("file.toml:1:1: there is no setting 'http'"));
  REQUIRE(fault_of("data = 1").starts_with("file.toml:1:1: data takes"));
  REQUIRE(fault_of("data = \"a\\u0000b\"").starts_with("file.toml:1:1: data takes"));
  REQUIRE(fault_of("log_json = 'true'").starts_with("file.toml:1:1: log_json takes"));
  REQUIRE(fault_of("[http]\nport = 1\nport = 2").starts_with("file.toml:3:"));
  REQUIRE(fault_of("[http\n").starts_with("file.toml:1:"));
  REQUIRE(fault_of("data = \xff").starts_with("file.toml:1:"));
  REQUIRE(fault_of("data = 'b'\n[quota]\nbytes = -5").starts_with("file.toml:3:1"));
  REQUIRE(fault_of("[auth]\nlogins_per_second = 0.5\nlockout = 0").starts_with("file.toml:3:1"));
}

TEST_CASE("a file is read whole or not at all", "[service]") {
  scratch_folder folder;
  const std::filesystem::path file = folder.path / "server.toml";
  std::ofstream(file) << "[auth]\nlogins_per_second = 0.5\n[tls]\nkey = '/some/key'\n";
  server_config config;
  read_config_file(config, file);
  REQUIRE(config.auth.logins_per_second == 0.5);
  REQUIRE(config.tls.key == "/some/key");
  std::ofstream(file) << "[quota]\nbytes = 5\nbyts = 5\n";
  const auto why = failure_of([&] { read_config_file(config, file); });
  REQUIRE(why.second.starts_with(file.string() + ":3:1: "));
  REQUIRE(config.quota.bytes != 5);
  REQUIRE(failure_of([&] { read_config_file(config, folder.path / "none"); }).first ==
          errc::file_error);
  REQUIRE(failure_of([&] { read_config_file(config, folder.path); }).first == errc::file_error);
}

TEST_CASE("any text is a configuration or refused", "[service]") {
  std::mt19937 random(11);
  const std::string whole = toml_of(others());
  int good = 0;
  for (int i = 0; i < 2000; ++i) {
    std::string text = whole;
    for (auto k = random() % 3 + 1; k > 0; --k) {
      const std::size_t at = random() % (text.size() + 1);
      switch (random() % 4) {
      case 0:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      case 1:
        text.erase(at, random() % 9);
        break;
      case 2:
        text.resize(at);
        break;
      default:
        text.insert(at, text.substr(random() % (text.size() + 1), random() % 20));
      }
    }
    server_config config;
    const auto why = failure_of([&] { read_config_text(config, text, "file.toml"); });
    good += why.second == "none" ? 1 : 0;
    REQUIRE((why.second == "none" || why.first == errc::invalid_argument));
    if (why.second != "none") {
      REQUIRE(list_config(config) == list_config({}));
    }
  }
  REQUIRE(good > 20);
  REQUIRE(good < 1980);
}
