// SPDX-License-Identifier: Apache-2.0
#include <random>

#include <hanami/foundation/error.hpp>
#include <hanami/io/file.hpp>

#include <catch2/catch.hpp>

#include "service/support/child_process.hpp"
#include "service/support/engine_fixture.hpp"

using namespace engine_test;
using engine::task_kind;
using store::task_state;

namespace {

std::vector<std::byte> after_direct(std::size_t samples) {
  hanami::cluster net = fresh_cluster();
  for (std::size_t i = 0; i < samples; ++i) {
    learn(net, sample_of(i));
  }
  return hanami::to_checkpoint(net);
}

std::vector<std::byte> after_task(std::size_t rows, std::size_t epochs) {
  hanami::cluster net = fresh_cluster();
  net.start_task(rows * epochs);
  for (std::size_t i = 0; i < rows * epochs; ++i) {
    learn(net, sample_of(i % rows));
  }
  net.start_task(0);
  return hanami::to_checkpoint(net);
}

/// Forks where no thread is: without oneTBB's, that is with one thread.
void configure(service::server_config& config, std::chrono::seconds snapshot_interval) {
  config.engine.threads = 1;
  config.engine.snapshot_interval = snapshot_interval;
}

void one_thread(service::server_config& config) { config.engine.threads = 1; }

} // namespace

TEST_CASE("what was acknowledged survives a kill, to the bit", "[service]") {
  const std::chrono::seconds interval(GENERATE(0, 60));
  const bool encrypted = interval.count() == 0;
  const scratch_folder folder;
  std::mt19937 random(7);
  std::string id;
  {
    const engine_fixture fixture(folder.path, encrypted, one_thread);
    id = fixture.create();
  }
  std::uint64_t trained = 0;
  for (int round = 0; round < 5; ++round) {
    std::uint64_t acknowledged = trained;
    {
      child_process process([&](const child_process::reporter& report) {
        const engine_fixture fixture(folder.path, encrypted,
                                     [&](auto& config) { configure(config, interval); });
        for (std::uint64_t i = trained;; ++i) {
          const sample s = sample_of(i);
          fixture->train(fixture.cluster(id), "anna", s.input, s.target,
                         [&report, i](const auto&, const std::exception_ptr& trouble) {
                           if (!trouble) {
                             report(i + 1);
                           }
                         });
          if (i % 16 == 15) {
            fixture->statistics(fixture.cluster(id)); // comes after all of them
          }
        }
      });
      for (auto wait = 200 + random() % 2000; wait > 0; --wait) {
        acknowledged = process.next().value();
      }
      process.kill();
      while (const auto last = process.next()) {
        acknowledged = *last;
      }
    }
    const engine_fixture fixture(folder.path, encrypted,
                                 [&](auto& config) { configure(config, interval); });
    trained = fixture->statistics(fixture.cluster(id)).samples;
    REQUIRE(trained >= acknowledged);
    REQUIRE(trained <= acknowledged + 1); // one may have been on the way to its acknowledgement
    REQUIRE(fixture.state_of(id) == after_direct(trained));
  }
}

TEST_CASE("a training task that was killed several times ends as if it had not been", "[service]") {
  const std::chrono::seconds interval(GENERATE(0, 60));
  constexpr std::size_t rows = 3000;
  constexpr std::size_t epochs = 8;
  const scratch_folder folder;
  std::string id;
  std::string task;
  {
    const engine_fixture fixture(folder.path, false, one_thread);
    id = fixture.create();
    fixture.add_samples(rows);
  }
  for (int round = 0; round < 4; ++round) {
    child_process process([&](const child_process::reporter& report) {
      const engine_fixture fixture(folder.path, false,
                                   [&](auto& config) { configure(config, interval); });
      std::string current = task;
      if (current.empty()) {
        const auto data = fixture.resources->all(store::resource_kind::dataset).at(0).id;
        auto plan = fixture.plan(task_kind::train, id, data);
        plan.epochs = epochs;
        current = fixture->start_task(fixture.ann, plan).row.id;
      }
      for (;;) {
        report(fixture->task(fixture.ann, current).row.done);
      }
    });
    const std::uint64_t enough = rows * epochs * static_cast<std::uint64_t>(round + 1) / 6;
    while (process.next().value() < enough) {
    }
    process.kill();
    store::database db(folder.path / "database");
    task = store::tasks(db).open().at(0).id;
  }
  {
    const engine_fixture fixture(folder.path, false,
                                 [&](auto& config) { configure(config, interval); });
    const auto ended = fixture.wait_end(task).row;
    CHECK(ended.state == task_state::finished);
    CHECK(ended.done == rows * epochs);
    CHECK(fixture.state_of(id) == after_task(rows, epochs));
    // Its losses, too, are those of one that was never killed.
    const auto data = fixture.resources->all(store::resource_kind::dataset).at(0).id;
    auto plan = fixture.plan(task_kind::train, fixture.create(), data);
    plan.epochs = epochs;
    const auto undisturbed = fixture.run(plan).row.outcome;
    CHECK(undisturbed.find("final_loss") != std::string::npos);
    CHECK(ended.outcome == undisturbed);
  }
}

TEST_CASE("a task and direct training together come back in their order", "[service]") {
  constexpr std::size_t rows = 4000;
  const scratch_folder folder;
  std::string id;
  {
    const engine_fixture fixture(folder.path, false, one_thread);
    id = fixture.create();
    fixture.add_samples(rows);
  }
  std::uint64_t acknowledged = 0;
  {
    child_process process([&](const child_process::reporter& report) {
      const engine_fixture fixture(
          folder.path, false, [](auto& config) { configure(config, std::chrono::seconds(60)); });
      auto plan = fixture.plan(task_kind::train, id,
                               fixture.resources->all(store::resource_kind::dataset).at(0).id);
      plan.epochs = 1000;
      const std::string task = fixture->start_task(fixture.ann, plan).row.id;
      fixture.wait(task, [](const engine::task_view& view) { return view.row.done > 0; });
      for (std::uint64_t i = 0;; ++i) {
        fixture.train(id, sample_of(i + 5));
        report(i + 1);
      }
    });
    while (acknowledged < 200) {
      acknowledged = process.next().value();
    }
    process.kill();
    while (const auto last = process.next()) {
      acknowledged = *last;
    }
  }

  // What the journal says was learned, learned alone.
  hanami::cluster alone = fresh_cluster();
  std::uint64_t direct = 0;
  std::uint64_t from_task = 0;
  std::uint64_t turns = 0;
  engine::read_journal(
      folder.path / "data" / "clusters" / id / "journal-0", 0, {},
      [&](const engine::journal_record& record) {
        if (const auto* one = std::get_if<engine::journal_sample>(&record)) {
          CHECK(one->input == sample_of(direct + 5).input);
          ++direct;
          learn(alone, {one->input, one->target});
        } else if (const auto* begin = std::get_if<engine::journal_begin>(&record)) {
          alone.start_task(begin->anneal_over);
        } else if (const auto* slice = std::get_if<engine::journal_rows>(&record)) {
          CHECK(slice->first == from_task);
          ++turns;
          for (std::uint64_t i = 0; i < slice->count; ++i) {
            learn(alone, sample_of(from_task++ % rows));
          }
        }
        return true;
      });
  CHECK(direct >= acknowledged);
  CHECK(turns > 2); // they took turns

  const engine_fixture fixture(folder.path, false,
                               [](auto& config) { configure(config, std::chrono::seconds(60)); });
  const std::string task = fixture->list_tasks(fixture.ann, id, {}).rows.at(0).row.id;
  const auto ended = fixture->abort(fixture.ann, task);
  REQUIRE(ended.row.state == task_state::aborted);
  REQUIRE(ended.row.done >= from_task);
  for (; from_task < ended.row.done; ++from_task) {
    learn(alone, sample_of(from_task % rows));
  }
  alone.start_task(0);
  CHECK(fixture.state_of(id) == hanami::to_checkpoint(alone));
}

TEST_CASE("tasks go on after an orderly restart, in their order", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  const std::string data = fixture.add_samples(2000);
  auto train = fixture.plan(task_kind::train, id, data);
  train.epochs = 20;
  const auto first = fixture->start_task(fixture.ann, train).row.id;
  const auto second =
      fixture->start_task(fixture.ann, fixture.plan(task_kind::request, id, data)).row;
  const auto third = fixture->start_task(fixture.ann, fixture.plan(task_kind::save, id)).row;
  for (int round = 0; round < 3; ++round) {
    const auto before = fixture->task(fixture.ann, first).row;
    fixture.wait(first,
                 [&](const auto& v) { return v.row.done > before.done || v.row.ended_at != 0; });
    fixture.open_again();
    CHECK(fixture->task(fixture.ann, first).row.started_at != 0);
  }
  CHECK(fixture.wait_end(third.id).row.state == task_state::finished);
  CHECK(fixture->task(fixture.ann, first).row.state == task_state::finished);
  CHECK(fixture->task(fixture.ann, second.id).row.state == task_state::finished);
  CHECK(fixture.checkpoint(third.id) == after_task(2000, 20));
  CHECK(fixture.values_of(second.id).size() == 2000);
}

TEST_CASE("a cluster is written in full when its journal has grown, and by and by", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path, false, [](auto& config) {
    config.engine.journal_bytes = 2000;
    config.engine.sync_journal = true;
  });
  const std::string id = fixture.create();
  std::size_t trained = 0;
  while (fixture->statistics().snapshots < 3) {
    fixture.train(id, sample_of(trained++));
  }
  CHECK(fixture->statistics().journal_bytes > 0);
  fixture->snapshot_all();
  const auto place = fixture.config.data / "clusters" / id;
  CHECK(std::distance(std::filesystem::directory_iterator(place), {}) == 1); // no journal
  CHECK(fixture.state_of(id) == after_direct(trained));
  fixture.open_again();
  CHECK(fixture.state_of(id) == after_direct(trained));
}

TEST_CASE("what is left of clusters that never were is removed; a damaged one hurts no other",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string good = fixture.create();
  const std::string bad = fixture.create();
  const std::string data = fixture.add_samples(100);
  auto plan = fixture.plan(task_kind::train, bad, data);
  plan.epochs = 1'000'000;
  const auto task = fixture->start_task(fixture.ann, plan).row.id;
  fixture.close();
  const auto clusters = fixture.config.data / "clusters";
  std::filesystem::create_directory(clusters / service::new_uuid());
  for (const auto& file : std::filesystem::directory_iterator(clusters / bad)) {
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) / 2);
  }
  fixture.open();
  CHECK(std::distance(std::filesystem::directory_iterator(clusters), {}) == 2);
  fixture.train(good, sample_of(0));
  CHECK(refusal_of([&] { fixture.train(bad, sample_of(0)); }) == refusal_code::damaged);
  const auto failed = fixture->task(fixture.ann, task);
  CHECK(failed.row.state == task_state::failed);
  CHECK(!failed.row.error.empty());
  fixture->remove(fixture.ann, bad);
  CHECK(std::distance(std::filesystem::directory_iterator(clusters), {}) == 1);
}

TEST_CASE("an aborted task whose end was not written down any more ends after a restart",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  auto plan = fixture.plan(task_kind::train, id, fixture.add_samples(500));
  plan.epochs = 1'000'000;
  const auto task = fixture->start_task(fixture.ann, plan).row.id;
  fixture.wait(task, [](const auto& v) { return v.row.done > 0; });
  auto row = fixture->abort(fixture.ann, task).row;
  const auto state = fixture.state_of(id);
  row.state = task_state::active; // as it was before
  row.ended_at = 0;
  fixture.tasks->update(row);
  fixture.open_again();
  const auto view = fixture.wait_end(task);
  CHECK(view.row.state == task_state::aborted);
  CHECK(view.row.done == row.done);
  CHECK(fixture.state_of(id) == state);
}

TEST_CASE("where a journal cannot be written nothing is acknowledged until a snapshot is",
          "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string id = fixture.create();
  CHECK(fixture.state_of(id) == after_direct(0)); // it is in memory now
  std::filesystem::create_directory(fixture.config.data / "clusters" / id / "journal-0");
  constexpr auto no_space = refusal_code::no_space;
  CHECK(refusal_of([&] { fixture.train(id, sample_of(0)); }) == no_space);
  std::size_t trained = 1; // it was learned all the same
  while (fixture->statistics().snapshots == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  fixture.train(id, sample_of(trained++));
  const auto state = fixture.state_of(id);
  CHECK(state == after_direct(trained));
  fixture.open_again();
  CHECK(fixture.state_of(id) == state);
}
