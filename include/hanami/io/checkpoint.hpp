// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "../foundation/attempt.hpp"
#include "../template/parser.hpp"
#include "../template/writer.hpp"
#include "archive.hpp"
#include "file.hpp"

/// Checkpoints: everything a cluster is, in one file, restored exactly, so that training goes on as
/// if it had never stopped.
///
///     offset  size  what
///     0       8     "hanamiCP"
///     8       4     format version, 3
///     12      4     bytes of a weight: 2 (bfloat16), 4 (float) or 8 (double)
///     16      8     n, bytes of the content
///     24      n     metadata, template text, options, state, as `archive_writer` writes them
///     24 + n  8     checksum of everything before
///
/// All numbers are little-endian.

namespace hanami {

inline constexpr std::uint32_t checkpoint_version = 3;

/// What a program wants to find beside the cluster, by keys of its own: names of columns, units.
/// Any bytes, but no empty key; keys and values together at most `max_metadata_bytes`. A cluster
/// does not keep it: who saves again gives it again.
using checkpoint_metadata = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t max_metadata_bytes = std::size_t{1} << 20;

namespace detail {

inline constexpr char checkpoint_magic[8] = {'h', 'a', 'n', 'a', 'm', 'i', 'C', 'P'};
inline constexpr std::size_t checkpoint_head = 24;

struct checkpoint_header {
  std::array<char, 8> magic{};
  std::uint32_t version = checkpoint_version;
  std::uint32_t weight_bytes = 0;
  std::uint64_t size = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    for (char& c : magic) {
      archive(c);
    }
    archive(version, weight_bytes, size);
  }
};

[[noreturn]] inline void refuse_checkpoint(const std::string& why) {
  throw error(errc::invalid_checkpoint, "checkpoint: " + why);
}

/// A checkpoint of this content.
inline std::vector<std::byte> enclose(std::span<const std::byte> content,
                                      std::size_t weight_bytes) {
  checkpoint_header header;
  std::memcpy(header.magic.data(), checkpoint_magic, 8);
  header.weight_bytes = static_cast<std::uint32_t>(weight_bytes);
  header.size = content.size();
  archive_writer head;
  head(header);
  std::vector<std::byte> all = head.bytes();
  all.insert(all.end(), content.begin(), content.end());
  archive_writer tail;
  tail(checksum(all));
  all.insert(all.end(), tail.bytes().begin(), tail.bytes().end());
  return all;
}

struct opened_checkpoint {
  std::size_t weight_bytes = 0;
  std::span<const std::byte> content;
};

/// Opens what `enclose` made, after every check that needs no cluster.
inline opened_checkpoint open_checkpoint(std::span<const std::byte> bytes) {
  if (bytes.size() < checkpoint_head + 8) {
    refuse_checkpoint("shorter than its header");
  }
  checkpoint_header header;
  archive_reader(bytes.first(checkpoint_head))(header);
  if (std::memcmp(header.magic.data(), checkpoint_magic, 8) != 0) {
    refuse_checkpoint("byte 0: does not begin with 'hanamiCP'");
  }
  if (header.version != checkpoint_version) {
    throw error(errc::unsupported_version,
                "checkpoint: byte 8: format version " + std::to_string(header.version) +
                    "; this build reads version " + std::to_string(checkpoint_version));
  }
  if (header.size != bytes.size() - checkpoint_head - 8) {
    refuse_checkpoint("byte 16: announces " + std::to_string(header.size) +
                      " bytes, the file holds " +
                      std::to_string(bytes.size() - checkpoint_head - 8));
  }
  std::uint64_t sum = 0;
  archive_reader(bytes.last(8))(sum);
  if (sum != checksum(bytes.first(bytes.size() - 8))) {
    refuse_checkpoint("the checksum is wrong");
  }
  return {header.weight_bytes, bytes.subspan(checkpoint_head, bytes.size() - checkpoint_head - 8)};
}

/// Key, value, key, value, ..., by ascending key.
inline std::vector<std::string> to_list(const checkpoint_metadata& metadata) {
  std::size_t size = 0;
  std::vector<std::string> list;
  for (const auto& [key, value] : metadata) {
    size += key.size() + value.size();
    list.push_back(key);
    list.push_back(value);
  }
  if (size > max_metadata_bytes || metadata.contains("")) {
    throw error(errc::invalid_argument, "metadata of " + std::to_string(size) + " bytes in " +
                                            std::to_string(metadata.size()) + " entries; at most " +
                                            std::to_string(max_metadata_bytes) +
                                            " bytes without empty keys are taken");
  }
  return list;
}

inline checkpoint_metadata read_metadata(archive_reader& content) {
  std::vector<std::string> list;
  content(list);
  content.require(list.size() % 2 == 0, "a metadata key without a value");
  checkpoint_metadata metadata;
  std::size_t size = 0;
  std::string_view last;
  for (std::size_t i = 0; i < list.size(); i += 2) {
    content.require(last < list[i], "metadata keys that are empty or out of order");
    size += list[i].size() + list[i + 1].size();
    last = list[i];
    metadata.emplace_hint(metadata.end(), list[i], list[i + 1]);
  }
  content.require(size <= max_metadata_bytes, "more metadata than a checkpoint may have");
  return metadata;
}

} // namespace detail

/// The bytes of a checkpoint of `from`. Throws `errc::invalid_argument` for metadata beyond its
/// limits.
template <class Real, class Weight>
std::vector<std::byte> to_checkpoint(const basic_cluster<Real, Weight>& from,
                                     const checkpoint_metadata& metadata = {}) {
  archive_writer content;
  content(detail::to_list(metadata), to_text(from.plan()), from);
  return detail::enclose(content.bytes(), sizeof(Weight));
}

/// The cluster of a checkpoint. Throws `errc::invalid_checkpoint` for anything truncated, damaged
/// or made up, `errc::unsupported_version` for formats from elsewhere.
template <class Real = float, class Weight = Real>
basic_cluster<Real, Weight> from_checkpoint(std::span<const std::byte> bytes) {
  const auto [weight_bytes, inside] = detail::open_checkpoint(bytes);
  if (weight_bytes != sizeof(Weight)) {
    detail::refuse_checkpoint("byte 12: weights of " + std::to_string(weight_bytes) +
                              " bytes; this cluster uses " + std::to_string(sizeof(Weight)));
  }
  archive_reader content(inside);
  detail::read_metadata(content);
  std::string text;
  content(text);
  try {
    basic_cluster<Real, Weight> restored(parse_template(text));
    content(restored);
    content.require(content.at_end(), "more content than a cluster has");
    return restored;
  } catch (const error& e) {
    if (e.code() == errc::invalid_checkpoint) {
      throw;
    }
    detail::refuse_checkpoint(e.what());
  }
}

/// The metadata of a checkpoint, whatever its numbers are. Throws as `from_checkpoint`, but does
/// not look at the cluster.
inline checkpoint_metadata metadata_of(std::span<const std::byte> bytes) {
  archive_reader content(detail::open_checkpoint(bytes).content);
  return detail::read_metadata(content);
}

/// Writes a checkpoint so that a reader finds the old file or the new one, whole, whatever happens.
/// Throws `errc::file_error`, the old file is then untouched, and as `to_checkpoint`.
template <class Real, class Weight>
void save(const basic_cluster<Real, Weight>& from, const std::filesystem::path& path,
          const checkpoint_metadata& metadata = {}) {
  write_file(path, to_checkpoint(from, metadata));
}

namespace detail {

template <class Work>
auto use_checkpoint(const std::filesystem::path& path, Work work) {
  const auto bytes = read_file(path, std::numeric_limits<std::size_t>::max());
  return naming_file(path, [&] { return work(std::as_bytes(std::span(bytes))); });
}

} // namespace detail

/// Reads a checkpoint. Throws `errc::file_error`, or as `from_checkpoint`, with the file named.
template <class Real = float, class Weight = Real>
basic_cluster<Real, Weight> load(const std::filesystem::path& path) {
  return detail::use_checkpoint(
      path, [](std::span<const std::byte> bytes) { return from_checkpoint<Real, Weight>(bytes); });
}

/// Reads the metadata alone. Throws `errc::file_error`, or as `metadata_of`, with the file named.
inline checkpoint_metadata load_metadata(const std::filesystem::path& path) {
  return detail::use_checkpoint(path, &metadata_of);
}

// The same without throwing: on failure the result is nothing, `code` is set and `message`, if any,
// says why.

template <class Real = float, class Weight = Real>
std::optional<basic_cluster<Real, Weight>> from_checkpoint(std::span<const std::byte> bytes,
                                                           std::error_code& code,
                                                           std::string* message = nullptr) {
  return detail::attempt(code, message, [&] { return from_checkpoint<Real, Weight>(bytes); });
}

template <class Real, class Weight>
void save(const basic_cluster<Real, Weight>& from, const std::filesystem::path& path,
          const checkpoint_metadata& metadata, std::error_code& code,
          std::string* message = nullptr) {
  detail::attempt(code, message, [&] { save(from, path, metadata); });
}

template <class Real = float, class Weight = Real>
std::optional<basic_cluster<Real, Weight>>
load(const std::filesystem::path& path, std::error_code& code, std::string* message = nullptr) {
  return detail::attempt(code, message, [&] { return load<Real, Weight>(path); });
}

inline std::optional<checkpoint_metadata> load_metadata(const std::filesystem::path& path,
                                                        std::error_code& code,
                                                        std::string* message = nullptr) {
  return detail::attempt(code, message, [&] { return load_metadata(path); });
}

} // namespace hanami
