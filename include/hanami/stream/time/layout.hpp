// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../../config.hpp"
#include "text.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// The beginning of texts in which every number has all its zeros, so that it stands at the same
/// place in each: `2016-07-01 13:05:20`.
class fixed_layout {
 public:
  /// Another number of so many digits, or a sign.
  void add(std::int32_t time_numbers::*number, std::size_t digits) {
    places_.push_back({number, shape_.size(), digits});
    shape_.append(digits, '0');
  }
  void add(char sign) { shape_ += sign; }

  /// False where the text does not begin so, and nothing has been taken.
  bool take(time_text& text, time_numbers& n) const noexcept {
    const std::string_view rest = text.rest();
    if (rest.size() < shape_.size()) {
      return false;
    }
    bool same = true;
    for (std::size_t i = 0; i < shape_.size(); ++i) {
      same &= shape_[i] == '0' ? is_digit(rest[i]) : shape_[i] == rest[i];
    }
    if (!same) {
      return false;
    }
    for (const place& p : places_) {
      std::int32_t sum = 0;
      for (std::size_t i = p.at; i < p.at + p.digits; ++i) {
        sum = sum * 10 + (rest[i] - '0');
      }
      n.*p.number = sum;
    }
    text.skip(shape_.size());
    return n.minute < 60 && n.second <= 60;
  }

 private:
  struct place {
    std::int32_t time_numbers::*number;
    std::size_t at;
    std::size_t digits;
  };

  std::string shape_; ///< 0: a digit
  std::vector<place> places_;
};

} // namespace hanami::detail
