// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cell.hpp"

namespace hanami::inline HANAMI_ISA {

/// Where something stands in a text: the line and the byte in that line, both from 1; 0: not known.
struct row_position {
  std::uint64_t line = 0;
  std::uint64_t column = 0;

  /// `line 7, column 3: `, as messages begin.
  std::string text() const {
    return line == 0 ? std::string()
                     : "line " + std::to_string(line) +
                           (column == 0 ? "" : ", column " + std::to_string(column)) + ": ";
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(line, column);
  }
};

/// Whether something of the text is damaged, or is left out because nobody reads it.
enum class trouble_weight : std::uint8_t { damage, note };

/// One kind of trouble with rows: what it is, how often it came, and where first.
struct row_trouble {
  std::string what;    ///< what happened and what was done about it; the kind
  std::string example; ///< of the first time, as it may be printed; empty: none
  row_position first;
  std::uint64_t count = 0;
  trouble_weight weight = trouble_weight::damage;

  /// One line to print: `line 7: the row has too few fields: "1,2" (12 times)`.
  std::string message() const {
    return first.text() + what + (example.empty() ? "" : ": " + example) +
           (count > 1 ? " (" + std::to_string(count) + " times)" : "");
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(what, example, first, count, weight);
  }
};

/// Troubles counted by kind, so that a program prints one message for each and none a row. Kinds
/// beyond the first 64 are not kept. Not safe from several threads.
class row_troubles {
 public:
  /// True the first time: when a program may want to say so at once. `what` names the kind;
  /// `example` is any text of the input.
  bool add(std::string_view what, row_position at, std::string_view example = {},
           trouble_weight weight = trouble_weight::damage) {
    const auto found = std::find_if(all_.begin(), all_.end(),
                                    [&](const row_trouble& known) { return known.what == what; });
    if (found != all_.end()) {
      ++found->count;
      return false;
    }
    if (all_.size() == most) {
      return false;
    }
    all_.push_back({std::string(what),
                    example.empty() ? std::string() : detail::quote_for_message(example), at, 1,
                    weight});
    return true;
  }

  /// Takes over what others have counted.
  void take(const row_trouble& other) {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const row_trouble& known) {
      return known.what == other.what;
    });
    if (found != all_.end()) {
      found->count += other.count;
    } else if (all_.size() < most) {
      all_.push_back(other);
    }
  }

  /// In the order in which they came first.
  std::span<const row_trouble> all() const noexcept { return all_; }
  bool empty() const noexcept { return all_.empty(); }
  std::uint64_t count(std::string_view what) const noexcept {
    const auto found = std::find_if(all_.begin(), all_.end(),
                                    [&](const row_trouble& known) { return known.what == what; });
    return found == all_.end() ? 0 : found->count;
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(all_);
  }

 private:
  static constexpr std::size_t most = 64;
  std::vector<row_trouble> all_;
};

} // namespace hanami
