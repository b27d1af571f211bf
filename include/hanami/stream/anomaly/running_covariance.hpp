// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "../../config.hpp"

namespace hanami::inline HANAMI_ISA {

/// Running covariance of vectors around zero, and what it says about one: how far off it is as a
/// whole (Mahalanobis 1936), and each of its values from what the others say it should be, which is
/// ridge regression on them (the conditional mean of a Gaussian; ridge: Hoerl and Kennard 1970).
/// Values should be of the order of 1. Time and memory grow with the square of the size; the
/// inverse is made anew every `size` rows, at least 16.
class running_covariance {
 public:
  running_covariance() = default;
  /// Remembers about `rows` vectors; `ridge` is added to every variance, relative to their mean.
  running_covariance(std::size_t size, double rows, double ridge)
      : size_(size), rows_(rows), ridge_(ridge) {}

  bool ready() const noexcept { return !inverse_.empty(); }
  std::size_t size() const noexcept { return size_; }

  /// Mean square of the whitened vector; 1 is usual.
  double distance(std::span<const double> x) const noexcept {
    double sum = 0;
    for_each_pull(x, [&](std::size_t i, double pulled) { sum += x[i] * pulled; });
    return std::max(0.0, sum) / static_cast<double>(size_);
  }

  /// What each value is off from what the others say.
  void residuals(std::span<const double> x, std::span<double> to) const noexcept {
    for_each_pull(x, [&](std::size_t i, double pulled) {
      to[i] = pulled / static_cast<double>(inverse_[i * size_ + i]);
    });
  }

  /// NaN values become what the others say.
  void fill(std::span<double> x) const noexcept {
    std::size_t missing = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      missing += std::isnan(x[i]) ? 1U : 0U;
    }
    if (missing == 0) {
      return;
    }
    std::vector<std::size_t> gaps;
    for (std::size_t i = 0; i < size_; ++i) {
      if (std::isnan(x[i])) {
        gaps.push_back(i);
        x[i] = 0;
      }
    }
    for (int sweep = ready() ? 4 : 0; sweep > 0; --sweep) { // Gauss and Seidel
      for (const std::size_t i : gaps) {
        x[i] -= pull(x, i) / static_cast<double>(inverse_[i * size_ + i]);
      }
    }
  }

  /// `weight` in (0, 1]: less for a vector that may be wrong.
  void add(std::span<const double> x, double weight = 1) {
    if (covariance_.empty()) {
      covariance_.assign(size_ * size_, 0.0F);
    }
    seen_ = std::min(seen_ + weight, rows_);
    const double share = weight / std::max(seen_, 1.0);
    const auto keep = static_cast<float>(1 - share);
    for (std::size_t i = 0; i < size_; ++i) {
      const auto scaled = static_cast<float>(share * x[i]);
      float* row = covariance_.data() + i * size_;
      for (std::size_t k = 0; k < size_; ++k) {
        row[k] = keep * row[k] + scaled * static_cast<float>(x[k]);
      }
    }
    if (++since_ >= std::max<std::size_t>(size_, 16) &&
        seen_ >= std::max(40.0, 3 * static_cast<double>(size_))) {
      since_ = 0;
      invert();
    }
  }

  std::size_t bytes() const noexcept {
    return (covariance_.capacity() + inverse_.capacity()) * sizeof(float);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows_, ridge_, covariance_, inverse_, seen_, since_);
    const std::size_t all = size_ * size_;
    archive.require((covariance_.empty() || covariance_.size() == all) &&
                        (inverse_.empty() || inverse_.size() == all),
                    "a covariance of another size");
  }

 private:
  double pull(std::span<const double> x, std::size_t i) const noexcept {
    const float* row = inverse_.data() + i * size_;
    double sum = 0;
    for (std::size_t k = 0; k < size_; ++k) {
      sum += static_cast<double>(row[k]) * x[k];
    }
    return sum;
  }

  /// Calls `see(i, pull(x, i))` for every value, eight of them side by side.
  template <class See>
  void for_each_pull(std::span<const double> x, const See& see) const noexcept {
    constexpr std::size_t width = 8;
    for (std::size_t first = 0; first < size_; first += width) {
      const std::size_t count = std::min(width, size_ - first);
      std::array<double, width> sums{};
      for (std::size_t k = 0; k < size_; ++k) {
        const float* row = inverse_.data() + k * size_ + first; // a column as well
        if (count == width) {
          for (std::size_t i = 0; i < width; ++i) {
            sums[i] += static_cast<double>(row[i]) * x[k];
          }
        } else {
          for (std::size_t i = 0; i < count; ++i) {
            sums[i] += static_cast<double>(row[i]) * x[k];
          }
        }
      }
      for (std::size_t i = 0; i < count; ++i) {
        see(first + i, sums[i]);
      }
    }
  }

  /// By the factors of Cholesky. All inner loops go along rows.
  void invert() {
    const std::size_t n = size_;
    double trace = 0;
    for (std::size_t i = 0; i < n; ++i) {
      trace += static_cast<double>(covariance_[i * n + i]);
    }
    const double ridge = ridge_ * trace / static_cast<double>(n) + 1e-6;
    std::vector<double> high(covariance_.begin(), covariance_.end()); // becomes the upper factor
    for (std::size_t i = 0; i < n; ++i) {
      high[i * n + i] += ridge;
    }
    std::vector<double> back(n * n); // the inverse of the lower factor
    for (std::size_t m = 0; m < n; ++m) {
      double* const from = high.data() + m * n;
      const double root = std::sqrt(std::max(from[m], 0.5 * ridge));
      for (std::size_t k = m + 1; k < n; ++k) {
        from[k] /= root;
      }
      for (std::size_t i = m + 1; i < n; ++i) {
        add_row(-from[i], from + i, n - i, high.data() + i * n + i);
      }
      double* const row = back.data() + m * n;
      row[m] = 1;
      for (std::size_t i = 0; i < m; ++i) {
        add_row(-high[i * n + m], back.data() + i * n, i + 1, row);
      }
      for (std::size_t k = 0; k <= m; ++k) {
        row[k] /= root;
      }
    }
    std::vector<double>& product = high;
    std::fill(product.begin(), product.end(), 0.0);
    for (std::size_t m = 0; m < n; ++m) {
      const double* const row = back.data() + m * n;
      for (std::size_t i = 0; i <= m; ++i) {
        add_row(row[i], row, i + 1, product.data() + i * n);
      }
    }
    inverse_.resize(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k <= i; ++k) {
        inverse_[i * n + k] = inverse_[k * n + i] = static_cast<float>(product[i * n + k]);
      }
    }
  }

  /// to += factor * row
  static void add_row(double factor, const double* row, std::size_t count, double* to) noexcept {
    for (std::size_t k = 0; k < count; ++k) {
      to[k] += factor * row[k];
    }
  }

  std::size_t size_ = 0;
  double rows_ = 0;
  double ridge_ = 0;
  std::vector<float> covariance_; ///< none before the first vector
  std::vector<float> inverse_;    ///< none before there are enough of them
  double seen_ = 0;
  std::uint64_t since_ = 0; ///< vectors since the last inversion
};

} // namespace hanami
