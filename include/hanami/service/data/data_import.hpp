// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>

#include "data_file.hpp"

/// Uploaded files become datasets. Memory does not grow with the files.
///
/// What is wrong with a file's content is refused as `invalid_data` with the place of the
/// fault, a dataset larger than `most_bytes` as `quota_exceeded`, before anything is written.
/// Nothing is left behind then. `errc::file_error` where the system refuses, `no_space` where
/// the disk is full.

namespace hanami::service::engine {

inline constexpr std::uint64_t any_size = std::numeric_limits<std::uint64_t>::max();

/// A CSV file (RFC 4180 as `csv_reader` reads it) with a header or without; every column becomes
/// one of a float32 value, with its name. One column is enough. A column whose first cell is a
/// number, true or false has numbers only; one whose first cell is text has classes, numbered as
/// they appear, at most 65,536 with names of 16 MiB together in all columns; the layout that is
/// given back names them. Missing cells are NaN. At least one row of at most 16,384 columns, their
/// names together at most 256 KiB.
data_layout import_csv(const std::filesystem::path& csv, const std::filesystem::path& to,
                       const std::optional<access::secret_key>& key,
                       std::uint64_t most_bytes = any_size);

/// idx images and labels of bytes, plain or gzip: a file of uint8 with the columns "picture" (the
/// pixels as they are) and "label" (one-hot, 10 values or as many as the largest label needs). At
/// least one image of at most 2^24 pixels; counts that differ or are not those of the files are
/// faults. What follows the end mark of a gzip stream, and is none itself, does not matter.
data_layout import_mnist(const std::filesystem::path& images, const std::filesystem::path& labels,
                         const std::filesystem::path& to,
                         const std::optional<access::secret_key>& key,
                         std::uint64_t most_bytes = any_size);

} // namespace hanami::service::engine
