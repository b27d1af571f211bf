// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../store/resources.hpp"

namespace hanami::service::data {

enum class upload_format : std::uint8_t { csv, mnist, checkpoint };

/// As it is stored and shown.
inline std::string_view name_of(upload_format format) {
  constexpr std::string_view names[] = {"csv", "mnist", "checkpoint"};
  return names[static_cast<std::size_t>(format)];
}

inline std::optional<upload_format> upload_format_named(std::string_view name) {
  for (const upload_format each :
       {upload_format::csv, upload_format::mnist, upload_format::checkpoint}) {
    if (name_of(each) == name) {
      return each;
    }
  }
  return std::nullopt;
}

/// One file of an upload; a csv or checkpoint has one, mnist two: images, labels.
struct upload_part {
  std::string id;
  std::uint64_t size = 0;     ///< announced
  std::uint64_t received = 0; ///< bytes that have arrived, wherever they are
  std::uint64_t next = 0;     ///< the first missing byte: where to continue
  bool complete() const noexcept { return received == size; }
};

struct upload {
  store::resource_row row;
  upload_format format = upload_format::csv;
  std::string becomes; ///< id of the dataset or checkpoint that it will be
  visibility visible_to = visibility::owner_only; ///< of what it becomes; the upload is private
  std::vector<upload_part> parts;
  bool complete() const noexcept {
    return std::all_of(parts.begin(), parts.end(),
                       [](const upload_part& part) { return part.complete(); });
  }
};

} // namespace hanami::service::data
