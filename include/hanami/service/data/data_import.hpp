// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "data_file.hpp"

/// Turns uploaded files into datasets. Memory does not grow with the size of the files.
///
/// Throws `invalid_data`, with the position of the fault, for invalid content; `quota_exceeded` for
/// a dataset larger than `options.most_bytes`, before anything is written; `errc::file_error` where
/// the system refuses, `no_space` where the disk is full. Nothing is left behind then.

namespace hanami::service::data {

inline constexpr std::uint64_t any_size = std::numeric_limits<std::uint64_t>::max();

/// What holds for an import of any format.
struct import_options {
  std::uint64_t most_bytes = any_size; ///< of the dataset
  /// Columns of a table that hold classes even where they are written as numbers.
  std::vector<std::string> classes = {};
  /// Called now and then with the share that is done, 0..1; false: stop, which throws
  /// `import_cancelled`.
  std::function<bool(double)> report = {};
};

/// `import_options::report` wanted no more.
struct import_cancelled : std::exception {
  const char* what() const noexcept override { return "the import was cancelled"; }
};

/// A table: CSV of any dialect or JSON objects, as `load_table` reads it, plain or gzip, with or
/// without a header;
/// every column becomes a float32 column of the same name. A column whose first known cell is a
/// number, true or false may hold numbers only, and none whose neighbours float32 would make equal;
/// one whose first known cell is text holds classes, as do those in `options.classes`. Classes are
/// numbered in order of appearance: at most 65,536 in a column, with names of at most 16 MiB in all
/// columns together; the file and the returned layout list them. Missing cells are NaN. At least
/// one row; at most 16,384 columns, whose names have at most 256 KiB together.
data_layout import_csv(const std::filesystem::path& csv, const std::filesystem::path& to,
                       const std::optional<access::secret_key>& key,
                       const import_options& options = {});

/// idx images and labels of bytes, plain or gzip: a file of uint8 with the columns "picture" (the
/// pixels as they are) and "label" (one-hot, 10 values or as many as the largest label needs). At
/// least one image of at most 2^24 pixels; the two counts must be equal and match the files. Bytes
/// after the end of a gzip stream that are not another one are ignored.
data_layout import_mnist(const std::filesystem::path& images, const std::filesystem::path& labels,
                         const std::filesystem::path& to,
                         const std::optional<access::secret_key>& key,
                         const import_options& options = {});

} // namespace hanami::service::data
