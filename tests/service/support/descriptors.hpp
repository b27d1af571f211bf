// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <hanami/service/base/descriptors.hpp>

#include "support/sanitized.hpp"
#include "support/skip.hpp"

namespace service_test {

/// While it lives, the process may have at most so many descriptors.
class few_descriptors {
 public:
  explicit few_descriptors(::rlim_t most) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const ::rlimit now{most, before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &now);
  }
  few_descriptors(const few_descriptors&) = delete;
  few_descriptors& operator=(const few_descriptors&) = delete;
  ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  ::rlimit before_{};
};

/// While it lives, all descriptors that the process may have are taken.
class no_descriptors {
 public:
  no_descriptors() : limit_(hanami::service::open_descriptors() + 32) {
    for (int fd = 0; fd >= 0;) {
      fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      if (fd >= 0) {
        taken_.push_back(fd);
      }
    }
  }
  no_descriptors(const no_descriptors&) = delete;
  no_descriptors& operator=(const no_descriptors&) = delete;
  ~no_descriptors() {
    for (const int fd : taken_) {
      ::close(fd);
    }
  }

 private:
  few_descriptors limit_;
  std::vector<int> taken_;
};

/// A sanitizer opens files of its own when it looks at what a pointer points to.
inline bool skipped_under_sanitizers() {
  if (hanami_test::sanitized) {
    hanami_test::skip("a sanitizer needs file descriptors of its own");
  }
  return hanami_test::sanitized;
}

} // namespace service_test
