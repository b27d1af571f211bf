// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace hanami_test {

/// Whether this is a build for a sanitizer: memory, descriptors and threads are then not the
/// program's alone.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool sanitized = true;
#elif defined(__has_feature)
inline constexpr bool sanitized =
    __has_feature(thread_sanitizer) || __has_feature(address_sanitizer);
#else
inline constexpr bool sanitized = false;
#endif

} // namespace hanami_test
