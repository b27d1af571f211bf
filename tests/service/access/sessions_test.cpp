// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/authenticator.hpp>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

/// What users see of their own access: sessions, and tokens for programs.

using namespace hanami::service;
using namespace hanami::service::access;
using service_test::account_bench;
using service_test::fine;
using service_test::holds;
using service_test::refusal_of;
using service_test::unknown;

namespace {

constexpr auto read_only = static_cast<std::uint8_t>(token_scope::read);

/// An administrator "chief", "ann" in reds and blues.
struct own_bench : account_bench {
  std::unique_ptr<access::authenticator> authenticator;

  own_bench() {
    accounts.create_project("admin", "Administration", "test");
    accounts.create_project("reds", "Reds", "test");
    accounts.create_project("blues", "Blues", "test");
    add_user("chief", true);
    add_user("ann");
    accounts.join_project("ann", {"reds", "member", true});
    accounts.join_project("ann", {"blues", "viewer", false});
    restart();
  }
  void restart() {
    authenticator.reset();
    authenticator = std::make_unique<access::authenticator>(db, accounts, config);
  }
  session_tokens login(const std::string& id, std::string_view address = "10.0.0.1",
                       std::string_view device = "a browser") {
    return authenticator->login({id, password_of(id), address, {}, {}, device});
  }
  std::optional<refusal_code> use(const std::string& token) {
    return refusal_of([&] { authenticator->identify(token); });
  }
};

} // namespace

TEST_CASE("a user sees the own sessions and ends them", "[service]") {
  own_bench bench;
  const session_tokens desk = bench.login("ann", "10.0.0.1", "a browser");
  const session_tokens phone = bench.login("ann", "2001:db8::7", "a phone\x01 \xff");
  const session_tokens other = bench.login("chief");
  const auto seen = bench.authenticator->sessions("ann");
  REQUIRE(seen.size() == 2);
  const std::size_t at = seen[0].address == "2001:db8::7" ? 0 : 1;
  CHECK(seen[at].device == "a phone? ?");
  CHECK(seen[at].project_id == "reds");
  CHECK(seen[1 - at].device == "a browser");
  CHECK(seen[at].created_at > 0);
  CHECK(seen[at].used_at >= seen[at].created_at);
  CHECK(phone.caller.token_id.starts_with(seen[at].id + '.'));

  const session_tokens moved =
      bench.authenticator->refresh(phone.refresh_token, "10.9.9.9", "the phone, newer");
  bench.authenticator->switch_project(moved.caller, "blues");
  for (const session& each : bench.authenticator->sessions("ann")) {
    if (each.id == seen[at].id) {
      CHECK(each.address == "10.9.9.9");
      CHECK(each.device == "the phone, newer");
      CHECK(each.project_id == "blues");
      CHECK(each.created_at == seen[at].created_at);
    }
  }

  const std::uint64_t before = bench.authenticator->changes();
  CHECK(refusal_of([&] { bench.authenticator->end_session("chief", seen[at].id); }) ==
        refusal_code::not_found);
  bench.authenticator->end_session("ann", seen[at].id);
  CHECK(bench.authenticator->changes() > before);
  CHECK(bench.use(phone.access_token) == unknown);
  CHECK(bench.use(moved.access_token) == unknown);
  CHECK(refusal_of([&] { bench.authenticator->refresh(moved.refresh_token); }) == unknown);
  CHECK(bench.use(desk.access_token) == fine);
  CHECK(bench.authenticator->sessions("ann").size() == 1);
  CHECK(refusal_of([&] { bench.authenticator->end_session("ann", seen[at].id); }) ==
        refusal_code::not_found);
  bench.restart();
  CHECK(bench.use(phone.access_token) == unknown);
  CHECK(bench.use(other.access_token) == fine);
}

TEST_CASE("all other sessions end at once", "[service]") {
  own_bench bench;
  const session_tokens here = bench.login("ann");
  std::vector<session_tokens> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(bench.login("ann"));
  }
  const session_tokens chief = bench.login("chief");
  bench.authenticator->end_other_sessions(bench.authenticator->identify(here.access_token));
  for (const session_tokens& each : others) {
    CHECK(bench.use(each.access_token) == unknown);
    CHECK(refusal_of([&] { bench.authenticator->refresh(each.refresh_token); }) == unknown);
  }
  CHECK(bench.use(here.access_token) == fine);
  CHECK(bench.use(chief.access_token) == fine);
  CHECK(bench.authenticator->sessions("ann").size() == 1);
  bench.authenticator->refresh(here.refresh_token);
}

TEST_CASE("sessions end in the list, too, by whatever ends them", "[service]") {
  own_bench bench;
  const auto count = [&] { return bench.authenticator->sessions("ann").size(); };
  bench.authenticator->revoke(bench.login("ann").caller);
  CHECK(count() == 0);
  bench.login("ann");
  bench.authenticator->revoke_all("ann");
  CHECK(count() == 0);
  bench.login("ann");
  bench.authenticator->change_password(bench.login("ann").caller, bench.password_of("ann"),
                                       "a new password of hers");
  CHECK(count() == 0);
  bench.authenticator->login({"ann", "a new password of hers", "10.0.0.1"});
  CHECK(count() == 1);
  bench.db.write([](store::connection& on) { on.execute("UPDATE sessions SET expires_at = 1"); });
  CHECK(count() == 0);
  bench.authenticator->clean();
  bench.db.read([](store::connection& on) {
    store::statement row = on.query("SELECT count(*) FROM sessions");
    REQUIRE(row.step());
    CHECK(row.integer(0) == 0);
  });
}

TEST_CASE("the last use of a session is kept", "[service]") {
  own_bench bench;
  const session_tokens ann = bench.login("ann");
  bench.db.write([](store::connection& on) { on.execute("UPDATE sessions SET used_at = 5"); });
  CHECK(bench.authenticator->sessions("ann").at(0).used_at == 5);
  REQUIRE(bench.use(ann.access_token) == fine);
  const std::int64_t used = bench.authenticator->sessions("ann").at(0).used_at;
  CHECK(used > 5);
  bench.authenticator->clean(); // writes it
  bench.restart();
  CHECK(bench.authenticator->sessions("ann").at(0).used_at == used);
}

TEST_CASE("an API token speaks for a user in a project, within its scopes", "[service]") {
  own_bench bench;
  const identity ann = bench.authenticator->identify(bench.login("ann").access_token);
  const made_api_token made = bench.authenticator->make_api_token(ann, "a robot", read_only, 3600);
  CHECK(made.text.starts_with("hanami_"));
  const identity robot = bench.authenticator->identify(made.text);
  CHECK(robot.robot);
  CHECK(robot.user_id == "ann");
  CHECK(robot.project_id == "reds");
  CHECK(robot.role == "member");
  CHECK(robot.scopes == read_only);
  CHECK_FALSE(robot.project_admin); // the scope admin was not asked for
  CHECK(robot.expires * 1000 <= made.about.expires_at);
  CHECK(bench.use(made.text + "x") == unknown);
  CHECK(bench.use("hanami_") == unknown);

  const auto listed = bench.authenticator->list_api_tokens("ann");
  REQUIRE(listed.size() == 1);
  CHECK(listed[0].name == "a robot");
  CHECK(listed[0].used_at >= made.about.created_at);
  CHECK(bench.authenticator->list_api_tokens("chief").empty());
  bench.db.read([&](store::connection& on) { // what is stored is of no use to a thief
    store::statement row = on.query("SELECT hash FROM api_tokens");
    REQUIRE(row.step());
    CHECK(row.text(0).size() == 64);
    CHECK(made.text.find(row.text(0)) == std::string::npos);
  });

  bench.restart();
  CHECK(bench.use(made.text) == fine);
  CHECK(bench.authenticator->list_api_tokens("ann").at(0).used_at >= listed[0].used_at);
  const std::uint64_t before = bench.authenticator->changes();
  CHECK(refusal_of([&] { bench.authenticator->remove_api_token("chief", made.about.id); }) ==
        refusal_code::not_found);
  bench.authenticator->remove_api_token("ann", made.about.id);
  CHECK(bench.authenticator->changes() > before);
  CHECK(bench.use(made.text) == unknown);
  bench.restart();
  CHECK(bench.use(made.text) == unknown);
}

TEST_CASE("an API token is an administrator's only by its scope, as long as the user is one",
          "[service]") {
  own_bench bench;
  bench.add_user("second", true);
  const identity chief = bench.authenticator->identify(bench.login("second").access_token);
  const auto all = bench.authenticator->make_api_token(chief, "all", all_scopes, 3600);
  const auto some = bench.authenticator->make_api_token(chief, "some", all_scopes - 16, 3600);
  CHECK(bench.authenticator->identify(all.text).admin);
  CHECK_FALSE(bench.authenticator->identify(some.text).admin);
  user_change demoted;
  demoted.admin = false;
  bench.accounts.update_user("second", demoted);
  CHECK(bench.use(all.text) == unknown);
}

TEST_CASE("API tokens end by time, password, project and user", "[service]") {
  own_bench bench;
  const auto ends_by = [&](auto change) {
    const identity ann = bench.authenticator->identify(bench.login("ann").access_token);
    const auto made = bench.authenticator->make_api_token(ann, "a robot", read_only, 3600);
    REQUIRE(bench.use(made.text) == fine);
    change(made);
    return bench.use(made.text) == unknown;
  };
  CHECK(ends_by([&](const made_api_token&) { bench.authenticator->revoke_all("ann"); }));
  CHECK(bench.authenticator->list_api_tokens("ann").empty());
  CHECK(ends_by([&](const made_api_token&) {
    bench.authenticator->change_password(bench.login("ann").caller, bench.password_of("ann"),
                                         bench.password_of("ann") + '!');
    user_change back;
    back.password = bench.password_of("ann");
    bench.accounts.update_user("ann", back);
  }));
  CHECK(ends_by([&](const made_api_token& made) {
    bench.db.write([&](store::connection& on) {
      on.execute("UPDATE api_tokens SET expires_at = 1 WHERE id = ?", made.about.id);
    });
    bench.authenticator->clean();
  }));
  CHECK(ends_by([&](const made_api_token&) { bench.accounts.leave_project("ann", "reds"); }));
  CHECK(ends_by([&](const made_api_token&) { bench.accounts.delete_user("ann"); }));
}

TEST_CASE("a user has no more than so many API tokens", "[service]") {
  own_bench bench;
  const identity ann = bench.authenticator->identify(bench.login("ann").access_token);
  std::set<std::string> texts;
  for (std::size_t i = 0; i < api_tokens::most; ++i) {
    texts.insert(bench.authenticator->make_api_token(ann, "one", read_only, 3600).text);
  }
  CHECK(texts.size() == api_tokens::most);
  CHECK(refusal_of([&] { bench.authenticator->make_api_token(ann, "one", read_only, 3600); }) ==
        refusal_code::quota_exceeded);
}
