// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "../config.hpp"

/// Errors of set-up, files, networks and devices. A broken promise of the caller is not an error
/// but a `HANAMI_ASSERT`.

namespace hanami {

/// What went wrong, in one word. 0 is success, as `std::error_code` wants it.
enum class errc {
  invalid_template = 1, ///< a cluster template that cannot be parsed or does not make a network
  invalid_argument,     ///< a call that does not fit the cluster: sizes, infinities, settings
  invalid_data,         ///< a dataset whose content is not what its format promises
  invalid_checkpoint,   ///< a checkpoint that is truncated, damaged or of a foreign format
  unsupported_version,  ///< a format version that this build does not know
  file_error,           ///< the operating system refused a file
  out_of_memory,        ///< a caller's memory or a fixed limit is used up
  queue_full,           ///< too much is waiting already; later there will be room
  cancelled,            ///< given up before it was done, as somebody asked
  unsupported_machine,  ///< the processor or the device lacks what the program was built for
  no_device,            ///< there is none, or no driver for it
  device_failure,       ///< the device or its driver gave up
  too_many_files        ///< the process or the system has as many files open as it may
};

/// What `error_category` is: equal by its name, since a program may have several.
class HANAMI_SHARED errc_category final : public std::error_category {
 public:
  static constexpr const char* common_name = "hanami";

  /// Whether a category is one of these.
  static bool is(const std::error_category& category) noexcept {
    return std::strcmp(category.name(), common_name) == 0;
  }

  const char* name() const noexcept override { return common_name; }
  std::string message(int value) const override { return words_of(value); }
  using std::error_category::equivalent;
  bool equivalent(const std::error_code& code, int condition) const noexcept override {
    return code.value() == condition && is(code.category());
  }

 private:
  /// Apart, so that compilers do not know how long the words are: units compiled for different
  /// processors share the category, and copying a known length they would use what theirs has.
  static const char* words_of(int value) noexcept {
    switch (static_cast<errc>(value)) {
    case errc::invalid_template:
      return "invalid cluster template";
    case errc::invalid_argument:
      return "invalid argument";
    case errc::invalid_data:
      return "invalid data";
    case errc::invalid_checkpoint:
      return "invalid checkpoint";
    case errc::unsupported_version:
      return "unsupported version";
    case errc::file_error:
      return "file error";
    case errc::out_of_memory:
      return "out of memory";
    case errc::queue_full:
      return "queue full";
    case errc::cancelled:
      return "cancelled";
    case errc::unsupported_machine:
      return "unsupported machine";
    case errc::no_device:
      return "no device";
    case errc::device_failure:
      return "device failure";
    case errc::too_many_files:
      return "too many open files";
    }
    return "unknown error";
  }
};

/// The category of `hanami::errc`: one for the program where the linker can see to it. Libraries
/// that are loaded with `RTLD_LOCAL` may each have one of their own; compare codes with an `errc`,
/// as in `code == hanami::errc::queue_full`, or with a `std::error_condition`, which goes by the
/// name.
HANAMI_SHARED inline const std::error_category& error_category() noexcept {
  static const errc_category instance;
  return instance;
}

inline std::error_code make_error_code(errc value) noexcept {
  return {static_cast<int>(value), error_category()};
}

/// Whether a code says this, whichever library of the program it comes from.
inline bool operator==(const std::error_code& code, errc value) noexcept {
  return code.value() == static_cast<int>(value) && errc_category::is(code.category());
}

/// The one exception type of the library. `what()` says what is wrong, where (line, column or byte
/// offset) and what would have been accepted. The same type in all shared libraries of a program.
class HANAMI_SHARED error : public std::system_error {
 public:
  error(errc value, const std::string& message)
      : std::system_error(make_error_code(value)), message_(message) {}

  const char* what() const noexcept override { return message_.c_str(); }

 private:
  std::string message_;
};

/// Hears of errors in programs built without exceptions. Must not return; a program of which it
/// does is aborted.
using error_handler = void (*)(errc value, const char* message);

/// The handler of the program: set it before anything else. Without one, errors abort. A library
/// that is loaded with `RTLD_LOCAL` may have to set it, too.
HANAMI_SHARED inline std::atomic<error_handler>& current_error_handler() noexcept {
  static std::atomic<error_handler> handler{nullptr};
  return handler;
}

} // namespace hanami

namespace hanami::inline HANAMI_ISA {

/// Where every error of the core begins: throws `error`. In programs built without exceptions
/// (`-fno-exceptions`) calls the handler instead; samples that `check_values` has found good do not
/// get this far.
[[noreturn]] inline void raise(errc value, const std::string& message) {
#if HANAMI_EXCEPTIONS
  throw error(value, message);
#else
  if (const error_handler handler = current_error_handler().load()) {
    handler(value, message.c_str());
  }
  std::abort();
#endif
}

} // namespace hanami

template <>
struct std::is_error_code_enum<hanami::errc> : std::true_type {};
