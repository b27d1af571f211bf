// SPDX-License-Identifier: Apache-2.0
#include <random>

#include <hanami/foundation/error.hpp>
#include <hanami/io/file.hpp>
#include <hanami/template/parser.hpp>

#include <catch2/catch.hpp>

#include "service/support/child_process.hpp"
#include "service/support/engine_fixture.hpp"

using namespace engine_test;
using engine::task_kind;
using store::task_state;

namespace {

hanami::cluster fresh_cluster() { return hanami::cluster(hanami::parse_template(two_by_two)); }

void learn(hanami::cluster& net, const sample& s) {
  net.train(std::span<const float>(s.input), s.target);
}

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
    const engine_house house(folder.path, encrypted, one_thread);
    id = house.create();
  }
  std::uint64_t trained = 0;
  for (int round = 0; round < 5; ++round) {
    std::uint64_t acknowledged = trained;
    {
      victim process([&](const victim::teller& tell) {
        const engine_house house(folder.path, encrypted,
                                 [&](auto& config) { configure(config, interval); });
        for (std::uint64_t i = trained;; ++i) {
          const sample s = sample_of(i);
          house->train(id, "anna", s.input, s.target,
                       [&tell, i](const auto&, const std::exception_ptr& trouble) {
                         if (!trouble) {
                           tell(i + 1);
                         }
                       });
          if (i % 16 == 15) {
            house->statistics(id); // comes after all of them
          }
        }
      });
      for (auto wait = 200 + random() % 2000; wait > 0; --wait) {
        acknowledged = process.hear().value();
      }
      process.kill();
      while (const auto last = process.hear()) {
        acknowledged = *last;
      }
    }
    const engine_house house(folder.path, encrypted,
                             [&](auto& config) { configure(config, interval); });
    trained = house->statistics(id).samples;
    REQUIRE(trained >= acknowledged);
    REQUIRE(trained <= acknowledged + 1); // one may have been on the way to its acknowledgement
    REQUIRE(house.state_of(id) == after_direct(trained));
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
    const engine_house house(folder.path, false, one_thread);
    id = house.create();
    house.add_samples(rows);
  }
  for (int round = 0; round < 4; ++round) {
    victim process([&](const victim::teller& tell) {
      const engine_house house(folder.path, false,
                               [&](auto& config) { configure(config, interval); });
      std::string current = task;
      if (current.empty()) {
        const auto data = house.rows->all(store::resource_kind::dataset).at(0).id;
        auto plan = house.plan(task_kind::train, id, data);
        plan.epochs = epochs;
        current = house->start_task(house.ann, plan).row.id;
      }
      for (;;) {
        tell(house->task(house.ann, current).row.done);
      }
    });
    const std::uint64_t enough = rows * epochs * static_cast<std::uint64_t>(round + 1) / 6;
    while (process.hear().value() < enough) {
    }
    process.kill();
    store::database db(folder.path / "database");
    task = store::tasks(db).open().at(0).id;
  }
  {
    const engine_house house(folder.path, false,
                             [&](auto& config) { configure(config, interval); });
    const auto ended = house.wait_end(task).row;
    CHECK(ended.state == task_state::finished);
    CHECK(ended.done == rows * epochs);
    CHECK(house.state_of(id) == after_task(rows, epochs));
  }
}

TEST_CASE("a task and direct training together come back in their order", "[service]") {
  constexpr std::size_t rows = 4000;
  const scratch_folder folder;
  std::string id;
  {
    const engine_house house(folder.path, false, one_thread);
    id = house.create();
    house.add_samples(rows);
  }
  std::uint64_t acknowledged = 0;
  {
    victim process([&](const victim::teller& tell) {
      const engine_house house(folder.path, false,
                               [](auto& config) { configure(config, std::chrono::seconds(60)); });
      auto plan =
          house.plan(task_kind::train, id, house.rows->all(store::resource_kind::dataset).at(0).id);
      plan.epochs = 1000;
      const std::string task = house->start_task(house.ann, plan).row.id;
      house.wait(task, [](const engine::task_view& view) { return view.row.done > 0; });
      for (std::uint64_t i = 0;; ++i) {
        house.train(id, sample_of(i + 5));
        tell(i + 1);
      }
    });
    while (acknowledged < 200) {
      acknowledged = process.hear().value();
    }
    process.kill();
    while (const auto last = process.hear()) {
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
          alone.start_task(begin->planned);
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

  const engine_house house(folder.path, false,
                           [](auto& config) { configure(config, std::chrono::seconds(60)); });
  const std::string task = house->list_tasks(house.ann, id, {}).rows.at(0).row.id;
  const auto ended = house->abort(house.ann, task);
  REQUIRE(ended.row.state == task_state::aborted);
  REQUIRE(ended.row.done >= from_task);
  for (; from_task < ended.row.done; ++from_task) {
    learn(alone, sample_of(from_task % rows));
  }
  alone.start_task(0);
  CHECK(house.state_of(id) == hanami::to_checkpoint(alone));
}

TEST_CASE("tasks go on after an orderly restart, in their order", "[service]") {
  const scratch_folder folder;
  engine_house house(folder.path);
  const std::string id = house.create();
  const std::string data = house.add_samples(2000);
  auto train = house.plan(task_kind::train, id, data);
  train.epochs = 20;
  const auto first = house->start_task(house.ann, train).row.id;
  const auto second = house->start_task(house.ann, house.plan(task_kind::request, id, data)).row;
  const auto third = house->start_task(house.ann, house.plan(task_kind::save, id)).row;
  for (int round = 0; round < 3; ++round) {
    const auto before = house->task(house.ann, first).row;
    house.wait(first,
               [&](const auto& v) { return v.row.done > before.done || v.row.ended_at != 0; });
    house.open_again();
    CHECK(house->task(house.ann, first).row.started_at != 0);
  }
  CHECK(house.wait_end(third.id).row.state == task_state::finished);
  CHECK(house->task(house.ann, first).row.state == task_state::finished);
  CHECK(house->task(house.ann, second.id).row.state == task_state::finished);
  CHECK(house.checkpoint(third.id) == after_task(2000, 20));
  CHECK(house.values_of(second.id).size() == 2000);
}

TEST_CASE("a cluster is written in full when its journal has grown, and by and by", "[service]") {
  const scratch_folder folder;
  engine_house house(folder.path, false, [](auto& config) {
    config.engine.journal_bytes = 2000;
    config.engine.sync_journal = true;
  });
  const std::string id = house.create();
  std::size_t trained = 0;
  while (house->statistics().snapshots < 3) {
    house.train(id, sample_of(trained++));
  }
  CHECK(house->statistics().journal_bytes > 0);
  house->snapshot_all();
  const auto place = house.config.data / "clusters" / id;
  CHECK(std::distance(std::filesystem::directory_iterator(place), {}) == 1); // no journal
  CHECK(house.state_of(id) == after_direct(trained));
  house.open_again();
  CHECK(house.state_of(id) == after_direct(trained));
}

TEST_CASE("what is left of clusters that never were is removed; a damaged one hurts no other",
          "[service]") {
  const scratch_folder folder;
  engine_house house(folder.path);
  const std::string good = house.create();
  const std::string bad = house.create();
  const std::string data = house.add_samples(100);
  auto plan = house.plan(task_kind::train, bad, data);
  plan.epochs = 1'000'000;
  const auto task = house->start_task(house.ann, plan).row.id;
  house.close();
  const auto clusters = house.config.data / "clusters";
  std::filesystem::create_directory(clusters / service::new_uuid());
  for (const auto& file : std::filesystem::directory_iterator(clusters / bad)) {
    std::filesystem::resize_file(file.path(), std::filesystem::file_size(file.path()) / 2);
  }
  house.open();
  CHECK(std::distance(std::filesystem::directory_iterator(clusters), {}) == 2);
  house.train(good, sample_of(0));
  CHECK(refusal_of([&] { house.train(bad, sample_of(0)); }) == refusal_code::damaged);
  const auto failed = house->task(house.ann, task);
  CHECK(failed.row.state == task_state::failed);
  CHECK(!failed.row.error.empty());
  house->remove(house.ann, bad);
  CHECK(std::distance(std::filesystem::directory_iterator(clusters), {}) == 1);
}

TEST_CASE("an aborted task whose end was not written down any more ends after a restart",
          "[service]") {
  const scratch_folder folder;
  engine_house house(folder.path);
  const std::string id = house.create();
  auto plan = house.plan(task_kind::train, id, house.add_samples(500));
  plan.epochs = 1'000'000;
  const auto task = house->start_task(house.ann, plan).row.id;
  house.wait(task, [](const auto& v) { return v.row.done > 0; });
  auto row = house->abort(house.ann, task).row;
  const auto state = house.state_of(id);
  row.state = task_state::active; // as it was before
  row.ended_at = 0;
  house.tasks->update(row);
  house.open_again();
  const auto view = house.wait_end(task);
  CHECK(view.row.state == task_state::aborted);
  CHECK(view.row.done == row.done);
  CHECK(house.state_of(id) == state);
}

TEST_CASE("where a journal cannot be written nothing is acknowledged until a snapshot is",
          "[service]") {
  const scratch_folder folder;
  engine_house house(folder.path);
  const std::string id = house.create();
  CHECK(house.state_of(id) == after_direct(0)); // it is in memory now
  std::filesystem::create_directory(house.config.data / "clusters" / id / "journal-0");
  constexpr auto no_space = refusal_code::no_space;
  CHECK(refusal_of([&] { house.train(id, sample_of(0)); }) == no_space);
  std::size_t trained = 1; // it was learned all the same
  while (house->statistics().snapshots == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  house.train(id, sample_of(trained++));
  const auto state = house.state_of(id);
  CHECK(state == after_direct(trained));
  house.open_again();
  CHECK(house.state_of(id) == state);
}
