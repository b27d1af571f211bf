// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "journal.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <system_error>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../foundation/error.hpp"
#include "../../../io/archive.hpp"
#include "../../base/compile.hpp"
#include "../../data/positioned_io.hpp"

namespace hanami::service::engine {

namespace detail {

inline constexpr std::size_t journal_head = 24;
inline constexpr std::size_t record_head = 12;
inline constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
inline constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;

enum class packing : std::uint8_t { dense, sparse };

template <class Number>
void put_number(journal_bytes& to, Number value) {
  const std::size_t at = to.size();
  to.resize(at + sizeof value);
  std::memcpy(to.data() + at, &value, sizeof value);
}

/// A bit for each value that is not +0, then those values; or all values, where that is shorter.
inline void pack_values(journal_bytes& to, std::span<const float> values) {
  const std::size_t bits = (values.size() + 7) / 8;
  const std::size_t begin = to.size();
  to.resize(begin + 1 + bits + values.size_bytes());
  std::byte* const map = to.data() + begin + 1;
  std::byte* next = map + bits;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool there = std::bit_cast<std::uint32_t>(values[i]) != 0;
    map[i / 8] |= std::byte{there} << (i % 8);
    std::memcpy(next, &values[i], sizeof(float));
    next += there ? sizeof(float) : 0;
  }
  const auto size = static_cast<std::size_t>(next - map);
  const bool dense = size >= values.size_bytes();
  to[begin] = static_cast<std::byte>(dense ? packing::dense : packing::sparse);
  if (dense && !values.empty()) {
    std::memcpy(map, values.data(), values.size_bytes());
  }
  to.resize(begin + 1 + (dense ? values.size_bytes() : size));
}

/// Reads the content of a record front to back.
class record_reader {
 public:
  explicit record_reader(std::span<const std::byte> from) : from_(from) {}

  template <class Number>
  Number number() {
    Number value{};
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string text() {
    const auto bytes = take(number<std::uint32_t>());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  std::vector<float> values() {
    const auto count = number<std::uint32_t>();
    if (number<packing>() == packing::dense) {
      const auto bytes = take(std::size_t{count} * sizeof(float));
      std::vector<float> all(count);
      if (count > 0) {
        std::memcpy(all.data(), bytes.data(), bytes.size());
      }
      return all;
    }
    const auto map = take((std::size_t{count} + 7) / 8);
    std::vector<float> all(count);
    for (std::size_t i = 0; i < count; ++i) {
      if ((map[i / 8] >> (i % 8) & std::byte{1}) != std::byte{}) {
        all[i] = number<float>();
      }
    }
    return all;
  }

 private:
  std::span<const std::byte> take(std::size_t size) {
    if (size > from_.size()) {
      throw error(errc::invalid_data, "a journal's record ends too early");
    }
    const auto taken = from_.first(size);
    from_ = from_.subspan(size);
    return taken;
  }

  std::span<const std::byte> from_;
};

/// Builds a record: content first, then `close` puts head and cipher around it.
class record_builder {
 public:
  explicit record_builder(std::size_t kind) : bytes_(record_head) {
    put_number(bytes_, static_cast<std::uint8_t>(kind));
  }

  template <class Number>
  record_builder& number(Number value) {
    put_number(bytes_, value);
    return *this;
  }
  record_builder& text(const std::string& value) {
    number(static_cast<std::uint32_t>(value.size()));
    const auto from = std::as_bytes(std::span(value));
    bytes_.insert(bytes_.end(), from.begin(), from.end());
    return *this;
  }
  record_builder& values(std::span<const float> all) {
    number(static_cast<std::uint32_t>(all.size()));
    pack_values(bytes_, all);
    return *this;
  }

  journal_bytes close(const journal_key& key) {
    if (key) {
      seal(*key);
    }
    const auto content = std::span(bytes_).subspan(record_head);
    const auto size = static_cast<std::uint32_t>(content.size());
    const std::uint64_t sum = hanami::detail::checksum(content);
    std::memcpy(bytes_.data(), &size, sizeof size);
    std::memcpy(bytes_.data() + sizeof size, &sum, sizeof sum);
    return std::move(bytes_);
  }

 private:
  void seal(const access::secret_key& key) {
    journal_bytes sealed(bytes_.size() + nonce_bytes + tag_bytes);
    auto* const nonce = reinterpret_cast<unsigned char*>(sealed.data() + record_head);
    randombytes_buf(nonce, nonce_bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        nonce + nonce_bytes, nullptr,
        reinterpret_cast<const unsigned char*>(bytes_.data() + record_head),
        bytes_.size() - record_head, nullptr, 0, nullptr, nonce, key.data());
    bytes_ = std::move(sealed);
  }

  journal_bytes bytes_;
};

inline journal_bytes open_sealed(std::span<const std::byte> content, const access::secret_key& key,
                                 const std::filesystem::path& file) {
  const auto* const nonce = reinterpret_cast<const unsigned char*>(content.data());
  const bool long_enough = content.size() > nonce_bytes + tag_bytes;
  journal_bytes plain(long_enough ? content.size() - nonce_bytes - tag_bytes : 0);
  if (!long_enough ||
      crypto_aead_xchacha20poly1305_ietf_decrypt(
          reinterpret_cast<unsigned char*>(plain.data()), nullptr, nullptr, nonce + nonce_bytes,
          content.size() - nonce_bytes, nullptr, 0, nonce, key.data()) != 0) {
    throw error(errc::invalid_data,
                file.string() + ": the key is wrong, or somebody has changed the file");
  }
  return plain;
}

inline journal_record decode_record(std::span<const std::byte> content) {
  record_reader from(content);
  const auto kind = from.number<std::uint8_t>();
  if (kind == 0) {
    journal_sample sample;
    sample.input = from.values();
    sample.target = from.values();
    return sample;
  }
  if (kind == 5) {
    const auto syntax = from.number<std::uint8_t>();
    const auto at = from.number<std::int64_t>();
    return journal_batch{syntax, at, from.text()};
  }
  const std::string id = from.text();
  switch (kind) {
  case 1:
    return journal_begin{id, from.number<std::uint64_t>()};
  case 2: {
    const auto first = from.number<std::uint64_t>();
    return journal_rows{id, first, from.number<std::uint64_t>()};
  }
  case 3: {
    journal_end end{id, from.number<store::task_state>(), {}, from.number<std::uint8_t>() != 0};
    end.error = from.text();
    return end;
  }
  case 4:
    return journal_restore{id, from.text()};
  default:
    throw error(errc::invalid_data,
                "a journal has a record of kind " + std::to_string(kind) + "; known are 0 to 5");
  }
}

inline journal_bytes journal_header(std::uint64_t generation, bool encrypted) {
  journal_bytes head;
  for (const char c : std::string_view("hanamiJN")) {
    put_number(head, c);
  }
  put_number(head, std::uint32_t{1});
  put_number(head, std::uint32_t{encrypted ? 1U : 0U});
  put_number(head, generation);
  return head;
}

/// Whether the journal is encrypted; nothing where there is no header. Throws for one of a journal
/// that this build or key cannot read.
inline std::optional<bool> read_journal_header(std::istream& from,
                                               const std::filesystem::path& file,
                                               std::uint64_t generation, bool have_key) {
  journal_bytes head(journal_head);
  from.read(reinterpret_cast<char*>(head.data()), static_cast<std::streamsize>(head.size()));
  if (!from || std::memcmp(head.data(), "hanamiJN", 8) != 0) {
    return {};
  }
  record_reader fields(std::span<const std::byte>(head).subspan(8));
  if (const auto version = fields.number<std::uint32_t>(); version != 1) {
    throw error(errc::unsupported_version, file.string() + ": byte 8: version " +
                                               std::to_string(version) + "; this build reads 1");
  }
  const auto encrypted = fields.number<std::uint32_t>();
  if (encrypted == 1 && !have_key) {
    throw error(errc::invalid_data, file.string() + ": is encrypted, and there is no key");
  }
  if (encrypted > 1 || fields.number<std::uint64_t>() != generation) {
    return {};
  }
  return encrypted == 1;
}

/// The content of the next record, of which `left` bytes can be there; nothing where it is not
/// whole.
inline journal_bytes read_record(std::istream& from, std::uint64_t left) {
  journal_bytes head(record_head);
  if (left <= record_head ||
      !from.read(reinterpret_cast<char*>(head.data()), static_cast<std::streamsize>(head.size()))) {
    return {};
  }
  record_reader fields(head);
  const auto length = fields.number<std::uint32_t>();
  if (length > left - record_head) {
    return {};
  }
  journal_bytes content(length);
  from.read(reinterpret_cast<char*>(content.data()), static_cast<std::streamsize>(length));
  return from && hanami::detail::checksum(content) == fields.number<std::uint64_t>()
             ? content
             : journal_bytes();
}

} // namespace detail

HANAMI_SERVICE_INLINE journal_bytes encode_sample(std::span<const float> input,
                                                  std::span<const float> target,
                                                  const journal_key& key) {
  return detail::record_builder(0).values(input).values(target).close(key);
}

HANAMI_SERVICE_INLINE journal_sample decode_sample(const journal_bytes& record,
                                                   const journal_key& key) {
  const auto content = std::span(record).subspan(detail::record_head);
  return std::get<journal_sample>(
      detail::decode_record(key ? detail::open_sealed(content, *key, "a sample")
                                : journal_bytes(content.begin(), content.end())));
}

HANAMI_SERVICE_INLINE journal_bytes encode(const journal_record& record, const journal_key& key) {
  detail::record_builder to(record.index());
  std::visit(
      [&to](const auto& r) {
        using kind = std::decay_t<decltype(r)>;
        if constexpr (std::is_same_v<kind, journal_sample>) {
          to.values(r.input).values(r.target);
        } else if constexpr (std::is_same_v<kind, journal_begin>) {
          to.text(r.task_id).number(r.anneal_over);
        } else if constexpr (std::is_same_v<kind, journal_rows>) {
          to.text(r.task_id).number(r.first).number(r.count);
        } else if constexpr (std::is_same_v<kind, journal_end>) {
          to.text(r.task_id).number(r.state).number(static_cast<std::uint8_t>(r.annealed));
          to.text(r.error);
        } else if constexpr (std::is_same_v<kind, journal_restore>) {
          to.text(r.task_id).text(r.checkpoint_id);
        } else {
          to.number(r.syntax).number(r.at).text(r.text);
        }
      },
      record);
  return to.close(key);
}

HANAMI_SERVICE_INLINE journal_writer::journal_writer(std::filesystem::path file,
                                                     std::uint64_t generation, std::uint64_t from,
                                                     bool encrypted, bool sync)
    : file_(std::move(file)),
      handle_(::open(file_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR)),
      size_(from), sync_(sync) {
  if (handle_.get() < 0 || ::ftruncate(handle_.get(), static_cast<::off_t>(from)) != 0) {
    hanami::detail::refuse_file("cannot write ", file_, hanami::detail::system_trouble());
  }
  if (from == 0) {
    put(detail::journal_header(generation, encrypted));
    if (sync_) {
      data::detail::sync_folder_of(file_);
    }
  }
}

HANAMI_SERVICE_INLINE void journal_writer::append(const journal_bytes& record) {
  if (broken_) {
    throw error(errc::file_error, "cannot write " + file_.string() + ": it has failed before");
  }
  put(record);
}

HANAMI_SERVICE_INLINE void journal_writer::put(std::span<const std::byte> bytes) {
  errno = 0;
  if (!data::detail::pwrite_all(handle_.get(), bytes, size_) ||
      (sync_ && ::fdatasync(handle_.get()) != 0)) {
    const std::error_code why = hanami::detail::system_trouble();
    broken_ = ::ftruncate(handle_.get(), static_cast<::off_t>(size_)) != 0;
    hanami::detail::refuse_file("cannot write ", file_, why);
  }
  size_ += bytes.size();
}

HANAMI_SERVICE_INLINE journal_extent
read_journal(const std::filesystem::path& file, std::uint64_t generation, const journal_key& key,
             const std::function<bool(const journal_record&)>& callback) {
  std::error_code trouble;
  const std::uint64_t size = std::filesystem::file_size(file, trouble);
  if (trouble == std::errc::no_such_file_or_directory) {
    return {};
  }
  std::ifstream from = hanami::detail::open_file(file);
  const auto encrypted = detail::read_journal_header(from, file, generation, key.has_value());
  if (!encrypted) {
    return {0, size == 0, false};
  }
  journal_extent read{detail::journal_head, true, *encrypted};
  for (;;) {
    auto content = detail::read_record(from, size - read.end);
    if (content.empty()) {
      break;
    }
    const std::uint64_t next = read.end + detail::record_head + content.size();
    if (read.encrypted) {
      content = detail::open_sealed(content, *key, file);
    }
    if (!callback(detail::decode_record(content))) {
      break;
    }
    read.end = next;
  }
  read.whole = read.end == size;
  return read;
}

} // namespace hanami::service::engine
