// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "../algorithm/sample_check.hpp"
#include "../template/cluster_template.hpp"
#include "fit.hpp"

namespace hanami::inline HANAMI_ISA::detail {

/// What predictions of values lose on rows held out, by the loss that is learned, in units of how
/// far the targets lie from their median: 99 of 100 lie nearer. Errors count up to twice that, so
/// that one wild target does not decide.
class held_out_values {
 public:
  held_out_values(std::size_t values, const value_loss& loss)
      : known_(values), scales_(values), loss_(loss) {}

  /// Takes the targets of a row. Throws `errc::invalid_argument` for another size.
  void note(std::span<const float> truth) {
    check_size(truth.size(), known_.size(), "target");
    for (std::size_t k = 0; k < truth.size(); ++k) {
      if (!std::isnan(truth[k])) {
        known_[k].push_back(truth[k]);
      }
    }
  }

  /// Now all targets have been noted.
  void find_scales() {
    for (std::size_t k = 0; k < known_.size(); ++k) {
      std::vector<float>& all = known_[k];
      if (all.empty()) {
        continue;
      }
      const float median = quantile(all, 50);
      for (float& value : all) {
        value = std::abs(value - median);
      }
      const float usual = quantile(all, 99);
      scales_[k] =
          static_cast<double>(usual > 0 ? usual : *std::max_element(all.begin(), all.end()));
      std::vector<float>().swap(all);
    }
  }

  /// Adds the losses of a row. Targets that are all the same count for nothing.
  void add(std::span<const float> truth, std::span<const float> said, mean_loss& to) const {
    for (std::size_t k = 0; k < truth.size(); ++k) {
      if (!std::isnan(truth[k]) && scales_[k] > 0) {
        const double error =
            (static_cast<double>(truth[k]) - static_cast<double>(said[k])) / scales_[k];
        to.add(loss_of(std::clamp(error, -2.0, 2.0)));
      }
    }
  }

 private:
  static float quantile(std::vector<float>& values, std::size_t percent) {
    const auto at =
        values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) * percent / 100);
    std::nth_element(values.begin(), at, values.end());
    return *at;
  }

  double loss_of(double error) const noexcept {
    switch (loss_.kind) {
    case loss_kind::huber:
      return std::abs(error);
    case loss_kind::quantile:
      return error * (error > 0 ? loss_.quantile : loss_.quantile - 1);
    case loss_kind::squared:
      break;
    }
    return error * error;
  }

  std::vector<std::vector<float>> known_; ///< of a value, the targets
  std::vector<double> scales_;
  value_loss loss_;
};

} // namespace hanami::inline HANAMI_ISA::detail
