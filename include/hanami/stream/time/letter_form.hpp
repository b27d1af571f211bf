// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

#include "../../io/cell.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// What a form of times in letters, like yyyy-MM-dd HH:mm:ss of Java or spreadsheets, is as
/// `strptime` writes it; empty for what is none.
class letter_form {
 public:
  explicit letter_form(std::string_view form)
      : form_(form), halves_(form.find_first_of("aAt") != std::string_view::npos) {
    if (const std::size_t words = form_.find("AM/PM"); words != std::string::npos) {
      form_.replace(words, 5, "a");
    }
    months_apart_ = form_.find('M') != std::string::npos;
  }

  std::string as_strptime() {
    if (form_.find('%') != std::string_view::npos) {
      return {};
    }
    for (std::size_t at = 0; at < form_.size();) {
      const char c = form_[at];
      if (c == '\'') { // text as it is
        const std::size_t end = std::min(form_.find('\'', at + 1), form_.size());
        made_.append(form_, at + 1, end - at - 1);
        at = end + 1;
        continue;
      }
      std::size_t size = 1;
      while (at + size < form_.size() && form_[at + size] == c) {
        ++size;
      }
      if (!is_letter(c)) {
        made_.append(form_, at, size);
      } else if (!add(c, size)) {
        return {};
      }
      at += size;
    }
    return parts_ >= 2 ? made_ : std::string();
  }

 private:
  bool add(char c, std::size_t size) {
    const char* part = nullptr;
    switch (c) {
    case 'y':
    case 'Y':
    case 'u':
      part = size == 2 ? "%y" : "%Y";
      break;
    case 'M':
      part = month(size);
      break;
    case 'm':
      part = months_apart_ || clock_ ? "%M" : month(size);
      break;
    case 'd':
    case 'D':
      part = size >= 3 ? "%a" : "%d";
      break;
    case 'E':
      part = "%a";
      break;
    case 'H':
    case 'k':
    case 'h':
    case 'K':
      clock_ = true;
      part = (c == 'h' || c == 'K') && halves_ ? "%I" : "%H";
      break;
    case 's':
      part = "%S";
      break;
    case 'S':
    case 'f':
    case 'n':
      if (made_.ends_with("%S.") || made_.ends_with("%S,")) { // goes along with the second
        made_.pop_back();
        return true;
      }
      part = "%f";
      break;
    case 'a':
    case 'A':
    case 't':
      part = "%p";
      break;
    case 'z':
    case 'Z':
    case 'X':
    case 'x':
      part = "%z";
      break;
    case 'T':
      made_.append(size, c);
      return true;
    default:
      return false;
    }
    ++parts_;
    made_ += part;
    return true;
  }

  static const char* month(std::size_t size) noexcept {
    return size <= 2 ? "%m" : size == 3 ? "%b" : "%B";
  }

  std::string form_;
  std::string made_;
  std::size_t parts_ = 0;
  bool months_apart_ = false; ///< a small m is a minute
  bool halves_;               ///< AM or PM
  bool clock_ = false;
};

} // namespace hanami::detail
