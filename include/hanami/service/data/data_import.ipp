// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data_import.hpp"

#include <algorithm>
#include <array>
#include <istream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../io/load_table.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "column_name.hpp"
#include "unpacked_file.hpp"

namespace hanami::service::data {

namespace detail {

[[noreturn]] inline void refuse_data(const std::string& what) {
  throw refusal(refusal_code::invalid_data, what);
}

/// Messages quote the data, whatever bytes those are; what is not UTF-8 becomes '?'.
inline std::string as_utf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    result += length == 0 ? "?" : text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

/// Calls `work`, and turns what it finds wrong with the data into a refusal.
template <class Work>
auto refusing_bad_data(Work&& work) {
  try {
    return std::forward<Work>(work)();
  } catch (const error& failure) {
    const bool of_data = failure.code() == errc::invalid_data;
    if (!of_data && failure.code() != errc::invalid_argument) { // a column of the options
      throw;
    }
    refuse_data(as_utf8(failure.what()));
  }
}

inline void check_dataset_size(const data_layout& layout, std::uint64_t most_bytes) {
  const std::uint64_t bytes = bytes_of_values(layout);
  if (bytes > most_bytes) {
    throw quota_exceeded("the dataset would have " + std::to_string(bytes) + " bytes; " +
                         std::to_string(most_bytes) + " are left");
  }
}

// A table: the first pass counts rows and finds out which columns are text, the second one reads.

inline table_options import_table_options(const import_options& wanted) {
  table_options options;
  options.format.max_fields = 16384;
  options.categorical = wanted.classes;
  return options;
}

inline void report_share(const import_options& to, double share) {
  if (to.report && !to.report(std::min(share, 1.0))) {
    throw import_cancelled();
  }
}

/// The names of the columns, which must be fit for a dataset.
inline std::vector<std::string> names_for_dataset(const table_survey& found) {
  std::vector<std::string> names;
  std::size_t bytes = 0;
  for (const table_column& column : found.columns()) {
    names.push_back(column.name);
    if (const char* fault = fault_of_column_name(column.name)) {
      refuse_data("line 1: the name of column " + std::to_string(names.size()) + " " + fault);
    }
    bytes += column.name.size();
  }
  constexpr std::size_t most = std::size_t{256} << 10;
  if (bytes > most) {
    refuse_data("line 1: the names of the columns have " + std::to_string(bytes) +
                " bytes together; at most " + std::to_string(most) + " are accepted");
  }
  return names;
}

inline data_layout csv_layout(const std::vector<std::string>& names, std::uint64_t rows) {
  data_layout layout;
  layout.rows = rows;
  layout.width = names.size();
  for (std::size_t i = 0; i < names.size(); ++i) {
    layout.columns.push_back({names[i], i, i + 1});
  }
  return layout;
}

/// Bounds the memory that the names of the classes take.
class class_budget {
 public:
  explicit class_budget(const table_rows& rows) : rows_(rows), seen_(rows.columns().size(), 0) {}

  void look() {
    for (std::size_t i = 0; i < seen_.size(); ++i) {
      const std::vector<std::string>& classes = rows_.columns()[i].categories;
      for (; seen_[i] < classes.size(); ++seen_[i]) {
        bytes_ += classes[seen_[i]].size() + 64; // of what is kept around a name
      }
    }
    if (bytes_ > most) {
      refuse_data("line " + std::to_string(rows_.line()) +
                  ": the text is too various for classes; its different words may have 16 MiB "
                  "together");
    }
  }

 private:
  static constexpr std::size_t most = std::size_t{16} << 20;

  const table_rows& rows_;
  std::vector<std::size_t> seen_; ///< classes of each column
  std::size_t bytes_ = 0;
};

// idx

/// The bytes of an idx file, plain or gzip.
class idx_source : public unpacked_file {
 public:
  using unpacked_file::unpacked_file;

  /// Exactly `to.size()` bytes.
  void read(std::span<std::uint8_t> to) {
    const std::size_t got = unpacked_file::read(to);
    if (got < to.size()) {
      fail("the file ends here, " + std::to_string(to.size() - got) + " bytes or more too early");
    }
  }
  void expect_end() {
    std::uint8_t more = 0;
    if (read_uncounted({&more, 1}) != 0) {
      fail("the file goes on after what its header announces");
    }
  }
  std::uint32_t read_number() {
    std::array<std::uint8_t, 4> b{};
    read(b);
    return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
  }
};

inline void expect_idx_magic(idx_source& from, std::uint32_t magic, const char* meaning) {
  if (const std::uint32_t got = from.read_number(); got != magic) {
    constexpr char digits[] = "0123456789abcdef";
    std::string text = "0x";
    for (int shift = 28; shift >= 0; shift -= 4) {
      text += digits[got >> shift & 15U];
    }
    from.fail("begins with " + text + ", expected " + meaning);
  }
}

struct label_survey {
  std::uint32_t count = 0;
  std::uint32_t classes = 10;
};

/// Begins to read labels: how many there are.
inline std::uint32_t open_labels(idx_source& labels) {
  expect_idx_magic(labels, 0x801, "0x00000801: labels, one byte each");
  return labels.read_number();
}

inline label_survey survey_labels(const std::filesystem::path& file) {
  idx_source labels(file, "labels");
  label_survey found;
  found.count = open_labels(labels);
  std::array<std::uint8_t, 65536> block{};
  for (std::uint32_t left = found.count; left > 0;) {
    const std::span<std::uint8_t> part =
        std::span(block).first(std::min<std::size_t>(left, block.size()));
    labels.read(part);
    left -= static_cast<std::uint32_t>(part.size());
    found.classes = std::max(found.classes, *std::max_element(part.begin(), part.end()) + 1U);
  }
  labels.expect_end();
  return found;
}

/// Begins to read images: how many there are, and their pixels.
inline data_layout open_images(idx_source& images, const label_survey& labels) {
  expect_idx_magic(images, 0x803, "0x00000803: images, one byte a pixel");
  const std::uint32_t count = images.read_number();
  const std::uint64_t height = images.read_number();
  const std::uint64_t width = images.read_number();
  if (count == 0 || count != labels.count) {
    images.fail(std::to_string(count) + " images and " + std::to_string(labels.count) +
                " labels; there must be one label an image, and one image or more");
  }
  if (height == 0 || width == 0 || height * width > std::uint64_t{1} << 24) {
    images.fail("images of " + std::to_string(height) + " x " + std::to_string(width) +
                " pixels; accepted are 1 to 2^24");
  }
  const std::uint64_t pixels = height * width;
  data_layout layout;
  layout.type = value_type::uint8;
  layout.rows = count;
  layout.width = pixels + labels.classes;
  layout.columns = {{"picture", 0, pixels}, {"label", pixels, layout.width}};
  return layout;
}

inline void copy_mnist_rows(idx_source& images, idx_source& labels, const data_layout& layout,
                            data_writer& to, const import_options& options) {
  const auto pixels = static_cast<std::size_t>(layout.columns[0].last);
  const auto width = static_cast<std::size_t>(layout.width);
  const std::size_t at_once = std::max<std::size_t>(1, 65536 / width);
  std::vector<std::uint8_t> rows(at_once * width);
  for (std::uint64_t left = layout.rows; left > 0;) {
    report_share(options,
                 static_cast<double>(layout.rows - left) / static_cast<double>(layout.rows));
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(left, at_once));
    for (std::size_t i = 0; i < part; ++i) {
      const std::span<std::uint8_t> row = std::span(rows).subspan(i * width, width);
      images.read(row.first(pixels));
      std::uint8_t label = 0;
      labels.read({&label, 1});
      if (label >= width - pixels) {
        labels.fail("the labels changed while they were read");
      }
      std::fill(row.begin() + static_cast<std::ptrdiff_t>(pixels), row.end(), std::uint8_t{0});
      row[pixels + label] = 1;
    }
    to.write(std::span<const std::uint8_t>(rows).first(part * width));
    left -= part;
  }
  images.expect_end();
}

} // namespace detail

HANAMI_SERVICE_INLINE data_layout import_csv(const std::filesystem::path& csv,
                                             const std::filesystem::path& to,
                                             const std::optional<access::secret_key>& key,
                                             const import_options& options) {
  return detail::refusing_bad_data([&] {
    unpacked_table first(csv,
                         [&options](double share) { detail::report_share(options, share / 2); });
    const table_survey found(first, detail::import_table_options(options));
    const std::vector<std::string> names = detail::names_for_dataset(found);
    if (found.rows() == 0) {
      detail::refuse_data("there is no row of values in it");
    }
    data_layout layout = detail::csv_layout(names, found.rows());
    detail::check_dataset_size(layout, options.most_bytes);

    unpacked_table second(
        csv, [&options](double share) { detail::report_share(options, 0.5 + share / 2); });
    table_rows rows(second, found);
    data_writer writer(to, layout, key);
    for (std::size_t column = 0; column < names.size(); ++column) {
      if (found.of_text(column)) {
        writer.expect_classes(column);
      }
    }
    detail::class_budget budget(rows);
    std::vector<float> row(names.size());
    while (rows.read(row)) {
      budget.look();
      writer.write(row);
    }
    for (std::size_t column = 0; column < names.size(); ++column) {
      std::vector<std::string>& classes = layout.columns[column].classes;
      for (const std::string& name : rows.columns()[column].categories) {
        classes.push_back(detail::as_utf8(name));
      }
      writer.set_classes(column, classes);
    }
    writer.finish();
    return layout;
  });
}

HANAMI_SERVICE_INLINE data_layout import_mnist(const std::filesystem::path& images,
                                               const std::filesystem::path& labels,
                                               const std::filesystem::path& to,
                                               const std::optional<access::secret_key>& key,
                                               const import_options& options) {
  const detail::label_survey found = detail::survey_labels(labels);
  detail::idx_source pictures(images, "images");
  data_layout layout = detail::open_images(pictures, found);
  detail::check_dataset_size(layout, options.most_bytes);
  detail::idx_source classes(labels, "labels");
  detail::open_labels(classes);
  data_writer writer(to, layout, key);
  detail::copy_mnist_rows(pictures, classes, layout, writer, options);
  writer.finish();
  return layout;
}

} // namespace hanami::service::data
