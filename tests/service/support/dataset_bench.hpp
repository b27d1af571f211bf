// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hanami/service/data/datasets.hpp>

#include "support/scratch_folder.hpp"

/// Datasets with all that they need, in a folder of their own.

namespace dataset_test {

namespace service = hanami::service;

/// A member of a project.
inline service::identity who(const std::string& user, const std::string& project) {
  service::identity result;
  result.user_id = user;
  result.project_id = project;
  result.role = "member";
  return result;
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// A database with users, and all that `datasets` needs; can be opened again.
struct dataset_bench {
  scratch_folder folder;
  service::server_config config = [this] {
    service::server_config made;
    made.data = folder.path / "data";
    made.auth.light_passwords = true;
    return made;
  }();
  service::store::database db{folder.path / "database"};
  service::store::resources resources{db};
  service::store::tasks tasks{db};
  service::access::accounts accounts{db, config};
  std::unique_ptr<service::data::datasets> data;

  const service::identity ann = who("anna", "reds");
  const service::identity bob = who("bert", "reds");
  const service::identity eve = who("evelyn", "blues");

  explicit dataset_bench(bool encrypted = false) {
    config.encrypt_files = encrypted;
    for (const char* id : {"anna", "bert", "evelyn"}) {
      accounts.create_user({id, "Somebody", "a long password", false}, "test");
    }
    open();
  }

  void open() {
    data.reset();
    data = std::make_unique<service::data::datasets>(config, resources, tasks, accounts);
  }

  service::data::upload
  begin_csv(std::string_view text,
            service::visibility visible_to = service::visibility::owner_only) {
    const std::uint64_t size = text.size();
    return data->begin(ann, service::data::upload_format::csv, "numbers", {&size, 1}, visible_to);
  }
  /// The upload of a whole CSV, not finished.
  service::data::upload send_csv(std::string_view text,
                                 service::visibility visible_to = service::visibility::owner_only) {
    const service::data::upload u = begin_csv(text, visible_to);
    data->write(ann, u.parts[0].id, 0, bytes_of(text));
    return data->progress(ann, u.row.id);
  }
  service::store::resource_row
  make_csv(std::string_view text,
           service::visibility visible_to = service::visibility::owner_only) {
    return data->finish(data->claim(ann, send_csv(text, visible_to).row.id));
  }
  void set_quota(const std::function<void(service::quota&)>& change) {
    service::quota limits;
    change(limits);
    accounts.set_quota("anna", limits);
  }
  std::size_t files_in(const char* kind) const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(config.data / kind), {}));
  }
  std::vector<float> values(const std::string& id) {
    const auto reader = data->open(ann, id);
    std::vector<float> all(reader->layout().rows * reader->layout().width);
    reader->read(0, reader->layout().rows, all);
    return all;
  }
};

/// Writes a dataset as a task does.
inline void write_result(const dataset_bench& bench, const std::string& id, std::uint64_t rows) {
  service::data::data_layout layout;
  layout.rows = rows;
  layout.width = 1;
  layout.columns = {{"out", 0, 1}};
  service::data::data_writer writer(bench.data->path_of(id), layout, bench.data->key());
  writer.write(std::vector<float>(rows, 1.5F));
  writer.finish();
}

} // namespace dataset_test
