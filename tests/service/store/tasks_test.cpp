// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/base/uuid.hpp>
#include <hanami/service/store/tasks.hpp>

#include <thread>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::store;
using service_test::refusal_of;

namespace {

task_row task_of(const std::string& cluster, const std::string& owner,
                 const std::string& name = "a") {
  task_row task;
  task.cluster_id = cluster;
  task.owner_id = owner;
  task.kind = "train";
  task.name = name;
  return task;
}

struct task_bench {
  scratch_folder folder;
  database db{folder.path / "database"};
  store::tasks tasks{db};
};

} // namespace

TEST_CASE("a task comes back as it was added and updated", "[service]") {
  task_bench bench;
  for (const std::string& text : service_test::nasty_texts) {
    task_row task = task_of(text, text, text);
    task.plan = R"({"name":")" + text + "\"}";
    task.total = 100;
    task.state = task_state::failed; // new tasks are queued
    task = bench.tasks.add(task, 1);
    REQUIRE(is_uuid(task.id));
    REQUIRE(task.state == task_state::queued);
    REQUIRE(task.queued_at > 0);
    task.state = task_state::failed;
    task.outcome = "{\"a\":1}";
    task.error = text;
    task.done = 50;
    task.total = 200;
    task.started_at = 5;
    task.ended_at = 6;
    bench.tasks.update(task);
    const task_row read = *bench.tasks.find(task.id);
    REQUIRE(read.sequence == task.sequence);
    REQUIRE(read.cluster_id == text);
    REQUIRE(read.kind == "train");
    REQUIRE(read.name == text);
    REQUIRE(read.owner_id == text);
    REQUIRE(read.state == task_state::failed);
    REQUIRE(read.plan == task.plan);
    REQUIRE(read.outcome == task.outcome);
    REQUIRE(read.error == text);
    REQUIRE(read.total == 200);
    REQUIRE(read.done == 50);
    REQUIRE(read.queued_at == task.queued_at);
    REQUIRE(read.started_at == 5);
    REQUIRE(read.ended_at == 6);
    REQUIRE(bench.tasks.list({text, text, {}}, {10, "", text}).total == 1);
    REQUIRE(bench.tasks.open().empty());
  }
  REQUIRE_FALSE(bench.tasks.find("' OR 1"));
}

TEST_CASE("an owner has so many open tasks", "[service]") {
  task_bench bench;
  task_row first = bench.tasks.add(task_of("c", "ann"), 2);
  bench.tasks.add(task_of("d", "ann"), 2);
  bench.tasks.add(task_of("d", "bob"), 2);
  const auto add = [&] { return refusal_of([&] { bench.tasks.add(task_of("c", "ann"), 2); }); };
  REQUIRE(add() == refusal_code::quota_exceeded);
  first.state = task_state::active;
  bench.tasks.update(first);
  REQUIRE(add() == refusal_code::quota_exceeded);
  first.state = task_state::aborted;
  bench.tasks.update(first);
  REQUIRE(add() == std::nullopt);
  task_row again = task_of("c", "bob");
  again.id = first.id;
  REQUIRE(refusal_of([&] { bench.tasks.add(again, 9); }) == refusal_code::conflict);
}

TEST_CASE("tasks are listed in their order, by cluster and owner", "[service]") {
  task_bench bench;
  std::vector<std::string> all;
  std::vector<std::string> of_first;
  std::vector<std::string> anns;
  for (int i = 0; i < 25; ++i) {
    const std::string cluster = i % 2 == 0 ? "first" : "second";
    const std::string owner = i % 3 == 0 ? "ann" : "bob";
    const std::string id = bench.tasks.add(task_of(cluster, owner), 100).id;
    all.push_back(id);
    if (i % 2 == 0) {
      of_first.push_back(id);
    }
    if (i % 3 == 0) {
      anns.push_back(id);
    }
  }
  const auto list = [&](const std::string& cluster, const std::string& owner) {
    std::vector<std::string> ids;
    page_request wanted{4, "", ""};
    do {
      const page<task_row> found = bench.tasks.list({cluster, owner, {}}, wanted);
      for (const task_row& task : found.rows) {
        ids.push_back(task.id);
      }
      wanted.after = found.next;
      if (found.next.empty()) {
        REQUIRE(found.total == ids.size());
      }
    } while (!wanted.after.empty());
    return ids;
  };
  REQUIRE(list("", "") == all);
  REQUIRE(list("first", "") == of_first);
  REQUIRE(list("", "ann") == anns);
  REQUIRE(list("first", "ann").size() == 5);
  REQUIRE(list("none", "").empty());
  REQUIRE(bench.tasks.list({}, {10, "", "b"}).total == 0);
  REQUIRE(refusal_of([&] { bench.tasks.list({}, {10, "x", ""}); }) == refusal_code::invalid_value);

  std::vector<std::string> open;
  for (const task_row& task : bench.tasks.open()) {
    open.push_back(task.id);
  }
  REQUIRE(open == all);
  bench.tasks.remove(all[1]);
  bench.tasks.remove_of_cluster("first");
  REQUIRE(bench.tasks.list({}, {}).total == 11);
}

TEST_CASE("tasks of many threads get numbers of their own", "[service]") {
  task_bench bench;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10; ++i) {
        bench.tasks.add(task_of("c", "ann"), 100);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  const std::vector<task_row> open = bench.tasks.open();
  REQUIRE(open.size() == 40);
  for (std::size_t i = 0; i < open.size(); ++i) {
    REQUIRE(open[i].sequence == i + 1);
  }
}

TEST_CASE("open tasks hold what their plan uses, not what it is named after", "[service]") {
  task_bench bench;
  const std::string used = new_uuid();
  const std::string named = new_uuid();
  task_row task = task_of("c", "ann", named);
  task.plan = R"({"name":")" + named + R"(","inputs":[{"input":"a","dataset_id":")" + used +
              R"(","columns":[")" + named + R"("],"classes":[[")" + named +
              R"("]]}],"results":[{"output":"b","name":")" + named + R"("}]})";
  task = bench.tasks.add(task, 1);
  REQUIRE(bench.tasks.mentions(used));
  REQUIRE_FALSE(bench.tasks.mentions(named));
  REQUIRE_FALSE(bench.tasks.mentions(used.substr(0, 35)));
  REQUIRE_FALSE(bench.tasks.mentions("%"));
  task.state = task_state::active;
  bench.tasks.update(task);
  REQUIRE(bench.tasks.mentions(used));
  task.state = task_state::finished;
  bench.tasks.update(task);
  REQUIRE_FALSE(bench.tasks.mentions(used));
}
