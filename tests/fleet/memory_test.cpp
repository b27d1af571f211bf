// SPDX-License-Identifier: Apache-2.0
#include <hanami/fleet/fleet.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>

#include "fleet_fixture.hpp"
#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

namespace {

struct outcome {
  std::atomic<int> learned{0};
  std::atomic<int> refused{0};
};

/// Trains samples [first, last) of the cluster's stream and waits.
void train(fleet& f, member_id id, const cluster& like, std::uint64_t first, std::uint64_t last,
           outcome& to) {
  for (std::uint64_t n = first; n < last; ++n) {
    const sample s = sample_for(like, n);
    f.train(id, s.input, s.target, [&to](const train_result&, const std::exception_ptr& why) {
      if (!why) {
        ++to.learned;
        return;
      }
      try {
        std::rethrow_exception(why);
      } catch (const error& e) {
        to.refused += e.code() == errc::out_of_memory ? 1 : 0;
      }
    });
  }
  f.drain();
}

} // namespace

TEST_CASE("what finds no memory to grow is refused where the options say so", "[fleet]") {
  const cluster alone = busy_cluster();
  fleet f({.threads = 1, .memory_budget = 1, .when_memory_full = full_memory::refuse});
  const auto id = f.join(alone);
  outcome heard;
  train(f, id, alone, 0, 50, heard);
  CHECK(heard.learned <= 1); // the one that found out
  CHECK(heard.refused >= 49);
  const auto bytes = f.call(id, [](cluster& c) { return to_checkpoint(c); }).get();
  train(f, id, alone, 50, 60, heard);
  CHECK(f.call(id, [](cluster& c) { return to_checkpoint(c); }).get() == bytes);
}

TEST_CASE("members of a group stay within its memory, and others grow on", "[fleet]") {
  const cluster alone = busy_cluster();
  fleet f({.threads = 1, .when_memory_full = full_memory::refuse});
  const group_id poor{1};
  const auto first = f.join(alone, poor);
  const auto second = f.join(busy_cluster(2), poor);
  const auto free = f.join(busy_cluster(3));
  const std::size_t before = f.group_bytes(poor);
  CHECK(before == f.statistics(first).bytes + f.statistics(second).bytes);
  f.limit_group(poor, before);
  outcome of_poor;
  outcome of_free;
  train(f, first, alone, 0, 40, of_poor);
  train(f, free, alone, 0, 40, of_free);
  CHECK(of_poor.refused >= 39);
  CHECK(of_free.learned == 40);
  CHECK(f.call(first, [](cluster& c) { return c.statistics().bricks; }).get() == 0);
  CHECK(f.call(free, [](cluster& c) { return c.statistics().bricks; }).get() > 0);

  f.limit_group(poor, std::numeric_limits<std::size_t>::max());
  outcome again;
  train(f, first, alone, 0, 40, again);
  CHECK(again.learned == 40);
  CHECK(f.group_bytes(poor) == f.statistics(first).bytes + f.statistics(second).bytes);
  f.leave(first);
  CHECK(f.group_bytes(poor) == f.statistics(second).bytes);
  f.leave(second);
  CHECK(f.group_bytes(poor) == 0);
}

TEST_CASE("growth that others' memory has refused goes on after a checkpoint", "[fleet]") {
  const cluster alone = busy_cluster();
  fleet f({.threads = 1, .memory_budget = 1});
  const auto id = f.join(alone);
  outcome heard;
  train(f, id, alone, 0, 50, heard);
  CHECK(heard.learned == 50);
  const auto bytes = f.call(id, [](cluster& c) {
                        CHECK(c.refused_growth() > 0);
                        return to_checkpoint(c);
                      }).get();
  cluster later = from_checkpoint(bytes);
  CHECK(later.refused_growth() == 0);
  for (std::uint64_t n = 0; n < 10; ++n) {
    const sample s = sample_for(later, n);
    later.train(s.input, s.target);
  }
  CHECK(later.statistics().bricks > 0);
}

TEST_CASE("a guest's memory leaves its group less, and takes turns where memory is short",
          "[fleet]") {
  const cluster alone = busy_cluster();
  fleet f({.threads = 1, .memory_budget = 1, .when_memory_full = full_memory::refuse});
  const group_id poor{1};
  const member_id guest = f.join_guest(poor);
  const std::size_t without = f.statistics().bytes;
  f.set_guest_bytes(guest, 3000);
  f.set_guest_bytes(guest, 5000);
  CHECK(f.group_bytes(poor) == 5000);
  CHECK(f.statistics(guest).bytes == 5000);
  CHECK(f.statistics().guests == 1);
  CHECK(f.statistics().bytes == without); // which is of clusters
  std::atomic<int> turns{0};
  for (int i = 0; i < 5; ++i) {
    f.take_turn(guest, [&turns] { ++turns; });
  }
  f.drain();
  CHECK(turns == 5);
  CHECK(f.group_bytes(poor) == 5000);
  const member_id net = f.join(alone, poor);
  CHECK(f.group_bytes(poor) == 5000 + f.statistics(net).bytes);
  CHECK_THROWS_AS(f.set_guest_bytes(net, 1), error);
  f.leave_guest(guest);
  CHECK(f.statistics().members == 1);
  CHECK(f.statistics().guests == 0);
  CHECK(f.group_bytes(poor) == f.statistics(net).bytes);
  f.set_guest_bytes(guest, 1); // it has left
  f.leave(net);
  CHECK(f.group_bytes(poor) == 0);
}

TEST_CASE("clusters grow by what the guests of their group leave", "[fleet]") {
  const cluster alone = busy_cluster();
  fleet f({.threads = 1, .when_memory_full = full_memory::refuse});
  const group_id poor{1};
  const member_id guest = f.join_guest(poor);
  const member_id net = f.join(alone, poor);
  constexpr std::size_t most = std::size_t{64} << 20;
  f.limit_group(poor, most);
  f.set_guest_bytes(guest, most);
  outcome heard;
  train(f, net, alone, 0, 40, heard);
  CHECK(heard.refused >= 39);
  f.set_guest_bytes(guest, 0);
  outcome again;
  train(f, net, alone, 0, 40, again);
  CHECK(again.learned == 40);
}

TEST_CASE("a shared budget stops growth, never the fleet", "[executor]") {
  const auto control = four_threads();
  const std::size_t members = 6;
  const auto grown_bytes = [&](std::size_t budget, std::size_t threads, bool leave_some) {
    fleet f({.threads = threads, .block_samples = 20, .memory_budget = budget});
    std::vector<member_id> ids;
    for (std::uint64_t seed = 1; seed <= members; ++seed) {
      ids.push_back(f.join(busy_cluster(seed)));
    }
    const std::size_t at_first = f.statistics().bytes;
    const sample all = flat_samples(busy_cluster(), 0, 80);
    const auto train_all = [&] {
      for (const auto id : ids) {
        f.train_batch(id, all.input, all.target);
      }
      f.drain();
    };
    train_all();
    CHECK(f.statistics().trained == members * 80);
    if (leave_some) {
      for (int k = 0; k < 4; ++k) {
        f.leave(ids.back());
        ids.pop_back();
      }
      const std::size_t before = f.statistics().bytes;
      train_all();
      CHECK(f.statistics().bytes > before); // those that stay grow on in the room they left
    }
    return std::pair{at_first, f.statistics().bytes};
  };
  for (const std::size_t threads : {1U, 3U}) {
    const auto [first, free] = grown_bytes(std::numeric_limits<std::size_t>::max(), threads, false);
    REQUIRE(free > 2 * first);
    const std::size_t budget = (first + free) / 2;
    const auto bounded = grown_bytes(budget, threads, false).second;
    CHECK(bounded > first);
    CHECK(bounded < budget + budget / 20); // the activity of a sample is not foreseen
    grown_bytes(budget, threads, true);
  }
  fleet without({.threads = 1, .memory_budget = 1});
  const cluster c = busy_cluster();
  const auto id = without.join(c);
  const sample all = flat_samples(c, 0, 100);
  without.train_batch(id, all.input, all.target);
  CHECK(without.call(id, [](cluster& now) { return now.statistics().bricks; }).get() == 0);
  cluster again = without.leave(id);
  train_alone(again, 0, 10);
  CHECK(again.statistics().bricks > 0); // its own limit is back
}
