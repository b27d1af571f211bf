// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA {

/// A number in a file that is there, up to date, however the process ends.
class lasting_count {
 public:
  /// Throws `hanami::errc::file_error`.
  explicit lasting_count(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    void* place = MAP_FAILED;
    if (file >= 0 && ::ftruncate(file, sizeof(std::uint64_t)) == 0) {
      place = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    const int why = errno;
    if (file >= 0) {
      ::close(file);
    }
    if (place == MAP_FAILED) {
      raise(errc::file_error,
            "cannot count in " + path + ": " + std::generic_category().message(why));
    }
    count_ = static_cast<volatile std::uint64_t*>(place);
  }
  lasting_count(const lasting_count&) = delete;
  lasting_count& operator=(const lasting_count&) = delete;
  ~lasting_count() { ::munmap(const_cast<std::uint64_t*>(count_), sizeof(std::uint64_t)); }

  void set(std::uint64_t count) noexcept { *count_ = count; }
  std::uint64_t get() const noexcept { return *count_; }

 private:
  volatile std::uint64_t* count_ = nullptr;
};

} // namespace hanami
