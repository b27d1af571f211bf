// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/runtime.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <semaphore>
#include <stdexcept>
#include <thread>

#include <catch2/catch.hpp>

#include "../support/runtime_fixture.hpp"

using namespace hanami::service;
using namespace std::chrono_literals;

TEST_CASE("work that is due once is done once", "[service]") {
  quiet_runtime common;
  std::counting_semaphore<> done(0);
  timed_work once(common.timer, [&] { done.release(); });
  REQUIRE_FALSE(done.try_acquire_for(20ms)); // nobody has set it
  for (int i = 0; i < 3; ++i) {
    once.set(1ms);
    done.acquire();
    REQUIRE_FALSE(done.try_acquire_for(5ms));
  }
}

TEST_CASE("of two times at which work is due the sooner counts", "[service]") {
  quiet_runtime common;
  std::counting_semaphore<> done(0);
  timed_work once(common.timer, [&] { done.release(); });
  once.set(1h);
  once.set(0ms);
  done.acquire();
  once.set(0ms);
  once.set(1h);
  done.acquire();
}

TEST_CASE("work with a period is done again and again until it is unset", "[service]") {
  quiet_runtime common;
  std::counting_semaphore<> done(0);
  timed_work regular(common.timer, [&] { done.release(); });
  regular.every(2ms);
  for (int i = 0; i < 10; ++i) {
    done.acquire();
  }
  regular.unset();
  REQUIRE(regular.due() == timed_work::clock::time_point::max());
  while (done.try_acquire()) { // what has been done meanwhile
  }
  done.try_acquire_for(20ms); // what was on its way
  REQUIRE_FALSE(done.try_acquire_for(20ms));
}

TEST_CASE("the period of timed work is never nothing", "[service]") {
  quiet_runtime common;
  timed_work never(common.timer, [] {});
  REQUIRE_THROWS_AS(never.every(0ms), hanami::error);
  REQUIRE_THROWS_AS(never.every(-1ms), hanami::error);
}

TEST_CASE("timed work is never done twice at a time", "[service]") {
  quiet_runtime common;
  std::atomic<int> at_work{0};
  std::atomic<int> most{0};
  std::counting_semaphore<> done(0);
  timed_work slow(common.timer, [&] {
    most = std::max(most.load(), ++at_work);
    std::this_thread::sleep_for(5ms);
    --at_work;
    done.release();
  });
  slow.every(1ms);
  for (int i = 0; i < 20; ++i) {
    slow.set(0ms);
    done.acquire();
  }
  REQUIRE(most == 1);
}

TEST_CASE("timed work that sets itself is done once more", "[service]") {
  quiet_runtime common;
  std::latch done(4);
  timed_work* self = nullptr;
  timed_work again(common.timer, [&] {
    if (!done.try_wait()) {
      self->set(0ms);
      done.count_down();
    }
  });
  self = &again;
  again.set(0ms);
  done.wait();
}

TEST_CASE("timed work set while it is done is done again after that", "[service]") {
  quiet_runtime common;
  std::binary_semaphore begun(0);
  std::binary_semaphore may_end(0);
  timed_work slow(common.timer, [&] {
    begun.release();
    may_end.acquire();
  });
  slow.set(0ms);
  begun.acquire();
  slow.set(0ms);
  may_end.release();
  begun.acquire();
  may_end.release();
}

TEST_CASE("the end of timed work waits for it", "[service]") {
  quiet_runtime common;
  std::binary_semaphore begun(0);
  std::atomic<bool> ended{false};
  auto slow = std::make_unique<timed_work>(common.timer, [&] {
    begun.release();
    std::this_thread::sleep_for(20ms);
    ended = true;
  });
  slow->set(0ms);
  begun.acquire();
  slow.reset();
  REQUIRE(ended);
}

TEST_CASE("timed work that throws is done again", "[service]") {
  quiet_runtime common;
  std::counting_semaphore<> done(0);
  timed_work broken(common.timer, [&] {
    done.release();
    throw std::runtime_error("nothing works");
  });
  broken.every(1ms);
  for (int i = 0; i < 3; ++i) {
    done.acquire();
  }
}

TEST_CASE("work of the same period is due together", "[service]") {
  quiet_runtime common;
  timed_work one(common.timer, [] {});
  timed_work other(common.timer, [] {});
  timed_work later(common.timer, [] {});
  REQUIRE(one.due() == timed_work::clock::time_point::max());
  one.every(1h);
  std::this_thread::sleep_for(3ms);
  other.every(1h);
  later.every(3h);
  REQUIRE(one.due() == other.due());
  REQUIRE(later.due() - one.due() == 2h);
}
