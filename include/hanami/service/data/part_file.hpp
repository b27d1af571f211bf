// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

/// A file that arrives in pieces, and what has arrived of it, across kills of the process.

namespace hanami::service::engine {

/// Pieces go to their places in the file; after each that brings something new, a record of 24
/// bytes goes to <file>.ranges: begin, end, checksum. A torn last record is left out when they are
/// read. Safe from any thread.
class part_file {
 public:
  /// `file` need not be there: then nothing has arrived. Nor does anything count that was written
  /// for another size. Throws `errc::file_error`.
  part_file(std::filesystem::path file, std::uint64_t size);
  ~part_file();
  part_file(const part_file&) = delete;
  part_file& operator=(const part_file&) = delete;

  const std::filesystem::path& path() const noexcept;
  std::uint64_t size() const noexcept;
  /// Bytes that are there, wherever they lie.
  std::uint64_t received() const;
  /// The first byte that is missing.
  std::uint64_t next() const;
  /// When it was made or last written to, milliseconds since 1970.
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

} // namespace hanami::service::engine
