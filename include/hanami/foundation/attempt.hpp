// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <new>
#include <optional>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "error.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// What every overload with a `std::error_code&` is made of: calls the throwing one. Gives its
/// value, or nothing: then `code` is set and `message`, where there is one, says why. In programs
/// built without exceptions there is nothing to be caught: the handler hears of errors.
template <class Work>
auto attempt(std::error_code& code, [[maybe_unused]] std::string* message, Work&& work) {
  using value = std::invoke_result_t<Work>;
  code.clear();
#if HANAMI_EXCEPTIONS
  const auto report = [&](std::error_code why, const char* words) {
    code = why;
    if (message != nullptr) {
      *message = words;
    }
  };
  try {
#endif
    if constexpr (std::is_void_v<value>) {
      return std::forward<Work>(work)();
    } else {
      return std::optional<value>(std::forward<Work>(work)());
    }
#if HANAMI_EXCEPTIONS
  } catch (const error& failure) {
    report(failure.code(), failure.what());
  } catch (const std::bad_alloc&) {
    report(errc::out_of_memory, "not enough memory");
  }
  if constexpr (!std::is_void_v<value>) {
    return std::optional<value>();
  }
#endif
}

} // namespace hanami::detail
