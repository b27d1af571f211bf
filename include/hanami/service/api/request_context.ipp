// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "request_context.hpp"

#include "../base/compile.hpp"
#include "entity_tags.hpp"

namespace hanami::service::api {

HANAMI_SERVICE_INLINE std::optional<std::uint64_t>
request_context::expected_version(const std::function<std::uint64_t()>& current) const {
  const entity_tags wanted(message.headers.get_all("If-Match"));
  if (!wanted.given() || wanted.any()) {
    return {};
  }
  const std::uint64_t version = current();
  return wanted.match_strongly(version) ? version : 0;
}

} // namespace hanami::service::api
