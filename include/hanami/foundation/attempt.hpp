// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "error.hpp"

#if HANAMI_EXCEPTIONS // without, nothing could be caught

namespace hanami::inline HANAMI_ISA::detail {

/// What every overload with a `std::error_code&` is made of: calls the throwing one. Gives its
/// value, or nothing: then `code` is set and `message`, where there is one, says why.
template <class Work>
auto attempt(std::error_code& code, std::string* message, Work&& work) {
  using value = std::invoke_result_t<Work>;
  const auto report = [&](std::error_code why, const char* words) {
    code = why;
    if (message != nullptr) {
      *message = words;
    }
  };
  code.clear();
  try {
    if constexpr (std::is_void_v<value>) {
      return std::forward<Work>(work)();
    } else {
      return std::optional<value>(std::forward<Work>(work)());
    }
  } catch (const error& failure) {
    report(failure.code(), failure.what());
  } catch (const std::bad_alloc&) {
    report(errc::out_of_memory, "not enough memory");
  }
  if constexpr (!std::is_void_v<value>) {
    return std::optional<value>();
  }
}

} // namespace hanami::detail

#endif
