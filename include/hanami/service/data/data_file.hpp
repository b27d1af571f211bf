// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "block_file.hpp"

/// Datasets as files: rows of numbers under names, larger than memory if need be.
///
/// The content of a `block_file`: "hanamiDS", format version 1 (4 bytes), type of a value (4
/// bytes), rows (8), values a row (8), number of columns (8); each column as its first value (8),
/// the one after its last (8), the length of its name (4) and the name (UTF-8, 1 to 254 bytes, no
/// control characters, no name twice); then the values, row after row. All little-endian.

namespace hanami::service::engine {

enum class value_type : std::uint32_t { uint8 = 1, float32 = 4 }; ///< also its bytes

/// A name for some of the values of a row, [first, last).
struct data_column {
  std::string name;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  /// What its numbers stand for, 0 first, where it was text. Not in the file: whoever imports it
  /// keeps them.
  std::vector<std::string> classes{};

  std::uint64_t width() const noexcept { return last - first; }
};

struct data_layout {
  value_type type = value_type::float32;
  std::uint64_t rows = 0;
  std::uint64_t width = 0; ///< values a row
  std::vector<data_column> columns;

  /// Throws `not_found`, naming the columns there are.
  const data_column& column(std::string_view name) const;
};

/// Bytes of all values. Throws `errc::invalid_argument` for a layout that no file can have, saying
/// why: no values a row, more than 2^57 bytes, more than 65,536 columns, names as above.
std::uint64_t bytes_of_values(const data_layout& layout);

/// Writes rows one after the other; nothing stays without `finish`. For one thread.
class data_writer {
 public:
  /// `layout.rows`: how many will come. Throws as `bytes_of_values` and `block_writer`.
  data_writer(std::filesystem::path file, data_layout layout,
              const std::optional<access::secret_key>& key);
  ~data_writer();
  data_writer(const data_writer&) = delete;
  data_writer& operator=(const data_writer&) = delete;

  /// Whole rows, else `errc::invalid_argument`; more than announced are `errc::invalid_data`.
  /// Values of a `uint8` file are rounded and held within 0..255; NaN is 0.
  void write(std::span<const float> rows);
  /// The same of values as they are, into a file of `uint8`.
  void write(std::span<const std::uint8_t> rows);
  /// Throws `errc::invalid_data` where fewer rows were written than announced.
  void finish();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Reads rows. Safe from many threads. Throws as `block_reader`, also where the file holds
/// something else than a dataset.
class data_reader {
 public:
  data_reader(const std::filesystem::path& file, const std::optional<access::secret_key>& key);
  ~data_reader();
  data_reader(const data_reader&) = delete;
  data_reader& operator=(const data_reader&) = delete;

  const data_layout& layout() const noexcept;
  /// `count` whole rows from `first` into `to`, which holds exactly those. Rows beyond the last and
  /// another size of `to` are `errc::invalid_argument`.
  void read(std::uint64_t first, std::uint64_t count, std::span<float> to) const;
  /// The same of one column: `count * column.width()` values.
  void read(const data_column& column, std::uint64_t first, std::uint64_t count,
            std::span<float> to) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::engine
