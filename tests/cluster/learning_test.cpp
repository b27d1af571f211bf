// SPDX-License-Identifier: Apache-2.0
#include <hanami/cluster.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

cluster_template row(std::int32_t length, std::uint32_t inputs, std::uint32_t outputs,
                     output_kind kind) {
  return template_builder{}
      .hexagons({{1, 1, 1}, {length, 1, 1}})
      .input("in", {1, 1, 1}, inputs)
      .output("out", {length, 1, 1}, outputs, kind)
      .build();
}

struct sample {
  std::vector<float> input;
  std::vector<float> target;
};

/// Trains a task of known length, sample after sample.
template <class MakeSample>
cluster trained(const cluster_template& from, std::uint64_t samples, MakeSample make) {
  cluster c(from);
  c.start_task(samples);
  for (std::uint64_t i = 0; i < samples; ++i) {
    const sample s = make(i);
    c.train(s.input, s.target);
  }
  return c;
}

std::size_t best_of(const std::vector<float>& answer) {
  return static_cast<std::size_t>(std::max_element(answer.begin(), answer.end()) - answer.begin());
}

} // namespace

TEST_CASE("binary inputs: exclusive or is learned", "[cluster]") {
  const auto make = [](std::uint64_t i) {
    const auto bits = random_bits(1, 1, i);
    const float a = (bits & 1U) != 0 ? 1.0f : 0.0f;
    const float b = (bits & 2U) != 0 ? 1.0f : 0.0f;
    return sample{{a, b}, {a != b ? 1.0f : 0.0f}};
  };
  const cluster c = trained(row(3, 2, 1, output_kind::sigmoid), 8000, make);
  CHECK(c.infer(std::vector<float>{0, 0})[0] < 0.1f);
  CHECK(c.infer(std::vector<float>{0, 1})[0] > 0.9f);
  CHECK(c.infer(std::vector<float>{1, 0})[0] > 0.9f);
  CHECK(c.infer(std::vector<float>{1, 1})[0] < 0.1f);
}

TEST_CASE("binary inputs: the parity of three bits is learned", "[cluster]") {
  const auto make = [](std::uint64_t i) {
    const auto bits = random_bits(1, 2, i);
    sample s{{0, 0, 0}, {0, 0}};
    std::size_t parity = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      s.input[k] = static_cast<float>((bits >> k) & 1U);
      parity ^= (bits >> k) & 1U;
    }
    s.target[parity] = 1.0f;
    return s;
  };
  const cluster c = trained(row(3, 3, 2, output_kind::softmax), 8000, make);
  for (std::uint64_t i = 0; i < 50; ++i) {
    const sample s = make(i);
    CHECK(c.infer(s.input)[best_of(s.target)] > 0.9f);
  }
}

TEST_CASE("negative inputs: the absolute value and the sign are learned", "[cluster]") {
  const auto make = [](std::uint64_t i) {
    const float x = 40.0f * random_signed_unit(1, 3, i);
    return sample{{x}, {std::abs(x), x > 0 ? 1.0f : -1.0f}};
  };
  const cluster c = trained(row(3, 1, 2, output_kind::linear), 6000, make);
  double off = 0;
  for (float x = -40; x <= 40; x += 0.5f) {
    const auto answer = c.infer(std::vector<float>{x});
    off += static_cast<double>(std::abs(answer[0] - std::abs(x))) / 161;
    if (std::abs(x) > 4) {
      CHECK((answer[1] > 0) == (x > 0));
    }
  }
  CHECK(off < 1.0); // of a range of 40
}

TEST_CASE("four raw inputs of wild scales to the fields of a grid", "[cluster]") {
  const float scales[] = {100.0f, 0.01f, 1e5f, 1.0f};
  const auto make = [&](std::uint64_t i) {
    sample s{std::vector<float>(4), std::vector<float>(9)};
    std::size_t field[2] = {};
    for (std::size_t k = 0; k < 4; ++k) {
      const float u = random_unit(1, 10 + k, i);
      s.input[k] = scales[k] * u;
      if (k < 2) {
        field[k] = std::min<std::size_t>(static_cast<std::size_t>(u * 3), 2);
      }
    }
    s.target[field[0] * 3 + field[1]] = 1.0f;
    return s;
  };
  const cluster c = trained(row(3, 4, 9, output_kind::softmax), 12000, make);
  int right = 0;
  for (std::uint64_t i = 50000; i < 52000; ++i) {
    const sample s = make(i);
    right += best_of(c.infer(s.input)) == best_of(s.target) ? 1 : 0;
  }
  CHECK(right > 1800); // in one pass
}

TEST_CASE("the levels of a table are learned, and one beyond answers like the largest",
          "[cluster]") {
  std::vector<std::pair<float, float>> rows;
  for (const auto& [value, target] :
       {std::pair{0.0f, 0.0f}, {80.0f, 1.0f}, {30.0f, 0.5f}, {10.0f, 0.75f}, {0.0f, 0.0f}}) {
    rows.insert(rows.end(), 100, {value, target});
  }
  // Windows of 25 inputs; the targets of the last 5 rows.
  const std::size_t windows = rows.size() - 24;
  const auto make = [&](std::uint64_t i) {
    const std::size_t first = i % windows;
    sample s;
    for (std::size_t k = 0; k < 25; ++k) {
      s.input.push_back(rows[first + k].first);
      if (k >= 20) {
        s.target.push_back(rows[first + k].second);
      }
    }
    return s;
  };
  const cluster c = trained(row(4, 25, 5, output_kind::sigmoid), 100 * windows, make);
  double off = 0;
  for (std::size_t i = 0; i < windows; ++i) {
    const sample s = make(i);
    const auto answer = c.infer(s.input);
    for (std::size_t k = 0; k < 5; ++k) {
      off +=
          static_cast<double>(std::abs(answer[k] - s.target[k])) / static_cast<double>(5 * windows);
    }
  }
  CHECK(off < 0.02);
  const auto largest = c.infer(std::vector<float>(25, 80.0f));
  const auto unseen = c.infer(std::vector<float>(25, 100.0f));
  for (std::size_t k = 0; k < 5; ++k) {
    CHECK(largest[k] > 0.95f);
    CHECK(unseen[k] == Approx(largest[k]).margin(0.02));
  }
}

TEST_CASE("a linear rule is learned in its own units", "[cluster]") {
  const auto make = [](std::uint64_t i) {
    const float x1 = random_signed_unit(1, 20, i);
    const float x2 = 10.0f * random_unit(1, 21, i);
    return sample{{x1, x2}, {1000 * x1 - 50 * x2 + 7}};
  };
  const cluster c = trained(row(3, 2, 1, output_kind::linear), 10000, make);
  double off = 0;
  for (std::uint64_t i = 50000; i < 50500; ++i) {
    const sample s = make(i);
    off += static_cast<double>(std::abs(c.infer(s.input)[0] - s.target[0])) / 500;
  }
  CHECK(off < 25); // the targets reach from -1493 to 1007
}

TEST_CASE("few inputs reach many outputs", "[cluster]") {
  const auto make = [](std::uint64_t i) {
    const auto which = random_below(40, 1, 30, i);
    sample s{{static_cast<float>(which) + 0.5f}, std::vector<float>(40)};
    s.target[which] = 1.0f;
    return s;
  };
  const cluster c = trained(row(3, 1, 40, output_kind::softmax), 20000, make);
  int right = 0;
  for (std::size_t which = 0; which < 40; ++which) {
    right += best_of(c.infer(std::vector<float>{static_cast<float>(which) + 0.5f})) == which;
  }
  CHECK(right >= 32);
}
