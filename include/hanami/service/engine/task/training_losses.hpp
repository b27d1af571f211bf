// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace hanami::service::engine {

/// The mean loss of some samples that followed each other.
struct loss_point {
  std::uint64_t samples = 0; ///< learned until then
  double loss = 0;           ///< in nats
};

/// The losses of a training task, however long it is: a running mean, and a curve of at most 128
/// points. The same losses make the same curve.
class training_losses {
 public:
  static constexpr std::size_t most_points = 128;

  void add(double loss) {
    if (!std::isfinite(loss)) {
      return;
    }
    ++samples_;
    const double weight = std::max(1.0 / 256, 1.0 / static_cast<double>(samples_));
    recent_ += weight * (loss - recent_);
    sum_ += loss;
    if (samples_ % width_ == 0) {
      means_.push_back(sum_ / static_cast<double>(width_));
      sum_ = 0;
      if (means_.size() == most_points) {
        halve();
      }
    }
  }

  /// The mean of about the last 256 losses; 0 before the first.
  double recent() const noexcept { return recent_; }
  std::uint64_t samples() const noexcept { return samples_; }

  /// Means of equally many samples each; the last point may be of fewer.
  std::vector<loss_point> curve() const {
    std::vector<loss_point> points;
    for (std::size_t i = 0; i < means_.size(); ++i) {
      points.push_back({(i + 1) * width_, means_[i]});
    }
    if (const std::uint64_t rest = samples_ % width_; rest > 0) {
      points.push_back({samples_, sum_ / static_cast<double>(rest)});
    }
    return points;
  }

  /// All of it as text, exact to the bit.
  std::string to_text() const {
    std::string text = std::to_string(samples_) + ' ' + std::to_string(width_);
    append(text, recent_);
    append(text, sum_);
    for (const double mean : means_) {
      append(text, mean);
    }
    return text;
  }
  /// From `to_text`; empty for any other text.
  static training_losses from_text(std::string_view text) {
    training_losses read;
    bool good = take(text, read.samples_) && take(text, read.width_) && take(text, read.recent_) &&
                take(text, read.sum_);
    while (good && !text.empty() && read.means_.size() < most_points) {
      good = take(text, read.means_.emplace_back());
    }
    const bool whole = good && text.empty() && read.width_ > 0 &&
                       read.samples_ / read.width_ == read.means_.size();
    return whole ? read : training_losses();
  }

 private:
  void halve() {
    for (std::size_t i = 0; i < means_.size() / 2; ++i) {
      means_[i] = (means_[2 * i] + means_[2 * i + 1]) / 2;
    }
    means_.resize(means_.size() / 2);
    width_ *= 2;
  }

  static void append(std::string& to, double value) {
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof digits, value);
    to += ' ';
    to.append(digits, end.ptr);
  }
  template <class Number>
  static bool take(std::string_view& from, Number& value) {
    const auto end = from.data() + from.size();
    const auto read = std::from_chars(from.data(), end, value);
    if (read.ec != std::errc() || (read.ptr != end && *read.ptr != ' ')) {
      return false;
    }
    from.remove_prefix(std::min(from.size(), static_cast<std::size_t>(read.ptr - from.data()) + 1));
    return true;
  }

  std::uint64_t samples_ = 0;
  std::uint64_t width_ = 1; ///< samples of a point
  double recent_ = 0;
  double sum_ = 0; ///< since the last point
  std::vector<double> means_;
};

} // namespace hanami::service::engine
