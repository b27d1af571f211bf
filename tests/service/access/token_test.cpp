// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/sodium.hpp>
#include <hanami/service/access/token.hpp>
#include <hanami/service/base/json.hpp>

#include <fstream>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "../support/service_bench.hpp"

using namespace hanami;
using namespace hanami::service::access;
using service_test::failure_of;
using service_test::holds;

namespace {

constexpr std::int64_t now = 1'000'000;

secret_key key_of(unsigned char fill) {
  secret_key key;
  key.fill(fill);
  return key;
}

token_claims some_claims() { return {"3f.abc", "ann@example.org", "reds", 77, now - 10, now + 10}; }

std::string coded(const std::string& text) {
  return service::access::detail::to_base64url(service::access::detail::bytes_of(text),
                                               text.size());
}

/// A token of any header and payload with a right signature.
std::string forge(const std::string& header, const std::string& payload, const secret_key& key) {
  const std::string text = coded(header) + "." + coded(payload);
  unsigned char code[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256(code, service::access::detail::bytes_of(text), text.size(), key.data());
  return text + "." + service::access::detail::to_base64url(code, sizeof code);
}

const std::string header = R"({"alg":"HS256","typ":"JWT"})";
const std::string payload =
    R"({"iss":"hanami","jti":"a","sub":"b","project":"c","gen":1,"iat":1,"exp":2000000})";

std::string with(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

} // namespace

TEST_CASE("a token says what was signed, until it expires", "[service]") {
  const secret_key key = key_of(1);
  for (const std::string& text : service_test::nasty_texts) {
    token_claims claims = some_claims();
    claims.id = claims.user_id = claims.project_id = text;
    const std::string token = sign_token(claims, key);
    const auto read = check_token(token, key, now);
    REQUIRE(read);
    REQUIRE(read->id == text);
    REQUIRE(read->user_id == text);
    REQUIRE(read->project_id == text);
    REQUIRE(read->token_series == 77);
    REQUIRE(read->issued_at == now - 10);
    REQUIRE(read->expires == now + 10);
    REQUIRE(check_token(token, key, now + 9));
    REQUIRE_FALSE(check_token(token, key, now + 10));
    REQUIRE_FALSE(check_token(token, key_of(2), now));
  }
}

TEST_CASE("a token is that of RFC 7515's HS256", "[service]") {
  // Appendix A.1 of the RFC: its key is longer than ours may be, so the code itself is compared.
  const std::string text =
      "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh"
      "0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  unsigned char key[64];
  REQUIRE(service::access::detail::from_base64url(
              "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4"
              "hcgUuTwjAzZr1Z9CAow",
              key, sizeof key) == 64);
  crypto_auth_hmacsha256_state state;
  unsigned char code[crypto_auth_hmacsha256_BYTES];
  crypto_auth_hmacsha256_init(&state, key, sizeof key);
  crypto_auth_hmacsha256_update(&state, service::access::detail::bytes_of(text), text.size());
  crypto_auth_hmacsha256_final(&state, code);
  REQUIRE(service::access::detail::to_base64url(code, sizeof code) ==
          "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
  // And a token made by hand from the same parts is one of ours.
  REQUIRE(check_token(forge(header, payload, key_of(1)), key_of(1), now));
}

TEST_CASE("a changed token is none", "[service]") {
  const secret_key key = key_of(1);
  const std::string token = sign_token(some_claims(), key);
  for (std::size_t size = 0; size < token.size(); ++size) {
    REQUIRE_FALSE(check_token(token.substr(0, size), key, now));
    REQUIRE_FALSE(check_token(token.substr(size + 1), key, now));
  }
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = token;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      REQUIRE_FALSE(check_token(changed, key, now));
    }
  }
  std::mt19937 random(5);
  for (int i = 0; i < 5000; ++i) {
    std::string changed = token;
    for (unsigned k = 0; k <= random() % 4; ++k) {
      const std::size_t at = random() % (changed.size() + 1);
      const char c = static_cast<char>(random());
      switch (random() % 4) {
      case 0:
        changed.insert(at, 1, c);
        break;
      case 1:
        changed.erase(at, random() % 5);
        break;
      case 2:
        changed.insert(at, changed.substr(random() % changed.size(), random() % 9));
        break;
      default:
        changed.insert(at, 1, '.');
      }
    }
    if (changed != token) {
      REQUIRE_FALSE(check_token(changed, key, now));
    }
  }
  REQUIRE_FALSE(check_token(std::string(100'000, 'a'), key, now));
  REQUIRE_FALSE(check_token(std::string(2000, '.'), key, now));
}

TEST_CASE("only the one header and the claims of ours are taken, however signed", "[service]") {
  const secret_key key = key_of(1);
  REQUIRE(check_token(forge(header, payload, key), key, now));
  const std::string headers[] = {R"({"alg":"none","typ":"JWT"})",
                                 R"({"alg":"HS512","typ":"JWT"})",
                                 R"({"alg":"HS256"})",
                                 R"({"typ":"JWT","alg":"HS256"})",
                                 "",
                                 "{}"};
  for (const std::string& other : headers) {
    CAPTURE(other);
    REQUIRE_FALSE(check_token(forge(other, payload, key), key, now));
    REQUIRE_FALSE(check_token(coded(other) + "." + coded(payload) + ".", key, now));
  }
  const std::string payloads[] = {
      with(payload, "hanami", "other"),
      with(payload, R"("jti":"a")", R"("jti":1)"),
      with(payload, R"("sub":"b")", R"("sub":null)"),
      with(payload, R"("project":"c",)", ""),
      with(payload, R"("project":"c")", R"("project":{"a":{"b":1}})"),
      with(payload, R"("gen":1)", R"("gen":-1)"),
      with(payload, R"("gen":1)", R"("gen":1.5)"),
      with(payload, R"("gen":1)", R"("gen":18446744073709551615)"),
      with(payload, R"("exp":2000000)", R"("exp":"2000000")"),
      with(payload, R"("exp":2000000)", R"("exp":1e9)"),
      with(payload, R"("iss")", R"("more":1,"iss")"),
      payload + "x",
      "[" + payload + "]",
      std::string(1000, '['),
      "",
      "null",
      "\xff\xfe",
  };
  for (const std::string& other : payloads) {
    CAPTURE(other);
    REQUIRE_FALSE(check_token(forge(header, other, key), key, now));
  }
}

TEST_CASE("a key file is made once, and read as it is", "[service]") {
  scratch_folder folder;
  const std::filesystem::path file = folder.path / "keys" / "token.key";
  const secret_key made = load_or_make_key(file);
  REQUIRE(load_or_make_key(file) == made);
  REQUIRE(load_or_make_key(folder.path / "other") != made);
  struct ::stat status {};
  REQUIRE(::stat(file.c_str(), &status) == 0);
  REQUIRE((status.st_mode & 0777u) == 0600);
  REQUIRE(status.st_size == 32);
  REQUIRE(::stat(file.parent_path().c_str(), &status) == 0);
  REQUIRE((status.st_mode & 0777u) == 0700);

  const auto put = [&](const std::string& text) {
    std::ofstream(folder.path / "given", std::ios::binary) << text;
    return folder.path / "given";
  };
  const std::string exact(32, 'k');
  const secret_key as_is = load_or_make_key(put(exact));
  REQUIRE(std::equal(as_is.begin(), as_is.end(), exact.begin()));
  REQUIRE(load_or_make_key(put(exact + "\n")) != as_is);
  REQUIRE(load_or_make_key(put(std::string(40, 'k'))) !=
          load_or_make_key(put(std::string(41, 'k'))));

  const auto too_short = failure_of([&] { load_or_make_key(put(std::string(31, 'k'))); });
  REQUIRE(too_short.first == errc::invalid_argument);
  REQUIRE(holds(too_short.second, "given"));
  REQUIRE(holds(too_short.second, "32"));
  REQUIRE_FALSE(holds(too_short.second, "kkk"));
  REQUIRE(failure_of([&] { load_or_make_key(put(std::string(70000, 'k'))); }).first ==
          errc::out_of_memory);
  REQUIRE(failure_of([&] { load_or_make_key(folder.path); }).first == errc::file_error);
  REQUIRE(failure_of([&] { load_or_make_key(file / "below"); }).first == errc::file_error);
}

TEST_CASE("those that make a key at once have the same one", "[service]") {
  scratch_folder folder;
  std::vector<secret_key> keys(4);
  std::vector<std::thread> threads;
  for (secret_key& key : keys) {
    threads.emplace_back([&] { key = load_or_make_key(folder.path / "key"); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(std::set<secret_key>(keys.begin(), keys.end()).size() == 1);
  REQUIRE(folder.files() == 1);
}

TEST_CASE("keys of different purposes and numbers differ", "[service]") {
  const secret_key from = key_of(1);
  REQUIRE(derive_key(from, "purpose1") == derive_key(from, "purpose1"));
  const std::set<secret_key> all = {from, derive_key(from, "purpose1"),
                                    derive_key(from, "purpose2"), derive_key(from, "purpose1", 1),
                                    derive_key(key_of(2), "purpose1")};
  REQUIRE(all.size() == 5);
  REQUIRE(failure_of([&] { derive_key(from, "purpose"); }).first == errc::invalid_argument);
  REQUIRE(failure_of([&] { derive_key(from, "purpose12"); }).first == errc::invalid_argument);
}
