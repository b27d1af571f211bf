// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <istream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../foundation/attempt.hpp"
#include "../foundation/error.hpp"
#include "../foundation/memory.hpp"
#include "dataset.hpp"
#include "file.hpp"
#include "idx/array.hpp"
#include "idx/files.hpp"

/// Images and labels from idx files, the form of MNIST:
///
///     images    00 00 08 03 | count | rows | columns | count x rows x columns pixels
///     labels    00 00 08 01 | count | count labels
///
/// What is clear is read: images of one channel, images in a row (square where that comes out),
/// numbers of any idx type that are bytes in truth (whole from 0 to 255, or shares of 255), labels
/// as columns and one-hot. All else is refused with the byte where it begins.
///
/// Nothing is allocated on the word of a header: its sizes are first held against the bytes there
/// are. Plain files only; for .gz files see `gzip.hpp`.

namespace hanami::inline HANAMI_ISA {

/// The largest idx file that is read, unpacked: 1 GiB, enough for a million images of 28 x 28.
inline constexpr std::size_t max_idx_bytes = std::size_t{1} << 30;

/// Which labels there are: `first` is class 0, and so on. Converts from a number of classes whose
/// labels begin with 0.
struct idx_classes {
  constexpr idx_classes(std::size_t how_many = 10, std::size_t lowest = 0) noexcept
      : count(how_many), first(lowest) {}

  /// As the labels say: up to the largest one, from 1 where none is 0 (the letters of EMNIST), else
  /// from 0.
  static constexpr idx_classes found() noexcept { return {0}; }

  std::size_t count; ///< 1 to 256; 0: as the labels say
  std::size_t first;
};

namespace detail {

[[noreturn]] inline void refuse_idx_kind(std::string_view name, const idx_array& a,
                                         const char* expected) {
  std::array<char, 40> magic{};
  std::snprintf(magic.data(), magic.size(), "magic number 0x0000%02x%02x, expected ",
                static_cast<unsigned>(a.type), static_cast<unsigned>(a.dimensions));
  fail_idx(name, 0, magic.data() + std::string(expected));
}

/// A number for a message.
inline std::string idx_text(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

/// The first `count` numbers as bytes. Throws where one is none; `what` it was to be.
inline std::vector<std::uint8_t> idx_as_bytes(std::string_view name, const idx_array& a,
                                              std::size_t count, bool shares, const char* what) {
  const auto from = a.bytes.begin() + static_cast<std::ptrdiff_t>(a.begin);
  if (a.type == idx_type::bytes) {
    return {from, from + static_cast<std::ptrdiff_t>(count)};
  }
  std::vector<std::uint8_t> result(count);
  const auto convert = [&](double scale, double tolerance) {
    for (std::size_t i = 0; i < count; ++i) {
      const double value = a[i] * scale;
      const double whole = std::round(value);
      if (!(whole >= 0 && whole <= 255 && std::abs(value - whole) <= tolerance)) {
        return i;
      }
      result[i] = static_cast<std::uint8_t>(whole);
    }
    return count;
  };
  const std::size_t bad = convert(1, 0);
  if (bad < count && !(shares && convert(255, 1e-3) == count)) {
    fail_idx(name, a.offset(bad),
             what + (" " + idx_text(a[bad])) + ", expected whole numbers from 0 to 255" +
                 (shares ? ", or all of them divided by 255" : ""));
  }
  return result;
}

struct idx_images {
  std::size_t count = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<std::uint8_t> pixels;
};

inline idx_images read_idx_images(std::string_view name, std::span<const std::uint8_t> bytes) {
  constexpr const char* magic = "0x00000803";
  const idx_array a = read_idx_array(name, bytes, magic);
  if (a.dimensions == 1) {
    refuse_idx_kind(name, a, magic);
  }
  std::uint64_t rows = a.sizes[1];
  std::uint64_t columns = a.sizes[2];
  if (a.dimensions == 2) { // images in a row
    const auto side =
        static_cast<std::uint64_t>(std::llround(std::sqrt(static_cast<double>(rows))));
    columns = side * side == rows ? side : rows;
    rows = side * side == rows ? side : 1;
  } else if (a.dimensions == 4) {
    if (a.sizes[1] != 1 && a.sizes[3] != 1) {
      fail_idx(name, 4,
               a.shape() + " numbers are images of several channels, expected one: " +
                   std::to_string(a.count()) + " x rows x columns");
    }
    if (a.sizes[3] != 1) { // the channel comes first
      rows = a.sizes[2];
      columns = a.sizes[3];
    }
  }
  if (a.item == 0) {
    fail_idx(name, 8, "images of 0 rows or columns, expected at least 1 x 1");
  }
  const auto count = to_size(a.count());
  return {count, to_size(rows), to_size(columns),
          idx_as_bytes(name, a, count * to_size(a.item), true, "pixel")};
}

struct idx_labels {
  std::vector<std::uint8_t> values;
  std::size_t begin = 0;  ///< of the first one in the file, in bytes
  std::size_t stride = 1; ///< bytes from one to the next

  std::size_t offset(std::size_t index) const noexcept { return begin + index * stride; }
};

/// A row of zeros and one number above as the place of that; else `row.size()`.
inline std::size_t idx_hot_place(const idx_array& a, std::size_t row) noexcept {
  const auto width = to_size(a.item);
  std::size_t hot = width;
  for (std::size_t i = 0; i < width; ++i) {
    const double value = a[row * width + i];
    if (value != 0 && (hot != width || !(value > 0))) {
      return width;
    }
    hot = value != 0 ? i : hot;
  }
  return hot;
}

inline idx_labels read_idx_labels(std::string_view name, std::span<const std::uint8_t> bytes) {
  constexpr const char* magic = "0x00000801";
  const idx_array a = read_idx_array(name, bytes, magic);
  if (a.dimensions > 2) {
    refuse_idx_kind(name, a, magic);
  }
  const auto count = to_size(a.count());
  const auto width = to_size(a.item);
  idx_labels labels{{}, a.begin, a.width() * width};
  if (width == 1) {
    labels.values = idx_as_bytes(name, a, count, false, "label");
    return labels;
  }
  // The extended labels of QMNIST: 8 numbers, of which the first is the class
  // (https://github.com/facebookresearch/qmnist).
  const bool extended = a.type == idx_type::ints && width == 8;
  labels.values.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto first = a[i * width];
    const bool clear = extended ? first >= 0 && first <= 255 : width <= 256;
    const std::size_t hot = !clear     ? width
                            : extended ? static_cast<std::size_t>(first)
                                       : idx_hot_place(a, i);
    if (!clear || (!extended && hot == width)) {
      fail_idx(name, labels.offset(i),
               "label " + std::to_string(i) + " is a row of " + std::to_string(width) +
                   " numbers, expected one number, or up to 256 of which one is 1 and the others "
                   "are 0");
    }
    labels.values[i] = static_cast<std::uint8_t>(hot);
  }
  return labels;
}

/// The classes that fit these labels, or those that are given.
inline idx_classes classes_of_labels(std::span<const std::uint8_t> labels, idx_classes given) {
  if (given.count != 0 || labels.empty()) {
    return {std::max<std::size_t>(given.count, 1), given.first};
  }
  const auto [least, most] = std::minmax_element(labels.begin(), labels.end());
  const std::size_t first = *least == 0 ? 0 : 1;
  return {*most + 1 - first, first};
}

inline image_dataset make_image_dataset(idx_images&& images, std::string_view images_name,
                                        idx_labels&& labels, std::string_view labels_name,
                                        idx_classes classes) {
  if (images.count != labels.values.size()) {
    fail_idx(labels_name, 4,
             std::to_string(labels.values.size()) + " labels for the " +
                 std::to_string(images.count) + " images of " + std::string(images_name));
  }
  classes = classes_of_labels(labels.values, classes);
  for (std::size_t i = 0; i < labels.values.size(); ++i) {
    std::uint8_t& label = labels.values[i];
    if (label < classes.first || label - classes.first >= classes.count) {
      fail_idx(labels_name, labels.offset(i),
               "label " + std::to_string(label) + ", expected " +
                   (classes.first == 0 ? "less than " + std::to_string(classes.count)
                                       : std::to_string(classes.first) + " to " +
                                             std::to_string(classes.first + classes.count - 1)));
    }
    label = static_cast<std::uint8_t>(label - classes.first);
  }
  return image_dataset(images.rows, images.columns, classes.count, std::move(images.pixels),
                       std::move(labels.values));
}

/// All that is left in a stream; memory grows only with what really arrives.
inline std::vector<std::uint8_t> read_stream(std::istream& stream, std::string_view name) {
  constexpr std::size_t block = 65536;
  std::vector<std::uint8_t> bytes;
  for (;;) {
    const std::size_t old = bytes.size();
    if (old > max_idx_bytes) {
      raise(errc::out_of_memory, std::string(name) + ": more than " +
                                     std::to_string(max_idx_bytes) +
                                     " bytes; at most so many are accepted");
    }
    bytes.resize(old + block);
    stream.read(reinterpret_cast<char*>(bytes.data() + old), block);
    bytes.resize(old + static_cast<std::size_t>(stream.gcount()));
    if (stream.bad() || (!stream && !stream.eof())) {
      raise(errc::file_error, std::string(name) + ": the stream cannot be read");
    }
    if (stream.eof()) {
      return bytes;
    }
  }
}

} // namespace detail

/// Images and labels from memory. Throws `errc::invalid_data` with the byte offset and what was
/// expected.
inline image_dataset read_idx(std::span<const std::uint8_t> images,
                              std::span<const std::uint8_t> labels, idx_classes classes = {}) {
  auto pictures = detail::read_idx_images("images", images);
  auto read = detail::read_idx_labels("labels", labels);
  return detail::make_image_dataset(std::move(pictures), "images", std::move(read), "labels",
                                    classes);
}

/// The same from two binary streams, each read to its end.
inline image_dataset read_idx(std::istream& images, std::istream& labels,
                              idx_classes classes = {}) {
  const auto image_bytes = detail::read_stream(images, "images");
  const auto label_bytes = detail::read_stream(labels, "labels");
  return read_idx(std::span(image_bytes), std::span(label_bytes), classes);
}

/// The same from two files; also throws what `reader` throws.
template <file_reader Reader = decltype(&read_file)>
image_dataset load_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                       idx_classes classes = {}, Reader reader = &read_file) {
  auto pictures = detail::read_idx_images(images.string(), reader(images, max_idx_bytes));
  auto read = detail::read_idx_labels(labels.string(), reader(labels, max_idx_bytes));
  return detail::make_image_dataset(std::move(pictures), images.string(), std::move(read),
                                    labels.string(), classes);
}

/// The classes of one file of labels, for those that several files have in common. Throws as
/// `load_idx`.
template <file_reader Reader = decltype(&read_file)>
idx_classes find_idx_classes(const std::filesystem::path& labels, Reader reader = &read_file) {
  return detail::classes_of_labels(
      detail::read_idx_labels(labels.string(), reader(labels, max_idx_bytes)).values,
      idx_classes::found());
}

/// The same without throwing: on failure nothing, `code` is set and `message`, if any, says why.
template <file_reader Reader>
std::optional<image_dataset> load_idx(const std::filesystem::path& images,
                                      const std::filesystem::path& labels, idx_classes classes,
                                      Reader reader, std::error_code& code,
                                      std::string* message = nullptr) {
  return detail::attempt(code, message,
                         [&] { return load_idx(images, labels, classes, std::move(reader)); });
}

enum class mnist_part : std::uint8_t {
  train, ///< `train-*`, 60,000 images in the original
  test   ///< `t10k-*`, 10,000 images
};

namespace detail {

inline idx_pair find_mnist(const std::filesystem::path& folder, mnist_part part,
                           std::string_view set) {
  return find_idx_pair(folder, part == mnist_part::train ? "train" : "test", set);
}

} // namespace detail

/// One part of MNIST, or of a set of the same form with 10 classes (Fashion-MNIST, KMNIST), from a
/// folder: `train-images-idx3-ubyte` and what is called alike, also with `.gz`, which needs
/// `read_file_or_gzip` of `gzip.hpp` as the reader. Throws `errc::file_error` naming what was
/// looked for, and what `load_idx` throws.
template <file_reader Reader = decltype(&read_file)>
image_dataset load_mnist(const std::filesystem::path& folder, mnist_part part,
                         Reader reader = &read_file) {
  const detail::idx_pair files = detail::find_mnist(folder, part, "");
  return load_idx(files.images, files.labels, 10, std::move(reader));
}

/// The same without throwing: on failure nothing, `code` is set and `message`, if any, says why.
template <file_reader Reader>
std::optional<image_dataset> load_mnist(const std::filesystem::path& folder, mnist_part part,
                                        Reader reader, std::error_code& code,
                                        std::string* message = nullptr) {
  return detail::attempt(code, message,
                         [&] { return load_mnist(folder, part, std::move(reader)); });
}

} // namespace hanami
