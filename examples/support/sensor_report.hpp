// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <hanami/hanami.hpp>

#include "html_report.hpp"
#include "sensor_model.hpp"
#include "svg_plot.hpp"
#include "text.hpp"

namespace example {

/// Means of a stream over stretches of equal length, never more than `most`: where there would be
/// more, two neighbours become one.
class stretch_means {
 public:
  void add(double value) {
    if (std::isfinite(value)) {
      sum_ += value;
      ++count_;
    }
    if (++rows_ < stretch_) {
      return;
    }
    means_.push_back(count_ > 0 ? sum_ / static_cast<double>(count_) : nothing);
    sum_ = 0;
    rows_ = count_ = 0;
    if (means_.size() == most) {
      halve();
    }
  }

  /// Rows at the end of each stretch, and its mean; stretches without a value are left out.
  void draw(plot& to) const {
    for (std::size_t i = 0; i < means_.size(); ++i) {
      if (!std::isnan(means_[i])) {
        to.x.push_back(static_cast<double>((i + 1) * stretch_));
        to.y.push_back(means_[i]);
      }
    }
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(means_, stretch_, rows_, count_, sum_);
    archive.require(means_.size() < most && rows_ < stretch_, "means of no stream");
  }

 private:
  static constexpr std::size_t most = 512;
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  void halve() {
    for (std::size_t i = 0; i < most / 2; ++i) {
      const double a = means_[2 * i];
      const double b = means_[2 * i + 1];
      means_[i] = std::isnan(a) ? b : std::isnan(b) ? a : (a + b) / 2;
    }
    means_.resize(most / 2);
    stretch_ *= 2;
  }

  std::vector<double> means_;
  std::uint64_t stretch_ = 1;
  std::uint64_t rows_ = 0;
  std::uint64_t count_ = 0; ///< of them with a value
  double sum_ = 0;
};

/// What a page about a stream needs, in bounded memory: the last rows, means over the whole stream,
/// the last alarms.
class sensor_record {
 public:
  struct alarm {
    std::uint64_t row = 0;
    std::string time;
    std::uint32_t column = 0;
    double expected = 0;
    double seen = 0;
    double probability = 1;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(row, time, column, expected, seen, probability);
    }
  };

  sensor_record() = default;
  explicit sensor_record(std::size_t columns)
      : series_(columns), expected_(columns, std::numeric_limits<double>::quiet_NaN()) {}

  /// Takes row number `row` after the model has.
  void add(std::uint64_t row, const sensor_row& values, const sensor_model& model,
           const hanami::anomaly& found) {
    for (std::size_t c = 0; c < series_.size(); ++c) {
      series& s = series_[c];
      const double seen = values.values[c];
      s.seen.push(seen);
      s.expected.push(expected_[c]);
      s.errors.add(std::abs(seen - expected_[c]));
      s.changes.add(std::abs(seen - s.last));
      s.last = seen;
      expected_[c] = model.predict(c, 0).value;
    }
    bytes_.add(static_cast<double>(model.bytes()) / 1024);
    rows_ = row;
    if (found.alarm) {
      ++alarm_count_;
      alarms_.push({row, std::string(values.time_text), static_cast<std::uint32_t>(found.column),
                    found.expected, found.seen, found.probability});
    }
  }

  /// Throws `hanami::errc::file_error`.
  void write(const std::string& path, const std::string& source,
             const std::vector<std::string>& columns, const sensor_model& model,
             std::uint64_t damaged) const {
    html_report page("hanami: a stream", source);
    page.begin_numbers();
    page.number(with_commas(rows_), "rows");
    page.number(with_commas(columns.size()), "columns");
    page.number(with_commas(alarm_count_), "alarms");
    page.number(with_commas(damaged), "damaged lines");
    page.number(with_commas(model.gaps()), "missing rows");
    page.number(formatted("%.0f KiB", static_cast<double>(model.bytes()) / 1024), "memory");
    page.end_numbers();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      add_column(page, columns[c], series_[c]);
    }
    add_alarms(page, columns);
    plot growth;
    growth.title = "memory of the model";
    growth.unit = " KiB";
    bytes_.draw(growth);
    page.card("Growth", "", to_svg(growth));
    page.write(path);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    const std::size_t n = series_.size();
    for (series& s : series_) {
      archive(s.seen, s.expected, s.errors, s.changes, s.last);
    }
    archive(expected_, bytes_, alarms_, rows_, alarm_count_);
    archive.require(expected_.size() == n, "a record of other columns");
  }

 private:
  static constexpr std::size_t last_rows = 500;

  struct series {
    hanami::last_values<double> seen{last_rows};
    hanami::last_values<double> expected{last_rows};
    stretch_means errors;
    stretch_means changes; ///< what "nothing changes" gets wrong
    double last = std::numeric_limits<double>::quiet_NaN();
  };

  static void add_column(html_report& page, const std::string& name, const series& s,
                         std::uint64_t first, const hanami::last_values<alarm>& alarms) {
    plot recent;
    recent.title = "the last rows: seen, and (thin) forecast before";
    recent.floor = std::numeric_limits<double>::infinity();
    for (std::size_t i = s.seen.size(); i-- > 0;) {
      if (std::isfinite(s.seen[i]) && std::isfinite(s.expected[i])) {
        recent.x.push_back(static_cast<double>(s.seen.size() - 1 - i));
        recent.y.push_back(s.seen[i]);
        recent.beside.push_back(s.expected[i]);
        recent.floor = std::min({recent.floor, s.seen[i], s.expected[i]});
      }
    }
    if (recent.x.empty()) {
      page.card(html_text(name), "no values", "");
      return;
    }
    for (std::size_t i = 0; i < alarms.size(); ++i) {
      if (alarms[i].row >= first) {
        recent.marks.push_back(static_cast<double>(alarms[i].row - first));
      }
    }
    plot errors;
    errors.title = "mean absolute error one row ahead; thin: if nothing changed";
    errors.colour = "var(--sky)";
    s.errors.draw(errors);
    plot changes;
    s.changes.draw(changes);
    errors.beside = changes.y;
    page.card(name, "", to_svg(recent) + to_svg(errors));
  }

  void add_column(html_report& page, const std::string& name, const series& s) const {
    const std::uint64_t shown = s.seen.size();
    add_column(page, name, s, rows_ >= shown ? rows_ + 1 - shown : 0, alarms_);
  }

  void add_alarms(html_report& page, const std::vector<std::string>& columns) const {
    std::string table = "<pre>";
    for (std::size_t i = 0; i < alarms_.size(); ++i) {
      const alarm& a = alarms_[i];
      table += html_text(formatted("row %llu  ", static_cast<unsigned long long>(a.row)) + a.time +
                         "  " + columns[a.column < columns.size() ? a.column : 0] +
                         formatted("  expected %.6g, seen %.6g, probability %.2g\n", a.expected,
                                   a.seen, a.probability));
    }
    page.card("Alarms", "the newest first; marked in the plots", table + "</pre>");
  }

  std::vector<series> series_;
  std::vector<double> expected_; ///< forecasts for the next row
  stretch_means bytes_;
  hanami::last_values<alarm> alarms_{100};
  std::uint64_t rows_ = 0;
  std::uint64_t alarm_count_ = 0;
};

} // namespace example
