// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <hanami/io/digits.hpp>

#include <support/stopwatch.hpp>

namespace bench {

/// What one run of one peer gave.
struct peer_result {
  double accuracy = 0;              ///< on the test images, in percent
  double train_seconds = 0;         ///< user CPU time, from nothing to a network that answers
  double inferences_per_second = 0; ///< of CPU time, one image at a time
};

/// A network that learns digits. All peers get the same bytes in the same order, one image at a
/// time, and pay for the conversion themselves.
struct peer {
  std::string name; ///< family, and how many hidden neurons
  std::string what;
  bool slow = false; ///< more than a few seconds a run
  std::function<peer_result(const hanami::digit_images&, std::uint64_t seed)> run;
};

/// One pass over the training images, then the test. `make()` gives a learner with
///   train(pixels, label), finish() after the last image, answer(pixels) -> digit.
template <class Make>
peer_result take_part(const hanami::digit_images& data, const Make& make) {
  peer_result result;
  const double begin = support::user_seconds();
  auto learner = make();
  for (std::size_t i = 0; i < data.train.size(); ++i) {
    learner.train(data.train.pixels(i), data.train.label(i));
  }
  learner.finish();
  result.train_seconds = support::user_seconds() - begin;

  std::size_t right = 0;
  std::size_t asked = 0;
  const double first = support::thread_seconds();
  double seconds = 0;
  while (seconds < 0.25) { // small networks take the test more than once
    for (std::size_t i = 0; i < data.test.size(); ++i) {
      right += learner.answer(data.test.pixels(i)) == data.test.label(i) ? 1U : 0U;
    }
    asked += data.test.size();
    seconds = support::thread_seconds() - first;
  }
  result.accuracy = 100.0 * static_cast<double>(right) / static_cast<double>(asked);
  result.inferences_per_second = static_cast<double>(asked) / seconds;
  return result;
}

/// The peers of one file each; those whose library is not there are not built.
void add_hanami(std::vector<peer>& peers);
void add_eigen(std::vector<peer>& peers);
void add_fann(std::vector<peer>& peers);
void add_torch(std::vector<peer>& peers);

} // namespace bench
