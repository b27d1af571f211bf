// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hanami::service::api {

/// The tag of a version, as ETag has it.
inline std::string entity_tag(std::uint64_t version) { return '"' + std::to_string(version) + '"'; }

/// The tag of what has that tag and comes packed: other bytes, so another tag.
inline std::string packed_tag(std::string_view tag) {
  return std::string(tag.substr(0, tag.size() - 1)) + "-gzip\"";
}

/// The conditions of If-Match and If-None-Match (RFC 9110, 13.1): `*` or a list of tags, strong or
/// weak (`W/"7"`). What is no tag matches nothing. Views refer to the fields.
class entity_tags {
 public:
  /// All fields of that name.
  explicit entity_tags(const std::vector<std::string_view>& fields) : given_(!fields.empty()) {
    for (std::string_view field : fields) {
      while (!field.empty()) {
        field.remove_prefix(std::min(field.find_first_not_of(", \t"), field.size()));
        take(field);
      }
    }
  }

  bool given() const noexcept { return given_; }
  bool any() const noexcept { return any_; }
  /// As If-Match compares: weak tags match nothing. A change is for a version, however packed the
  /// client has got it.
  bool match_strongly(std::uint64_t version) const {
    return any_ || holds(strong_, entity_tag(version)) ||
           holds(strong_, packed_tag(entity_tag(version)));
  }
  /// As If-None-Match compares.
  bool match_weakly(std::string_view tag) const {
    return any_ || holds(strong_, tag) || holds(weak_, tag);
  }

 private:
  void take(std::string_view& field) {
    const bool weak = field.starts_with("W/\"");
    const std::size_t open = weak ? 2 : 0;
    if (field.size() > open && field[open] == '"') {
      const std::size_t close = std::min(field.find('"', open + 1), field.size());
      if (close < field.size()) {
        (weak ? weak_ : strong_).push_back(field.substr(open, close + 1 - open));
      }
      field.remove_prefix(std::min(close + 1, field.size()));
      return;
    }
    const std::size_t end = std::min(field.find(','), field.size());
    any_ = any_ || field.substr(0, field.find_first_of(", \t")) == "*";
    field.remove_prefix(end);
  }

  static bool holds(const std::vector<std::string_view>& tags, std::string_view tag) {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
  }

  bool given_;
  bool any_ = false;
  std::vector<std::string_view> strong_;
  std::vector<std::string_view> weak_;
};

} // namespace hanami::service::api
