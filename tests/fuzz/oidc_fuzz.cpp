// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/access/oidc/id_token.hpp>
#include <hanami/service/access/oidc/key_set.ipp>
#include <hanami/service/access/oidc/pending.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

// Whatever a provider or a browser sends, it is refused as a whole or taken; no token is good whose
// key nobody has, and no cookie that was not made here. The first byte chooses.

namespace {

using namespace hanami::service;
using namespace hanami::service::access::oidc;

void expect(bool good) {
  if (!good) {
    std::abort();
  }
}

void try_token(std::string_view text) {
  // From RFC 8037, appendix A.2; whose private key the corpus does not use.
  static const std::vector<public_key> keys = read_key_set(
      R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})");
  expect(keys.size() == 1);
  try {
    const signed_text read = take_apart(text);
    expect(read.text.size() < text.size());
    for (const public_key& each : keys_for(read, keys)) {
      expect(!is_signed_by(read, each));
    }
    expect_claims(read, {"issuer", "client", "nonce", "token", 1, 2});
  } catch (const refusal& why) {
    expect(why.code() == refusal_code::unauthenticated);
  }
}

void try_keys(std::string_view text) {
  try {
    for (const public_key& each : read_key_set(text)) {
      expect(each.handle != nullptr);
    }
  } catch (const refusal& why) {
    expect(why.code() == refusal_code::invalid_data);
  }
}

void try_cookie(std::string_view text) {
  static const access::secret_key key{1, 2, 3};
  expect(!unsealed(text, key, 0));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 3) {
  case 0:
    try_token(text);
    break;
  case 1:
    try_keys(text);
    break;
  default:
    try_cookie(text);
  }
  return 0;
}
