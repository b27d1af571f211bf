// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <map>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"
#include "../model/rows.hpp"
#include "anomaly.hpp"
#include "calendar.hpp"
#include "forecaster.hpp"
#include "row_forecaster.hpp"
#include "time/row_clock.hpp"
#include "time_zone.hpp"

namespace hanami::inline HANAMI_ISA {

/// How a stream is learned. The defaults suit most.
struct stream_options {
  /// Last changes of a column that its forecasts see, up to 1000; 0: the newest row only.
  std::uint32_t window = 12;
  /// Rows ahead, ascending; empty: one row, and one day where the step makes that a season.
  std::vector<std::uint32_t> horizons = {};
  double step = 0;                  ///< seconds from row to row; 0: the first times tell
  double alarms_per_day = 1.0 / 30; ///< false alarms to be expected
  std::uint64_t seed = 1;
  point_forecast point = point_forecast::median; ///< or the mean
  time_zone zone = {};                           ///< whose clocks matter; times are UTC then

  template <class Archive>
  void serialize(Archive& archive) {
    archive(window, horizons, step, alarms_per_day, seed, point, zone);
  }
};

/// What a model says about a row, and from it about those to come.
struct stream_result {
  hanami::anomaly anomaly;         ///< how strange the row was, and whether that is an alarm
  std::vector<forecast> forecasts; ///< all horizons of column 0, of column 1, ...; NaN: not begun
  std::size_t horizons = 1;

  /// `horizon` is an index into the model's horizons.
  const forecast& ahead(std::size_t column, std::size_t horizon = 0) const noexcept {
    return forecasts[column * horizons + horizon];
  }
};

/// Learns a stream of rows, each once, and says for every row how strange it was and what comes
/// next. Values are raw: any range, NaN or infinite means missing, wild ones are held back.
///
///     hanami::stream_model model;
///     for (...) {
///       const auto& said = model.observe({{"celsius", 21.5}, {"hPa", 1013}}, seconds);
///       if (said.anomaly.alarm) { ... }
///     }
///
/// - Columns come and go: a name that is new, or one value more than there are columns, is a new
///   column; one that a row leaves out is missing in it, for as long as it likes.
/// - Times are optional: seconds of UTC, or of any clock where no zone is given. They tell the hour
///   and the weekday, and which rows are missing: those count as rows without values (`row_clock`
///   says when). A zone's nights in which clocks are turned are known beforehand. Where the step
///   between rows is not given, the first ten times tell it; with it the season is known, what has
///   been learned is learned anew, and a day may join the horizons. A step that changes for good is
///   followed in the same way, but for the horizons. Rows that come when something happens have no
///   step and no season.
/// - `stream_options::window` chooses between a forecaster of experts and a cluster for each column
///   (about 4 us a value and horizon), and one cluster for all columns (0.3 us a value).
///
/// A value; memory is bounded by the number of columns. Not safe from several threads.
template <class Cluster>
class basic_stream_model {
 public:
  static constexpr std::string_view checkpoint_kind =
      std::same_as<Cluster, cluster> ? "stream_model" : "compact_stream_model";
  static constexpr std::uint32_t checkpoint_version = 3;
  static constexpr std::size_t most_columns = 10000;

  /// The columns come with the rows. Throws `errc::invalid_argument` for options out of range.
  explicit basic_stream_model(stream_options options)
      : options_(std::move(options)), clock_(options_.step) {
    begin();
  }
  basic_stream_model() : basic_stream_model(stream_options()) {}

  /// Begins with so many columns, called `column_1` and so on.
  explicit basic_stream_model(std::size_t columns, stream_options options = {})
      : basic_stream_model(std::move(options)) {
    admit(columns);
  }

  /// Begins with columns of these names. Throws `errc::invalid_argument` where one stands twice.
  explicit basic_stream_model(const std::vector<std::string>& columns, stream_options options = {})
      : basic_stream_model(std::move(options)) {
    check_room(columns.size());
    for (const std::string& name : columns) {
      if (!add_name(name)) {
        raise(errc::invalid_argument, "two columns are called '" + name + "'");
      }
    }
    fit_columns();
  }

  /// Takes the next row, the values in the order of the columns: fewer than there are columns leave
  /// the last ones out, more are new columns. `time` in seconds, NaN if it is not known. What it
  /// returns is the model's, until the next row. Throws `errc::invalid_argument` for more than
  /// 10,000 columns, and has then changed nothing.
  template <number_row Row>
  const stream_result& observe(const Row& values, double time = unknown) {
    admit(static_cast<std::size_t>(
        std::distance(std::ranges::begin(values), std::ranges::end(values))));
    row_.assign(names_.size(), unknown);
    std::transform(std::ranges::begin(values), std::ranges::end(values), row_.begin(),
                   [](auto value) { return static_cast<double>(value); });
    return take(time);
  }
  const stream_result& observe(std::initializer_list<double> values, double time = unknown) {
    return observe(std::span(values.begin(), values.size()), time);
  }

  /// The same by names; where one stands twice in a row, the last value counts.
  template <named_row Row>
  const stream_result& observe(const Row& values, double time = unknown) {
    if (!place_values(values)) {
      admit_names(values);
      place_values(values);
    }
    return take(time);
  }
  const stream_result& observe(std::initializer_list<std::pair<std::string_view, double>> values,
                               double time = unknown) {
    return observe(std::span(values.begin(), values.size()), time);
  }

  /// The time of the next row does not follow that of the newest one: a clock was set, or another
  /// recording begins. No row is missing between them.
  void restart_clock() noexcept { clock_.begin_again(); }

  /// The forecast from the newest row, as `stream_result::ahead`; NaN for a column that has not
  /// begun.
  forecast predict(std::size_t column, std::size_t horizon = 0) const noexcept {
    return fast_ ? fast_->predict(column) : forecaster_->predict(column, horizon);
  }
  /// Throws `errc::invalid_argument` for a name that has not come.
  forecast predict(std::string_view column, std::size_t horizon = 0) const {
    return predict(index_of(column), horizon);
  }

  /// In the order in which they came.
  const std::vector<std::string>& columns() const noexcept { return names_; }
  /// The place of a column. Throws `errc::invalid_argument` for a name that has not come.
  std::size_t index_of(std::string_view column) const {
    const auto found = places_.find(column);
    if (found == places_.end()) {
      raise(errc::invalid_argument, "no column is called '" + std::string(column) + "'");
    }
    return found->second;
  }

  /// Rows ahead that are forecast.
  const std::vector<std::uint32_t>& horizons() const noexcept { return horizons_; }
  /// Usual change of a column from row to row, in its units; 0 if not known yet.
  double scale(std::size_t column) const noexcept {
    return fast_ ? fast_->scale(column) : forecaster_->history(column).usual_change();
  }
  const stream_options& options() const noexcept { return options_; }
  std::uint64_t rows() const noexcept { return rows_; }
  /// Rows that by the times of others have not come.
  std::uint64_t missing_rows() const noexcept { return missing_; }
  /// Whether the step is not known yet; with it a day may join the horizons.
  bool waiting() const noexcept { return waiting_; }
  /// Bytes held, about.
  std::size_t bytes() const noexcept {
    return sizeof(*this) + (fast_ ? fast_->bytes() : 0) +
           (forecaster_ ? forecaster_->bytes() + detector_->bytes() : 0);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(options_, names_, mean_step_);
    archive.require(mean_step_ >= 0 && std::isfinite(mean_step_), "rows that are so far apart");
    if constexpr (Archive::reading) {
      archive.require(names_.size() <= most_columns &&
                          names_.size() * least_bytes <= archive.rest().size(),
                      "more columns than the data can be of");
      begin();
      fast_.reset();
      forecaster_.reset();
      nothing_.clear();
      places_.clear();
      for (std::size_t c = 0; c < names_.size(); ++c) {
        archive.require(places_.emplace(names_[c], c).second, "two columns of one name");
      }
      fit_columns();
    }
    archive(clock_, rows_, missing_, waiting_, first_rows_);
    archive.require(first_rows_.size() < most_first_rows, "more first rows than are waited for");
    if (fast_) {
      archive(*fast_);
    } else if (forecaster_) {
      archive(*forecaster_, *detector_);
    }
  }

 private:
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  static constexpr std::size_t most_first_rows = 32;
  /// What a column takes in an archive, at least: a made-up number of columns is refused before it
  /// costs anything.
  static constexpr std::size_t least_bytes = 256;

  struct first_row {
    double time = unknown;
    std::vector<double> values;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(time, values);
    }
  };

  forecast_options forecasts() const {
    forecast_options made = forecast_options_for(options_.step);
    if (!options_.horizons.empty()) {
      made.horizons = options_.horizons;
    }
    if (options_.window > 0) {
      made.history.lags = options_.window;
    }
    made.seed = options_.seed;
    made.point = options_.point;
    made.zone = options_.zone;
    return made;
  }

  anomaly_options alarms() const {
    anomaly_options made;
    const double step = options_.step > 0 ? options_.step : mean_step_;
    made.rows_per_day = step > 0 ? 86400 / step : 1440;
    made.false_alarms_per_day = options_.alarms_per_day;
    return made;
  }

  void begin() {
    if (!(options_.step >= 0) || !std::isfinite(options_.step)) {
      raise(errc::invalid_argument, "a step is a number of seconds, or 0 if it is not known");
    }
    forecasts().check();
    static_cast<void>(alarm_rule(alarms())); // which checks them
    horizons_ = options_.window == 0 ? std::vector<std::uint32_t>{1} : forecasts().horizons;
    waiting_ = options_.step == 0;
  }

  /// Names are short: comparing them here costs less than a call.
  static bool same_name(std::string_view a, std::string_view b) noexcept {
    std::size_t i = a.size() == b.size() ? 0 : a.size() + 1;
    while (i < a.size() && a[i] == b[i]) {
      ++i;
    }
    return i == a.size();
  }

  /// Puts named values where they belong; false where a name is new. Most rows have their names in
  /// the order of the columns.
  template <class Row>
  bool place_values(const Row& values) {
    row_.assign(names_.size(), unknown);
    std::size_t place = 0;
    for (const auto& value : values) {
      const std::string_view name = value.first;
      if (place >= names_.size() || !same_name(names_[place], name)) {
        const auto found = places_.find(name);
        if (found == places_.end()) {
          return false;
        }
        place = found->second;
      }
      row_[place++] = static_cast<double>(value.second);
    }
    return true;
  }

  template <class Row>
  void admit_names(const Row& values) {
    std::size_t fresh = 0;
    for (const auto& value : values) {
      fresh += places_.contains(std::string_view(value.first)) ? 0U : 1U;
    }
    check_room(fresh);
    for (const auto& value : values) {
      add_name(value.first);
    }
    fit_columns();
  }

  void check_room(std::size_t more) const {
    if (more > most_columns - names_.size()) {
      raise(errc::invalid_argument, "a stream has at most 10000 columns");
    }
  }

  bool add_name(std::string_view name) {
    if (places_.contains(name)) {
      return false;
    }
    places_.emplace(name, names_.size());
    names_.emplace_back(name);
    return true;
  }

  /// Sees to it that there are so many columns.
  void admit(std::size_t count) {
    if (count <= names_.size()) {
      return;
    }
    check_room(count - names_.size());
    for (std::size_t number = names_.size() + 1; names_.size() < count; ++number) {
      add_name("column_" + std::to_string(number)); // unless one is called so already
    }
    fit_columns();
  }

  /// Gives every name a column of the forecaster.
  void fit_columns() {
    const std::size_t more = names_.size() - nothing_.size();
    if (more == 0 && (fast_ || forecaster_)) {
      return;
    }
    nothing_.resize(names_.size(), unknown);
    if (fast_) {
      fast_->add_columns(more);
    } else if (forecaster_) {
      forecaster_->add_columns(more);
      detector_->add_columns(more);
    } else if (!names_.empty()) {
      make_forecaster();
    }
  }

  void make_forecaster() {
    if (options_.window == 0) {
      fast_.emplace(names_.size(), alarms(), options_.seed, options_.point);
    } else {
      forecaster_.emplace(names_.size(), forecasts());
      detector_.emplace(names_.size(), alarms());
    }
  }

  const stream_result& take(double time) {
    if (waiting_) {
      first_rows_.push_back({time, row_});
    }
    learn(row_, time);
    ++rows_;
    if (waiting_ && (clock_.settled() || first_rows_.size() == most_first_rows)) {
      clock_.settle();
      missing_ = 0;
      learn_anew();
    }
    fill_result();
    return result_;
  }

  /// Empty rows first, for those that by `time` are missing.
  void learn(std::span<const double> values, double time) {
    const std::uint32_t missing = clock_.missing_before(time);
    missing_ -= std::min(missing_, clock_.taken_back());
    if (clock_.changed()) {
      first_rows_.push_back({time, {values.begin(), values.end()}});
      follow_step();
      return;
    }
    if (!waiting_) {
      remember_doubtful(values, time);
    }
    for (std::uint32_t gap = missing; gap > 0; --gap) {
      judge(nothing_, time - gap * clock_.step());
      ++missing_;
    }
    result_.anomaly = judge(values, time);
  }

  /// Rows that may be the first ones at another step.
  void remember_doubtful(std::span<const double> values, double time) {
    if (!clock_.doubtful()) {
      first_rows_.clear();
    } else if (!fast_ && first_rows_.size() + 1 < most_first_rows) {
      first_rows_.push_back({time, {values.begin(), values.end()}});
    }
  }

  anomaly judge(std::span<const double> values, double time) {
    if (fast_) {
      return fast_->observe(values);
    }
    if (!forecaster_) {
      return {};
    }
    forecaster_->observe(values, time);
    return detector_->observe(*forecaster_);
  }

  /// Now that the step is known, or will not be: the first rows once more, with the season.
  void learn_anew() {
    options_.step = clock_.step();
    mean_step_ = clock_.mean_step();
    begin();
    waiting_ = false;
    std::vector<first_row> rows = std::exchange(first_rows_, {});
    if (mean_step_ == 0 || names_.empty()) {
      return;
    }
    make_forecaster();
    clock_.begin_again();
    for (first_row& row : rows) {
      row.values.resize(names_.size(), unknown);
      learn(row.values, row.time);
    }
  }

  /// The step has changed for good: what has been learned in rows of another length is of little
  /// use. Rows ahead that are forecast stay the same numbers of rows.
  void follow_step() {
    const double before = options_.step;
    const double now = clock_.step();
    const bool little = before > 0 && std::abs(now - before) < 0.25 * before &&
                        rows_of_day(now) == rows_of_day(before);
    if (!fast_ && !little) {
      if (options_.horizons.empty()) {
        options_.horizons = horizons_;
      }
      learn_anew();
      return;
    }
    options_.step = now;
    mean_step_ = clock_.mean_step();
    if (fast_) {
      fast_->follow(alarms());
    } else if (detector_) {
      detector_->follow(alarms());
    }
    const first_row newest = std::move(first_rows_.back());
    first_rows_.clear();
    result_.anomaly = judge(newest.values, newest.time);
  }

  void fill_result() {
    result_.horizons = horizons_.size();
    result_.forecasts.resize(names_.size() * horizons_.size());
    for (std::size_t i = 0; i < result_.forecasts.size(); ++i) {
      result_.forecasts[i] = predict(i / horizons_.size(), i % horizons_.size());
    }
  }

  stream_options options_;
  std::vector<std::string> names_;
  std::map<std::string, std::size_t, std::less<>> places_; ///< of the names
  std::vector<std::uint32_t> horizons_;
  std::optional<basic_row_forecaster<Cluster>> fast_;   ///< with no window, else
  std::optional<basic_forecaster<Cluster>> forecaster_; ///< this and
  std::optional<anomaly_detector> detector_;
  row_clock clock_;
  std::uint64_t rows_ = 0;
  std::uint64_t missing_ = 0;
  double mean_step_ = 0; ///< also of rows without a regular step
  bool waiting_ = true;  ///< for the step
  std::vector<first_row> first_rows_;
  std::vector<double> row_;
  std::vector<double> nothing_; ///< a row of missing values
  stream_result result_;
};

} // namespace hanami
