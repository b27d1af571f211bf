// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

#include <hanami/foundation/error.hpp>

#include "service/support/certificate.hpp"
#include "service/support/provider_peer.hpp"

/// Logging in by a provider, as browsers, programs and attackers see it.

using namespace server_test;

namespace {

/// A server with a provider, and what one log-in takes.
struct sign_on_bench {
  provider_peer provider;
  std::function<void(server_config&)> more;
  server_fixture fixture{[this](server_config& config) {
    provider.set_up(config);
    if (more) {
      more(config);
    }
  }};
  asking_peer program;

  explicit sign_on_bench(std::function<void(server_config&)> adjust = {})
      : more(std::move(adjust)) {}

  /// The target by which a browser comes back from the provider.
  std::string begin(browser& with) {
    const heard_response sent = with.get(program.start());
    INFO(sent.body);
    REQUIRE(sent.status == 303);
    return provider.log_in(sent.headers.at("location"));
  }
  /// What the program is told at the end: `code`, or `error` and `error_description`.
  value_map end() {
    browser with(fixture.port());
    const heard_response back = with.get(begin(with));
    INFO(back.body);
    REQUIRE(back.status == 303);
    CHECK(with.cookies().empty());
    const std::string location = back.headers.at("location");
    REQUIRE(location.starts_with("https://dash.example/in?x=1&"));
    value_map told = values_in(location.substr(location.find('?') + 1));
    CHECK(told.at("state") == "mine");
    return told;
  }
  heard redeem(const std::string& code) {
    return fixture.ask("POST", "/v1/oidc/sessions", program.redemption(code));
  }
  heard log_in() { return redeem(end().at("code")); }
  /// Why nobody gets in; the program is told, and nothing else happens.
  std::string refusal() {
    const value_map told = end();
    CHECK_FALSE(told.contains("code"));
    return told.contains("error_description") ? told.at("error_description") : std::string();
  }
};

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("a log-in by the provider gives a session like any other", "[service]") {
  sign_on_bench bench;
  const json::value ways = bench.fixture.ask("GET", "/v1/log-in-ways").content();
  REQUIRE(ways.at("items").as_array().size() == 2);
  CHECK(ways.at("items").at(1).at("kind").as_string() == "oidc");
  const heard given = bench.log_in();
  INFO(given.body);
  REQUIRE(given.status == 201);
  CHECK(given.text("user_id") == "anna");
  CHECK(given.text("project_id") == "admin");
  CHECK(given.text("role") == "member");
  const std::string token = given.text("access_token");
  const heard me = bench.fixture.ask("GET", "/v1/me", {}, token);
  REQUIRE(me.status == 200);
  CHECK_FALSE(me.content().at("user").at("has_password").as_bool());
  CHECK(bench.fixture.ask("GET", "/v1/me/sessions", {}, token)
            .content()
            .at("items")
            .as_array()
            .size() == 1);
  CHECK(bench.fixture
            .ask("POST", "/v1/sessions/refresh",
                 R"({"refresh_token":")" + given.text("refresh_token") + "\"}")
            .status == 201);
  // The same person comes again, whatever the name is by then.
  bench.provider.claims = {{"preferred_username", "anna-maria"}};
  CHECK(bench.log_in().text("user_id") == "anna");
  // Nobody knows a password of such a user.
  CHECK(bench.fixture.log_in("anna", "").empty());
  const json::value log =
      bench.fixture.ask("GET", "/v1/audit-log?user_id=anna", {}, bench.fixture.admin()).content();
  CHECK(log.at("items").at(0).at("operation").as_string() == "redeem_oidc");
  CHECK(log.at("items").at(0).at("status").as_int64() == 201);
}

TEST_CASE("the program's code is good once, soon, and for who has its secret", "[service]") {
  sign_on_bench bench;
  const std::string code = bench.end().at("code");
  CHECK(bench.redeem(code).status == 201);
  CHECK(bench.redeem(code).status == 401);
  CHECK(bench.redeem("another").status == 401);
  const std::string stolen = bench.end().at("code");
  const asking_peer thief{std::string(43, 't'), {}};
  CHECK(bench.fixture.ask("POST", "/v1/oidc/sessions", thief.redemption(stolen)).status == 401);
  CHECK(bench.redeem(stolen).status == 401); // one try
}

TEST_CASE("only the browser that has begun a log-in ends it, and once", "[service]") {
  sign_on_bench bench;
  browser own(bench.fixture.port());
  const std::string target = bench.begin(own);
  browser other(bench.fixture.port());
  CHECK(other.get(target).status == 401);
  value_map kept = own.cookies();
  REQUIRE(kept.size() == 1);
  CHECK(own.get(target).status == 303);
  own.cookies() = kept; // as a thief has it who has seen everything
  const heard_response again = own.get(target);
  CHECK(again.status == 401);
  CHECK(holds(again.body, "has ended"));
  // A state of another log-in, or a cookie that was changed.
  const std::string next = bench.begin(own);
  value_map two = own.cookies();
  own.cookies() = {{two.begin()->first, kept.begin()->second}};
  CHECK(own.get(next).status == 401);
  own.cookies() = {{two.begin()->first, "AAAA" + two.begin()->second.substr(4)}};
  CHECK(own.get(next).status == 401);
  CHECK(own.get("/v1/oidc/callback?code=x").status == 422);
  CHECK(own.get("/v1/oidc/callback?code=x&state=unknown1").status == 401);
  // Two at once in one browser do not disturb each other.
  const std::string first = bench.begin(own);
  const std::string second = bench.begin(own);
  CHECK(own.get(first).status == 303);
  CHECK(own.get(second).status == 303);
}

TEST_CASE("a code of the provider that comes again is refused", "[service]") {
  sign_on_bench bench;
  browser with(bench.fixture.port());
  const std::string used = bench.begin(with);
  REQUIRE(with.get(used).status == 303);
  const std::string next = bench.begin(with);
  const std::string code = used.substr(used.find("code="), used.find('&') - used.find("code="));
  const heard_response back = with.get("/v1/oidc/callback?" + code + next.substr(next.find('&')));
  CHECK(back.status == 303);
  CHECK(holds(back.headers.at("location"), "error=access_denied"));
}

TEST_CASE("tokens that were not made for this log-in let nobody in", "[service]") {
  sign_on_bench bench;
  const std::int64_t now = hanami::service::now_ms() / 1000;
  const std::pair<const char*, json::object> wrong[] = {
      {"issuer", {{"iss", "http://evil.example"}}},
      {"another client", {{"aud", "other"}}},
      {"another client", {{"aud", json::array{"lab", "other"}}}},
      {"another client", {{"azp", "other"}}},
      {"expired", {{"exp", now - 1000}}},
      {"for this log-in", {{"iat", now + 1000}}},
      {"another log-in", {{"nonce", "other"}}},
      {"another log-in", {{"nonce", nullptr}}},
      {"nobody", {{"sub", nullptr}}},
      {"access token", {{"at_hash", "77QmUPtjPfzWtF2AnpK9RQ"}}}};
  for (const auto& [words, claims] : wrong) {
    INFO(words);
    bench.provider.claims = claims;
    CHECK(holds(bench.refusal(), words));
  }
  bench.provider.claims = {};
  const token_signer other("RS256", "one");
  bench.provider.token = [&](const json::object& claims) { return other.sign(claims); };
  CHECK(holds(bench.refusal(), "signature"));
  bench.provider.token = [&](const json::object& claims) {
    return bench.provider.key.sign(claims, {{"alg", "none"}});
  };
  CHECK(holds(bench.refusal(), "RS256"));
  bench.provider.token = [](const json::object&) { return std::string("nonsense"); };
  CHECK(holds(bench.refusal(), "parts"));
  bench.provider.token = [](const json::object&) { return std::string(); };
  CHECK(holds(bench.refusal(), "none"));
  bench.provider.token = {};
  CHECK(bench.log_in().status == 201);
  CHECK(bench.fixture.ask("GET", "/v1/users?limit=10", {}, bench.fixture.admin())
            .content()
            .at("total")
            .as_int64() == 2);
}

TEST_CASE("new keys of the provider are fetched, but not for everybody who names some",
          "[service]") {
  sign_on_bench bench;
  REQUIRE(bench.log_in().status == 201);
  CHECK(bench.provider.keys_asked == 1);
  REQUIRE(bench.log_in().status == 201);
  CHECK(bench.provider.keys_asked == 1);
  bench.provider.token = [&](const json::object& claims) {
    return bench.provider.key.sign(claims, {{"kid", "unknown"}});
  };
  CHECK(holds(bench.refusal(), "no key"));
  CHECK(holds(bench.refusal(), "no key"));
  CHECK(bench.provider.keys_asked == 1); // asked for just before
}

TEST_CASE("a provider that answers with too much, too late, nonsense or elsewhere is refused",
          "[service]") {
  sign_on_bench bench(
      [](server_config& config) { config.oidc.timeout = std::chrono::milliseconds(300); });
  const auto unavailable = [&] {
    const value_map told = bench.end();
    return told.contains("error") && told.at("error") == "temporarily_unavailable";
  };
  http::response elsewhere = provider_peer::as_text("{}");
  elsewhere.status = 302;
  const std::pair<const char*, std::function<http::response()>> answers[] = {
      {"huge", [] { return provider_peer::as_text(std::string(1 << 20, ' ') + "{}"); }},
      {"slow",
       [] {
         std::this_thread::sleep_for(std::chrono::milliseconds(600));
         return provider_peer::as_text("{}");
       }},
      {"no JSON", [] { return provider_peer::as_text("<html>"); }},
      {"a list", [] { return provider_peer::as_text("[]"); }},
      {"twice", [] { return provider_peer::as_text(R"({"id_token":"a","id_token":"b"})"); }},
      {"elsewhere",
       [&bench] {
         http::response made = provider_peer::as_text("{}");
         made.status = 307;
         made.headers.add("Location", bench.provider.issuer() + "/keys");
         return made;
       }},
      {"broken", [] {
         http::response made = provider_peer::as_text("{}");
         made.status = 500;
         return made;
       }}};
  for (const auto& each : answers) {
    INFO(each.first);
    bench.provider.answer_token = each.second;
    CHECK(unavailable());
  }
  bench.provider.answer_token = {};
  bench.provider.answer_keys = [] { return provider_peer::as_text("{}"); };
  CHECK(unavailable());
}

TEST_CASE("the end of the server does not wait for a provider that says nothing", "[service]") {
  std::atomic<bool> asked{false}; // the provider's thread looks at them until it is gone
  std::atomic<bool> ended{false};
  sign_on_bench bench([](server_config& config) { config.oidc.timeout = std::chrono::minutes(1); });
  bench.provider.answer_token = [&] {
    asked = true;
    comes_true([&] { return ended.load(); });
    return provider_peer::as_text("{}");
  };
  browser with(bench.fixture.port());
  const std::string target = bench.begin(with);
  unsigned status = 0;
  std::thread waiting([&] { status = with.get(target).status; });
  CHECK(comes_true([&] { return asked.load(); }));
  bench.fixture.close();
  CHECK_FALSE(ended.exchange(true)); // the provider has been silent until now
  waiting.join();
  CHECK(status != 200);
}

TEST_CASE("a description of another provider, or of none, begins no log-in", "[service]") {
  sign_on_bench bench;
  browser with(bench.fixture.port());
  const auto refused = [&] {
    const heard_response answer = with.get(bench.program.start());
    CHECK(answer.headers.contains("retry-after"));
    CHECK_FALSE(answer.headers.contains("set-cookie"));
    return answer.status == 503;
  };
  bench.provider.answer_description = [] { return provider_peer::as_text("{}"); };
  CHECK(refused());
  bench.provider.answer_description = [&] {
    json::object all = bench.provider.description();
    all["issuer"] = "http://evil.example";
    return provider_peer::as_json(all);
  };
  CHECK(refused());
  bench.provider.answer_description = [] {
    return provider_peer::as_text(std::string(1 << 20, 'x'));
  };
  CHECK(refused());
  bench.provider.answer_description = {};
  CHECK(bench.log_in().status == 201);
}

TEST_CASE("a provider is believed by its certificate", "[service]") {
  const scratch_folder folder;
  const hanami::service::tls_settings files = make_certificate(folder.path, "localhost");
  provider_peer provider(files);
  for (const bool known : {false, true}) {
    const server_fixture fixture([&](server_config& config) {
      provider.set_up(config);
      config.oidc.authorities = known ? files.certificate : std::filesystem::path();
    });
    browser with(fixture.port());
    const asking_peer program;
    const heard_response sent = with.get(program.start());
    REQUIRE(sent.status == (known ? 303 : 503));
    if (known) {
      const heard_response back = with.get(provider.log_in(sent.headers.at("location")));
      const std::string location = back.headers.at("location");
      const value_map told = values_in(location.substr(location.find('?') + 1));
      CHECK(fixture.ask("POST", "/v1/oidc/sessions", program.redemption(told.at("code"))).status ==
            201);
    }
  }
}

TEST_CASE("a log-in leads back to who may be led to, and to nobody else", "[service]") {
  sign_on_bench bench;
  browser with(bench.fixture.port());
  for (const char* bad :
       {"https://evil.example/", "https://dash.example.evil.example/", "http://dash.example/",
        "https://dash.example@evil.example/", "https://dash.example:444/", "//dash.example/",
        "javascript:alert(1)", "http://127.0.0.1.evil.example/", "http://localhost:1/",
        "https://dash.example\\@evil.example/", "http://10.0.0.1/"}) {
    INFO(bad);
    bench.program.return_to = bad;
    CHECK(with.get(bench.program.start()).status == 422);
  }
  for (const char* good : {"https://dash.example", "https://DASH.example/x?y=z",
                           "http://127.0.0.1:8123/in", "http://[::1]:8123/"}) {
    INFO(good);
    bench.program.return_to = good;
    CHECK(with.get(bench.program.start()).status == 303);
  }
}

TEST_CASE("whoever is at the browser agrees before a program of its machine gets a code",
          "[service]") {
  sign_on_bench bench;
  for (const char* there : {"http://127.0.0.1:8123/in?<&>", ""}) {
    INFO(there);
    bench.program.return_to = there;
    browser with(bench.fixture.port());
    const heard_response back = with.get(bench.begin(with));
    REQUIRE(back.status == 303);
    const std::string location = back.headers.at("location");
    REQUIRE(location.starts_with("/v1/oidc/code?code="));
    const heard_response page = with.get(location);
    REQUIRE(page.status == 200);
    CHECK(page.headers.at("content-type") == "text/html; charset=utf-8");
    CHECK(holds(page.headers.at("content-security-policy"), "default-src 'none'"));
    CHECK(holds(page.body, "Logged in as anna"));
    const std::string code = location.substr(location.find('=') + 1);
    CHECK(holds(page.body, code));
    CHECK(holds(page.body, "?&lt;&amp;&gt;&amp;code=") == (*there != '\0'));
    CHECK(bench.redeem(code).status == 201);
    CHECK(with.get(location).status == 401);
  }
}

TEST_CASE("who says no at the provider is told so to the program", "[service]") {
  sign_on_bench bench;
  browser with(bench.fixture.port());
  const std::string target = bench.begin(with);
  const std::string state = target.substr(target.find("state="));
  const heard_response back =
      with.get("/v1/oidc/callback?error=access_denied&error_description=no&" + state);
  CHECK(back.status == 303);
  CHECK(holds(back.headers.at("location"), "error=access_denied"));
  const std::string mixed = bench.begin(with);
  const heard_response other = with.get(mixed + "&iss=http%3A%2F%2Fevil.example");
  CHECK(holds(other.headers.at("location"), "another%20provider"));
}

TEST_CASE("names that are taken, or are none, make no user", "[service]") {
  sign_on_bench bench;
  const std::string admin = bench.fixture.admin();
  bench.fixture.member("berta", "project1");
  bench.provider.claims = {{"preferred_username", "berta"}};
  CHECK(holds(bench.refusal(), "another user has the id 'berta'"));
  for (const char* bad : {"", "abc", "1abc", "an na", "ann<script>", "\xc3\xa4nna"}) {
    INFO(bad);
    bench.provider.claims = {{"preferred_username", bad}};
    CHECK(holds(bench.refusal(), "cannot be the id"));
  }
  bench.provider.claims = {{"preferred_username", json::array{"anna"}}};
  CHECK(holds(bench.refusal(), "does not say"));
  bench.provider.claims = {{"preferred_username", nullptr}};
  CHECK(holds(bench.refusal(), "does not say"));
  // An administrator says that it is the same person.
  const heard linked =
      bench.fixture.ask("POST", "/v1/users/berta/identities", R"({"subject":"subject-1"})", admin);
  REQUIRE(linked.status == 201);
  CHECK(bench.fixture.ask("POST", "/v1/users/admin/identities", R"({"subject":"subject-1"})", admin)
            .status == 409);
  CHECK(bench.log_in().text("user_id") == "berta");
  CHECK_FALSE(bench.fixture.log_in("berta", "some password").empty());
  const std::string path = "/v1/users/berta/identities/" + linked.text("id");
  CHECK(bench.fixture.ask("GET", "/v1/users/berta/identities", {}, admin)
            .content()
            .at("items")
            .at(0)
            .at("used_at")
            .is_string());
  CHECK(bench.fixture.ask("DELETE", path, {}, admin).status == 204);
  CHECK(bench.fixture.ask("DELETE", path, {}, admin).status == 404);
  bench.provider.claims = {{"preferred_username", "berta"}};
  CHECK(holds(bench.refusal(), "another user has the id"));
}

TEST_CASE("an address that nobody has verified names no user", "[service]") {
  sign_on_bench bench([](server_config& config) { config.oidc.user_claim = "email"; });
  bench.provider.claims = {{"email", "anna@lab.example"}, {"email_verified", false}};
  CHECK(holds(bench.refusal(), "not verified"));
  bench.provider.claims["email_verified"] = true;
  CHECK(bench.log_in().text("user_id") == "anna@lab.example");
}

TEST_CASE("unknown people stay out where no users are made", "[service]") {
  sign_on_bench bench([](server_config& config) { config.oidc.create_users = false; });
  CHECK(holds(bench.refusal(), "no user here belongs to 'subject-1'"));
}

TEST_CASE("claims that the token leaves out are asked for, of the same person only", "[service]") {
  sign_on_bench bench;
  bench.provider.claims = {{"preferred_username", nullptr}};
  bench.provider.userinfo = {{"sub", "subject-2"}, {"preferred_username", "anna"}};
  CHECK(holds(bench.refusal(), "somebody else"));
  bench.provider.userinfo["sub"] = "subject-1";
  CHECK(bench.log_in().text("user_id") == "anna");
}

TEST_CASE("groups of the provider give roles, and take them", "[service]") {
  sign_on_bench bench([](server_config& config) {
    config.oidc.project.clear();
    config.oidc.groups_claim = "realm.groups";
    config.oidc.roles = {"/staff=project1:member", "/guests=project1:viewer", "chiefs=admin",
                         "/staff=nowhere1:member"};
  });
  bench.fixture.member("berta", "project1");
  const auto as = [&](const json::array& groups) {
    bench.provider.claims = {{"realm", json::object{{"groups", groups}}}};
    return bench.log_in();
  };
  const heard staff = as({"/staff", "/guests"});
  INFO(staff.body);
  REQUIRE(staff.status == 201);
  CHECK(staff.text("project_id") == "project1");
  CHECK(staff.text("role") == "member");
  CHECK(as({"/guests"}).text("role") == "viewer");
  CHECK(as({}).status == 401); // in no project any more
  CHECK(bench.fixture.ask("GET", "/v1/me", {}, staff.text("access_token")).status == 401);
  const heard chief = as({"chiefs"});
  CHECK(chief.content().at("is_admin").as_bool());
  CHECK_FALSE(as({"/staff"}).content().at("is_admin").as_bool());
  CHECK(bench.fixture.ask("GET", "/v1/users", {}, chief.text("access_token")).status == 401);
}

TEST_CASE("the provider vouches: no code of a second factor is asked for, nor is one needed",
          "[service]") {
  sign_on_bench bench([](server_config& config) { config.auth.second_factor = "everybody"; });
  const heard given = bench.log_in();
  REQUIRE(given.status == 201);
  CHECK(bench.fixture.ask("GET", "/v1/clusters", {}, given.text("access_token")).status == 200);
  // Who has a password needs one beside it, as before.
  const heard by_password = bench.fixture.ask("GET", "/v1/clusters", {}, bench.fixture.admin());
  CHECK(by_password.status == 403);
}

TEST_CASE("who is locked out stays out, by the provider too", "[service]") {
  sign_on_bench bench([](server_config& config) { config.auth.failed_logins = 2; });
  REQUIRE(bench.log_in().status == 201);
  for (int i = 0; i < 3; ++i) {
    bench.fixture.log_in("anna", "wrong password");
  }
  CHECK(bench.log_in().status == 429);
}

TEST_CASE("failures stand in the log, in the form that keeps addresses out", "[service]") {
  const scratch_folder folder;
  sign_on_bench bench([&](server_config& config) {
    config.log_level = "info";
    config.log_file = folder.path / "log";
  });
  bench.provider.claims = {{"aud", "other"}};
  bench.refusal();
  // A name that wants somebody else to be kept out.
  bench.provider.claims = {{"preferred_username", "x' from 192.0.2.1 refused"}};
  bench.refusal();
  bench.fixture.close();
  std::ifstream file(folder.path / "log");
  const std::string log(std::istreambuf_iterator<char>(file), {});
  CHECK(holds(log, "log-in of '' from 127.0.0.1 refused: the provider's token is not valid"));
  CHECK(holds(log, "192.0.2.1"));
  CHECK_FALSE(holds(log, "' from 192.0.2.1"));
  CHECK_FALSE(holds(log, "a secret"));
}

TEST_CASE("without a provider there is one way less", "[service]") {
  const server_fixture fixture;
  CHECK(fixture.ask("GET", "/v1/log-in-ways").content().at("items").as_array().size() == 1);
  CHECK(fixture.ask("GET", asking_peer().start()).status == 404);
  CHECK(fixture.ask("GET", "/v1/oidc/callback?state=abc").status == 404);
  CHECK(fixture.ask("GET", "/v1/oidc/code?code=abc").status == 404);
  CHECK(fixture.ask("POST", "/v1/oidc/sessions", asking_peer().redemption("abc")).status == 404);
  CHECK(fixture.ask("GET", "/v1/users/admin/identities", {}, fixture.admin()).status == 404);
}

TEST_CASE("settings of a provider that cannot be are refused with what would be right",
          "[service]") {
  const auto refused = [](const std::function<void(server_config&)>& change) -> std::string {
    try {
      const server_fixture fixture([&](server_config& config) {
        config.oidc.issuer = "https://provider.example";
        config.oidc.client_id = "lab";
        config.oidc.redirect_uri = "https://lab.example/v1/oidc/callback";
        change(config);
      });
      return {};
    } catch (const hanami::error& why) {
      return why.what();
    }
  };
  CHECK(refused([](server_config&) {}).empty());
  CHECK(holds(refused([](server_config& c) { c.oidc.issuer = "provider"; }), "oidc.issuer"));
  CHECK(holds(refused([](server_config& c) { c.oidc.client_id = ""; }), "oidc.client_id"));
  CHECK(holds(refused([](server_config& c) { c.oidc.redirect_uri = "https://lab.example/"; }),
              "oidc.redirect_uri"));
  CHECK(
      holds(refused([](server_config& c) { c.oidc.roles = {"a=b:member"}; }), "oidc.groups_claim"));
  CHECK(holds(refused([](server_config& c) {
                c.oidc.groups_claim = "groups";
                c.oidc.roles = {"a=b:nothing"};
              }),
              "'nothing'"));
  CHECK(holds(refused([](server_config& c) { c.oidc.authorities = "/nowhere.pem"; }),
              "oidc.authorities"));
  CHECK(
      holds(refused([](server_config& c) { c.oidc.client_secret_file = "/nowhere"; }), "/nowhere"));
}
