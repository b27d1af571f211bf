// SPDX-License-Identifier: Apache-2.0
// This library, as a program would use it.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <hanami/hanami.hpp>

#include <support/digit_templates.hpp>

#include "peer.hpp"

namespace bench {
namespace {

using support::fields_of;
using support::plain_of;
using support::windows_of;
using support::windows_plan;

template <class Cluster>
class hanami_learner {
 public:
  hanami_learner(const hanami::cluster_template& plan, std::uint64_t seed, std::size_t samples)
      : cluster_(plan, {.seed = seed}), input_(cluster_.input_size()) {
    cluster_.start_task(samples);
  }

  void train(std::span<const std::uint8_t> pixels, std::size_t label) {
    std::copy(pixels.begin(), pixels.end(), input_.begin());
    std::array<float, 10> target{};
    target[label] = 1.0f;
    cluster_.train(input_, target);
  }

  void finish() { cluster_.compact(); }

  std::size_t answer(std::span<const std::uint8_t> pixels) {
    return best_of(cluster_, activity_, pixels);
  }

 protected:
  template <class Model, class Activity>
  std::size_t best_of(const Model& model, Activity& activity,
                      std::span<const std::uint8_t> pixels) {
    std::copy(pixels.begin(), pixels.end(), input_.begin());
    const auto answer = model.infer(input_, activity);
    return static_cast<std::size_t>(
        std::distance(answer.begin(), std::max_element(answer.begin(), answer.end())));
  }

  Cluster cluster_;

 private:
  hanami::workspace<float> activity_;
  std::vector<float> input_;
};

/// Learns like any other; an 8-bit copy answers.
class int8_learner : public hanami_learner<hanami::cluster> {
 public:
  using hanami_learner::hanami_learner;

  void finish() { copy_.emplace(cluster_); }

  std::size_t answer(std::span<const std::uint8_t> pixels) {
    return best_of(*copy_, activity_, pixels);
  }

 private:
  std::optional<hanami::quantized_cluster> copy_;
  hanami::quantized_workspace activity_;
};

template <class Learner>
void add_learner(std::vector<peer>& peers, const std::string& name, const std::string& what,
                 const hanami::cluster_template& plan) {
  peers.push_back({name, what, false, [plan](const hanami::digit_images& data, std::uint64_t seed) {
                     return take_part(data, [&] { return Learner(plan, seed, data.train.size()); });
                   }});
}

} // namespace

void add_hanami(std::vector<peer>& peers) {
  const auto add = [&](const std::string& name, const std::string& what,
                       const hanami::cluster_template& plan) {
    add_learner<hanami_learner<hanami::cluster>>(peers, name, what, plan);
  };
  const auto add_bf16 = [&](const std::string& name, const std::string& what,
                            const hanami::cluster_template& plan) {
    add_learner<hanami_learner<hanami::compact_cluster>>(peers, name + "-bf16",
                                                         what + ", weights of 16 bits", plan);
  };
  const auto add_int8 = [&](const std::string& name, const std::string& what,
                            const hanami::cluster_template& plan) {
    add_learner<int8_learner>(peers, name + "-int8", what + ", 8-bit copy for inference", plan);
  };
  const auto add_all = [&](const std::string& name, const std::string& what,
                           const hanami::cluster_template& plan) {
    add(name, what, plan);
    add_bf16(name, what, plan);
    add_int8(name, what, plan);
  };
  const auto add_windows = [&](const std::string& name, const std::string& what,
                               const windows_plan& plan) {
    add(name, what, windows_of(plan));
    add_int8(name, what, windows_of(plan));
  };
  add("fields-32", "25 windows of 10 x 10 pixels, 32 neurons each", fields_of(32));
  add_all("fields", "25 windows of 10 x 10 pixels, 64 neurons each", fields_of(64));
  add("fields-128", "25 windows of 10 x 10 pixels, 128 neurons each", fields_of(128));
  // Found on 50,000 training images, asked of the other 10,000: wide windows, for the rows of 16
  // values that the kernels read at once.
  add_windows("windows-12", "12 windows of 8 x 16 pixels, 64 neurons each", {6, 2, 8, 16, 64});
  add_windows("windows-6", "6 windows of 12 x 14 pixels, 32 neurons each", {3, 2, 12, 14, 32});
  add_windows("windows-4", "4 windows of 14 x 14 pixels, 64 neurons each", {2, 2, 14, 14, 64});
  for (const std::uint32_t neurons : {64U, 128U, 256U, 512U, 1024U}) {
    const std::string name = "plain-" + std::to_string(neurons);
    const std::string what = "one hexagon of " + std::to_string(neurons) + " neurons";
    if (neurons == 256 || neurons == 1024) {
      add_all(name, what, plain_of(neurons));
    } else {
      add(name, what, plain_of(neurons));
    }
  }
}

} // namespace bench
