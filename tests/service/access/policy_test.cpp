// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/policy.hpp>

#include <random>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service::access;
using service::all_scopes;
using service::identity;
using service::token_scope;
using service_test::failure_of;
using service_test::holds;

namespace {

const std::string sample = R"(# who may do what
v1.0alpha/cluster
- GET: admin, member, viewer
- POST : admin,member   # and nobody else
v1.0alpha/cluster/all
  - GET:
      admin,
      member
v1/clusters/{cluster_id}
- GET: *
v1/clusters/*
- GET: admin
- DELETE: admin
v1/*
- PATCH: some_role_2
)";

/// The place that an error names: "line:column".
std::string place_of(const std::string& text) {
  const auto why = failure_of([&] { policy::parse(text, "rules"); });
  if (why.first != errc::invalid_argument || !why.second.starts_with("rules:")) {
    return why.second;
  }
  return why.second.substr(6, why.second.find(": expected") - 6);
}

} // namespace

TEST_CASE("a policy allows what it says and nothing else", "[service]") {
  const policy rules = policy::parse(sample, "rules");
  REQUIRE(rules.allows("v1.0alpha/cluster", "GET", "viewer"));
  REQUIRE(rules.allows("v1.0alpha/cluster", "POST", "member"));
  REQUIRE_FALSE(rules.allows("v1.0alpha/cluster", "POST", "viewer"));
  REQUIRE_FALSE(rules.allows("v1.0alpha/cluster", "DELETE", "admin"));
  REQUIRE_FALSE(rules.allows("v1.0alpha/cluster", "get", "admin"));
  REQUIRE(rules.allows("v1.0alpha/cluster/all", "GET", "member"));
  REQUIRE_FALSE(rules.allows("v1.0alpha/cluster/all", "GET", "viewer"));
  REQUIRE_FALSE(rules.allows("v1.0alpha/other", "GET", "admin"));
  REQUIRE_FALSE(rules.allows("", "GET", "admin"));
  REQUIRE_FALSE(rules.allows("v1.0alpha/cluster", "GET", ""));
  REQUIRE(rules.roles() ==
          std::set<std::string, std::less<>>{"admin", "member", "some_role_2", "viewer"});
}

TEST_CASE("of paths that fit the longest counts, alone", "[service]") {
  const policy rules = policy::parse(sample, "rules");
  REQUIRE(rules.allows("v1/clusters/{cluster_id}", "GET", "anybody"));
  REQUIRE_FALSE(rules.allows("v1/clusters/{cluster_id}", "DELETE", "admin"));
  REQUIRE(rules.allows("v1/clusters/{cluster_id}/tasks", "DELETE", "admin"));
  REQUIRE_FALSE(rules.allows("v1/clusters/{cluster_id}/tasks", "PATCH", "some_role_2"));
  REQUIRE(rules.allows("v1/datasets", "PATCH", "some_role_2"));
  REQUIRE(rules.allows("v1/clusters", "PATCH", "some_role_2")); // not below itself
  REQUIRE_FALSE(rules.allows("v1", "PATCH", "some_role_2"));
  REQUIRE_FALSE(rules.allows("v10/datasets", "PATCH", "some_role_2"));
  REQUIRE_FALSE(rules.allows("v1/*", "GET", "admin"));
  REQUIRE_FALSE(rules.allows("v1/datasets", "PATCH", "*"));
}

TEST_CASE("the built-in policy has three roles", "[service]") {
  const policy rules = policy::parse(policy::built_in(), "built in");
  REQUIRE(rules.roles() == std::set<std::string, std::less<>>{"admin", "member", "viewer"});
  for (const char* path : {"v1/clusters", "v1/clusters/{cluster_id}/train", "v1.0alpha/cluster"}) {
    for (const char* method : {"GET", "POST", "PUT", "DELETE"}) {
      CAPTURE(path, method);
      REQUIRE(rules.allows(path, method, "admin"));
      REQUIRE(rules.allows(path, method, "member"));
      REQUIRE(rules.allows(path, method, "viewer") == (std::string(method) == "GET"));
    }
  }
  for (const char* role : {"admin", "member", "viewer"}) {
    REQUIRE(rules.allows("v1/clusters/{cluster_id}/infer", "POST", role));
    REQUIRE(rules.allows("v1/sessions/current", "DELETE", role));
    REQUIRE(rules.allows("v1/me/password", "PUT", role));
    REQUIRE(rules.allows("v1/me", "GET", role));
    REQUIRE(rules.allows("v1.0alpha/token", "PUT", role));
  }
  REQUIRE_FALSE(rules.allows("v1/clusters/{cluster_id}/infer", "POST", "other"));
}

TEST_CASE("a caller may do what role, token and second factor permit together", "[service]") {
  const policy rules = policy::parse(policy::built_in(), "built in");
  identity caller;
  caller.role = "member";
  const auto may = [&](const char* method, const char* path) {
    return rules.allows(path, method, caller);
  };
  CHECK(may("GET", "v1/clusters"));
  CHECK(may("POST", "v1/clusters"));
  CHECK(may("POST", "v1/me/tokens"));
  caller.lacks_second_factor = true;
  CHECK_FALSE(may("GET", "v1/clusters"));
  CHECK_FALSE(may("GET", "v1/clusters/{cluster_id}/socket"));
  CHECK_FALSE(may("POST", "v1/me/tokens"));
  CHECK(may("GET", "v1/me"));
  CHECK(may("POST", "v1/me/second-factor/confirm"));
  CHECK(may("DELETE", "v1/sessions/current"));
  caller.lacks_second_factor = false;
  caller.robot = true;
  CHECK(may("POST", "v1/clusters"));
  CHECK_FALSE(may("POST", "v1/me/tokens")); // whatever its scopes
  caller.scopes = static_cast<std::uint8_t>(token_scope::infer);
  CHECK(may("GET", "v1/clusters/{cluster_id}/socket"));
  CHECK(may("POST", "v1/clusters/{cluster_id}/infer"));
  CHECK_FALSE(may("POST", "v1/clusters/{cluster_id}/train"));
  CHECK_FALSE(may("GET", "v1/clusters"));
  caller.scopes = all_scopes;
  caller.role = "viewer"; // a token gives no more than the user has
  CHECK_FALSE(may("POST", "v1/clusters"));
}

TEST_CASE("faults of a policy are named with their place", "[service]") {
  REQUIRE(place_of("") == "none"); // which denies all
  REQUIRE(place_of("# only words") == "none");
  REQUIRE(place_of("v1/a") == "1:5");
  REQUIRE(place_of("v1/a\nv1/b\n- GET: a") == "2:1");
  REQUIRE(place_of("/v1/a\n- GET: a") == "1:1");
  REQUIRE(place_of("v1//a\n- GET: a") == "1:1");
  REQUIRE(place_of("v1/../a\n- GET: a") == "none"); // matches no endpoint
  REQUIRE(place_of("v1/a/\n- GET: a") == "1:1");
  REQUIRE(place_of("v1/*/a\n- GET: a") == "1:1");
  REQUIRE(place_of("*\n- GET: a") == "1:1");
  REQUIRE(place_of("v1/{}\n- GET: a") == "1:1");
  REQUIRE(place_of("v1/{a\n- GET: a") == "1:1");
  REQUIRE(place_of("v1/a\n-GET: a") == "2:1");
  REQUIRE(place_of("v1/a\n- get: a") == "2:3");
  REQUIRE(place_of("v1/a\n- HEAD: a") == "2:3");
  REQUIRE(place_of("v1/a\n- GET a") == "2:7");
  REQUIRE(place_of("v1/a\n- GET:") == "2:7");
  REQUIRE(place_of("v1/a\n- GET: a,") == "2:10");
  REQUIRE(place_of("v1/a\n- GET: a b") == "2:10");
  REQUIRE(place_of("v1/a\n- GET: a, b-c") == "2:11");
  REQUIRE(place_of("v1/a\n- GET: a, **") == "2:11");
  REQUIRE(place_of("v1/a\n- GET: a v1/b\n- GET: a") == "2:10");
  REQUIRE(place_of("v1/a\n- GET: a\n- GET: b") == "3:3");
  REQUIRE(place_of("v1/a\n- GET: a\nv1/b\n- GET: a\nv1/a\n- POST: a") == "5:1");
  REQUIRE(place_of("v1/*\n- GET: a\nv1/*\n- POST: a") == "3:1");
  REQUIRE(place_of("v1/a\r\n- GET: a\r\n") == "none");
  const auto why = failure_of([] { policy::parse("v1/a\n- POST: a?", "rules"); });
  REQUIRE(holds(why.second, "letters, digits and _"));
  REQUIRE(holds(why.second, "'a?'"));
}

TEST_CASE("any text is a policy or refused", "[service]") {
  std::mt19937 random(3);
  const std::string_view pieces[] = {"v1/a", "\n", "- ", "GET", ":", "admin", ",",  "*",
                                     "#",    " ",  "/*", "{x}", "/", "-",     "\t", "POST"};
  int good = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = i % 2 == 0 ? "" : sample;
    for (auto k = random() % 12; k > 0; --k) {
      const std::size_t at = random() % (text.size() + 1);
      switch (random() % 3) {
      case 0:
        text.insert(at, pieces[random() % std::size(pieces)]);
        break;
      case 1:
        text.insert(at, 1, static_cast<char>(random()));
        break;
      default:
        text.erase(at, random() % 4);
      }
    }
    const auto why = failure_of([&] { policy::parse(text, "rules"); });
    good += why.second == "none" ? 1 : 0;
    REQUIRE((why.second == "none" || why.first == errc::invalid_argument));
  }
  REQUIRE(good > 1000);
  REQUIRE(good < 19'000);
}
