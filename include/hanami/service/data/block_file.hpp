// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>

#include "../access/token.hpp"

/// Files that may be encrypted, with random access.
///
///     offset  size   what
///     0       8      "hanamiBF"
///     8       4      version, 1
///     12      4      1: encrypted; 0: plain
///     16      8      bytes of the content
///     24      16     salt, different for each file
///     40      ...    blocks of 64 KiB of content, the last one shorter; at least one
///
/// A plain block is followed by 8 bytes of checksum (SipHash-2-4, the salt is its key). An
/// encrypted one (XChaCha20-Poly1305 of libsodium, with a key for each file that is derived from
/// the service's key and the salt) has its nonce of 24 bytes before it and its tag of 16 bytes
/// behind it. Both cover the block's number, and in the last block the content's size, too: blocks
/// cannot be swapped, cut off or taken from other files. Numbers are little-endian.
///
/// A checksum finds damage. Only encrypted files withstand somebody who can write to the disk.

namespace hanami::service::data {

/// Writes sequentially into a temporary file next to `file`, mode 0600; `finish` syncs it and moves
/// it into place. Without `finish` it is removed, and `file` stays as it was. For one thread, and
/// one writer per file.
class block_writer {
 public:
  /// `key`: of the service; nothing: unencrypted. Throws `errc::file_error`, and `no_space` where
  /// the disk is full.
  block_writer(std::filesystem::path file, const std::optional<access::secret_key>& key);
  ~block_writer();
  block_writer(const block_writer&) = delete;
  block_writer& operator=(const block_writer&) = delete;

  /// Throws like the constructor.
  void write(std::span<const std::byte> bytes);
  /// Must be called once, as the last call. Throws like the constructor.
  void finish();
  /// Bytes of content so far.
  std::uint64_t size() const noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Reads from any position; keeps one block in memory. Safe from many threads. Throws
/// `errc::file_error` where the system refuses, `errc::invalid_data` for damaged, truncated or
/// foreign files and a wrong or missing key; both name the file.
class block_reader {
 public:
  /// Checks header, length and last block. A plain file can be read with or without a key.
  block_reader(const std::filesystem::path& file, const std::optional<access::secret_key>& key);
  ~block_reader();
  block_reader(const block_reader&) = delete;
  block_reader& operator=(const block_reader&) = delete;

  std::uint64_t size() const noexcept;
  /// Reads exactly `to.size()` bytes from `offset`; throws `errc::invalid_argument` beyond the end.
  void read(std::uint64_t offset, std::span<std::byte> to) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::data
