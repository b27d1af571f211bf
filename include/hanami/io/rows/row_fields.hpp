// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "../../config.hpp"
#include "unit_text.hpp"

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
    factored_.push_back(0);
    numbers_.emplace(names_.back(), number);
    return number;
  }

  bool numeric(std::uint32_t field) const noexcept { return numeric_[field] != 0; }
  void set_numeric(std::uint32_t field) noexcept { numeric_[field] = 1; }

  /// What a number with that unit is multiplied by to be one like the others of its field, whose
  /// first one decides: mV are V by 0.001. 0: the unit is another one.
  double accept_unit(std::uint32_t field, std::string_view unit) {
    if (is_factor(unit)) {
      factored_[field] = 1;
      return units_[field].empty() ? 1 : 0;
    }
    if (factored_[field] != 0 && units_[field].empty() && (unit == "B" || prefix_of(unit) > 0)) {
      return unit == "B" ? 1e9 : prefix_of(unit); // among 1.2k and 3.4M, 800m are thousandths
    }
    if (units_[field].empty()) {
      units_[field] = unit;
    }
    if (units_[field] == unit) {
      return 1;
    }
    const unit_scale first = scale_of(units_[field]);
    const unit_scale other = scale_of(unit);
    return !first.base.empty() && first.base == other.base ? other.factor / first.factor : 0;
  }
  /// Numbers of this field have the letters of prefixes behind them.
  void set_factored(std::uint32_t field) noexcept { factored_[field] = 1; }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(names_, numeric_, units_, factored_);
    archive.require(numeric_.size() == names_.size() && units_.size() == names_.size() &&
                        factored_.size() == names_.size(),
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
  std::vector<std::uint8_t> factored_; ///< whether letters of prefixes have been seen
  std::unordered_map<std::string, std::uint32_t, text_hash, std::equal_to<>> numbers_;
};

} // namespace hanami::detail
