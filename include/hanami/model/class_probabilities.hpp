// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <utility>
#include <vector>

#include "class_label.hpp"

namespace hanami::inline HANAMI_ISA {

struct class_probability {
  class_label label;
  float probability = 0;
};

/// How likely each class is, in the order in which the classes appeared; together 1. A value of its
/// own: it outlives the classifier.
class class_probabilities {
 public:
  /// At least one class.
  explicit class_probabilities(std::vector<class_probability> all) : all_(std::move(all)) {}

  std::size_t size() const noexcept { return all_.size(); }
  auto begin() const noexcept { return all_.begin(); }
  auto end() const noexcept { return all_.end(); }

  /// 0 for a class that has never appeared. Linear in the classes.
  float operator[](const label_view& label) const noexcept {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const class_probability& one) {
      return one.label.text() == label.text();
    });
    return found == all_.end() ? 0.0f : found->probability;
  }

  /// The most likely class; of equals the first.
  const class_probability& best() const noexcept {
    return *std::max_element(all_.begin(), all_.end(), [](const auto& a, const auto& b) {
      return a.probability < b.probability;
    });
  }

  /// `still 0.93, calm 0.07`: the likeliest first, down to one in a thousand.
  friend std::ostream& operator<<(std::ostream& stream, const class_probabilities& of) {
    std::vector<class_probability> sorted = of.all_;
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.probability > b.probability; });
    const char* between = "";
    for (const class_probability& one : sorted) {
      if (one.probability < 0.001f) {
        break;
      }
      stream << between << one.label << ' ' << one.probability;
      between = ", ";
    }
    return stream;
  }

 private:
  std::vector<class_probability> all_;
};

} // namespace hanami
