// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "backup.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../version.hpp"
#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/data_lock.hpp"
#include "../base/descriptors.hpp"
#include "../base/json.hpp"
#include "../store/sqlite.hpp"
#include "../store/tasks.hpp"
#include "copied_files.hpp"
#include "held_generations.hpp"

namespace hanami::service {

namespace detail {

/// Folders of the data directory with a folder of snapshots and journals for each row of a kind.
inline constexpr std::array<std::pair<const char*, const char*>, 2> journalled_folders{
    {{"clusters", "cluster"}, {"streams", "stream"}}};
/// With files that are written once, or replaced.
inline constexpr std::array<const char*, 2> whole_folders{"datasets", "checkpoints"};

/// One backup on its way.
class backup_in_progress {
 public:
  backup_in_progress(const server_config& config, const std::filesystem::path& to)
      : data_(config.data), to_(to), copier_(to) {}

  backup_report run() {
    copy_whole_files();
    take_moment();
    for (const held_file& each : held_) {
      copier_.copy(each);
    }
    held_.clear();
    copy_journalled();
    copy_rest();
    finish_database();
    copier_.sync();
    write_notes();
    return {copier_.sums().size(), copier_.bytes(), left_out_, {}};
  }

 private:
  /// Before the moment, so that few are left for it.
  void copy_whole_files() {
    for (const char* const folder : whole_folders) {
      for (const std::string& each : names_in(data_ / folder)) {
        const std::string name = std::string(folder) + '/' + each;
        if (const std::optional<held_file> from = hold_file(data_, name)) {
          struct ::stat status {};
          ::fstat(from->handle->get(), &status);
          copier_.copy(*from);
          copied_[name] = state_of(status);
        }
      }
    }
  }

  /// While nobody writes to the database, no task begins or ends: the files that are opened in that
  /// time fit what it says, as if the server had been killed then.
  void take_moment() {
    store::connection writer(data_ / database_name);
    store::connection reader(data_ / database_name, store::open_mode::read_only);
    writer.execute("BEGIN IMMEDIATE");
    reader.execute("BEGIN");
    reader.execute("SELECT count(*) FROM resources"); // it sees this moment from here on
    hold_busy(reader);
    hold_changed_files();
    hold_uploads();
    writer.execute("ROLLBACK");
    at_ = now_ms();
    reader.copy_to(to_ / database_name);
    ::chmod((to_ / database_name).c_str(), 0600);
    for (const auto& [folder, kind] : journalled_folders) {
      store::statement rows =
          reader.query("SELECT id FROM resources WHERE kind = ?", std::string_view(kind));
      while (rows.step()) {
        journalled_.emplace_back(folder, rows.text(0));
      }
    }
  }

  /// Clusters with tasks that have not ended.
  void hold_busy(store::connection& reader) {
    store::statement rows =
        reader.query("SELECT DISTINCT cluster_id FROM tasks WHERE state IN (0, 1)");
    static_assert(static_cast<int>(store::task_state::queued) == 0 &&
                  static_cast<int>(store::task_state::active) == 1);
    const std::size_t most = descriptor_limit() / 2;
    while (rows.step()) {
      const std::string name = "clusters/" + rows.text(0);
      auto generations = rows.text(0).empty() ? std::nullopt : hold_generations(data_, name);
      if (!generations) {
        continue;
      }
      busy_.insert(name);
      for (held_file& each : *generations) {
        if (held_.size() < most) {
          held_.push_back(std::move(each));
        } else {
          copier_.copy(each);
        }
      }
    }
  }

  void hold(const std::string& name) {
    if (std::optional<held_file> one = hold_file(data_, name)) {
      held_.push_back(std::move(*one));
    }
  }

  void hold_changed_files() {
    std::map<std::string, file_state> gone = std::move(copied_);
    for (const char* const folder : whole_folders) {
      for (const std::string& each : names_in(data_ / folder)) {
        const std::string name = std::string(folder) + '/' + each;
        struct ::stat status {};
        if (each.ends_with(".part") || ::lstat((data_ / name).c_str(), &status) != 0) {
          continue;
        }
        const auto known = gone.find(name);
        if (known != gone.end() && known->second == state_of(status)) {
          gone.erase(known);
        } else {
          hold(name);
        }
      }
    }
    for (const auto& [name, state] : gone) {
      copier_.remove(name);
    }
  }

  void hold_uploads() {
    const std::vector<std::string> names = names_in(data_ / "uploads");
    for (const bool ranges : {true, false}) { // first what tells of the bytes that are there then
      for (const std::string& each : names) {
        if (each.ends_with(".ranges") == ranges) {
          hold("uploads/" + each);
        }
      }
    }
  }

  void copy_journalled() {
    store::connection now(data_ / database_name, store::open_mode::read_only);
    for (const auto& [folder, id] : journalled_) {
      const std::string name = folder + '/' + id;
      if (busy_.contains(name)) {
        continue;
      }
      const auto generations = hold_generations(data_, name);
      if (!generations) {
        store::statement row = now.query("SELECT 1 FROM resources WHERE id = ?", id);
        if (row.step()) {
          left_out_.push_back(name + ", of which there is no snapshot");
        } else {
          removed_.push_back(id);
        }
        continue;
      }
      for (const held_file& each : *generations) {
        copier_.copy(each);
      }
    }
  }

  /// Keys, for one.
  void copy_rest() {
    for (const std::string& name : names_in(data_)) {
      struct ::stat status {};
      if (name == data_lock::name || name == "admin-password" || name == "lost+found" ||
          name.starts_with(database_name) || ::lstat((data_ / name).c_str(), &status) != 0) {
        continue;
      }
      if (S_ISREG(status.st_mode)) {
        hold(name);
      } else if (!is_known_folder(name)) {
        left_out_.push_back(name);
      }
    }
    for (const held_file& each : held_) {
      copier_.copy(each);
    }
    held_.clear();
  }

  static bool is_known_folder(std::string_view name) {
    const auto is_it = [&](const char* each) { return name == each; };
    return name == "uploads" || std::any_of(whole_folders.begin(), whole_folders.end(), is_it) ||
           std::any_of(journalled_folders.begin(), journalled_folders.end(),
                       [&](const auto& each) { return is_it(each.first); });
  }

  /// Those removed after the moment are not in the backup at all.
  void finish_database() {
    {
      store::connection on(to_ / database_name);
      for (const std::string& id : removed_) {
        on.execute("DELETE FROM tasks WHERE cluster_id = ?", id);
        on.execute("DELETE FROM resources WHERE id = ?", id);
      }
      on.run_script("PRAGMA journal_mode=DELETE");
    }
    copier_.add(database_name);
  }

  void write_notes() {
    const std::string note = json::serialize(json::object{{"format", 1},
                                                          {"hanami", HANAMI_VERSION_STRING},
                                                          {"as_of", to_rfc3339(at_)},
                                                          {"files", copier_.sums().size()},
                                                          {"bytes", copier_.bytes()}}) +
                             '\n';
    write(backup_note, note);
    copier_.add(backup_note);
    std::string sums;
    for (const auto& [name, sum] : copier_.sums()) {
      sums += sum.hex + "  " + name + '\n';
    }
    write(backup_sums, sums);
  }

  void write(const char* name, const std::string& text) const {
    write_file(to_ / name, std::as_bytes(std::span(text)));
  }

  const std::filesystem::path data_;
  const std::filesystem::path to_;
  file_copier copier_;
  std::map<std::string, file_state> copied_;
  std::vector<held_file> held_;
  std::set<std::string> busy_;
  std::vector<std::pair<std::string, std::string>> journalled_; ///< folder, id
  std::vector<std::string> removed_;
  std::vector<std::string> left_out_;
  std::int64_t at_ = 0;
};

inline bool is_within(const std::filesystem::path& inner, const std::filesystem::path& outer) {
  const std::filesystem::path a = std::filesystem::weakly_canonical(inner);
  const std::filesystem::path b = std::filesystem::weakly_canonical(outer);
  return std::mismatch(b.begin(), b.end(), a.begin(), a.end()).first == b.end();
}

inline std::string text_of_file(const std::filesystem::path& file, std::size_t most) {
  const std::vector<std::uint8_t> bytes = read_file(file, most);
  return {bytes.begin(), bytes.end()};
}

struct expected_file {
  std::string name;
  std::string hex;
};

/// The lines of B2SUMS. Throws `errc::invalid_data`.
inline std::vector<expected_file> read_sums(const std::filesystem::path& from) {
  std::error_code ignored;
  if (!std::filesystem::exists(from / backup_sums, ignored)) {
    throw error(errc::invalid_data, from.string() + " is no complete backup: there is no " +
                                        backup_sums + ", which is written last");
  }
  const std::string text = text_of_file(from / backup_sums, std::size_t{1} << 30);
  constexpr std::size_t digits = std::size_t{2} * crypto_generichash_BYTES_MAX;
  std::vector<expected_file> all;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    const std::filesystem::path name =
        line.size() > digits + 2 ? line.substr(digits + 2) : std::string();
    if (name.empty() || name.is_absolute() ||
        std::find(name.begin(), name.end(), "..") != name.end() || line[digits] != ' ') {
      throw error(errc::invalid_data, (from / backup_sums).string() + ": line " +
                                          std::to_string(all.size() + 1) +
                                          " is no checksum and name of a file");
    }
    all.push_back({name.string(), line.substr(0, digits)});
  }
  return all;
}

inline void expect_backup_note(const std::filesystem::path& from) {
  boost::system::error_code trouble;
  const json::value note = json::parse(text_of_file(from / backup_note, 65536), trouble);
  const json::value* const format =
      !trouble && note.is_object() ? note.as_object().if_contains("format") : nullptr;
  if (format == nullptr || !format->is_int64() || format->as_int64() != 1) {
    throw error(errc::invalid_data, (from / backup_note).string() +
                                        " is of no backup that this build can read; known is "
                                        "format 1");
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE backup_report back_up(const server_config& config,
                                            const std::filesystem::path& to) {
  std::error_code ignored;
  if (!std::filesystem::exists(config.data / detail::database_name, ignored)) {
    throw error(errc::file_error, "there is no data of a server in " + config.data.string());
  }
  if (detail::is_within(to, config.data)) {
    throw error(errc::file_error, "a backup is not kept within the data directory");
  }
  raise_descriptor_limit();
  detail::fresh_folder folder(to);
  backup_report report = detail::backup_in_progress(config, to).run();
  folder.keep();
  if (config.encrypt_files) {
    report.key = file_key_of(config);
  }
  return report;
}

HANAMI_SERVICE_INLINE backup_report restore(const server_config& config,
                                            const std::filesystem::path& from) {
  const std::vector<detail::expected_file> expected = detail::read_sums(from);
  detail::expect_backup_note(from);
  detail::fresh_folder folder(config.data);
  const data_lock lock(config.data);
  detail::file_copier copier(config.data);
  const auto bring = [&](const detail::expected_file& each) {
    const std::optional<detail::held_file> file = detail::hold_file(from, each.name);
    if (!file) {
      throw error(errc::invalid_data, (from / each.name).string() + " is missing");
    }
    copier.copy(*file);
    if (copier.sums().at(each.name).hex != each.hex) {
      throw error(errc::invalid_data,
                  (from / each.name).string() + " is damaged: its checksum is another one");
    }
  };
  const detail::expected_file* database = nullptr;
  for (const detail::expected_file& each : expected) {
    if (each.name == detail::database_name) {
      database = &each;
    } else if (each.name != detail::backup_note) {
      bring(each);
    }
  }
  if (database == nullptr) {
    throw error(errc::invalid_data, from.string() + " is a backup without a database");
  }
  copier.sync();
  bring(*database); // last: without it, there is nothing that a server would begin with
  copier.sync();
  folder.keep();
  backup_report report{copier.sums().size(), copier.bytes(), {}, {}};
  if (config.encrypt_files) {
    report.key = file_key_of(config);
  }
  return report;
}

} // namespace hanami::service
