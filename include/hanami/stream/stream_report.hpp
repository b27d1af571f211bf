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
#include <vector>

#include "../draw/html_report.hpp"
#include "../draw/plot.hpp"
#include "running.hpp"
#include "stream_model.hpp"
#include "stretch_means.hpp"

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

  /// The page; `source` says what stream it is about, `damaged` how many of its rows could not be
  /// read. Throws `errc::file_error`.
  void write(const std::filesystem::path& path, std::string_view source, const stream_model& model,
             std::uint64_t damaged = 0) const {
    html_report page("hanami: a stream", source);
    page.begin_numbers();
    page.number(last_row_, "rows");
    page.number(model.columns().size(), "columns");
    page.number(alarm_count_, "alarms");
    page.number(damaged, "damaged lines");
    page.number(model.missing_rows(), "missing rows");
    page.number(detail::fixed_text(static_cast<double>(model.bytes()) / 1024, 0) + " KiB",
                "memory");
    page.end_numbers();
    for (std::size_t c = 0; c < series_.size(); ++c) {
      add_column(page, model.columns()[c], series_[c]);
    }
    add_alarms(page, model.columns());
    line_plot growth;
    growth.title = "memory of the model";
    growth.unit = " KiB";
    bytes_.points(growth.x, growth.y);
    page.card("Growth", "", to_svg(growth));
    page.write(path);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(series_, bytes_, alarms_, last_row_, alarm_count_);
  }

 private:
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

  void add_alarms(html_report& page, const std::vector<std::string>& columns) const {
    std::string list;
    for (std::size_t i = 0; i < alarms_.size(); ++i) {
      const alarm& a = alarms_[i];
      list += "row " + std::to_string(a.row) + "  " + a.time + "  " +
              (a.column < columns.size() ? columns[a.column] : std::string()) + "  expected " +
              detail::general_text(a.expected, 6) + ", seen " + detail::general_text(a.seen, 6) +
              ", probability " + detail::general_text(a.probability, 2) + "\n";
    }
    page.card("Alarms", "the newest first; marked in the plots",
              "<pre>" + html_text(list) + "</pre>");
  }

  std::vector<series> series_;
  stretch_means bytes_;
  last_values<alarm> alarms_{100};
  std::uint64_t last_row_ = 0;
  std::uint64_t alarm_count_ = 0;
};

} // namespace hanami
