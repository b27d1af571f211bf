// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request_context.hpp"

#include <charconv>

#include "../base/compile.hpp"

namespace hanami::service::api {

HANAMI_SERVICE_INLINE std::optional<std::uint64_t> request_context::expected_version() const {
  std::string_view tag = message.headers.get("If-Match");
  if (tag.size() < 2 || tag.front() != '"' || tag.back() != '"') {
    return {};
  }
  tag = tag.substr(1, tag.size() - 2);
  std::uint64_t version = 0;
  const auto parsed = std::from_chars(tag.data(), tag.data() + tag.size(), version);
  if (parsed.ec != std::errc() || parsed.ptr != tag.data() + tag.size()) {
    return 0; // no version has this number: it never matches
  }
  return version;
}

} // namespace hanami::service::api
