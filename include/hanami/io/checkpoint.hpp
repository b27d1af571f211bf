// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <concepts>
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
#include <type_traits>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "../foundation/attempt.hpp"
#include "../template/parser.hpp"
#include "../template/writer.hpp"
#include "archive.hpp"
#include "write_file.hpp"

/// Checkpoints: everything a cluster, a classifier or anything else with `serialize` is, in one
/// file, restored exactly, so that it goes on as if it had never stopped.
///
///     offset  size  what
///     0       8     "hanamiCP"
///     8       4     format version, 7
///     12      4     version of the kind
///     16      8     n, bytes of the content
///     24      n     kind, metadata, and the thing itself, as `archive_writer` writes them
///     24 + n  8     checksum of everything before
///
/// All numbers are little-endian.

namespace hanami::inline HANAMI_ISA {

inline constexpr std::uint32_t checkpoint_format = 7;

/// What a program wants to find beside the thing it saved, by keys of its own: units, where the
/// data came from. Any bytes, but no empty key; keys and values together at most
/// `max_metadata_bytes`. Nothing keeps it but the file: who saves again gives it again.
using checkpoint_metadata = std::map<std::string, std::string, std::less<>>;

inline constexpr std::size_t max_metadata_bytes = std::size_t{1} << 20;

/// How a type stands in a checkpoint. A type of one's own needs two static members and `serialize`:
///
///     struct thermostat {
///       static constexpr std::string_view checkpoint_kind = "thermostat"; // never changes
///       static constexpr std::uint32_t checkpoint_version = 1; // rises when what is written
///       changes hanami::regressor room{2}; float wanted = 20;
///
///       template <class Archive>
///       void serialize(Archive& archive) {
///         archive(room, wanted);
///       }
///     };
///
/// It is read into a default-constructed object, or by its constructor from `archive_reader&` where
/// it has one. Specialise this for a type of somebody else.
template <class T>
struct checkpoint_traits;

template <class T>
requires requires {
  { T::checkpoint_kind } -> std::convertible_to<std::string_view>;
  { T::checkpoint_version } -> std::convertible_to<std::uint32_t>;
}
struct checkpoint_traits<T> {
  static constexpr std::string_view kind = T::checkpoint_kind;
  static constexpr std::uint32_t version = T::checkpoint_version;

  static void write(archive_writer& to, const T& from) { to(from); }
  static T read(archive_reader& from) {
    if constexpr (std::constructible_from<T, archive_reader&>) {
      return T(from);
    } else {
      T made{};
      from(made);
      return made;
    }
  }
};

/// A cluster stands behind the text of its template.
template <class Real, class Weight>
struct checkpoint_traits<basic_cluster<Real, Weight>> {
  static constexpr std::string_view kind = !std::is_same_v<Real, Weight>  ? "compact_cluster"
                                           : std::is_same_v<Real, double> ? "cluster of double"
                                                                          : "cluster";
  static constexpr std::uint32_t version = 1;

  static void write(archive_writer& to, const basic_cluster<Real, Weight>& from) {
    to(to_text(from.cluster_template()), from);
  }
  static basic_cluster<Real, Weight> read(archive_reader& from) {
    std::string text;
    from(text);
    basic_cluster<Real, Weight> restored(parse_template(text));
    from(restored);
    return restored;
  }
};

/// What `save` takes and `load` gives.
template <class T>
concept checkpointable = requires(archive_writer& to, archive_reader& from, const T& thing) {
  { checkpoint_traits<T>::kind } -> std::convertible_to<std::string_view>;
  { checkpoint_traits<T>::version } -> std::convertible_to<std::uint32_t>;
  checkpoint_traits<T>::write(to, thing);
  { checkpoint_traits<T>::read(from) } -> std::same_as<T>;
};

namespace detail {

inline constexpr char checkpoint_magic[8] = {'h', 'a', 'n', 'a', 'm', 'i', 'C', 'P'};
inline constexpr std::size_t checkpoint_head = 24;
inline constexpr std::size_t checkpoint_tail = 8;

struct checkpoint_header {
  std::array<char, 8> magic{};
  std::uint32_t format = checkpoint_format;
  std::uint32_t kind_version = 0;
  std::uint64_t size = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(magic, format, kind_version, size);
  }
};

[[noreturn]] inline void refuse_checkpoint(const std::string& why) {
  raise(errc::invalid_checkpoint, "checkpoint: " + why);
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
    raise(errc::invalid_argument, "metadata of " + std::to_string(size) + " bytes in " +
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

/// A checkpoint of a thing that has been written already.
inline std::vector<std::byte> enclose(std::string_view kind, std::uint32_t version,
                                      const checkpoint_metadata& metadata,
                                      std::span<const std::byte> thing) {
  archive_writer front;
  front(std::string(kind), to_list(metadata));
  checkpoint_header header;
  std::memcpy(header.magic.data(), checkpoint_magic, sizeof checkpoint_magic);
  header.kind_version = version;
  header.size = front.bytes().size() + thing.size();
  archive_writer head;
  head(header);
  std::vector<std::byte> all = head.bytes();
  all.reserve(all.size() + to_size(header.size) + checkpoint_tail);
  all.insert(all.end(), front.bytes().begin(), front.bytes().end());
  all.insert(all.end(), thing.begin(), thing.end());
  archive_writer tail;
  tail(checksum(all));
  all.insert(all.end(), tail.bytes().begin(), tail.bytes().end());
  return all;
}

struct opened_checkpoint {
  std::string kind;
  std::uint32_t version = 0; ///< of the kind
  checkpoint_metadata metadata;
  std::span<const std::byte> thing;
};

/// Opens what `enclose` made, after every check that needs no knowledge of the thing.
inline opened_checkpoint open_checkpoint(std::span<const std::byte> bytes) {
  if (bytes.size() < checkpoint_head + checkpoint_tail) {
    refuse_checkpoint("shorter than its header");
  }
  checkpoint_header header;
  archive_reader(bytes.first(checkpoint_head))(header);
  if (std::memcmp(header.magic.data(), checkpoint_magic, sizeof checkpoint_magic) != 0) {
    refuse_checkpoint("byte 0: does not begin with 'hanamiCP'");
  }
  if (header.format != checkpoint_format) {
    raise(errc::unsupported_version,
          "checkpoint: byte 8: format version " + std::to_string(header.format) +
              "; this build reads version " + std::to_string(checkpoint_format));
  }
  const std::size_t held = bytes.size() - checkpoint_head - checkpoint_tail;
  if (header.size != held) {
    refuse_checkpoint("byte 16: announces " + std::to_string(header.size) +
                      " bytes, the file holds " + std::to_string(held));
  }
  std::uint64_t sum = 0;
  archive_reader(bytes.last(checkpoint_tail))(sum);
  if (sum != checksum(bytes.first(bytes.size() - checkpoint_tail))) {
    refuse_checkpoint("the checksum is wrong");
  }
  archive_reader content(bytes.subspan(checkpoint_head, held));
  opened_checkpoint opened;
  opened.version = header.kind_version;
  content(opened.kind);
  opened.metadata = read_metadata(content);
  opened.thing = content.rest();
  return opened;
}

} // namespace detail

/// The bytes of a checkpoint of `from`. Throws `errc::invalid_argument` for metadata beyond its
/// limits. Linear in what the thing holds, which is held twice for a moment.
template <checkpointable T>
std::vector<std::byte> to_checkpoint(const T& from, const checkpoint_metadata& metadata = {}) {
  archive_writer thing;
  checkpoint_traits<T>::write(thing, from);
  return detail::enclose(checkpoint_traits<T>::kind, checkpoint_traits<T>::version, metadata,
                         thing.bytes());
}

/// The thing of a checkpoint. Throws `errc::invalid_checkpoint` for anything truncated, damaged,
/// made up or of another kind, `errc::unsupported_version` for formats from elsewhere.
template <checkpointable T = cluster>
T from_checkpoint(std::span<const std::byte> bytes) {
  using traits = checkpoint_traits<T>;
  const detail::opened_checkpoint opened = detail::open_checkpoint(bytes);
  if (opened.kind != traits::kind) {
    detail::refuse_checkpoint("it holds a '" + opened.kind + "', asked for is a '" +
                              std::string(traits::kind) + "'");
  }
  if (opened.version != traits::version) {
    raise(errc::unsupported_version, "checkpoint: it holds a '" + opened.kind + "' of version " +
                                         std::to_string(opened.version) +
                                         "; this build reads version " +
                                         std::to_string(traits::version));
  }
  archive_reader content(opened.thing);
  const auto read = [&content] {
    T restored = traits::read(content);
    content.require(content.at_end(), "more content than the thing has");
    return restored;
  };
#if HANAMI_EXCEPTIONS
  try {
    return read();
  } catch (const error& e) {
    if (e.code() == errc::invalid_checkpoint) {
      throw;
    }
    detail::refuse_checkpoint(e.what());
  }
#else
  return read();
#endif
}

/// The metadata of a checkpoint, of whatever kind it is. Throws as `from_checkpoint`, but does not
/// look at the thing itself.
inline checkpoint_metadata metadata_of(std::span<const std::byte> bytes) {
  return detail::open_checkpoint(bytes).metadata;
}

/// Writes a checkpoint so that a reader finds the old file or the new one, whole, whatever happens.
/// Throws `errc::file_error`, the old file is then untouched, and as `to_checkpoint`.
template <checkpointable T>
void save(const T& from, const std::filesystem::path& path,
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

/// Reads a checkpoint: `load<hanami::classifier>("model")`. Throws `errc::file_error`, or as
/// `from_checkpoint`, with the file named.
template <checkpointable T = cluster>
T load(const std::filesystem::path& path) {
  return detail::use_checkpoint(
      path, [](std::span<const std::byte> bytes) { return from_checkpoint<T>(bytes); });
}

/// Reads the metadata alone. Throws `errc::file_error`, or as `metadata_of`, with the file named.
inline checkpoint_metadata load_metadata(const std::filesystem::path& path) {
  return detail::use_checkpoint(path, &metadata_of);
}

// The same without throwing: on failure the result is nothing, `code` is set and `message`, if any,
// says why.

template <checkpointable T = cluster>
std::optional<T> from_checkpoint(std::span<const std::byte> bytes, std::error_code& code,
                                 std::string* message = nullptr) {
  return detail::attempt(code, message, [&] { return from_checkpoint<T>(bytes); });
}

template <checkpointable T>
void save(const T& from, const std::filesystem::path& path, const checkpoint_metadata& metadata,
          std::error_code& code, std::string* message = nullptr) {
  detail::attempt(code, message, [&] { save(from, path, metadata); });
}

template <checkpointable T = cluster>
std::optional<T> load(const std::filesystem::path& path, std::error_code& code,
                      std::string* message = nullptr) {
  return detail::attempt(code, message, [&] { return load<T>(path); });
}

inline std::optional<checkpoint_metadata> load_metadata(const std::filesystem::path& path,
                                                        std::error_code& code,
                                                        std::string* message = nullptr) {
  return detail::attempt(code, message, [&] { return load_metadata(path); });
}

} // namespace hanami
