// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../../foundation/error.hpp"
#include "../stream_model.hpp"

namespace hanami::inline HANAMI_ISA {

/// A stream for each key, such as the device that a row is about, in bounded memory: where there
/// would be more than `most`, the one that has been silent for longest is dropped, and begins anew
/// should it return.
///
///     hanami::keyed_streams streams(100);
///     const auto& said = streams[row.device].observe(row.values, row.time);
///
/// A key is found in constant time. A value; not safe from several threads.
template <std::copyable Stream>
class basic_keyed_streams {
 public:
  static constexpr std::string_view checkpoint_kind = "keyed_streams";
  static constexpr std::uint32_t checkpoint_version = 1;

  basic_keyed_streams() : basic_keyed_streams(1000) {}
  /// Every stream begins as a copy of `fresh`. Throws `errc::invalid_argument` for room for none.
  explicit basic_keyed_streams(std::size_t most, Stream fresh = Stream())
      : most_(most), fresh_(std::move(fresh)) {
    if (most == 0) {
      raise(errc::invalid_argument, "keyed streams need room for one at least");
    }
  }

  /// The stream of a key, which has spoken now. It stays where it is until another key is new.
  Stream& operator[](std::string_view key) {
    return speak(key, [](const std::string&, Stream&) {});
  }

  /// The same; sees the key and the stream that is dropped for it, if one is.
  template <std::invocable<const std::string&, Stream&> Drop>
  Stream& speak(std::string_view key, Drop drop) {
    if (last_ != none && slots_[last_].key == key) {
      return slots_[last_].stream;
    }
    const auto known = places_.find(key);
    std::size_t place = known == places_.end() ? none : known->second;
    if (place == none) {
      if (slots_.size() >= most_) {
        drop_first(drop);
      }
      place = slots_.size();
      slots_.push_back({std::string(key), fresh_, none, none});
      places_.emplace(std::string(key), place);
    } else {
      unlink(place);
    }
    link_last(place);
    return slots_[place].stream;
  }

  /// The stream of a key; null if there is none.
  const Stream* find(std::string_view key) const {
    const auto known = places_.find(key);
    return known == places_.end() ? nullptr : &slots_[known->second].stream;
  }

  std::size_t size() const noexcept { return slots_.size(); }
  std::size_t most() const noexcept { return most_; }
  /// Streams that were dropped so far.
  std::uint64_t dropped() const noexcept { return dropped_; }

  /// Room for so many from now on; drops those that have been silent for longest. Throws as the
  /// constructor.
  template <std::invocable<const std::string&, Stream&> Drop>
  void limit(std::size_t most, Drop drop) {
    if (most == 0) {
      raise(errc::invalid_argument, "keyed streams need room for one at least");
    }
    most_ = most;
    while (slots_.size() > most_) {
      drop_first(drop);
    }
  }

  /// Calls `see` with every key and its stream, first the one that has been silent for longest.
  template <std::invocable<const std::string&, Stream&> See>
  void for_each(See see) {
    for (std::size_t place = first_; place != none; place = slots_[place].next) {
      see(std::as_const(slots_[place].key), slots_[place].stream);
    }
  }
  template <std::invocable<const std::string&, const Stream&> See>
  void for_each(See see) const {
    for (std::size_t place = first_; place != none; place = slots_[place].next) {
      see(slots_[place].key, slots_[place].stream);
    }
  }

  template <class Archive>
  void serialize(Archive& archive) {
    std::uint64_t most = most_;
    std::uint64_t count = slots_.size();
    archive(most, fresh_, dropped_, count);
    archive.require(most > 0 && count <= most, "more streams than there is room for");
    if constexpr (Archive::reading) {
      *this = basic_keyed_streams(static_cast<std::size_t>(most), std::move(fresh_), dropped_);
      for (std::uint64_t i = 0; i < count; ++i) {
        std::string key;
        archive(key);
        archive.require(!places_.contains(key), "two streams of one key");
        archive((*this)[key]);
      }
    } else {
      for_each([&](const std::string& key, Stream& stream) { archive(key, stream); });
    }
  }

 private:
  static constexpr std::size_t none = std::numeric_limits<std::size_t>::max();

  struct slot {
    std::string key;
    Stream stream;
    std::size_t before; ///< who spoke before it
    std::size_t next;
  };

  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  basic_keyed_streams(std::size_t most, Stream fresh, std::uint64_t dropped)
      : most_(most), fresh_(std::move(fresh)), dropped_(dropped) {}

  /// Who comes after `place`, or the first of all.
  std::size_t& after(std::size_t place) { return place == none ? first_ : slots_[place].next; }
  std::size_t& before(std::size_t place) { return place == none ? last_ : slots_[place].before; }

  void unlink(std::size_t place) {
    after(slots_[place].before) = slots_[place].next;
    before(slots_[place].next) = slots_[place].before;
  }

  void link_last(std::size_t place) {
    slots_[place].before = last_;
    slots_[place].next = none;
    after(last_) = place;
    last_ = place;
  }

  template <class Drop>
  void drop_first(Drop& drop) {
    const std::size_t place = first_;
    drop(std::as_const(slots_[place].key), slots_[place].stream);
    unlink(place);
    places_.erase(slots_[place].key);
    const std::size_t moved = slots_.size() - 1; // takes its place
    if (moved != place) {
      slots_[place] = std::move(slots_[moved]);
      after(slots_[place].before) = place;
      before(slots_[place].next) = place;
      places_.find(slots_[place].key)->second = place;
    }
    slots_.pop_back();
    ++dropped_;
  }

  std::size_t most_;
  Stream fresh_;
  std::uint64_t dropped_ = 0;
  std::vector<slot> slots_;
  std::unordered_map<std::string, std::size_t, text_hash, std::equal_to<>> places_;
  std::size_t first_ = none; ///< has been silent for longest
  std::size_t last_ = none;
};

using keyed_streams = basic_keyed_streams<stream_model>;

} // namespace hanami
