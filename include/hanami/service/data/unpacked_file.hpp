// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <span>
#include <streambuf>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../../foundation/error.hpp"
#include "../../io/file.hpp"
#include "../../io/gzip.hpp"
#include "../base/refusal.hpp"

namespace hanami::service::data {

/// The bytes of an uploaded file, unpacked where it is gzip. For one thread at a time.
class unpacked_file {
 public:
  /// `name`: what it is, for messages. Throws `errc::file_error`.
  unpacked_file(const std::filesystem::path& file, const char* name)
      : name_(name), file_(::gzopen(file.c_str(), "rbe")) {
    if (file_ == nullptr) {
      hanami::detail::refuse_file("cannot read ", file, hanami::detail::system_trouble());
    }
    ::gzbuffer(file_, 65536);
    std::error_code ignored; // it would only tell too little of how far it is
    packed_bytes_ = std::filesystem::file_size(file, ignored);
  }
  unpacked_file(const unpacked_file&) = delete;
  unpacked_file& operator=(const unpacked_file&) = delete;
  ~unpacked_file() { ::gzclose_r(file_); }

  /// Fewer bytes than there is room for: the file ends. Throws `invalid_data` with the position
  /// where the packing is damaged, `errc::file_error`, `errc::out_of_memory`.
  std::size_t read(std::span<std::uint8_t> to) {
    const std::size_t done = read_uncounted(to);
    at_ += done;
    return done;
  }

  /// How much of the file has been read, 0..1.
  double share() const noexcept {
    const auto there = static_cast<double>(packed_bytes_);
    return there > 0 ? std::min(1.0, static_cast<double>(::gzoffset(file_)) / there) : 1.0;
  }

  /// Throws `invalid_data` where much more comes out than any table has: it was made to fill
  /// disks and to take time.
  void expect_usual_ratio() const {
    constexpr std::uint64_t free_of_ratio = std::uint64_t{4} << 20;
    constexpr std::uint64_t most_ratio = 512;
    if (at_ > free_of_ratio && at_ / most_ratio > static_cast<std::uint64_t>(::gzoffset(file_))) {
      fail("gzip: unpacks to more than " + std::to_string(most_ratio) +
           " times its size; upload it as it is");
    }
  }

  /// Throws `invalid_data`.
  [[noreturn]] void fail(const std::string& what) const {
    throw refusal(refusal_code::invalid_data,
                  std::string(name_) + ": byte " + std::to_string(at_) + ": " + what);
  }

 protected:
  /// As `read`, but messages go on to count from where they did.
  std::size_t read_uncounted(std::span<std::uint8_t> to) {
    std::size_t done = 0;
    while (done < to.size()) {
      const std::size_t part = std::min<std::size_t>(to.size() - done, std::size_t{1} << 20);
      const int got = ::gzread(file_, to.data() + done, static_cast<unsigned>(part));
      if (got <= 0) {
        break;
      }
      done += static_cast<std::size_t>(got);
    }
    int trouble = Z_OK;
    const std::string_view why = ::gzerror(file_, &trouble);
    if (trouble == Z_ERRNO) {
      throw error(errc::file_error, std::string(name_) + ": cannot be read");
    }
    if (trouble == Z_MEM_ERROR) {
      throw error(errc::out_of_memory, "zlib: not enough memory");
    }
    if (trouble != Z_OK) {
      // zlib begins with the file's name, which is not the client's.
      const std::size_t colon = why.rfind(": ");
      fail("gzip: " + std::string(colon == std::string_view::npos ? why : why.substr(colon + 2)));
    }
    return done;
  }

 private:
  const char* name_;
  ::gzFile file_;
  std::uint64_t packed_bytes_ = 0;
  std::uint64_t at_ = 0; ///< of what comes out
};

namespace detail {

class unpacked_buffer : public std::streambuf {
 public:
  unpacked_buffer(const std::filesystem::path& file, std::function<void(double)> watch)
      : file_(file, "table"), watch_(std::move(watch)), block_(std::size_t{64} << 10) {}

 protected:
  int_type underflow() override {
    if (watch_) {
      watch_(file_.share());
    }
    const std::size_t count = file_.read(block_);
    file_.expect_usual_ratio();
    auto* const first = reinterpret_cast<char*>(block_.data());
    setg(first, first, first + count);
    return count == 0 ? traits_type::eof() : traits_type::to_int_type(*first);
  }

 private:
  unpacked_file file_;
  std::function<void(double)> watch_;
  std::vector<std::uint8_t> block_;
};

} // namespace detail

/// The same for what reads streams: a table. What its buffer throws has to be let through, so read
/// from `rdbuf()`. `watch`: told before each block what share has been read; what it throws ends
/// the reading.
class unpacked_table : private detail::unpacked_buffer, public std::istream {
 public:
  explicit unpacked_table(const std::filesystem::path& file, std::function<void(double)> watch = {})
      : unpacked_buffer(file, std::move(watch)), std::istream(static_cast<std::streambuf*>(this)) {}
};

} // namespace hanami::service::data
