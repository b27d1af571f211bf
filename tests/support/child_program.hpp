// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cerrno>
#include <chrono>
#include <concepts>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scratch_folder.hpp"

namespace hanami_test {

inline std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::filesystem::path& path, std::string_view text,
                       std::ios::openmode mode = std::ios::trunc) {
  std::ofstream(path, std::ios::binary | mode) << text;
}

/// Waits until something holds that another process brings about; false after 20 seconds.
template <std::predicate Holds>
bool comes_true(Holds holds) {
  for (int i = 0; i < 2000; ++i) {
    if (holds()) {
      return true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// A program that runs beside the test, with its input and what it writes in files; killed at the
/// end.
class child_program {
 public:
  struct streams {
    std::filesystem::path in = "/dev/null";
    std::filesystem::path out = "/dev/null";
    std::filesystem::path err = "/dev/null";
  };

  child_program(const std::string& program, std::vector<std::string> arguments,
                const streams& files) {
    arguments.insert(arguments.begin(), program);
    std::vector<char*> words;
    for (std::string& word : arguments) {
      words.push_back(word.data());
    }
    words.push_back(nullptr);
    id_ = ::fork();
    if (id_ < 0) {
      throw std::runtime_error("cannot fork");
    }
    if (id_ == 0) {
      redirect(files.in, O_RDONLY, STDIN_FILENO);
      redirect(files.out, O_WRONLY | O_CREAT | O_APPEND, STDOUT_FILENO);
      redirect(files.err, O_WRONLY | O_CREAT | O_APPEND, STDERR_FILENO);
      ::execv(program.c_str(), words.data());
      ::_exit(127);
    }
  }
  child_program(const child_program&) = delete;
  child_program& operator=(const child_program&) = delete;
  ~child_program() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      wait();
    }
  }

  void signal(int number) const { ::kill(id_, number); }

  /// What the program ends with: its status, or 128 and the signal that ended it.
  int wait() {
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  static void redirect(const std::filesystem::path& path, int flags, int to) {
    const int file = ::open(path.c_str(), flags, 0644);
    if (file < 0 || ::dup2(file, to) < 0) {
      ::_exit(126);
    }
  }

  ::pid_t id_ = 0;
};

struct program_result {
  int status = -1;
  std::string out;
  std::string err;
};

/// Runs a program to its end.
inline program_result run_program(const std::string& program, std::vector<std::string> arguments,
                                  std::string_view input = {}) {
  const scratch_folder folder;
  write_text(folder.path / "in", input);
  child_program child(program, std::move(arguments),
                      {folder.path / "in", folder.path / "out", folder.path / "err"});
  program_result result;
  result.status = child.wait();
  result.out = text_of(folder.path / "out");
  result.err = text_of(folder.path / "err");
  return result;
}

inline std::size_t count_of(std::string_view text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

} // namespace hanami_test
