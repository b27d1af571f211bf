// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <string_view>

#include "../template/parser.hpp"
#include "file.hpp"

namespace hanami::inline HANAMI_ISA {

/// The largest template file that is read: 64 MiB.
inline constexpr std::size_t max_template_bytes = std::size_t{1} << 26;

/// A template from a file of its text. Throws what `read_file` and `parse_template` throw, with the
/// file named.
inline cluster_template load_template(const std::filesystem::path& path) {
  const auto bytes = read_file(path, max_template_bytes);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return detail::naming_file(path, [&] { return parse_template(text); });
}

} // namespace hanami
