// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/csv_parser.hpp>
#include <hanami/io/csv_reader.hpp>
#include <hanami/io/csv_writer.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami;

namespace {

using floats = std::vector<float>;
using strings = std::vector<std::string>;

const float nan_value = std::numeric_limits<float>::quiet_NaN();

std::vector<strings> parse(const std::string& text, const csv_options& options = {}) {
  std::istringstream stream(text);
  csv_parser parser(stream, options);
  std::vector<strings> rows;
  while (parser.next()) {
    rows.emplace_back();
    for (std::size_t i = 0; i < parser.size(); ++i)
      rows.back().emplace_back(parser.field(i));
  }
  return rows;
}

/// All values of the numeric table, row by row.
floats numbers(const std::string& text, const csv_options& options = {}) {
  std::istringstream stream(text);
  csv_reader reader(stream, options);
  floats row(reader.columns().size());
  floats all;
  while (reader.read(row))
    all.insert(all.end(), row.begin(), row.end());
  return all;
}

strings names(const std::string& text, const csv_options& options = {}) {
  std::istringstream stream(text);
  const csv_reader reader(stream, options);
  strings result;
  for (const table_column& column : reader.columns())
    result.push_back(column.name);
  return result;
}

std::string failure_of(const std::string& text, const csv_options& options = {}) {
  try {
    numbers(text, options);
  } catch (const error& failure) {
    REQUIRE(failure.code() == errc::invalid_data);
    return failure.what();
  }
  return "no error";
}

/// One cell behind a column name.
float cell(const std::string& text) { return numbers("x\n" + text + "\n").at(0); }

/// A buffer that hands out one byte at a time and fails the test where a byte too many is asked
/// for.
class dripping_buffer : public std::streambuf {
 public:
  explicit dripping_buffer(std::string text) : text_(std::move(text)) {}
  std::size_t taken() const { return taken_; }

 protected:
  int_type underflow() override {
    if (taken_ == text_.size())
      return traits_type::eof();
    char* const c = &text_[taken_++];
    setg(c, c, c + 1);
    return traits_type::to_int_type(*c);
  }

 private:
  std::string text_;
  std::size_t taken_ = 0;
};

/// A million rows that are never in memory.
class endless_rows : public std::streambuf {
 public:
  explicit endless_rows(std::size_t rows) : rows_(rows) {}

 protected:
  int_type underflow() override {
    if (row_ == rows_)
      return traits_type::eof();
    text_ = std::to_string(row_++ % 1000) + ",\"7\"\r\n";
    setg(text_.data(), text_.data(), text_.data() + text_.size());
    return traits_type::to_int_type(text_[0]);
  }

 private:
  std::size_t rows_;
  std::size_t row_ = 0;
  std::string text_;
};

/// A buffer whose device breaks.
class broken_buffer : public std::streambuf {
 protected:
  int_type underflow() override { throw std::ios_base::failure("the device is gone"); }
};

} // namespace

TEST_CASE("CSV rows are split as RFC 4180 says", "[io]") {
  const std::vector<strings> expected = {{"a", "b,c", "d\"e"}, {"1", "x\ny", ""}};
  REQUIRE(parse("a,\"b,c\",\"d\"\"e\"\n1,\"x\ny\",\n") == expected);
  REQUIRE(parse("a,\"b,c\",\"d\"\"e\"\r\n1,\"x\ny\",\r\n") == expected);
  REQUIRE(parse("a,\"b,c\",\"d\"\"e\"\r\n1,\"x\ny\",") == expected);
  REQUIRE(parse("\xEF\xBB\xBF"
                "a,\"b,c\",\"d\"\"e\"\n1,\"x\ny\",\"\"") == expected);
  REQUIRE(parse("\"a\",\"\r\n\"\r\n") == std::vector<strings>{{"a", "\r\n"}});
}

TEST_CASE("a byte order mark is no part of the first field", "[io]") {
  REQUIRE(parse("\xEF\xBB\xBF\"a\",b\n") == std::vector<strings>{{"a", "b"}});
  REQUIRE(parse("\xEF\xBB\xBF").empty());
  REQUIRE(parse("\xEF\xBB\xBE,b\n") == std::vector<strings>{{"\xEF\xBB\xBE", "b"}});
  REQUIRE(parse("\xEF") == std::vector<strings>{{"\xEF"}});
  REQUIRE(parse("a,b\n\xEF\xBB\xBF") == std::vector<strings>{{"a", "b"}, {"\xEF\xBB\xBF"}});
}

TEST_CASE("blank lines are skipped", "[io]") {
  REQUIRE(parse("").empty());
  REQUIRE(parse("\n\r\n\n").empty());
  REQUIRE(parse("\r\n\na,b\n\n\r\nc,d\n\n") == std::vector<strings>{{"a", "b"}, {"c", "d"}});
  REQUIRE(parse("\"\"\n,\n") == std::vector<strings>{{""}, {"", ""}});
}

TEST_CASE("a CSV may use any sensible separator", "[io]") {
  REQUIRE(parse("a;b,c\n", {.separator = ';'}) == std::vector<strings>{{"a", "b,c"}});
  REQUIRE(parse("a\tb\n", {.separator = '\t'}) == std::vector<strings>{{"a", "b"}});
  for (const char bad : {'"', '\n', '\r', '1', '.', '-', '+', 'e', 'E', '\0'})
    REQUIRE_THROWS_AS(parse("a\n", {.separator = bad}), error);
}

TEST_CASE("broken quoting is an error with line and column", "[io]") {
  REQUIRE(failure_of("a,b\n1,x\"y\n").find("line 2, column 4: a quote inside") == 0);
  REQUIRE(failure_of("a,b\n1,\"x\"y\n").find("line 2, column 6: text after a closing") == 0);
  REQUIRE(failure_of("a,b\n1,\"x\n\n").find("line 2, column 3: the quote that opens here") == 0);
  REQUIRE(failure_of("a,b\r1,2\n").find("line 1, column 5: a carriage return") == 0);
  REQUIRE(failure_of("a,b\n\"1\n2\",x\"\n").find("line 3, column 5") == 0);
}

TEST_CASE("a CSV cell is a number, a truth value or missing", "[io]") {
  REQUIRE(cell("1") == 1.0f);
  REQUIRE(cell("-2.5") == -2.5f);
  REQUIRE(cell("+2.5") == 2.5f);
  REQUIRE(cell("1e5") == 100000.0f);
  REQUIRE(cell("1E-2") == 0.01f);
  REQUIRE(cell(".5") == 0.5f);
  REQUIRE(cell(" \t7 ") == 7.0f);
  REQUIRE(cell("\"8\"") == 8.0f);
  REQUIRE(cell("true") == 1.0f);
  REQUIRE(cell("False") == 0.0f);
  REQUIRE(cell("1e-60") == 0.0f);
  REQUIRE(cell("0.1") == 0.1f);
  REQUIRE(cell("3.4028235e38") == std::numeric_limits<float>::max());
  for (const char* missing : {"\"\"", "  ", "NA", "na", "NaN", "-nan", "null", "NULL"})
    REQUIRE(std::isnan(cell(missing)));
}

TEST_CASE("what is no CSV number is named with its place and column", "[io]") {
  REQUIRE(failure_of("a,price\n1,2\n3,abc\n")
              .find("line 3, column 3: column \"price\": \"abc\" is not a number; accepted are") ==
          0);
  for (const char* text :
       {"0x10", "1,2,3", "1 2", "--1", "+-1", "+", "-", "1e", "e5", "1.2.3", "yes"})
    REQUIRE(failure_of("x\n" + std::string("\"") + text + "\"\n").find("is not a number") !=
            std::string::npos);
  for (const char* text : {"inf", "-inf", "Infinity", "1e39", "-1e400", "1e99999"})
    REQUIRE(failure_of("x\n" + std::string(text) + "\n").find("beyond the range") !=
            std::string::npos);
}

TEST_CASE("a long or binary cell is cut in the message", "[io]") {
  const std::string message = failure_of("x\n" + std::string(5000, 'y') + "\n");
  REQUIRE(message.size() < 300);
  REQUIRE(failure_of("x\ny\x01\x7f\n").find("\"y??\"") != std::string::npos);
}

TEST_CASE("the CSV header is found or told", "[io]") {
  REQUIRE(names("a, b \n1,2\n") == strings{"a", "b"});
  REQUIRE(names("1,2\n3,4\n") == strings{"column_1", "column_2"});
  REQUIRE(names(",b\n1,2\n") == strings{"column_1", "b"});
  REQUIRE(names("5.1,setosa\n", {.categorical = {"column_2"}}) == strings{"column_1", "column_2"});
  REQUIRE(names("1,2\n3,4\n", {.header = csv_header::present}) == strings{"1", "2"});
  REQUIRE(numbers("1,2\n3,4\n", {.header = csv_header::present}) == floats{3, 4});
  REQUIRE(numbers("1,2\n3,4\n") == floats{1, 2, 3, 4});
  REQUIRE(numbers("true\nfalse\n") == floats{1, 0});
  REQUIRE(failure_of("a\n", {.header = csv_header::absent}).find("is not a number") !=
          std::string::npos);
  REQUIRE(failure_of("id,2020\n1,2\n").find("set csv_header::present") != std::string::npos);
  REQUIRE(numbers("a,b\n").empty());
}

TEST_CASE("a CSV without rows or with a repeated column is refused", "[io]") {
  REQUIRE(failure_of("\n\n").find("line 1: the CSV has no rows") == 0);
  REQUIRE(failure_of("a,b, a\n1,2,3\n") ==
          "line 1, column 5: the column name \"a\" is also that of field 1");
}

TEST_CASE("ragged CSV rows say what the header promised", "[io]") {
  REQUIRE(failure_of("\na,b,c\n1,2,3\n4,5\n") ==
          "line 4, column 3: the row has 2 fields, the header in line 2 has 3");
  REQUIRE(failure_of("1,2\n1,2,3,4\n") ==
          "line 2, column 5: the row has 4 fields, the first row in line 1 has 2");
}

TEST_CASE("a CSV of a single column works", "[io]") {
  REQUIRE(numbers("x\n1\n2\n\n\"\"\n3").size() == 4);
  std::istringstream stream("1\n2\n3\n4\n5\n");
  const table_dataset data = load_table(stream, {}, {.window = 2, .horizon = 1});
  REQUIRE(data.size() == 3);
  sample_buffer buffer;
  REQUIRE(buffer.read(data, 2).target[0] == 5.0f);
}

TEST_CASE("categories are numbered as they appear", "[io]") {
  std::istringstream stream("x,kind\n1,red\n2, blue \n3,red\n4,NA\n5,\"a,b\"\n");
  csv_reader reader(stream, {.categorical = {"kind"}});
  floats row(2);
  floats kinds;
  while (reader.read(row))
    kinds.push_back(row[1]);
  REQUIRE(floats(kinds.begin(), kinds.begin() + 3) == floats{0, 1, 0});
  REQUIRE(std::isnan(kinds[3]));
  REQUIRE(kinds[4] == 2.0f);
  REQUIRE(reader.columns()[1].categories == strings{"red", "blue", "a,b"});
  REQUIRE(reader.columns()[0].categories.empty());
}

TEST_CASE("categories have a limit and must exist", "[io]") {
  REQUIRE(failure_of("k\na\nb\nc\n", {.categorical = {"k"}, .max_categories = 2})
              .find("line 4, column 1: column \"k\": \"c\" is one category too many") == 0);
  REQUIRE_THROWS_WITH(numbers("k\na\n", {.categorical = {"q"}}),
                      Catch::Contains("no column \"q\""));
}

TEST_CASE("CSV fields, rows and columns have limits", "[io]") {
  REQUIRE(failure_of("abcdef\n", {.max_field_bytes = 5}).find("line 1, column 6: the field") == 0);
  REQUIRE(parse("ab,cd\n", {.max_row_bytes = 6}).size() == 1);
  REQUIRE(failure_of("ab,cd\n", {.max_row_bytes = 5}).find("line 1, column 6: the row") == 0);
  REQUIRE(parse("a,b\n", {.max_columns = 2}).size() == 1);
  REQUIRE(failure_of("a,b,c\n", {.max_columns = 2}).find("more than 2 fields") !=
          std::string::npos);
}

TEST_CASE("a live stream gives a row as soon as its line feed is there", "[io]") {
  dripping_buffer buffer("x,y\r\n1,2\r\n3,4\n");
  std::istream stream(&buffer);
  csv_reader reader(stream);
  REQUIRE(buffer.taken() == 5);
  floats row(2);
  REQUIRE(reader.line() == 0);
  REQUIRE(reader.read(row));
  REQUIRE(buffer.taken() == 10);
  REQUIRE(reader.line() == 2);
  REQUIRE(reader.read(row));
  REQUIRE(row == floats{3, 4});
  REQUIRE_FALSE(reader.read(row));
  REQUIRE_FALSE(reader.read(row));
  REQUIRE(reader.line() == 3);
}

TEST_CASE("a CSV longer than memory is read row by row", "[io]") {
  endless_rows buffer(300'000);
  std::istream stream(&buffer);
  csv_reader reader(stream);
  floats row(2);
  double sum = 0.0;
  std::size_t rows = 0;
  for (; reader.read(row); ++rows)
    sum += static_cast<double>(row[0] * row[1]);
  REQUIRE(rows == 300'000);
  REQUIRE(sum == 300.0 * 499'500.0 * 7.0);
}

TEST_CASE("a CSV stream that breaks is a file error", "[io]") {
  broken_buffer buffer;
  std::istream broken(&buffer);
  std::istringstream failed("1\n");
  failed.setstate(std::ios::failbit);
  for (std::istream* stream : {&broken, static_cast<std::istream*>(&failed)})
    try {
      csv_reader reader(*stream);
      FAIL("no error");
    } catch (const error& failure) {
      REQUIRE(failure.code() == errc::file_error);
    }
}

TEST_CASE("a CSV file loads as a table and names itself in errors", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "table.csv";
  std::ofstream(path) << "a,b,y\n1,2,3\n4,5,6\n";
  const table_dataset data = load_table(path);
  REQUIRE(data.size() == 2);
  REQUIRE(data.column_index("b") == 1);
  REQUIRE(data.row(1)[2] == 6.0f);
  std::ofstream(path) << "a,b,y\n1,2\n";
  REQUIRE_THROWS_WITH(load_table(path), Catch::Contains(path.string() + ": line 2"));
  REQUIRE_THROWS_WITH(load_table(folder.path / "none"), Catch::Contains("cannot read"));
  REQUIRE_THROWS_WITH(load_table(folder.path), Catch::Contains("directory"));
}

TEST_CASE("a CSV file that does not load tells by code why", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "table.csv";
  std::ofstream(path) << "a,b\n1,2\n3,x\n";
  std::error_code code = errc::file_error;
  const auto numbers_only = load_table(path, {.columns = {"a"}}, {}, code);
  REQUIRE_FALSE(code);
  REQUIRE(numbers_only);
  CHECK(numbers_only->row_count() == 2);
  std::string message;
  CHECK_FALSE(load_table(path, {}, {}, code, &message));
  CHECK(code == errc::invalid_data);
  CHECK_THAT(message, Catch::Contains(path.string() + ": line 3, column 3"));
  CHECK_FALSE(load_table(path, {.columns = {"c"}}, {}, code, &message));
  CHECK(code == errc::invalid_argument);
  CHECK_FALSE(load_table(path, {.columns = {"a"}}, {.targets = {"b"}}, code, &message));
  CHECK(code == errc::invalid_argument);
  CHECK_FALSE(load_table(folder.path / "none", {}, {}, code, &message));
  CHECK(code == errc::file_error);
}

TEST_CASE("only the columns that are asked for are read, in that order", "[io]") {
  const std::string text = "note,a,kind,b\n\"any, text\",1,red,2\n1e999,3,blue,4\n";
  REQUIRE(names(text, {.columns = {"b", "a", "b"}}) == strings{"b", "a"});
  REQUIRE(numbers(text, {.columns = {"b", "a"}}) == floats{2, 1, 4, 3});
  REQUIRE(numbers(text, {.columns = {"kind"}, .categorical = {"kind"}}) == floats{0, 1});
  REQUIRE(failure_of(text, {.columns = {"b", "note"}})
              .find("line 2, column 1: column \"note\": \"any, text\" is not a number") == 0);
  REQUIRE(failure_of(text + "5,6,7\n", {.columns = {"a"}})
              .find("line 4, column 5: the row has 3 fields, the header in line 1 has 4") == 0);
  REQUIRE_THROWS_WITH(numbers(text, {.columns = {"c"}}),
                      Catch::Contains("no column \"c\" to read"));
  REQUIRE_THROWS_WITH(numbers(text, {.columns = {"a"}, .categorical = {"kind"}}),
                      Catch::Contains("no column \"kind\" to take as categorical"));
  REQUIRE(numbers("1,2,x\n3,4,y\n", {.header = csv_header::absent, .columns = {"column_2"}}) ==
          floats{2, 4});
}

TEST_CASE("the CSV writer quotes only what needs it", "[io]") {
  std::ostringstream out;
  csv_writer writer(out);
  writer.row(strings{"plain", "with space", "a,b", "say \"hi\"", "two\nlines", ""});
  writer.field("one").field(0.1f).field(1e10f).field(nan_value).end_row();
  writer.row(strings{""});
  REQUIRE(out.str() == "plain,with space,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\n"
                       "one,0.1,1e+10,nan\n\"\"\n");
  std::ostringstream semicolons;
  csv_writer(semicolons, ';').row(strings{"a,b", "c;d"});
  REQUIRE(semicolons.str() == "a,b;\"c;d\"\n");
}

TEST_CASE("the CSV writer refuses what it cannot write", "[io]") {
  std::ostringstream out;
  csv_writer writer(out);
  REQUIRE_THROWS_AS(writer.end_row(), error);
  REQUIRE_THROWS_AS(writer.field(std::numeric_limits<float>::infinity()), error);
  REQUIRE_THROWS_AS(csv_writer(out, '"'), error);
  out.setstate(std::ios::badbit);
  REQUIRE_THROWS_AS(writer.row(floats{1}), error);
}

TEST_CASE("text written as CSV reads back as it was", "[io]") {
  const std::string letters = "ab,\"\r\n \t;1\xC3";
  for (std::uint64_t i = 0; i < 300; ++i) {
    std::vector<strings> rows(3, strings(1 + random_below(4, 1, i, 0)));
    std::uint64_t counter = 1;
    for (strings& row : rows)
      for (std::string& text : row)
        for (std::uint32_t n = random_below(6, 1, i, counter++); n > 0; --n)
          text +=
              letters[random_below(static_cast<std::uint32_t>(letters.size()), 1, i, counter++)];
    std::ostringstream out;
    csv_writer writer(out);
    for (const strings& row : rows)
      writer.row(row);
    REQUIRE(parse(out.str()) == rows);
  }
}

TEST_CASE("floats written as CSV read back bit by bit", "[io]") {
  floats values = {0.0f, -0.0f, 1.0f / 3.0f, 1e-45f, std::numeric_limits<float>::max()};
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const float magnitude = std::ldexp(1.0f, static_cast<int>(random_below(250, 4, i, 1)) - 125);
    values.push_back(random_signed_unit(4, i, 0) * magnitude);
  }
  std::ostringstream out;
  csv_writer writer(out);
  for (const float value : values)
    writer.row(floats{value, nan_value});
  std::istringstream in(out.str());
  csv_reader reader(in);
  floats row(2);
  for (const float value : values) {
    REQUIRE(reader.read(row));
    REQUIRE(row[0] == value);
    REQUIRE(std::signbit(row[0]) == std::signbit(value));
    REQUIRE(std::isnan(row[1]));
  }
}
