// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/attempt.hpp>

#include <new>
#include <stdexcept>
#include <string>
#include <system_error>

#include <catch2/catch.hpp>

using namespace hanami;

TEST_CASE("an attempt gives the value and clears the code", "[foundation]") {
  std::error_code code = errc::invalid_data;
  std::string message = "old";
  CHECK(detail::attempt(code, &message, [] { return 7; }) == 7);
  CHECK_FALSE(code);
  CHECK(message == "old");
  bool done = false;
  code = errc::invalid_data;
  detail::attempt(code, nullptr, [&] { done = true; });
  CHECK(done);
  CHECK_FALSE(code);
}

TEST_CASE("an attempt that fails gives nothing but code and message", "[foundation]") {
  std::error_code code;
  std::string message;
  const auto fail = []() -> int { throw error(errc::file_error, "the disk is gone"); };
  CHECK_FALSE(detail::attempt(code, &message, fail));
  CHECK(code == errc::file_error);
  CHECK(message == "the disk is gone");
  code.clear();
  CHECK_FALSE(detail::attempt(code, nullptr, fail));
  CHECK(code == errc::file_error);
  detail::attempt(code, &message, [] { throw std::bad_alloc(); });
  CHECK(code == errc::out_of_memory);
  CHECK(message == "not enough memory");
}

TEST_CASE("an attempt passes on what is no error of the library", "[foundation]") {
  std::error_code code;
  CHECK_THROWS_AS(detail::attempt(code, nullptr, [] { throw std::logic_error("a bug"); }),
                  std::logic_error);
}
