// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

/// A file that arrives in pieces, and which of its bytes have arrived, across kills of the process.

namespace hanami::service::data {

/// Pieces are written to their positions in the file; after each one with new bytes, a record of 24
/// bytes is appended to <file>.ranges: begin, end, checksum. A torn last record is ignored when
/// they are read. Safe from any thread.
class part_file {
 public:
  /// `file` need not exist: then nothing has arrived. A file of another size is discarded. Throws
  /// `errc::file_error`.
  part_file(std::filesystem::path file, std::uint64_t size);
  ~part_file();
  part_file(const part_file&) = delete;
  part_file& operator=(const part_file&) = delete;

  const std::filesystem::path& path() const noexcept;
  std::uint64_t size() const noexcept;
  /// Bytes that have arrived, wherever they are.
  std::uint64_t received() const;
  /// The first byte that is missing.
  std::uint64_t next() const;
  /// When it was created or last written to, milliseconds since 1970.
  std::int64_t last_write() const;

  /// Throws `invalid_value` beyond the end, `too_many_gaps` (see `datasets::write`), `no_space`
  /// where the disk is full; else `errc::file_error`.
  void write(std::uint64_t position, std::span<const std::byte> bytes);

  /// Removes both files.
  void remove() noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::data
