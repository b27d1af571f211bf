// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include <catch2/catch.hpp>

#include <hanami/service/base/refusal.hpp>

namespace service_test {

using hanami::service::refusal_code;

inline constexpr auto missing = refusal_code::not_found;
inline constexpr auto forbidden = refusal_code::forbidden;
inline constexpr auto wrong = refusal_code::invalid_value;
inline constexpr auto in_the_way = refusal_code::conflict;

/// Code of the `refusal` that `work` ends in; nothing: it ends in none.
template <class Work>
std::optional<refusal_code> refusal_of(Work&& work) {
  try {
    work();
  } catch (const hanami::service::refusal& why) {
    return why.code();
  }
  return std::nullopt;
}

} // namespace service_test

namespace Catch {

template <>
struct StringMaker<hanami::service::refusal_code> {
  static std::string convert(hanami::service::refusal_code code) {
    return std::string(hanami::service::name_of(code));
  }
};

template <>
struct StringMaker<std::optional<hanami::service::refusal_code>> {
  static std::string convert(const std::optional<hanami::service::refusal_code>& code) {
    return code ? std::string(hanami::service::name_of(*code)) : "no refusal";
  }
};

} // namespace Catch
