// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/worker_pool.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami::service;

namespace {

struct pool_bench {
  explicit pool_bench(std::size_t requests) { pool.emplace(requests, log); }

  static server_config config_of(const std::filesystem::path& folder) {
    server_config made;
    made.log_file = folder / "log";
    return made;
  }
  std::string logged() const {
    std::ifstream from(folder.path / "log");
    return {std::istreambuf_iterator<char>(from), {}};
  }

  scratch_folder folder;
  logger log{config_of(folder.path)};
  std::optional<worker_pool> pool;
};

} // namespace

TEST_CASE("requests that wait for upkeep leave it a thread", "[service]") {
  pool_bench bench(2);
  std::latch done(1);
  std::atomic<int> ended{0};
  {
    work_group requests(*bench.pool, work_kind::request);
    for (int i = 0; i < 10; ++i) {
      requests.post([&] {
        done.wait();
        ++ended;
      });
    }
    bench.pool->post(work_kind::upkeep, [&] { done.count_down(); });
  }
  REQUIRE(ended == 10);
}

TEST_CASE("so many requests are worked on at a time and no more", "[service]") {
  pool_bench bench(3);
  std::mutex mutex;
  std::condition_variable changed;
  int at_work = 0;
  int most = 0;
  work_group requests(*bench.pool, work_kind::request);
  for (int i = 0; i < 30; ++i) {
    requests.post([&] {
      std::unique_lock lock(mutex);
      most = std::max(most, ++at_work);
      changed.notify_all();
      changed.wait(lock, [&] { return most == 3; }); // else nobody goes on
      --at_work;
    });
  }
  requests.drain();
  REQUIRE(most == 3);
}

TEST_CASE("the pool's end does all that was posted, and what that posts", "[service]") {
  pool_bench bench(2);
  worker_pool& pool = *bench.pool;
  std::atomic<int> done{0};
  for (int i = 0; i < 50; ++i) {
    pool.post(work_kind::request, [&] {
      ++done;
      pool.post(work_kind::upkeep, [&] { ++done; });
    });
  }
  bench.pool.reset();
  REQUIRE(done == 100);
}

TEST_CASE("what work throws goes to the log, and the thread goes on", "[service]") {
  pool_bench bench(1);
  work_group group(*bench.pool, work_kind::upkeep);
  group.post([] { throw std::runtime_error("the shovel broke"); });
  group.post([] { throw 5; });
  group.drain();
  std::atomic<bool> reached{false};
  group.post([&] { reached = true; });
  bench.pool.reset();
  REQUIRE(reached);
  REQUIRE(bench.logged().find("error: work: the shovel broke\n") != std::string::npos);
  REQUIRE(bench.logged().find("error: work: an exception of an unknown type\n") !=
          std::string::npos);
}

TEST_CASE("a group that is closed has done its work and takes no more", "[service]") {
  pool_bench bench(2);
  const auto token = std::make_shared<int>(1);
  std::atomic<int> done{0};
  work_group group(*bench.pool, work_kind::request);
  for (int i = 0; i < 20; ++i) {
    REQUIRE(group.post([&, token] { ++done; }));
  }
  group.close();
  REQUIRE(done == 20);
  REQUIRE(token.use_count() == 1); // what the work held is gone, too
  REQUIRE_FALSE(group.post([&] { ++done; }));
  bench.pool.reset();
  REQUIRE(done == 20);
}
