// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/webhook/signature.hpp>

#include <catch2/catch.hpp>

using namespace hanami::service;
using namespace hanami::service::webhooks;

TEST_CASE("messages are signed as Standard Webhooks says", "[service]") {
  webhook_secret secret;
  for (std::size_t i = 0; i < secret.size(); ++i) {
    secret[i] = static_cast<unsigned char>(i);
  }
  CHECK(shown(secret) == "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
  // What Python's hmac.new(bytes(range(32)), ..., "sha256") gives.
  CHECK(
      signature_of(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})") ==
      "v1,O4Gjv1HqPqsMrjmczoggs/sWA8gZD0VyHG+fLh4+ktI=");
}

TEST_CASE("secrets of webhooks are stored so that only the key of the tokens opens them",
          "[service]") {
  access::secret_key key{};
  key[0] = 1;
  const webhook_secret secret = new_secret();
  CHECK(secret != new_secret());
  const std::string box = sealed(secret, key);
  CHECK(unsealed(box, key) == secret);
  CHECK(sealed(secret, key) != box);
  access::secret_key other = key;
  other[31] = 1;
  CHECK_THROWS_AS(unsealed(box, other), refusal);
  CHECK_THROWS_AS(unsealed(box.substr(1), key), refusal);
  CHECK_THROWS_AS(unsealed("", key), refusal);
}
