// SPDX-License-Identifier: Apache-2.0
#include <hanami/fleet/fleet.hpp>

#include <algorithm>
#include <cstdint>
#include <future>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>

#include "fleet_fixture.hpp"
#include "support/sample_clusters.hpp"

using namespace hanami;
using namespace hanami_test;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

} // namespace

TEST_CASE("a task tells how far it is and ends as its source does", "[executor]") {
  fleet f({.threads = 1, .block_samples = 8});
  cluster alone = small_cluster();
  const auto id = f.join(alone);

  SECTION("a dataset, several epochs") {
    std::vector<float> values;
    for (std::uint64_t n = 0; n < 40; ++n) {
      const sample s = sample_for(alone, n);
      values.insert(values.end(), s.input.begin(), s.input.end());
      values.insert(values.end(), s.target.begin(), s.target.end());
    }
    const table_dataset data({{"a"}, {"b"}, {"c"}, {"d"}, {"target"}}, values);
    const auto task = f.start(id, data, {.epochs = 3});
    CHECK(task.wait().samples == 120);
    CHECK(task.progress().done);
    CHECK(task.progress().samples == 120);
    CHECK(task.progress().length == 120);
    CHECK(task.progress().recent_loss > 0);
    alone.start_task(120);
    for (int epoch = 0; epoch < 3; ++epoch) {
      train_alone(alone, 0, 40);
    }
    CHECK(to_checkpoint(f.leave(id)) == to_checkpoint(alone));
  }
  SECTION("a dataset that does not fit is refused") {
    const table_dataset data({{"a"}, {"target"}}, {1, 2});
    CHECK(code_of([&] { f.start(id, data); }) == errc::invalid_argument);
  }
  SECTION("a dataset without samples is done at once") {
    const table_dataset data({{"a"}, {"b"}, {"c"}, {"d"}, {"target"}}, {});
    CHECK(f.start(id, data).wait().samples == 0);
  }
  SECTION("an endless stream after a task") {
    CHECK(f.start(id, stream_of(alone, 50), 50).wait().samples == 50);
    CHECK(f.start(id, stream_of(alone, 50)).wait().samples == 50);
    alone.start_task(50);
    train_alone(alone, 0, 50);
    alone.start_task(0);
    train_alone(alone, 0, 50);
    CHECK(to_checkpoint(f.leave(id)) == to_checkpoint(alone));
  }
  SECTION("samples that the cluster refuses are counted") {
    const auto task = f.start(id, [n = 0](std::span<float> input, std::span<float>) mutable {
      std::fill(input.begin(), input.end(), n % 3 == 0 ? infinity : 1.0f);
      return n++ < 30;
    });
    const auto result = task.wait();
    CHECK(result.samples == 20);
    CHECK(result.refused == 10);
    CHECK(result.first_error.find("infinite input") != std::string::npos);
  }
  SECTION("a source that throws ends its task and nothing else") {
    const auto task = f.start(id, [n = 0](auto, auto) mutable -> bool {
      if (n++ == 10) {
        throw std::runtime_error("the source broke");
      }
      return true;
    });
    CHECK_THROWS_WITH(task.wait(), "the source broke");
    CHECK(task.progress().samples == 10);
    CHECK(f.call(id, [](cluster& c) { return c.statistics().samples; }).get() == 10);
  }
  SECTION("cancelled from outside") {
    std::promise<void> under_way;
    const auto task = f.start(id, [&, n = 0](auto, auto) mutable {
      if (n++ == 20) {
        under_way.set_value();
      }
      return true;
    });
    under_way.get_future().wait();
    task.cancel();
    const auto result = task.wait();
    CHECK(result.cancelled);
    CHECK(result.samples > 20);
    f.drain();
  }
}
