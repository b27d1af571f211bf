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
#include "column_statistics.hpp"

/// Datasets as files: rows of named numbers, which may be larger than memory.
///
/// The content of a `block_file`: "hanamiDS", format version 2 (4 bytes), type of a value (4
/// bytes), rows (8), values a row (8), number of columns (8); each column as its first value (8),
/// the one after its last (8), the length of its name (4) and the name (UTF-8, 1 to 254 bytes, no
/// control characters, no name twice); then the values, row after row; then for each column its
/// statistics (values that are known (8) and missing (8), least, most, mean and sum of the squared
/// distances from it (8 each, floating point)), the number of its classes (4), and each class as
/// how often it occurs (8), the length of its name (4) and the name. Version 1 ends behind the
/// values. All little-endian.

namespace hanami::service::data {

enum class value_type : std::uint32_t {
  uint8 = 1,
  float32 = 4
}; ///< the value is the size in bytes

/// A name for some of the values of a row, [first, last).
struct data_column {
  std::string name;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  /// Of a column of classes, which has one value: what its numbers 0, 1, ... stand for.
  std::vector<std::string> classes{};

  /// Nothing before it is written, and for files of version 1.
  std::optional<column_statistics> statistics{};

  std::uint64_t width() const noexcept { return last - first; }
};

struct data_layout {
  value_type type = value_type::float32;
  std::uint64_t rows = 0;
  std::uint64_t width = 0; ///< values a row
  std::vector<data_column> columns;

  /// Throws `not_found`, listing those with the most similar names.
  const data_column& column(std::string_view name) const;
};

/// Bytes of all values. Throws `errc::invalid_argument` for an impossible layout and says why: no
/// values per row, more than 2^57 bytes, more than 65,536 columns, invalid names.
std::uint64_t bytes_of_values(const data_layout& layout);

/// Writes rows sequentially; without `finish` the file is removed. For one thread.
class data_writer {
 public:
  /// `layout.rows`: how many rows will be written; its classes are written by `finish`. Throws like
  /// `bytes_of_values` and `block_writer`.
  data_writer(std::filesystem::path file, data_layout layout,
              const std::optional<access::secret_key>& key);
  ~data_writer();
  data_writer(const data_writer&) = delete;
  data_writer& operator=(const data_writer&) = delete;

  /// Takes whole rows, else throws `errc::invalid_argument`; more rows than announced are
  /// `errc::invalid_data`. For a `uint8` file, values are rounded and clamped to 0..255; NaN
  /// becomes 0.
  void write(std::span<const float> rows);
  /// Takes values for a `uint8` file as they are.
  void write(std::span<const std::uint8_t> rows);
  /// A column will hold classes, though `layout` names none yet: before the first row.
  void expect_classes(std::size_t column);
  /// What the numbers of a column stand for, where it becomes known only by reading it. At most
  /// 65,536 classes a column, else `errc::invalid_argument`.
  void set_classes(std::size_t column, std::vector<std::string> names);
  /// Throws `errc::invalid_data` where fewer rows were written than announced, or the names of all
  /// classes have more than 32 MiB.
  void finish();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

/// Reads rows. Safe from any thread. Throws like `block_reader`, also where the file is not a
/// dataset.
class data_reader {
 public:
  data_reader(const std::filesystem::path& file, const std::optional<access::secret_key>& key);
  ~data_reader();
  data_reader(const data_reader&) = delete;
  data_reader& operator=(const data_reader&) = delete;

  const data_layout& layout() const noexcept;
  /// Reads `count` whole rows from `first` on into `to`, which must have exactly their size. Throws
  /// `errc::invalid_argument` for another size and for rows beyond the last.
  void read(std::uint64_t first, std::uint64_t count, std::span<float> to) const;
  /// The same for one column: `count * column.width()` values.
  void read(const data_column& column, std::uint64_t first, std::uint64_t count,
            std::span<float> to) const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::data
