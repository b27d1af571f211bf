// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <sodium.h>

#include "../../../base/compile.hpp"
#include "../endpoints.hpp"
#include "page.hpp"

namespace hanami::service::api {

namespace detail {

/// A self-contained page that shows the description at `source`.
inline std::string documentation_page(std::string_view source) {
  std::string made;
  std::string_view rest = documentation_text;
  constexpr std::string_view mark = "@source@";
  for (std::size_t at = rest.find(mark); at != std::string_view::npos; at = rest.find(mark)) {
    made += rest.substr(0, at);
    made += source;
    rest.remove_prefix(at + mark.size());
  }
  return made += rest;
}

/// The Content-Security-Policy under which such a page runs its own script and nothing else.
inline std::string documentation_policy(std::string_view page) {
  const auto hash_of = [&](std::string_view begin, std::string_view end) {
    const std::size_t first = page.find(begin) + begin.size();
    const std::string_view text = page.substr(first, page.find(end, first) - first);
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, reinterpret_cast<const unsigned char*>(text.data()), text.size());
    char coded[sodium_base64_ENCODED_LEN(sizeof hash, sodium_base64_VARIANT_ORIGINAL)];
    return std::string("'sha256-") +
           sodium_bin2base64(coded, sizeof coded, hash, sizeof hash,
                             sodium_base64_VARIANT_ORIGINAL) +
           "'";
  };
  return "default-src 'none'; frame-ancestors 'none'; connect-src 'self'; style-src " +
         hash_of("<style>", "</style>") + "; script-src " + hash_of("<script>", "</script>");
}

inline void add_documentation(registry& to, const char* id, const char* path,
                              const std::string& source) {
  endpoint page;
  page.id = id;
  page.method = "GET";
  page.path = path;
  page.tag = "system";
  page.summary = "A page to read the description on, and to try it";
  page.audience = audience::anyone;
  page.response_type = "text/html";
  page.handle = [source](request_context&) {
    answer given;
    given.text = documentation_page(source);
    given.content_type = "text/html; charset=utf-8";
    given.headers.add("Content-Security-Policy", documentation_policy(given.text));
    return given;
  };
  to.add(page);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_documentation_endpoints(registry& to) {
  detail::add_documentation(to, "get_documentation", "/docs", "/v1/openapi.json");
  detail::add_documentation(to, "get_reference_documentation", "/docs/reference",
                            "/v1.0alpha/openapi.json");
}

} // namespace hanami::service::api
