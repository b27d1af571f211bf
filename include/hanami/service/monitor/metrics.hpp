// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hanami::service::monitor {

/// Writes Prometheus' text format (version 0.0.4): one family after the other, names and labels
/// escaped as it wants.
class metrics_text {
 public:
  using labels = std::vector<std::pair<std::string_view, std::string_view>>;

  /// Begins a family; `type`: "counter", "gauge" or "histogram".
  void family(std::string_view name, std::string_view type, std::string_view help);
  void value(double number, const labels& with = {}, std::string_view suffix = "");
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
};

/// Counts requests by operation and status, and how long they took. Adding one is a few atomic
/// additions. Safe from any thread.
class request_counts {
 public:
  void add(std::string_view operation, unsigned status, double seconds);
  void write(metrics_text& to) const;

 private:
  static constexpr std::array<double, 11> bounds_s = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                                      0.05,   0.1,   0.25,   1.0,   10.0};
  struct counters {
    std::array<std::atomic<std::uint64_t>, 6> by_class{}; ///< status / 100
    std::array<std::atomic<std::uint64_t>, bounds_s.size() + 1> by_time{};
    std::atomic<std::uint64_t> nanoseconds{0};
  };

  mutable std::mutex mutex_; ///< for the map; its counters stay where they are
  std::map<std::string, counters, std::less<>> operations_;
};

} // namespace hanami::service::monitor
