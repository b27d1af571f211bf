// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"
#include "../io/dataset.hpp"
#include "class_label.hpp"

/// What models take as a row of values, as many rows, and as samples with their truth. Values of
/// any arithmetic type are taken as they are; NaN means "missing".

namespace hanami::inline HANAMI_ISA {

/// The values of one sample: `std::vector<float>`, `std::array<double, 4>`, `std::span<const int>`.
template <class T>
concept number_row = std::ranges::forward_range<const T> &&
    std::is_arithmetic_v<std::ranges::range_value_t<const T>>;

/// A value with the name of its column.
using named_value = std::pair<std::string_view, float>;

/// The values of one sample by name: `std::map<std::string, double>`, a list of `named_value`.
/// Columns that are not named are missing.
template <class T>
concept named_row = std::ranges::forward_range<const T> &&
    requires(std::ranges::range_reference_t<const T> value) {
  { value.first } -> std::convertible_to<std::string_view>;
  requires std::is_arithmetic_v<std::remove_cvref_t<decltype(value.second)>>;
};

template <class T>
concept model_row = number_row<T> || named_row<T>;

/// Many rows: a range of rows (`std::vector<std::vector<float>>`), or all values in one, row after
/// row (`std::vector<float>`, as many as inputs times rows).
template <class T>
concept row_range = std::ranges::random_access_range<const T> &&
    std::ranges::sized_range<const T> &&
    (model_row<std::remove_cvref_t<std::ranges::range_reference_t<const T>>> ||
     (std::ranges::contiguous_range<const T> &&
      std::is_arithmetic_v<std::ranges::range_value_t<const T>>));

/// As many labels: `std::vector<std::string>`, `std::array<int, 100>`.
template <class T>
concept label_range = std::ranges::random_access_range<const T> &&
    std::ranges::sized_range<const T> && label_value<std::ranges::range_value_t<const T>>;

/// A dataset that knows its classes: an `image_dataset`, or a `table_dataset` whose target is one
/// column of text.
template <class T>
concept labelled_dataset = dataset<T> && requires(const T& data, std::size_t index) {
  { data.label(index) } -> label_value;
};

namespace detail {

/// Some rows behind each other in memory, or in a range of ranges.
template <row_range Rows>
class row_list {
 public:
  /// Throws `errc::invalid_argument` where flat values do not make whole rows.
  row_list(const Rows& rows, std::size_t width, const char* what) : rows_(rows), width_(width) {
    if constexpr (flat) {
      if (std::ranges::size(rows) % width != 0) {
        raise(errc::invalid_argument, std::to_string(std::ranges::size(rows)) +
                                          " values do not make " + what + " of " +
                                          std::to_string(width));
      }
    }
  }

  std::size_t size() const {
    return static_cast<std::size_t>(std::ranges::size(rows_)) / (flat ? width_ : 1);
  }
  decltype(auto) operator[](std::size_t index) const {
    if constexpr (flat) {
      return std::span(std::ranges::data(rows_) + index * width_, width_);
    } else {
      return *(std::ranges::begin(rows_) +
               static_cast<std::ranges::range_difference_t<const Rows>>(index));
    }
  }

 private:
  static constexpr bool flat = std::is_arithmetic_v<std::ranges::range_value_t<const Rows>>;

  const Rows& rows_;
  std::size_t width_;
};

[[noreturn]] inline void refuse_counts(std::size_t rows, std::size_t truths, const char* what) {
  raise(errc::invalid_argument,
        std::to_string(rows) + " rows and " + std::to_string(truths) + " " + what);
}

/// Rows and as many labels.
template <row_range Rows, label_range Labels>
class labelled_rows {
 public:
  labelled_rows(const Rows& rows, const Labels& labels, std::size_t inputs)
      : rows_(rows, inputs, "rows"), labels_(labels) {
    if (rows_.size() != std::ranges::size(labels)) {
      refuse_counts(rows_.size(), std::ranges::size(labels), "labels");
    }
  }

  std::size_t size() const { return rows_.size(); }
  template <class Visit>
  void visit(std::size_t index, Visit visit) const {
    with_label(index, [&](const label_view& label) { visit(rows_[index], label); });
  }
  template <class Visit>
  void with_label(std::size_t index, Visit visit) const {
    const auto at = static_cast<std::ranges::range_difference_t<const Labels>>(index);
    const std::ranges::range_value_t<const Labels>& label = std::ranges::begin(labels_)[at];
    visit(label_view(label)); // a proxy, as of std::vector<bool>, has become a value
  }

 private:
  row_list<Rows> rows_;
  const Labels& labels_;
};

/// The samples of a dataset with their labels; those without one have an empty label.
template <labelled_dataset Data>
class labelled_samples {
 public:
  explicit labelled_samples(const Data& data) : data_(data) {}

  std::size_t size() const { return data_.size(); }
  template <class Visit>
  void visit(std::size_t index, Visit visit) {
    const sample_view sample = buffer_.read(data_, index);
    with_label(index, [&](const label_view& label) { visit(sample.input, label); });
  }
  template <class Visit>
  void with_label(std::size_t index, Visit visit) const {
    visit(label_view(data_.label(index)));
  }

 private:
  const Data& data_;
  sample_buffer buffer_;
};

/// Rows and as many rows of target values; a flat range of targets where there is one a row.
template <row_range Rows, row_range Targets>
class valued_rows {
 public:
  valued_rows(const Rows& rows, const Targets& targets, std::size_t inputs, std::size_t values)
      : rows_(rows, inputs, "rows"), targets_(targets, values, "targets") {
    if (rows_.size() != targets_.size()) {
      refuse_counts(rows_.size(), targets_.size(), "targets");
    }
  }

  std::size_t size() const { return rows_.size(); }
  template <class Visit>
  void visit(std::size_t index, Visit visit) const {
    visit(rows_[index], targets_[index]);
  }

 private:
  row_list<Rows> rows_;
  row_list<Targets> targets_;
};

/// The samples of a dataset with their targets.
template <dataset Data>
class valued_samples {
 public:
  explicit valued_samples(const Data& data) : data_(data) {}

  std::size_t size() const { return data_.size(); }
  template <class Visit>
  void visit(std::size_t index, Visit visit) {
    const sample_view sample = buffer_.read(data_, index);
    visit(sample.input, sample.target);
  }

 private:
  const Data& data_;
  sample_buffer buffer_;
};

} // namespace detail

} // namespace hanami
