// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

#include "support/rows.hpp"

// Random tables written in random dialects are read back as they were, without a word on how they
// were written.

using namespace hanami;

namespace {

enum class column_kind : std::uint8_t { time, fraction, whole, truth, text };

/// How a table is written.
struct written_form {
  char separator = ',';
  char decimal = '.';
  char quote = '"';
  bool quotes_all = false;
  bool header = true;
  bool commented_header = false;
  bool units = false;
  bool mark = false; ///< a byte order mark
  bool returns = false;
  bool trailing = false;
  bool excel = false; ///< a first line that names the separator
  bool spaced = false;
  int title_lines = 0;
  int comment_lines = 0;
};

/// A random table and what it looks like.
class random_table {
 public:
  explicit random_table(std::uint64_t seed) : seed_(seed) {
    const std::size_t columns = 2 + below(5);
    for (std::size_t i = 0; i < columns; ++i) {
      kinds.push_back(static_cast<column_kind>(below(5)));
      names.push_back(std::string(1, static_cast<char>('a' + i)) +
                      std::string(below(2) == 0 ? "" : " name") + std::to_string(below(10)));
    }
    kinds[0] = below(2) == 0 ? column_kind::time : column_kind::fraction;
    choose_form();
    const std::size_t rows = 3 + below(60);
    for (std::size_t r = 0; r < rows; ++r) {
      cells.emplace_back();
      for (std::size_t i = 0; i < columns; ++i) {
        cells.back().push_back(cell(kinds[i], r, i));
      }
    }
  }

  std::string text() {
    std::string all = form.mark ? "\xEF\xBB\xBF" : "";
    if (form.excel) {
      all += std::string("sep=") + form.separator + end();
    }
    for (int i = 0; i < form.title_lines; ++i) {
      all += "A report of station " + std::string(1, static_cast<char>('A' + i)) + end();
    }
    all += form.title_lines > 0 ? end() : "";
    for (int i = 0; i < form.comment_lines; ++i) {
      all += "# made for a test" + end();
    }
    if (form.header) {
      all += (form.commented_header ? "# " : "") + line(names);
    }
    if (form.units) {
      all += line(std::vector<std::string>(names.size(), "m/s"));
    }
    for (const std::vector<std::string>& row : cells) {
      all += line(row);
    }
    return all;
  }

  std::vector<column_kind> kinds;
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> cells;
  written_form form;

 private:
  std::uint32_t below(std::uint32_t bound) { return random_below(bound, seed_, 1, counter_++); }
  std::string end() const { return form.returns ? "\r\n" : "\n"; }

  void choose_form() {
    form.separator = std::string_view(",;\t|")[below(4)];
    form.decimal = form.separator != ',' && below(2) == 0 ? ',' : '.';
    form.quote = below(4) == 0 ? '\'' : '"';
    form.quotes_all = form.quote == '\'' || below(4) == 0;
    form.header = below(4) != 0;
    form.comment_lines = below(3) == 0 ? static_cast<int>(below(3)) : 0;
    form.commented_header = form.header && !form.quotes_all && below(4) == 0;
    form.units = form.header && !form.commented_header && below(4) == 0;
    form.mark = below(4) == 0;
    form.returns = below(3) == 0;
    form.trailing = below(5) == 0;
    form.excel = below(6) == 0;
    form.spaced = form.separator != '\t' && !form.quotes_all && below(4) == 0;
    form.title_lines =
        form.header && !form.commented_header && below(5) == 0 ? 1 + static_cast<int>(below(2)) : 0;
    if (form.units) { // they stand over numbers
      for (column_kind& kind : kinds) {
        kind = kind == column_kind::text ? column_kind::fraction : kind;
      }
    }
  }

  std::string cell(column_kind kind, std::size_t row, std::size_t column) {
    if (column > 0 && row > 0 && below(12) == 0) {
      constexpr std::array<const char*, 6> words = {"", "NA", "nan", "NULL", "N/A", "?"};
      return words[below(6)];
    }
    std::array<char, 64> text{};
    switch (kind) {
    case column_kind::time:
      std::snprintf(text.data(), text.size(), "2024-%02u-%02u %02u:%02u:%02u",
                    static_cast<unsigned>(1 + row / 28 % 12), static_cast<unsigned>(1 + row % 28),
                    below(24), below(60), below(60));
      break;
    case column_kind::fraction:
      std::snprintf(text.data(), text.size(), "%.*f", 1 + static_cast<int>(below(6)),
                    100 * static_cast<double>(random_signed_unit(seed_, 2, counter_++)) + 0.05);
      break;
    case column_kind::whole:
      std::snprintf(text.data(), text.size(), "%d", static_cast<int>(below(2000)) - 1000);
      break;
    case column_kind::truth:
      return below(2) == 0 ? "true" : "false";
    default: {
      std::string words = std::string(1, static_cast<char>('p' + below(4))) + "ed";
      if (form.quotes_all || form.quote == '"') {
        words += below(5) == 0 ? std::string(1, form.separator) + " x" : "";
        words += below(8) == 0 ? std::string(1, form.quote) + "q" : "";
      }
      return words;
    }
    }
    std::string made(text.data());
    const std::size_t point = made.find('.');
    if (kind == column_kind::fraction && point != std::string::npos) {
      made[point] = form.decimal;
    }
    return made;
  }

  std::string line(const std::vector<std::string>& row) const {
    std::string text;
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += i == 0 ? "" : std::string(1, form.separator) + (form.spaced ? " " : "");
      const bool needs = row[i].find(form.separator) != std::string::npos ||
                         row[i].find(form.quote) != std::string::npos;
      if (!form.quotes_all && !needs) {
        text += row[i];
        continue;
      }
      text += form.quote;
      for (const char c : row[i]) {
        text.append(c == form.quote ? 2 : 1, c);
      }
      text += form.quote;
    }
    return text + (form.trailing ? std::string(1, form.separator) : "") + end();
  }

  std::uint64_t seed_;
  std::uint64_t counter_ = 0;
};

/// What a cell must be read as.
double meant(std::string text, column_kind kind) {
  if (kind == column_kind::truth) {
    return text == "true" ? 1 : text == "false" ? 0 : std::numeric_limits<double>::quiet_NaN();
  }
  for (char& c : text) {
    c = c == ',' ? '.' : c;
  }
  const cell found = parse_cell(text);
  return found.value;
}

void check(const random_table& table, const hanami_test::read_rows& got) {
  REQUIRE(got.reader.fields().size() == table.names.size());
  if (table.form.header) {
    CHECK(got.reader.fields() == table.names);
  }
  CHECK(got.reader.lost_lines() == 0);
  REQUIRE(got.rows.size() == table.cells.size());
  for (std::size_t r = 0; r < got.rows.size(); ++r) {
    for (std::size_t i = 0; i < table.kinds.size(); ++i) {
      const bool text = table.kinds[i] == column_kind::text || table.kinds[i] == column_kind::time;
      const std::string cell(detail::trim_blanks(got.rows[r].texts[i]));
      if (cell != table.cells[r][i]) {
        CHECK(cell == table.cells[r][i]);
      }
      const double value = meant(table.cells[r][i], table.kinds[i]);
      const double read = got.rows[r].values[i];
      if (!text && !(read == value || (std::isnan(read) && std::isnan(value)))) {
        CHECK(read == value);
      }
    }
  }
}

} // namespace

TEST_CASE("a table in any dialect is read back as it was", "[io]") {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    random_table table(seed);
    const std::string text = table.text();
    INFO(seed << ":\n" << text.substr(0, 600));
    check(table, hanami_test::read(text));
  }
}

TEST_CASE("a table in any dialect comes row by row from a live stream", "[io]") {
  for (std::uint64_t seed = 5000; seed < 7000; ++seed) {
    random_table table(seed);
    if (table.form.title_lines > 0) { // of which the first line may look like a table
      continue;
    }
    const std::string text = table.text();
    INFO(seed << ":\n" << text.substr(0, 600));
    const hanami_test::read_rows got = hanami_test::read(text, {}, true);
    CHECK(got.rows.size() == table.cells.size());
    CHECK(got.reader.lost_lines() == 0);
  }
}

TEST_CASE("a table that is cut or damaged gives rows or a reason, and no other row is lost",
          "[io]") {
  for (std::uint64_t seed = 0; seed < 1500; ++seed) {
    random_table table(seed);
    const std::string text = table.text();
    std::string cut =
        text.substr(0, random_below(static_cast<std::uint32_t>(text.size()), 3, seed, 0));
    const hanami_test::read_rows got = hanami_test::read(cut);
    CHECK(got.rows.size() <= table.cells.size() + 1);
    CHECK((got.reader.refusal().empty() || got.rows.empty()));
    std::string damaged = text;
    for (std::uint64_t i = 0; i < 3; ++i) {
      damaged[random_below(static_cast<std::uint32_t>(text.size()), 4, seed, i)] =
          static_cast<char>(random_bits(5, seed, i));
    }
    const hanami_test::read_rows rows = hanami_test::read(damaged);
    CHECK((rows.reader.refusal().empty() || rows.rows.empty()));
  }
}
