// SPDX-License-Identifier: Apache-2.0
// This library, as a program would use it.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include <hanami/hanami.hpp>

#include "../support/digit_templates.hpp"
#include "peer.hpp"

namespace bench {
namespace {

class hanami_learner {
 public:
  hanami_learner(const hanami::cluster_template& plan, std::uint64_t seed, std::size_t samples)
      : cluster_(plan, {.seed = seed}), input_(cluster_.input_size()) {
    cluster_.plan_task(samples);
  }

  void train(std::span<const std::uint8_t> pixels, std::size_t label) {
    std::copy(pixels.begin(), pixels.end(), input_.begin());
    std::array<float, 10> target{};
    target[label] = 1.0f;
    cluster_.train(input_, target);
  }

  void finish() { cluster_.freeze(); }

  std::size_t answer(std::span<const std::uint8_t> pixels) {
    std::copy(pixels.begin(), pixels.end(), input_.begin());
    const auto answer = cluster_.infer(input_, activity_);
    return static_cast<std::size_t>(
        std::distance(answer.begin(), std::max_element(answer.begin(), answer.end())));
  }

 private:
  hanami::cluster cluster_;
  hanami::activity<float> activity_;
  std::vector<float> input_;
};

} // namespace

void add_hanami(std::vector<peer>& peers) {
  const auto add = [&](std::string name, std::string what, hanami::cluster_template plan) {
    peers.push_back({std::move(name), std::move(what), false,
                     [plan](const example::mnist_data& data, std::uint64_t seed) {
                       return take_part(
                           data, [&] { return hanami_learner(plan, seed, data.train.size()); });
                     }});
  };
  for (const std::uint32_t lanes : {32U, 64U, 128U}) {
    add(lanes == 64 ? "fields" : "fields-" + std::to_string(lanes),
        "25 windows of 10 x 10 pixels, " + std::to_string(lanes) + " neurons each",
        fields_of(lanes));
  }
  for (const std::uint32_t lanes : {32U, 64U}) {
    add("windows-" + std::to_string(lanes),
        "9 windows of 12 x 12 pixels, " + std::to_string(lanes) + " neurons each",
        fields_of(lanes, 3, 12));
  }
  for (const std::uint32_t neurons : {64U, 128U, 256U, 512U, 1024U}) {
    add("plain-" + std::to_string(neurons),
        "one hexagon of " + std::to_string(neurons) + " neurons", plain_of(neurons));
  }
}

} // namespace bench
