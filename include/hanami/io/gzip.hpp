// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <zlib.h>

#include "../foundation/error.hpp"
#include "file.hpp"

/// Packed files. The only header that needs zlib: include it and link `hanami::gzip` where .gz
/// files are to be read, e.g. `load_mnist(folder, mnist_part::train, read_file_or_gzip)`.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Unpacks member after member of a gzip stream in memory, a block at a time.
class gzip_stream {
 public:
  explicit gzip_stream(std::span<const std::uint8_t> packed) : packed_(packed) {
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, gzip_only) != Z_OK)
      raise(errc::out_of_memory, "zlib cannot start: not enough memory");
  }
  ~gzip_stream() { inflateEnd(&stream_); }
  gzip_stream(const gzip_stream&) = delete;
  gzip_stream& operator=(const gzip_stream&) = delete;

  /// Fills the front of `block`; fewer bytes than that only where the stream ends.
  std::size_t read(std::span<std::uint8_t> block) {
    stream_.next_out = block.data();
    stream_.avail_out = static_cast<uInt>(block.size());
    while (stream_.avail_out > 0 && !(between_members_ && given_ == packed_.size() && started_))
      step();
    return block.size() - stream_.avail_out;
  }

 private:
  std::size_t offset() const noexcept { return given_ - stream_.avail_in; }

  void step() {
    if (stream_.avail_in == 0)
      give();
    const int result = inflate(&stream_, Z_NO_FLUSH);
    started_ = true;
    between_members_ = false;
    if (result == Z_STREAM_END) {
      // What is left belongs to the next member; `given_` steps back so that it alone tells the
      // end.
      given_ = offset();
      stream_.avail_in = 0;
      between_members_ = true;
      inflateReset(&stream_);
      skip_padding();
    } else if (result == Z_MEM_ERROR) {
      raise(errc::out_of_memory, "zlib: not enough memory");
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail(stream_.msg != nullptr ? stream_.msg : "not a gzip stream");
    } else if (stream_.avail_out > 0 && offset() == packed_.size()) {
      fail("the stream ends before its end mark");
    }
  }

  /// Zeros behind a member are none of it: tapes and block devices fill their blocks with them.
  void skip_padding() {
    while (given_ < packed_.size() && packed_[given_] == 0) {
      ++given_;
    }
    const auto rest = packed_.subspan(given_);
    if (!rest.empty() && !(rest[0] == 0x1f && (rest.size() == 1 || rest[1] == 0x8b))) {
      fail("what follows the stream is neither another gzip stream nor zeros");
    }
  }

  void give() {
    const std::size_t size = std::min<std::size_t>(packed_.size() - given_, std::size_t{1} << 30);
    stream_.next_in = const_cast<Bytef*>(packed_.data() + given_); // zlib only reads it
    stream_.avail_in = static_cast<uInt>(size);
    given_ += size;
  }

  [[noreturn]] void fail(const std::string& what) const {
    raise(errc::invalid_data, "gzip: byte " + std::to_string(offset()) + ": " + what);
  }

  std::span<const std::uint8_t> packed_;
  z_stream stream_{};
  std::size_t given_ = 0;
  bool started_ = false;
  bool between_members_ = false;
};

} // namespace detail

/// Unpacks a gzip stream of one or more members, between and behind which zeros may stand. Throws
/// `errc::invalid_data` with the byte offset in `packed` for a damaged or truncated one,
/// `errc::out_of_memory` as soon as more than `max_bytes` come out. Memory grows with what really
/// comes out.
inline std::vector<std::uint8_t> gunzip(std::span<const std::uint8_t> packed,
                                        std::size_t max_bytes) {
  detail::gzip_stream stream(packed);
  std::array<std::uint8_t, 65536> block;
  std::vector<std::uint8_t> bytes;
  for (;;) {
    const std::size_t size = stream.read(block);
    if (size > max_bytes - bytes.size())
      raise(errc::out_of_memory, "gzip: more than " + std::to_string(max_bytes) +
                                     " bytes come out; at most so many are accepted");
    if (bytes.capacity() - bytes.size() < size)
      bytes.reserve(std::min(max_bytes, 2 * (bytes.size() + size)));
    bytes.insert(bytes.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(size));
    if (size < block.size())
      return bytes;
  }
}

/// A `file_reader` that unpacks what begins like gzip and gives everything else as it is, whatever
/// the file is called. Neither the file nor its content may be larger than `max_bytes`. Throws what
/// `read_file` and `gunzip` throw, with the path.
inline std::vector<std::uint8_t> read_file_or_gzip(const std::filesystem::path& path,
                                                   std::size_t max_bytes) {
  std::vector<std::uint8_t> bytes = read_file(path, max_bytes);
  if (bytes.size() < 2 || bytes[0] != 0x1f || bytes[1] != 0x8b)
    return bytes;
  return detail::naming_file(path, [&] { return gunzip(bytes, max_bytes); });
}

static_assert(file_reader<decltype(&read_file_or_gzip)>);

} // namespace hanami
