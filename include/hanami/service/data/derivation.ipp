// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "derivation.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "../../foundation/error.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "data_import.hpp"
#include "row_dealer.hpp"

namespace hanami::service::data {

namespace detail {

inline constexpr std::array<std::string_view, 8> column_rule_names = {
    "copy", "one_hot", "lag", "difference", "add", "subtract", "multiply", "divide"};

inline constexpr std::uint64_t most_row_values = 1'000'000;
inline constexpr std::uint64_t most_remembered_values = 4'000'000;
inline constexpr std::uint64_t most_rows_back = 1'000'000;

inline bool has_other(column_rule rule) { return rule >= column_rule::add; }
inline bool looks_back(column_rule rule) {
  return rule == column_rule::lag || rule == column_rule::difference;
}

/// The columns that are needed of several datasets, as if these were one: where each stands in a
/// row of either, and what its classes are by the numbers of all together.
class joined_columns {
 public:
  explicit joined_columns(const std::vector<std::shared_ptr<const data_reader>>& from)
      : from_(from) {}

  /// Its place among those that are needed; it is one from here on.
  std::size_t need(std::string_view name) {
    if (const auto known = places_.find(std::string(name)); known != places_.end()) {
      return known->second;
    }
    column made;
    made.joined = from_[0]->layout().column(name);
    const bool classes = !made.joined.classes.empty();
    made.joined.classes.clear();
    made.joined.statistics.reset();
    made.first = width_;
    width_ += made.joined.width();
    if (width_ > most_row_values) {
      throw invalid_value("a row would have more than a million values");
    }
    std::unordered_map<std::string, std::size_t> numbers;
    for (const auto& reader : from_) {
      join(made, reader->layout().column(name), classes, numbers);
    }
    places_.emplace(name, columns_.size());
    columns_.push_back(std::move(made));
    return columns_.size() - 1;
  }

  const data_column& of(std::size_t place) const { return columns_[place].joined; }
  /// Its first value in a gathered row.
  std::size_t first(std::size_t place) const { return columns_[place].first; }
  std::size_t width() const noexcept { return width_; }

  /// The values that are needed of a row of the dataset `source`.
  void gather(std::size_t source, std::span<const float> row, std::span<float> to) const {
    for (const column& each : columns_) {
      const origin& at = each.origins[source];
      const auto values = row.subspan(at.first, static_cast<std::size_t>(each.joined.width()));
      const auto into = to.begin() + static_cast<std::ptrdiff_t>(each.first);
      std::copy(values.begin(), values.end(), into);
      if (!at.numbers.empty()) {
        const float value = values[0];
        *into = value >= 0 && value < static_cast<float>(at.numbers.size())
                    ? at.numbers[static_cast<std::size_t>(value)]
                    : std::numeric_limits<float>::quiet_NaN();
      }
    }
  }

 private:
  struct origin {
    std::size_t first = 0;
    std::vector<float> numbers; ///< of classes: what each is among all; empty: as it is
  };
  struct column {
    data_column joined;
    std::size_t first = 0;
    std::vector<origin> origins; ///< by dataset
  };

  static void join(column& made, const data_column& with, bool classes,
                   std::unordered_map<std::string, std::size_t>& numbers) {
    const std::string which = "the column '" + with.name + "' of an appended dataset ";
    if (with.width() != made.joined.width()) {
      throw invalid_value(which + "has " + std::to_string(with.width()) + " values, not " +
                          std::to_string(made.joined.width()));
    }
    if (with.classes.empty() == classes) {
      throw invalid_value(which +
                          (classes ? "holds numbers, not classes" : "holds classes, not numbers"));
    }
    origin at{static_cast<std::size_t>(with.first), {}};
    for (const std::string& name : with.classes) {
      const auto [known, fresh] = numbers.emplace(name, numbers.size());
      if (fresh) {
        made.joined.classes.push_back(name);
      }
      at.numbers.push_back(static_cast<float>(known->second));
    }
    constexpr std::size_t most_classes_joined = 65'536;
    if (made.joined.classes.size() > most_classes_joined) {
      throw invalid_value("the column '" + with.name + "' would have more than 65536 classes");
    }
    made.origins.push_back(std::move(at));
  }

  const std::vector<std::shared_ptr<const data_reader>>& from_;
  std::map<std::string, std::size_t> places_;
  std::vector<column> columns_;
  std::size_t width_ = 0;
};

/// How one column of the result comes from a gathered row.
class column_step {
 public:
  column_step(const derived_column& what, joined_columns& from) : rule_(what.rule), by_(what.by) {
    const std::size_t place = from.need(what.column);
    const data_column& of = from.of(place);
    first_ = from.first(place);
    width_ = static_cast<std::size_t>(of.width());
    made.name = what.name;
    const bool classes = !of.classes.empty();
    if (rule_ == column_rule::copy || rule_ == column_rule::lag) {
      made.classes = of.classes;
    } else if (rule_ == column_rule::one_hot) {
      if (!classes) {
        throw invalid_value("the column '" + of.name + "' holds no classes, which one_hot needs");
      }
      width_ = of.classes.size();
    } else if (classes) {
      throw invalid_value("the column '" + of.name + "' holds classes, which cannot be computed " +
                          "with; one_hot makes numbers of them");
    }
    if (has_other(rule_)) {
      take_other(what, from);
    } else if (!what.other.empty()) {
      throw invalid_value("'other' is for add, subtract, multiply and divide");
    }
    if (looks_back(rule_)) {
      if (by_ < 1 || by_ > most_rows_back) {
        throw invalid_value("'by' may be 1 to 1,000,000 rows, not " + std::to_string(by_));
      }
      if (by_ * width_ > most_remembered_values) {
        throw invalid_value("more than 4,000,000 values would have to be remembered");
      }
      past_.assign(static_cast<std::size_t>(by_) * width_, std::numeric_limits<float>::quiet_NaN());
    }
  }

  data_column made; ///< without its place
  std::size_t width() const noexcept { return width_; }
  std::size_t remembered() const noexcept { return past_.size(); }
  bool keeps_bytes() const noexcept { return rule_ == column_rule::copy; }

  /// Appends its values.
  void operator()(std::span<const float> row, std::vector<float>& to) {
    switch (rule_) {
    case column_rule::copy:
      to.insert(to.end(), row.begin() + static_cast<std::ptrdiff_t>(first_),
                row.begin() + static_cast<std::ptrdiff_t>(first_ + width_));
      return;
    case column_rule::one_hot: {
      const float value = row[first_];
      const bool known = value >= 0 && value < static_cast<float>(width_);
      to.resize(to.size() + width_, known ? 0.0F : std::numeric_limits<float>::quiet_NaN());
      if (known) {
        to[to.size() - width_ + static_cast<std::size_t>(value)] = 1;
      }
      return;
    }
    case column_rule::lag:
    case column_rule::difference:
      look_back(row, to);
      return;
    default:
      for (std::size_t i = 0; i < width_; ++i) {
        to.push_back(computed(row[first_ + i], row[other_ + (one_other_ ? 0 : i)]));
      }
    }
  }

 private:
  void take_other(const derived_column& what, joined_columns& from) {
    if (what.other.empty()) {
      throw invalid_value("'other' is required: the column that " + std::string(name_of(rule_)) +
                          " takes beside '" + what.column + "'");
    }
    const std::size_t place = from.need(what.other);
    const data_column& with = from.of(place);
    if (!with.classes.empty()) {
      throw invalid_value("the column '" + with.name + "' holds classes, which cannot be " +
                          "computed with; one_hot makes numbers of them");
    }
    if (with.width() != width_ && with.width() != 1) {
      throw invalid_value("the column '" + with.name + "' has " + std::to_string(with.width()) +
                          " values; accepted are 1 and " + std::to_string(width_));
    }
    other_ = from.first(place);
    one_other_ = with.width() == 1;
  }

  void look_back(std::span<const float> row, std::vector<float>& to) {
    float* const then = past_.data() + static_cast<std::size_t>(row_++ % by_) * width_;
    for (std::size_t i = 0; i < width_; ++i) {
      const float now = row[first_ + i];
      to.push_back(rule_ == column_rule::lag ? then[i] : now - then[i]);
      then[i] = now;
    }
  }

  /// What cannot be computed, or is beyond a float, is missing.
  float computed(float a, float b) const {
    const float value = rule_ == column_rule::add        ? a + b
                        : rule_ == column_rule::subtract ? a - b
                        : rule_ == column_rule::multiply ? a * b
                                                         : a / b;
    return std::isfinite(value) ? value : std::numeric_limits<float>::quiet_NaN();
  }

  column_rule rule_;
  std::uint64_t by_;
  std::size_t first_ = 0; ///< value of a gathered row
  std::size_t width_ = 0; ///< values that it makes
  std::size_t other_ = 0;
  bool one_other_ = false;
  std::uint64_t row_ = 0;
  std::vector<float> past_;
};

} // namespace detail

HANAMI_SERVICE_INLINE std::string_view name_of(column_rule rule) {
  return detail::column_rule_names.at(static_cast<std::size_t>(rule));
}

HANAMI_SERVICE_INLINE column_rule column_rule_of(std::string_view name) {
  for (std::size_t i = 0; i < detail::column_rule_names.size(); ++i) {
    if (detail::column_rule_names[i] == name) {
      return static_cast<column_rule>(i);
    }
  }
  throw error(errc::invalid_data, "no column is computed by '" + std::string(name) + "'");
}

struct derivation::state {
  state(std::vector<std::shared_ptr<const data_reader>> readers, const derive_plan& plan)
      : from(std::move(readers)), columns(from) {
    bool bytes = true;
    for (const auto& reader : from) {
      rows += reader->layout().rows;
      bytes = bytes && reader->layout().type == value_type::uint8;
      if (reader->layout().width > detail::most_row_values) {
        throw invalid_value("a row has more than a million values");
      }
    }
    add_steps(plan);
    layout.type = bytes && std::all_of(steps.begin(), steps.end(),
                                       [](const auto& step) { return step.keeps_bytes(); })
                      ? value_type::uint8
                      : value_type::float32;
    dealer.emplace(plan.shares, rows, plan.seed);
    layouts.assign(plan.shares.size(), layout);
    for (std::size_t part = 0; part < layouts.size(); ++part) {
      layouts[part].rows = dealer->left()[part];
      try {
        bytes_of_values(layouts[part]);
      } catch (const error& fault) {
        throw invalid_value(fault.what());
      }
    }
  }

  void add_steps(const derive_plan& plan) {
    if (plan.columns.empty()) {
      for (const data_column& column : from[0]->layout().columns) {
        add_step({column.name, column_rule::copy, column.name});
      }
    }
    for (const std::string& name : plan.columns) {
      add_step({name, column_rule::copy, name});
    }
    for (const derived_column& column : plan.derived) {
      add_step(column);
    }
    if (steps.empty()) {
      throw invalid_value("there would be no column");
    }
    std::set<std::string_view> names;
    for (const data_column& column : layout.columns) {
      if (!names.insert(column.name).second) {
        throw invalid_value("the column '" + column.name + "' would be there twice");
      }
    }
  }

  void add_step(const derived_column& what) {
    detail::column_step& step = steps.emplace_back(what, columns);
    remembered += step.remembered();
    if (remembered > detail::most_remembered_values) {
      throw invalid_value("more than 4,000,000 values would have to be remembered");
    }
    data_column made = std::move(step.made);
    made.first = layout.width;
    made.last = layout.width += step.width();
    if (layout.width > detail::most_row_values) {
      throw invalid_value("a row would have more than a million values");
    }
    layout.columns.push_back(std::move(made));
  }

  void write_block(std::size_t source, std::span<const float> values,
                   std::vector<std::vector<float>>& parts) {
    const auto width = static_cast<std::size_t>(from[source]->layout().width);
    for (std::size_t at = 0; at < values.size(); at += width) {
      columns.gather(source, values.subspan(at, width), gathered);
      std::vector<float>& to = parts[dealer->next()];
      for (detail::column_step& step : steps) {
        step(gathered, to);
      }
    }
  }

  const std::vector<std::shared_ptr<const data_reader>> from;
  detail::joined_columns columns;
  std::vector<detail::column_step> steps;
  std::size_t remembered = 0;
  data_layout layout; ///< of each part, but for its rows
  std::uint64_t rows = 0;
  std::optional<detail::row_dealer> dealer;
  std::vector<data_layout> layouts;
  std::vector<float> gathered;
};

HANAMI_SERVICE_INLINE derivation::derivation(std::vector<std::shared_ptr<const data_reader>> from,
                                             const derive_plan& plan)
    : state_(std::make_unique<state>(std::move(from), plan)) {}

HANAMI_SERVICE_INLINE derivation::~derivation() = default;

HANAMI_SERVICE_INLINE const std::vector<data_layout>& derivation::layouts() const noexcept {
  return state_->layouts;
}

HANAMI_SERVICE_INLINE std::uint64_t derivation::bytes() const {
  std::uint64_t all = 0;
  for (const data_layout& layout : state_->layouts) {
    all += bytes_of_values(layout);
  }
  return all;
}

HANAMI_SERVICE_INLINE std::uint64_t derivation::rows() const noexcept { return state_->rows; }

HANAMI_SERVICE_INLINE void derivation::write(std::span<data_writer* const> to,
                                             const std::function<bool(double)>& report) {
  state& s = *state_;
  s.gathered.resize(s.columns.width());
  std::vector<std::vector<float>> parts(to.size() + 1); // the last one is of none
  std::vector<float> values;
  std::uint64_t done = 0;
  for (std::size_t source = 0; source < s.from.size(); ++source) {
    const data_layout& layout = s.from[source]->layout();
    const std::uint64_t block =
        std::max<std::uint64_t>(1, 65536 / std::max(layout.width, s.layout.width));
    for (std::uint64_t first = 0; first < layout.rows; first += block) {
      if (report && !report(static_cast<double>(done) / static_cast<double>(s.rows))) {
        throw import_cancelled();
      }
      const std::uint64_t count = std::min(block, layout.rows - first);
      values.resize(static_cast<std::size_t>(count * layout.width));
      s.from[source]->read(first, count, values);
      s.write_block(source, values, parts);
      for (std::size_t part = 0; part < to.size(); ++part) {
        to[part]->write(std::span<const float>(parts[part]));
        parts[part].clear();
      }
      parts.back().clear();
      done += count;
    }
  }
}

} // namespace hanami::service::data
