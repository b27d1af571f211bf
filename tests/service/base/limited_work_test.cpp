// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/limited_work.hpp>

#include <catch2/catch.hpp>

#include <deque>
#include <functional>
#include <stdexcept>
#include <string>

using hanami::service::limited_work;

namespace {

/// Keeps what it is given until it is told to do it.
struct held_work {
  std::deque<std::function<void()>> given;

  limited_work::executor executor() {
    return [this](std::function<void()> work) { given.push_back(std::move(work)); };
  }
  void do_one() {
    const auto work = std::move(given.front());
    given.pop_front();
    work();
  }
};

} // namespace

TEST_CASE("only a little of a flood is done at a time, in its order, and only so much waits",
          "[service]") {
  held_work threads;
  limited_work queue(2, 3);
  std::string done;
  const auto post = [&](char name) {
    return queue.post(threads.executor(), [&done, name] { done += name; });
  };
  for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
    CHECK(post(name));
  }
  CHECK_FALSE(post('f'));
  CHECK(threads.given.size() == 2);
  threads.do_one();
  CHECK(done == "a");
  CHECK(threads.given.size() == 2); // the next has its turn
  CHECK(post('g'));
  while (!threads.given.empty()) {
    threads.do_one();
    CHECK(threads.given.size() <= 2);
  }
  CHECK(done == "abcdeg");
  CHECK(post('h'));
  CHECK(threads.given.size() == 1);
  threads.do_one();
}

TEST_CASE("work that throws gives its place back", "[service]") {
  held_work threads;
  limited_work queue(1, 1);
  bool done = false;
  CHECK(queue.post(threads.executor(), [] { throw std::runtime_error("broken"); }));
  CHECK(queue.post(threads.executor(), [&] { done = true; }));
  CHECK_THROWS_AS(threads.do_one(), std::runtime_error);
  threads.do_one();
  CHECK(done);
}
