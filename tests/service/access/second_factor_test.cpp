// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/authenticator.hpp>
#include <hanami/service/base/clock.hpp>

#include <array>
#include <atomic>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami::service;
using namespace hanami::service::access;
using service_test::account_bench;
using service_test::fine;
using service_test::holds;
using service_test::refusal_of;
using service_test::unknown;

namespace {

/// As apps read it.
std::vector<unsigned char> from_base32(std::string_view text) {
  constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::vector<unsigned char> bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    bits = bits << 5 | static_cast<unsigned>(letters.find(c));
    count += 5;
    if (count >= 8) {
      count -= 8;
      bytes.push_back(static_cast<unsigned char>(bits >> count & 255U));
    }
  }
  return bytes;
}

/// "ann" in reds, and an app of hers.
struct factor_bench : account_bench {
  access::authenticator authenticator{db, accounts, config};
  std::string secret;
  std::vector<std::string> recovery;

  factor_bench() {
    accounts.create_project("admin", "Administration", "test");
    accounts.create_project("reds", "Reds", "test");
    add_user("chief", true);
    add_user("ann");
    accounts.join_project("ann", {"reds", "member", false});
  }
  identity caller(const std::string& code = {}) {
    return authenticator.login({"ann", password_of("ann"), "10.0.0.1", {}, code}).caller;
  }
  std::string code(std::int64_t steps_from_now = 0) const {
    return totp_code(from_base32(secret), now_ms() / 1000 / totp_step_s + steps_from_now);
  }
  void enrol() {
    const identity ann = caller();
    secret = authenticator.begin_second_factor(ann, password_of("ann")).secret;
    recovery = authenticator.confirm_second_factor(ann, code());
  }
  std::optional<refusal_code> login(const std::string& with) {
    return refusal_of([&] { caller(with); });
  }
  /// As if the last code had been taken long ago.
  void let_time_pass() {
    db.write([](store::connection& on) { on.execute("UPDATE second_factors SET last_step = 0"); });
  }
};

} // namespace

TEST_CASE("codes are those of RFC 6238", "[service]") {
  const std::string_view text = "12345678901234567890";
  const std::vector<unsigned char> secret(text.begin(), text.end());
  // Its appendix B, the last six of eight digits.
  CHECK(totp_code(secret, 59 / 30) == "287082");
  CHECK(totp_code(secret, 1111111109 / 30) == "081804");
  CHECK(totp_code(secret, 1111111111 / 30) == "050471");
  CHECK(totp_code(secret, 1234567890 / 30) == "005924");
  CHECK(totp_code(secret, 2000000000 / 30) == "279037");
  CHECK(totp_code(secret, 20000000000 / 30) == "353130");
  CHECK(to_base32(secret) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
  for (const auto& [plain, coded] : {std::pair<std::string_view, std::string_view>{"", ""},
                                     {"f", "MY"},
                                     {"fo", "MZXQ"},
                                     {"foo", "MZXW6"},
                                     {"foob", "MZXW6YQ"},
                                     {"fooba", "MZXW6YTB"},
                                     {"foobar", "MZXW6YTBOI"}}) {
    const std::vector<unsigned char> bytes(plain.begin(), plain.end());
    CHECK(to_base32(bytes) == coded);
  }
  CHECK(otpauth_url(secret, "ann@lab.example") ==
        "otpauth://totp/hanami:ann%40lab.example?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
        "&issuer=hanami&algorithm=SHA1&digits=6&period=30");
}

TEST_CASE("a clock may be half a minute off, and a code is never older than the last one",
          "[service]") {
  const std::vector<unsigned char> secret(20, 7);
  const std::int64_t now = 1'700'000'010;
  const std::int64_t step = now / 30;
  for (std::int64_t off = -3; off <= 3; ++off) {
    const auto found = step_of_code(secret, totp_code(secret, step + off), now, 0);
    CHECK(found.has_value() == (off >= -1 && off <= 1));
  }
  CHECK_FALSE(step_of_code(secret, totp_code(secret, step), now, step));
  CHECK(step_of_code(secret, totp_code(secret, step + 1), now, step) == step + 1);
  CHECK_FALSE(step_of_code(secret, "", now, 0));
  CHECK_FALSE(step_of_code(secret, totp_code(secret, step) + "0", now, 0));
}

TEST_CASE("a second factor counts as soon as a first code has come", "[service]") {
  factor_bench bench;
  const identity ann = bench.caller();
  CHECK(refusal_of([&] { bench.authenticator.begin_second_factor(ann, "wrong"); }) ==
        refusal_code::forbidden);
  CHECK(refusal_of([&] { bench.authenticator.confirm_second_factor(ann, "123456"); }) ==
        refusal_code::conflict);
  bench.secret = bench.authenticator.begin_second_factor(ann, bench.password_of("ann")).secret;
  CHECK(bench.login("") == fine); // a secret that has not arrived keeps nobody out
  bench.secret = bench.authenticator.begin_second_factor(ann, bench.password_of("ann")).secret;
  CHECK(refusal_of([&] { bench.authenticator.confirm_second_factor(ann, bench.code(5)); }) ==
        refusal_code::invalid_value);
  const auto codes = bench.authenticator.confirm_second_factor(ann, bench.code());
  CHECK(codes.size() == 10);
  CHECK(bench.authenticator.second_factor_of("ann").enabled);
  CHECK(bench.authenticator.second_factor_of("ann").recovery_codes == 10);
  CHECK(bench.accounts.get_user("ann").second_factor);
  CHECK(refusal_of([&] {
          bench.authenticator.begin_second_factor(ann, bench.password_of("ann"));
        }) == refusal_code::conflict);
  CHECK(bench.login("") == refusal_code::code_needed);
  CHECK(refusal_of([&] { bench.authenticator.login({"ann", "wrong", "10.0.0.1"}); }) == unknown);
}

TEST_CASE("a code is taken once, with blanks or without", "[service]") {
  factor_bench bench;
  bench.enrol();
  CHECK(bench.login(bench.code()) == unknown); // it has confirmed the factor
  bench.let_time_pass();
  const std::string code = bench.code();
  CHECK(bench.login(code.substr(0, 3) + ' ' + code.substr(3)) == fine);
  CHECK(bench.login(code) == unknown);
  CHECK(bench.login(bench.code(-1)) == unknown); // older than that
  CHECK(bench.login(bench.code(1)) == fine);
  bench.let_time_pass();
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  const std::string shared = bench.code();
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { good += bench.login(shared) == fine ? 1 : 0; });
  }
  for (std::thread& each : threads) {
    each.join();
  }
  CHECK(good == 1);
}

TEST_CASE("recovery codes are good once each", "[service]") {
  factor_bench bench;
  bench.enrol();
  REQUIRE(bench.recovery.size() == 10);
  CHECK(bench.login(bench.recovery[0]) == fine);
  CHECK(bench.login(bench.recovery[0]) == unknown);
  std::string typed = bench.recovery[1];
  for (char& c : typed) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '-' ? ' ' : c;
  }
  CHECK(bench.login(typed) == fine);
  CHECK(bench.authenticator.second_factor_of("ann").recovery_codes == 8);
  const identity ann = bench.caller(bench.recovery[2]);
  const auto fresh = bench.authenticator.renew_recovery_codes(ann, bench.recovery[3]);
  CHECK(bench.login(bench.recovery[4]) == unknown);
  CHECK(bench.login(fresh[0]) == fine);
}

TEST_CASE("codes cannot be tried through, and nobody keeps the user out by trying", "[service]") {
  factor_bench bench;
  bench.config.auth.failed_logins = 3;
  bench.enrol();
  bench.let_time_pass();
  for (int i = 0; i < 3; ++i) {
    CHECK(bench.login("000000x") == unknown);
  }
  const std::string right = bench.code();
  CHECK(bench.login(right) == refusal_code::too_many_requests); // from whatever network
  CHECK(refusal_of([&] {
          bench.authenticator.login({"ann", bench.password_of("ann"), "192.0.2.9", {}, right});
        }) == refusal_code::too_many_requests);
  CHECK(bench.login(bench.recovery[0]) == fine);
  CHECK(bench.login(right) == fine); // the user has come, so the count begins anew
}

TEST_CASE("a second factor is removed by who has it, or by an administrator", "[service]") {
  factor_bench bench;
  bench.enrol();
  const identity ann = bench.caller(bench.recovery[0]);
  const auto end = [&](const std::string& password, const std::string& code) {
    return refusal_of([&] { bench.authenticator.end_second_factor(ann, password, code); });
  };
  CHECK(end("wrong", bench.recovery[1]) == refusal_code::forbidden);
  CHECK(end(bench.password_of("ann"), "123123") == unknown);
  CHECK(bench.login("") == refusal_code::code_needed);
  CHECK(end(bench.password_of("ann"), bench.recovery[1]) == fine);
  CHECK(bench.login("") == fine);
  bench.enrol();
  bench.authenticator.remove_second_factor("ann");
  CHECK(bench.login("") == fine);
  CHECK(refusal_of([&] { bench.authenticator.remove_second_factor("ann"); }) ==
        refusal_code::conflict);
}

TEST_CASE("secrets and recovery codes are not readable in the database", "[service]") {
  factor_bench bench;
  bench.enrol();
  bench.db.read([&](store::connection& on) {
    store::statement row = on.query("SELECT secret FROM second_factors");
    REQUIRE(row.step());
    CHECK_FALSE(holds(row.text(0), bench.secret));
    store::statement codes = on.query("SELECT hash FROM recovery_codes");
    while (codes.step()) {
      CHECK(codes.text(0).size() == 64);
    }
  });
}

TEST_CASE("the operator can want a second factor of all, or of administrators", "[service]") {
  factor_bench bench;
  const auto lacks = [&](const std::string& who) {
    const std::string token =
        bench.authenticator.login({who, bench.password_of(who), "10.0.0.1"}).access_token;
    return bench.authenticator.identify(token).lacks_second_factor;
  };
  CHECK_FALSE(lacks("ann"));
  bench.config.auth.second_factor = "admins";
  CHECK_FALSE(lacks("ann"));
  CHECK(lacks("chief"));
  bench.config.auth.second_factor = "everybody";
  CHECK(lacks("ann"));
  const session_tokens ann =
      bench.authenticator.login({"ann", bench.password_of("ann"), "10.0.0.1"});
  bench.secret =
      bench.authenticator.begin_second_factor(ann.caller, bench.password_of("ann")).secret;
  CHECK(bench.authenticator.identify(ann.access_token).lacks_second_factor);
  bench.recovery = bench.authenticator.confirm_second_factor(ann.caller, bench.code());
  CHECK_FALSE(bench.authenticator.identify(ann.access_token).lacks_second_factor); // at once
  CHECK(refusal_of([&] {
          bench.authenticator.end_second_factor(ann.caller, bench.password_of("ann"),
                                                bench.recovery[0]);
        }) == refusal_code::conflict);
}
