// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/oidc/id_token.hpp>
#include <hanami/service/access/oidc/key_set.hpp>
#include <hanami/service/access/oidc/provider.hpp>

#include <openssl/hmac.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "service/support/refusal_of.hpp"
#include "service/support/token_signer.hpp"

/// Tokens, keys and descriptions of providers, honest and not.

using namespace hanami::service;
using namespace hanami::service::access::oidc;
using server_test::base64url;
using server_test::key_set_of;
using server_test::token_signer;
using service_test::refusal_of;

namespace {

constexpr std::int64_t now = 1'800'000'000;

json::object good_claims() {
  return {{"iss", "https://provider.example"},
          {"sub", "248289761001"},
          {"aud", "lab"},
          {"nonce", "n-0S6"},
          {"exp", now + 300},
          {"iat", now}};
}

expected_token good_words() {
  return {"https://provider.example", "lab", "n-0S6", "an access token", now - 5, now};
}

json::object with(const std::function<void(json::object&)>& change) {
  json::object claims = good_claims();
  change(claims);
  return claims;
}

/// Whether a token holds, as `provider` decides it.
bool holds(const std::string& token, const std::vector<public_key>& keys) {
  const signed_text read = take_apart(token);
  for (const public_key& each : keys_for(read, keys)) {
    if (is_signed_by(read, each)) {
      return true;
    }
  }
  return false;
}

/// Why the claims are refused; empty: they are not.
std::string trouble_with(const json::object& claims, const expected_token& wanted = good_words()) {
  static const token_signer key("EdDSA", "one");
  const std::string token = key.sign(claims);
  const signed_text read = take_apart(token);
  try {
    expect_claims(read, wanted);
    return {};
  } catch (const refusal& why) {
    CHECK(why.code() == refusal_code::unauthenticated);
    return why.what();
  }
}

std::string hs256(const std::string& text, const std::string& secret) {
  unsigned char code[32];
  unsigned size = sizeof code;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), code, &size);
  return base64url({reinterpret_cast<const char*>(code), size});
}

} // namespace

TEST_CASE("what a key of the provider has signed holds, by each of four algorithms", "[service]") {
  for (const char* algorithm : {"RS256", "PS256", "ES256", "EdDSA"}) {
    INFO(algorithm);
    const token_signer key(algorithm, "one");
    const token_signer other(algorithm, "one");
    const std::vector<public_key> keys = read_key_set(key_set_of({key.jwk()}));
    REQUIRE(keys.size() == 1);
    const std::string token = key.sign(good_claims());
    CHECK(holds(token, keys));
    CHECK(take_apart(token).claims == good_claims());
    CHECK(holds(key.sign(good_claims(), {{"kid", nullptr}}), keys));
    CHECK_FALSE(holds(key.sign(good_claims(), {{"kid", "another"}}), keys));
    CHECK_FALSE(holds(other.sign(good_claims()), keys));
    // Other claims below the same signature, another signature below the same claims.
    const std::size_t first = token.find('.');
    const std::size_t last = token.rfind('.');
    CHECK_FALSE(
        holds(token.substr(0, first + 1) +
                  base64url(json::serialize(with([](json::object& c) { c["sub"] = "1"; }))) +
                  token.substr(last),
              keys));
    CHECK_FALSE(holds(token.substr(0, last + 1), keys));
    CHECK_FALSE(holds(token.substr(0, last + 1) + base64url(std::string(64, '\0')), keys));
    CHECK_FALSE(holds(token.substr(0, last + 1) + base64url(std::string(256, '\xff')), keys));
  }
}

TEST_CASE("a token says itself how it is signed, but not everything is believed", "[service]") {
  const token_signer rsa("RS256", "one");
  const token_signer curve("ES256", "two");
  const std::vector<public_key> keys = read_key_set(key_set_of({rsa.jwk(), curve.jwk()}));
  for (const char* algorithm : {"none", "None", "NONE", "", "HS256", "HS384", "HS512", "RS1",
                                "rs256", "RS512", "ES256K", "dir"}) {
    INFO(algorithm);
    CHECK(refusal_of([&] {
            take_apart(rsa.sign(good_claims(), {{"alg", algorithm}}));
          }) == refusal_code::unauthenticated);
  }
  // The public key taken for a secret.
  const std::string text =
      base64url(R"({"alg":"HS256","kid":"one"})") + '.' + base64url(json::serialize(good_claims()));
  const std::string secret = json::serialize(rsa.jwk());
  CHECK(refusal_of([&] { take_apart(text + '.' + hs256(text, secret)); }) ==
        refusal_code::unauthenticated);
  CHECK(refusal_of([&] {
          take_apart(base64url(R"({"alg":"none"})") + '.' +
                     base64url(json::serialize(good_claims())) + '.');
        }) == refusal_code::unauthenticated);
  // One key's token under another kind, or under another algorithm than the key is for.
  CHECK_FALSE(holds(rsa.sign(good_claims(), {{"alg", "ES256"}, {"kid", "two"}}), keys));
  CHECK_FALSE(holds(rsa.sign(good_claims(), {{"alg", "PS256"}}), keys));
  CHECK_FALSE(holds(curve.sign(good_claims(), {{"alg", "RS256"}, {"kid", "one"}}), keys));
  // A key that the token brings along.
  CHECK_FALSE(holds(token_signer("RS256", "one").sign(good_claims(), {{"jwk", rsa.jwk()}}), keys));
  CHECK(refusal_of([&] {
          take_apart(rsa.sign(good_claims(), {{"crit", json::array{"b64"}}, {"b64", false}}));
        }) == refusal_code::unauthenticated);
}

TEST_CASE("what is no token is refused", "[service]") {
  const std::string head = base64url(R"({"alg":"RS256"})");
  const std::string body = base64url("{}");
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string("..."), head + '.' + body,
        head + '.' + body + ".a.b", head + ".." + body, head + '.' + body + ".*",
        head + "=." + body + ".AA", base64url("[]") + '.' + body + ".AA",
        base64url("{") + '.' + body + ".AA", head + '.' + base64url("1") + ".AA",
        head + '.' + base64url(R"({"sub":"1","sub":"2"})") + ".AA",
        head + '.' + base64url(std::string(100'000, ' ')) + ".AA",
        head + '.' + base64url(std::string(40, '[') + std::string(40, ']')) + ".AA"}) {
    INFO(bad.substr(0, 80));
    CHECK(refusal_of([&] { take_apart(bad); }) == refusal_code::unauthenticated);
  }
}

TEST_CASE("of a set of keys those are taken that can sign log-ins", "[service]") {
  const json::object good = token_signer("RS256", "one").jwk();
  const auto left = [](json::object key, const std::function<void(json::object&)>& change) {
    change(key);
    return read_key_set(key_set_of({std::move(key)})).size();
  };
  CHECK(left(good, [](json::object&) {}) == 1);
  CHECK(left(good, [](json::object& k) { k.erase("use"); }) == 1);
  CHECK(left(good, [](json::object& k) { k["use"] = "enc"; }) == 0);
  CHECK(left(good, [](json::object& k) { k["kty"] = "oct"; }) == 0);
  CHECK(left(good, [](json::object& k) { k.erase("n"); }) == 0);
  CHECK(left(good, [](json::object& k) { k["n"] = "*"; }) == 0);
  CHECK(left(good, [](json::object& k) { k["e"] = "AQ"; }) == 0);   // 1
  CHECK(left(good, [](json::object& k) { k["e"] = "AQAA"; }) == 0); // even
  CHECK(left(good, [](json::object& k) { k["e"] = k["n"]; }) == 0); // slow
  CHECK(left(good, [](json::object& k) { k["n"] = std::string(4000, 'A') + "AQ"; }) == 0);
  CHECK(left(good, [](json::object& k) { k["n"] = std::string(4000, '_'); }) == 0);
  CHECK(left(token_signer("RS256", "one", 1024).jwk(), [](json::object&) {}) == 0);
  const json::object curve = token_signer("ES256", "two").jwk();
  CHECK(left(curve, [](json::object&) {}) == 1);
  CHECK(left(curve, [](json::object& k) { k["crv"] = "P-384"; }) == 0);
  CHECK(left(curve, [](json::object& k) { k["x"] = k["y"]; }) == 0); // not on the curve
  CHECK(left(curve, [](json::object& k) { k["x"] = "AA"; }) == 0);
  const json::object edwards = token_signer("EdDSA", "three").jwk();
  CHECK(left(edwards, [](json::object&) {}) == 1);
  CHECK(left(edwards, [](json::object& k) { k["crv"] = "X25519"; }) == 0);
  CHECK(read_key_set(key_set_of(std::vector<json::object>(150, good))).size() == 100);
  CHECK(read_key_set(R"({"keys":[1,null,"x",{}]})").empty());
  for (const char* bad : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[)", "<html>"}) {
    CHECK(refusal_of([&] { read_key_set(bad); }) == refusal_code::invalid_data);
  }
}

TEST_CASE("a token is for this issuer, this client, this log-in and this time", "[service]") {
  CHECK(trouble_with(good_claims()).empty());
  using claims = json::object&;
  const auto refused = [](const std::function<void(json::object&)>& change) {
    return !trouble_with(with(change)).empty();
  };
  CHECK(refused([](claims c) { c["iss"] = "https://provider.example/"; }));
  CHECK(refused([](claims c) { c.erase("iss"); }));
  CHECK(refused([](claims c) { c["aud"] = "other"; }));
  CHECK(refused([](claims c) { c["aud"] = json::array{"other"}; }));
  CHECK(refused([](claims c) { c["aud"] = json::array{"lab", "other"}; }));
  CHECK(refused([](claims c) { c["azp"] = "other"; }));
  CHECK(refused([](claims c) { c["azp"] = 1; }));
  CHECK(refused([](claims c) { c.erase("aud"); }));
  CHECK_FALSE(refused([](claims c) { c["aud"] = json::array{"lab"}; }));
  CHECK_FALSE(refused([](claims c) {
    c["aud"] = json::array{"other", "lab"};
    c["azp"] = "lab";
  }));
  CHECK(refused([](claims c) { c["nonce"] = "another"; }));
  CHECK(refused([](claims c) { c.erase("nonce"); }));
  CHECK(refused([](claims c) { c["exp"] = now - 61; }));
  CHECK_FALSE(refused([](claims c) { c["exp"] = now - 59; }));
  CHECK_FALSE(refused([](claims c) { c["exp"] = static_cast<double>(now) + 0.5; }));
  CHECK(refused([](claims c) { c["exp"] = "never"; }));
  CHECK(refused([](claims c) { c["exp"] = 1e300; }));
  CHECK(refused([](claims c) { c.erase("exp"); }));
  CHECK(refused([](claims c) { c["iat"] = now + 61; }));
  CHECK(refused([](claims c) { c["iat"] = now - 5 - 61; })); // before the log-in began
  CHECK_FALSE(refused([](claims c) { c["iat"] = now + 59; }));
  CHECK(refused([](claims c) { c.erase("iat"); }));
  CHECK(refused([](claims c) { c["nbf"] = now + 61; }));
  CHECK(refused([](claims c) { c.erase("sub"); }));
  CHECK(refused([](claims c) { c["sub"] = ""; }));
  CHECK(refused([](claims c) { c["sub"] = 7; }));
  CHECK(refused([](claims c) { c["sub"] = std::string(256, 's'); }));
  CHECK_FALSE(refused(
      [](claims c) { c["at_hash"] = half_hash(signature_kind::eddsa, "an access token"); }));
  CHECK(refused(
      [](claims c) { c["at_hash"] = half_hash(signature_kind::eddsa, "another access token"); }));
  CHECK(refused([](claims c) { c["at_hash"] = nullptr; }));
  expected_token without_nonce = good_words();
  without_nonce.nonce.clear();
  CHECK_FALSE(trouble_with(with([](claims c) { c["nonce"] = ""; }), without_nonce).empty());
}

TEST_CASE("hashes of access tokens and challenges are those of the standards", "[service]") {
  // RFC 7636, appendix B; OpenID Connect Core 1.0, appendix A.3 and A.6.
  CHECK(challenge_of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") ==
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
  CHECK(half_hash(signature_kind::rs256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") ==
        "77QmUPtjPfzWtF2AnpK9RQ");
  CHECK(in_query("a b&c=d/\xc3\xa4~") == "a%20b%26c%3Dd%2F%C3%A4~");
}

TEST_CASE("what a provider says of itself is taken only as a whole", "[service]") {
  const std::string issuer = "https://provider.example";
  const auto said = [&](const std::function<void(json::object&)>& change) {
    json::object all{{"issuer", issuer},
                     {"authorization_endpoint", issuer + "/authorize"},
                     {"token_endpoint", issuer + "/token"},
                     {"jwks_uri", issuer + "/keys"},
                     {"userinfo_endpoint", issuer + "/userinfo"}};
    change(all);
    return json::serialize(all);
  };
  const auto refused = [&](const std::function<void(json::object&)>& change) {
    return refusal_of([&] { read_metadata(said(change), issuer); }) == refusal_code::invalid_data;
  };
  const provider_metadata read = read_metadata(said([](json::object&) {}), issuer);
  CHECK(read.token_endpoint == issuer + "/token");
  CHECK_FALSE(read.secret_in_body);
  CHECK_FALSE(read.names_itself);
  using all = json::object&;
  CHECK(read_metadata(said([](all a) {
                        a["token_endpoint_auth_methods_supported"] =
                            json::array{"client_secret_post", "private_key_jwt"};
                        a["authorization_response_iss_parameter_supported"] = true;
                      }),
                      issuer)
            .secret_in_body);
  CHECK_FALSE(refused([](all a) { a.erase("userinfo_endpoint"); }));
  CHECK(refused([](all a) { a["issuer"] = "https://evil.example"; }));
  CHECK(refused([](all a) { a["issuer"] = "https://provider.example/"; }));
  CHECK(refused([](all a) { a.erase("issuer"); }));
  CHECK(refused([](all a) { a.erase("jwks_uri"); }));
  CHECK(refused([](all a) { a["token_endpoint"] = "http://provider.example/token"; }));
  CHECK(refused([](all a) { a["jwks_uri"] = "file:///etc/passwd"; }));
  CHECK(refused([](all a) { a["authorization_endpoint"] = "javascript:alert(1)"; }));
  CHECK(refused([](all a) { a["authorization_endpoint"] = "https://a.example/#x"; }));
  CHECK(
      refused([](all a) { a["authorization_endpoint"] = "https://a.example/\r\nSet-Cookie: x"; }));
  CHECK(refused([](all a) { a["token_endpoint"] = 1; }));
  CHECK(refusal_of([&] { read_metadata("<html>", issuer); }) == refusal_code::invalid_data);
  CHECK(refusal_of([&] { read_metadata("[]", issuer); }) == refusal_code::invalid_data);
}

TEST_CASE("a claim is found by its name, and inside others", "[service]") {
  const json::object claims{{"groups", json::array{"a"}},
                            {"https://lab.example/role", "x"},
                            {"realm_access", json::object{{"roles", json::array{"b"}}}}};
  CHECK(*claim_at(claims, "groups") == json::value(json::array{"a"}));
  CHECK(*claim_at(claims, "https://lab.example/role") == json::value("x"));
  CHECK(*claim_at(claims, "realm_access.roles") == json::value(json::array{"b"}));
  CHECK(claim_at(claims, "realm_access.roles.more") == nullptr);
  CHECK(claim_at(claims, "groups.x") == nullptr);
  CHECK(claim_at(claims, "none") == nullptr);
}
