// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/identity.hpp"

/// What a caller may do by its token, beside what the policy says of its role. Paths are those of
/// endpoints, without the first slash.

namespace hanami::service::access {

inline constexpr std::array<std::pair<std::string_view, token_scope>, 5> named_scopes{{
    {"read", token_scope::read},
    {"infer", token_scope::infer},
    {"train", token_scope::train},
    {"write", token_scope::write},
    {"admin", token_scope::admin},
}};

inline std::vector<std::string> scope_names(std::uint8_t scopes) {
  std::vector<std::string> names;
  for (const auto& [name, one] : named_scopes) {
    if ((scopes & static_cast<std::uint8_t>(one)) != 0) {
      names.emplace_back(name);
    }
  }
  return names;
}

/// 0 for a name that is none.
inline std::uint8_t scope_named(std::string_view wanted) {
  for (const auto& [name, one] : named_scopes) {
    if (name == wanted) {
      return static_cast<std::uint8_t>(one);
    }
  }
  return 0;
}

namespace detail {

/// Log-ins, tokens and the second factor are for people.
inline bool is_for_people(std::string_view path) {
  return path.starts_with("v1/me/") || path.starts_with("v1/sessions") || path == "v1.0alpha/token";
}

/// What can be done before there is the second factor that the operator wants.
inline bool serves_enrolment(std::string_view path) {
  return path == "v1/me" || path.starts_with("v1/me/second-factor") ||
         path.starts_with("v1/sessions");
}

/// The scopes of which one is enough.
inline std::uint8_t scopes_for(std::string_view path, std::string_view method) {
  constexpr auto sum = [](auto... scopes) {
    return static_cast<std::uint8_t>((static_cast<unsigned>(scopes) + ... + 0U));
  };
  if (path.ends_with("/socket")) { // what is asked there counts as its own call
    return sum(token_scope::infer, token_scope::train, token_scope::write);
  }
  if (method == "GET") {
    return sum(token_scope::read);
  }
  if (path.ends_with("/infer")) {
    return sum(token_scope::infer, token_scope::write);
  }
  if (path.ends_with("/train") || (path.ends_with("/rows") && method == "POST")) {
    return sum(token_scope::train, token_scope::write);
  }
  return sum(token_scope::write);
}

} // namespace detail

/// Why the token does not permit the call; empty: it does.
inline std::string token_forbids(const identity& caller, std::string_view path,
                                 std::string_view method) {
  if (!caller.robot) {
    return {};
  }
  if (detail::is_for_people(path)) {
    return "an API token cannot do that, whatever its scopes: log in";
  }
  const std::uint8_t enough = detail::scopes_for(path, method);
  if ((caller.scopes & enough) != 0) {
    return {};
  }
  std::string names;
  for (const std::string& name : scope_names(enough)) {
    names += (names.empty() ? "" : " or ") + name;
  }
  return "the API token lacks the scope for that: " + names;
}

/// Whether the caller is to set up a second factor before this call.
inline bool awaits_second_factor(const identity& caller, std::string_view path) {
  return caller.lacks_second_factor && !detail::serves_enrolment(path);
}

} // namespace hanami::service::access
