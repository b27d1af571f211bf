// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/operate/check.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <catch2/catch.hpp>

#include "service/support/fixtures.hpp"
#include "service/support/provider_peer.hpp"
#include "support/scratch_folder.hpp"

using namespace server_test;

namespace {

struct checked {
  bool good = false;
  std::string text;
  bool says(const std::string& line) const { return text.find(line) != std::string::npos; }
};

checked check(const server_config& config) {
  std::ostringstream out;
  checked done;
  done.good = hanami::service::check(config, out);
  done.text = out.str();
  return done;
}

/// Changes a byte of a file.
void damage(const std::filesystem::path& file, std::streamoff at) {
  std::fstream to(file, std::ios::in | std::ios::out | std::ios::binary);
  to.seekg(at);
  const int before = to.get();
  to.seekp(at);
  to.put(static_cast<char>(before ^ 1));
}

} // namespace

TEST_CASE("a check finds a server in order, at rest, at work and before its first start",
          "[service]") {
  const bool encrypted = GENERATE(false, true);
  server_fixture fixture([=](server_config& config) { config.encrypt_files = encrypted; });
  const std::string token = fixture.admin();
  const std::string id = make_line_of_three(fixture, token);
  for (int i = 0; i < 10; ++i) {
    fixture.ask("POST", "/v1/clusters/" + id + "/train",
                R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})", token);
  }
  upload_csv(fixture, "a,b\n1,2\n3,4\n", token);
  const heard saved = fixture.ask("POST", "/v1/clusters/" + id + "/tasks",
                                  R"({"kind":"save","name":"kept"})", token);
  REQUIRE(end_of(fixture, saved.text("id"), token) == "finished");

  const std::string stream =
      fixture.ask("POST", "/v1/streams", R"({"name":"boiler"})", token).text("id");
  fixture.ask("POST", "/v1/streams/" + stream + "/rows", R"({"celsius":20})", token);

  server_config config = fixture.config();
  config.http.port = fixture.port();
  const checked working = check(config);
  INFO(working.text);
  CHECK(working.good);
  CHECK(working.says("a server is at work on it"));
  CHECK(working.says("is in use, as a server is at work"));
  CHECK(working.says("ok      database: whole"));
  CHECK(working.says("ok      clusters: 1 of 1"));
  CHECK(working.says("ok      streams: 1 of 1"));
  CHECK(working.says("ok      datasets: 1 of 1"));
  CHECK(working.says("ok      checkpoints: 1 of 1"));

  fixture.close();
  const checked resting = check(config);
  INFO(resting.text);
  CHECK(resting.good);
  CHECK(resting.says(std::to_string(config.http.port) + " is free"));

  const scratch_folder folder;
  config.data = folder.path / "new";
  const checked fresh = check(config);
  INFO(fresh.text);
  CHECK(fresh.good);
  CHECK(fresh.says("will be made"));
  CHECK_FALSE(std::filesystem::exists(config.data));
}

TEST_CASE("a check says what is wrong, each in its line", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_line_of_three(fixture, token);
  const std::string dataset = upload_csv(fixture, "a,b\n1,2\n3,4\n", token);
  const server_fixture other;
  server_config config = fixture.config();
  fixture.close();

  config.http.port = other.port();
  config.auth.policies = "/no/such/policies";
  config.tls.certificate = "/no/such/certificate";
  config.tls.key = "/no/such/key";
  config.log_file = "/no/such/log";
  damage(config.data / "datasets" / dataset, 60);
  damage(config.data / "clusters" / id / "snapshot-0", 60);
  const checked found = check(config);
  INFO(found.text);
  CHECK_FALSE(found.good);
  CHECK(found.says("fault   policies: "));
  CHECK(found.says("fault   certificate: "));
  CHECK(found.says("fault   log file: "));
  CHECK(found.says("fault   address: "));
  CHECK(found.says("fault   dataset " + dataset));
  CHECK(found.says("fault   datasets: 0 of 1"));
  CHECK(found.says("fault   cluster " + id));

  std::filesystem::resize_file(config.data / "hanami.sqlite", 5000);
  CHECK(check(config).says("fault   database: "));
}

TEST_CASE("a check misses the key of encrypted files and makes none", "[service]") {
  server_fixture fixture([](server_config& config) { config.encrypt_files = true; });
  fixture.close();
  server_config config = fixture.config();
  config.file_key = config.data / "lost.key";
  const checked found = check(config);
  CHECK_FALSE(found.good);
  CHECK(found.says("fault   key of files: there is no "));
  CHECK_FALSE(std::filesystem::exists(config.file_key));
}

TEST_CASE("a check asks the provider of log-ins", "[service]") {
  provider_peer provider;
  server_fixture fixture([&](server_config& config) { provider.set_up(config); });
  fixture.close();
  server_config config = fixture.config();
  const checked good = check(config);
  INFO(good.text);
  CHECK(good.good);
  CHECK(good.says("ok      provider: " + provider.issuer() + " answers"));
  provider.answer_description = [] { return provider_peer::as_text("{}"); };
  const checked other = check(config);
  CHECK(other.good); // it may come back before somebody logs in
  CHECK(other.says("warning provider: "));
  config.oidc.redirect_uri = "nowhere";
  const checked wrong = check(config);
  CHECK_FALSE(wrong.good);
  CHECK(wrong.says("fault   provider: oidc.redirect_uri"));
}
