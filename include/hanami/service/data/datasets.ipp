// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "datasets.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <utility>

#include <sys/stat.h>
#include <unistd.h>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "data_import.hpp"
#include "live_upload.hpp"
#include "part_file.hpp"
#include "positioned_io.hpp"

namespace hanami::service::data {

namespace detail {

/// Names of classes are kept as long as they are few enough to be shown with the dataset.
inline bool keeps_classes(const data_layout& layout) {
  constexpr std::size_t most = std::size_t{64} << 10;
  std::size_t bytes = 0;
  for (const data_column& c : layout.columns) {
    for (const std::string& name : c.classes) {
      bytes += name.size() + 3;
    }
  }
  return bytes <= most;
}

inline std::string dataset_detail(const data_layout& layout) {
  const bool with_classes = keeps_classes(layout);
  json::array columns;
  for (const data_column& c : layout.columns) {
    json::object shown{{"name", c.name}, {"first", c.first}, {"last", c.last}};
    if (with_classes && !c.classes.empty()) {
      shown["classes"] = json::array(c.classes.begin(), c.classes.end());
    }
    columns.push_back(std::move(shown));
  }
  return json::serialize(
      json::object{{"rows", layout.rows},
                   {"width", layout.width},
                   {"type", layout.type == value_type::uint8 ? "uint8" : "float32"},
                   {"columns", std::move(columns)}});
}

inline void check_upload_sizes(upload_format format, std::span<const std::uint64_t> sizes) {
  const std::size_t parts = format == upload_format::mnist ? 2 : 1;
  if (sizes.size() != parts) {
    throw invalid_value("an upload of " + std::string(name_of(format)) + " has " +
                        std::to_string(parts) + " part(s), not " + std::to_string(sizes.size()));
  }
  for (const std::uint64_t size : sizes) {
    if (size < 1 || size > most_file_bytes) {
      throw invalid_value("a part of " + std::to_string(size) + " bytes; accepted are 1 to 2^60");
    }
  }
}

/// What is left of `most` when `used` are gone.
inline std::uint64_t what_is_left(std::uint64_t most, std::uint64_t used) {
  return most > used ? most - used : 0;
}

/// Creates a folder for this user only, unless it exists.
inline void make_private_folder(const std::filesystem::path& folder) {
  std::error_code trouble;
  if (folder.has_parent_path()) {
    std::filesystem::create_directories(folder.parent_path(), trouble);
  }
  if (!trouble && ::mkdir(folder.c_str(), 0700) != 0) {
    const std::error_code why = hanami::detail::system_trouble();
    std::error_code ignored;
    if (!std::filesystem::is_directory(folder, ignored)) {
      trouble = why;
    }
  }
  if (trouble) {
    hanami::detail::refuse_file("cannot make ", folder, trouble);
  }
}

/// Milliseconds since 1970; nothing if the file is gone.
inline std::optional<std::int64_t> file_time(const std::filesystem::path& file) {
  struct ::stat status {};
  if (::lstat(file.c_str(), &status) != 0) {
    return {};
  }
  return std::int64_t{status.st_mtim.tv_sec} * 1000 + status.st_mtim.tv_nsec / 1'000'000;
}

} // namespace detail

struct datasets::state {
  state(const server_config& with, store::resources& all_resources, store::tasks& all_tasks,
        access::accounts& all_accounts)
      : config(with), resources(all_resources), tasks(all_tasks), accounts(all_accounts),
        uploads_folder(with.data / "uploads"), datasets_folder(with.data / "datasets"),
        checkpoints_folder(with.data / "checkpoints") {
    for (const auto& folder : {with.data, uploads_folder, datasets_folder, checkpoints_folder}) {
      detail::make_private_folder(folder);
    }
    if (config.encrypt_files) {
      key = access::key_of_files(config);
    }
    for (store::resource_row& row : resources.all(store::resource_kind::upload)) {
      bring_back(std::move(row));
    }
  }

  /// Restores an upload that was unfinished when the process ended.
  void bring_back(store::resource_row row) {
    const std::string id = row.id;
    const detail::live_upload_ptr u = live_from(std::move(row));
    if (resources.find(store::resource_kind::dataset, u->becomes) ||
        resources.find(store::resource_kind::checkpoint, u->becomes)) {
      remove_files(*u); // all that was left of it to do
      resources.remove(id);
      return;
    }
    add_live(u);
  }

  detail::live_upload_ptr live_from(store::resource_row row) const {
    auto u = std::make_shared<detail::live_upload>();
    const json::value stored = json::parse(row.detail);
    const json::object& fields = stored.as_object();
    const std::string_view format = fields.at("format").as_string();
    u->format = detail::expect_known(upload_format_named(format), format);
    const std::string_view visible_to = fields.at("visibility").as_string();
    u->visible_to = detail::expect_known(visibility_named(visible_to), visible_to);
    u->becomes = fields.at("becomes").as_string();
    if (const json::value* classes = fields.if_contains("classes")) {
      for (const json::value& name : classes->as_array()) {
        u->classes.emplace_back(name.as_string());
      }
    }
    for (const json::value& part : fields.at("parts").as_array()) {
      u->part_ids.emplace_back(part.at("id").as_string());
      u->parts.push_back(std::make_unique<part_file>(uploads_folder / u->part_ids.back(),
                                                     part.at("size").to_number<std::uint64_t>()));
    }
    u->row = std::move(row);
    return u;
  }

  void add_live(const detail::live_upload_ptr& u) {
    const std::unique_lock lock(table);
    by_id[u->row.id] = u;
    by_target[u->becomes] = u;
    for (const std::string& part : u->part_ids) {
      by_part[part] = u;
    }
  }

  void forget_live(const detail::live_upload& u) {
    const std::unique_lock lock(table);
    for (const std::string& part : u.part_ids) {
      by_part.erase(part);
    }
    by_target.erase(u.becomes);
    by_id.erase(by_id.find(u.row.id));
  }

  using live_map = std::map<std::string, detail::live_upload_ptr, std::less<>>;

  detail::live_upload_ptr find_live(const live_map& in, std::string_view id) const {
    const std::shared_lock lock(table);
    const auto found = in.find(id);
    return found == in.end() ? nullptr : found->second;
  }

  /// The upload, if it is there and `caller` may write to it.
  detail::live_upload_ptr live_of(const identity& caller, const live_map& in,
                                  std::string_view id) const {
    detail::live_upload_ptr u = find_live(in, id);
    if (!u || !may_change(caller, u->row)) {
      throw not_found("upload", std::string(id.substr(0, 254)));
    }
    return u;
  }

  static void remove_files(const detail::live_upload& u) {
    for (const auto& part : u.parts) {
      part->remove();
    }
  }

  void remove_live(const detail::live_upload& u) {
    resources.remove(u.row.id);
    remove_files(u);
    forget_live(u);
  }

  data_layout import(const detail::live_upload& u, const std::filesystem::path& to,
                     std::uint64_t most_bytes, const std::function<bool(double)>& report) const {
    const import_options options{most_bytes, u.classes, report};
    if (u.format == upload_format::csv) {
      return import_csv(u.parts[0]->path(), to, key, options);
    }
    return import_mnist(u.parts[0]->path(), u.parts[1]->path(), to, key, options);
  }

  /// Adds the row of a dataset whose file is there, or removes the file. `spare`: bytes of the
  /// quota that will be free at once.
  store::resource_row add_dataset(const identity& owner, store::resource_row row,
                                  const data_layout& layout, std::uint64_t spare) {
    const std::filesystem::path file = datasets_folder / row.id;
    try {
      const quota limits = accounts.quota_of(owner.user_id);
      const std::uint64_t most = limits.bytes + std::min(spare, ~limits.bytes);
      row.kind = store::resource_kind::dataset;
      row.bytes = std::filesystem::file_size(file);
      row.detail = detail::dataset_detail(layout);
      return resources.add(owner, std::move(row), limits.datasets, most);
    } catch (...) {
      ::unlink(file.c_str());
      throw;
    }
  }

  store::resource_row finish(const detail::live_upload& u,
                             const std::function<bool(double)>& report) {
    identity owner;
    owner.user_id = u.row.owner_id;
    owner.project_id = u.row.project_id;
    const std::uint64_t used = resources.used_by(owner.user_id).bytes;
    const std::uint64_t left = detail::what_is_left(accounts.quota_of(owner.user_id).bytes,
                                                    detail::what_is_left(used, u.row.bytes));
    store::resource_row row;
    row.id = u.becomes;
    row.name = u.row.name;
    row.visible_to = u.visible_to;
    const data_layout layout = import(u, datasets_folder / u.becomes, left, report);
    return add_dataset(owner, std::move(row), layout, u.row.bytes);
  }

  std::shared_ptr<const data_reader> open(const store::resource_row& row) const {
    return std::make_shared<const data_reader>(datasets_folder / row.id, key);
  }

  bool is_live(const std::string& id) const {
    const std::shared_lock lock(table);
    return by_part.contains(id) || by_target.contains(id);
  }

  bool may_become(const std::string& id) const {
    const std::optional<store::task_row> task = tasks.find(id); // a task's first result has its id
    return tasks.mentions(id) || (task && (task->state == store::task_state::queued ||
                                           task->state == store::task_state::active));
  }

  /// Removes files named by a UUID, with any suffix, that are older than `oldest` and belong to
  /// nothing.
  void clean_folder(const std::filesystem::path& folder, std::optional<store::resource_kind> kind,
                    std::int64_t oldest) {
    std::error_code trouble;
    for (const auto& entry : std::filesystem::directory_iterator(folder, trouble)) {
      const std::string name = entry.path().filename().string();
      const std::string id = name.substr(0, 36);
      if (!is_uuid(id) || (name.size() > 36 && name[36] != '.')) {
        continue;
      }
      const std::optional<std::int64_t> time = detail::file_time(entry.path());
      const bool whole = name.size() == 36; // else it is a beginning, which has no row
      if (!time || *time > oldest || is_live(id) ||
          (kind && ((whole && resources.find(*kind, id)) || may_become(id)))) {
        continue;
      }
      std::filesystem::remove(entry.path(), trouble);
    }
  }

  void clean_uploads(std::int64_t oldest) {
    std::vector<detail::live_upload_ptr> idle;
    {
      const std::shared_lock lock(table);
      for (const auto& [id, u] : by_id) {
        if (u->last_write() <= oldest) {
          idle.push_back(u);
        }
      }
    }
    for (const detail::live_upload_ptr& u : idle) {
      const std::unique_lock lock(u->use);
      if (!u->ending && u->last_write() <= oldest) {
        u->ending = true;
        remove_live(*u);
      }
    }
  }

  const server_config& config;
  store::resources& resources;
  store::tasks& tasks;
  access::accounts& accounts;
  std::filesystem::path uploads_folder;
  std::filesystem::path datasets_folder;
  std::filesystem::path checkpoints_folder;
  std::optional<access::secret_key> key;

  mutable std::shared_mutex table; ///< guards the three maps
  live_map by_id;
  live_map by_part;
  live_map by_target;
};

HANAMI_SERVICE_INLINE datasets::datasets(const server_config& config, store::resources& resources,
                                         store::tasks& tasks, access::accounts& accounts)
    : state_(std::make_unique<state>(config, resources, tasks, accounts)) {}

HANAMI_SERVICE_INLINE datasets::~datasets() = default;

HANAMI_SERVICE_INLINE upload datasets::begin(const identity& caller, upload_format format,
                                             std::string_view name,
                                             std::span<const std::uint64_t> sizes,
                                             visibility visible_to,
                                             std::vector<std::string> classes) {
  detail::check_upload_sizes(format, sizes);
  if (!classes.empty() && format != upload_format::csv) {
    throw invalid_value_at("/classes", "is for csv alone");
  }
  const quota limits = state_->accounts.quota_of(caller.user_id);
  const store::usage used = state_->resources.used_by(caller.user_id);
  const bool dataset = format != upload_format::checkpoint;
  const std::uint64_t left = dataset ? detail::what_is_left(limits.datasets, used.datasets)
                                     : detail::what_is_left(limits.checkpoints, used.checkpoints);
  detail::live_upload fresh;
  fresh.format = format;
  fresh.becomes = new_uuid();
  fresh.visible_to = visible_to;
  fresh.classes = std::move(classes);
  store::resource_row row;
  row.kind = store::resource_kind::upload;
  row.id = new_uuid();
  row.name = name;
  for (const std::uint64_t size : sizes) {
    fresh.part_ids.push_back(new_uuid());
    row.bytes += size;
  }
  row.detail = detail::upload_detail(fresh, sizes);
  row = state_->resources.add(caller, std::move(row), left, limits.bytes);
  try {
    const detail::live_upload_ptr u = state_->live_from(row);
    state_->add_live(u);
    return u->shown();
  } catch (...) {
    state_->resources.remove(row.id);
    throw;
  }
}

HANAMI_SERVICE_INLINE upload datasets::progress(const identity& caller,
                                                std::string_view upload_id) {
  return state_->live_of(caller, state_->by_id, upload_id)->shown();
}

HANAMI_SERVICE_INLINE store::page<upload>
datasets::list_uploads(const identity& caller, const store::page_request& wanted) {
  store::page<store::resource_row> found =
      state_->resources.list(caller, store::resource_kind::upload, wanted);
  store::page<upload> result;
  result.next = std::move(found.next);
  result.total = found.total;
  for (const store::resource_row& row : found.rows) {
    if (const auto u = state_->find_live(state_->by_id, row.id)) { // else it ends just now
      result.rows.push_back(u->shown());
    }
  }
  return result;
}

HANAMI_SERVICE_INLINE upload datasets::find_part(const identity& caller, std::string_view part_id) {
  return state_->live_of(caller, state_->by_part, part_id)->shown();
}

HANAMI_SERVICE_INLINE upload datasets::find_target(const identity& caller,
                                                   std::string_view becomes) {
  return state_->live_of(caller, state_->by_target, becomes)->shown();
}

HANAMI_SERVICE_INLINE void datasets::write(const identity& caller, std::string_view part_id,
                                           std::uint64_t position,
                                           std::span<const std::byte> bytes) {
  const detail::live_upload_ptr u = state_->live_of(caller, state_->by_part, part_id);
  const std::shared_lock lock(u->use);
  if (u->ending) {
    throw conflict("the upload is being finished");
  }
  u->part(part_id).write(position, bytes);
}

HANAMI_SERVICE_INLINE upload_claim_ptr datasets::claim(const identity& caller,
                                                       std::string_view upload_id) {
  return std::make_shared<detail::upload_claim>(state_->live_of(caller, state_->by_id, upload_id),
                                                detail::upload_claim::wants::complete);
}

HANAMI_SERVICE_INLINE store::resource_row
datasets::finish(const upload_claim_ptr& claimed, const std::function<bool(double)>& report) {
  if (claimed->of().format == upload_format::checkpoint) {
    throw conflict("the upload is a checkpoint, not a dataset");
  }
  store::resource_row made = state_->finish(claimed->of(), report);
  claimed->keep();
  state_->remove_live(claimed->of());
  return made;
}

HANAMI_SERVICE_INLINE void
datasets::take_over(const upload_claim_ptr& claimed,
                    const std::function<void(const std::filesystem::path&)>& use) {
  const detail::live_upload& u = claimed->of();
  if (u.parts.size() != 1) {
    throw conflict("the upload has " + std::to_string(u.parts.size()) + " parts, not one");
  }
  use(u.parts[0]->path());
  claimed->keep();
  state_->remove_live(u);
}

HANAMI_SERVICE_INLINE void datasets::cancel(const identity& caller, std::string_view upload_id) {
  const detail::live_upload_ptr u = state_->live_of(caller, state_->by_id, upload_id);
  detail::upload_claim claimed(u, detail::upload_claim::wants::any);
  state_->remove_live(*u);
  claimed.keep();
}

HANAMI_SERVICE_INLINE store::resource_row datasets::get(const identity& caller,
                                                        std::string_view id) {
  return state_->resources.get(caller, store::resource_kind::dataset, id);
}

HANAMI_SERVICE_INLINE data_layout datasets::layout(const identity& caller, std::string_view id) {
  return open(caller, id)->layout();
}

HANAMI_SERVICE_INLINE std::shared_ptr<const data_reader> datasets::open(const identity& caller,
                                                                        std::string_view id) {
  return state_->open(get(caller, id));
}

HANAMI_SERVICE_INLINE std::shared_ptr<const data_reader> datasets::open(std::string_view id) {
  const auto row = state_->resources.find(store::resource_kind::dataset, id);
  if (!row) {
    throw not_found("dataset", std::string(id.substr(0, 254)));
  }
  return state_->open(*row);
}

HANAMI_SERVICE_INLINE void datasets::remove(const identity& caller, std::string_view id) {
  const store::resource_row row =
      state_->resources.get_to_change(caller, store::resource_kind::dataset, id);
  if (state_->tasks.mentions(row.id)) {
    throw conflict("an open task uses the dataset '" + row.id + "'");
  }
  state_->resources.remove(row.id);
  ::unlink(path_of(row.id).c_str());
}

HANAMI_SERVICE_INLINE std::filesystem::path datasets::path_of(std::string_view dataset_id) const {
  if (!is_uuid(dataset_id)) {
    throw error(errc::invalid_argument, "a dataset's id is a UUID");
  }
  return state_->datasets_folder / dataset_id;
}

HANAMI_SERVICE_INLINE store::resource_row datasets::adopt(const identity& owner,
                                                          std::string_view dataset_id,
                                                          std::string_view name,
                                                          visibility visible_to) {
  const std::filesystem::path file = path_of(dataset_id);
  const data_layout layout = data_reader(file, state_->key).layout();
  if (state_->resources.find(store::resource_kind::dataset, dataset_id)) {
    state_->resources.update(dataset_id, std::filesystem::file_size(file),
                             detail::dataset_detail(layout));
    return *state_->resources.find(store::resource_kind::dataset, dataset_id);
  }
  store::resource_row row;
  row.id = dataset_id;
  row.name = name;
  row.visible_to = visible_to;
  return state_->add_dataset(owner, std::move(row), layout, 0);
}

HANAMI_SERVICE_INLINE std::optional<access::secret_key> datasets::key() const {
  return state_->key;
}

HANAMI_SERVICE_INLINE void datasets::clean() {
  const std::int64_t oldest =
      now_ms() -
      std::chrono::duration_cast<std::chrono::milliseconds>(state_->config.upload_timeout).count();
  state_->clean_uploads(oldest);
  state_->clean_folder(state_->uploads_folder, {}, oldest);
  state_->clean_folder(state_->datasets_folder, store::resource_kind::dataset, oldest);
  state_->clean_folder(state_->checkpoints_folder, store::resource_kind::checkpoint, oldest);
}

} // namespace hanami::service::data
