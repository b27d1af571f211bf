// SPDX-License-Identifier: Apache-2.0
// PyTorch's C++ front end: one hidden layer, stochastic gradient descent, one image at a time.
// Its speed is that of the BLAS it finds: with OpenBLAS three times that of the reference library.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <torch/torch.h>

#include "peer.hpp"

namespace bench {
namespace {

class torch_learner {
 public:
  torch_learner(std::int64_t hidden, std::uint64_t seed)
      : network_(make(hidden, seed)),
        descent_(network_->parameters(), torch::optim::SGDOptions(rate)),
        input_(torch::zeros({1, 784})), target_(torch::zeros({1}, torch::kLong)) {}

  void train(std::span<const std::uint8_t> pixels, std::size_t label) {
    take(pixels);
    *target_.data_ptr<std::int64_t>() = static_cast<std::int64_t>(label);
    descent_.zero_grad();
    torch::nn::functional::cross_entropy(network_->forward(input_), target_).backward();
    descent_.step();
  }

  void finish() { network_->eval(); }

  std::size_t answer(std::span<const std::uint8_t> pixels) {
    const torch::InferenceMode asked;
    take(pixels);
    return static_cast<std::size_t>(network_->forward(input_).argmax(1).item<std::int64_t>());
  }

 private:
  static constexpr double rate = 0.01;

  static torch::nn::Sequential make(std::int64_t hidden, std::uint64_t seed) {
    at::set_num_threads(1);
    torch::manual_seed(seed);
    torch::nn::Sequential network;
    network->push_back(torch::nn::Linear(784, hidden));
    network->push_back(torch::nn::ReLU());
    network->push_back(torch::nn::Linear(hidden, 10));
    return network;
  }

  void take(std::span<const std::uint8_t> pixels) {
    std::transform(pixels.begin(), pixels.end(), input_.data_ptr<float>(),
                   [](std::uint8_t x) { return static_cast<float>(x) * (1.0f / 255.0f); });
  }

  torch::nn::Sequential network_;
  torch::optim::SGD descent_;
  torch::Tensor input_;
  torch::Tensor target_;
};

} // namespace

void add_torch(std::vector<peer>& peers) {
  for (const std::int64_t hidden : {128, 400}) {
    peers.push_back({"torch-" + std::to_string(hidden),
                     "libtorch 784-" + std::to_string(hidden) + "-10", true,
                     [hidden](const hanami::digit_images& data, std::uint64_t seed) {
                       return take_part(data, [&] { return torch_learner(hidden, seed); });
                     }});
  }
}

} // namespace bench
