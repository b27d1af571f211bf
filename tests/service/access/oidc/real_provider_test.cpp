// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <filesystem>
#include <string>

#include "service/support/provider_peer.hpp"
#include "support/child_program.hpp"
#include "support/skip.hpp"

/// Logging in by a provider that others have written: npm's oidc-provider, where it is installed.

using namespace server_test;

namespace {

/// Runs as long as this lives.
class real_provider {
 public:
  explicit real_provider(const std::string& folder)
      : program_("/usr/bin/env",
                 {"node", HANAMI_OIDC_SCRIPT, folder, "http://lab.example/v1/oidc/callback"},
                 {"/dev/null", scratch_.path / "out", scratch_.path / "err"}) {
    hanami_test::comes_true([&] {
      const std::string said = hanami_test::text_of(scratch_.path / "out");
      if (said.find('\n') != std::string::npos) {
        port = static_cast<std::uint16_t>(std::stoul(said));
      }
      return port != 0;
    });
  }
  std::string trouble() const { return hanami_test::text_of(scratch_.path / "err"); }

  std::uint16_t port = 0; ///< 0: it has not come

 private:
  scratch_folder scratch_;
  hanami_test::child_program program_;
};

/// The path of a URL of this machine.
std::string target_of(const std::string& url) {
  const std::size_t scheme = url.find("://");
  return scheme == std::string::npos ? url : url.substr(url.find('/', scheme + 3));
}

/// Goes through the provider's pages as somebody of that name does; where it leads to in the end.
std::string log_in_there(browser& there, std::string target, const std::string& name) {
  for (int steps = 0; steps < 12; ++steps) {
    heard_response page = there.get(target);
    if (page.status == 200) { // a form: to log in, or to agree
      const bool asks_name = page.body.find("name=\"login\"") != std::string::npos;
      const std::string form =
          asks_name ? "prompt=login&login=" + name + "&password=any" : "prompt=consent";
      page =
          there.visit("POST", target, "Content-Type: application/x-www-form-urlencoded\r\n", form);
    }
    INFO(page.body);
    REQUIRE(page.status / 100 == 3);
    const std::string location = page.headers.at("location");
    if (location.starts_with("http://lab.example/")) {
      return target_of(location);
    }
    target = target_of(location);
  }
  FAIL("it leads nowhere");
  return {};
}

} // namespace

TEST_CASE("somebody logs in by a provider that others have written", "[service]") {
  const std::filesystem::path folder = HANAMI_NODE_FOLDER;
  if (!std::filesystem::exists(folder / "node_modules/oidc-provider")) {
    hanami_test::skip("npm's oidc-provider is not installed in " + folder.string());
    return;
  }
  const real_provider provider(folder);
  if (provider.port == 0) {
    hanami_test::skip("npm's oidc-provider does not run here: " + provider.trouble());
    return;
  }
  const server_fixture fixture([&](server_config& config) {
    sign_on_by(config, "http://127.0.0.1:" + std::to_string(provider.port));
    config.oidc.groups_claim = "groups";
    config.oidc.roles = {"staff=project1:viewer"};
  });
  fixture.member("berta", "project1");
  const asking_peer program;
  browser here(fixture.port());
  browser there(provider.port);
  for (int round = 0; round < 2; ++round) { // the second time it knows its user
    const heard_response sent = here.get(program.start());
    REQUIRE(sent.status == 303);
    const std::string back = log_in_there(there, target_of(sent.headers.at("location")), "anna");
    const heard_response end = here.get(back);
    REQUIRE(end.status == 303);
    const std::string location = end.headers.at("location");
    INFO(location);
    REQUIRE(location.starts_with("https://dash.example/in?x=1&code="));
    const std::string code = values_in(location.substr(location.find('?') + 1)).at("code");
    const heard given = fixture.ask("POST", "/v1/oidc/sessions", program.redemption(code));
    REQUIRE(given.status == 201);
    CHECK(given.text("user_id") == "user.anna");
    CHECK(given.text("project_id") == "project1");
    CHECK(given.text("role") == "viewer");
    CHECK(fixture.ask("GET", "/v1/me", {}, given.text("access_token")).status == 200);
    // The provider gives nothing twice either.
    CHECK(here.get(back).status == 401);
  }
}
