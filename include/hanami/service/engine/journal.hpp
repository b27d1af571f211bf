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

#include "../../io/file.hpp"
#include "../access/token.hpp"
#include "../store/tasks.hpp"

/// Journals: what a cluster has learned, in order, so that it can learn it again.
///
///     offset  size  what
///     0       8     "hanamiJN"
///     8       4     version, 1
///     12      4     1: encrypted; 0: plain
///     16      8     generation: the number of the snapshot that it follows
///     24      ...   records: bytes of the content (4), checksum of the content (8), content
///
/// A content is a kind (1) and what belongs to it, or, encrypted (XChaCha20-Poly1305), a nonce of
/// 24 bytes, the same in cipher, a tag of 16. A journal ends at its first record that is not whole:
/// there it was cut off. All numbers are little-endian.

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
  bool annealed = false; ///< the learning rate fell, and stays from now on
};

/// A task has made the cluster what a checkpoint holds.
struct journal_restore {
  std::string task_id;
  std::string checkpoint_id;
};

using journal_record =
    std::variant<journal_sample, journal_begin, journal_rows, journal_end, journal_restore>;
using journal_bytes = std::vector<std::byte>;
using journal_key = std::optional<access::secret_key>;

/// A record as it lies in the file. Zeros in samples take one bit.
journal_bytes encode(const journal_record& record, const journal_key& key);
/// The same of a sample that lies elsewhere.
journal_bytes encode_sample(std::span<const float> input, std::span<const float> target,
                            const journal_key& key);

/// Appends to one file, mode 0600. For one thread at a time.
class journal_writer {
 public:
  /// Goes on at `from`, what is behind it is cut off; 0: begins anew. `sync`: each record is on
  /// disk when `append` returns. Throws `errc::file_error`.
  journal_writer(std::filesystem::path file, std::uint64_t generation, std::uint64_t from,
                 bool encrypted, bool sync);

  /// What `encode` made. Throws `errc::file_error`; the file is then as it was before or, where not
  /// even that can be had, takes nothing more.
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
  /// Where the first record begins that was not heard with a true, or the file's end; 0: nothing is
  /// there, not even a header.
  std::uint64_t end = 0;
  bool whole = true; ///< nothing is behind that
  bool encrypted = false;
};

/// Calls `callback` with each whole record in turn, until it says false. Throws `errc::file_error`,
/// `errc::unsupported_version`, and `errc::invalid_data` for a wrong or missing key.
journal_extent read_journal(const std::filesystem::path& file, std::uint64_t generation,
                            const journal_key& key,
                            const std::function<bool(const journal_record&)>& callback);

} // namespace hanami::service::engine
