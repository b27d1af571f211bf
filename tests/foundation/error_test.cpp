// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>

#include <iterator>
#include <set>
#include <string>
#include <system_error>

#include <catch2/catch.hpp>

using namespace hanami;

namespace {
constexpr errc all_codes[] = {errc::invalid_template,    errc::invalid_argument,
                              errc::invalid_data,        errc::invalid_checkpoint,
                              errc::unsupported_version, errc::file_error,
                              errc::out_of_memory,       errc::queue_full,
                              errc::cancelled,           errc::unsupported_machine};
} // namespace

TEST_CASE("every error code has a message of its own", "[foundation]") {
  std::set<std::string> messages;
  for (const errc value : all_codes) {
    const std::error_code code = value; // converts without help
    CHECK(code);
    CHECK(code.category() == error_category());
    CHECK(code.message() != "unknown error");
    messages.insert(code.message());
  }
  CHECK(messages.size() == std::size(all_codes));
  CHECK(std::string(error_category().name()) == "hanami");
  CHECK(error_category().message(0) == "unknown error");
  CHECK(error_category().message(1000) == "unknown error");
}

TEST_CASE("error codes compare with their names and with nobody else's", "[foundation]") {
  const std::error_code code = errc::file_error;
  CHECK(code == errc::file_error);
  CHECK(code != errc::invalid_data);
  CHECK(code != std::error_code(code.value(), std::generic_category()));
  CHECK(!std::error_code());
}

TEST_CASE("error codes of another shared library compare by what they say", "[foundation]") {
  struct other_library final : std::error_category {
    const char* name() const noexcept override { return "hanami"; }
    std::string message(int) const override { return ""; }
  };
  const other_library category;
  const std::error_code code(static_cast<int>(errc::queue_full), category);
  CHECK(code == errc::queue_full);
  CHECK(errc::queue_full == code);
  CHECK(code != errc::cancelled);
  CHECK(code == make_error_code(errc::queue_full).default_error_condition());
  CHECK(code != make_error_code(errc::cancelled).default_error_condition());
}

TEST_CASE("an error is a system error that says exactly what it was told", "[foundation]") {
  try {
    throw error(errc::invalid_data, "row 3: expected a number");
  } catch (const std::system_error& caught) {
    CHECK(caught.code() == errc::invalid_data);
    CHECK(std::string(caught.what()) == "row 3: expected a number");
  }
}
