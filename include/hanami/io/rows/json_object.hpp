// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "../cell.hpp"
#include "text_code.hpp"

namespace hanami::inline HANAMI_ISA::detail {

enum class json_end : std::uint8_t {
  whole,    ///< the object is closed
  open,     ///< the text ends before the object does
  malformed ///< it is no JSON
};

/// Walks through JSON objects in a text and calls `see(path, text, kind, value)` for their members:
/// `path` is `a.b` for a member of a member; lists come as `see_list(path)`. Takes what writers of
/// JSON add to it: NaN and Infinity, Python's words and single quotes. Not safe from several
/// threads.
class json_object {
 public:
  /// Walks the object that begins at `at`, a brace, and moves `at` behind it, or to where it is
  /// malformed. Texts are good until the next call.
  template <class See, class SeeList>
  json_end walk(std::string_view text, std::size_t& at, See see, SeeList see_list) {
    begin(text);
    return object(at, 0, see, see_list);
  }

  /// Walks the list that begins at `at`, a bracket, in the same way: `name_of(i)` is the path of
  /// its value number `i`, from 0.
  template <class NameOf, class See, class SeeList>
  json_end walk_list(std::string_view text, std::size_t& at, NameOf name_of, See see,
                     SeeList see_list) {
    begin(text);
    ++at;
    if (skip(at) == ']') {
      ++at;
      return json_end::whole;
    }
    for (std::size_t number = 0;; ++number) {
      path_ = name_of(number);
      const std::string name = path_;
      if (const json_end end = value(at, 0, name, see, see_list); end != json_end::whole) {
        return end;
      }
      const char next = skip(at);
      if (next != ',' && next != ']') {
        return stopped(at);
      }
      ++at;
      if (next == ']') {
        return json_end::whole;
      }
    }
  }

  /// Where the list begins that `see_list` has just been told of, a bracket, and where it ends.
  std::pair<std::size_t, std::size_t> list() const noexcept { return list_; }

 private:
  void begin(std::string_view text) {
    text_ = text;
    path_.clear();
    plain_.clear();
    plain_.reserve(text.size());
  }

  static constexpr int deepest = 32;

  char skip(std::size_t& at) const noexcept {
    while (at < text_.size() && (is_blank(text_[at]) || text_[at] == '\n' || text_[at] == '\r')) {
      ++at;
    }
    return at < text_.size() ? text_[at] : '\0';
  }

  json_end stopped(std::size_t at) const noexcept {
    return at < text_.size() ? json_end::malformed : json_end::open;
  }

  template <class See, class SeeList>
  json_end object(std::size_t& at, int depth, See& see, SeeList& see_list) {
    if (depth > deepest) {
      return json_end::malformed;
    }
    ++at;
    if (skip(at) == '}') {
      ++at;
      return json_end::whole;
    }
    for (;;) {
      const char quote = skip(at);
      if (quote != '"' && quote != '\'') {
        return stopped(at);
      }
      std::string_view key;
      if (const json_end end = string(at, key); end != json_end::whole) {
        return end;
      }
      if (skip(at) != ':') {
        return stopped(at);
      }
      ++at;
      const std::size_t outer = path_.size();
      const bool nested = skip(at) == '{';
      if (depth > 0 || nested) {
        path_ += path_.empty() ? "" : ".";
        path_ += key;
        key = path_;
      }
      const json_end end = value(at, depth, key, see, see_list);
      path_.resize(outer);
      if (end != json_end::whole) {
        return end;
      }
      const char next = skip(at);
      if (next != ',' && next != '}') {
        return stopped(at);
      }
      ++at;
      if (next == '}' || skip(at) == '}') { // a comma before the brace is forgiven
        at += next == '}' ? 0 : 1;
        return json_end::whole;
      }
    }
  }

  template <class See, class SeeList>
  json_end value(std::size_t& at, int depth, std::string_view key, See& see, SeeList& see_list) {
    const char first = skip(at);
    if (first == '{') {
      return object(at, depth + 1, see, see_list);
    }
    if (first == '[') {
      list_.first = at;
      const json_end end = skip_list(at);
      list_.second = at;
      if (end == json_end::whole) {
        see_list(key);
      }
      return end;
    }
    if (first == '"' || first == '\'') {
      std::string_view text;
      const json_end end = string(at, text);
      if (end == json_end::whole) {
        const cell found = parse_cell(text);
        see(key, text, found);
      }
      return end;
    }
    const char* const begin = text_.data() + at;
    const char* const last = text_.data() + text_.size();
    double number = 0;
    const char* stop = take_number(begin, last, '.', number);
    if (stop != begin && stop != last && (*stop == ',' || *stop == '}' || *stop == ']')) {
      at = static_cast<std::size_t>(stop - text_.data());
      see(key, std::string_view(begin, static_cast<std::size_t>(stop - begin)),
          number_cell(number));
      return json_end::whole;
    }
    stop = std::find_if(begin, last, [](char c) {
      return c == ',' || c == '}' || c == ']' || c == '{' || c == '"' || c == '\n' || is_blank(c);
    });
    const std::string_view word(begin, static_cast<std::size_t>(stop - begin));
    at = static_cast<std::size_t>(stop - text_.data());
    if (stop == last) {
      return json_end::open;
    }
    const cell found = parse_cell(word);
    if (word.empty() || found.kind == cell_kind::text || !found.unit.empty()) {
      return json_end::malformed;
    }
    see(key, word, found);
    return json_end::whole;
  }

  json_end skip_list(std::size_t& at) const noexcept {
    int depth = 0;
    for (; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '"') {
        for (++at; at < text_.size() && text_[at] != '"'; ++at) {
          at += text_[at] == '\\' ? 1U : 0U;
        }
      } else if (c == '[' || c == '{') {
        ++depth;
      } else if ((c == ']' || c == '}') && --depth == 0) {
        ++at;
        return json_end::whole;
      }
    }
    at = text_.size();
    return json_end::open;
  }

  /// A string from quote to quote.
  json_end string(std::size_t& at, std::string_view& to) {
    const char quote = text_[at];
    const std::size_t first = ++at;
    const std::size_t kept = plain_.size();
    std::size_t part = first;
    for (;; ++at) {
      if (at >= text_.size()) {
        at = text_.size();
        return json_end::open;
      }
      if (text_[at] == quote) {
        break;
      }
      if (text_[at] != '\\') {
        continue;
      }
      plain_ += text_.substr(part, at - part);
      if (++at >= text_.size()) {
        return json_end::open;
      }
      escaped(at);
      part = at + 1;
    }
    to = text_.substr(first, at - first);
    if (part != first) {
      plain_ += text_.substr(part, at - part);
      to = std::string_view(plain_).substr(kept); // never longer than the text: there is room
    }
    ++at;
    return json_end::whole;
  }

  /// Takes what follows a backslash; `at` stays on its last byte.
  void escaped(std::size_t& at) {
    const char c = text_[at];
    if (c == 'u') {
      std::uint32_t code = hex(at);
      if (code >= 0xd800 && code < 0xdc00 && text_.substr(at + 1, 2) == "\\u") {
        at += 2;
        code = 0x10000 + ((code - 0xd800) << 10) + ((hex(at) - 0xdc00) & 0x3ff);
      }
      append_utf8(plain_, code);
      return;
    }
    constexpr std::string_view letters = "nrtbf";
    constexpr std::string_view meant = "\n\r\t\b\f";
    const std::size_t found = letters.find(c);
    plain_ += found == std::string_view::npos ? c : meant[found];
  }

  std::uint32_t hex(std::size_t& at) const noexcept {
    std::uint32_t code = 0;
    for (int i = 0; i < 4 && at + 1 < text_.size(); ++i) {
      const char c = lower(text_[at + 1]);
      if (!is_digit(c) && (c < 'a' || c > 'f')) {
        break;
      }
      code = code * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : c - 'a' + 10);
      ++at;
    }
    return code;
  }

  std::string_view text_;
  std::string path_;
  std::string plain_; ///< strings that had escapes
  std::pair<std::size_t, std::size_t> list_{};
};

/// Whether a bracket begins a list of values, and none of objects or lists.
inline bool begins_values(std::string_view text, std::size_t bracket) noexcept {
  const std::size_t next = text.find_first_not_of(" \t", bracket + 1);
  return next != std::string_view::npos &&
         std::string_view("[]{\r\n").find(text[next]) == std::string_view::npos;
}

/// Whether a line is a list of values, as JSON writes it, or has one as its first row.
inline bool begins_with_values(std::string_view line) {
  json_object list;
  std::size_t at = line.starts_with("[[") ? 1 : 0;
  const auto ignore = [](std::string_view, std::string_view = {}, cell = {}) {};
  const auto no_name = [](std::size_t) { return std::string_view(); };
  if (!begins_values(line, at) ||
      list.walk_list(line, at, no_name, ignore, ignore) != json_end::whole) {
    return false;
  }
  const std::size_t next = line.find_first_not_of(" \t", at);
  return next == std::string_view::npos || line[next] == ',' || line[next] == ']';
}

/// Whether a line is one of JSON: it begins with an object or a list, or has an object at its end
/// after other words, as `mosquitto_sub -v` writes.
inline bool looks_like_json(std::string_view line) {
  line = trim_blanks(line);
  const auto after = [&](std::size_t at) {
    const std::size_t next = line.find_first_not_of(" \t", at);
    return next == std::string_view::npos ? '\0' : line[next];
  };
  if (line.starts_with('\x1e')) {
    line.remove_prefix(1);
  }
  if (line.starts_with('{')) {
    const char next = after(1);
    return next == '"' || next == '\'' || next == '}' || next == '\0';
  }
  if (line.starts_with('[')) {
    const std::size_t inner = line.find_first_not_of("[ \t"); // lists of objects in a list, too
    return inner == std::string_view::npos || line[inner] == '{' || begins_with_values(line);
  }
  const std::size_t brace = line.find('{');
  return brace != std::string_view::npos && is_blank(line[brace - 1]) && line.ends_with('}') &&
         (after(brace + 1) == '"' || after(brace + 1) == '\'') &&
         line.substr(0, brace).find_first_of(",;\"") == std::string_view::npos;
}

} // namespace hanami::detail
