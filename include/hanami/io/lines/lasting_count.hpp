// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../foundation/error.hpp"

namespace hanami::inline HANAMI_ISA {

/// A number in a file that is there, up to date, however the process ends. One process at a time
/// has the file.
class lasting_count {
 public:
  /// Throws `hanami::errc::file_error`, also where another process has the file.
  explicit lasting_count(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    void* place = MAP_FAILED;
    if (file >= 0 && ::flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
      ::close(file);
      raise(errc::file_error, path + " is in use by another process; one at a time goes on from a "
                                     "checkpoint");
    }
    if (file >= 0 && ::ftruncate(file, sizeof(std::uint64_t)) == 0) {
      place = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    const int why = errno;
    if (place == MAP_FAILED) {
      if (file >= 0) {
        ::close(file);
      }
      raise(errc::file_error, "cannot write " + path + ": " + std::generic_category().message(why));
    }
    file_ = file;
    count_ = static_cast<volatile std::uint64_t*>(place);
  }
  lasting_count(const lasting_count&) = delete;
  lasting_count& operator=(const lasting_count&) = delete;
  ~lasting_count() {
    ::munmap(const_cast<std::uint64_t*>(count_), sizeof(std::uint64_t));
    ::close(file_);
  }

  void set(std::uint64_t count) noexcept { *count_ = count; }
  std::uint64_t get() const noexcept { return *count_; }

 private:
  int file_ = -1; ///< open, so that no other process has it
  volatile std::uint64_t* count_ = nullptr;
};

} // namespace hanami
