// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>
#include <iterator>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <Eigen/Core>

#include "cluster.hpp"
#include "model/classifier.hpp"
#include "model/evaluate.hpp"
#include "model/regressor.hpp"

/// Rows and batches from Eigen (3.4 or newer), row- or column-major, of float or double or whatever
/// else is a number. Opt-in: link `hanami::eigen`.
///
///     Eigen::MatrixXd x(150, 4);
///     std::vector<std::string> species(150);
///     hanami::classifier model(4);
///     model.fit(hanami::rows(x), species);               // a batch, a sample a row
///     model.learn(hanami::row(x.row(7)), species[7]);    // one sample
///     std::cout << model.predict(hanami::row(x.row(0)));
///     const Eigen::MatrixXf p = hanami::probabilities_of(model, x);

namespace hanami::inline HANAMI_ISA {

/// Some values of an Eigen expression as a row of a model. A view: the values must outlive it.
template <class Scalar>
class eigen_row {
 public:
  /// `stride`: values from one to the next in memory.
  eigen_row(const Scalar* first, Eigen::Index size, Eigen::Index stride) noexcept
      : first_(first), size_(size), stride_(stride) {}

  /// Walks over the values, whatever lies between them.
  class iterator {
   public:
    using iterator_concept = std::forward_iterator_tag;
    using iterator_category = std::forward_iterator_tag;
    using value_type = Scalar;
    using difference_type = std::ptrdiff_t;
    using pointer = const Scalar*;
    using reference = const Scalar&;

    iterator() = default;
    iterator(const Scalar* at, Eigen::Index stride) noexcept : at_(at), stride_(stride) {}
    reference operator*() const noexcept { return *at_; }
    iterator& operator++() noexcept {
      at_ += stride_;
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const iterator&, const iterator&) = default;

   private:
    const Scalar* at_ = nullptr;
    Eigen::Index stride_ = 1;
  };

  iterator begin() const noexcept { return {first_, stride_}; }
  iterator end() const noexcept { return {first_ + size_ * stride_, stride_}; }
  std::size_t size() const noexcept { return static_cast<std::size_t>(size_); }

 private:
  const Scalar* first_;
  Eigen::Index size_;
  Eigen::Index stride_;
};

/// The rows of a matrix as rows of a model. A view: the matrix must outlive it.
template <class Scalar>
class eigen_rows {
 public:
  eigen_rows(const Scalar* first, Eigen::Index rows, Eigen::Index columns, Eigen::Index row_stride,
             Eigen::Index column_stride) noexcept
      : first_(first), rows_(rows), columns_(columns), row_stride_(row_stride),
        column_stride_(column_stride) {}

  std::size_t size() const noexcept { return static_cast<std::size_t>(rows_); }
  eigen_row<Scalar> operator[](std::ptrdiff_t index) const noexcept {
    return {first_ + index * row_stride_, columns_, column_stride_};
  }

  class iterator {
   public:
    using iterator_concept = std::random_access_iterator_tag;
    using iterator_category = std::input_iterator_tag;
    using value_type = eigen_row<Scalar>;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = value_type;

    iterator() = default;
    iterator(const eigen_rows* of, difference_type at) noexcept : of_(of), at_(at) {}
    reference operator*() const noexcept { return (*of_)[at_]; }
    reference operator[](difference_type by) const noexcept { return (*of_)[at_ + by]; }
    iterator& operator++() noexcept { return *this += 1; }
    iterator& operator--() noexcept { return *this -= 1; }
    iterator operator++(int) noexcept { return std::exchange(*this, *this + 1); }
    iterator operator--(int) noexcept { return std::exchange(*this, *this - 1); }
    iterator& operator+=(difference_type by) noexcept {
      at_ += by;
      return *this;
    }
    iterator& operator-=(difference_type by) noexcept { return *this += -by; }
    friend iterator operator+(iterator from, difference_type by) noexcept { return from += by; }
    friend iterator operator+(difference_type by, iterator from) noexcept { return from += by; }
    friend iterator operator-(iterator from, difference_type by) noexcept { return from -= by; }
    friend difference_type operator-(const iterator& a, const iterator& b) noexcept {
      return a.at_ - b.at_;
    }
    friend bool operator==(const iterator& a, const iterator& b) noexcept { return a.at_ == b.at_; }
    friend auto operator<=>(const iterator& a, const iterator& b) noexcept {
      return a.at_ <=> b.at_;
    }

   private:
    const eigen_rows* of_ = nullptr;
    difference_type at_ = 0;
  };

  iterator begin() const noexcept { return {this, 0}; }
  iterator end() const noexcept { return {this, rows_}; }

 private:
  const Scalar* first_;
  Eigen::Index rows_;
  Eigen::Index columns_;
  Eigen::Index row_stride_;
  Eigen::Index column_stride_;
};

static_assert(number_row<eigen_row<double>>);
static_assert(row_range<eigen_rows<float>>);

/// Whatever lies in memory: a matrix, a block, a `Ref`, a `Map`.
template <class T>
concept eigen_values =
    (T::Flags & Eigen::DirectAccessBit) != 0 && std::is_arithmetic_v<typename T::Scalar>;

/// One sample: a row or a column vector. Expressions that lie nowhere (`a + b`) are assigned to a
/// vector first.
template <class T>
requires eigen_values<T> &&
    (T::IsVectorAtCompileTime !=
     0) eigen_row<typename T::Scalar> row(const Eigen::DenseBase<T>& values) noexcept {
  return {values.derived().data(), values.size(), values.derived().innerStride()};
}

/// Many samples, one a row of the matrix; also the targets of a regressor of several values.
template <eigen_values T>
eigen_rows<typename T::Scalar> rows(const Eigen::DenseBase<T>& matrix) noexcept {
  return {matrix.derived().data(), matrix.rows(), matrix.cols(), matrix.derived().rowStride(),
          matrix.derived().colStride()};
}

/// How likely every class is for every row of a matrix: rows x classes, in the order of
/// `model.classes()`. Throws as `predict`.
template <class Cluster, eigen_values T>
Eigen::MatrixXf probabilities_of(const basic_classifier<Cluster>& model,
                                 const Eigen::DenseBase<T>& matrix) {
  Eigen::MatrixXf all(matrix.rows(), static_cast<Eigen::Index>(model.classes().size()));
  const auto samples = rows(matrix);
  for (Eigen::Index r = 0; r < matrix.rows(); ++r) {
    Eigen::Index column = 0;
    for (const class_probability& one : model.probabilities(samples[r])) {
      all(r, column++) = one.probability;
    }
  }
  return all;
}

/// What a regressor predicts for every row of a matrix: rows x values. Throws as `predict`.
template <class Cluster, eigen_values T>
Eigen::MatrixXf predictions_of(const basic_regressor<Cluster>& model,
                               const Eigen::DenseBase<T>& matrix) {
  const auto width = static_cast<Eigen::Index>(model.value_count());
  const std::vector<float> all = model.predict_many(rows(matrix));
  using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  return Eigen::Map<const row_major>(all.data(), matrix.rows(), width);
}

namespace detail {

/// The values of a row as a cluster takes them.
template <class Real, class Scalar>
std::span<const Real> values_of(const eigen_row<Scalar>& from, std::vector<Real>& room) {
  room.clear();
  for (const Scalar value : from) {
    room.push_back(static_cast<Real>(value));
  }
  return room;
}

} // namespace detail

/// Trains a cluster on every row of `inputs` with the same row of `targets`, in order. Throws as
/// `cluster::train`, and `errc::invalid_argument` for matrices of different heights.
template <class Real, class Weight, eigen_values Inputs, eigen_values Targets>
void train_rows(basic_cluster<Real, Weight>& net, const Eigen::DenseBase<Inputs>& inputs,
                const Eigen::DenseBase<Targets>& targets) {
  if (inputs.rows() != targets.rows()) {
    detail::refuse_counts(static_cast<std::size_t>(inputs.rows()),
                          static_cast<std::size_t>(targets.rows()), "rows of targets");
  }
  std::vector<Real> input;
  std::vector<Real> target;
  for (Eigen::Index r = 0; r < inputs.rows(); ++r) {
    net.train(detail::values_of(rows(inputs)[r], input),
              detail::values_of(rows(targets)[r], target));
  }
}

/// What a cluster answers to every row: rows x outputs. Throws as `cluster::infer`.
template <class Real, class Weight, eigen_values Inputs>
Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>
infer_rows(const basic_cluster<Real, Weight>& net, const Eigen::DenseBase<Inputs>& inputs) {
  using vector = Eigen::Matrix<Real, 1, Eigen::Dynamic>;
  const auto width = static_cast<Eigen::Index>(net.output_size());
  Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> all(inputs.rows(), width);
  workspace<Real> work = net.current_workspace();
  std::vector<Real> input;
  for (Eigen::Index r = 0; r < inputs.rows(); ++r) {
    const auto answer = net.infer(detail::values_of(rows(inputs)[r], input), work);
    all.row(r) = Eigen::Map<const vector>(answer.data(), width);
  }
  return all;
}

} // namespace hanami
