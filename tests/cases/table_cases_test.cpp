// SPDX-License-Identifier: Apache-2.0
// Tables of spreadsheets and from public reports: what the program `table` makes of each.
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <support/child_program.hpp>
#include <support/rows.hpp>
#include <support/scratch_folder.hpp>

namespace {

struct expected {
  const char* file;
  std::vector<std::string> arguments;
  int status;
  const char* says; ///< on either stream
};

// clang-format off
const std::vector<expected> all = {
    {"tbl_semicolon.csv", {"--inputs", "len,width", "--targets", "cls", "--kind", "softmax", "--hold-out", "0.2"}, 0, "no |"},
    {"tbl_semicolon_decimal.csv", {"--inputs", "len,width", "--targets", "cls", "--kind", "softmax", "--hold-out", "0.2"}, 0, "accuracy 100"},
    {"tbl_text_input.csv", {"--inputs", "len,colour", "--targets", "price", "--hold-out", "0.2"}, 0, "r2 0.99"},
    {"tbl_text_input.csv", {"--inputs", "len,price", "--targets", "colour", "--kind", "softmax", "--hold-out", "0.2"}, 0, "blue |"},
    {"tbl_text_input.csv", {"--inputs", "len,price", "--targets", "colour"}, 1, "--kind softmax"},
    {"tbl_class_numbers.csv", {"--inputs", "x", "--targets", "y", "--kind", "softmax", "--hold-out", "0.2"}, 0, "\n  |  0  1 <- predicted"},
    {"tbl_comma_name.csv", {"--inputs", "\"len, cm\",width", "--targets", "cls", "--kind", "softmax", "--hold-out", "0.2"}, 0, "accuracy"},
    {"tbl_alltext_noheader.csv", {"--inputs", "column_2,column_3,column_4", "--targets", "column_1", "--kind", "softmax", "--hold-out", "0.2"}, 0, " of 60,"},
    {"tbl_alltext_noheader_unique.csv", {"--inputs", "column_2,column_3", "--targets", "column_1", "--kind", "softmax", "--hold-out", "0.2"}, 0, " of 60,"},
    {"tbl_alltext_noheader.csv", {"--inputs", "2,3,4", "--targets", "1", "--kind", "softmax", "--hold-out", "0.2"}, 0, "column_1: accuracy"},
    {"tbl_semicolon.csv", {"--inputs", "len,2", "--targets", "3", "--kind", "softmax", "--hold-out", "0.2"}, 0, "cls: accuracy"},
    {"tbl_numeric_header.csv", {"--inputs", "0,1", "--targets", "2", "--hold-out", "0.2"}, 0, "over 60,"},
    {"tbl_year_header.csv", {"--inputs", "2019,2020", "--targets", "2021", "--hold-out", "0.2"}, 0, "over 60,"},
    {"tbl_empty.csv", {"--inputs", "a", "--targets", "b"}, 1, "no row"},
    {"tbl_blank.csv", {"--inputs", "a", "--targets", "b"}, 1, "no row"},
    {"tbl_header_only.csv", {"--inputs", "a", "--targets", "b"}, 1, "no row"},
    {"tbl_comment.csv", {"--inputs", "a", "--targets", "b"}, 0, ""},
    {"tbl_trailing.csv", {"--inputs", "a", "--targets", "b"}, 0, ""},
    {"tbl_trailing_both.csv", {"--inputs", "a", "--targets", "b"}, 0, ""},
    {"tbl_space.csv", {"--inputs", "a,b", "--targets", "c"}, 0, ""},
    {"tbl_excel_sep.csv", {"--inputs", "len", "--targets", "width"}, 0, ""},
    {"tbl_empty_names.csv", {"--inputs", "column_1,a", "--targets", "column_3"}, 0, ""},
    {"tbl_ragged_short.csv", {"--inputs", "a", "--targets", "b"}, 0, "line 3: the row has too few fields"},
    {"tbl_dup_header.csv", {"--inputs", "a,a_2", "--targets", "b"}, 0, "line 1: a column has the name of another one"},
    {"ping.txt", {"--inputs", "a", "--targets", "b"}, 1, "it is no table"},
    {"lineproto.txt", {"--inputs", "a", "--targets", "b"}, 1, "it is no table"},
    {"msepoch.csv", {"--inputs", "time", "--targets", "v"}, 1, "line 3, column 1: column \"time\""},
    {"u64.csv", {"--inputs", "id", "--targets", "v"}, 0, ""},
    {"hexid.csv", {"--inputs", "id", "--targets", "v"}, 0, ""},
    {"bool_R.csv", {"--inputs", "on", "--targets", "v"}, 0, ""},
    {"units.csv", {"--inputs", "time", "--targets", "v"}, 0, ""},
    {"b_missing_words.csv", {"--inputs", "a", "--targets", "b"}, 0, "line 49, column 21: column \"a\": \"1d5\" is not a number"},
    {"tbl_semicolon.csv", {"--separator", ",", "--inputs", "len", "--targets", "cls"}, 1, "is the separator \";\"?"},
    {"tbl_semicolon.csv", {"--separator", "long", "--inputs", "len", "--targets", "cls"}, 2, "takes one sign"},
};
// clang-format on

} // namespace

TEST_CASE("tables are learned from as their users mean them", "[cases]") {
  const std::filesystem::path folder = hanami_test::cases_folder();
  for (const expected& want : all) {
    const auto path = folder / want.file;
    if (folder.empty() || !std::filesystem::exists(path)) {
      continue;
    }
    std::vector<std::string> arguments = {"train", "--csv", path.string(), "--epochs", "20"};
    arguments.insert(arguments.end(), want.arguments.begin(), want.arguments.end());
    const auto got = hanami_test::run_program(HANAMI_TABLE, arguments);
    INFO(want.file << '\n' << got.out << got.err);
    CHECK(got.status == want.status);
    CHECK((got.out + got.err).find(want.says) != std::string::npos);
    CHECK(got.out.find("nan") == std::string::npos);
  }
}

TEST_CASE("what was learned takes the place of nothing else", "[cases]") {
  const scratch_folder scratch;
  const std::string csv = (scratch.path / "train.csv").string();
  const std::string pipe = (scratch.path / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string rows = "a,b\n";
  for (int i = 0; i < 50; ++i) {
    rows += std::to_string(i) + ',' + std::to_string(2 * i) + '\n';
  }
  hanami_test::write_text(csv, rows);
  for (const std::string& save : {csv, pipe, scratch.path.string()}) {
    const auto got = hanami_test::run_program(
        HANAMI_TABLE, {"train", "--csv", csv, "--inputs", "a", "--targets", "b", "--save", save});
    INFO(save << got.err);
    CHECK(got.status == 1);
    CHECK(got.out.empty());
    CHECK(got.err.find("--save: ") != std::string::npos);
    CHECK(hanami_test::text_of(csv) == rows);
  }
  CHECK(std::filesystem::is_fifo(pipe));
}

TEST_CASE("a table answers for rows in another order, dialect and syntax", "[cases]") {
  const scratch_folder scratch;
  const auto model = (scratch.path / "model").string();
  const auto train = scratch.path / "train.csv";
  std::ofstream out(train);
  out << "colour;len;price\n";
  for (int i = 0; i < 300; ++i) {
    const int len = i * 7 % 10;
    out << (i % 3 == 0 ? "red" : "blue") << ';' << len << ",5;" << len + (i % 3 == 0 ? 10 : 0)
        << ",5\n";
  }
  out.close();
  const auto learned =
      hanami_test::run_program(HANAMI_TABLE, {"train", "--csv", train.string(), "--inputs",
                                              "len,colour", "--targets", "price", "--save", model});
  INFO(learned.err);
  REQUIRE(learned.status == 0);
  std::string first;
  for (const char* text :
       {"len,colour\n5.5,red\n5.5,blue\n", "colour\tlen\nred\t5,5\nblue\t5,5\n",
        "{\"colour\":\"red\",\"len\":5.5}\n{\"len\":\"5.5\",\"colour\":\"blue\"}\n"}) {
    const auto rows = scratch.path / "rows";
    std::ofstream(rows) << text;
    const auto got =
        hanami_test::run_program(HANAMI_TABLE, {"answer", "--load", model, "--csv", rows.string()});
    INFO(text << got.err);
    CHECK(got.status == 0);
    CHECK(got.err.empty());
    CHECK(got.out.find("row,price\n1,") == 0);
    CHECK((first.empty() || first == got.out));
    first = got.out;
  }
  std::ofstream(scratch.path / "rows") << "colour,len\ngreen,1\nred,x\n";
  const auto strange = hanami_test::run_program(
      HANAMI_TABLE, {"answer", "--load", model, "--csv", (scratch.path / "rows").string()});
  CHECK(strange.status == 0);
  CHECK(strange.err.find("none of the categories of its column; it is missing: \"green\"") !=
        std::string::npos);
  CHECK(strange.err.find("line 3, column 5: column \"len\": \"x\" is not a number") !=
        std::string::npos);
}
