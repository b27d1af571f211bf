// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../config.hpp"
#include "../foundation/error.hpp"

/// Datasets in memory: what a training loop asks of one, and the two that the readers make. Reading
/// is const and safe from many threads, each with its own buffers.

namespace hanami::inline HANAMI_ISA {

/// One sample: what goes in, what should come out. A view; whoever holds the floats owns them.
struct sample_view {
  std::span<const float> input;
  std::span<const float> target;
};

/// Numbered samples of one shape, written into the caller's buffers of exactly `input_size()` and
/// `target_size()` floats. NaN means "missing"; infinities never appear.
template <typename Data>
concept dataset = requires(const Data& data, std::size_t index, std::span<float> values) {
  { data.size() } -> std::convertible_to<std::size_t>;
  { data.input_size() } -> std::convertible_to<std::size_t>;
  { data.target_size() } -> std::convertible_to<std::size_t>;
  data.read(index, values, values);
};

/// The buffers for one sample of a dataset. The view from `read` is valid until the next `read`.
/// One buffer per thread.
class sample_buffer {
 public:
  template <dataset Data>
  sample_view read(const Data& data, std::size_t index) {
    input_.resize(data.input_size());
    target_.resize(data.target_size());
    data.read(index, std::span<float>(input_), std::span<float>(target_));
    return {input_, target_};
  }

 private:
  std::vector<float> input_;
  std::vector<float> target_;
};

/// Grey images with one class each, kept as bytes: 60,000 images of 28 x 28 take 47 MB.
class image_dataset {
 public:
  image_dataset() = default;

  /// `pixels` holds image after image, row-major; `labels` one class below `classes` for each.
  /// Throws `errc::invalid_argument` where sizes do not fit, `errc::invalid_data` for a label that
  /// is no class.
  image_dataset(std::size_t rows, std::size_t columns, std::size_t classes,
                std::vector<std::uint8_t> pixels, std::vector<std::uint8_t> labels)
      : rows_(rows), columns_(columns), classes_(classes), pixels_(std::move(pixels)),
        labels_(std::move(labels)) {
    check_sizes();
    for (std::size_t i = 0; i < labels_.size(); ++i)
      if (labels_[i] >= classes_)
        raise(errc::invalid_data, "image " + std::to_string(i) + " has label " +
                                      std::to_string(labels_[i]) + "; labels are below " +
                                      std::to_string(classes_));
  }

  std::size_t size() const noexcept { return labels_.size(); }
  std::size_t rows() const noexcept { return rows_; }
  std::size_t columns() const noexcept { return columns_; }
  std::size_t classes() const noexcept { return classes_; }
  std::size_t input_size() const noexcept { return rows_ * columns_; }
  std::size_t target_size() const noexcept { return classes_; }

  std::size_t label(std::size_t index) const noexcept {
    HANAMI_ASSERT(index < size(), "image index out of range");
    return labels_[index];
  }

  /// The raw bytes of one image, 0 (paper) to 255 (ink), row-major.
  std::span<const std::uint8_t> pixels(std::size_t index) const noexcept {
    HANAMI_ASSERT(index < size(), "image index out of range");
    return {pixels_.data() + index * input_size(), input_size()};
  }

  /// The raw bytes of one image as floats 0..255, row-major: a cluster needs no other scale.
  void read_input(std::size_t index, std::span<float> input) const noexcept {
    HANAMI_ASSERT(input.size() == input_size(), "an image needs rows x columns floats");
    const auto from = pixels(index);
    std::copy(from.begin(), from.end(), input.begin());
  }

  /// The image as floats 0..255 and its label as one-hot of `classes()` values.
  void read(std::size_t index, std::span<float> input, std::span<float> target) const noexcept {
    HANAMI_ASSERT(target.size() == classes_, "a one-hot target needs one float a class");
    read_input(index, input);
    std::fill(target.begin(), target.end(), 0.0f);
    target[label(index)] = 1.0f;
  }

 private:
  void check_sizes() const {
    if (rows_ == 0 || columns_ == 0 || classes_ == 0 || classes_ > 256)
      raise(errc::invalid_argument, "an image dataset needs rows, columns and 1 to 256 classes");
    const bool fits = columns_ <= std::numeric_limits<std::size_t>::max() / rows_ &&
                      pixels_.size() % (rows_ * columns_) == 0 &&
                      pixels_.size() / (rows_ * columns_) == labels_.size();
    if (!fits)
      raise(errc::invalid_argument, std::to_string(pixels_.size()) + " pixels do not make " +
                                        std::to_string(labels_.size()) + " images of " +
                                        std::to_string(rows_) + " x " + std::to_string(columns_));
  }

  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
  std::size_t classes_ = 0;
  std::vector<std::uint8_t> pixels_;
  std::vector<std::uint8_t> labels_;
};

/// A column of a table. With `categories` its values are indices into them, else plain numbers.
struct table_column {
  std::string name;
  std::vector<std::string> categories = {};

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, categories);
  }
};

/// How the rows of a table become samples.
///
/// Sample `i` of a window of 3 rows and 2 target rows, input rows `I`, target rows `T`:
///
///     row          i    i+1  i+2  i+3  i+4  i+5
///     horizon 0    I    IT   IT                     the last rows of the window
///     horizon 1    I    I    I    T    T            the next rows after it
///     horizon 2    I    I    I         T    T       one row later
struct table_layout {
  std::vector<std::string> inputs = {};  ///< empty: every column that is no target, or else all
  std::vector<std::string> targets = {}; ///< empty: the last column
  std::size_t window = 1;                ///< rows of input, at least 1
  std::size_t target_rows = 1;           ///< rows of target, at least 1; within the window at 0
  std::size_t horizon = 0;
  /// A category becomes one value per category (1 at its place, 0 elsewhere, all NaN if missing)
  /// instead of its index.
  bool one_hot = false;
  bool one_hot_inputs = false; ///< the same, for the inputs only
};

/// A table of floats with named columns, seen through a `table_layout` as samples in file order.
/// With n rows, window w and m target rows there are n - w + 1 samples at horizon 0 and
/// n - w - m - h + 2 at horizon h > 0, or none. Buffers are row-major, the oldest row first, within
/// a row the columns in the layout's order.
class table_dataset {
 public:
  table_dataset() = default;

  /// `values` is row-major, NaN where a value is missing. Throws `errc::invalid_argument` where the
  /// sizes or the layout do not fit the columns.
  table_dataset(std::vector<table_column> columns, std::vector<float> values,
                table_layout layout = {})
      : columns_(std::move(columns)), values_(std::move(values)) {
    if (columns_.empty() || values_.size() % columns_.size() != 0)
      raise(errc::invalid_argument, std::to_string(values_.size()) +
                                        " values do not make rows of " +
                                        std::to_string(columns_.size()) + " columns");
    set_layout(std::move(layout));
  }

  /// Throws `errc::invalid_argument` for a column that is not there, no window or no target rows;
  /// the dataset is then unchanged.
  void set_layout(table_layout layout) {
    if (columns_.empty())
      raise(errc::invalid_argument, "a table without columns has no layout");
    if (layout.window == 0 || layout.target_rows == 0)
      raise(errc::invalid_argument, "window and target_rows must be at least 1");
    if (layout.horizon == 0 && layout.target_rows > layout.window)
      raise(errc::invalid_argument,
            "at horizon 0 the target rows are the last ones of the window: target_rows " +
                std::to_string(layout.target_rows) + " is more than window " +
                std::to_string(layout.window));
    selection targets = select_targets(layout);
    inputs_ = select_inputs(layout, targets);
    targets_ = std::move(targets);
    layout_ = std::move(layout);
  }

  const table_layout& layout() const noexcept { return layout_; }
  const std::vector<table_column>& columns() const noexcept { return columns_; }
  std::size_t row_count() const noexcept {
    return columns_.empty() ? 0 : values_.size() / columns_.size();
  }

  /// All columns of one row.
  std::span<const float> row(std::size_t index) const noexcept {
    HANAMI_ASSERT(index < row_count(), "row index out of range");
    return {values_.data() + index * columns_.size(), columns_.size()};
  }

  /// Throws `errc::invalid_argument`, naming the columns there are.
  std::size_t column_index(std::string_view name) const {
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (columns_[i].name == name)
        return i;
    std::string known;
    for (std::size_t i = 0; i < columns_.size() && known.size() < 200; ++i)
      known += (i == 0 ? "" : ", ") + columns_[i].name;
    raise(errc::invalid_argument,
          "no column \"" + std::string(name) + "\"; the columns are: " + known);
  }

  std::size_t size() const noexcept {
    const std::size_t rows = row_count();
    if (rows < layout_.window)
      return 0;
    const std::size_t starts = rows - layout_.window + 1;
    if (layout_.horizon == 0)
      return starts;
    if (layout_.horizon > starts || layout_.target_rows > starts - layout_.horizon)
      return 0;
    return starts - layout_.horizon - layout_.target_rows + 1;
  }

  std::size_t input_size() const noexcept { return layout_.window * inputs_.width; }
  std::size_t target_size() const noexcept { return layout_.target_rows * targets_.width; }

  /// A name for each input value: that of its column; `column=category` where a category has a
  /// value of its own; `column-2` for two rows before the last of a window.
  std::vector<std::string> input_names() const {
    std::vector<std::string> names;
    for (std::size_t back = layout_.window; back-- > 0;) {
      const std::string when = back > 0 ? "-" + std::to_string(back) : "";
      for (const selected_column& column : inputs_.columns) {
        const table_column& from = columns_[column.index];
        if (column.one_hot == 0)
          names.push_back(from.name + when);
        for (std::size_t k = 0; k < column.one_hot; ++k)
          names.push_back(from.name + when + "=" + from.categories[k]);
      }
    }
    return names;
  }

  /// The text of the target of a sample, where one categorical column is the target and one row of
  /// it; empty where it is missing. The view lives as long as the table. Throws
  /// `errc::invalid_argument` for other targets.
  std::string_view label(std::size_t index) const {
    HANAMI_ASSERT(index < size(), "sample index out of range");
    const std::size_t column = targets_.columns[0].index;
    if (targets_.columns.size() != 1 || layout_.target_rows != 1 ||
        columns_[column].categories.empty())
      raise(errc::invalid_argument,
            "labels come from one target column of text in one row; name one in "
            "table_options::categorical and in table_layout::targets");
    const float value = values_[first_target_row(index) * columns_.size() + column];
    return value != value ? std::string_view()
                          : columns_[column].categories[static_cast<std::size_t>(value)];
  }

  void read(std::size_t index, std::span<float> input, std::span<float> target) const noexcept {
    HANAMI_ASSERT(index < size(), "sample index out of range");
    HANAMI_ASSERT(input.size() == input_size(), "wrong input size");
    HANAMI_ASSERT(target.size() == target_size(), "wrong target size");
    copy(inputs_, index, layout_.window, input.data());
    copy(targets_, first_target_row(index), layout_.target_rows, target.data());
  }

 private:
  struct selected_column {
    std::size_t index;
    std::size_t one_hot; ///< number of values of a one-hot column, 0 for a plain one
  };
  struct selection {
    std::vector<selected_column> columns;
    std::size_t width = 0; ///< floats per row

    bool has(std::size_t index) const noexcept {
      return std::any_of(columns.begin(), columns.end(),
                         [&](const selected_column& c) { return c.index == index; });
    }
  };

  std::size_t first_target_row(std::size_t index) const noexcept {
    const std::size_t end = index + layout_.window;
    return layout_.horizon == 0 ? end - layout_.target_rows : end + layout_.horizon - 1;
  }

  void add(selection& to, std::size_t index, bool one_hot) const {
    const std::size_t values = one_hot ? columns_[index].categories.size() : 0;
    to.columns.push_back({index, values});
    to.width += std::max<std::size_t>(values, 1);
  }

  selection select_targets(const table_layout& layout) const {
    selection result;
    if (layout.targets.empty())
      add(result, columns_.size() - 1, layout.one_hot);
    for (const std::string& name : layout.targets)
      add(result, column_index(name), layout.one_hot);
    return result;
  }

  selection select_inputs(const table_layout& layout, const selection& targets) const {
    selection result;
    const bool one_hot = layout.one_hot || layout.one_hot_inputs;
    for (const std::string& name : layout.inputs)
      add(result, column_index(name), one_hot);
    if (!layout.inputs.empty())
      return result;
    for (std::size_t i = 0; i < columns_.size(); ++i)
      if (!targets.has(i))
        add(result, i, one_hot);
    if (result.columns.empty())
      for (std::size_t i = 0; i < columns_.size(); ++i)
        add(result, i, one_hot);
    return result;
  }

  void copy(const selection& from, std::size_t first, std::size_t rows, float* to) const noexcept {
    for (std::size_t r = 0; r < rows; ++r) {
      const float* values = values_.data() + (first + r) * columns_.size();
      for (const selected_column& column : from.columns) {
        const float value = values[column.index];
        if (column.one_hot == 0) {
          *to++ = value;
          continue;
        }
        const bool missing = value != value;
        for (std::size_t k = 0; k < column.one_hot; ++k)
          *to++ = missing ? value : (value == static_cast<float>(k) ? 1.0f : 0.0f);
      }
    }
  }

  std::vector<table_column> columns_;
  std::vector<float> values_;
  table_layout layout_;
  selection inputs_;
  selection targets_;
};

static_assert(dataset<image_dataset>);
static_assert(dataset<table_dataset>);

} // namespace hanami
