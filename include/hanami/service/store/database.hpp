// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <vector>

#include "../base/refusal.hpp"
#include "disk_reserve.hpp"
#include "sqlite.hpp"

/// The service's database: one file with a write-ahead log, one writer and any number of readers.

namespace hanami::service::store {

/// Safe from any thread. A commit is on disk when `write` returns. Neither `write` nor `read` may
/// be called from within the work of another call.
class database {
 public:
  /// Opens or creates the file (mode 0600) and migrates it to the newest version. Throws
  /// `errc::file_error`, also for files that are not a database of this service, and
  /// `errc::unsupported_version` for a file from a newer build.
  explicit database(const std::filesystem::path& file);

  /// Calls `work(connection&)` in a transaction, which is rolled back when it throws. One writer at
  /// a time.
  template <class Work>
  auto write(Work&& work) {
    const std::lock_guard lock(writing_);
    transaction guard(*writer_);
    if constexpr (std::is_void_v<decltype(work(*writer_))>) {
      work(*writer_);
      guard.commit();
    } else {
      auto result = work(*writer_);
      guard.commit();
      return result;
    }
  }

  /// The same for what has to be possible on a full disk, too: with a reserve. `work` may be called
  /// twice.
  template <class Work>
  auto write_anyway(Work&& work) {
    try {
      return write(work);
    } catch (const refusal& why) {
      if (why.code() != refusal_code::no_space) {
        throw;
      }
    }
    return reserve_.lend([&] { return write(work); });
  }
  /// Fills the reserve for a full disk up again.
  void fill_reserve() noexcept { reserve_.fill(); }

  /// Calls `work(connection&)` on a snapshot of what is committed; never waits for a writer.
  template <class Work>
  auto read(Work&& work) {
    const lease reader(*this);
    return work(*reader.held);
  }

 private:
  /// BEGIN IMMEDIATE now, ROLLBACK at the end unless committed.
  class transaction {
   public:
    explicit transaction(connection& on) : on_(on) { on_.execute("BEGIN IMMEDIATE"); }
    transaction(const transaction&) = delete;
    transaction& operator=(const transaction&) = delete;
    ~transaction();
    void commit() {
      on_.execute("COMMIT");
      done_ = true;
    }

   private:
    connection& on_;
    bool done_ = false;
  };

  /// A reader from the pool in a transaction, given back at the end.
  struct lease {
    explicit lease(database& from) : owner(from), held(from.take_reader()) {}
    lease(const lease&) = delete;
    lease& operator=(const lease&) = delete;
    ~lease() { owner.give_back(std::move(held)); }

    database& owner;
    std::unique_ptr<connection> held;
  };

  void open();
  void migrate();
  std::unique_ptr<connection> take_reader();
  void give_back(std::unique_ptr<connection> reader) noexcept;

  std::filesystem::path file_;
  disk_reserve reserve_;
  std::mutex writing_;
  std::unique_ptr<connection> writer_;
  std::mutex pool_;
  std::vector<std::unique_ptr<connection>> readers_;
};

} // namespace hanami::service::store
