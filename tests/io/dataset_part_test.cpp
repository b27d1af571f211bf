// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/dataset_part.hpp>

#include <algorithm>
#include <cstddef>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/drawn_digits.hpp>
#include <hanami/io/load_table.hpp>

using namespace hanami;

namespace {

table_dataset numbered(std::size_t rows) {
  std::vector<float> values;
  for (std::size_t i = 0; i < rows; ++i) {
    values.push_back(static_cast<float>(i));
    values.push_back(static_cast<float>(10 * i));
  }
  return {{{"a"}, {"b"}}, values};
}

std::vector<float> inputs_of(const dataset_part<table_dataset>& part) {
  std::vector<float> all;
  sample_buffer buffer;
  for (std::size_t i = 0; i < part.size(); ++i) {
    all.push_back(buffer.read(part, i).input[0]);
    CHECK(buffer.read(part, i).target[0] == 10 * all.back());
  }
  return all;
}

} // namespace

TEST_CASE("a split holds out a share of the rows, each of them once", "[io]") {
  const auto data = numbered(100);
  const auto [train, test] = split_rows(data, 0.2);
  CHECK(train.size() == 80);
  CHECK(test.size() == 20);
  CHECK(train.input_size() == 1);
  CHECK(train.target_size() == 1);
  const auto learned = inputs_of(train);
  const auto tested = inputs_of(test);
  std::set<float> all(learned.begin(), learned.end());
  all.insert(tested.begin(), tested.end());
  CHECK(all.size() == 100);
  CHECK_FALSE(std::is_sorted(tested.begin(), tested.end()));
  CHECK(inputs_of(split_rows(data, 0.2).test) == tested);
  CHECK(inputs_of(split_rows(data, 0.2, 2).test) != tested);
}

TEST_CASE("of a series the end is held out", "[io]") {
  const auto data = numbered(10);
  const auto [train, test] = split_series(data, 0.3);
  CHECK(inputs_of(train) == std::vector<float>{0, 1, 2, 3, 4, 5, 6});
  CHECK(inputs_of(test) == std::vector<float>{7, 8, 9});
  CHECK(split_series(data, 0).test.size() == 0);
  CHECK(split_series(data, 1).train.size() == 0);
  CHECK_THROWS_AS(split_series(data, 1.1), error);
  CHECK_THROWS_AS(split_rows(data, -0.1), error);
}

TEST_CASE("parts have the labels of the whole", "[io]") {
  const auto digits = draw_digits(50, 1);
  const auto [train, test] = split_series(digits, 0.2);
  CHECK(test.label(3) == digits.label(43));
}

TEST_CASE("a table knows the text of its target", "[io]") {
  std::istringstream csv("wind,state,hour\n1,still,a\n2,,b\n30,full,c\n");
  table_options options;
  options.categorical = {"state", "hour"};
  auto data = load_table(csv, options, {.inputs = {"wind"}, .targets = {"state"}});
  CHECK(data.label(0) == "still");
  CHECK(data.label(1).empty());
  CHECK(data.label(2) == "full");
  data.set_layout({.inputs = {"wind"}, .targets = {"hour"}, .window = 2, .horizon = 1});
  CHECK(data.label(0) == "c");
  data.set_layout({.inputs = {"wind"}, .targets = {"hour"}, .one_hot = true});
  CHECK(data.label(1) == "b");
  data.set_layout({.inputs = {"state"}, .targets = {"wind"}});
  CHECK_THROWS_WITH(data.label(0), Catch::Contains("categorical"));
  data.set_layout({.inputs = {"wind"}, .targets = {"state", "hour"}});
  CHECK_THROWS_AS(data.label(0), error);
}

TEST_CASE("a table names its inputs", "[io]") {
  std::istringstream csv("wind,state\n1,still\n30,full\n");
  table_options options;
  options.categorical = {"state"};
  auto data = load_table(csv, options, {.inputs = {"wind", "state"}, .targets = {"wind"}});
  CHECK(data.input_names() == std::vector<std::string>{"wind", "state"});
  data.set_layout({.inputs = {"wind", "state"}, .targets = {"wind"}, .one_hot = true});
  CHECK(data.input_names() == std::vector<std::string>{"wind", "state=still", "state=full"});
  data.set_layout({.inputs = {"wind"}, .targets = {"state"}, .window = 2});
  CHECK(data.input_names() == std::vector<std::string>{"wind-1", "wind"});
  CHECK(data.input_names().size() == data.input_size());
}
