// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "../base/identity.hpp"

namespace hanami::service::store {

/// The owners of resources, kept in memory. What it returns was true in the database at some time
/// during the call. Safe from any thread.
class ownership_cache {
 public:
  using entry = std::shared_ptr<const ownership>;

  /// From memory, else what `read()` finds in the database; nullptr: there is no such resource.
  template <class Read>
  entry get(std::string_view id, Read read) {
    std::uint64_t begun = 0;
    bool settled = false;
    {
      const std::shared_lock lock(mutex_);
      if (const auto known = entries_.find(id); known != entries_.end()) {
        return known->second;
      }
      begun = begun_;
      settled = under_way_ == 0;
    }
    entry found = read();
    if (found != nullptr && settled) {
      const std::unique_lock lock(mutex_);
      if (begun_ == begun) { // else a change may have been missed
        if (entries_.size() >= most_entries) {
          entries_.clear();
        }
        entries_.insert_or_assign(std::string(id), found);
      }
    }
    return found;
  }

  /// Held while a resource is changed in the database: nothing that was read before it ended is
  /// kept.
  class change {
   public:
    change(ownership_cache& in, std::string_view id) : in_(in) {
      const std::unique_lock lock(in_.mutex_);
      ++in_.begun_;
      ++in_.under_way_;
      if (const auto known = in_.entries_.find(id); known != in_.entries_.end()) {
        in_.entries_.erase(known);
      }
    }
    change(const change&) = delete;
    change& operator=(const change&) = delete;
    ~change() {
      const std::unique_lock lock(in_.mutex_);
      --in_.under_way_;
    }

   private:
    ownership_cache& in_;
  };

 private:
  static constexpr std::size_t most_entries = 100'000;

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };

  std::shared_mutex mutex_;
  std::unordered_map<std::string, entry, text_hash, std::equal_to<>> entries_;
  std::uint64_t begun_ = 0;   ///< changes, ever
  std::size_t under_way_ = 0; ///< changes that have not ended
};

} // namespace hanami::service::store
