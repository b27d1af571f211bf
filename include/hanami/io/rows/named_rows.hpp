// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "field_text.hpp"
#include "row_state.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// How rows stand whose values have their names beside them.
enum class naming : std::uint8_t {
  none,    ///< they do not
  pairs,   ///< all on one line: temp=20.5 state="on", or Temp: 20.5 C, Hum: 40 %
  records, ///< one on each line, below a line that numbers the row, or above an empty one
};

/// The name and the value of a line of a record: `temp | 20.5`, `temp: 20.5` or `temp = 20.5`.
/// Empty where it is none.
struct record_line {
  std::string_view name;
  std::string_view value;
};

inline record_line take_record_line(std::string_view line) noexcept {
  const auto is_sign = [](char c) { return c == '|' || c == ':' || c == '='; };
  for (std::size_t i = 1; i < line.size(); ++i) {
    if (is_sign(line[i]) &&
        (i + 1 == line.size() || is_blank(line[i + 1]) || line[i + 1] == '\r')) {
      const std::string_view name = trim_blanks(line.substr(0, i));
      const bool word = !name.empty() && name.size() <= 64 && !is_digit(name.front()) &&
                        std::string_view("-+*#").find(name.front()) == std::string_view::npos;
      return word ? record_line{name, trim_blanks(line.substr(i + 1))} : record_line{};
    }
  }
  return {};
}

/// Whether a line numbers a record: -[ RECORD 1 ]---- of psql, *** 1. row *** of MySQL.
inline bool is_record_mark(std::string_view line) noexcept {
  line = trim_blanks(line);
  const auto numbered = [&](std::string_view word) {
    const std::size_t at = line.find(word);
    return at != std::string_view::npos &&
           line.find_first_of("0123456789") != std::string_view::npos;
  };
  return (line.starts_with("-[ ") && numbered(" ]")) ||
         (line.starts_with("****") && line.ends_with("****") && numbered(". row "));
}

/// Takes the next pair of a line apart: false at its end, and where something else stands there.
struct pair_text {
  std::string name;
  std::string_view value; ///< with its unit, without quotes
  bool quoted = false;
};

class pair_walker {
 public:
  explicit pair_walker(std::string_view line) : rest_(trim_blanks(line)) {
    take_time();
    drop_tag();
  }

  /// What stood before the pairs, a time; empty: nothing.
  std::string_view time() const noexcept { return time_; }
  /// Whether all of the line has been taken.
  bool whole() const noexcept { return rest_.empty(); }

  bool next(pair_text& pair) {
    drop_separators();
    const std::size_t sign = sign_of(rest_);
    if (sign == 0) {
      const std::string_view word = rest_.substr(0, word_end(rest_));
      if (pair.name.empty() || parse_cell(word).unit.empty()) {
        return false;
      }
      pair = {pair.name + "_2", word, false}; // the same in another unit: 22.0C 71.6F
      rest_.remove_prefix(word.size());
      return true;
    }
    pair = {std::string(trim_blanks(rest_.substr(0, sign))), {}, false};
    rest_ = trim_blanks(rest_.substr(sign + 1));
    if (rest_.starts_with('"')) {
      std::size_t end = 1;
      while (end < rest_.size() && rest_[end] != '"') {
        end += rest_[end] == '\\' ? 2U : 1U;
      }
      if (end >= rest_.size()) {
        return false;
      }
      pair.quoted = true;
      pair.value = rest_.substr(1, end - 1);
      rest_.remove_prefix(end + 1);
      return true;
    }
    std::size_t end = word_end(rest_);
    pair.value = rest_.substr(0, end);
    if (parse_cell(pair.value).kind == cell_kind::number) { // a unit may stand behind it
      const std::size_t from = std::min(rest_.find_first_not_of(" \t", end), rest_.size());
      const std::string_view behind = rest_.substr(from);
      const std::size_t size = word_end(behind);
      if (size > 0 && sign_of(behind) == 0 && is_unit(rest_.substr(end, from + size - end))) {
        end = from + size;
        pair.value = rest_.substr(0, end);
      }
    }
    rest_.remove_prefix(end);
    return true;
  }

 private:
  static constexpr std::string_view separators = " \t,;|";

  void drop_separators() noexcept {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(separators), rest_.size()));
  }
  /// What a log writes before pairs: host program[12]: temp=20.5.
  void drop_tag() noexcept {
    rest_ = trim_blanks(rest_);
    const std::size_t end = rest_.find(": ");
    if (end != std::string_view::npos && end < rest_.find('=') && is_letter(rest_.front())) {
      const std::string_view behind = trim_blanks(rest_.substr(end + 1));
      const std::size_t sign = sign_of(behind);
      rest_ = sign > 0 && behind[sign] == '=' ? behind : rest_;
    }
  }
  static std::size_t word_end(std::string_view text) noexcept {
    std::size_t end = 0;
    while (end < text.size() && separators.find(text[end]) == std::string_view::npos) {
      ++end;
    }
    return end;
  }

  /// Where the sign behind the name stands that a text begins with; 0: there is none. Names before
  /// a colon may be of several words.
  static std::size_t sign_of(std::string_view text) noexcept {
    if (text.empty() || !(is_letter(text.front()) || text.front() == '_')) {
      return 0;
    }
    for (std::size_t i = 1; i < std::min<std::size_t>(text.size(), 64); ++i) {
      const char c = text[i];
      const bool blank_before = is_blank(text[i - 1]);
      if (c == '=') {
        const std::string_view name = trim_blanks(text.substr(0, i));
        return name.find_first_of(" \t") == std::string_view::npos ? i : 0;
      }
      if (c == ':') {
        return i;
      }
      if (is_letter(c) || is_digit(c) ||
          std::string_view("_-./%()[]").find(c) != std::string_view::npos ||
          static_cast<unsigned char>(c) >= 0x80 || (is_blank(c) && !blank_before)) {
        continue;
      }
      return 0;
    }
    return 0;
  }

  /// A time before the pairs, in brackets or bare.
  void take_time() {
    if (rest_.starts_with('[')) {
      const std::size_t end = rest_.find(']');
      if (end != std::string_view::npos) {
        time_ = trim_blanks(rest_.substr(1, end - 1));
        rest_ = trim_blanks(rest_.substr(end + 1));
      }
      return;
    }
    if (sign_of(rest_) > 0 && !is_time_word(rest_.substr(0, 3), false)) {
      return;
    }
    std::size_t end = 0;
    std::size_t best = 0;
    for (int words = 0; words < 6 && end < rest_.size(); ++words) {
      end = std::min(rest_.find_first_of(" \t,;", end + (end > 0 ? 1 : 0)), rest_.size());
      const std::string_view text = trim_blanks(rest_.substr(0, end));
      const std::string_view word = text.substr(text.find_last_of(" \t") + 1);
      if (!word.empty() && words > 0 && is_letter(word.front()) && !is_time_word(word, false)) {
        break;
      }
      const cell number = parse_cell(text);
      const bool epoch = number.kind == cell_kind::number && number.value > 1e8;
      if (is_time_shaped(text) || (words == 0 && epoch)) {
        best = end;
      }
    }
    time_ = rest_.substr(0, best);
    rest_.remove_prefix(best);
  }

  std::string_view rest_;
  std::string_view time_;
};

/// Rows whose values have their names beside them, in any order. Not safe from several threads.
class named_rows {
 public:
  named_rows() = default;
  named_rows(naming how, std::uint64_t max_row_bytes) : how_(how), max_row_bytes_(max_row_bytes) {}

  /// How the lines from `begin` on stand. Without `whole` more may come, and only what is clear
  /// counts.
  static naming find(const std::vector<std::string>& lines, std::size_t begin, bool whole) {
    if (begin < lines.size() && is_record_mark(lines[begin])) {
      return naming::records;
    }
    return are_records(lines, begin)        ? naming::records
           : are_pairs(lines, begin, whole) ? naming::pairs
                                            : naming::none;
  }

  /// Takes a line. True where a row is there, which then stands before that line, or is it.
  bool take(std::string_view line, row_state& state) {
    if (how_ == naming::pairs) {
      return take_pairs(line, state);
    }
    if (is_blank_line(line) || is_record_mark(line) || is_row_count(line)) {
      return give(state);
    }
    const record_line pair = take_record_line(line);
    if (pair.name.empty()) {
      if (!held_.empty()) { // a text over several lines
        return false;
      }
      lose(line, state);
      return false;
    }
    const bool again = std::any_of(held_.begin(), held_.end(),
                                   [&](const auto& known) { return known.name == pair.name; });
    const bool given = again && give(state);
    bytes_ += line.size();
    if (held_.empty()) {
      held_line_ = state.line;
      bytes_ = line.size();
    }
    if (bytes_ <= max_row_bytes_) {
      held_.push_back({std::string(pair.name), std::string(pair.value)});
    }
    return given;
  }

  /// The input has ended. True where a last row is there.
  bool finish(row_state& state) { return give(state); }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(how_, max_row_bytes_, held_, held_line_, bytes_);
    archive.require(how_ <= naming::records, "rows of no kind");
  }

  /// Whether the only line may be the first of several that are pairs.
  static bool may_be_pairs(const std::vector<std::string>& lines, std::size_t begin) {
    const auto row = [](const std::string& line) { return !is_blank_line(line); };
    const auto from = lines.begin() + static_cast<std::ptrdiff_t>(begin);
    return std::count_if(from, lines.end(), row) == 1 && !names_of(*from).empty();
  }

 private:
  static bool are_records(const std::vector<std::string>& lines, std::size_t begin) {
    std::vector<std::string_view> first; // names of the first block
    std::vector<std::string_view> block;
    std::size_t blocks = 0;
    bool again = false; // the first name of a block, without a blank line before it
    for (std::size_t i = begin; i <= lines.size(); ++i) {
      const record_line pair = i < lines.size() ? take_record_line(lines[i]) : record_line{};
      again = block.size() > 1 && pair.name == block.front();
      if (i == lines.size() || is_blank_line(lines[i]) || again) {
        if (!block.empty() && first.empty()) {
          first = std::exchange(block, {});
        } else if (!block.empty()) {
          const std::size_t most = std::min(block.size(), first.size());
          if (i < lines.size() ? block != first
                               : !std::equal(block.begin(), block.end(), first.begin(),
                                             first.begin() + static_cast<std::ptrdiff_t>(most))) {
            return false;
          }
          ++blocks;
          block.clear();
        }
        if (!again) {
          continue;
        }
      }
      if (pair.name.empty()) {
        return false;
      }
      block.push_back(pair.name);
    }
    return blocks > 0 && first.size() > 1;
  }

  /// Whether all of a line is pairs, at least one of them a number; then their names.
  static std::vector<std::string> names_of(std::string_view line) {
    pair_walker walker(line);
    pair_text pair;
    std::vector<std::string> names;
    bool number = false;
    while (walker.next(pair)) {
      names.push_back(pair.name);
      number = number || has_value(parse_cell(pair.value).kind);
    }
    const bool sure = names.size() > 1 || !walker.time().empty() ||
                      line.find('=') != std::string_view::npos; // temp=48.3'C
    const bool pairs = walker.whole() && number && sure;
    return pairs ? names : std::vector<std::string>();
  }

  /// Whether most lines are pairs, and their names come again.
  static bool are_pairs(const std::vector<std::string>& lines, std::size_t begin, bool whole) {
    std::size_t rows = 0;
    std::size_t good = 0;
    std::size_t alike = 0;
    std::vector<std::string> names;
    for (std::size_t i = begin; i < lines.size(); ++i) {
      if (is_blank_line(lines[i]) || is_comment_line(lines[i])) {
        continue;
      }
      ++rows;
      if (std::vector<std::string> here = names_of(lines[i]); !here.empty()) {
        ++good;
        alike += std::find(names.begin(), names.end(), here.front()) != names.end() ? 1U : 0U;
        names.insert(names.end(), here.begin(), here.end());
      }
    }
    return good > (whole ? 0 : 1) && 5 * good >= 4 * rows && 2 * alike >= good - 1;
  }
  static bool is_comment_line(std::string_view line) { return trim_blanks(line).starts_with('#'); }

  bool take_pairs(std::string_view line, row_state& state) {
    if (is_blank_line(line) || is_comment_line(line)) {
      return false;
    }
    state.begin_row();
    pair_walker walker(line);
    bool any = false;
    if (!walker.time().empty()) {
      set("time", walker.time(), state);
    }
    pair_text pair;
    while (walker.next(pair)) {
      set(pair.name, pair.value, state);
      any = true;
    }
    if (!any) {
      lose(line, state);
    } else if (!walker.whole()) {
      state.troubles.add("what is no pair of a name and a value is left out", {state.line}, line,
                         trouble_weight::note);
    }
    return any;
  }

  bool give(row_state& state) {
    if (held_.empty()) {
      return false;
    }
    given_ = std::exchange(held_, {});
    const std::uint64_t here = std::exchange(state.line, held_line_);
    state.begin_row();
    for (const auto& [name, value] : given_) {
      set(name, value, state);
    }
    state.line = here;
    return true;
  }

  static void set(std::string_view name, std::string_view value, row_state& state) {
    const std::uint32_t field = state.fields.add(name, state.max_fields);
    if (field == row_fields::none) {
      state.troubles.add("there are too many fields; new ones are left out", {state.line}, name);
      return;
    }
    state.cells.resize(state.fields.size());
    if (state.cells[field].kind != cell_kind::absent) {
      state.troubles.add("a row has a name twice; the last one counts", {state.line}, name,
                         trouble_weight::note);
    }
    state.set(field, value, parse_cell(value), 0);
  }

  static void lose(std::string_view line, row_state& state) {
    ++state.lost;
    state.troubles.add("a line is no row; it is left out", {state.line}, line);
  }

  naming how_ = naming::none;
  std::uint64_t max_row_bytes_ = 0;
  struct named_value {
    std::string name;
    std::string value;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(name, value);
    }
  };

  std::vector<named_value> held_;  ///< of the record that is open
  std::vector<named_value> given_; ///< of the row
  std::uint64_t held_line_ = 0;
  std::uint64_t bytes_ = 0;
};

} // namespace hanami::detail
