// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "snapshot_files.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <exception>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "../../../foundation/error.hpp"
#include "../../../io/file.hpp"
#include "../../base/compile.hpp"
#include "../../data/block_file.hpp"
#include "../../data/positioned_io.hpp"

namespace hanami::service::engine {

namespace detail {

/// The number behind `kind` and a dash; nothing for any other name.
inline std::optional<std::uint64_t> generation_in(std::string_view name, std::string_view kind) {
  if (!name.starts_with(kind) || name.size() <= kind.size() + 1 || name[kind.size()] != '-') {
    return {};
  }
  std::uint64_t number = 0;
  const char* const end = name.data() + name.size();
  const auto read = std::from_chars(name.data() + kind.size() + 1, end, number);
  return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

} // namespace detail

HANAMI_SERVICE_INLINE snapshot_files::snapshot_files(std::filesystem::path folder,
                                                     const std::optional<access::secret_key>& key,
                                                     bool sync_journal, journal_places* places)
    : folder_(std::move(folder)), places_(places), key_(key), sync_journal_(sync_journal) {
  if (key_) {
    key_of_journal_ = access::derive_key(*key_, "journal_");
  }
}

HANAMI_SERVICE_INLINE void snapshot_files::create(std::span<const std::byte> snapshot) {
  if (::mkdir(folder_.c_str(), S_IRWXU) != 0) {
    hanami::detail::refuse_file("cannot make ", folder_, hanami::detail::system_trouble());
  }
  write_snapshot(0, snapshot);
  data::detail::sync_folder_of(folder_);
}

HANAMI_SERVICE_INLINE void snapshot_files::recover(const snapshot_reader& load,
                                                   const record_replay& replay) {
  const listing there = list();
  load_newest(there, load);
  replay_journals(there, replay);
  for (const std::filesystem::path& beginning : there.rest) {
    ::unlink(beginning.c_str());
  }
}

HANAMI_SERVICE_INLINE void snapshot_files::load_newest(const listing& there,
                                                       const snapshot_reader& load) {
  std::exception_ptr newest_trouble;
  const std::vector<std::uint64_t> newest_first(there.snapshots.rbegin(), there.snapshots.rend());
  for (const std::uint64_t g : newest_first) {
    try {
      load(detail::read_all(data::block_reader(file("snapshot", g), key_)));
      generation_ = g;
      return;
    } catch (const error& e) {
      if (e.code() == errc::file_error || e.code() == errc::too_many_files) {
        throw; // it may be readable another time
      }
      newest_trouble = newest_trouble ? newest_trouble : std::current_exception();
    }
  }
  if (newest_trouble) {
    std::rethrow_exception(newest_trouble);
  }
  throw error(errc::file_error, folder_.string() + ": there is no snapshot");
}

HANAMI_SERVICE_INLINE void snapshot_files::replay_journals(const listing& there,
                                                           const record_replay& replay) {
  const std::uint64_t base = generation_;
  bool lost = false;
  for (const std::uint64_t g : there.journals) {
    if (g < base) {
      continue;
    }
    const std::filesystem::path name = file("journal", g);
    if (lost) { // it follows from what is not there any more
      ::unlink(name.c_str());
      continue;
    }
    const journal_extent read = read_journal(name, g, key_of_journal_, replay);
    lost = !read.whole;
    generation_ = g;
    resume_at_ = read.end;
    if (read.end > 0 && read.encrypted != key_of_journal_.has_value()) {
      if (lost && ::truncate(name.c_str(), static_cast<::off_t>(read.end)) != 0) {
        hanami::detail::refuse_file("cannot cut ", name, hanami::detail::system_trouble());
      }
      begin_generation(); // the key has come or gone since
    }
  }
}

HANAMI_SERVICE_INLINE void snapshot_files::append(const journal_bytes& record) {
  if (broken_) {
    throw error(errc::file_error, folder_.string() + ": the journal has failed before");
  }
  const auto write = [&] {
    if (!journal_) {
      open_journal();
    }
    journal_->append(record);
  };
  try {
    try {
      write();
    } catch (const error& e) {
      if (e.code() != errc::too_many_files || places_ == nullptr) {
        throw;
      }
      places_->spare().lend([&] {
        write();
        close_journal();
      });
    }
  } catch (...) {
    close_journal();
    broken_ = true;
    throw;
  }
  if (places_ != nullptr && !has_place_) {
    close_journal();
  }
}

HANAMI_SERVICE_INLINE void snapshot_files::open_journal() {
  journal_.emplace(file("journal", generation_), generation_, resume_at_,
                   key_of_journal_.has_value(), sync_journal_);
  has_place_ = places_ != nullptr && places_->take();
}

HANAMI_SERVICE_INLINE void snapshot_files::close_journal() noexcept {
  if (journal_) {
    resume_at_ = journal_->size();
    journal_.reset();
  }
  if (std::exchange(has_place_, false)) {
    places_->give_back();
  }
}

HANAMI_SERVICE_INLINE std::uint64_t snapshot_files::begin_generation() {
  close_journal();
  resume_at_ = 0;
  broken_ = false;
  return ++generation_;
}

HANAMI_SERVICE_INLINE void
snapshot_files::write_snapshot(std::uint64_t generation,
                               std::span<const std::byte> snapshot) const {
  data::block_writer writer(file("snapshot", generation), key_);
  writer.write(snapshot);
  writer.finish();
  const listing there = list();
  const auto remove_older = [&](const char* kind, const std::vector<std::uint64_t>& all) {
    for (const std::uint64_t g : all) {
      if (g < generation) {
        ::unlink(file(kind, g).c_str());
      }
    }
  };
  remove_older("journal", there.journals);
  remove_older("snapshot", there.snapshots);
}

HANAMI_SERVICE_INLINE std::uint64_t snapshot_files::bytes() const {
  std::uint64_t sum = 0;
  std::error_code trouble;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, trouble)) {
    std::error_code gone; // an older file, removed meanwhile
    const std::uint64_t size = entry.file_size(gone);
    sum += gone ? 0 : size;
  }
  if (trouble) {
    hanami::detail::refuse_file("cannot read ", folder_, trouble);
  }
  return sum;
}

HANAMI_SERVICE_INLINE void snapshot_files::remove() const {
  std::error_code ignored; // what stays is removed at the next start
  std::filesystem::remove_all(folder_, ignored);
}

HANAMI_SERVICE_INLINE snapshot_files::listing snapshot_files::list() const {
  listing there;
  std::error_code trouble;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, trouble)) {
    const std::string name = entry.path().filename().string();
    if (const auto g = detail::generation_in(name, "snapshot")) {
      there.snapshots.push_back(*g);
    } else if (const auto j = detail::generation_in(name, "journal")) {
      there.journals.push_back(*j);
    } else {
      there.rest.push_back(entry.path());
    }
  }
  if (trouble) {
    hanami::detail::refuse_file("cannot read ", folder_, trouble);
  }
  std::sort(there.snapshots.begin(), there.snapshots.end());
  std::sort(there.journals.begin(), there.journals.end());
  return there;
}

HANAMI_SERVICE_INLINE std::filesystem::path snapshot_files::file(const char* kind,
                                                                 std::uint64_t generation) const {
  return folder_ / (std::string(kind) + "-" + std::to_string(generation));
}

} // namespace hanami::service::engine
