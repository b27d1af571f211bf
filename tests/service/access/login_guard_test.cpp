// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/login_guard.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami::service;
using hanami::service::access::detail::login_guard;
using namespace std::chrono_literals;

namespace {

const login_guard::time start = login_guard::time{} + 1000h;

/// Seconds to wait that the `refusal` names that `work` ends in; 0: none.
template <class Work>
unsigned wait_of(Work&& work) {
  try {
    work();
  } catch (const refusal& why) {
    REQUIRE(why.code() == refusal_code::too_many_requests);
    return why.retry_after_s;
  }
  return 0;
}

struct guard_bench {
  auth_settings settings;
  login_guard guard{settings};

  unsigned come(const std::string& address, login_guard::time now) {
    return wait_of([&] { guard.come(address, now); });
  }
  unsigned fail(const std::string& user, login_guard::time now,
                const std::string& address = "10.0.0.1") {
    return wait_of([&] { login_guard::attempt(guard, user, address, now).failed(now); });
  }
  unsigned succeed(const std::string& user, login_guard::time now,
                   const std::string& address = "10.0.0.1") {
    return wait_of([&] { login_guard::attempt(guard, user, address, now).succeeded(); });
  }
};

} // namespace

TEST_CASE("an address comes so often", "[service]") {
  guard_bench bench;
  bench.settings.logins_per_second = 0.5;
  REQUIRE(bench.come("10.0.0.1", start) == 0);
  REQUIRE(bench.come("10.0.0.1", start) == 2);
  REQUIRE(bench.come("10.0.0.2", start) == 0);
  REQUIRE(bench.come("10.0.0.1", start + 1s) == 1);
  REQUIRE(bench.come("10.0.0.1", start + 2s) == 0);
  REQUIRE(bench.come("10.0.0.1", start + 2s) == 2);
  bench.settings.logins_per_second = 5;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(bench.come("10.0.0.3", start) == 0);
  }
  REQUIRE(bench.come("10.0.0.3", start) == 1);
  bench.guard.clean(start + 1h);
  REQUIRE(bench.come("10.0.0.3", start + 1h) == 0);
}

TEST_CASE("an address is what one client can have", "[service]") {
  guard_bench bench;
  bench.settings.logins_per_second = 0.5;
  REQUIRE(bench.come("2001:db8::1", start) == 0);
  REQUIRE(bench.come("2001:db8::ffff:2", start) > 0); // the same /64
  REQUIRE(bench.come("2001:db8:0:1::1", start) == 0);
  REQUIRE(bench.come("fe80::1%eth0", start) == 0);
  REQUIRE(bench.come("fe80::2%eth1", start) > 0);
  REQUIRE(bench.come("10.1.1.1", start) == 0);
  REQUIRE(bench.come("::ffff:10.1.1.1", start) > 0);
  REQUIRE(bench.come("::ffff:10.1.1.2", start) == 0);
  REQUIRE(bench.come("", start) == 0);
  REQUIRE(bench.come("", start) > 0);
}

TEST_CASE("a flood of addresses shares what is left", "[service]") {
  guard_bench bench;
  bench.settings.logins_per_second = 0.5;
  unsigned refused = 0;
  for (int i = 0; i < 30'000; ++i) {
    refused += bench.come(std::to_string(i), start) > 0 ? 1u : 0u;
  }
  REQUIRE(refused == 9'999);           // one of them got what there was for all others
  REQUIRE(bench.come("5", start) > 0); // who was there before is still known
  REQUIRE(bench.come("new", start + 10s) == 0);
}

TEST_CASE("a user who fails in a row is locked out, right or wrong", "[service]") {
  guard_bench bench;
  bench.settings.failed_logins = 3;
  bench.settings.lockout = 60s;
  REQUIRE(bench.fail("ann", start) == 0);
  REQUIRE(bench.fail("ann", start) == 0);
  REQUIRE(bench.succeed("ann", start) == 0); // and so the row begins anew
  for (int i = 0; i < 3; ++i) {
    REQUIRE(bench.fail("ann", start + 10s) == 0);
  }
  REQUIRE(bench.succeed("ann", start + 10s) == 60);
  REQUIRE(bench.fail("ann", start + 50s) == 20);
  REQUIRE(bench.succeed("bob", start + 50s) == 0);
  bench.guard.clean(start + 50s);
  REQUIRE(bench.succeed("ann", start + 69s) == 1);
  REQUIRE(bench.succeed("ann", start + 70s) == 0);

  // Failures of long ago are forgotten.
  REQUIRE(bench.fail("eve", start) == 0);
  REQUIRE(bench.fail("eve", start) == 0);
  REQUIRE(bench.fail("eve", start + 61s) == 0);
  REQUIRE(bench.succeed("eve", start + 61s) == 0);
}

TEST_CASE("a stranger's failures lock a user out of the stranger's network alone", "[service]") {
  guard_bench bench;
  bench.settings.failed_logins = 2;
  REQUIRE(bench.fail("ann", start, "2001:db8::1") == 0);
  REQUIRE(bench.fail("ann", start, "2001:db8::2") == 0); // the same network
  REQUIRE(bench.succeed("ann", start, "2001:db8::3") > 0);
  REQUIRE(bench.succeed("ann", start, "2001:db8:0:1::1") == 0);
  REQUIRE(bench.succeed("ann", start, "10.0.0.1") == 0);
}

TEST_CASE("tries at the same time are no more than tries in a row", "[service]") {
  guard_bench bench;
  bench.settings.failed_logins = 4;
  std::atomic<int> tried{0};
  std::atomic<int> refused{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&] {
      try {
        login_guard::attempt attempt(bench.guard, "ann", "10.0.0.1", start);
        ++tried;
        std::this_thread::yield();
        attempt.failed(start);
      } catch (const refusal&) {
        ++refused;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(tried == 4);
  REQUIRE(refused == 8);

  // Those that succeed only wait for each other; those that end in nothing count for nothing.
  std::atomic<int> good{0};
  threads.clear();
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&, t] {
      login_guard::attempt attempt(bench.guard, "bob", "10.0.0.1", start);
      if (t % 2 == 0) {
        attempt.succeeded();
      }
      ++good;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(good == 12);
}
