// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../../cluster.hpp"
#include "../data/block_file.hpp"
#include "../store/tasks.hpp"
#include "journal.hpp"

/// What a cluster is on disk: a folder of its own, with snapshots (checkpoints in a `block_file`)
/// called "snapshot-<generation>" and journals called "journal-<generation>". Snapshot n is the
/// cluster at the begin of journal n. A new journal is begun before its snapshot is written, so
/// that the old snapshot and the journals since then hold everything until the new one is on disk.

namespace hanami::service::engine {

namespace detail {

inline std::vector<std::byte> read_all(const block_reader& from) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(from.size()));
  from.read(0, bytes);
  return bytes;
}

} // namespace detail

/// How far the task has come that has last changed a cluster.
struct task_position {
  std::string task_id;                                 ///< empty: none
  std::uint64_t done = 0;                              ///< samples, over all epochs
  store::task_state state = store::task_state::active; ///< or how it has ended
  std::string error;
  std::uint64_t refused = 0; ///< samples that the cluster would not take
  std::string refusal;       ///< why the first of them
};

/// The bytes of a snapshot.
std::vector<std::byte> take_snapshot(const cluster& of, const task_position& where);

/// Learns a record again; false: it cannot be had any more, and neither can what follows.
using journal_replay = std::function<bool(cluster&, const journal_record&, task_position&)>;

class cluster_files {
 public:
  /// `key`: of the service's files; nothing: plain.
  cluster_files(std::filesystem::path folder, const std::optional<access::secret_key>& key,
                bool sync_journal);

  /// Makes the folder and snapshot 0. Throws `errc::file_error`.
  void create(std::span<const std::byte> snapshot);

  struct recovered {
    cluster net;
    task_position where;
  };
  /// What the newest snapshot that can be read and the journals since then give, up to the first
  /// record that is not whole. Journals go on from there. Throws `errc::file_error`,
  /// `errc::invalid_checkpoint` and `errc::invalid_data` where nothing can be had.
  recovered recover(const journal_replay& replay);

  // In the turn of the cluster only.

  /// Adds to the journal of this generation. Throws `errc::file_error`, and from then on, until
  /// there is another generation: what the cluster is no longer follows from the journal.
  void append(const journal_bytes& record);
  journal_bytes encoded(const journal_record& record) const {
    return encode(record, key_of_journal_);
  }
  std::uint64_t journal_size() const noexcept { return journal_ ? journal_->size() : resume_at_; }
  bool broken() const noexcept { return broken_; }
  /// Closes the journal. The next record begins another; the snapshot of the number that is
  /// returned has to be what the cluster is now.
  std::uint64_t begin_generation();

  // On any thread, one at a time for a generation.

  /// Puts a snapshot on disk and removes what is older. Throws `errc::file_error`.
  void write_snapshot(std::uint64_t generation, std::span<const std::byte> snapshot) const;
  /// Removes everything.
  void remove() const;
  const journal_key& key_of_journal() const noexcept { return key_of_journal_; }

 private:
  struct listing {
    std::vector<std::uint64_t> snapshots; ///< ascending
    std::vector<std::uint64_t> journals;
    std::vector<std::filesystem::path> rest; ///< beginnings of snapshots that were cut off
  };
  listing list() const;
  std::filesystem::path file(const char* kind, std::uint64_t generation) const;
  recovered load_newest(const listing& there);
  void replay_journals(const listing& there, recovered& into, const journal_replay& replay);

  std::filesystem::path folder_;
  std::optional<access::secret_key> key_;
  journal_key key_of_journal_;
  bool sync_journal_;
  std::uint64_t generation_ = 0;
  std::uint64_t resume_at_ = 0; ///< end of a journal that is there already
  std::optional<journal_writer> journal_;
  bool broken_ = false;
};

} // namespace hanami::service::engine
