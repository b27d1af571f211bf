// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/password.hpp>

#include <set>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

using namespace hanami::service::access;

TEST_CASE("a hash fits its password alone", "[service]") {
  const std::string passwords[] = {"correct horse", "", std::string("a\0b", 3),
                                   std::string(4096, 'x'), "\xff\xfe"};
  for (const std::string& password : passwords) {
    const std::string hash = hash_password(password, true);
    REQUIRE(password_matches(password, hash));
    REQUIRE_FALSE(password_matches(password + "x", hash));
    REQUIRE_FALSE(password_matches("other", hash));
    REQUIRE(hash_password(password, true) != hash); // salted
    REQUIRE_FALSE(needs_rehash(hash, true));
    REQUIRE(needs_rehash(hash, false));
  }
  REQUIRE_FALSE(password_matches(std::string("a\0c", 3), hash_password({"a\0b", 3}, true)));
}

TEST_CASE("what is no hash fits nothing", "[service]") {
  const std::string hash = hash_password("password", true);
  for (const std::string& broken :
       {std::string(), std::string("x"), hash.substr(0, hash.size() - 1), hash.substr(1),
        std::string("$argon2id$"), std::string(500, '$')}) {
    REQUIRE_FALSE(password_matches("password", broken));
    REQUIRE_FALSE(password_matches("", broken));
  }
  REQUIRE(needs_rehash("", true));
  REQUIRE(needs_rehash("5f4dcc3b5aa765d61d8327deb882cf99", true));
}

TEST_CASE("a hash in full strength is Argon2id with 64 MiB", "[service]") {
  const std::string hash = hash_password("password");
  REQUIRE(hash.starts_with("$argon2id$v=19$m=65536,t=2,p=1$"));
  REQUIRE(password_matches("password", hash));
  REQUIRE_FALSE(needs_rehash(hash));
  REQUIRE_FALSE(needs_rehash(hash, true)); // stronger is not weaker
}

TEST_CASE("many may hash at once, a few at a time", "[service]") {
  std::vector<std::thread> threads;
  std::vector<int> good(8);
  for (int& result : good) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        result += password_matches("a", hash_password("a", true)) ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(good == std::vector<int>(8, 5));
}

TEST_CASE("generated passwords are long, readable and different", "[service]") {
  std::set<std::string> all;
  std::set<char> seen;
  for (int i = 0; i < 500; ++i) {
    const std::string password = generate_password();
    REQUIRE(password.size() == 20);
    all.insert(password);
    seen.insert(password.begin(), password.end());
  }
  REQUIRE(all.size() == 500);
  REQUIRE(seen.size() == 57);
  for (const char c : std::string("0O1lI")) {
    REQUIRE_FALSE(seen.contains(c));
  }
}
