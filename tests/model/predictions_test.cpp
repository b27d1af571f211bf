// SPDX-License-Identifier: Apache-2.0
#include <hanami/model/predictions.hpp>
#include <hanami/model/print.hpp>

#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

template <class Cluster>
Cluster made() {
  Cluster net(template_builder{}
                  .hexagons({{1, 1, 1}, {3, 1, 1}})
                  .input("pixel", {1, 1, 1}, 1)
                  .output("digit", {3, 1, 1}, 3, output_kind::softmax)
                  .output("slant", {3, 1, 1}, 1, output_kind::linear)
                  .output("flags", {3, 1, 1}, 2, output_kind::sigmoid)
                  .build());
  for (std::uint64_t i = 0; i < 1500; ++i) {
    const float x = 3 * random_unit(1, 0, i);
    std::vector<float> target(6);
    target[static_cast<std::size_t>(x)] = 1;
    target[3] = 10 * x;
    target[4] = x > 1.5f ? 1.0f : 0.0f;
    net.train(std::vector{x}, target);
  }
  return net;
}

} // namespace

TEMPLATE_TEST_CASE("several outputs are read by their names", "[model]", cluster, compact_cluster) {
  const auto net = made<TestType>();
  workspace<float> work;
  const class_names names{{"digit", {"zero", "one", "two"}}};
  const predictions said(net, net.infer(std::vector{2.5f}, work), &names);
  CHECK(said.size() == 3);
  CHECK(said["digit"].label() == "two");
  CHECK(said["digit"].class_index() == 2);
  CHECK(said["digit"].certainty() > 0.8f);
  CHECK(said["slant"].value() == Approx(25).margin(3));
  CHECK(said["flags"].values().size() == 2);
  CHECK(said["flags"].values()[0] > 0.8f);
  const predictions unnamed(net, work.prediction);
  CHECK(unnamed["digit"].label() == 2);
  CHECK(unnamed["digit"].label().template as<int>() == 2);
}

TEST_CASE("what an output is not, it says", "[model]") {
  const auto net = made<cluster>();
  const auto values = net.infer(std::vector{0.5f});
  const predictions said(net, values);
  CHECK_THROWS_WITH(said["colour"], Catch::Contains("'digit', 'slant', 'flags'"));
  CHECK_THROWS_AS(said["slant"].label(), error);
  CHECK_THROWS_AS(said["digit"].value(), error);
  const std::vector<float> short_of_one(values.begin(), values.end() - 1);
  CHECK_THROWS_AS(predictions(net, short_of_one), error);
}

TEST_CASE("predictions and statistics print", "[model]") {
  const auto net = made<cluster>();
  const auto values = net.infer(std::vector{0.5f});
  std::ostringstream text;
  text << predictions(net, values);
  CHECK_THAT(text.str(), Catch::StartsWith("digit: 0 (0."));
  CHECK_THAT(text.str(), Catch::Contains("\nslant: "));
  text.str("");
  text << net.statistics();
  CHECK(text.str() == to_string(net.statistics()));
  CHECK_THAT(text.str(), Catch::Contains("of 1500 samples"));
  CHECK_THAT(text.str(), Catch::Contains("KiB"));
  text.str("");
  text << train_result{0.5, 0.25, true};
  CHECK(text.str() == "loss 0.5, error 0.25, learned");
  CHECK(detail::bytes_in_words(1000) == "1000 bytes");
  CHECK(detail::bytes_in_words(std::size_t{5} << 20) == "5 MiB");
}
