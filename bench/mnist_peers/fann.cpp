// SPDX-License-Identifier: Apache-2.0
// The Fast Artificial Neural Network library: one hidden layer, incremental training.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <vector>

#include <floatfann.h>

#include "peer.hpp"

namespace bench {
namespace {

class fann_learner {
 public:
  fann_learner(unsigned hidden, std::uint64_t seed)
      : network_(fann_create_standard(3, 784U, hidden, 10U)) {
    if (network_ == nullptr) {
      throw std::bad_alloc();
    }
    // It has drawn its weights from a seed of its own: the same range again, from ours.
    std::srand(static_cast<unsigned>(seed));
    fann_randomize_weights(network_.get(), -0.1f, 0.1f);
    fann_set_training_algorithm(network_.get(), FANN_TRAIN_INCREMENTAL);
    fann_set_activation_function_hidden(network_.get(), FANN_SIGMOID);
    fann_set_activation_function_output(network_.get(), FANN_SIGMOID);
    fann_set_learning_rate(network_.get(), rate);
  }

  void train(std::span<const std::uint8_t> pixels, std::size_t label) {
    std::array<fann_type, 10> target{};
    target[label] = 1;
    fann_train(network_.get(), take(pixels), target.data());
  }

  void finish() {}

  std::size_t answer(std::span<const std::uint8_t> pixels) {
    const fann_type* answer = fann_run(network_.get(), take(pixels));
    return static_cast<std::size_t>(std::distance(answer, std::max_element(answer, answer + 10)));
  }

 private:
  static constexpr float rate = 0.2f; ///< best of 0.05, 0.2 and its own default of 0.7

  struct destroyer {
    void operator()(fann* network) const noexcept { fann_destroy(network); }
  };

  fann_type* take(std::span<const std::uint8_t> pixels) {
    std::transform(pixels.begin(), pixels.end(), input_.begin(), [](std::uint8_t x) {
      return static_cast<fann_type>(x) * (fann_type{1} / fann_type{255});
    });
    return input_.data();
  }

  std::unique_ptr<fann, destroyer> network_;
  std::array<fann_type, 784> input_{};
};

} // namespace

void add_fann(std::vector<peer>& peers) {
  for (const unsigned hidden : {128U, 400U}) {
    peers.push_back({"fann-" + std::to_string(hidden), "FANN 784-" + std::to_string(hidden) + "-10",
                     true, [hidden](const hanami::digit_images& data, std::uint64_t seed) {
                       return take_part(data, [&] { return fann_learner(hidden, seed); });
                     }});
  }
}

} // namespace bench
