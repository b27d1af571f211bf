// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "../base/json.hpp"
#include "endpoint.hpp"

namespace hanami::service::api {

/// All endpoints, found by method and path. Filled once, then read from any thread.
class registry {
 public:
  /// Throws `errc::invalid_argument` for duplicates, and for invalid ones: names in the path
  /// without a description, clashing names.
  void add(endpoint added);

  struct match {
    const endpoint* found = nullptr;
    json::object path_values; ///< as text
    std::string allowed;      ///< if none was found: the methods of this path ("GET, POST")
  };
  match find(std::string_view method, std::string_view path) const;

  const std::vector<std::unique_ptr<endpoint>>& all() const noexcept { return endpoints_; }

 private:
  std::vector<std::unique_ptr<endpoint>> endpoints_;
  std::vector<std::vector<std::string>> segments_; ///< of each endpoint's path
};

} // namespace hanami::service::api
