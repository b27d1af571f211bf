// SPDX-License-Identifier: Apache-2.0
#include <hanami/fleet/fleet.hpp>

#include <memory>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#if HANAMI_POSIX

#include <sys/wait.h>
#include <unistd.h>

#include <hanami/template/one_hexagon.hpp>

#include "support/skip.hpp"

using namespace hanami;

namespace {

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#elif defined(__has_feature)
constexpr bool sanitized = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
constexpr bool sanitized = false;
#endif

/// Sanitizers keep locks of their own, which a thread may hold at the moment of a fork.
bool cannot_fork() {
  if (sanitized) {
    hanami_test::skip("a sanitizer cannot fork a program with threads");
  }
  return sanitized;
}

bool refuses(const auto& call) {
  try {
    call();
  } catch (const error& failure) {
    return failure.code() == errc::invalid_argument;
  }
  return false;
}

/// What `body` gives in a child, which has 20 seconds for it; -1 if it does not come back.
int in_child(const auto& body) {
  const ::pid_t child = ::fork();
  if (child == 0) {
    ::alarm(20);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

TEST_CASE("a child that was forked beside a fleet can use and destroy it without waiting for ever",
          "[fleet]") {
  if (cannot_fork()) {
    return;
  }
  auto shared = std::make_unique<fleet>();
  const member_id member = shared->join(one_hexagon(1, 1, output_kind::linear));
  const std::vector<float> one{1};
  // Busy while the processes part: its threads hold its locks now and then.
  const training_task task =
      shared->start(member, [](std::span<float> input, std::span<float> target) {
        input[0] = target[0] = 1;
        return true;
      });
  for (int round = 0; round < 8; ++round) {
    REQUIRE(in_child([&] {
              const bool refused = refuses([&] { shared->train(member, one, one); }) &&
                                   refuses([&] { shared->infer(member, one); }) &&
                                   refuses([&] { shared->drain(); }) &&
                                   refuses([&] { shared->leave(member); }) &&
                                   refuses([&] { static_cast<void>(shared->statistics()); }) &&
                                   refuses([&] { task.wait(); });
              shared.reset();
              return refused ? 0 : 1;
            }) == 0);
  }
  task.cancel();
  shared->drain();
  CHECK(shared->infer(member, one).get().size() == 1);
}

TEST_CASE("a child of a program with a fleet makes a fleet of its own", "[fleet]") {
  if (cannot_fork()) {
    return;
  }
  fleet parent;
  const member_id member = parent.join(one_hexagon(1, 1, output_kind::linear));
  const std::vector<float> one{1};
  parent.train(member, one, one).get();
  REQUIRE(in_child([&] {
            fleet_options alone;
            alone.threads = 1; // oneTBB's workers stayed with the parent
            fleet own(alone);
            const member_id here = own.join(one_hexagon(1, 1, output_kind::linear));
            own.train(here, one, one).get();
            return own.infer(here, one).get().size() == 1 ? 0 : 1;
          }) == 0);
  CHECK(parent.infer(member, one).get().size() == 1);
}

#endif
