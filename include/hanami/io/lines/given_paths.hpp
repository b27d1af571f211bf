// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <unistd.h>

#include "../../foundation/error.hpp"
#include "file_identity.hpp"

namespace hanami::inline HANAMI_ISA {

/// The files that a program was given, compared before any is opened: nothing is written where
/// something is read, nor where something else is kept.
class given_paths {
 public:
  /// A file that is read; "-" is standard input.
  void reads(const char* option, const std::string& path) {
    add(option, path == "-" ? place_of(STDIN_FILENO) : place_of(path), false);
  }

  /// A file that is written; empty: standard output. One that holds something must begin like what
  /// is written there, if that is known. Throws `errc::invalid_argument`.
  void writes(const char* option, const std::string& path, std::string_view begins_with = {}) {
    if (path.empty()) {
      add("standard output", place_of(STDOUT_FILENO), true);
      return;
    }
    add(option, place_of(path), true);
    std::error_code ignored;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
      refuse(option, "there is no folder " + folder.string());
    }
    if (std::filesystem::is_directory(path, ignored)) {
      refuse(option, path + " is a folder");
    }
    const bool there = std::filesystem::exists(path, ignored);
    if (there && ::access(path.c_str(), W_OK) != 0) {
      refuse(option, "cannot write " + path + ": " + std::generic_category().message(errno));
    }
    if (!there) {
      require_open_folder(option, folder);
    }
    if (!std::filesystem::is_regular_file(path, ignored) ||
        std::filesystem::file_size(path, ignored) == 0) {
      return;
    }
    std::array<char, 8> first{};
    std::ifstream(path, std::ios::binary).read(first.data(), first.size());
    const std::string_view held(first.data(), first.size());
    const bool fits =
        begins_with.empty() ? !held.starts_with("hanamiCP") : held.starts_with(begins_with);
    if (!fits) {
      refuse(option, path + (begins_with.empty() ? " is a checkpoint" : " holds something else") +
                         " and is not overwritten");
    }
  }

  /// The same for a file that a new one takes the place of, so that its folder is written, too.
  void replaces(const char* option, const std::string& path, std::string_view begins_with) {
    std::error_code ignored;
    writes(option, path, begins_with);
    if (std::filesystem::exists(path, ignored) &&
        !std::filesystem::is_regular_file(path, ignored)) {
      refuse(option, path + " is no file, and a file would take its place");
    }
    require_open_folder(option, std::filesystem::path(path).parent_path());
  }

  /// A file that holds a count and nothing else. Throws `errc::invalid_argument`.
  void counts(const char* option, const std::string& path) {
    writes(option, path);
    std::error_code ignored;
    const auto size = std::filesystem::file_size(path, ignored);
    if (!ignored && size != 0 && size != sizeof(std::uint64_t)) {
      refuse(option, path + " holds something else and is not overwritten");
    }
  }

 private:
  struct given {
    std::string option;
    file_place place;
    bool written;
  };

  [[noreturn]] static void refuse(const std::string& option, const std::string& why) {
    raise(errc::invalid_argument, option + ": " + why);
  }

  static void require_open_folder(const char* option, const std::filesystem::path& folder) {
    const std::string name = folder.empty() ? "." : folder.string();
    if (::access(name.c_str(), W_OK) != 0) {
      refuse(option,
             "cannot write in the folder " + name + ": " + std::generic_category().message(errno));
    }
  }

  void add(const char* option, file_place place, bool written) {
    for (const given& other : given_) {
      if ((written || other.written) && place.clashes(other.place)) {
        refuse(option, "this is the file of " + other.option);
      }
    }
    given_.push_back({option, std::move(place), written});
  }

  std::vector<given> given_;
};

} // namespace hanami
