// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <future>
#include <span>

#include <tbb/global_control.h>

#include <hanami/fleet/fleet.hpp>
#include <hanami/foundation/error.hpp>

#include "support/sample_clusters.hpp"

/// Work for the members of a fleet, and the same for clusters alone.

namespace hanami_test {

/// Threads are there even where the machine has fewer cores.
inline tbb::global_control four_threads() {
  return {tbb::global_control::max_allowed_parallelism, 5};
}

/// Samples [first, last) of a cluster's stream, flat.
inline sample flat_samples(const hanami::cluster& c, std::uint64_t first, std::uint64_t last,
                           std::uint64_t seed = 1) {
  sample all;
  for (std::uint64_t n = first; n < last; ++n) {
    const sample s = sample_for(c, n, seed);
    all.input.insert(all.input.end(), s.input.begin(), s.input.end());
    all.target.insert(all.target.end(), s.target.begin(), s.target.end());
  }
  return all;
}

inline void train_alone(hanami::cluster& c, std::uint64_t first, std::uint64_t last,
                        std::uint64_t seed = 1) {
  for (std::uint64_t n = first; n < last; ++n) {
    const sample s = sample_for(c, n, seed);
    c.train(s.input, s.target);
  }
}

/// A source of samples [0, length) of a cluster's stream.
inline auto stream_of(const hanami::cluster& c, std::uint64_t length, std::uint64_t seed = 1) {
  return [made = c, n = std::uint64_t{0}, length, seed](std::span<float> input,
                                                        std::span<float> target) mutable {
    if (n == length) {
      return false;
    }
    const sample s = sample_for(made, n++, seed);
    std::copy(s.input.begin(), s.input.end(), input.begin());
    std::copy(s.target.begin(), s.target.end(), target.begin());
    return true;
  };
}

/// Code of the `error` that `call` ends in; none: `errc{}`.
template <class Call>
hanami::errc code_of(Call call) {
  try {
    call();
  } catch (const hanami::error& e) {
    return static_cast<hanami::errc>(e.code().value());
  }
  return hanami::errc{};
}

/// Keeps the only thread of a fleet at work until `go`, so that a test can fill the queues.
class held_thread {
 public:
  explicit held_thread(hanami::fleet& f) {
    done_ = f.call(f.join(small_cluster()),
                   [this, may_go = go_.get_future().share()](hanami::cluster&) {
                     begun_.set_value();
                     may_go.wait();
                   });
    begun_.get_future().wait();
  }
  ~held_thread() { go(); }
  void go() {
    if (done_.valid()) {
      go_.set_value();
      done_.get();
    }
  }

 private:
  std::promise<void> begun_;
  std::promise<void> go_;
  std::future<void> done_;
};

} // namespace hanami_test
