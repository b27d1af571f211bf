// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/row_reader.hpp>

#include <cmath>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "support/rows.hpp"

using namespace hanami;
using hanami_test::read;
using hanami_test::read_rows;

namespace {

using strings = std::vector<std::string>;
using numbers = std::vector<double>;
using table = std::vector<strings>;

/// The messages of all troubles.
strings troubles(const read_rows& rows) {
  strings all;
  for (const row_trouble& trouble : rows.reader.troubles().all()) {
    all.push_back(trouble.message());
  }
  return all;
}

} // namespace

TEST_CASE("rows of CSV come with names, kinds and texts", "[io]") {
  const read_rows got = read("time,a,\"b c\"\n2024-01-01,1.5,x\n2024-01-02,NA,\"y, z\"\n");
  REQUIRE(got.reader.fields() == strings{"time", "a", "b c"});
  REQUIRE(got.texts() == table{{"2024-01-01", "1.5", "x"}, {"2024-01-02", "NA", "y, z"}});
  CHECK(got.rows[0].values[1] == 1.5);
  CHECK(got.rows[0].kinds[2] == cell_kind::text);
  CHECK(got.rows[1].kinds[1] == cell_kind::missing);
  CHECK(got.rows[1].line == 3);
  CHECK(got.reader.field("a") == 1);
  CHECK(got.reader.field("q") == row_reader::no_field);
  CHECK(troubles(got).empty());
}

TEST_CASE("quoted fields may hold separators, quotes and line ends", "[io]") {
  CHECK(read("n,a\n1,\"b,c\"\n2,\"d\"\"e\"\n").texts() == table{{"1", "b,c"}, {"2", "d\"e"}});
  const read_rows lines = read("n,a\n1,\"x\ny\n\nz\"\n2,w\n");
  CHECK(lines.texts() == table{{"1", "x\ny\n\nz"}, {"2", "w"}});
  CHECK(lines.rows[0].line == 2);
  CHECK(lines.rows[1].line == 6);
  CHECK(read("n,a\r\n1,\"x\r\ny\"\r\n2,w\r\n").texts() == table{{"1", "x\r\ny"}, {"2", "w"}});
  CHECK(read("n,a\n1, \"b\" \n").texts() == table{{"1", "b"}});
}

TEST_CASE("a quote left open costs its own line only", "[io]") {
  const read_rows got = read("a,b\n1,x\n2,\"y\n3,z\n4,w\n");
  CHECK(got.texts() == table{{"1", "x"}, {"3", "z"}, {"4", "w"}});
  CHECK(got.reader.lost_lines() == 1);
  REQUIRE(troubles(got).size() == 1);
  CHECK_THAT(troubles(got)[0], Catch::StartsWith("line 3, column 3: a quote is opened"));
  CHECK(read("a,b\n1,x\n2,\"y\n").reader.lost_lines() == 1);
  CHECK(read("a,b\n1,5\" pipe\n2,\"x\"y\n").texts() == table{{"1", "5\" pipe"}, {"2", "\"x\"y"}});
}

TEST_CASE("cells that lack or are too many cost no row", "[io]") {
  const read_rows got = read("a,b,c\n1,2,3\n4,5\n6,7,8,9\n10,11\n12,13,14,\n1,2,3\n1,2,3\n");
  REQUIRE(got.rows.size() == 7);
  CHECK(got.rows[1].kinds[2] == cell_kind::absent);
  CHECK(got.column("c")[2] == 8);
  REQUIRE(troubles(got).size() == 2);
  CHECK(troubles(got)[0] == "line 3: the row has too few fields; those that lack are missing "
                            "values: \"4,5\" (2 times)");
  CHECK(troubles(got)[1] ==
        "line 4: the row has too many fields; those at its end are left out: \"6,7,8,9\"");
}

TEST_CASE("blank lines, comments, drawn lines and lines of separators are no rows", "[io]") {
  const read_rows got = read("a;b\n\n1;2\n# note\n;\n   \n3;4\n---------\n5;6\n");
  CHECK(got.column("b") == std::vector<double>{2, 4, 6});
  CHECK(troubles(got).empty());
  CHECK(read("a,b\n#N/A,1\n2,3\n").rows.size() == 2);
  CHECK(read(" time | v\n------+---\n 1    | 2\n").column("v") == std::vector<double>{2});
}

TEST_CASE("columns of one name are numbered, those without one have their number", "[io]") {
  const read_rows got = read("v,v,,v\n1,2,3,4\n");
  CHECK(got.reader.fields() == strings{"v", "v_2", "column_3", "v_3"});
  CHECK(troubles(got) == strings{"line 1: a column has the name of another one and gets a number "
                                 "behind it: \"v\" (2 times)"});
}

TEST_CASE("a number beyond all numbers is one cell in trouble, not a row", "[io]") {
  const read_rows got = read("a,b\n1,1e999\n2,3\n4,inf\n");
  REQUIRE(got.rows.size() == 3);
  CHECK(std::isnan(got.column("b")[0]));
  CHECK(got.column("b")[1] == 3);
  CHECK(troubles(got).size() == 1);
}

TEST_CASE("a column has one unit", "[io]") {
  const read_rows got = read("v,w\n20 V,5%\n21 V,6%\n22,7\n5 mA,8\n");
  CHECK(got.column("w") == std::vector<double>{5, 6, 7, 8});
  CHECK(got.column("v")[2] == 22);
  CHECK(got.rows[3].kinds[0] == cell_kind::text);
}

TEST_CASE("a header in the middle is followed", "[io]") {
  SECTION("the same one") {
    const read_rows got = read("t,a\n1,2\nt,a\n3,4\n");
    CHECK(got.column("a") == std::vector<double>{2, 4});
  }
  SECTION("one with another order") {
    const read_rows got = read("t,a,b\n1,2,3\n4,5,6\nb,t,a\n7,8,9\n");
    CHECK(got.column("t") == std::vector<double>{1, 4, 8});
    CHECK(got.column("b") == std::vector<double>{3, 6, 7});
  }
  SECTION("one of other columns") {
    const read_rows got = read("t,a\n1,2\nt,b,c\ns,m,kg\n3,4,5\nt,a\n6,7\n");
    CHECK(got.reader.fields() == strings{"t", "a", "b", "c"});
    CHECK(got.rows.size() == 3);
    CHECK(got.column("a")[2] == 7);
    CHECK(got.rows[2].kinds[2] == cell_kind::absent);
    CHECK(got.column("c")[1] == 5);
  }
  SECTION("one behind a blank line, of nothing known") {
    const read_rows got = read("t,a\n1,2\n3,4\n\nu,b,c\n5,6,7\n");
    CHECK(got.column("c")[2] == 7);
  }
  SECTION("a new one below the old one") {
    for (const char* next : {"t,b,c", "c,t,b"}) {
      for (const char* front : {"", "t,a,b\n7,8,9\n"}) {
        const read_rows got = read(std::string(front) + "t,a,b\n1,2,3\n4,5,6\nt,a,b\n" + next +
                                   "\n7,8,9\n10,11,12\n");
        CHECK(std::isnan(got.column("a").back()));
        CHECK(got.column("t").back() == (next[0] == 't' ? 10 : 11));
        CHECK(got.column("c").back() == (next[0] == 't' ? 12 : 10));
        CHECK(got.rows.size() == (*front == '\0' ? 4 : 5));
      }
    }
  }
  SECTION("but words between rows are none") {
    const read_rows got = read("t,a,b\n1,2,3\nconnection lost, retrying\n4,5,6\n");
    CHECK(got.column("b") == std::vector<double>{3, 6});
    CHECK(got.reader.fields().size() == 3);
    CHECK(got.reader.lost_lines() == 1);
  }
  SECTION("nor is a row of words among words") {
    const read_rows got = read("name,kind\nx,red\ny,blue\nred,x\n");
    CHECK(got.rows.size() == 3);
  }
}

TEST_CASE("what a stream is not told the format tells", "[io]") {
  CHECK(read("1,2\n3,4\n", {.header = row_header::present}).reader.fields() == strings{"1", "2"});
  CHECK(read("a,b\nc,d\n", {.header = row_header::absent}).rows.size() == 2);
  CHECK(read("x\ty\n1,5\t2\n", {.decimal = ','}).column("x") == std::vector<double>{1.5});
  CHECK(read("a:b\n1:2\n", {.separator = ':'}).column("b") == std::vector<double>{2});
  CHECK(read("v;w\n1.234;5\n", {.thousands = '.'}).column("v") == std::vector<double>{1234});
  CHECK(read("a,b\n-999,none\n", {.missing = {"-999"}}).rows[0].kinds[0] == cell_kind::missing);
  CHECK(read("a,b\n'1,5',2\n", {.quote = no_sign}).rows[0].texts[0] == "'1");
  CHECK(read("a,b\n#1,2\n", {.comment = no_sign}).rows.size() == 1);
  CHECK(read("a,b\n!x\n1,2\n", {.comment = '!'}).rows.size() == 1);
  CHECK(read("5,6,7\nt,a\n1,2\n", {.skip_lines = 1}).reader.fields() == strings{"t", "a"});
  CHECK(read("{\"a\":1}\n", {.syntax = row_syntax::json}).column("a") == std::vector<double>{1});
  for (const char bad : {'"', '\n', '\r', '1', '.', '-', '+', 'e', 'E'}) {
    CHECK_THROWS_AS(row_reader({.separator = bad}), error);
  }
  CHECK_THROWS_AS(row_reader({.decimal = ';'}), error);
  CHECK_THROWS_AS(row_reader({.decimal = ',', .thousands = ','}), error);
  CHECK_THROWS_AS(row_reader({.separator = '|', .quote = '|'}), error);
}

TEST_CASE("what is no table is refused with a reason", "[io]") {
  const auto refusal = [](std::string_view text) {
    const read_rows got = read(text);
    CHECK(got.rows.empty());
    return got.reader.refusal();
  };
  CHECK_THAT(refusal(""), Catch::Contains("no row"));
  CHECK_THAT(refusal("\n\n  \n"), Catch::Contains("no row"));
  CHECK_THAT(refusal("This is a letter.\nIt has lines, and some commas.\nNothing else at all.\n"),
             Catch::Contains("no table"));
  CHECK_THAT(refusal("m,host=a value=1,free=2i 17000\nm,host=b value=2,free=3i 17001\n"),
             Catch::Contains("name=value"));
  CHECK_THAT(refusal("64 bytes from 127.0.0.1: icmp_seq=0 ttl=64 time=20.0 ms\n"
                     "64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=21.0 ms\n"),
             Catch::Contains("no table"));
  CHECK_THAT(refusal("\x1f\x8b\x08"), Catch::Contains("gzip"));
}

TEST_CASE("a row of a live stream is there as soon as its line is", "[io]") {
  SECTION("with a header") {
    read_rows got;
    for (const char* line : {"# made up", "time,v", "2024-01-01,1"}) {
      CHECK(got.rows.empty());
      got.feed(line);
      got.reader.settle();
      got.take();
    }
    CHECK(got.rows.size() == 1);
    got.feed("2024-01-02,2");
    CHECK(got.rows.size() == 2);
  }
  SECTION("without one, and in JSON") {
    for (const char* line : {"1700000000,20.0", "{\"a\":1}", "5;2,5"}) {
      INFO(line);
      read_rows got;
      got.feed(line);
      CHECK(got.rows.empty());
      got.reader.settle();
      got.take();
      CHECK(got.rows.size() == 1);
    }
  }
  SECTION("but a first line that may name columns waits for the next") {
    read_rows got;
    got.feed("region,2019,2020");
    got.reader.settle();
    got.take();
    CHECK(got.rows.empty());
    got.feed("1,2.5,3.5");
    got.reader.settle();
    got.take();
    CHECK(got.reader.fields() == strings{"region", "2019", "2020"});
    CHECK(got.rows.size() == 1);
  }
}

TEST_CASE("a line too long to be read is left out", "[io]") {
  read_rows got;
  got.feed("a,b");
  got.feed("1,2");
  got.reader.feed("3,444", true);
  got.take();
  got.feed("5,6");
  got.finish();
  CHECK(got.column("a") == std::vector<double>{1, 5});
  CHECK(got.reader.lost_lines() == 1);
}

TEST_CASE("a reader goes on from an archive at any line", "[io]") {
  const strings lines = {"# x",   "t,a,\"b\"", "s,m,",
                         "1,2,x", "3,4,\"y",   "z\"",
                         "t,c",   "6,7",       "oh no, not this, really, no",
                         "8,9",   "t,a,b",     "10,11,w"};
  const read_rows whole = hanami_test::read_lines(lines);
  REQUIRE(whole.rows.size() == 5);
  for (std::size_t stop = 0; stop <= lines.size(); ++stop) {
    const read_rows got = hanami_test::read_lines(lines, stop);
    INFO(stop);
    CHECK(got.texts() == whole.texts());
    CHECK(got.reader.fields() == whole.reader.fields());
    CHECK(troubles(got) == troubles(whole));
  }
}

TEST_CASE("a reader has as many fields as it may have", "[io]") {
  const read_rows got = read("{\"a\":1}\n{\"b\":2}\n{\"c\":3}\n", {.max_fields = 2});
  CHECK(got.reader.fields() == strings{"a", "b"});
  CHECK(troubles(got).size() == 1);
  CHECK_THAT(read("a,b,c\n1,2,3\n", {.max_fields = 2}).reader.refusal(),
             Catch::Contains("2 fields"));
}

TEST_CASE("fields that name themselves are columns of those names", "[io]") {
  for (const char* text :
       {"temp:20.5,hum:40\ntemp:21.5,hum:-41\n",
        "temp:20.5\thum:40\n"
        "temp:21.5\thum:-41\n",
        "temp: 20.5, hum: 40\ntemp: 21.5, hum: -41\n", "temp:20.5 hum:40\ntemp:21.5 hum:-41\n"}) {
    CAPTURE(text);
    for (const bool live : {false, true}) {
      const read_rows got = read(text, {}, live);
      CHECK(got.reader.fields() == strings{"temp", "hum"});
      CHECK(got.column("temp") == std::vector<double>{20.5, 21.5});
      CHECK(got.column("hum") == std::vector<double>{40, -41});
    }
  }
  std::string late;
  for (int i = 0; i < 30; ++i) {
    late += "a:1,b:2\n";
  }
  const read_rows other = read(late + "a:5,c:6\n");
  REQUIRE(other.rows.size() == 31);
  CHECK(other.column("a")[30] == 5);
  CHECK(std::isnan(other.column("b")[30]));
  CHECK(read("kind:red,size:big\nkind:blue,size:small\n").reader.fields().size() == 2);
  CHECK(read("12:30,1\n12:31,2\n").column("column_2") == std::vector<double>{1, 2});
}

TEST_CASE("settings before a table are no rows, also where they are as wide", "[io]") {
  std::string text = "Model,X100\nRecord Length,10000\n\nVertical Units,V\nScale,4e-07\nTIME,CH1\n";
  for (int i = 0; i < 20; ++i) {
    text += std::to_string(i) + "e-6,0." + std::to_string(i % 7) + "\n";
  }
  const read_rows got = read(text);
  CHECK(got.reader.fields() == strings{"TIME", "CH1"});
  CHECK(got.rows.size() == 20);
  REQUIRE(got.reader.troubles().all().size() == 1);
  CHECK(got.reader.troubles().all()[0].what == "lines before the table are left out");
  CHECK(read("name,v\nx,1\ny,2\nz,u\n5,6\n7,8\n9,10\n").reader.fields() == strings{"name", "v"});
}

TEST_CASE("headers that begin with a time are followed, averages left out", "[io]") {
  const auto rows = [](const std::string& half, int from, const std::string& values) {
    std::string text;
    for (int i = from; i < from + 15; ++i) {
      text += "12:" + std::to_string(i) + ":01" + half + "  all  1." + std::to_string(i) + values +
              '\n';
    }
    return text;
  };
  for (const std::string half : {"", " PM"}) {
    CAPTURE(half);
    const std::string head = half + "  CPU  %user  %idle\n";
    const read_rows got = read("Linux 6.1 (host)  05/01/2024\n\n12:00:01" + head +
                               rows(half, 10, "  98.5") + "\n12:24:01" + head +
                               rows(half, 25, "  97.5") + "Average:  all  1.2  98.0\n\n12:00:01" +
                               half + "  CPU  %user  proc/s\n" + rows(half, 40, "  7.5"));
    CHECK(got.reader.fields() == strings{"time", "CPU", "%user", "%idle", "proc/s"});
    REQUIRE(got.rows.size() == 45);
    CHECK(got.rows[0].texts[0] == "12:10:01" + half);
    CHECK(got.column("%idle")[29] == 97.5);
    CHECK(got.column("proc/s")[30] == 7.5);
  }
}

TEST_CASE("a month, a day and a clock among fields apart by blanks are one field", "[io]") {
  std::string text;
  for (int i = 0; i < 9; ++i) {
    text += "May  1 12:00:0" + std::to_string(i) + " 20.5 " + std::to_string(i) + '\n';
  }
  const read_rows got = read(text);
  REQUIRE(got.rows.size() == 9);
  CHECK(got.rows[3].texts == strings{"May  1 12:00:03", "20.5", "3"});
}

TEST_CASE("brackets in front of a line hold its first field", "[io]") {
  const read_rows epochs = read("[1700000000.5] 20.5 3\n[1700000001.5] 20.7 4\n[ 17 ] 20.8 5\n");
  REQUIRE(epochs.rows.size() == 3);
  CHECK(epochs.column("column_1") == numbers{1700000000.5, 1700000001.5, 17});
  CHECK(epochs.column("column_3") == numbers{3, 4, 5});
  const read_rows clocks = read("[2024-01-01 12:00:00] 20.5\n[2024-01-01 12:00:10] 20.7\n");
  REQUIRE(clocks.rows.size() == 2);
  CHECK(clocks.rows[1].texts == strings{"2024-01-01 12:00:10", "20.7"});
}

TEST_CASE("words below the names are units, also beside a setting", "[io]") {
  const read_rows got = read("X,CH1,Start,Step\nSequence,Volt,-1.2,0.002\n0,1.5,,\n1,1.7,,\n");
  CHECK(got.reader.fields() == strings{"X", "CH1", "Start", "Step"});
  CHECK(got.column("CH1") == numbers{1.5, 1.7});
  CHECK(read("a,b\nx,1\n2,3\n4,5\n").rows.size() == 3);
}
