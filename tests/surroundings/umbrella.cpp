// SPDX-License-Identifier: Apache-2.0
// All of the core, with its templates instantiated.

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>
#include <hanami/stream.hpp>

template class hanami::basic_cluster<float>;
template class hanami::basic_cluster<double>;
template class hanami::basic_cluster<float, hanami::bfloat16>;
template class hanami::basic_forecaster<>;
template class hanami::basic_row_forecaster<>;
template class hanami::basic_stream_model<>;

double use(const hanami::cluster& c) {
  const hanami::quantized_cluster copy(c);
  hanami::classifier classes(2);
  classes.fit(std::vector<float>{1, 2, 3, 4}, std::vector<int>{0, 1});
  const auto bytes = hanami::to_checkpoint(copy);
  return hanami::from_checkpoint<hanami::quantized_cluster>(bytes).infer(std::vector<float>{1})[0];
}
