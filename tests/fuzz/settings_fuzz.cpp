// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/service/access/policy.ipp>
#include <hanami/service/access/token.ipp>
#include <hanami/service/base/settings.ipp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

// Whatever the text, a policy and a configuration are refused as a whole, with the reason, or read;
// and no text is a token but one that was signed. The first byte chooses.

namespace {

using namespace hanami::service;

void expect(bool good) {
  if (!good) {
    std::abort();
  }
}

void expect_place(const hanami::error& why) {
  expect(static_cast<hanami::errc>(why.code().value()) == hanami::errc::invalid_argument);
  expect(std::string_view(why.what()).find("a_file:") != std::string_view::npos);
}

void try_policy(std::string_view text) {
  try {
    const access::policy read = access::policy::parse(text, "a_file");
    for (const auto& role : read.roles()) {
      expect(!role.empty() && role != "*");
    }
    read.allows("v1/clusters/{cluster_id}", "GET", "member");
  } catch (const hanami::error& why) {
    expect_place(why);
  }
}

void try_config(std::string_view text) {
  static const setting_map standard = list_config({});
  server_config config;
  try {
    read_config_text(config, text, "a_file");
  } catch (const hanami::error& why) {
    expect_place(why);
    expect(list_config(config) == standard);
    return;
  }
  const setting_map read = list_config(config);
  server_config again;
  for (const auto& [name, value] : read) { // what is shown is accepted
    set_config(again, name, value);
  }
  expect(list_config(again) == read);
}

void try_token(std::string_view text) {
  static constexpr access::secret_key key{1, 2, 3};
  static const std::string good = access::sign_token({"id", "user", "project", 1, 0, 1000}, key);
  expect(!access::check_token(text, key, 500) || text == good);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes + 1), size - 1);
  switch (bytes[0] % 3) {
  case 0:
    try_policy(text);
    break;
  case 1:
    try_config(text);
    break;
  default:
    try_token(text);
  }
  return 0;
}
