// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/lines/line_sink.hpp>

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <catch2/catch.hpp>

#include <hanami/io/json_text.hpp>
#include <support/scratch_folder.hpp>

using namespace hanami;

namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace

TEST_CASE("lines stand in the file when they are flushed", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "lines";
  line_sink sink(path.string());
  sink.resume(0);
  sink.text() += "one\n";
  sink.settle();
  CHECK(text_of(path).empty());
  CHECK(sink.written() == 0);
  sink.flush();
  CHECK(text_of(path) == "one\n");
  CHECK(sink.written() == 4);
  sink.text() += std::string(70000, 'x');
  sink.settle(); // that is much
  CHECK(sink.written() == 70004);
  CHECK(std::filesystem::file_size(path) == 70004);
}

TEST_CASE("a sink goes on behind a byte and cuts off what stands there", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "lines";
  std::ofstream(path) << "one\ntwo\nthr";
  line_sink sink(path.string());
  CHECK(text_of(path) == "one\ntwo\nthr"); // untouched so far
  sink.resume(4);
  CHECK(sink.written() == 4);
  sink.text() += "2\n";
  sink.flush();
  CHECK(text_of(path) == "one\n2\n");
  sink.resume(1000); // there are not as many
  CHECK(sink.written() == 6);
}

TEST_CASE("a file that cannot be written is refused by name", "[io]") {
  CHECK_THROWS_WITH(line_sink("/no/such/file"), Catch::Contains("cannot open /no/such/file"));
}

TEST_CASE("text is quoted for JSON", "[io]") {
  CHECK(json_string("a \"b\" \\ \n \x1f \xc3\xa4") ==
        "\"a \\\"b\\\" \\\\ \\u000a \\u001f \xc3\xa4\"");
  CHECK(json_string("") == "\"\"");
  CHECK(json_string("\x7f\xe2\x82\xac\xf0\x9f\x98\x80") == "\"\x7f\xe2\x82\xac\xf0\x9f\x98\x80\"");
}

TEST_CASE("bytes that are no UTF-8 make valid JSON, too", "[io]") {
  CHECK(json_string("a\xffz") == R"("a\ufffdz")");
  CHECK(json_string("\xe4") == R"("\ufffd")");                     // latin-1
  CHECK(json_string("\xe2\x82") == R"("\ufffd\ufffd")");           // cut off
  CHECK(json_string("\xc0\xaf") == R"("\ufffd\ufffd")");           // longer than needed
  CHECK(json_string("\xed\xa0\x80") == R"("\ufffd\ufffd\ufffd")"); // half of a pair
  CHECK(json_string("\xf4\x90\x80\x80") == R"("\ufffd\ufffd\ufffd\ufffd")");
}
