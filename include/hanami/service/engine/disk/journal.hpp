// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "../../../io/write_file.hpp"
#include "../../access/token.hpp"
#include "../../store/tasks.hpp"

/// Journals: what a cluster or a stream has learned, in order, so that it can be replayed.
///
///     offset  size  what
///     0       8     "hanamiJN"
///     8       4     version, 1
///     12      4     1: encrypted; 0: plain
///     16      8     generation: the number of the snapshot that it follows
///     24      ...   records: bytes of the content (4), checksum of the content (8), content
///
/// The content is a kind (1 byte) and its fields or, if encrypted (XChaCha20-Poly1305), a nonce of
/// 24 bytes, the ciphertext of the same, and a tag of 16. A journal ends at its first incomplete
/// record, where it was cut off. All numbers are little-endian.

namespace hanami::service::engine {

/// One sample was learned directly.
struct journal_sample {
  std::vector<float> input;
  std::vector<float> target;
};

/// A training task has begun.
struct journal_begin {
  std::string task_id;
  std::uint64_t anneal_over = 0; ///< samples over which the learning rate falls; 0: it does not
};

/// Samples [first, first + count) of a training task were learned.
struct journal_rows {
  std::string task_id;
  std::uint64_t first = 0; ///< counted over all epochs
  std::uint64_t count = 0;
};

/// A training task has ended, though its row may not say so yet.
struct journal_end {
  std::string task_id;
  store::task_state state = store::task_state::finished;
  std::string error;
  bool annealed = false; ///< the learning rate was annealed and stays where it is
};

/// A task has replaced the cluster by a checkpoint.
struct journal_restore {
  std::string task_id;
  std::string checkpoint_id;
};

/// A stream has taken in rows, as they came.
struct journal_batch {
  std::uint8_t syntax = 0; ///< of the text, as the stream numbers them
  std::int64_t at = 0;     ///< milliseconds since 1970
  std::string text;
};

using journal_record = std::variant<journal_sample, journal_begin, journal_rows, journal_end,
                                    journal_restore, journal_batch>;
using journal_bytes = std::vector<std::byte>;
using journal_key = std::optional<access::secret_key>;

/// A record as it is stored. Zeros in samples take one bit.
journal_bytes encode(const journal_record& record, const journal_key& key);
/// The same for a sample, without copying it.
journal_bytes encode_sample(std::span<const float> input, std::span<const float> target,
                            const journal_key& key);

/// Back from `encode_sample`.
journal_sample decode_sample(const journal_bytes& record, const journal_key& key);

/// Appends to one file, mode 0600. For one thread at a time.
class journal_writer {
 public:
  /// Continues at `from` and cuts off the rest; 0: starts a new file. `sync`: each record is on
  /// disk when `append` returns. Throws `errc::file_error`.
  journal_writer(std::filesystem::path file, std::uint64_t generation, std::uint64_t from,
                 bool encrypted, bool sync);

  /// Appends what `encode` returned. Throws `errc::file_error`; the file is then as before or,
  /// where that is impossible, takes no more records.
  void append(const journal_bytes& record);
  std::uint64_t size() const noexcept { return size_; }

 private:
  void put(std::span<const std::byte> bytes);

  std::filesystem::path file_;
  hanami::detail::file_handle handle_;
  std::uint64_t size_ = 0;
  bool sync_;
  bool broken_ = false;
};

struct journal_extent {
  /// The start of the first record that was not accepted, or the end of the file; 0: there is not
  /// even a header.
  std::uint64_t end = 0;
  bool whole = true; ///< nothing follows it
  bool encrypted = false;
};

/// Calls `callback` with each complete record in turn, until it returns false. Throws
/// `errc::file_error`, `errc::unsupported_version`, and `errc::invalid_data` for a wrong or missing
/// key.
journal_extent read_journal(const std::filesystem::path& file, std::uint64_t generation,
                            const journal_key& key,
                            const std::function<bool(const journal_record&)>& callback);

} // namespace hanami::service::engine
