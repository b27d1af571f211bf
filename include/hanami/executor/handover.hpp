// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../config.hpp"

#if defined(__SANITIZE_THREAD__)
#define HANAMI_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HANAMI_THREAD_SANITIZER 1
#endif
#endif

#if defined(HANAMI_THREAD_SANITIZER)
extern "C" void __tsan_acquire(void*);
extern "C" void __tsan_release(void*);
#endif

/// Work that passes from one thread to another through a library which the thread sanitizer cannot
/// see into tells it so here. Nothing else is hidden from the sanitizer, and without it these calls
/// are nothing: the library orders the two threads.

namespace hanami::inline HANAMI_ISA::detail {

/// What this thread has done so far happens before `taken_over(where)`, on whatever thread.
inline void handed_over([[maybe_unused]] const void* where) noexcept {
#if defined(HANAMI_THREAD_SANITIZER)
  __tsan_release(const_cast<void*>(where));
#endif
}

inline void taken_over([[maybe_unused]] const void* where) noexcept {
#if defined(HANAMI_THREAD_SANITIZER)
  __tsan_acquire(const_cast<void*>(where));
#endif
}

} // namespace hanami::detail
