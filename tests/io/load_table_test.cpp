// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/load_table.hpp>

#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami;

namespace {

using floats = std::vector<float>;
using strings = std::vector<std::string>;

table_dataset table(const std::string& text, const table_options& options = {}) {
  std::istringstream stream(text);
  return load_table(stream, options);
}

/// All values of a table, row by row.
floats numbers(const std::string& text, const table_options& options = {}) {
  const table_dataset data = table(text, options);
  floats all;
  for (std::size_t i = 0; i < data.row_count(); ++i) {
    all.insert(all.end(), data.row(i).begin(), data.row(i).end());
  }
  return all;
}

strings names(const std::string& text, const table_options& options = {}) {
  strings result;
  const table_dataset data = table(text, options);
  for (const table_column& column : data.columns()) {
    result.push_back(column.name);
  }
  return result;
}

std::string failure_of(const std::string& text, const table_options& options = {}) {
  try {
    numbers(text, options);
  } catch (const error& failure) {
    REQUIRE(failure.code() == errc::invalid_data);
    return failure.what();
  }
  return "no error";
}

/// A buffer whose device breaks.
class broken_buffer : public std::streambuf {
 protected:
  int_type underflow() override { throw std::ios_base::failure("the device is gone"); }
};

} // namespace

TEST_CASE("a table is read from CSV of any dialect and from JSON", "[io]") {
  const floats expected = {1, 2.5, 3, -4};
  for (const char* text :
       {"a,b\n1,2.5\n3,-4\n", "a;b\n1;2,5\n3;-4\n", "a\tb\r\n1\t2.5\r\n3\t-4\r\n",
        "a b\n1 2.5\n3 -4", "sep=;\na;b\n1;2.5\n3;-4\n", "a|b\n1|2.5\n3|-4\n", "a,b\r1,2.5\r3,-4\r",
        "\xEF\xBB\xBF\"a\",\"b\"\n\"1\",\"2.5\"\n\"3\",\"-4\"\n", "# made up\na,b\n1,2.5\n3,-4\n",
        "{\"a\":1,\"b\":2.5}\n{\"b\":-4,\"a\":3}\n", "a,b,\n1,2.5,\n3,-4,\n",
        "# a,b\n1,2.5\n3,-4\n", "A report\n\na,b\ns,m\n1,2.5\n3,-4\n"}) {
    INFO(text);
    CHECK(names(text) == strings{"a", "b"});
    CHECK(numbers(text) == expected);
  }
}

TEST_CASE("what the first lines do not tell the options do", "[io]") {
  CHECK(numbers("a:b\n1:2\n", {.format = {.separator = ':'}}) == floats{1, 2});
  CHECK(numbers("1,2\n3,4\n", {.format = {.header = row_header::present}}) == floats{3, 4});
  CHECK(numbers("1,2\n3,4\n") == floats{1, 2, 3, 4});
  CHECK(names("5.1,setosa\n4.9,setosa\n") == strings{"column_1", "column_2"});
}

TEST_CASE("a table with a wrong separator is told the right one", "[io]") {
  CHECK_THROWS_WITH(
      numbers("a;b\n1;2\n", {.format = {.separator = ','}, .columns = {"a"}}),
      Catch::Contains("no column \"a\" to read; there is a;b; is the separator \";\"?"));
}

TEST_CASE("a column of text holds classes, one of numbers holds none", "[io]") {
  const table_dataset data =
      table("x,kind,n\n1,red,NA\n2, blue ,5\n3,red,6\n4,NA,7\n5,\"a,b\",8\n");
  CHECK(data.columns()[1].categories == strings{"red", "blue", "a,b"});
  CHECK(data.columns()[0].categories.empty());
  CHECK(data.row(1)[1] == 1);
  CHECK(std::isnan(data.row(3)[1]));
  CHECK(std::isnan(data.row(0)[2]));
  CHECK(data.row(4)[1] == 2);
}

TEST_CASE("a word for what is missing in the first row makes no column text", "[io]") {
  for (const char* word : {"?", "N/A", "-", "none", "unknown", "#N/A", "nan", "", "\"\"", "NULL"}) {
    INFO(word);
    const table_dataset data = table("a,b\n1," + std::string(word) + "\n2,3\n4,5\n");
    CHECK(data.columns()[1].categories.empty());
    CHECK(std::isnan(data.row(0)[1]));
    CHECK(data.row(1)[1] == 3);
  }
  // among words, "none" and "-" are words
  const table_dataset words = table("a,b\n1,none\n2,mild\n3,-\n4,?\n");
  CHECK(words.columns()[1].categories == strings{"none", "mild", "-"});
  CHECK(std::isnan(words.row(3)[1]));
}

TEST_CASE("truth values are numbers, yes and no are classes", "[io]") {
  CHECK(numbers("a,b\n1,true\n2,FALSE\n") == floats{1, 1, 2, 0});
  CHECK(table("a,b\n1,yes\n2,no\n3,maybe\n").columns()[1].categories ==
        strings{"yes", "no", "maybe"});
}

TEST_CASE("classes in numbers are one class however they are written", "[io]") {
  const table_options classes{.categorical = {"y"}};
  CHECK(table("x,y\n1,1.0\n2,1\n3,0.0\n4,0\n5,+1\n", classes).columns()[1].categories ==
        strings{"1", "0"});
  CHECK(table("x,y\n1,007\n2,7\n", classes).columns()[1].categories == strings{"007", "7"});
  CHECK(table("x,y\n1,1.0\n2,b\n3,1\n", classes).columns()[1].categories ==
        strings{"1.0", "b", "1"});
  CHECK(table("x,y\n1,16777216\n2,16777217\n", classes).columns()[1].categories ==
        strings{"16777216", "16777217"});
}

TEST_CASE("what is wrong in a table is said with line and column", "[io]") {
  CHECK_THAT(failure_of("a,price\n1,2\n3,abc\n"),
             Catch::StartsWith("line 3, column 3: column \"price\": \"abc\" is not a number"));
  CHECK_THAT(failure_of("a,b\n1,inf\n"),
             Catch::StartsWith("line 2, column 3: column \"b\": \"inf\""));
  CHECK_THAT(failure_of("a,b\n1,1e39\n"), Catch::Contains("beyond the range of a float"));
  CHECK_THAT(failure_of("a,b\n1,2\n3\n4,5\n"), Catch::StartsWith("line 3: the row has too few"));
  CHECK_THAT(failure_of("a,b\n1,2\n3,4,5\n"), Catch::StartsWith("line 3: the row has too many"));
  CHECK_THAT(failure_of("a,b,a\n1,2,3\n"), Catch::StartsWith("line 1: a column has the name"));
  CHECK_THAT(failure_of("a,b\n1,\"x\n\n"),
             Catch::StartsWith("line 2, column 3: a quote is opened"));
  CHECK_THAT(failure_of("a,b\n\"x\ny\",1\n\"z\nw\",v\n"), Catch::StartsWith("line 5, column 4"));
  CHECK_THAT(failure_of("{\"a\":1}\n{\"a\":\"x\"}\n"), Catch::StartsWith("line 2: column \"a\""));
  CHECK_THAT(failure_of("{\"a\":1}\n{\"a\"\n"), Catch::StartsWith("line 2: a JSON object"));
  CHECK_THAT(failure_of("\n\n"), Catch::Contains("no row"));
  CHECK_THAT(failure_of("a,b\nfine,1\n2,3\n4,5\nx,5\n"), Catch::Contains("no error"));
  CHECK_THAT(failure_of("a,b\nfine,1\n2,3\n4,5\n6,5\n"), Catch::StartsWith("line 2, column 1"));
  CHECK(numbers("a,b\n").empty());
  CHECK_THAT(failure_of("x,y\n1," + std::string(5000, 'y') + "\n2,3\n4,5\n"),
             Catch::Contains("yyy...\" is not a number"));
}

TEST_CASE("damage may be counted instead of refused", "[io]") {
  row_troubles troubles;
  const table_dataset data =
      table("a,a,c\n1,2,3\n4,5\n6,x,1e99\n7,8,9,10\n", {.troubles = &troubles});
  REQUIRE(data.row_count() == 4);
  CHECK(data.columns()[1].name == "a_2");
  CHECK(std::isnan(data.row(1)[2]));
  CHECK(std::isnan(data.row(2)[1]));
  CHECK(std::isnan(data.row(2)[2]));
  CHECK(data.row(3)[2] == 9);
  CHECK(troubles.all().size() == 5);
}

TEST_CASE("numbers that float would make equal are refused", "[io]") {
  CHECK_THAT(failure_of("t,v\n1700000000,1\n1700000060,2\n"),
             Catch::StartsWith("line 3, column 1: column \"t\": \"1700000060\"") &&
                 Catch::Contains("subtract the first value"));
  CHECK_THAT(failure_of("id,v\n5,1\n16777216,1\n16777217,2\n"), Catch::StartsWith("line 4"));
  CHECK_THAT(failure_of("{\"t\":1700000000.25}\n{\"t\":1700000001.25}\n{\"t\":1700000002.25}\n"),
             Catch::Contains("24 bits"));
  CHECK_THAT(failure_of("d,v\n2460263.5001,1\n2460263.5002,1\n2460263.5003,2\n"),
             Catch::Contains("24 bits"));
  // what is not read does not matter, nor do measurements that repeat but for their last digits
  CHECK(numbers("t,v\n1700000000,1\n1700000060,2\n", {.columns = {"v"}}) == floats{1, 2});
  CHECK(numbers("v,w\n0.3,1\n0.30000000000000004,2\n0.4,3\n0.5,4\n").size() == 8);
  CHECK(numbers("t,v\n0,1\n60,2\n120,3\n").size() == 6);
  CHECK(numbers("t,v\n20230101,1\n20230102,2\n", {.columns = {"v"}}).size() == 2);
}

TEST_CASE("only the columns that are asked for are read, in that order", "[io]") {
  const std::string text = "note,a,kind,b\n\"any, text\",1,red,2\n1e999,3,blue,4\n";
  CHECK(names(text, {.columns = {"b", "a", "b"}}) == strings{"b", "a"});
  CHECK(numbers(text, {.columns = {"b", "a"}}) == floats{2, 1, 4, 3});
  CHECK(numbers(text, {.columns = {"kind"}, .categorical = {"kind"}}) == floats{0, 1});
  CHECK_THROWS_WITH(numbers(text, {.columns = {"c"}}),
                    Catch::Contains("no column \"c\" to read; there are note, a, kind, b"));
  CHECK_THROWS_WITH(numbers(text, {.columns = {"a"}, .categorical = {"kind"}}),
                    Catch::Contains("\"kind\" is categorical and not read"));
  CHECK_THROWS_WITH(numbers(text, {.categorical = {"q"}}), Catch::Contains("no column \"q\""));
}

TEST_CASE("categories of another table are kept", "[io]") {
  row_troubles troubles;
  const table_dataset data =
      table("n,kind\n1,blue\n2,green\n3,red\n",
            {.known = {{"kind", {"red", "blue"}}, {"n", {}}}, .troubles = &troubles});
  CHECK(data.row(0)[1] == 1);
  CHECK(std::isnan(data.row(1)[1]));
  CHECK(data.row(2)[1] == 0);
  CHECK(data.columns()[1].categories == strings{"red", "blue"});
  CHECK(troubles.all().size() == 1);
}

TEST_CASE("categories, rows and columns have limits", "[io]") {
  CHECK_THAT(failure_of("k,n\na,1\nb,2\nc,3\n", {.max_categories = 2}),
             Catch::StartsWith("line 4, column 1: column \"k\": \"c\" is one category too many"));
  CHECK_THAT(
      failure_of("a,b\n1," + std::string(200, '2') + "\n", {.format = {.max_row_bytes = 100}}),
      Catch::StartsWith("line 2, column 101: the row has more than 100 bytes"));
  CHECK_THAT(failure_of("a,b,c\n1,2,3\n", {.format = {.max_fields = 2}}),
             Catch::Contains("more than 2 fields"));
}

TEST_CASE("inputs of text may have a value for each category and targets their index", "[io]") {
  std::istringstream stream("a,kind,y\n1,red,u\n2,blue,v\n3,red,v\n");
  const table_dataset data =
      load_table(stream, {.categorical = {"y"}}, {.targets = {"y"}, .one_hot_inputs = true});
  CHECK(data.input_names() == strings{"a", "kind=red", "kind=blue"});
  sample_buffer buffer;
  const sample_view sample = buffer.read(data, 1);
  CHECK(floats(sample.input.begin(), sample.input.end()) == floats{2, 0, 1});
  CHECK(floats(sample.target.begin(), sample.target.end()) == floats{1});
}

TEST_CASE("a stream that breaks is a file error", "[io]") {
  broken_buffer buffer;
  std::istream broken(&buffer);
  std::istringstream failed("1\n");
  failed.setstate(std::ios::failbit);
  for (std::istream* stream : {&broken, static_cast<std::istream*>(&failed)}) {
    try {
      load_table(*stream);
      FAIL("no error");
    } catch (const error& failure) {
      CHECK(failure.code() == errc::file_error);
    }
  }
}

TEST_CASE("a file loads as a table and names itself in errors", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "table.csv";
  std::ofstream(path) << "a,b,y\n1,2,3\n4,5,6\n";
  const table_dataset data = load_table(path);
  CHECK(data.size() == 2);
  CHECK(data.column_index("b") == 1);
  CHECK(data.row(1)[2] == 6);
  std::ofstream(path) << "a,b,y\n1,2\n";
  CHECK_THROWS_WITH(load_table(path), Catch::Contains(path.string() + ": line 2"));
  CHECK_THROWS_WITH(load_table(folder.path / "none"), Catch::Contains("cannot read"));
  CHECK_THROWS_WITH(load_table(folder.path), Catch::Contains("directory"));
}

TEST_CASE("a file that does not load tells by code why", "[io]") {
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
