// SPDX-License-Identifier: Apache-2.0
#include <hanami/eigen.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <Eigen/Core>
#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/template/one_hexagon.hpp>

using namespace hanami;

namespace {

using row_major_float = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using column_major_double = Eigen::MatrixXd;

struct table {
  row_major_float x;
  std::vector<int> classes;
  row_major_float y; ///< two targets

  explicit table(Eigen::Index rows) : x(rows, 3), y(rows, 2) {
    for (Eigen::Index r = 0; r < rows; ++r) {
      for (Eigen::Index c = 0; c < 3; ++c) {
        x(r, c) = random_unit(7, static_cast<std::uint64_t>(c), static_cast<std::uint64_t>(r));
      }
      classes.push_back(x(r, 1) > 0.5f ? 1 : 0);
      y.row(r) << 10 * x(r, 0), -x(r, 2);
    }
  }
};

/// The same rows as vectors.
std::vector<std::vector<float>> as_vectors(const row_major_float& x) {
  std::vector<std::vector<float>> rows;
  for (Eigen::Index r = 0; r < x.rows(); ++r) {
    rows.emplace_back(x.row(r).begin(), x.row(r).end());
  }
  return rows;
}

} // namespace

TEMPLATE_TEST_CASE("matrices of any order and type teach the same", "[model]", row_major_float,
                   column_major_double, Eigen::MatrixXf,
                   (Eigen::Matrix<double, Eigen::Dynamic, 3, Eigen::RowMajor>)) {
  const table data(300);
  const TestType x = data.x.cast<typename TestType::Scalar>();
  classifier plain(3);
  classifier eigen(3);
  plain.learn_many(as_vectors(data.x), data.classes);
  eigen.learn_many(rows(x), data.classes);
  CHECK(to_checkpoint(eigen) == to_checkpoint(plain));
  CHECK(eigen.predict(row(x.row(5))) == plain.predict(as_vectors(data.x)[5]));
  const Eigen::MatrixXf all = probabilities_of(eigen, x);
  REQUIRE(all.rows() == 300);
  REQUIRE(all.cols() == 2);
  CHECK(all(5, 0) == plain.probabilities(as_vectors(data.x)[5])[data.classes[0]]);
  CHECK(all.row(5).sum() == Approx(1));
  CHECK(evaluate(eigen, rows(x), data.classes).accuracy() > 0.9);

  regressor values(3, 2);
  values.fit(rows(x), rows(data.y), {.epochs = 10});
  const Eigen::MatrixXf said = predictions_of(values, x);
  CHECK(said.cols() == 2);
  CHECK(said(7, 1) == values.predict_values(row(x.row(7)))[1]);
  CHECK((said - data.y).cwiseAbs().mean() < 0.4f);
}

TEST_CASE("blocks, references and maps are rows where they stand", "[model]") {
  const table data(100);
  Eigen::MatrixXd wide(100, 6);
  wide.rightCols(3) = data.x.cast<double>();
  classifier plain(3);
  plain.learn_many(rows(data.x), data.classes);
  classifier block(3);
  block.learn_many(rows(wide.rightCols(3)), data.classes);
  CHECK(to_checkpoint(block) == to_checkpoint(plain));
  const Eigen::Ref<const Eigen::MatrixXd> reference(wide.rightCols(3));
  classifier referred(3);
  referred.learn_many(rows(reference), data.classes);
  CHECK(to_checkpoint(referred) == to_checkpoint(plain));
  const Eigen::Map<const row_major_float> map(data.x.data(), 100, 3);
  CHECK(plain.predict_many(rows(map)) == plain.predict_many(rows(data.x)));
  Eigen::Vector3f column = data.x.row(4).transpose();
  CHECK(plain.predict(row(column)) == plain.predict(row(data.x.row(4))));
  CHECK_THROWS_AS(plain.learn_many(rows(data.x.leftCols(2)), data.classes), error);
}

TEMPLATE_TEST_CASE("clusters take matrices, too", "[model]", cluster, basic_cluster<double>,
                   compact_cluster) {
  using real = typename TestType::real;
  const table data(200);
  const Eigen::MatrixXd x = data.x.cast<double>();
  const auto small = one_hexagon(3, 2, output_kind::linear);
  TestType eigen(small);
  TestType plain(small);
  train_rows(eigen, x, data.y);
  for (Eigen::Index r = 0; r < 200; ++r) {
    const Eigen::Matrix<real, 1, 3> in = data.x.row(r).cast<real>();
    const Eigen::Matrix<real, 1, 2> out = data.y.row(r).cast<real>();
    plain.train({in.data(), 3}, {out.data(), 2});
  }
  CHECK(to_checkpoint(eigen) == to_checkpoint(plain));
  const auto said = infer_rows(eigen, data.x);
  REQUIRE(said.rows() == 200);
  const Eigen::Matrix<real, 1, 3> first = data.x.row(0).cast<real>();
  CHECK(said(0, 1) == plain.infer({first.data(), 3})[1]);
  CHECK_THROWS_AS(train_rows(eigen, x, data.y.topRows(5)), error);
}
