// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../foundation/error.hpp"
#include "class_label.hpp"

namespace hanami::inline HANAMI_ISA {

/// Numbers labels in the order in which they appear, from 0 on. Reading is safe from many threads
/// while none adds. Looking up takes constant time.
class label_encoder {
 public:
  label_encoder() = default;
  /// Throws as `add`.
  label_encoder(std::initializer_list<class_label> labels) {
    for (const class_label& one : labels) {
      add(one);
    }
  }

  std::size_t size() const noexcept { return labels_.size(); }
  bool empty() const noexcept { return labels_.empty(); }
  auto begin() const noexcept { return labels_.begin(); }
  auto end() const noexcept { return labels_.end(); }

  /// The label of a number below `size()`. Its address stays while the encoder lives.
  const class_label& operator[](std::size_t index) const noexcept {
    HANAMI_ASSERT(index < size(), "no label has this number yet");
    return labels_[index];
  }

  /// The number of a label, if it has one.
  std::optional<std::size_t> find(const label_view& label) const {
    const auto found = numbers_.find(label.text());
    return found == numbers_.end() ? std::nullopt : std::optional(found->second);
  }

  /// The number of a label, which gets the next one where it has none. Throws
  /// `errc::invalid_argument` for an empty label: it is likely a missing value.
  std::size_t add(const label_view& label) {
    if (const auto known = find(label)) {
      return *known;
    }
    if (label.text().empty()) {
      raise(errc::invalid_argument, "an empty label names no class");
    }
    numbers_.emplace(label.text(), labels_.size());
    labels_.emplace_back(label.text());
    return labels_.size() - 1;
  }

  friend bool operator==(const label_encoder& a, const label_encoder& b) noexcept {
    return a.labels_ == b.labels_;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    std::vector<std::string> texts;
    if constexpr (Archive::reading) {
      archive(texts);
      *this = {};
      for (std::size_t i = 0; i < texts.size(); ++i) {
        archive.require(!texts[i].empty() && add(texts[i]) == i, "a label is empty or there twice");
      }
    } else {
      for (const class_label& one : labels_) {
        texts.push_back(one.text());
      }
      archive(texts);
    }
  }

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::deque<class_label> labels_; ///< by number; elements never move
  std::unordered_map<std::string, std::size_t, text_hash, std::equal_to<>> numbers_;
};

} // namespace hanami
