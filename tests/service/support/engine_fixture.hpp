// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <hanami/cluster.hpp>
#include <hanami/io/checkpoint.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/base/uuid.hpp>
#include <hanami/service/engine/cluster_files.hpp>
#include <hanami/service/engine/engine.hpp>
#include <hanami/template/parser.hpp>

#include "service/support/refusal_of.hpp"
#include "support/scratch_folder.hpp"

/// An engine with all that it needs, in a folder of its own; can be opened again.

namespace engine_test {

namespace service = hanami::service;
namespace engine = hanami::service::engine;
namespace store = hanami::service::store;

inline service::identity identity_of(const std::string& user, const std::string& project) {
  service::identity who;
  who.user_id = user;
  who.project_id = project;
  who.role = "member";
  return who;
}

/// Two inputs of two values and one, two outputs of one value and three.
inline const char* const two_by_two = R"(version: 1
settings:
    brick_size: 32
hexagons:
    1..3, 1, 1
    2, 2, 1
inputs:
    a:
        target: 1, 1, 1
        number_of_inputs: 2
    b:
        target: 2, 2, 1
        number_of_inputs: 1
outputs:
    level:
        target: 3, 1, 1
        number_of_outputs: 1
        kind: linear
    class:
        target: 3, 1, 1
        number_of_outputs: 3
        kind: softmax
)";

struct sample {
  std::vector<float> input;
  std::vector<float> target;
};

/// For clusters of `two_by_two`.
inline sample sample_of(std::size_t i) {
  const auto x = static_cast<float>(i % 17) - 4;
  const auto y = static_cast<float>(i * 7 % 13);
  sample s{{x, y, i % 3 == 0 ? 0.0F : std::sin(x)}, {x + y / 10, 0, 0, 0}};
  s.target[1 + (i * 7 % 13) % 3] = 1;
  return s;
}

/// A cluster of `two_by_two` as the engine makes it, to learn without an engine.
inline hanami::cluster fresh_cluster() {
  return hanami::cluster(hanami::parse_template(two_by_two));
}
inline void learn(hanami::cluster& net, const sample& s) {
  net.train(std::span<const float>(s.input), s.target);
}

struct engine_fixture {
  explicit engine_fixture(std::filesystem::path place, bool encrypted = false,
                          const std::function<void(service::server_config&)>& configure = {})
      : folder(std::move(place)) {
    config.data = folder / "data";
    config.auth.light_passwords = true;
    config.encrypt_files = encrypted;
    config.log_level = "off";
    config.engine.threads = 2;
    if (configure) {
      configure(config);
    }
    open();
  }

  void open() {
    common = std::make_unique<service::runtime>(config);
    db = std::make_unique<store::database>(folder / "database");
    resources = std::make_unique<store::resources>(*db);
    tasks = std::make_unique<store::tasks>(*db);
    accounts = std::make_unique<service::access::accounts>(*db, config);
    data = std::make_unique<service::data::datasets>(config, *resources, *tasks, *accounts);
    at_work =
        std::make_unique<engine::engine>(config, *common, *resources, *tasks, *accounts, *data);
    at_work->start();
  }
  void close() {
    at_work.reset();
    data.reset();
    accounts.reset();
    tasks.reset();
    resources.reset();
    db.reset();
    common.reset();
  }
  void open_again() {
    close();
    open();
  }
  engine::engine* operator->() const { return at_work.get(); }

  std::string create(std::string_view text = two_by_two) const {
    return at_work->create(ann, "cluster " + service::new_uuid(), text).id;
  }

  engine::cluster_handle cluster(const std::string& id) const { return at_work->open_cluster(id); }

  /// Trains and waits; throws what the callback gets.
  hanami::train_result train(const std::string& id, const sample& s) const {
    std::promise<hanami::train_result> promise;
    at_work->train(cluster(id), ann.user_id, s.input, s.target,
                   [&](const hanami::train_result& r, const std::exception_ptr& e) {
                     e ? promise.set_exception(e) : promise.set_value(r);
                   });
    return promise.get_future().get();
  }
  std::vector<float> infer(const std::string& id, const std::vector<float>& input) const {
    std::promise<std::vector<float>> promise;
    at_work->infer(
        cluster(id), ann.user_id, input,
        [&](std::span<const float> answer, const std::exception_ptr& e) {
          e ? promise.set_exception(e) : promise.set_value({answer.begin(), answer.end()});
        });
    return promise.get_future().get();
  }

  /// A dataset with columns of the given names, each of so many values, for `rows` rows.
  std::string
  add_data(const std::vector<std::pair<std::string, std::uint64_t>>& columns, std::uint64_t rows_in,
           const std::function<void(std::uint64_t row, std::span<float> values)>& fill) const {
    service::data::data_layout layout;
    layout.rows = rows_in;
    for (const auto& [name, width] : columns) {
      layout.columns.push_back({name, layout.width, layout.width + width});
      layout.width += width;
    }
    const std::string id = service::new_uuid();
    service::data::data_writer writer(data->path_of(id), layout, data->key());
    std::vector<float> values(layout.width);
    for (std::uint64_t row = 0; row < rows_in; ++row) {
      fill(row, values);
      writer.write(std::span<const float>(values));
    }
    writer.finish();
    return data->adopt(ann, id, "data", service::visibility::owner_only).id;
  }
  /// `sample_of` as a dataset.
  std::string add_samples(std::uint64_t count) const {
    return add_data({{"a", 2}, {"b", 1}, {"level", 1}, {"class", 3}}, count,
                    [](std::uint64_t row, std::span<float> values) {
                      const sample s = sample_of(row);
                      std::copy(s.input.begin(), s.input.end(), values.begin());
                      std::copy(s.target.begin(), s.target.end(), values.begin() + 3);
                    });
  }
  std::vector<float> values_of(const std::string& dataset) const {
    const auto reader = data->open(dataset);
    std::vector<float> all(reader->layout().rows * reader->layout().width);
    reader->read(0, reader->layout().rows, all);
    return all;
  }

  engine::task_plan plan(engine::task_kind kind, const std::string& cluster,
                         const std::string& dataset = {}) const {
    engine::task_plan p;
    p.kind = kind;
    p.name = "task";
    p.cluster_id = cluster;
    if (kind == engine::task_kind::train || kind == engine::task_kind::request ||
        kind == engine::task_kind::evaluate) {
      p.inputs = {{"a", dataset}, {"b", dataset, {"b"}}};
    }
    if (kind == engine::task_kind::train || kind == engine::task_kind::evaluate) {
      p.outputs = {{"level", dataset}, {"class", dataset}};
    }
    if (kind == engine::task_kind::request) {
      p.results = {{"level", "levels"}, {"class", "classes"}};
    }
    return p;
  }

  /// Looks at a task until `enough(view)`, at most a minute.
  engine::task_view wait(const std::string& task,
                         const std::function<bool(const engine::task_view&)>& enough) const {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    for (;;) {
      engine::task_view view = at_work->task(ann, task);
      if (enough(view)) {
        return view;
      }
      if (std::chrono::steady_clock::now() > limit) {
        throw std::runtime_error("the task does not get there: " + view.row.error);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  engine::task_view wait_end(const std::string& task) const {
    return wait(task, [](const engine::task_view& view) { return view.row.ended_at != 0; });
  }
  /// Starts a task and waits for its end.
  engine::task_view run(const engine::task_plan& p) const {
    return wait_end(at_work->start_task(ann, p).row.id);
  }

  /// Imports an upload and waits; throws what that ends in. The id of what it became.
  std::string import(const service::identity& who, const std::string& upload) const {
    const std::string becomes = data->progress(who, upload).becomes;
    std::promise<void> ended;
    at_work->import_upload(who, upload, [&](const std::exception_ptr& trouble) {
      trouble ? ended.set_exception(trouble) : ended.set_value();
    });
    ended.get_future().get();
    return becomes;
  }

  std::vector<std::byte> checkpoint(const std::string& id) const {
    const auto reader = at_work->open_checkpoint(ann, id);
    std::vector<std::byte> bytes(reader->size());
    reader->read(0, bytes);
    return bytes;
  }
  /// What the cluster is now, by a task that saves it.
  std::vector<std::byte> state_of(const std::string& cluster) const {
    const engine::task_view saved = run(plan(engine::task_kind::save, cluster));
    if (saved.row.state != store::task_state::finished) {
      throw std::runtime_error(saved.row.error);
    }
    return checkpoint(saved.row.id);
  }

  const std::filesystem::path folder;
  service::server_config config;
  std::unique_ptr<service::runtime> common;
  std::unique_ptr<store::database> db;
  std::unique_ptr<store::resources> resources;
  std::unique_ptr<store::tasks> tasks;
  std::unique_ptr<service::access::accounts> accounts;
  std::unique_ptr<service::data::datasets> data;
  std::unique_ptr<engine::engine> at_work;

  const service::identity ann = identity_of("anna", "reds");
  const service::identity bob = identity_of("bert", "reds");
  const service::identity eve = identity_of("evelyn", "blues");
};

using service_test::refusal_code;
using service_test::refusal_of;

} // namespace engine_test
