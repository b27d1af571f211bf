// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../draw/html_report.hpp"
#include "../../draw/plot.hpp"
#include "../running.hpp"
#include "../stream_model.hpp"
#include "../stretch_means.hpp"

namespace hanami::inline HANAMI_ISA {

/// What a page about a stream needs, in bounded memory: the last 500 rows with the intervals they
/// were expected in, the forecasts of rows to come, means over the whole stream, and its alarms, of
/// more than 10,000 the last. A value; not safe from several threads.
class stream_report {
 public:
  static constexpr std::string_view checkpoint_kind = "stream_report";
  static constexpr std::uint32_t checkpoint_version = 2;

  /// Takes a row after the model has: its values, and what the model said. `time` as it came, or
  /// empty.
  void add(std::span<const double> values, std::string_view time, const stream_model& model,
           const stream_result& said) {
    series_.resize(model.columns().size());
    const std::size_t far = said.horizons - 1;
    const std::uint32_t horizon = model.horizons()[far];
    const bool kept = model.rows() % (horizon / most_to_come + 1) == 0;
    for (std::size_t c = 0; c < series_.size(); ++c) {
      series_[c].add(c < values.size() ? values[c] : nothing, said.ahead(c));
      if (far > 0 && kept) {
        series_[c].to_come.push({model.rows() + horizon, said.ahead(c, far)});
      }
    }
    if (!time.empty()) {
      (first_time_.empty() ? first_time_ : last_time_) = time;
    }
    bytes_.add(static_cast<double>(model.bytes()) / 1024);
    if (said.anomaly.alarm) {
      ++alarm_count_;
      const anomaly& found = said.anomaly;
      alarms_.push({model.rows(), std::string(time), static_cast<std::uint32_t>(found.column),
                    found.expected, found.seen, found.score});
    }
    last_row_ = model.rows();
  }

  /// The same with a row by names.
  void add(std::span<const std::pair<std::string_view, double>> values, std::string_view time,
           const stream_model& model, const stream_result& said) {
    std::vector<double> row(model.columns().size(), nothing);
    for (const auto& [name, value] : values) {
      row[model.index_of(name)] = value;
    }
    add(std::span<const double>(row), time, model, said);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(series_, bytes_, alarms_, first_time_, last_time_, last_row_, alarm_count_);
  }

 private:
  friend class stream_page;

  static constexpr std::size_t last_rows = 500;
  static constexpr std::size_t most_to_come = 250; ///< rows to come that are shown
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

  struct alarm {
    std::uint64_t row = 0;
    std::string time;
    std::uint32_t column = 0;
    double expected = 0;
    double seen = 0;
    double score = 0;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(row, time, column, expected, seen, score);
    }
  };

  /// What was said of a row.
  struct said_of {
    std::uint64_t row = 0;
    forecast what;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(row, what.value, what.low, what.high);
    }
  };

  struct series {
    void add(double value, const forecast& next) {
      seen.push(value);
      expected.push(ahead);
      whole.add(value);
      errors.add(std::abs(value - ahead.what.value));
      changes.add(std::abs(value - last));
      last = value;
      ahead.what = next;
    }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(seen, expected, to_come, whole, errors, changes, last, ahead);
    }

    last_values<double> seen{last_rows};
    last_values<said_of> expected{last_rows};
    last_values<said_of> to_come{most_to_come}; ///< over the longest horizon
    stretch_means whole;
    stretch_means errors;
    stretch_means changes; ///< what "nothing changes" gets wrong
    double last = nothing;
    said_of ahead{0, {nothing, nothing, nothing}}; ///< the forecast for the next row
  };

  void add_column(html_report& page, const std::string& name, const series& s) const {
    line_plot recent;
    recent.title = "the last rows: seen, and (thin) forecast before, in the band where four in "
                   "five were to be";
    recent.floor = std::numeric_limits<double>::infinity();
    for (std::size_t i = s.seen.size(); i-- > 0;) {
      const forecast& before = s.expected[i].what;
      if (std::isfinite(s.seen[i]) && std::isfinite(before.value)) {
        recent.x.push_back(static_cast<double>(s.seen.size() - 1 - i));
        recent.y.push_back(s.seen[i]);
        recent.beside.push_back(before.value);
        recent.low.push_back(before.low);
        recent.high.push_back(before.high);
        recent.floor = std::min({recent.floor, s.seen[i], before.low});
      }
    }
    if (recent.x.empty()) {
      page.card(name, "no values", "");
      return;
    }
    const std::uint64_t first = last_row_ + 1 - std::min<std::uint64_t>(last_row_, s.seen.size());
    for (std::size_t i = 0; i < alarms_.size(); ++i) {
      if (alarms_[i].row >= first) {
        recent.marks.push_back(static_cast<double>(alarms_[i].row - first));
      }
    }
    line_plot errors;
    errors.title = "mean absolute error one row ahead; thin: if nothing changed";
    errors.colour = "var(--sky)";
    s.errors.points(errors.x, errors.y);
    std::vector<double> rows;
    s.changes.points(rows, errors.beside);
    page.card(name, "",
              to_svg(recent) + rows_to_come(s) + to_svg(whole_stream(s)) + to_svg(errors));
  }

  /// The forecasts over the longest horizon of rows that have not come; empty where there is one
  /// horizon.
  std::string rows_to_come(const series& s) const {
    line_plot p;
    p.title = "rows to come, over the longest horizon, and where four in five will be";
    p.floor = std::numeric_limits<double>::infinity();
    for (std::size_t i = s.to_come.size(); i-- > 0;) {
      const auto& [row, what] = s.to_come[i];
      if (row > last_row_ && std::isfinite(what.value)) {
        p.x.push_back(static_cast<double>(row - last_row_));
        p.y.push_back(what.value);
        p.low.push_back(what.low);
        p.high.push_back(what.high);
        p.floor = std::min(p.floor, what.low);
      }
    }
    return p.x.empty() ? std::string() : to_svg(p);
  }

  line_plot whole_stream(const series& s) const {
    line_plot p;
    p.title = "the whole stream, means, all alarms marked";
    if (!last_time_.empty()) {
      p.title += "; from " + html_text(first_time_) + " to " + html_text(last_time_);
    }
    p.colour = "var(--bark)";
    s.whole.points(p.x, p.y);
    p.floor = p.y.empty() ? 0 : *std::min_element(p.y.begin(), p.y.end());
    for (std::size_t i = 0; i < alarms_.size() && !p.x.empty(); ++i) {
      if (static_cast<double>(alarms_[i].row) <= p.x.back()) {
        p.marks.push_back(static_cast<double>(alarms_[i].row));
      }
    }
    return p;
  }

  void add_alarms(html_report& page, const std::string& title,
                  const std::vector<std::string>& columns) const {
    std::string list;
    for (std::size_t i = 0; i < alarms_.size(); ++i) {
      const alarm& a = alarms_[i];
      list += "row " + std::to_string(a.row) + "  " + a.time + "  " +
              (a.column < columns.size() ? columns[a.column] : std::string()) + "  expected " +
              detail::general_text(a.expected, 6) + ", seen " + detail::general_text(a.seen, 6) +
              ", score " + detail::fixed_text(a.score, 2) + "\n";
    }
    page.card(title, "the newest first; marked in the plots", "<pre>" + html_text(list) + "</pre>");
  }

  std::vector<series> series_;
  stretch_means bytes_;
  last_values<alarm> alarms_{10000};
  std::string first_time_;
  std::string last_time_;
  std::uint64_t last_row_ = 0;
  std::uint64_t alarm_count_ = 0;
};

/// A page about a stream, or about several that came as one. What is added must outlive it.
class stream_page {
 public:
  static constexpr std::size_t most_streams = 50; ///< that are shown in plots

  /// `source` says where the rows came from, `damaged` how many lines could not be read.
  explicit stream_page(std::string_view source, std::uint64_t damaged = 0)
      : source_(source), damaged_(damaged) {}

  /// `key` tells streams apart; empty where there is one.
  void add(std::string_view key, const stream_report& report, const stream_model& model) {
    parts_.push_back({std::string(key), &report, &model});
  }

  /// Throws `errc::file_error`.
  void write(const std::filesystem::path& path) const {
    html_report page("hanami: a stream", source_);
    std::uint64_t rows = 0;
    std::uint64_t alarms = 0;
    std::uint64_t missing = 0;
    std::size_t columns = 0;
    double bytes = 0;
    for (const part& p : parts_) {
      rows += p.report->last_row_;
      alarms += p.report->alarm_count_;
      missing += p.model->missing_rows();
      columns += p.model->columns().size();
      bytes += static_cast<double>(p.model->bytes());
    }
    page.begin_numbers();
    page.number(rows, "rows");
    if (parts_.size() > 1) {
      page.number(parts_.size(), "streams");
    }
    page.number(columns, "columns");
    page.number(alarms, "alarms");
    page.number(damaged_, "damaged lines");
    page.number(missing, "missing rows");
    page.number(detail::fixed_text(bytes / 1024, 0) + " KiB", "memory");
    page.end_numbers();
    // Those that came last are the ones that live.
    const std::size_t first = parts_.size() - std::min(parts_.size(), most_streams);
    for (std::size_t i = parts_.size(); i-- > first;) {
      add_part(page, parts_[i]);
    }
    page.write(path);
  }

 private:
  struct part {
    std::string key;
    const stream_report* report;
    const stream_model* model;
  };

  static void add_part(html_report& page, const part& p) {
    const std::string of = p.key.empty() ? std::string() : p.key + ": ";
    const std::vector<std::string>& columns = p.model->columns();
    for (std::size_t c = 0; c < std::min(columns.size(), p.report->series_.size()); ++c) {
      p.report->add_column(page, of + columns[c], p.report->series_[c]);
    }
    p.report->add_alarms(page, of + "Alarms", columns);
    line_plot growth;
    growth.title = "memory of the model";
    growth.unit = " KiB";
    p.report->bytes_.points(growth.x, growth.y);
    page.card(of + "Growth", "", to_svg(growth));
  }

  std::string source_;
  std::uint64_t damaged_;
  std::vector<part> parts_;
};

} // namespace hanami
