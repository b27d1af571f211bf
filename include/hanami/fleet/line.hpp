// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <unordered_map>
#include <utility>

#include "member.hpp"

/// Whose turn it is.

namespace hanami::inline HANAMI_ISA::detail {

/// Members with work, first come, first served; of a group only one stands in the line at a time,
/// and the others wait for it. Not safe from several threads: the fleet's lock guards it.
class fleet_line {
 public:
  bool empty() const noexcept { return line_.first == nullptr; }

  /// Once for each member that will stand in the line.
  void enter(fleet_member& m, group_id group) {
    if (group != group_id{}) {
      member_group& g = groups_[group];
      ++g.members;
      m.group = &g;
      g.id = group;
      g.bytes += m.bytes;
    }
  }
  /// It does not stand in the line, and will not.
  void exit(fleet_member& m) noexcept {
    if (m.group != nullptr) {
      m.group->bytes -= m.bytes;
      if (--m.group->members == 0) {
        groups_.erase(m.group->id);
      }
    }
    m.group = nullptr;
  }
  /// nullptr for one without members.
  member_group* find(group_id group) noexcept {
    const auto found = groups_.find(group);
    return found == groups_.end() ? nullptr : &found->second;
  }

  void stand(fleet_member& m) noexcept {
    if (m.group != nullptr && std::exchange(m.group->stands, true)) {
      m.group->waiting.push(m);
    } else {
      line_.push(m);
    }
  }

  /// The next one, whose group then stands at the end.
  fleet_member& take() noexcept {
    fleet_member& m = line_.pop();
    if (m.group != nullptr) {
      if (m.group->waiting.first != nullptr) {
        line_.push(m.group->waiting.pop());
      } else {
        m.group->stands = false;
      }
    }
    return m;
  }

  void clear() noexcept {
    line_ = {};
    groups_.clear();
  }

 private:
  std::unordered_map<group_id, member_group> groups_;
  member_line line_;
};

} // namespace hanami::detail
