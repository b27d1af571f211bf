// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "../../foundation/error.hpp"

/// Which files of a folder are a set of images and labels: those of MNIST by their names, and all
/// that are called alike: `emnist-letters-test-labels-idx1-ubyte.gz`, `train_images.idx3`.

namespace hanami::inline HANAMI_ISA::detail {

/// Two files that belong together.
struct idx_pair {
  std::string set; ///< what their names begin with
  std::filesystem::path images;
  std::filesystem::path labels;
};

/// What the name of a file says: `emnist-letters` `train` `labels`.
struct idx_file_name {
  std::string set; ///< what stands before, without separators at its end
  std::string part;
  std::string kind;
};

/// Takes a name apart; the kind stays empty where it is none of such a set.
inline idx_file_name take_idx_name(std::string_view name) {
  std::string small(name.ends_with(".gz") ? name.substr(0, name.size() - 3) : name);
  std::transform(small.begin(), small.end(), small.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
  const auto has = [&](std::string_view word) { return small.find(word) != std::string::npos; };
  if (has(".") && !has("idx") && !has("ubyte")) { // a picture, a table, a text
    return {};
  }
  const std::string_view kind = has("image") ? "images" : has("label") ? "labels" : "";
  for (const std::string_view part : {"train", "test", "t10k"}) {
    std::size_t length = small.find(part);
    if (length == std::string::npos || kind.empty()) {
      continue;
    }
    length = std::min(length, small.find(kind.substr(0, kind.size() - 1)));
    while (length > 0 && std::string_view("-_. ").find(small[length - 1]) != std::string::npos) {
      --length;
    }
    return {std::string(name.substr(0, length)), part == "train" ? "train" : "test",
            std::string(kind)};
  }
  return {};
}

/// The files of one part, `train` or `test`. `set` is what their names begin with; empty: the usual
/// names, or the only set that the folder has. Plain files before packed ones, in the order of
/// their names.
inline idx_pair find_idx_pair(const std::filesystem::path& folder, std::string_view part,
                              std::string_view set) {
  std::error_code code;
  if (!std::filesystem::is_directory(folder, code)) {
    raise(errc::file_error, "there is no folder " + folder.string());
  }
  std::map<std::string, idx_pair> sets;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    std::error_code ignored;
    if (!entry.is_regular_file(ignored)) {
      continue;
    }
    const std::filesystem::path& path = entry.path();
    const idx_file_name name = take_idx_name(path.filename().string());
    if (name.part != part || name.kind.empty()) {
      continue;
    }
    idx_pair& pair = sets[name.set];
    pair.set = name.set;
    std::filesystem::path& known = name.kind == "images" ? pair.images : pair.labels;
    const auto rank = [](const std::filesystem::path& p) {
      return std::pair(p.extension() == ".gz", p.filename());
    };
    if (known.empty() || rank(path) < rank(known)) {
      known = path;
    }
  }
  std::string found;
  for (const auto& [name, pair] : sets) {
    found += (found.empty() ? "'" : ", '") + name + "'";
  }
  const auto asked = set.empty() && sets.size() == 1 ? sets.begin() : sets.find(std::string(set));
  if (asked == sets.end() || asked->second.images.empty() || asked->second.labels.empty()) {
    const std::string begin = std::string(set) + (set.empty() ? "" : "-");
    const std::string usual = begin + (part == "train" ? "train" : "t10k");
    raise(errc::file_error,
          "folder " + folder.string() + " has no " +
              (asked != sets.end() && asked->second.labels.empty() ? "labels beside its images"
                                                                   : "images and labels") +
              " called " + usual + "-images-idx3-ubyte and " + usual +
              "-labels-idx1-ubyte or alike, plain or with .gz" +
              (asked == sets.end() && !sets.empty() ? "; it has the sets " + found : ""));
  }
  return asked->second;
}

} // namespace hanami::detail
