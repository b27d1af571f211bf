// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "copied_files.hpp"

namespace hanami::service::detail {

/// Whether it is a snapshot or a journal: `kind`, a dash, a number.
inline bool is_generation(std::string_view name, std::string_view kind) {
  return name.starts_with(kind) && name.size() > kind.size() + 1 && name[kind.size()] == '-' &&
         name.find_first_not_of("0123456789", kind.size() + 1) == std::string_view::npos;
}

/// Opens snapshots and journals of a cluster or stream as they are at one moment, while a server
/// may be writing them: a journal is never continued once there is a newer one, so that those which
/// were there before and after all were opened fit together. Nothing: there is no such folder, or
/// no snapshot in it (any more). Throws `errc::file_error`.
inline std::optional<std::vector<held_file>> hold_generations(const std::filesystem::path& data,
                                                              const std::string& folder) {
  const auto generations = [&] {
    std::vector<std::string> names = names_in(data / folder);
    std::erase_if(names, [](const std::string& each) {
      return !is_generation(each, "snapshot") && !is_generation(each, "journal");
    });
    return names;
  };
  constexpr unsigned tries = 1000;
  std::vector<std::string> names = generations();
  for (unsigned i = 0; i < tries && !names.empty(); ++i) {
    std::vector<held_file> held;
    for (const std::string& each : names) {
      std::optional<held_file> one = hold_file(data, folder + '/' + each);
      if (!one) {
        break;
      }
      held.push_back(std::move(*one));
    }
    std::vector<std::string> now = generations();
    if (now == names && held.size() == names.size()) {
      return held;
    }
    names = std::move(now);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  if (names.empty()) {
    return std::nullopt;
  }
  throw error(errc::file_error, (data / folder).string() + " changes all the time");
}

} // namespace hanami::service::detail
