// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/clock.hpp>
#include <hanami/service/store/idempotency.hpp>

#include <atomic>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::store;
using service_test::refusal_of;

namespace {

constexpr auto running = refusal_code::in_progress;
constexpr auto reused = refusal_code::key_reused;

struct idempotency_bench {
  scratch_folder folder;
  database db{folder.path / "database"};

  void make_older(std::int64_t ms) {
    db.write([&](connection& on) { on.execute("UPDATE kept_answers SET at = at - ?", ms); });
  }
  std::optional<refusal_code> begin(const std::string& key, const std::string& print = "print") {
    return refusal_of([&] { begin_idempotent(db, "ann", key, print); });
  }
};

} // namespace

TEST_CASE("the same request gets the same answer", "[service]") {
  idempotency_bench bench;
  for (const std::string& text : service_test::nasty_texts) {
    REQUIRE_FALSE(begin_idempotent(bench.db, text, text, text));
    finish_idempotent(bench.db, text, text, {201, text});
    for (int i = 0; i < 2; ++i) {
      const auto kept = begin_idempotent(bench.db, text, text, text);
      REQUIRE(kept);
      REQUIRE(kept->status == 201);
      REQUIRE(kept->body == text);
    }
  }
  REQUIRE_FALSE(begin_idempotent(bench.db, "ann", "%", "print")); // keys of others are others
}

TEST_CASE("a key is of one request, and that runs once", "[service]") {
  idempotency_bench bench;
  REQUIRE_FALSE(begin_idempotent(bench.db, "ann", "key", "print"));
  REQUIRE(bench.begin("key") == running);
  REQUIRE(bench.begin("key", "other") == reused);
  finish_idempotent(bench.db, "ann", "key", {404, "no"});
  REQUIRE(bench.begin("key", "other") == reused);
  REQUIRE(begin_idempotent(bench.db, "ann", "key", "print")->status == 404);
  finish_idempotent(bench.db, "ann", "key", {200, "late"}); // the first answer stays
  REQUIRE(begin_idempotent(bench.db, "ann", "key", "print")->status == 404);
}

TEST_CASE("what failed, was given up or is old may begin again", "[service]") {
  idempotency_bench bench;
  REQUIRE_FALSE(begin_idempotent(bench.db, "ann", "key", "print"));
  forget_idempotent(bench.db, "ann", "key");
  REQUIRE_FALSE(begin_idempotent(bench.db, "ann", "key", "other"));
  bench.make_older(59'000);
  REQUIRE(bench.begin("key", "other") == running);
  bench.make_older(2'000);
  REQUIRE_FALSE(begin_idempotent(bench.db, "ann", "key", "other"));
  REQUIRE(bench.begin("key", "other") == running);
  finish_idempotent(bench.db, "ann", "key", {200, "yes"});
  bench.make_older(24 * 3600 * 1000 - 5000);
  clean_answers(bench.db);
  REQUIRE(begin_idempotent(bench.db, "ann", "key", "other"));
  bench.make_older(6000);
  REQUIRE_FALSE(begin_idempotent(bench.db, "ann", "key", "print"));
  bench.make_older(24 * 3600 * 1000);
  clean_answers(bench.db);
  finish_idempotent(bench.db, "ann", "key", {200, "nobody waits"});
  REQUIRE_FALSE(begin_idempotent(bench.db, "ann", "key", "other"));
}

TEST_CASE("of many at once, one begins", "[service]") {
  idempotency_bench bench;
  std::atomic<int> begun{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        begun += bench.begin(std::to_string(i)) == std::nullopt ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(begun == 5);
}
