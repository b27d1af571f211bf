// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/authenticator.hpp>
#include <hanami/service/access/token.hpp>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::access;
using service_test::account_bench;
using service_test::fine;
using service_test::holds;
using service_test::refusal_of;
using service_test::unknown;

namespace {

/// An administrator "chief", "ann" in reds and blues, "bob" in nothing.
struct authenticator_bench : account_bench {
  access::authenticator authenticator{db, accounts, config};

  authenticator_bench() {
    accounts.create_project("admin", "Administration", "test");
    accounts.create_project("reds", "Reds", "test");
    accounts.create_project("blues", "Blues", "test");
    add_user("chief", true);
    add_user("ann");
    add_user("bob");
    accounts.join_project("ann", {"reds", "member", true});
    accounts.join_project("ann", {"blues", "viewer", false});
  }
  session_tokens login(const std::string& id, const std::string& project = "") {
    return authenticator.login({id, password_of(id), "10.0.0.1", project});
  }
  std::optional<refusal_code> use(const std::string& token) {
    return refusal_of([&] { authenticator.identify(token); });
  }
  std::optional<refusal_code> renew(const std::string& token) {
    return refusal_of([&] { authenticator.refresh(token); });
  }
};

} // namespace

TEST_CASE("a login gives a token that says who it is", "[service]") {
  authenticator_bench bench;
  const session_tokens ann = bench.login("ann");
  const identity caller = bench.authenticator.identify(ann.access_token);
  for (const identity& told : {caller, ann.caller}) {
    REQUIRE(told.user_id == "ann");
    REQUIRE(told.user_name == "Name of ann");
    REQUIRE(told.project_id == "reds");
    REQUIRE(told.role == "member");
    REQUIRE(told.project_admin);
    REQUIRE_FALSE(told.admin);
    REQUIRE(told.token_id == ann.caller.token_id);
    REQUIRE(told.expires == ann.caller.expires);
  }
  REQUIRE(ann.expires_in_s == 3600);
  const identity blue = bench.authenticator.identify(bench.login("ann", "blues").access_token);
  REQUIRE(blue.project_id == "blues");
  REQUIRE(blue.role == "viewer");
  REQUIRE_FALSE(blue.project_admin);

  const identity chief = bench.authenticator.identify(bench.login("chief").access_token);
  REQUIRE(chief.project_id == "admin");
  REQUIRE(chief.role == "admin");
  REQUIRE(chief.project_admin);
  REQUIRE(chief.admin);
  bench.accounts.join_project("chief", {"reds", "viewer", false});
  const identity red_chief =
      bench.authenticator.identify(bench.login("chief", "reds").access_token);
  REQUIRE(red_chief.role == "viewer");
  REQUIRE(red_chief.admin);
}

TEST_CASE("failed logins all sound the same", "[service]") {
  authenticator_bench bench;
  std::set<std::string> words;
  const auto login = [&](const std::string& id, const std::string& password,
                         const std::string& project = "") {
    try {
      bench.authenticator.login({id, password, "10.0.0.1", project});
    } catch (const refusal& why) {
      REQUIRE(why.code() == refusal_code::unauthenticated);
      words.insert(why.what());
      return;
    }
    FAIL("let in");
  };
  login("ann", "wrong");
  login("nobody", "wrong");
  login("' OR '1'='1", "wrong");
  login("bob", bench.password_of("bob"));
  login("ann", bench.password_of("ann"), "admin");
  login("ann", bench.password_of("ann"), "nowhere");
  login("chief", bench.password_of("chief"), "reds");
  login("ann", "");
  login("", "");
  REQUIRE(words.size() == 1);
}

TEST_CASE("what is no token is nobody", "[service]") {
  authenticator_bench bench;
  REQUIRE(bench.use("") == unknown);
  REQUIRE(bench.use("a.b.c") == unknown);
  const std::string token = bench.login("ann").access_token;
  REQUIRE(bench.use(token) == fine);
  REQUIRE(bench.use(token + "x") == unknown);
  REQUIRE(bench.use(bench.login("ann").refresh_token) == unknown);

  // The main key itself signs nothing.
  const secret_key main_key = load_or_make_key(bench.config.data / "token.key");
  const identity caller = bench.authenticator.identify(token);
  const token_claims claims{"a.b",         "ann", "reds", caller.token_series, caller.expires - 100,
                            caller.expires};
  REQUIRE(bench.use(sign_token(claims, main_key)) == unknown);
  const secret_key key = derive_key(main_key, "sessions");
  REQUIRE(bench.use(sign_token(claims, key)) == fine);
  const auto changed = [&](auto change) {
    token_claims other = claims;
    change(other);
    return bench.use(sign_token(other, key));
  };
  REQUIRE(changed([](token_claims& c) { c.token_series += 1; }) == unknown);
  REQUIRE(changed([](token_claims& c) { c.project_id = "admin"; }) == unknown);
  REQUIRE(changed([](token_claims& c) { c.user_id = "nobody"; }) == unknown);
  REQUIRE(changed([](token_claims& c) { c.issued_at -= 7200; }) == unknown); // lifetime: 1 h
}

TEST_CASE("what accounts change counts from the next request on", "[service]") {
  authenticator_bench bench;
  const std::string ann = bench.login("ann").access_token;
  const std::string blue = bench.login("ann", "blues").access_token;
  const std::string chief = bench.login("chief").access_token;
  REQUIRE(bench.use(ann) == fine);

  user_change rename;
  rename.name = "Other";
  bench.accounts.update_user("ann", rename);
  REQUIRE(bench.authenticator.identify(ann).user_name == "Other");
  bench.accounts.leave_project("ann", "blues");
  REQUIRE(bench.use(blue) == unknown);
  REQUIRE(bench.use(ann) == fine);
  bench.accounts.join_project("ann", {"blues", "other", true});
  REQUIRE(bench.authenticator.identify(blue).role == "other");
  bench.accounts.leave_project("ann", "blues");
  bench.accounts.delete_project("blues");
  bench.accounts.void_tokens("ann");
  REQUIRE(bench.use(ann) == unknown);

  const std::string again = bench.login("ann").access_token;
  REQUIRE(bench.use(again) == fine);
  bench.accounts.delete_user("ann");
  REQUIRE(bench.use(again) == unknown);
  bench.add_user("ann");
  bench.accounts.join_project("ann", {"reds", "member", true});
  REQUIRE(bench.use(again) == unknown);

  bench.add_user("second", true);
  user_change demote;
  demote.admin = false;
  REQUIRE(bench.use(chief) == fine);
  bench.accounts.update_user("chief", demote);
  REQUIRE(bench.use(chief) == unknown);
}

TEST_CASE("behind its back, it has to be told", "[service]") {
  authenticator_bench bench;
  const std::string ann = bench.login("ann").access_token;
  REQUIRE(bench.use(ann) == fine);
  bench.db.write([](store::connection& on) {
    on.execute("UPDATE users SET generation = generation + 1 WHERE id = 'ann'");
  });
  REQUIRE(bench.use(ann) == fine); // no disk is touched
  bench.authenticator.forget("ann");
  REQUIRE(bench.use(ann) == unknown);
}

TEST_CASE("a refresh token is good once, and twice is theft", "[service]") {
  authenticator_bench bench;
  const session_tokens first = bench.login("ann", "blues");
  const session_tokens other = bench.login("ann");
  const session_tokens second = bench.authenticator.refresh(first.refresh_token);
  REQUIRE(second.caller.project_id == "blues");
  REQUIRE(second.refresh_token != first.refresh_token);
  REQUIRE(bench.use(first.access_token) == fine);
  REQUIRE(bench.use(second.access_token) == fine);
  const session_tokens third = bench.authenticator.refresh(second.refresh_token);

  REQUIRE(bench.renew(first.refresh_token) == unknown); // what it gave has been used
  for (const session_tokens* of : {&first, &second, &third}) {
    REQUIRE(bench.use(of->access_token) == unknown);
    REQUIRE(bench.renew(of->refresh_token) == unknown);
  }
  REQUIRE(bench.use(other.access_token) == fine);
  REQUIRE(bench.renew(other.refresh_token) == fine);
  for (const std::string& text : service_test::nasty_texts) {
    REQUIRE(bench.renew(text) == unknown);
  }
}

TEST_CASE("a refresh whose answer got lost may be repeated once", "[service]") {
  authenticator_bench bench;
  const session_tokens first = bench.login("ann", "blues");
  const session_tokens lost = bench.authenticator.refresh(first.refresh_token);
  const session_tokens second = bench.authenticator.refresh(first.refresh_token);
  REQUIRE(second.caller.project_id == "blues");
  REQUIRE(bench.use(second.access_token) == fine);
  const session_tokens third = bench.authenticator.refresh(second.refresh_token); // it goes on
  REQUIRE(bench.use(third.access_token) == fine);

  SECTION("what was lost has been found by somebody") {
    REQUIRE(bench.renew(lost.refresh_token) == unknown);
  }
  SECTION("the first one comes a third time") {
    REQUIRE(bench.renew(first.refresh_token) == unknown);
  }
  for (const session_tokens* of : {&first, &lost, &second, &third}) {
    REQUIRE(bench.use(of->access_token) == unknown);
    REQUIRE(bench.renew(of->refresh_token) == unknown);
  }
}

TEST_CASE("who has stolen a refresh token gains nothing by repeating it", "[service]") {
  authenticator_bench bench;
  const session_tokens ann = bench.login("ann");
  const session_tokens hers = bench.authenticator.refresh(ann.refresh_token);
  const session_tokens his = bench.authenticator.refresh(ann.refresh_token); // within the time
  REQUIRE(bench.use(his.access_token) == fine);
  REQUIRE(bench.renew(hers.refresh_token) == unknown); // her next refresh shows it
  REQUIRE(bench.use(his.access_token) == unknown);
  REQUIRE(bench.renew(his.refresh_token) == unknown);
}

TEST_CASE("a refresh cannot be repeated later, nor where the operator does not want it",
          "[service]") {
  authenticator_bench bench;
  SECTION("later") {
    const session_tokens ann = bench.login("ann");
    bench.authenticator.refresh(ann.refresh_token);
    bench.db.write([](store::connection& on) {
      on.execute("UPDATE refresh_tokens SET used_at = used_at - 60000 WHERE used > 0");
    });
    REQUIRE(bench.renew(ann.refresh_token) == unknown);
  }
  SECTION("never") {
    bench.config.auth.refresh_grace = std::chrono::seconds(0);
    const session_tokens ann = bench.login("ann");
    bench.authenticator.refresh(ann.refresh_token);
    REQUIRE(bench.renew(ann.refresh_token) == unknown);
    REQUIRE(bench.use(ann.access_token) == unknown);
  }
}

TEST_CASE("of many who use one refresh token, none gets on", "[service]") {
  authenticator_bench bench;
  const session_tokens ann = bench.login("ann");
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] { good += bench.renew(ann.refresh_token) == fine ? 1 : 0; });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(good == 2);
  REQUIRE(bench.use(ann.access_token) == unknown);
}

TEST_CASE("refresh tokens end with what they came from", "[service]") {
  authenticator_bench bench;
  const auto renew_after = [&](auto change) {
    const session_tokens ann = bench.login("ann", "blues");
    change(ann);
    return bench.renew(ann.refresh_token);
  };
  REQUIRE(renew_after([&](const session_tokens&) {}) == fine);
  REQUIRE(renew_after([&](const session_tokens& t) { bench.authenticator.revoke(t.caller); }) ==
          unknown);
  REQUIRE(renew_after([&](const session_tokens&) { bench.authenticator.revoke_all("ann"); }) ==
          unknown);
  REQUIRE(renew_after([&](const session_tokens&) {
            bench.db.write([](store::connection& on) {
              on.execute("UPDATE refresh_tokens SET expires_at = 1");
            });
          }) == unknown);
  REQUIRE(renew_after([&](const session_tokens&) {
            bench.accounts.leave_project("ann", "blues");
          }) == unknown);
  bench.accounts.join_project("ann", {"blues", "viewer", false});
  REQUIRE(renew_after([&](const session_tokens&) { bench.accounts.delete_user("ann"); }) ==
          unknown);
  REQUIRE(refusal_of([&] { bench.authenticator.revoke_all("nobody"); }) == refusal_code::not_found);
}

TEST_CASE("a session enters other projects of its user", "[service]") {
  authenticator_bench bench;
  const session_tokens red = bench.login("ann");
  const identity caller = bench.authenticator.identify(red.access_token);
  const session_tokens blue = bench.authenticator.switch_project(caller, "blues");
  REQUIRE(bench.authenticator.identify(blue.access_token).project_id == "blues");
  REQUIRE(bench.authenticator.identify(blue.access_token).role == "viewer");
  REQUIRE(bench.authenticator.refresh(blue.refresh_token).caller.project_id == "blues");
  for (const char* elsewhere : {"admin", "nowhere", ""}) {
    REQUIRE(refusal_of([&] { bench.authenticator.switch_project(caller, elsewhere); }) == unknown);
  }
  const identity chief = bench.login("chief").caller;
  REQUIRE(bench.authenticator.switch_project(chief, "admin").caller.role == "admin");
  REQUIRE(refusal_of([&] { bench.authenticator.switch_project(chief, "reds"); }) == unknown);

  // Logging out ends all of the session, and nothing of it enters anything any more.
  bench.authenticator.revoke(caller);
  REQUIRE(bench.use(red.access_token) == unknown);
  REQUIRE(bench.use(blue.access_token) == unknown);
  REQUIRE(refusal_of([&] { bench.authenticator.switch_project(caller, "blues"); }) == unknown);
  const identity later = bench.login("ann").caller;
  bench.accounts.void_tokens("ann");
  REQUIRE(refusal_of([&] { bench.authenticator.switch_project(later, "blues"); }) == unknown);
}

TEST_CASE("a new password voids all tokens", "[service]") {
  authenticator_bench bench;
  const session_tokens ann = bench.login("ann");
  const identity caller = ann.caller;
  const std::string right = bench.password_of("ann");
  REQUIRE(refusal_of([&] {
            bench.authenticator.change_password(caller, "wrong", "new password");
          }) == refusal_code::forbidden);
  REQUIRE(refusal_of([&] { bench.authenticator.change_password(caller, right, "short"); }) ==
          refusal_code::invalid_value);
  REQUIRE(bench.use(ann.access_token) == fine);
  bench.authenticator.change_password(caller, right, "new password");
  REQUIRE(bench.use(ann.access_token) == unknown);
  REQUIRE(bench.renew(ann.refresh_token) == unknown);
  REQUIRE(refusal_of([&] { bench.login("ann"); }) == unknown);
  REQUIRE(bench.authenticator.login({"ann", "new password", "10.0.0.1"}).caller.user_id == "ann");
}

TEST_CASE("guessing is stopped, of a password and from an address", "[service]") {
  authenticator_bench bench;
  bench.config.auth.failed_logins = 3;
  for (const std::string user : {"ann", "nobody"}) { // the same for who does not exist
    for (int i = 0; i < 3; ++i) {
      REQUIRE(refusal_of([&] { bench.authenticator.login({user, "wrong", "a"}); }) == unknown);
    }
    try {
      bench.authenticator.login({user, bench.password_of(user), "a"});
      FAIL("let in");
    } catch (const refusal& why) {
      REQUIRE(why.code() == refusal_code::too_many_requests);
      REQUIRE(why.retry_after_s > 290);
      REQUIRE(why.retry_after_s <= 300);
    }
  }
  for (int i = 0; i < 10; ++i) { // nobody keeps an administrator out
    REQUIRE(refusal_of([&] { bench.authenticator.login({"chief", "wrong", "a"}); }) == unknown);
  }
  REQUIRE(bench.authenticator.login({"chief", bench.password_of("chief"), "a"}).caller.admin);

  const identity chief = bench.login("chief").caller;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(refusal_of([&] {
              bench.authenticator.change_password(chief, "wrong", "a newer one");
            }) == refusal_code::forbidden);
  }
  REQUIRE(refusal_of([&] {
            bench.authenticator.change_password(chief, bench.password_of("chief"), "a newer one");
          }) == refusal_code::too_many_requests);

  bench.config.auth.logins_per_second = 0.001;
  bench.authenticator.count_login("c");
  REQUIRE(refusal_of([&] { bench.authenticator.count_login("c"); }) ==
          refusal_code::too_many_requests);
  bench.authenticator.count_login("d");
}

TEST_CASE("sessions and their ends outlive the process", "[service]") {
  authenticator_bench bench;
  const session_tokens open = bench.login("ann");
  const session_tokens closed = bench.login("ann");
  bench.authenticator.revoke(closed.caller);
  authenticator again(bench.db, bench.accounts, bench.config);
  REQUIRE(again.identify(open.access_token).user_id == "ann");
  REQUIRE(refusal_of([&] { again.identify(closed.access_token); }) == unknown);
  REQUIRE(again.refresh(open.refresh_token).caller.user_id == "ann");
}

TEST_CASE("what has expired is cleaned away, what has not stays", "[service]") {
  authenticator_bench bench;
  const session_tokens open = bench.login("ann");
  const session_tokens closed = bench.login("ann");
  bench.authenticator.revoke(closed.caller);
  bench.login("chief");
  bench.db.write([](store::connection& on) {
    on.execute("UPDATE refresh_tokens SET expires_at = 1 WHERE user_id = 'chief'");
    on.execute("INSERT INTO revoked_tokens (id, expires_at) VALUES ('old', 1)");
  });
  bench.authenticator.clean();
  const auto count = [&](const char* sql) {
    return bench.db.read([&](store::connection& on) {
      store::statement row = on.query(sql);
      row.step();
      return row.integer(0);
    });
  };
  REQUIRE(count("SELECT count(*) FROM refresh_tokens") == 1);
  REQUIRE(count("SELECT count(*) FROM revoked_tokens") == 1);
  REQUIRE(bench.use(closed.access_token) == unknown);
  REQUIRE(bench.renew(open.refresh_token) == fine);
}

TEST_CASE("no token stands in the database, and a user has so many", "[service]") {
  authenticator_bench bench;
  const session_tokens ann = bench.login("ann");
  bench.db.read([&](store::connection& on) {
    store::statement rows = on.query("SELECT hash FROM refresh_tokens");
    REQUIRE(rows.step());
    REQUIRE(rows.text(0).size() == 64);
    REQUIRE(rows.text(0) != ann.refresh_token);
  });
  bench.db.write([](store::connection& on) { // as of a thousand logins before
    on.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
        "INSERT INTO refresh_tokens SELECT i, i, 'ann', 'reds', 1, 0, 1000 + i, 0, '' FROM n");
  });
  bench.login("ann");
  bench.db.read([&](store::connection& on) {
    store::statement row = on.query("SELECT count(*) FROM refresh_tokens WHERE user_id = 'ann'");
    row.step();
    REQUIRE(row.integer(0) == 1000);
  });
  REQUIRE(bench.renew(ann.refresh_token) == fine);
}

TEST_CASE("many identify while accounts change", "[service]") {
  authenticator_bench bench;
  const std::string ann = bench.login("ann").access_token;
  const std::string chief = bench.login("chief").access_token;
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<bool> voided{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      while (!stop) {
        const bool before = voided;
        const auto came = bench.use(ann);
        wrong += before && came == fine ? 1 : 0;
        wrong += bench.use(chief) == fine ? 0 : 1;
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    user_change rename;
    rename.name = std::to_string(i);
    bench.accounts.update_user("ann", rename);
    bench.authenticator.forget("chief");
  }
  bench.accounts.void_tokens("ann");
  voided = true;
  for (int i = 0; i < 5; ++i) {
    bench.accounts.update_user("chief", {"Name" + std::to_string(i), {}, {}});
  }
  stop = true;
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(wrong == 0);
  REQUIRE(bench.use(ann) == unknown);
}
