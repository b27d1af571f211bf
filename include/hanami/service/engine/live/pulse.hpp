// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

/// What goes on in a cluster, second by second.

namespace hanami::service::engine {

/// What has happened in some time.
struct pulse_point {
  std::int64_t at = 0;      ///< its first second, since 1970
  std::int64_t seconds = 0; ///< how long it is
  double trained = 0;       ///< samples
  double answered = 0;
  double losses = 0;     ///< how many `loss_sum` is of
  double loss_sum = 0;   ///< in nats
  double loss_least = 0; ///< of the means of its parts
  double loss_most = 0;
  double errors = 0;    ///< labels that came later: how many `error_sum` is of
  double error_sum = 0; ///< prequential
  double neurons = 0;   ///< last seen; 0: not
  double bytes = 0;     ///< of memory, likewise
  double drifts = 0;    ///< noticed since the cluster was made, likewise

  /// Takes what came right behind it.
  void append(const pulse_point& next) noexcept {
    seconds += next.seconds;
    trained += next.trained;
    answered += next.answered;
    if (next.losses > 0) {
      loss_least = losses > 0 ? std::min(loss_least, next.loss_least) : next.loss_least;
      loss_most = losses > 0 ? std::max(loss_most, next.loss_most) : next.loss_most;
      losses += next.losses;
      loss_sum += next.loss_sum;
    }
    errors += next.errors;
    error_sum += next.error_sum;
    neurons = next.neurons > 0 ? next.neurons : neurons;
    bytes = next.bytes > 0 ? next.bytes : bytes;
    drifts = next.neurons > 0 ? next.drifts : drifts;
  }
};

/// How far back a history goes, in steps of what.
enum class pulse_span : std::uint8_t { seconds, minutes, hours, days };

namespace detail {

/// Counts of one cluster as they come. Safe from any thread.
struct pulse_counts {
  std::atomic<std::uint64_t> trained{0};
  std::atomic<std::uint64_t> answered{0};
  std::atomic<std::uint64_t> losses{0};
  std::atomic<double> loss_sum{0};
  std::atomic<std::uint64_t> errors{0};
  std::atomic<double> error_sum{0};
  std::atomic<bool> listed{false}; ///< something has come since the last second

  void note_trained(std::uint64_t count, std::uint64_t with_loss, double sum) noexcept {
    trained.fetch_add(count, std::memory_order_relaxed);
    losses.fetch_add(with_loss, std::memory_order_relaxed);
    loss_sum.fetch_add(sum, std::memory_order_relaxed);
  }
  void note_error(double error) noexcept {
    errors.fetch_add(1, std::memory_order_relaxed);
    error_sum.fetch_add(error, std::memory_order_relaxed);
  }
  /// What has come since the last call, as a point of one second.
  pulse_point take() noexcept {
    pulse_point now;
    now.seconds = 1;
    now.trained = static_cast<double>(trained.exchange(0));
    now.answered = static_cast<double>(answered.exchange(0));
    now.losses = static_cast<double>(losses.exchange(0));
    now.loss_sum = loss_sum.exchange(0);
    now.errors = static_cast<double>(errors.exchange(0));
    now.error_sum = error_sum.exchange(0);
    if (now.losses > 0) {
      now.loss_least = now.loss_most = now.loss_sum / now.losses;
    }
    return now;
  }
};

/// The last 60 seconds, 60 minutes, 24 hours and 365 days of a cluster, in about 50 kB.
class pulse_history {
 public:
  /// `point.at`: not before that of the point before, less a second.
  void add(const pulse_point& point) {
    for (std::size_t span = 0; span < rings_.size(); ++span) {
      ring& in = rings_[span];
      const std::int64_t step = steps.at(span);
      const std::int64_t slot = point.at / step;
      in.begun = in.begun < 0 ? slot : in.begun;
      in.last = std::max(in.last, slot);
      pulse_point& to = in.points[index(in, slot)];
      if (to.at != slot * step || to.seconds == 0) {
        to = {};
        to.at = slot * step;
      }
      to.append(point);
    }
  }

  /// Points of equal length from where the history begins to `now`, merged to at most `most`;
  /// times without anything are points of zeros. The step that is not over is left out of seconds.
  std::vector<pulse_point> read(pulse_span span, std::int64_t now, std::size_t most) const {
    const ring& from = rings_.at(static_cast<std::size_t>(span));
    const std::int64_t step = steps.at(static_cast<std::size_t>(span));
    const auto size = static_cast<std::int64_t>(from.points.size());
    const std::int64_t end = now / step + (span == pulse_span::seconds ? 0 : 1);
    std::int64_t slot = std::max(end - size, from.begun < 0 ? end : from.begun);
    std::vector<pulse_point> all;
    const std::int64_t count = end - slot;
    const auto each = std::max<std::int64_t>(1, (count + static_cast<std::int64_t>(most) - 1) /
                                                    static_cast<std::int64_t>(most));
    for (std::int64_t i = 0; slot < end; ++slot, ++i) {
      pulse_point point;
      point.at = slot * step;
      const pulse_point& kept = from.points[index(from, slot)];
      if (kept.seconds > 0 && kept.at == point.at) {
        point = kept;
      }
      point.seconds = step; // whatever of it was busy
      if (i % each == 0) {
        all.push_back(point);
      } else {
        all.back().append(point);
      }
    }
    return all;
  }

 private:
  static constexpr std::array<std::int64_t, 4> steps{1, 60, 3600, 86'400};
  struct ring {
    std::vector<pulse_point> points;
    std::int64_t begun = -1; ///< the first slot; -1: none
    std::int64_t last = -1;
  };

  static std::size_t index(const ring& in, std::int64_t slot) {
    return static_cast<std::size_t>(slot % static_cast<std::int64_t>(in.points.size()));
  }

  std::array<ring, 4> rings_{ring{std::vector<pulse_point>(60)}, ring{std::vector<pulse_point>(60)},
                             ring{std::vector<pulse_point>(24)},
                             ring{std::vector<pulse_point>(365)}};
};

} // namespace detail

} // namespace hanami::service::engine
