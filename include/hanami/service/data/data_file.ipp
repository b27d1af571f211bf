// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "data_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <unordered_set>
#include <utility>

#include "../../foundation/error.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "../base/similar_names.hpp"
#include "column_name.hpp"
#include "positioned_io.hpp"

namespace hanami::service::data {

namespace detail {

inline constexpr std::uint64_t most_data_columns = 65536;
inline constexpr std::uint64_t most_classes = 65536; ///< of a column
inline constexpr std::uint64_t most_class_bytes = std::uint64_t{32} << 20;

/// What is wrong with the columns; empty: nothing.
inline std::string fault_of_columns(const data_layout& layout) {
  if (layout.columns.size() > most_data_columns) {
    return std::to_string(layout.columns.size()) + " columns; at most 65536 are accepted";
  }
  std::unordered_set<std::string_view> names;
  for (std::size_t i = 0; i < layout.columns.size(); ++i) {
    const data_column& column = layout.columns[i];
    const std::string which = "column " + std::to_string(i + 1);
    if (const char* fault = fault_of_column_name(column.name)) {
      return which + ": the name " + fault;
    }
    if (!names.insert(column.name).second) {
      return which + ": the name \"" + column.name + "\" is taken";
    }
    if (column.first >= column.last || column.last > layout.width) {
      return which + ": values " + std::to_string(column.first) + " to " +
             std::to_string(column.last) + " of " + std::to_string(layout.width);
    }
  }
  return {};
}

/// What is wrong with a layout; empty: nothing.
inline std::string fault_of_layout(const data_layout& layout) {
  if (layout.type != value_type::uint8 && layout.type != value_type::float32) {
    return "type " + std::to_string(static_cast<std::uint32_t>(layout.type)) +
           "; accepted are 1 (uint8) and 4 (float32)";
  }
  constexpr std::uint64_t most = most_file_bytes / 8; // what is left is for names
  const auto value_bytes = static_cast<std::uint64_t>(layout.type);
  if (layout.width == 0 || layout.width > most / value_bytes ||
      layout.rows > most / value_bytes / layout.width) {
    return std::to_string(layout.rows) + " rows of " + std::to_string(layout.width) +
           " values; accepted are 1 value or more a row and 2^57 bytes in all";
  }
  return fault_of_columns(layout);
}

/// What stands before the values.
inline std::string data_header(const data_layout& layout) {
  std::string bytes = "hanamiDS";
  const auto put = [&bytes](auto value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  put(std::uint32_t{2});
  put(static_cast<std::uint32_t>(layout.type));
  put(layout.rows);
  put(layout.width);
  put(static_cast<std::uint64_t>(layout.columns.size()));
  for (const data_column& column : layout.columns) {
    put(column.first);
    put(column.last);
    put(static_cast<std::uint32_t>(column.name.size()));
    bytes += column.name;
  }
  return bytes;
}

/// What stands behind the values. Throws `errc::invalid_data` for too much.
inline std::string data_footer(const data_layout& layout) {
  std::string bytes;
  const auto put = [&bytes](auto value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  for (const data_column& column : layout.columns) {
    const column_statistics of = column.statistics.value_or(column_statistics());
    put(of.known);
    put(of.missing);
    for (const double number : {of.least, of.most, of.mean, of.squares}) {
      put(number);
    }
    put(static_cast<std::uint32_t>(column.classes.size()));
    for (std::size_t i = 0; i < column.classes.size(); ++i) {
      put(i < of.counts.size() ? of.counts[i] : std::uint64_t{0});
      put(static_cast<std::uint32_t>(column.classes[i].size()));
      bytes += column.classes[i];
    }
    if (bytes.size() > most_class_bytes) {
      throw error(errc::invalid_data,
                  "column \"" + column.name + "\": the names of the classes have more than 32 MiB");
    }
  }
  return bytes;
}

[[noreturn]] inline void fail_data(const std::filesystem::path& file, const std::string& what) {
  throw error(errc::invalid_data, file.string() + ": as a dataset: " + what);
}

/// Reads what stands before the values, value after value.
class data_header_reader {
 public:
  data_header_reader(const block_reader& from, const std::filesystem::path& file)
      : from_(from), file_(file) {}

  std::uint64_t end() const noexcept { return at_; }
  /// Whether something stands behind the values.
  bool has_footer() const noexcept { return version_ > 1; }

  data_layout read() {
    if (text(8) != "hanamiDS") {
      fail_data(file_, "byte 0: does not begin with \"hanamiDS\"");
    }
    version_ = number<std::uint32_t>();
    if (version_ != 1 && version_ != 2) {
      fail_data(file_, "byte 8: version " + std::to_string(version_) + ", expected 1 or 2");
    }
    data_layout layout;
    layout.type = static_cast<value_type>(number<std::uint32_t>());
    layout.rows = number<std::uint64_t>();
    layout.width = number<std::uint64_t>();
    const auto columns = number<std::uint64_t>();
    if (columns > most_data_columns) {
      fail_data(file_, std::to_string(columns) + " columns; at most 65536 are accepted");
    }
    for (std::uint64_t i = 0; i < columns; ++i) {
      data_column column;
      column.first = number<std::uint64_t>();
      column.last = number<std::uint64_t>();
      const auto length = number<std::uint32_t>();
      if (length > most_column_name_bytes) {
        fail_data(file_, "byte " + std::to_string(at_ - 4) + ": a name of " +
                             std::to_string(length) + " bytes; at most 254 are accepted");
      }
      column.name = text(length);
      layout.columns.push_back(std::move(column));
    }
    return layout;
  }

 private:
  void take(std::span<std::byte> to) {
    if (to.size() > from_.size() - at_) {
      fail_data(file_, "ends within its header");
    }
    from_.read(at_, to);
    at_ += to.size();
  }
  template <class Number>
  Number number() {
    Number value = 0;
    take(std::as_writable_bytes(std::span(&value, 1)));
    return value;
  }
  std::string text(std::size_t length) {
    std::string read(length, '\0');
    take(std::as_writable_bytes(std::span(read)));
    return read;
  }

  const block_reader& from_;
  const std::filesystem::path& file_;
  std::uint64_t at_ = 0;
  std::uint32_t version_ = 0;
};

/// Reads what stands behind the values, from byte `at` on, into the columns.
inline void read_data_footer(const block_reader& from, const std::filesystem::path& file,
                             std::uint64_t at, data_layout& into) {
  const std::uint64_t size = from.size() - at;
  if (size > most_class_bytes + most_data_columns * 64) {
    fail_data(file, std::to_string(size) + " bytes behind the values");
  }
  std::string bytes(static_cast<std::size_t>(size), '\0');
  from.read(at, std::as_writable_bytes(std::span(bytes)));
  std::string_view rest = bytes;
  const auto take = [&](std::size_t count) {
    if (count > rest.size()) {
      fail_data(file, "ends within the names of classes");
    }
    const std::string_view taken = rest.substr(0, count);
    rest.remove_prefix(count);
    return taken;
  };
  const auto read = [&](auto& value) {
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
  };
  for (data_column& column : into.columns) {
    column_statistics& of = column.statistics.emplace();
    read(of.known);
    read(of.missing);
    for (double* number : {&of.least, &of.most, &of.mean, &of.squares}) {
      read(*number);
    }
    std::uint32_t count = 0;
    read(count);
    if (count > most_classes || (count > 0 && column.width() != 1)) {
      fail_data(file, std::to_string(count) + " classes in column \"" + column.name + "\"");
    }
    for (std::uint32_t i = 0; i < count; ++i) {
      std::uint32_t length = 0;
      read(of.counts.emplace_back());
      read(length);
      column.classes.emplace_back(take(length));
    }
  }
  if (!rest.empty()) {
    fail_data(file, std::to_string(rest.size()) + " bytes behind the names of classes");
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE const data_column& data_layout::column(std::string_view name) const {
  std::vector<std::string_view> names;
  names.reserve(columns.size());
  for (const data_column& candidate : columns) {
    if (candidate.name == name) {
      return candidate;
    }
    names.push_back(candidate.name);
  }
  throw refusal(refusal_code::not_found,
                "the dataset has no column '" + std::string(name.substr(0, 254)) + "'; " +
                    (columns.empty() ? "it names none" : "it has " + similar_names(name, names)));
}

HANAMI_SERVICE_INLINE std::uint64_t bytes_of_values(const data_layout& layout) {
  const std::string fault = detail::fault_of_layout(layout);
  if (!fault.empty()) {
    throw error(errc::invalid_argument, fault);
  }
  return layout.rows * layout.width * static_cast<std::uint64_t>(layout.type);
}

struct data_writer::state {
  state(std::filesystem::path file, data_layout wanted,
        const std::optional<access::secret_key>& key)
      : layout(checked(std::move(wanted))), writer(std::move(file), key),
        statistics(layout.columns.size()) {
    for (const data_column& column : layout.columns) {
      holds_classes.push_back(!column.classes.empty());
    }
    writer.write(std::as_bytes(std::span<const char>(detail::data_header(layout))));
  }

  static data_layout checked(data_layout wanted) {
    bytes_of_values(wanted);
    return wanted;
  }

  /// `Value`: float or a byte.
  template <class Value>
  void note(std::span<const Value> values) {
    for (std::size_t row = 0; row < values.size(); row += layout.width) {
      for (std::size_t i = 0; i < layout.columns.size(); ++i) {
        const data_column& column = layout.columns[i];
        column_statistics& of = statistics[i];
        if (holds_classes[i]) {
          of.add_class(static_cast<float>(values[row + column.first]), detail::most_classes);
          continue;
        }
        for (std::uint64_t k = column.first; k < column.last; ++k) {
          of.add(static_cast<float>(values[row + k]));
        }
      }
    }
  }

  void count(std::size_t values) {
    if (values % layout.width != 0) {
      throw error(errc::invalid_argument, std::to_string(values) +
                                              " values; accepted are whole rows of " +
                                              std::to_string(layout.width));
    }
    if (values / layout.width > layout.rows - rows) {
      throw error(errc::invalid_data,
                  "more rows than the " + std::to_string(layout.rows) + " that were announced");
    }
    rows += values / layout.width;
  }

  data_layout layout;
  block_writer writer;
  std::uint64_t rows = 0;                    ///< written
  std::vector<column_statistics> statistics; ///< by column
  std::vector<bool> holds_classes;           ///< by column
};

HANAMI_SERVICE_INLINE data_writer::data_writer(std::filesystem::path file, data_layout layout,
                                               const std::optional<access::secret_key>& key)
    : state_(std::make_unique<state>(std::move(file), std::move(layout), key)) {}

HANAMI_SERVICE_INLINE data_writer::~data_writer() = default;

HANAMI_SERVICE_INLINE void data_writer::write(std::span<const float> rows) {
  state_->count(rows.size());
  if (state_->layout.type == value_type::float32) {
    state_->note(rows);
    state_->writer.write(std::as_bytes(rows));
    return;
  }
  const auto width = static_cast<std::size_t>(state_->layout.width);
  const std::size_t most = std::max<std::size_t>(1, 4096 / width) * width;
  std::vector<std::uint8_t> rounded(std::min(rows.size(), most));
  while (!rows.empty()) {
    const std::size_t part = std::min(rows.size(), most);
    std::transform(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(part), rounded.begin(),
                   [](float value) {
                     return value > 0.0F
                                ? static_cast<std::uint8_t>(std::lround(std::min(value, 255.0F)))
                                : std::uint8_t{0};
                   });
    const auto bytes = std::span<const std::uint8_t>(rounded).first(part);
    state_->note(bytes);
    state_->writer.write(std::as_bytes(bytes));
    rows = rows.subspan(part);
  }
}

HANAMI_SERVICE_INLINE void data_writer::write(std::span<const std::uint8_t> rows) {
  if (state_->layout.type != value_type::uint8) {
    throw error(errc::invalid_argument, "bytes for a dataset of float32; accepted are floats");
  }
  state_->count(rows.size());
  state_->note(rows);
  state_->writer.write(std::as_bytes(rows));
}

HANAMI_SERVICE_INLINE void data_writer::expect_classes(std::size_t column) {
  state_->holds_classes.at(column) = true;
}

HANAMI_SERVICE_INLINE void data_writer::set_classes(std::size_t column,
                                                    std::vector<std::string> names) {
  data_column& of = state_->layout.columns.at(column);
  if (names.size() > detail::most_classes || (!names.empty() && of.width() != 1)) {
    throw error(errc::invalid_argument,
                "column \"" + of.name + "\": " + std::to_string(names.size()) +
                    " classes; accepted are 65536, in columns of one value");
  }
  of.classes = std::move(names);
}

HANAMI_SERVICE_INLINE void data_writer::finish() {
  if (state_->rows != state_->layout.rows) {
    throw error(errc::invalid_data, std::to_string(state_->rows) + " rows were written, " +
                                        std::to_string(state_->layout.rows) + " were announced");
  }
  for (std::size_t i = 0; i < state_->statistics.size(); ++i) {
    state_->layout.columns[i].statistics = state_->statistics[i];
  }
  state_->writer.write(std::as_bytes(std::span<const char>(detail::data_footer(state_->layout))));
  state_->writer.finish();
}

struct data_reader::state {
  state(const std::filesystem::path& file, const std::optional<access::secret_key>& key)
      : blocks(file, key) {
    detail::data_header_reader header(blocks, file);
    layout = header.read();
    values_at = header.end();
    const std::string fault = detail::fault_of_layout(layout);
    if (!fault.empty()) {
      detail::fail_data(file, fault);
    }
    const std::uint64_t there = blocks.size() - values_at;
    const std::uint64_t expected = bytes_of_values(layout);
    if (there < expected || (!header.has_footer() && there > expected)) {
      detail::fail_data(file, std::to_string(there) + " bytes of values, expected " +
                                  std::to_string(expected));
    }
    if (header.has_footer()) {
      detail::read_data_footer(blocks, file, values_at + expected, layout);
    }
  }

  void check(std::uint64_t width, std::uint64_t first, std::uint64_t count,
             std::size_t room) const {
    if (first > layout.rows || count > layout.rows - first) {
      throw error(errc::invalid_argument, "rows " + std::to_string(first) + " to " +
                                              std::to_string(first + count) +
                                              " of a dataset with " + std::to_string(layout.rows));
    }
    if (room % width != 0 || room / width != count) {
      throw error(errc::invalid_argument, std::to_string(count) + " rows of " +
                                              std::to_string(width) + " values into room for " +
                                              std::to_string(room));
    }
  }

  /// `count` rows of the values `column`, by way of at most about 64 KiB of whole rows at a time.
  void read_part(const data_column& column, std::uint64_t first, std::uint64_t count,
                 float* to) const {
    const auto value_bytes = static_cast<std::uint64_t>(layout.type);
    const std::uint64_t row_bytes = layout.width * value_bytes;
    const auto part_bytes = static_cast<std::size_t>(column.width() * value_bytes);
    const std::uint64_t rows_at_once = std::max<std::uint64_t>(1, detail::block_bytes / row_bytes);
    std::vector<std::byte> raw;
    for (std::uint64_t row = 0; row < count; row += rows_at_once) {
      const std::uint64_t rows = std::min(rows_at_once, count - row);
      raw.resize(static_cast<std::size_t>((rows - 1) * row_bytes) + part_bytes);
      blocks.read(values_at + (first + row) * row_bytes + column.first * value_bytes, raw);
      for (std::uint64_t i = 0; i < rows; ++i, to += column.width()) {
        convert(raw.data() + i * row_bytes, part_bytes, to);
      }
    }
  }

  void convert(const std::byte* from, std::size_t bytes, float* to) const {
    if (layout.type == value_type::float32) {
      std::memcpy(to, from, bytes);
    } else {
      std::transform(from, from + bytes, to,
                     [](std::byte value) { return static_cast<float>(value); });
    }
  }

  block_reader blocks;
  data_layout layout;
  std::uint64_t values_at = 0;
};

HANAMI_SERVICE_INLINE data_reader::data_reader(const std::filesystem::path& file,
                                               const std::optional<access::secret_key>& key)
    : state_(std::make_unique<state>(file, key)) {}

HANAMI_SERVICE_INLINE data_reader::~data_reader() = default;

HANAMI_SERVICE_INLINE const data_layout& data_reader::layout() const noexcept {
  return state_->layout;
}

HANAMI_SERVICE_INLINE void data_reader::read(std::uint64_t first, std::uint64_t count,
                                             std::span<float> to) const {
  const data_layout& layout = state_->layout;
  state_->check(layout.width, first, count, to.size());
  if (layout.type == value_type::float32) {
    state_->blocks.read(state_->values_at + first * layout.width * sizeof(float),
                        std::as_writable_bytes(to));
  } else {
    state_->read_part({"", 0, layout.width}, first, count, to.data());
  }
}

HANAMI_SERVICE_INLINE void data_reader::read(const data_column& column, std::uint64_t first,
                                             std::uint64_t count, std::span<float> to) const {
  if (column.first >= column.last || column.last > state_->layout.width) {
    throw error(errc::invalid_argument, "values " + std::to_string(column.first) + " to " +
                                            std::to_string(column.last) + " of rows of " +
                                            std::to_string(state_->layout.width));
  }
  state_->check(column.width(), first, count, to.size());
  state_->read_part(column, first, count, to.data());
}

} // namespace hanami::service::data
