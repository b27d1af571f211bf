// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "block_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "../../io/write_file.hpp"
#include "../base/compile.hpp"
#include "positioned_io.hpp"

namespace hanami::service::data {

namespace detail {

inline constexpr std::size_t block_header_bytes = 40;

using block_salt = std::array<unsigned char, 16>;

/// The first bytes of a block file, as they lie in it.
struct block_header {
  std::array<char, 8> magic{'h', 'a', 'n', 'a', 'm', 'i', 'B', 'F'};
  std::uint32_t version = 1;
  std::uint32_t encrypted = 0;
  std::uint64_t size = 0;
  block_salt salt{};
};
static_assert(sizeof(block_header) == block_header_bytes);

inline std::uint64_t blocks_of(std::uint64_t size) {
  return size == 0 ? 1 : (size - 1) / block_bytes + 1;
}

inline const unsigned char* as_uchars(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
inline unsigned char* as_uchars(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

/// Closes and opens the blocks of one file.
class block_seal {
 public:
  /// What a block that is not the last has instead of the content's size.
  static constexpr std::uint64_t not_last = ~std::uint64_t{0};

  block_seal(const std::optional<access::secret_key>& key, const block_salt& salt)
      : encrypted_(key.has_value()) {
    std::copy(salt.begin(), salt.end(), secret_.begin());
    if (encrypted_) {
      constexpr std::array<unsigned char, 16> purpose{'h', 'a', 'n', 'a', 'm', 'i', 'B', 'F',
                                                      ' ', 'b', 'l', 'o', 'c', 'k', 's'};
      crypto_generichash_blake2b_salt_personal(secret_.data(), secret_.size(), nullptr, 0,
                                               key->data(), key->size(), salt.data(),
                                               purpose.data());
    }
  }
  block_seal(const block_seal&) = delete;
  block_seal& operator=(const block_seal&) = delete;
  ~block_seal() { sodium_memzero(secret_.data(), secret_.size()); }

  /// Bytes that a block takes in the file beside its content.
  std::size_t overhead() const noexcept { return encrypted_ ? nonce_bytes + tag_bytes : sum_bytes; }

  /// `stored`: `content.size() + overhead()` bytes. `bound`: the content's size or `not_last`.
  void close(std::uint64_t number, std::uint64_t bound, std::span<const std::byte> content,
             std::byte* stored) const {
    const std::array<std::uint64_t, 2> place{number, bound};
    if (!encrypted_) {
      std::copy(content.begin(), content.end(), stored);
      const auto sum = checksum(place, content);
      std::memcpy(stored + content.size(), sum.data(), sum.size());
      return;
    }
    randombytes_buf(stored, nonce_bytes);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        as_uchars(stored + nonce_bytes), nullptr, as_uchars(content.data()), content.size(),
        reinterpret_cast<const unsigned char*>(place.data()), sizeof place, nullptr,
        as_uchars(stored), secret_.data());
  }

  /// False where the block is not the one that was closed.
  bool open(std::uint64_t number, std::uint64_t bound, const std::byte* stored,
            std::span<std::byte> content) const {
    const std::array<std::uint64_t, 2> place{number, bound};
    if (!encrypted_) {
      std::copy_n(stored, content.size(), content.data());
      const auto sum = checksum(place, content);
      return std::memcmp(stored + content.size(), sum.data(), sum.size()) == 0;
    }
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               as_uchars(content.data()), nullptr, nullptr, as_uchars(stored + nonce_bytes),
               content.size() + tag_bytes, reinterpret_cast<const unsigned char*>(place.data()),
               sizeof place, as_uchars(stored), secret_.data()) == 0;
  }

 private:
  static constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
  static constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
  static constexpr std::size_t sum_bytes = crypto_shorthash_BYTES;

  std::array<unsigned char, sum_bytes> checksum(const std::array<std::uint64_t, 2>& place,
                                                std::span<const std::byte> content) const {
    std::array<unsigned char, sum_bytes> sum{};
    crypto_shorthash(sum.data(), as_uchars(content.data()), content.size(), secret_.data());
    std::array<unsigned char, sum_bytes + sizeof place> all{};
    std::copy(sum.begin(), sum.end(), all.begin());
    std::memcpy(all.data() + sum_bytes, place.data(), sizeof place);
    crypto_shorthash(sum.data(), all.data(), all.size(), secret_.data());
    return sum;
  }

  bool encrypted_;
  access::secret_key secret_{}; ///< of this file; plain: the salt
};

inline block_header new_block_header(bool encrypted) {
  if (sodium_init() < 0) {
    throw error(errc::file_error, "libsodium cannot start: no randomness of the system");
  }
  block_header header;
  header.encrypted = encrypted ? 1 : 0;
  randombytes_buf(header.salt.data(), header.salt.size());
  return header;
}

} // namespace detail

struct block_writer::state {
  state(std::filesystem::path to, const std::optional<access::secret_key>& key)
      : file(std::move(to)), temporary(file.string() + ".part"),
        header(detail::new_block_header(key.has_value())), seal(key, header.salt),
        handle(
            ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)),
        stored(detail::block_bytes + seal.overhead()) {
    if (handle.get() < 0) {
      detail::refuse_write(file);
    }
    block.reserve(detail::block_bytes);
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;
  ~state() {
    if (!placed && handle.get() >= 0) {
      ::unlink(temporary.c_str());
    }
  }

  void put(std::span<const std::byte> bytes, std::uint64_t offset) {
    if (!detail::pwrite_all(handle.get(), bytes, offset)) {
      detail::refuse_write(file);
    }
  }

  void store_block(std::uint64_t bound) {
    seal.close(number, bound, block, stored.data());
    put(std::span(stored).first(block.size() + seal.overhead()), end);
    end += block.size() + seal.overhead();
    ++number;
    block.clear();
  }

  std::filesystem::path file;
  std::filesystem::path temporary;
  detail::block_header header;
  detail::block_seal seal;
  hanami::detail::file_handle handle;
  std::vector<std::byte> block; ///< content that is not in the file yet
  std::vector<std::byte> stored;
  std::uint64_t number = 0;
  std::uint64_t end = detail::block_header_bytes;
  bool placed = false;
};

HANAMI_SERVICE_INLINE block_writer::block_writer(std::filesystem::path file,
                                                 const std::optional<access::secret_key>& key)
    : state_(std::make_unique<state>(std::move(file), key)) {}

HANAMI_SERVICE_INLINE block_writer::~block_writer() = default;

HANAMI_SERVICE_INLINE void block_writer::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (state_->block.size() == detail::block_bytes) { // there is more: not the last one
      state_->store_block(detail::block_seal::not_last);
    }
    const std::size_t taken = std::min(bytes.size(), detail::block_bytes - state_->block.size());
    state_->block.insert(state_->block.end(), bytes.begin(),
                         bytes.begin() + static_cast<std::ptrdiff_t>(taken));
    state_->header.size += taken;
    bytes = bytes.subspan(taken);
  }
}

HANAMI_SERVICE_INLINE void block_writer::finish() {
  state& s = *state_;
  HANAMI_ASSERT(!s.placed, "finish is called once");
  s.store_block(s.header.size);
  s.put(std::as_bytes(std::span(&s.header, 1)), 0);
  if (::fsync(s.handle.get()) != 0 || ::rename(s.temporary.c_str(), s.file.c_str()) != 0) {
    detail::refuse_write(s.file);
  }
  s.placed = true;
  detail::sync_folder_of(s.file);
}

HANAMI_SERVICE_INLINE std::uint64_t block_writer::size() const noexcept {
  return state_->header.size;
}

struct block_reader::state {
  struct opened_block {
    std::uint64_t number = 0;
    std::vector<std::byte> content;
  };

  state(const std::filesystem::path& from, const std::optional<access::secret_key>& key)
      : file(from), handle(::open(from.c_str(), O_RDONLY | O_CLOEXEC)), header(read_header()),
        seal(key_for(key), header.salt) {
    check_length();
    const std::uint64_t last = detail::blocks_of(header.size) - 1;
    std::vector<std::byte> content(length_of(last));
    load(last, content); // binds the size
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw error(errc::invalid_data, file.string() + ": " + what);
  }
  [[noreturn]] void refuse() const {
    hanami::detail::refuse_file("cannot read ", file, hanami::detail::system_trouble());
  }

  detail::block_header read_header() const {
    struct ::stat status {};
    if (handle.get() < 0 || sodium_init() < 0 || ::fstat(handle.get(), &status) != 0) {
      refuse();
    }
    if (!S_ISREG(status.st_mode)) {
      fail("is not a file but a folder or device");
    }
    detail::block_header read;
    if (!detail::pread_all(handle.get(), std::as_writable_bytes(std::span(&read, 1)), 0)) {
      if (errno != 0) {
        refuse();
      }
      fail("ends within its header of 40 bytes");
    }
    const detail::block_header expected;
    if (read.magic != expected.magic) {
      fail("byte 0: does not begin with \"hanamiBF\"");
    }
    if (read.version != expected.version) {
      fail("byte 8: version " + std::to_string(read.version) + ", expected 1");
    }
    if (read.encrypted > 1) {
      fail("byte 12: neither 0 (plain) nor 1 (encrypted)");
    }
    if (read.size > detail::most_file_bytes) {
      fail("byte 16: more than 2^60 bytes of content");
    }
    return read;
  }

  std::optional<access::secret_key> key_for(const std::optional<access::secret_key>& key) const {
    if (header.encrypted == 0) {
      return {};
    }
    if (!key) {
      fail("is encrypted, and there is no key for it");
    }
    return key;
  }

  void check_length() const {
    struct ::stat status {};
    if (::fstat(handle.get(), &status) != 0) {
      refuse();
    }
    const std::uint64_t expected =
        detail::block_header_bytes + header.size + detail::blocks_of(header.size) * seal.overhead();
    if (static_cast<std::uint64_t>(status.st_size) != expected) {
      fail("has " + std::to_string(status.st_size) + " bytes, expected " +
           std::to_string(expected) + " for " + std::to_string(header.size) + " of content");
    }
  }

  std::size_t length_of(std::uint64_t number) const {
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(detail::block_bytes, header.size - number * detail::block_bytes));
  }

  /// A whole block, checked.
  void load(std::uint64_t number, std::span<std::byte> content) const {
    const std::uint64_t place =
        detail::block_header_bytes + number * (detail::block_bytes + seal.overhead());
    std::vector<std::byte> stored(content.size() + seal.overhead());
    if (!detail::pread_all(handle.get(), stored, place)) {
      if (errno != 0) {
        refuse();
      }
      fail("ends within the block at byte " + std::to_string(place));
    }
    const bool last = number + 1 == detail::blocks_of(header.size);
    const std::uint64_t bound = last ? header.size : detail::block_seal::not_last;
    if (!seal.open(number, bound, stored.data(), content)) {
      fail("the block at byte " + std::to_string(place) + " is damaged" +
           (header.encrypted == 1 ? ", or the key is not its own" : ""));
    }
  }

  /// A whole block by way of the one that is kept.
  std::shared_ptr<const opened_block> fetch(std::uint64_t number) const {
    {
      const std::lock_guard lock(keeping);
      if (kept && kept->number == number) {
        return kept;
      }
    }
    auto fresh = std::make_shared<opened_block>();
    fresh->number = number;
    fresh->content.resize(length_of(number));
    load(number, fresh->content);
    const std::lock_guard lock(keeping);
    kept = fresh;
    return fresh;
  }

  std::filesystem::path file;
  hanami::detail::file_handle handle;
  detail::block_header header;
  detail::block_seal seal;
  mutable std::mutex keeping;
  mutable std::shared_ptr<const opened_block> kept;
};

HANAMI_SERVICE_INLINE block_reader::block_reader(const std::filesystem::path& file,
                                                 const std::optional<access::secret_key>& key)
    : state_(std::make_unique<state>(file, key)) {}

HANAMI_SERVICE_INLINE block_reader::~block_reader() = default;

HANAMI_SERVICE_INLINE std::uint64_t block_reader::size() const noexcept {
  return state_->header.size;
}

HANAMI_SERVICE_INLINE void block_reader::read(std::uint64_t offset, std::span<std::byte> to) const {
  if (offset > size() || to.size() > size() - offset) {
    throw error(errc::invalid_argument, "bytes " + std::to_string(offset) + " to " +
                                            std::to_string(offset + to.size()) +
                                            " of a file with " + std::to_string(size()));
  }
  while (!to.empty()) {
    const std::uint64_t number = offset / detail::block_bytes;
    const auto skip = static_cast<std::size_t>(offset % detail::block_bytes);
    const std::size_t length = state_->length_of(number);
    const std::size_t part = std::min(to.size(), length - skip);
    if (part == length) {
      state_->load(number, to.first(part));
    } else {
      const auto block = state_->fetch(number);
      std::copy_n(block->content.data() + skip, part, to.data());
    }
    offset += part;
    to = to.subspan(part);
  }
}

} // namespace hanami::service::data
