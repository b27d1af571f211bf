// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../../cluster.hpp"
#include "../base/descriptors.hpp"
#include "../data/block_file.hpp"
#include "../store/tasks.hpp"
#include "journal.hpp"
#include "task/training_losses.hpp"

/// A cluster on disk: a folder with snapshots (checkpoints in a `block_file`), named
/// "snapshot-<generation>", and journals, named "journal-<generation>". Snapshot n is the cluster
/// at the start of journal n. A new journal is started before its snapshot is written, so that the
/// old snapshot and the journals since then are complete until the new one is on disk.

namespace hanami::service::engine {

namespace detail {

inline std::vector<std::byte> read_all(const data::block_reader& from) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(from.size()));
  from.read(0, bytes);
  return bytes;
}

} // namespace detail

/// The progress of the task that was the last to change a cluster.
struct task_position {
  std::string task_id;                                 ///< empty: none
  std::uint64_t done = 0;                              ///< samples, over all epochs
  store::task_state state = store::task_state::active; ///< or how it ended
  std::string error;
  std::uint64_t refused = 0; ///< samples that the cluster refused
  std::string refusal;       ///< the reason for the first of them
  training_losses losses;    ///< of the others
};

/// The bytes of a snapshot.
std::vector<std::byte> take_snapshot(const cluster& of, const task_position& where);

/// Replays a record; false: it and all that follow can no longer be replayed.
using journal_replay = std::function<bool(cluster&, const journal_record&, task_position&)>;

/// The descriptors that the journals of all clusters share. Safe from any thread.
class journal_places {
 public:
  /// `most`: journals that stay open; those of other clusters are opened for each record.
  explicit journal_places(std::size_t most) noexcept : most_(most), left_(most) {}

  bool take() noexcept {
    std::size_t left = left_.load();
    while (left > 0 && !left_.compare_exchange_weak(left, left - 1)) {
    }
    return left > 0;
  }
  void give_back() noexcept { ++left_; }
  std::size_t taken() const noexcept { return most_ - left_; }
  spare_descriptor& spare() noexcept { return spare_; }

 private:
  const std::size_t most_;
  std::atomic<std::size_t> left_;
  spare_descriptor spare_;
};

class cluster_files {
 public:
  /// `key`: of the service's files; nothing: unencrypted. `places`: for the journal, which stays
  /// open without.
  cluster_files(std::filesystem::path folder, const std::optional<access::secret_key>& key,
                bool sync_journal, journal_places* places = nullptr);
  ~cluster_files() { close_journal(); }
  cluster_files(const cluster_files&) = delete;
  cluster_files& operator=(const cluster_files&) = delete;

  /// Creates the folder and snapshot 0. Throws `errc::file_error`.
  void create(std::span<const std::byte> snapshot);

  struct recovered {
    cluster net;
    task_position where;
  };
  /// The cluster from the newest readable snapshot and the journals since then, up to the first
  /// incomplete record, where the journal is continued. Throws `errc::file_error`,
  /// `errc::invalid_checkpoint` and `errc::invalid_data` where nothing can be recovered.
  recovered recover(const journal_replay& replay);

  // Only during the cluster's turn.

  /// Appends to the journal of this generation. Throws `errc::file_error`, and keeps throwing until
  /// the next generation, since the journal no longer describes the cluster.
  void append(const journal_bytes& record);
  journal_bytes encoded(const journal_record& record) const {
    return encode(record, key_of_journal_);
  }
  std::uint64_t journal_size() const noexcept { return journal_ ? journal_->size() : resume_at_; }
  bool broken() const noexcept { return broken_; }
  bool journal_is_open() const noexcept { return journal_.has_value(); }
  /// Until the next record; gives its descriptor back.
  void close_journal() noexcept;
  /// Closes the journal; the next record starts another one. Returns its generation, for which the
  /// caller must write a snapshot of the present cluster.
  std::uint64_t begin_generation();

  // On any thread, one at a time per generation.

  /// Writes a snapshot to disk and removes older files. Throws `errc::file_error`.
  void write_snapshot(std::uint64_t generation, std::span<const std::byte> snapshot) const;
  /// Of all its files together. Throws `errc::file_error`.
  std::uint64_t bytes() const;
  /// Removes everything.
  void remove() const;
  const journal_key& key_of_journal() const noexcept { return key_of_journal_; }

 private:
  struct listing {
    std::vector<std::uint64_t> snapshots; ///< ascending
    std::vector<std::uint64_t> journals;
    std::vector<std::filesystem::path> rest; ///< incomplete snapshots
  };
  listing list() const;
  std::filesystem::path file(const char* kind, std::uint64_t generation) const;
  recovered load_newest(const listing& there);
  void replay_journals(const listing& there, recovered& into, const journal_replay& replay);

  void open_journal();

  std::filesystem::path folder_;
  journal_places* places_;
  bool has_place_ = false;
  std::optional<access::secret_key> key_;
  journal_key key_of_journal_;
  bool sync_journal_;
  std::uint64_t generation_ = 0;
  std::uint64_t resume_at_ = 0; ///< end of an existing journal
  std::optional<journal_writer> journal_;
  bool broken_ = false;
};

} // namespace hanami::service::engine
