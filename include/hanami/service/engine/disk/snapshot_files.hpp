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

#include "../../data/block_file.hpp"
#include "journal.hpp"
#include "journal_places.hpp"

/// What learns, on disk: a folder with snapshots (checkpoints in a `block_file`), named
/// "snapshot-<generation>", and journals, named "journal-<generation>". Snapshot n is its state at
/// the start of journal n. A new journal is started before its snapshot is written, so that the
/// old snapshot and the journals since then are complete until the new one is on disk.

namespace hanami::service::engine {

namespace detail {

inline std::vector<std::byte> read_all(const data::block_reader& from) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(from.size()));
  from.read(0, bytes);
  return bytes;
}

} // namespace detail

/// Reads a snapshot; throws what `from_checkpoint` throws.
using snapshot_reader = std::function<void(std::span<const std::byte>)>;
/// Replays a record; false: it and all that follow can no longer be replayed.
using record_replay = std::function<bool(const journal_record&)>;

class snapshot_files {
 public:
  /// `key`: of the service's files; nothing: unencrypted. `places`: for the journal, which stays
  /// open without.
  snapshot_files(std::filesystem::path folder, const std::optional<access::secret_key>& key,
                 bool sync_journal, journal_places* places = nullptr);
  ~snapshot_files() { close_journal(); }
  snapshot_files(const snapshot_files&) = delete;
  snapshot_files& operator=(const snapshot_files&) = delete;

  /// Creates the folder and snapshot 0. Throws `errc::file_error`.
  void create(std::span<const std::byte> snapshot);

  /// Goes back to the newest readable snapshot and through the journals since then, up to the first
  /// incomplete record, where the journal is continued. Throws `errc::file_error`,
  /// `errc::invalid_checkpoint` and `errc::invalid_data` where nothing can be recovered.
  void recover(const snapshot_reader& load, const record_replay& replay);

  // Only during the owner's turn.

  /// Appends to the journal of this generation. Throws `errc::file_error`, and keeps throwing until
  /// the next generation, since the journal no longer describes the owner's state.
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
  /// caller must write a snapshot of the present state.
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
  void load_newest(const listing& there, const snapshot_reader& load);
  void replay_journals(const listing& there, const record_replay& replay);
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
