// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../../config.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// The fields that rows have had so far: numbered as they appear, and what has been learned about
/// each.
class row_fields {
 public:
  static constexpr std::uint32_t none = 0xffffffff;

  const std::vector<std::string>& names() const noexcept { return names_; }
  std::size_t size() const noexcept { return names_.size(); }

  /// The number of a field; `none` where there is none of that name.
  std::uint32_t find(std::string_view name) const {
    const auto found = numbers_.find(name);
    return found == numbers_.end() ? none : found->second;
  }
  /// The same, for names that mostly come in the same order: `near` is tried first.
  std::uint32_t find(std::string_view name, std::uint32_t near) const {
    return near < names_.size() && names_[near] == name ? near : find(name);
  }

  /// Finds a field or makes it; `none` where that would be more than `most`.
  std::uint32_t add(std::string_view name, std::uint64_t most) {
    const std::uint32_t known = find(name);
    if (known != none || names_.size() >= most) {
      return known;
    }
    const auto number = static_cast<std::uint32_t>(names_.size());
    names_.emplace_back(name);
    numeric_.push_back(0);
    units_.emplace_back();
    numbers_.emplace(names_.back(), number);
    return number;
  }

  bool numeric(std::uint32_t field) const noexcept { return numeric_[field] != 0; }
  void set_numeric(std::uint32_t field) noexcept { numeric_[field] = 1; }

  /// Whether a number with that unit is one like the others of its field: the first one decides.
  bool accept_unit(std::uint32_t field, std::string_view unit) {
    if (units_[field].empty()) {
      units_[field] = unit;
    }
    return units_[field] == unit;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(names_, numeric_, units_);
    archive.require(numeric_.size() == names_.size() && units_.size() == names_.size(),
                    "fields without what is known of them");
    if constexpr (Archive::reading) {
      numbers_.clear();
      for (std::size_t i = 0; i < names_.size(); ++i) {
        numbers_.emplace(names_[i], static_cast<std::uint32_t>(i));
      }
      archive.require(numbers_.size() == names_.size(), "two fields of one name");
    }
  }

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  std::vector<std::string> names_;
  std::vector<std::uint8_t> numeric_; ///< whether a number has been seen
  std::vector<std::string> units_;
  std::unordered_map<std::string, std::uint32_t, text_hash, std::equal_to<>> numbers_;
};

} // namespace hanami::detail
