// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <hanami/hanami.hpp>

#include "json.hpp"
#include "sensor_model.hpp"

namespace example {

/// What a program says about every row, as CSV or JSON lines, into a file or to standard output.
class sensor_output {
 public:
  /// `path` empty: standard output. Throws `hanami::errc::file_error`.
  sensor_output(const std::string& path, bool json)
      : name_(path.empty() ? "standard output" : path), json_(json) {
    file_ =
        path.empty() ? STDOUT_FILENO : ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (file_ < 0) {
      refuse("cannot open ");
    }
  }
  sensor_output(const sensor_output&) = delete;
  sensor_output& operator=(const sensor_output&) = delete;
  ~sensor_output() {
    if (file_ > STDERR_FILENO) {
      ::close(file_);
    }
  }

  /// Goes on behind the first `bytes`: what stands in a file after them is cut off.
  void resume(std::uint64_t bytes) {
    if (file_ == STDOUT_FILENO) {
      return;
    }
    const ::off_t held = ::lseek(file_, 0, SEEK_END);
    const auto end = std::min(held, static_cast<::off_t>(bytes));
    if (held < 0 || ::ftruncate(file_, end) != 0 || ::lseek(file_, end, SEEK_SET) != end) {
      refuse("cannot go on in ");
    }
    written_ = static_cast<std::uint64_t>(end);
  }

  /// Names of the fields, and the first line of CSV where nothing was written before.
  void begin(const std::vector<std::string>& columns, const sensor_model& model) {
    names_.clear();
    for (const std::string& column : columns) {
      for (const std::uint32_t horizon : model.horizons()) {
        const std::string base = column + "_ahead_" + std::to_string(horizon);
        names_.push_back(base);
        names_.push_back(base + "_low");
        names_.push_back(base + "_high");
      }
    }
    columns_ = columns;
    if (json_) {
      for (std::string& name : names_) {
        name = "," + json_string(name) + ":";
      }
      return;
    }
    if (written_ == 0) {
      buffer_ += "row,time";
      for (const std::string& name : names_) {
        buffer_ += ',' + name;
      }
      buffer_ += ",probability,alarm,expected,seen\n";
    }
  }

  /// The forecasts after row number `row`, and how strange the row itself was.
  void write(std::uint64_t row, std::string_view time, const sensor_model& model,
             const hanami::anomaly& found) {
    buffer_ += json_ ? "{\"row\":" : "";
    put(static_cast<double>(row), 0);
    put_text(",\"time\":", time);
    std::size_t field = 0;
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const int decimals = decimals_for(model.scale(c));
      for (std::size_t h = 0; h < model.horizons().size(); ++h) {
        const hanami::forecast ahead = model.predict(c, h);
        for (const double value : {ahead.value, ahead.low, ahead.high}) {
          put_key(names_[field++]);
          put(value, decimals);
        }
      }
    }
    put_key(",\"probability\":");
    put(found.probability, found.probability < 1e-3 ? 12 : 6);
    put_alarm(model, found);
    buffer_ += json_ ? "}\n" : "\n";
    if (buffer_.size() > (std::size_t{1} << 16)) {
      flush();
    }
  }

  /// Hands everything to the system. Throws `hanami::errc::file_error`.
  void flush() {
    std::string_view rest = buffer_;
    while (!rest.empty()) {
      const ::ssize_t wrote = ::write(file_, rest.data(), rest.size());
      if (wrote < 0 && errno != EINTR) {
        refuse("cannot write ");
      }
      rest.remove_prefix(static_cast<std::size_t>(std::max<::ssize_t>(wrote, 0)));
    }
    written_ += buffer_.size();
    buffer_.clear();
  }

  /// Bytes handed over so far.
  std::uint64_t written() const noexcept { return written_; }

 private:
  [[noreturn]] void refuse(const char* what) const {
    throw hanami::error(hanami::errc::file_error,
                        what + name_ + ": " + std::generic_category().message(errno));
  }

  /// Decimals that show a thousandth of the usual change.
  static int decimals_for(double scale) noexcept {
    return scale > 0 ? std::clamp(3 - static_cast<int>(std::floor(std::log10(scale))), 0, 12) : 6;
  }

  void put_key(std::string_view json_key) {
    if (json_) {
      buffer_ += json_key;
    } else {
      buffer_ += ',';
    }
  }

  void put_text(std::string_view json_key, std::string_view text) {
    put_key(json_key);
    if (json_) {
      buffer_ += text.empty() ? "null" : json_string(text);
    } else {
      buffer_ += text;
    }
  }

  void put_alarm(const sensor_model& model, const hanami::anomaly& found) {
    if (!found.alarm) {
      buffer_ += json_ ? ",\"alarm\":null,\"expected\":null,\"seen\":null" : ",,,";
      return;
    }
    const int decimals = decimals_for(model.scale(found.column));
    put_text(",\"alarm\":", columns_[found.column]);
    put_key(",\"expected\":");
    put(found.expected, decimals);
    put_key(",\"seen\":");
    put(found.seen, decimals);
  }

  /// A number in plain decimals: many times as fast as the shortest text of a double.
  void put(double value, int decimals) {
    static constexpr std::array<double, 13> powers = {1,   1e1, 1e2, 1e3,  1e4,  1e5, 1e6,
                                                      1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    if (std::isnan(value)) {
      buffer_ += json_ ? "null" : "";
      return;
    }
    char text[40];
    const double scaled = std::abs(value) * powers[static_cast<std::size_t>(decimals)];
    if (!(scaled < 1e15)) {
      buffer_.append(text, std::to_chars(text, text + sizeof text, value).ptr);
      return;
    }
    auto digits = static_cast<std::uint64_t>(scaled + 0.5);
    char* at = text + sizeof text;
    char* const end = at;
    const bool negative = value < 0 && digits > 0;
    int left = decimals;
    for (; left > 0 && digits % 10 == 0; --left) {
      digits /= 10;
    }
    for (bool point = left > 0; digits > 0 || point || at == end; digits /= 10) {
      *--at = static_cast<char>('0' + digits % 10);
      if (point && --left == 0) {
        *--at = '.';
        point = false;
        if (digits < 10) {
          *--at = '0';
        }
      }
    }
    if (negative) {
      *--at = '-';
    }
    buffer_.append(at, end);
  }

  std::string name_;
  bool json_;
  int file_ = -1;
  std::uint64_t written_ = 0;
  std::string buffer_;
  std::vector<std::string> names_;
  std::vector<std::string> columns_;
};

} // namespace example
