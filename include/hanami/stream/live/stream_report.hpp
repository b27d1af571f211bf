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

/// What a page about a stream needs, in bounded memory: the last 500 rows, means over the whole
/// stream, the last 100 alarms. A value; not safe from several threads.
class stream_report {
 public:
  static constexpr std::string_view checkpoint_kind = "stream_report";
  static constexpr std::uint32_t checkpoint_version = 1;

  /// Takes a row after the model has: its values, and what the model said. `time` as it came, or
  /// empty.
  void add(std::span<const double> values, std::string_view time, const stream_model& model,
           const stream_result& said) {
    series_.resize(model.columns().size());
    for (std::size_t c = 0; c < series_.size(); ++c) {
      series_[c].add(c < values.size() ? values[c] : nothing, said.ahead(c).value);
    }
    bytes_.add(static_cast<double>(model.bytes()) / 1024);
    if (said.anomaly.alarm) {
      ++alarm_count_;
      const anomaly& found = said.anomaly;
      alarms_.push({model.rows(), std::string(time), static_cast<std::uint32_t>(found.column),
                    found.expected, found.seen, found.probability});
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
    archive(series_, bytes_, alarms_, last_row_, alarm_count_);
  }

 private:
  friend class stream_page;

  static constexpr std::size_t last_rows = 500;
  static constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

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

  struct series {
    void add(double value, double next) {
      seen.push(value);
      expected.push(ahead);
      errors.add(std::abs(value - ahead));
      changes.add(std::abs(value - last));
      last = value;
      ahead = next;
    }

    template <class Archive>
    void serialize(Archive& archive) {
      archive(seen, expected, errors, changes, last, ahead);
    }

    last_values<double> seen{last_rows};
    last_values<double> expected{last_rows};
    stretch_means errors;
    stretch_means changes; ///< what "nothing changes" gets wrong
    double last = nothing;
    double ahead = nothing; ///< the forecast for the next row
  };

  void add_column(html_report& page, const std::string& name, const series& s) const {
    line_plot recent;
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
    page.card(name, "", to_svg(recent) + to_svg(errors));
  }

  void add_alarms(html_report& page, const std::string& title,
                  const std::vector<std::string>& columns) const {
    std::string list;
    for (std::size_t i = 0; i < alarms_.size(); ++i) {
      const alarm& a = alarms_[i];
      list += "row " + std::to_string(a.row) + "  " + a.time + "  " +
              (a.column < columns.size() ? columns[a.column] : std::string()) + "  expected " +
              detail::general_text(a.expected, 6) + ", seen " + detail::general_text(a.seen, 6) +
              ", probability " + detail::general_text(a.probability, 2) + "\n";
    }
    page.card(title, "the newest first; marked in the plots", "<pre>" + html_text(list) + "</pre>");
  }

  std::vector<series> series_;
  stretch_means bytes_;
  last_values<alarm> alarms_{100};
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
