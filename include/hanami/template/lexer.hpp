// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "rules.hpp"

/// Splits the text of a cluster template into words, numbers and symbols, one at a time.

namespace hanami::inline HANAMI_ISA::detail::template_text {

/// Counted from 1; a column is a character (UTF-8), a tab counts as one.
struct text_place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
};

enum class token_kind : std::uint8_t { end, word, integer, real, symbol, unknown };

struct text_token {
  token_kind kind = token_kind::end;
  std::string_view text;
  text_place place;
};

/// The token as an error message names it.
inline std::string in_words(const text_token& token) {
  if (token.kind == token_kind::end) {
    return "the end of the text";
  }
  if (token.kind != token_kind::unknown || (token.text[0] > ' ' && token.text[0] <= '~')) {
    return quoted(token.text);
  }
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(token.text[0]);
  return std::string("the byte 0x") + digits[byte >> 4U] + digits[byte & 15U];
}

/// Holds one token at a time; a copy looks ahead without moving the original. The text must outlive
/// the lexer and its tokens.
class template_lexer {
 public:
  /// Text must be at most `template_limits::text_bytes` long. A UTF-8 byte order mark is skipped.
  explicit template_lexer(std::string_view text) : text_(text) {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") {
      at_ = 3;
    }
    next();
  }

  const text_token& now() const noexcept { return now_; }

  void next() {
    skip_blanks();
    now_.place = place_;
    const std::size_t length = measure();
    now_.text = text_.substr(at_, length);
    at_ += length;
    place_.column += static_cast<std::uint32_t>(length);
  }

  /// Shortens the current token to its first `length` characters; the rest is read again next.
  void cut(std::size_t length, token_kind kind) {
    const std::size_t rest = now_.text.size() - length;
    at_ -= rest;
    place_.column -= static_cast<std::uint32_t>(rest);
    now_.text = now_.text.substr(0, length);
    now_.kind = kind;
  }

 private:
  char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void skip_blanks() {
    bool comment = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      comment = c != '\n' && (comment || c == '#');
      if (!comment && c != ' ' && c != '\t' && c != '\r' && c != '\n') {
        return;
      }
      if (c == '\n') {
        ++place_.line;
        place_.column = 1;
      } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
        ++place_.column;
      }
    }
  }

  template <typename Wanted>
  std::size_t run(std::size_t from, Wanted wanted) const {
    while (at_ + from < text_.size() && wanted(text_[at_ + from])) {
      ++from;
    }
    return from;
  }

  /// Length of the token that starts here; sets its kind.
  std::size_t measure() {
    now_.kind = token_kind::end;
    if (at_ == text_.size()) {
      return 0;
    }
    const std::size_t sign = peek() == '-' ? 1 : 0;
    if (is_digit(peek(sign))) {
      const std::size_t digits = run(sign, is_digit);
      const std::size_t word = sign == 0 ? run(0, is_word_character) : digits;
      now_.kind = word > digits ? token_kind::word : token_kind::integer;
      if (word > digits || peek(digits) != '.' || !is_digit(peek(digits + 1))) {
        return word;
      }
      now_.kind = token_kind::real;
      return run(digits + 1, is_digit);
    }
    if (is_word_character(peek())) {
      now_.kind = token_kind::word;
      return run(0, is_word_character);
    }
    now_.kind = token_kind::symbol;
    const std::string_view two = text_.substr(at_, 2);
    if (two == ".." || two == "->") {
      return 2;
    }
    if (peek() == ':' || peek() == ',' || peek() == ';') {
      return 1;
    }
    now_.kind = token_kind::unknown;
    return 1;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  text_place place_;
  text_token now_;
};

} // namespace hanami::detail::template_text
