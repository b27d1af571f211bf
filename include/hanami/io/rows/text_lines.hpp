// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <ios>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include "../../config.hpp"
#include "../../foundation/error.hpp"
#include "../../foundation/memory.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// Lines of a stream, with their carriage returns, in memory for one line. Where the first block of
/// text has carriage returns only, they end the lines. Not for two threads at once.
class text_lines {
 public:
  /// The stream is not owned.
  text_lines(std::istream& stream, std::uint64_t max_line_bytes)
      : stream_(&stream), max_bytes_(to_size(max_line_bytes)) {}

  /// Goes to the next line; false at the end. Throws `errc::invalid_data` for a line that is too
  /// long, `errc::file_error` for a stream that fails.
  bool next() {
    ++count_;
    for (std::size_t searched = 0;;) {
      const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
      const std::size_t found = rest.find(line_end_, searched);
      if (found != std::string_view::npos && found <= max_bytes_) {
        line_ = rest.substr(0, found);
        begin_ += found + 1;
        return true;
      }
      if (rest.size() > max_bytes_) {
        raise(errc::invalid_data, "line " + std::to_string(count_) + ", column " +
                                      std::to_string(max_bytes_ + 1) + ": the row has more than " +
                                      std::to_string(max_bytes_) + " bytes; is a quote left open?");
      }
      searched = rest.size();
      if (!fill()) {
        line_ = {buffer_.data() + begin_, end_ - begin_};
        begin_ = end_;
        return !line_.empty();
      }
    }
  }

  std::string_view line() const noexcept { return line_; }

 private:
  static constexpr std::size_t block = std::size_t{1} << 16;

  bool fill() {
    if (stream_->rdbuf() == nullptr || stream_->fail()) {
      raise(errc::file_error, "the stream of rows cannot be read");
    }
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    end_ -= begin_;
    begin_ = 0;
    buffer_.resize(end_ + block);
    std::streamsize got = 0;
#if HANAMI_EXCEPTIONS
    try {
      got = stream_->rdbuf()->sgetn(buffer_.data() + end_, block);
    } catch (const std::ios_base::failure& failure) {
      raise(errc::file_error,
            "line " + std::to_string(count_) +
                ": the stream of rows cannot be read: " + failure.code().message());
    }
#else
    got = stream_->rdbuf()->sgetn(buffer_.data() + end_, block);
#endif
    end_ += static_cast<std::size_t>(got);
    if (first_ && got > 0) {
      const std::string_view text(buffer_.data(), end_);
      line_end_ =
          text.find('\n') == std::string_view::npos && text.find('\r') != std::string_view::npos
              ? '\r'
              : '\n';
      first_ = false;
    }
    return got > 0;
  }

  std::istream* stream_;
  std::size_t max_bytes_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string_view line_;
  std::uint64_t count_ = 0; ///< the number of the line
  char line_end_ = '\n';
  bool first_ = true;
};

} // namespace hanami::detail
