// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iomanip>
#include <map>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "class_label.hpp"
#include "label_encoder.hpp"

namespace hanami::inline HANAMI_ISA {

/// How good predictions of classes were, counted one by one. Every number is defined for any count:
/// 0 where there is nothing to divide by.
class classification_scores {
 public:
  /// Notes a sample: what it is, what was predicted, how certain that was (0..1), and how likely
  /// the truth was held to be (0..1).
  void add(const label_view& truth, const label_view& predicted, float certainty,
           float probability_of_truth) {
    const std::size_t t = number_of(truth);
    const std::size_t p = number_of(predicted);
    ++confused_[{t, p}];
    ++truths_[t];
    ++predictions_[p];
    const std::uint64_t right = t == p ? 1 : 0;
    right_ += right;
    if (last_) {
      ++followed_;
      repeated_ += std::uint64_t{*last_ == t};
      right_followed_ += right;
    }
    last_ = t;
    lost_ -= std::log(std::max(static_cast<double>(probability_of_truth), 1e-15));
    const auto bin = std::min(static_cast<std::size_t>(certainty * bins), bins - 1);
    certainty_[bin] += static_cast<double>(certainty);
    right_when_[bin] += right;
    ++samples_;
  }

  std::uint64_t samples() const noexcept { return samples_; }
  /// Classes that were true or predicted, in the order in which they came.
  const label_encoder& classes() const noexcept { return classes_; }
  /// How often `truth` was taken for `predicted`.
  std::uint64_t count(const label_view& truth, const label_view& predicted) const {
    const auto t = classes_.find(truth);
    const auto p = classes_.find(predicted);
    return t && p ? count_of(*t, *p) : 0;
  }

  /// Share of the samples that were right, 0..1.
  double accuracy() const noexcept { return share(right_, samples_); }

  /// Cohen's kappa: 1 for all right, 0 for as good as drawing classes by their frequency, below 0
  /// for worse (Cohen 1960).
  double kappa() const noexcept {
    double chance = 0;
    for (std::size_t k = 0; k < truths_.size(); ++k) {
      chance += share(truths_[k], samples_) * share(predictions_[k], samples_);
    }
    return over(accuracy(), chance);
  }

  /// The same against the rule "as the sample before": what a stream whose classes come in runs
  /// should be judged by (Zliobaite et al. 2015). The first sample, which has none before it, is
  /// left out.
  double kappa_against_last() const noexcept {
    return over(share(right_followed_, followed_), share(repeated_, followed_));
  }

  /// Mean of -log(probability of the truth), in nats; probabilities below 1e-15 count as that.
  double log_loss() const noexcept { return samples_ == 0 ? 0 : lost_ / as_double(samples_); }

  /// Expected calibration error: how far certainty and accuracy lie apart, in ten bins of
  /// certainty, on average over the samples; 0..1, 0 is best (Naeini et al. 2015).
  double calibration_error() const noexcept {
    double apart = 0;
    for (std::size_t k = 0; k < bins; ++k) {
      apart += std::abs(certainty_[k] - as_double(right_when_[k]));
    }
    return samples_ == 0 ? 0 : apart / as_double(samples_);
  }

  /// Share of the samples of a class that were found.
  double recall(const label_view& of) const {
    const auto k = classes_.find(of);
    return k ? share(count_of(*k, *k), truths_[*k]) : 0;
  }
  /// Share of the predictions of a class that were right.
  double precision(const label_view& of) const {
    const auto k = classes_.find(of);
    return k ? share(count_of(*k, *k), predictions_[*k]) : 0;
  }

  /// The numbers, and up to 12 classes the table of what was taken for what.
  friend std::ostream& operator<<(std::ostream& stream, const classification_scores& of) {
    return stream << to_string(of);
  }
  friend std::string to_string(const classification_scores& of) {
    std::ostringstream text;
    text << std::fixed << std::setprecision(2) << "accuracy " << 100 * of.accuracy() << " % of "
         << of.samples_ << std::setprecision(3) << ", kappa " << of.kappa()
         << ", against the last class " << of.kappa_against_last() << "\nlog loss " << of.log_loss()
         << ", calibration error " << of.calibration_error() << '\n';
    of.write_table(text);
    return text.str();
  }

 private:
  static constexpr std::size_t bins = 10;
  static constexpr std::size_t most_shown = 12;

  static double as_double(std::uint64_t count) noexcept { return static_cast<double>(count); }
  static double share(std::uint64_t part, std::uint64_t all) noexcept {
    return all == 0 ? 0 : as_double(part) / as_double(all);
  }
  /// Of what `chance` leaves open, the share that was found.
  static double over(double accuracy, double chance) noexcept {
    return chance < 1 ? (accuracy - chance) / (1 - chance) : 0;
  }

  std::size_t number_of(const label_view& label) {
    const std::size_t k = classes_.add(label);
    truths_.resize(classes_.size());
    predictions_.resize(classes_.size());
    return k;
  }
  std::uint64_t count_of(std::size_t truth, std::size_t predicted) const {
    const auto found = confused_.find({truth, predicted});
    return found == confused_.end() ? 0 : found->second;
  }

  /// A row for each true class, a column for each predicted one.
  void write_table(std::ostream& text) const {
    if (classes_.size() < 2 || classes_.size() > most_shown) {
      return;
    }
    std::vector<std::size_t> width;
    std::size_t first = 0;
    for (std::size_t k = 0; k < classes_.size(); ++k) {
      first = std::max(first, classes_[k].text().size());
      width.push_back(std::max(classes_[k].text().size(),
                               std::to_string(std::max(truths_[k], predictions_[k])).size()));
    }
    const auto cell = [&](std::size_t size, const auto& value) {
      text << ' ' << std::setw(static_cast<int>(size)) << value;
    };
    text << std::string(first, ' ') << " |";
    for (std::size_t p = 0; p < classes_.size(); ++p) {
      cell(width[p], classes_[p].text());
    }
    text << " <- predicted\n";
    for (std::size_t t = 0; t < classes_.size(); ++t) {
      text << std::setw(static_cast<int>(first)) << classes_[t].text() << " |";
      for (std::size_t p = 0; p < classes_.size(); ++p) {
        cell(width[p], count_of(t, p));
      }
      text << '\n';
    }
  }

  label_encoder classes_;
  std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> confused_; ///< truth, predicted
  std::vector<std::uint64_t> truths_;                                     ///< by class
  std::vector<std::uint64_t> predictions_;                                ///< by class
  std::uint64_t samples_ = 0;
  std::uint64_t right_ = 0;
  std::optional<std::size_t> last_;
  std::uint64_t followed_ = 0; ///< samples with one before them
  std::uint64_t repeated_ = 0; ///< those of the class of the one before
  std::uint64_t right_followed_ = 0;
  double lost_ = 0;
  std::array<double, bins> certainty_{};
  std::array<std::uint64_t, bins> right_when_{};
};

} // namespace hanami
