// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
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
#include "dataset.hpp"
#include "file.hpp"

/// MNIST's idx files: unsigned bytes behind a big-endian header.
///
///     images    00 00 08 03 | count | rows | columns | count x rows x columns pixels
///     labels    00 00 08 01 | count | count labels
///
/// Nothing is allocated on the word of a header: its sizes are first held against the bytes there
/// are. Plain files only; for .gz files see `gzip.hpp`.

namespace hanami::inline HANAMI_ISA {

/// The largest idx file that is read, unpacked: 1 GiB, enough for a million images of 28 x 28.
inline constexpr std::size_t max_idx_bytes = std::size_t{1} << 30;

namespace detail {

struct idx_header {
  std::uint64_t count = 0;
  std::uint64_t rows = 1;
  std::uint64_t columns = 1;
  std::size_t bytes = 0; ///< of the header itself
};

[[noreturn]] inline void fail_idx(std::string_view name, std::size_t offset,
                                  const std::string& what) {
  throw error(errc::invalid_data,
              std::string(name) + ": byte " + std::to_string(offset) + ": " + what);
}

inline std::uint32_t read_big_endian(std::span<const std::uint8_t> bytes, std::size_t offset) {
  return (std::uint32_t{bytes[offset]} << 24) | (std::uint32_t{bytes[offset + 1]} << 16) |
         (std::uint32_t{bytes[offset + 2]} << 8) | std::uint32_t{bytes[offset + 3]};
}

inline void check_idx_magic(std::string_view name, std::span<const std::uint8_t> bytes,
                            std::uint32_t expected) {
  if (bytes.size() >= 2 && bytes[0] == 0x1f && bytes[1] == 0x8b)
    fail_idx(name, 0,
             "the file is compressed; include hanami/io/gzip.hpp, link hanami::gzip and pass "
             "hanami::read_file_or_gzip as the reader, or unpack the file with gunzip");
  if (bytes.size() < 4)
    fail_idx(name, bytes.size(), "the file ends inside the 4 bytes of its magic number");
  const std::uint32_t magic = read_big_endian(bytes, 0);
  if (magic == expected)
    return;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "magic number 0x%08x, expected 0x%08x",
                static_cast<unsigned>(magic), static_cast<unsigned>(expected));
  fail_idx(name, 0, text.data());
}

/// Checks everything that a header promises against the bytes that are there.
inline idx_header read_idx_header(std::string_view name, std::span<const std::uint8_t> bytes,
                                  bool images) {
  check_idx_magic(name, bytes, images ? 0x00000803 : 0x00000801);
  idx_header header;
  header.bytes = images ? 16 : 8;
  if (bytes.size() < header.bytes)
    fail_idx(name, bytes.size(),
             "the file ends inside its header of " + std::to_string(header.bytes) + " bytes");
  header.count = read_big_endian(bytes, 4);
  if (images) {
    header.rows = read_big_endian(bytes, 8);
    header.columns = read_big_endian(bytes, 12);
    if (header.rows == 0 || header.columns == 0)
      fail_idx(name, 8, "images of 0 rows or columns, expected at least 1 x 1");
  }
  const std::uint64_t room = bytes.size() - header.bytes;
  const std::uint64_t item = header.rows * header.columns; // below 2^64: both are 32 bits
  const bool too_many = header.count != 0 && header.count > room / item;
  if (too_many || header.count * item != room)
    fail_idx(name, header.bytes,
             "the header promises " + std::to_string(header.count) + " items of " +
                 std::to_string(item) + " bytes, but " + std::to_string(room) + " bytes follow");
  return header;
}

inline image_dataset read_named_idx(std::string_view images_name,
                                    std::span<const std::uint8_t> images,
                                    std::string_view labels_name,
                                    std::span<const std::uint8_t> labels, std::size_t classes) {
  const idx_header image = read_idx_header(images_name, images, true);
  const idx_header label = read_idx_header(labels_name, labels, false);
  if (image.count != label.count)
    fail_idx(labels_name, 4,
             std::to_string(label.count) + " labels for the " + std::to_string(image.count) +
                 " images of " + std::string(images_name));
  const auto values = labels.subspan(label.bytes);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] >= classes)
      fail_idx(labels_name, label.bytes + i,
               "label " + std::to_string(values[i]) + ", expected less than " +
                   std::to_string(classes));
  const auto pixels = images.subspan(image.bytes);
  return image_dataset(static_cast<std::size_t>(image.rows),
                       static_cast<std::size_t>(image.columns), classes,
                       std::vector<std::uint8_t>(pixels.begin(), pixels.end()),
                       std::vector<std::uint8_t>(values.begin(), values.end()));
}

/// All that is left in a stream; memory grows only with what really arrives.
inline std::vector<std::uint8_t> read_stream(std::istream& stream, std::string_view name) {
  constexpr std::size_t block = 65536;
  std::vector<std::uint8_t> bytes;
  for (;;) {
    const std::size_t old = bytes.size();
    if (old > max_idx_bytes)
      throw error(errc::out_of_memory, std::string(name) + ": more than " +
                                           std::to_string(max_idx_bytes) +
                                           " bytes; at most so many are accepted");
    bytes.resize(old + block);
    stream.read(reinterpret_cast<char*>(bytes.data() + old), block);
    bytes.resize(old + static_cast<std::size_t>(stream.gcount()));
    if (stream.bad() || (!stream && !stream.eof()))
      throw error(errc::file_error, std::string(name) + ": the stream cannot be read");
    if (stream.eof())
      return bytes;
  }
}

} // namespace detail

/// Images and labels from memory. `classes` is the size of the one-hot targets (1..256). Throws
/// `errc::invalid_data` with the byte offset and what was expected.
inline image_dataset read_idx(std::span<const std::uint8_t> images,
                              std::span<const std::uint8_t> labels, std::size_t classes = 10) {
  return detail::read_named_idx("images", images, "labels", labels, classes);
}

/// The same from two binary streams, each read to its end.
inline image_dataset read_idx(std::istream& images, std::istream& labels,
                              std::size_t classes = 10) {
  const auto image_bytes = detail::read_stream(images, "images");
  const auto label_bytes = detail::read_stream(labels, "labels");
  return read_idx(std::span(image_bytes), std::span(label_bytes), classes);
}

/// The same from two files; also throws what `reader` throws.
template <file_reader Reader = decltype(&read_file)>
image_dataset load_idx(const std::filesystem::path& images, const std::filesystem::path& labels,
                       std::size_t classes = 10, Reader reader = &read_file) {
  const std::vector<std::uint8_t> image_bytes = reader(images, max_idx_bytes);
  const std::vector<std::uint8_t> label_bytes = reader(labels, max_idx_bytes);
  return detail::read_named_idx(images.string(), image_bytes, labels.string(), label_bytes,
                                classes);
}

/// The same without throwing: on failure nothing, `code` is set and `message`, if any, says why.
template <file_reader Reader>
std::optional<image_dataset> load_idx(const std::filesystem::path& images,
                                      const std::filesystem::path& labels, std::size_t classes,
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

/// The first spelling that exists in `folder`, plain files before packed ones.
inline std::filesystem::path find_idx(const std::filesystem::path& folder, const std::string& stem,
                                      const std::string& kind) {
  std::string tried;
  for (const char* packed : {"", ".gz"})
    for (const char* mark : {"-", "."}) {
      const std::string name = stem + mark + kind + packed;
      std::error_code code;
      if (std::filesystem::is_regular_file(folder / name, code))
        return folder / name;
      tried += (tried.empty() ? "" : ", ") + name;
    }
  std::error_code code;
  const bool there = std::filesystem::is_directory(folder, code);
  throw error(errc::file_error, (there ? "folder " : "there is no folder ") + folder.string() +
                                    (there ? " has none of: " : " with one of: ") + tried);
}

} // namespace detail

/// One part of MNIST, or of a set of the same form with 10 classes (Fashion-MNIST, KMNIST), from a
/// folder with the usual file names: `train-images-idx3-ubyte`, also as `train-images.idx3-ubyte`,
/// also with `.gz`, which needs `read_file_or_gzip` of `gzip.hpp` as the reader. Throws
/// `errc::file_error` naming what was looked for, and what `load_idx` throws.
template <file_reader Reader = decltype(&read_file)>
image_dataset load_mnist(const std::filesystem::path& folder, mnist_part part,
                         Reader reader = &read_file) {
  const std::string stem = part == mnist_part::train ? "train" : "t10k";
  const auto images = detail::find_idx(folder, stem + "-images", "idx3-ubyte");
  const auto labels = detail::find_idx(folder, stem + "-labels", "idx1-ubyte");
  return load_idx(images, labels, 10, std::move(reader));
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
