// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pulse.hpp"

namespace hanami::service::engine::detail {

/// Histories of the clusters that were busy last: at most `most`, of which the one that was busy
/// longest ago is forgotten first. In memory alone. Safe from any thread.
class pulse_board {
 public:
  explicit pulse_board(std::size_t most = 400) : most_(most) {}

  void add(const std::string& cluster_id, const std::string& owner_id, const pulse_point& point) {
    const std::lock_guard lock(mutex_);
    auto found = places_.find(cluster_id);
    if (found == places_.end()) {
      if (entries_.size() >= most_) {
        places_.erase(entries_.back().cluster_id);
        entries_.pop_back();
      }
      entries_.push_front({cluster_id, owner_id, {}, {}});
      found = places_.emplace(cluster_id, entries_.begin()).first;
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    entry& of = entries_.front();
    of.history.add(point);
    of.last = point;
  }

  /// Nothing where it has not been busy for long.
  std::vector<pulse_point> read(std::string_view cluster_id, pulse_span span, std::int64_t now,
                                std::size_t most) const {
    const std::lock_guard lock(mutex_);
    const auto found = places_.find(cluster_id);
    return found == places_.end() ? std::vector<pulse_point>()
                                  : found->second->history.read(span, now, most);
  }

  /// The last points of the clusters of a user that were busy after `since`, at most `most`.
  std::vector<std::pair<std::string, pulse_point>>
  busy_of(std::string_view owner_id, std::int64_t since, std::size_t most) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<std::string, pulse_point>> all;
    for (const entry& each : entries_) { // busy last first
      if (each.last.at <= since || all.size() == most) {
        break;
      }
      if (each.owner_id == owner_id) {
        all.emplace_back(each.cluster_id, each.last);
      }
    }
    return all;
  }

  void forget(std::string_view cluster_id) {
    const std::lock_guard lock(mutex_);
    if (const auto found = places_.find(cluster_id); found != places_.end()) {
      entries_.erase(found->second);
      places_.erase(found);
    }
  }

 private:
  struct entry {
    std::string cluster_id;
    std::string owner_id;
    pulse_history history;
    pulse_point last;
  };

  const std::size_t most_;
  mutable std::mutex mutex_;
  std::list<entry> entries_; ///< busy last first
  std::map<std::string, std::list<entry>::iterator, std::less<>> places_;
};

} // namespace hanami::service::engine::detail
