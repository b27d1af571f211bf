// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/api/dialect.hpp>
#include <hanami/service/http/problem.hpp>

#include <set>
#include <string>

#include <catch2/catch.hpp>

using namespace hanami::service;

namespace {

constexpr auto last_code = refusal_code::internal;

} // namespace

TEST_CASE("every refusal has a code of its own, a status and the title of that status",
          "[service]") {
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(last_code); ++i) {
    const refusal why(static_cast<refusal_code>(i), "the reason");
    const http::problem shown(why);
    INFO(shown.code());
    CHECK(names.insert(shown.code()).second);
    CHECK(shown.status() >= 400);
    CHECK((shown.status() < 500 || why.code() >= refusal_code::starting));
    const std::string title(http::title_of(shown.status()));
    CHECK(title != "Client Error");
    CHECK(title != "Server Error");
    const http::response sent = http::response_of(shown);
    CHECK(sent.status == shown.status());
    CHECK(sent.content_type == "application/problem+json");
    const json::value document = json::parse(sent.body);
    CHECK(document.at("title") == json::value(title));
    CHECK(document.at("status").to_number<unsigned>() == shown.status());
    CHECK(document.at("code") == json::value(name_of(why.code())));
    CHECK(document.at("detail") == json::value("the reason"));
    const http::response plain = api::response_of(shown, api::dialect::reference);
    CHECK(std::set<unsigned>{400, 401, 404, 409, 500}.count(plain.status) == 1);
    CHECK(plain.body == (plain.status == 500 ? "" : "the reason"));
  }
}

TEST_CASE("a problem lists the faults of values, says when to come again and asks for a token",
          "[service]") {
  refusal busy(refusal_code::busy, "later");
  busy.retry_after_s = 7;
  CHECK(http::response_of(busy).headers.get("Retry-After") == "7");
  CHECK(http::response_of(unauthenticated("who?")).headers.get("WWW-Authenticate") == "Bearer");
  const json::value shown =
      json::parse(http::response_of(invalid_value_at("/inputs/x", "is too long")).body);
  CHECK(shown.at("detail") == json::value("/inputs/x: is too long"));
  CHECK(shown.at("errors").at(0).at("pointer") == json::value("/inputs/x"));
  CHECK(shown.at("errors").at(0).at("detail") == json::value("is too long"));
}

TEST_CASE("clients learn of refusals and problems, and of nothing else that is thrown",
          "[service]") {
  const auto known = [](const auto& thrown) {
    return http::problem_of(std::make_exception_ptr(thrown));
  };
  CHECK(known(conflict("no"))->status() == 409);
  CHECK(known(http::problem(http::transport_fault::body_too_large, "no"))->status() == 413);
  CHECK_FALSE(known(std::runtime_error("a secret")));
  CHECK_FALSE(known(1));
  CHECK(http::internal_problem().status() == 500);
}
