// SPDX-License-Identifier: Apache-2.0
// A program of somebody else, whose data are matrices.
#include <vector>

#include <Eigen/Core>
#include <hanami/eigen.hpp>

int main() {
  const Eigen::MatrixXd x = Eigen::MatrixXd::Random(400, 2);
  std::vector<bool> above;
  for (Eigen::Index r = 0; r < x.rows(); ++r) {
    above.push_back(x(r, 0) > x(r, 1));
  }
  hanami::classifier model(2);
  model.fit(hanami::rows(x), above);
  const double right = hanami::evaluate(model, hanami::rows(x), above).accuracy();
  return right > 0.95 ? 0 : 1;
}
