// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include <hanami/foundation/random.hpp>

namespace bench {

/// A periodic signal without times, some cycles of which are odd: flattened, backwards, of another
/// length, with a peak more, without its second half, or smaller.
struct odd_cycles {
  std::vector<double> values;
  std::vector<char> odd; ///< for each row
  std::size_t cycle = 0; ///< rows

  odd_cycles(std::uint64_t seed, std::size_t rows) {
    const auto draw = [&](std::uint64_t what, std::uint64_t number = 0) {
      return static_cast<double>(hanami::random_unit(seed, 94 + what, number));
    };
    cycle = static_cast<std::size_t>(20 * std::pow(6.0, draw(0)));
    const double noise = 0.02 + 0.1 * draw(1);
    const auto shape = [&](double phase) {
      double sum = 0;
      for (std::uint64_t h = 1; h <= 4; ++h) {
        const auto k = static_cast<double>(h);
        sum += (draw(2, h) + 0.2) / k * std::sin(2 * std::numbers::pi * (k * phase + draw(3, h)));
      }
      return sum;
    };
    const std::array<double, 3> places = {0.35 + 0.1 * draw(4), 0.6 + 0.1 * draw(5),
                                          0.85 + 0.1 * draw(6)};
    const std::size_t count = 1 + static_cast<std::size_t>(3 * draw(7));
    std::size_t next = 0;
    while (values.size() < rows) {
      const bool strange =
          next<count&& static_cast<double>(values.size())> places[next] * static_cast<double>(rows);
      const double usual = static_cast<double>(cycle) * (1 + 0.02 * (draw(8, values.size()) - 0.5));
      const auto what = static_cast<int>(6 * draw(9, next));
      const auto size = static_cast<std::size_t>(strange && what == 2 ? 1.5 * usual : usual);
      for (std::size_t i = 0; i < size; ++i) {
        const double phase = static_cast<double>(i) / static_cast<double>(size);
        double value = shape(strange && what == 1 ? 1 - phase : phase);
        if (strange && what == 0) {
          value *= 0.2;
        } else if (strange && what == 3) {
          value += std::exp(-200 * (phase - 0.5) * (phase - 0.5));
        } else if (strange && what == 4 && phase > 0.5) {
          value = shape(0.5);
        } else if (strange && what == 5) {
          value *= 0.6;
        }
        const double wild = 2 * draw(10, values.size()) - 1;
        values.push_back(value + noise * wild);
        odd.push_back(strange ? 1 : 0);
      }
      next += strange ? 1 : 0;
    }
  }
};

/// Volume under the surface of precision and recall over thresholds and widths of the labels'
/// borders (VUS-PR: Paparrizos, Boniol, Palpanas, Tsay, Elmore and Franklin 2022): how well scores
/// rank rows where labels are stretches, in 0..1. Borders fall like the root of the distance, up to
/// `widest` rows away.
inline double vus_pr(std::span<const double> scores, std::span<const char> labels,
                     std::size_t widest) {
  const std::size_t n = scores.size();
  std::vector<std::size_t> order(n);
  for (std::size_t t = 0; t < n; ++t) {
    order[t] = t;
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  std::vector<std::pair<std::size_t, std::size_t>> stretches;
  for (std::size_t t = 0; t < n; ++t) {
    if (labels[t] != 0) {
      if (t == 0 || labels[t - 1] == 0) {
        stretches.emplace_back(t, t);
      }
      stretches.back().second = t + 1;
    }
  }
  double volume = 0;
  constexpr std::size_t widths = 9;
  for (std::size_t w = 0; w < widths; ++w) {
    const std::size_t border = w * widest / (widths - 1);
    std::vector<double> soft(n);
    std::vector<std::size_t> owner(n, stretches.size());
    double all = 0;
    for (std::size_t s = 0; s < stretches.size(); ++s) {
      const auto [first, last] = stretches[s];
      for (std::size_t t = first - std::min(first, border / 2); t < std::min(n, last + border / 2);
           ++t) {
        const std::size_t away = t < first ? first - t : t >= last ? t - last + 1 : 0;
        const double value =
            away == 0
                ? 1
                : std::sqrt(1 - static_cast<double>(away) / (static_cast<double>(border) + 1));
        soft[t] = std::max(soft[t], value);
        owner[t] = s;
      }
    }
    double hard = 0;
    for (std::size_t t = 0; t < n; ++t) {
      all += soft[t];
      hard += labels[t] != 0 ? 1 : 0;
    }
    const double positives = (all + hard) / 2;
    std::vector<char> seen(stretches.size());
    std::size_t found = 0;
    double hits = 0;
    double recalled = 0;
    double area = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t t = order[i];
      hits += soft[t];
      if (owner[t] < stretches.size() && seen[owner[t]] == 0) {
        seen[owner[t]] = 1;
        ++found;
      }
      if (i + 1 < n && scores[order[i + 1]] == scores[t]) {
        continue; // a threshold has all rows of its score
      }
      const double recall = std::min(1.0, hits / positives) * static_cast<double>(found) /
                            static_cast<double>(std::max<std::size_t>(1, stretches.size()));
      area += std::max(0.0, recall - recalled) * hits / static_cast<double>(i + 1);
      recalled = std::max(recalled, recall);
    }
    volume += area / static_cast<double>(widths);
  }
  return volume;
}

} // namespace bench
