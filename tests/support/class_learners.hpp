// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <hanami/foundation/random.hpp>

/// What streams of classes are usually learned with. Each has `predict(row)` and `learn(row,
/// label)`, and takes one row at a time.

namespace peers {

/// Columns in running means and deviations: z-scores, of what has been seen so far.
class running_z {
 public:
  explicit running_z(std::size_t inputs) : mean_(inputs), square_(inputs), row_(inputs) {}

  void note(std::span<const float> row) {
    ++seen_;
    for (std::size_t k = 0; k < row.size(); ++k) {
      const double off = static_cast<double>(row[k]) - mean_[k];
      mean_[k] += off / static_cast<double>(seen_);
      square_[k] += off * (static_cast<double>(row[k]) - mean_[k]);
    }
  }

  std::span<const float> scaled(std::span<const float> row) {
    for (std::size_t k = 0; k < row.size(); ++k) {
      const double deviation = std::sqrt(square_[k] / std::max(1.0, static_cast<double>(seen_)));
      row_[k] = deviation > 0
                    ? static_cast<float>((static_cast<double>(row[k]) - mean_[k]) / deviation)
                    : 0.0f;
    }
    return row_;
  }

 private:
  std::uint64_t seen_ = 0;
  std::vector<double> mean_, square_;
  std::vector<float> row_;
};

/// A perceptron with one hidden layer of rectified neurons on running z-scores, trained by plain
/// gradient descent; without hidden neurons, softmax regression.
class mlp {
 public:
  mlp(std::size_t inputs, std::size_t classes, std::size_t hidden, float rate, std::uint64_t seed)
      : rate_(rate), z_(inputs), first_(hidden * inputs), first_bias_(hidden), hidden_(hidden),
        second_(classes * (hidden > 0 ? hidden : inputs)), second_bias_(classes), out_(classes) {
    const auto draw = [&](std::vector<float>& weights, std::uint64_t stream, std::size_t fan_in) {
      const float bound = std::sqrt(6.0f / static_cast<float>(fan_in)); // He and others 2015
      for (std::size_t i = 0; i < weights.size(); ++i) {
        weights[i] = bound * hanami::random_signed_unit(seed, stream, i);
      }
    };
    if (hidden > 0) {
      draw(first_, 1, inputs);
      draw(second_, 2, 2 * hidden);
    }
  }

  std::size_t predict(std::span<const float> row) {
    forward(row);
    return static_cast<std::size_t>(std::max_element(out_.begin(), out_.end()) - out_.begin());
  }

  void learn(std::span<const float> row, std::size_t label) {
    z_.note(row);
    const auto read = forward(row);
    const float most = *std::max_element(out_.begin(), out_.end());
    float sum = 0;
    for (float& o : out_) {
      sum += o = std::exp(o - most);
    }
    std::vector<float> back(hidden_.size());
    for (std::size_t c = 0; c < out_.size(); ++c) {
      const float error = out_[c] / sum - (c == label ? 1.0f : 0.0f);
      float* w = second_.data() + c * read.size();
      for (std::size_t j = 0; j < back.size(); ++j) {
        back[j] += read[j] > 0 ? error * w[j] : 0.0f;
      }
      for (std::size_t j = 0; j < read.size(); ++j) {
        w[j] -= rate_ * error * read[j];
      }
      second_bias_[c] -= rate_ * error;
    }
    const auto x = z_.scaled(row);
    for (std::size_t j = 0; j < back.size(); ++j) {
      float* w = first_.data() + j * x.size();
      for (std::size_t k = 0; k < x.size() && back[j] != 0; ++k) {
        w[k] -= rate_ * back[j] * x[k];
      }
      first_bias_[j] -= rate_ * back[j];
    }
  }

 private:
  /// Sums of the outputs; what they read.
  std::span<const float> forward(std::span<const float> row) {
    std::span<const float> read = z_.scaled(row);
    for (std::size_t j = 0; j < hidden_.size(); ++j) {
      const float* w = first_.data() + j * row.size();
      float sum = first_bias_[j];
      for (std::size_t k = 0; k < row.size(); ++k) {
        sum += w[k] * read[k];
      }
      hidden_[j] = std::max(0.0f, sum);
    }
    read = hidden_.empty() ? read : std::span<const float>(hidden_);
    for (std::size_t c = 0; c < out_.size(); ++c) {
      const float* w = second_.data() + c * read.size();
      float sum = second_bias_[c];
      for (std::size_t j = 0; j < read.size(); ++j) {
        sum += w[j] * read[j];
      }
      out_[c] = sum;
    }
    return read;
  }

  float rate_;
  running_z z_;
  std::vector<float> first_, first_bias_, hidden_, second_, second_bias_, out_;
};

/// The nearest rows of a window of the last ones, by running z-scores; they vote.
class nearest_rows {
 public:
  nearest_rows(std::size_t inputs, std::size_t classes, std::size_t window = 1000,
               std::size_t neighbours = 5)
      : z_(inputs), inputs_(inputs), window_(window), neighbours_(neighbours), votes_(classes) {}

  std::size_t predict(std::span<const float> row) {
    std::vector<float> scale(inputs_);
    const std::vector<float> ones(inputs_, 1.0f);
    const std::vector<float> zeros(inputs_, 0.0f);
    const auto at_one = z_.scaled(ones);
    std::copy(at_one.begin(), at_one.end(), scale.begin());
    const auto at_zero = z_.scaled(zeros);
    for (std::size_t k = 0; k < inputs_; ++k) {
      scale[k] -= at_zero[k];
    }
    nearest_.clear();
    for (std::size_t i = 0; i < labels_.size(); ++i) {
      float far = 0;
      for (std::size_t k = 0; k < inputs_; ++k) {
        const float off = (rows_[i * inputs_ + k] - row[k]) * scale[k];
        far += off * off;
      }
      nearest_.push_back({far, labels_[i]});
    }
    const std::size_t asked = std::min(neighbours_, nearest_.size());
    std::partial_sort(nearest_.begin(), nearest_.begin() + static_cast<std::ptrdiff_t>(asked),
                      nearest_.end());
    std::fill(votes_.begin(), votes_.end(), 0U);
    for (std::size_t i = 0; i < asked; ++i) {
      ++votes_[nearest_[i].second];
    }
    return static_cast<std::size_t>(std::max_element(votes_.begin(), votes_.end()) -
                                    votes_.begin());
  }

  void learn(std::span<const float> row, std::size_t label) {
    z_.note(row);
    if (labels_.size() < window_) {
      rows_.insert(rows_.end(), row.begin(), row.end());
      labels_.push_back(label);
      return;
    }
    std::copy(row.begin(), row.end(), rows_.begin() + static_cast<std::ptrdiff_t>(next_ * inputs_));
    labels_[next_] = label;
    next_ = (next_ + 1) % window_;
  }

 private:
  running_z z_;
  std::size_t inputs_, window_, neighbours_;
  std::size_t next_ = 0;
  std::vector<float> rows_;
  std::vector<std::size_t> labels_;
  std::vector<std::pair<float, std::size_t>> nearest_;
  std::vector<unsigned> votes_;
};

/// The class of the row before.
class last_class {
 public:
  std::size_t predict(std::span<const float>) const noexcept { return last_; }
  void learn(std::span<const float>, std::size_t label) noexcept { last_ = label; }

 private:
  std::size_t last_ = 0;
};

} // namespace peers
