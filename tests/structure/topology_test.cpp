// SPDX-License-Identifier: Apache-2.0
#include <hanami/structure/topology_maker.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

const hexagon_layout& at(const topology& made, hex_position where) {
  const auto found = std::find_if(made.hexagons.begin(), made.hexagons.end(),
                                  [&](const hexagon_layout& h) { return h.position == where; });
  REQUIRE(found != made.hexagons.end());
  return *found;
}

/// Who feeds the hexagon at `where`, and over which distance.
std::map<hex_position, int> feeders(const topology& made, hex_position where) {
  std::map<hex_position, int> found;
  for (const hexagon_link& link : at(made, where).fed_by) {
    found[made[link.from].position] = link.distance;
  }
  return found;
}

/// Indices of the input nodes (in the array of presynaptic nodes) that the hexagon at `where`
/// reads.
std::vector<std::uint32_t> nodes_read(const topology& made, hex_position where) {
  std::vector<std::uint32_t> nodes;
  for (const presynaptic_chunk& chunk : at(made, where).input_chunks) {
    for (std::uint32_t i = 0; i < 16; ++i) {
      if (((chunk.mask >> i) & 1U) != 0) {
        nodes.push_back(chunk.offset + i);
      }
    }
  }
  std::sort(nodes.begin(), nodes.end());
  return nodes;
}

std::vector<hex_position> places(const topology& made, const std::vector<hexagon_id>& ids) {
  std::vector<hex_position> found;
  for (const hexagon_id id : ids) {
    found.push_back(made[id].position);
  }
  std::sort(found.begin(), found.end());
  return found;
}

cluster_settings reaching(std::uint32_t distance) {
  cluster_settings settings;
  settings.max_connection_distance = distance;
  return settings;
}

/// A row of hexagons, an input at its begin, an output at its end.
cluster_template row(std::int32_t length, std::uint32_t distance) {
  return template_builder{}
      .settings(reaching(distance))
      .hexagons({{1, 1, 1}, {length, 1, 1}})
      .input("in", {1, 1, 1}, 4)
      .output("out", {length, 1, 1}, 2, output_kind::sigmoid)
      .build();
}

std::string refusal(const cluster_template& from) {
  try {
    make_topology(from);
  } catch (const error& failure) {
    CHECK(failure.code() == errc::invalid_template);
    return failure.what();
  }
  return "accepted";
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("the rank of a hexagon is its distance from the nearest input", "[structure]") {
  const topology made = make_topology(row(6, 1));
  for (std::int32_t x = 1; x <= 6; ++x) {
    CHECK(at(made, {x, 1, 1}).rank == static_cast<std::uint32_t>(x - 1));
  }
  CHECK_FALSE(at(made, {1, 1, 1}).holds_bricks);
  CHECK(at(made, {3, 1, 1}).holds_bricks);
  CHECK_FALSE(at(made, {6, 1, 1}).holds_bricks);
  REQUIRE(made.levels.size() == 4);
  for (std::size_t level = 0; level < 4; ++level) {
    CHECK(places(made, made.levels[level]) ==
          std::vector<hex_position>{{static_cast<std::int32_t>(level) + 2, 1, 1}});
  }
}

TEST_CASE("a connection distance reaches every step up to it, not only the last", "[structure]") {
  const topology made = make_topology(row(8, 3));
  CHECK(feeders(made, {6, 1, 1}) ==
        std::map<hex_position, int>{{{3, 1, 1}, 3}, {{4, 1, 1}, 2}, {{5, 1, 1}, 1}});
  CHECK(feeders(made, {2, 1, 1}).empty()); // inputs are presynaptic nodes, not neurons
  // The input at x = 1 is read over distances 1, 2 and 3, and no further.
  for (std::int32_t x = 2; x <= 7; ++x) {
    const auto& chunks = at(made, {x, 1, 1}).input_chunks;
    if (x <= 4) {
      REQUIRE(chunks.size() == 1);
      CHECK(chunks[0].distance == x - 1);
    } else {
      CHECK(chunks.empty());
    }
  }
  CHECK(places(made, made.outputs[0].reads) ==
        std::vector<hex_position>{{5, 1, 1}, {6, 1, 1}, {7, 1, 1}});
}

TEST_CASE("nearer feeders come first", "[structure]") {
  const topology made = make_topology(row(9, 4));
  for (const auto& hexagon : made.hexagons) {
    CHECK(std::is_sorted(hexagon.fed_by.begin(), hexagon.fed_by.end(),
                         [](const auto& a, const auto& b) { return a.distance < b.distance; }));
  }
}

TEST_CASE("a hexagon that no input reaches is named", "[structure]") {
  auto from = row(4, 1);
  from.hexagons.push_back({{-7, 5, 3}});
  CHECK(mentions(refusal(from), "(-7, 5, 3)"));
  from.axons.push_back({{{2, 1, 1}, {2, 1, 1}}, {-7, 5, 3}});
  CHECK(refusal(from) == "accepted");
}

TEST_CASE("an output that no neurons reach is named", "[structure]") {
  auto from = row(4, 1);
  from.hexagons.push_back({{1, 0, 1}}); // beside the input
  from.outputs.push_back({"side", {1, 0, 1}, 1, output_kind::sigmoid});
  CHECK(refusal(from) == "accepted"); // it gets neurons of its own
  CHECK(at(make_topology(from), {1, 0, 1}).holds_bricks);
}

TEST_CASE("an input that feeds nobody is named", "[structure]") {
  auto from = row(4, 1);
  from.hexagons.push_back({{50, 50, 1}});
  from.inputs.push_back({"lonely", hex_position{50, 50, 1}, 3, 1, 3, {}});
  const std::string why = refusal(from);
  CHECK(mentions(why, "lonely"));
  CHECK(mentions(why, "(50, 50, 1)"));
}

TEST_CASE("several inputs feed, each from its hexagon, and several from one", "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{1, 1, 1}, {3, 1, 1}})
                        .hexagons({{5, 1, 1}, {5, 1, 1}})
                        .hexagon({4, 1, 1})
                        .axon({2, 1, 1}, {5, 1, 1})
                        .input("a", {1, 1, 1}, 3)
                        .input("b", {3, 1, 1}, 20)
                        .input("c", {1, 1, 1}, 2)
                        .output("out", {5, 1, 1}, 1, output_kind::sigmoid)
                        .build();
  const topology made = make_topology(from);
  REQUIRE(made.inputs.size() == 3);
  // Places are padded to chunks, values are not.
  CHECK(made.inputs[0].offset == 0);
  CHECK(made.inputs[1].offset == 16);
  CHECK(made.inputs[2].offset == 48);
  CHECK(made.inputs[1].first == 3);
  CHECK(made.inputs[2].first == 23);
  CHECK(made.input_size == 25);
  std::vector<std::uint32_t> all{0, 1, 2, 48, 49};
  for (std::uint32_t i = 16; i < 36; ++i) {
    all.push_back(i);
  }
  std::sort(all.begin(), all.end());
  CHECK(nodes_read(made, {2, 1, 1}) == all); // between both
  CHECK(nodes_read(made, {4, 1, 1}).size() == 20);
  CHECK(made.negative_part >= 50);
  CHECK(made.neurons_begin >= 2 * made.negative_part);
}

TEST_CASE("several outputs read what reaches each of them", "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{1, 1, 1}, {4, 1, 1}})
                        .hexagons({{1, 0, 1}, {1, 0, 1}})
                        .hexagon({0, 0, 1})
                        .input("in", {1, 1, 1}, 4)
                        .output("near", {0, 0, 1}, 3, output_kind::softmax)
                        .output("far", {4, 1, 1}, 2, output_kind::linear)
                        .output("twin", {4, 1, 1}, 5, output_kind::sigmoid)
                        .build();
  const topology made = make_topology(from);
  CHECK(made.output_size == 10);
  CHECK(made.outputs[1].first == 3);
  CHECK(made.outputs[2].first == 5);
  CHECK(places(made, made.outputs[0].reads) == std::vector<hex_position>{{1, 0, 1}});
  CHECK(places(made, made.outputs[1].reads) == std::vector<hex_position>{{3, 1, 1}});
  CHECK(made.outputs[2].reads == made.outputs[1].reads);
}

TEST_CASE("windows are spread from edge to edge", "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{1, 1, 1}, {3, 2, 1}})
                        .hexagon({2, 1, 2})
                        .axons({{1, 1, 1}, {3, 2, 1}}, {2, 1, 2})
                        .input_windows("picture", 10, 12, {4, 5, 1, {{1, 1, 1}, {3, 2, 1}}})
                        .output("out", {2, 1, 2}, 2, output_kind::sigmoid)
                        .build();
  const topology made = make_topology(from);
  // Free places: rows 10 - 2 - 4 = 4, columns 12 - 2 - 5 = 5; the middle window is rounded.
  const std::uint32_t tops[] = {1, 5};
  const std::uint32_t lefts[] = {1, 3, 6};
  for (std::size_t gy = 0; gy < 2; ++gy) {
    for (std::size_t gx = 0; gx < 3; ++gx) {
      std::vector<std::uint32_t> expected;
      const std::uint32_t left = gx == 1 ? nodes_read(made, {2, 1, 1}).front() % 12 : lefts[gx];
      CHECK((left == lefts[gx] || left == 4)); // 3.5 may be rounded either way
      for (std::uint32_t y = tops[gy]; y < tops[gy] + 4; ++y) {
        for (std::uint32_t x = left; x < left + 5; ++x) {
          expected.push_back(y * 12 + x);
        }
      }
      const hex_position where{static_cast<std::int32_t>(gx) + 1, static_cast<std::int32_t>(gy) + 1,
                               1};
      CHECK(nodes_read(made, where) == expected);
      CHECK(at(made, where).rank == 1);
      CHECK(at(made, where).holds_bricks);
    }
  }
}

TEST_CASE("windows cover every node inside the margin of a picture", "[structure]") {
  for (const std::uint32_t window : {10U, 12U, 14U}) {
    for (const std::int32_t grid : {3, 4, 5}) {
      if (window * static_cast<std::uint32_t>(grid) < 28) {
        continue;
      }
      const auto from =
          template_builder{}
              .hexagons({{1, 1, 1}, {grid, grid, 1}})
              .hexagon({2, 2, 2})
              .input_windows("picture", 28, 28, {window, window, 0, {{1, 1, 1}, {grid, grid, 1}}})
              .output("out", {2, 2, 2}, 10, output_kind::sigmoid)
              .build();
      auto with_axons = from;
      with_axons.axons.push_back({{{1, 1, 1}, {grid, grid, 1}}, {2, 2, 2}});
      const topology made = make_topology(with_axons);
      std::set<std::uint32_t> seen;
      for (const auto& hexagon : made.hexagons) {
        if (!(hexagon.position == hex_position{2, 2, 2})) {
          const auto nodes = nodes_read(made, hexagon.position);
          CHECK(nodes.size() == window * window);
          CHECK(nodes.back() < 784);
          seen.insert(nodes.begin(), nodes.end());
        }
      }
      CHECK(seen.size() == 784);
      CHECK(made.outputs[0].reads.size() == static_cast<std::size_t>(grid * grid));
    }
  }
}

TEST_CASE("a single window stands in the middle", "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{1, 1, 1}, {2, 1, 1}})
                        .input_windows("strip", 1, 9, {1, 3, 0, {{1, 1, 1}, {1, 1, 1}}})
                        .output("out", {2, 1, 1}, 1, output_kind::sigmoid)
                        .build();
  CHECK(nodes_read(make_topology(from), {1, 1, 1}) == std::vector<std::uint32_t>{3, 4, 5});
}

TEST_CASE("an axon makes far hexagons touch, in its direction only", "[structure]") {
  auto from = row(4, 1);
  from.hexagons.push_back({{30, 1, 1}});
  from.hexagons.push_back({{31, 1, 1}});
  from.outputs.push_back({"far", {31, 1, 1}, 1, output_kind::sigmoid});
  from.axons.push_back({{{2, 1, 1}, {3, 1, 1}}, {30, 1, 1}});
  const topology made = make_topology(from);
  CHECK(at(made, {30, 1, 1}).rank == 2);
  // Of the two hexagons with axons only the one with the lower rank feeds.
  CHECK(feeders(made, {30, 1, 1}) == std::map<hex_position, int>{{{2, 1, 1}, 1}});
  CHECK(feeders(made, {3, 1, 1}) == std::map<hex_position, int>{{{2, 1, 1}, 1}});
}

TEST_CASE("an axon counts as one step of the connection distance", "[structure]") {
  auto from = row(5, 2);
  from.hexagons.push_back({{30, 1, 1}});
  from.hexagons.push_back({{31, 1, 1}});
  from.outputs.push_back({"far", {31, 1, 1}, 1, output_kind::sigmoid});
  from.axons.push_back({{{3, 1, 1}, {3, 1, 1}}, {30, 1, 1}});
  CHECK(feeders(make_topology(from), {30, 1, 1}) ==
        std::map<hex_position, int>{{{2, 1, 1}, 2}, {{3, 1, 1}, 1}});
}

TEST_CASE("an output beside an input gets neurons of its own", "[structure]") {
  const auto made = make_topology(row(2, 1));
  CHECK(at(made, {2, 1, 1}).holds_bricks);
  CHECK(places(made, made.outputs[0].reads) == std::vector<hex_position>{{2, 1, 1}});
  CHECK(nodes_read(made, {2, 1, 1}) == std::vector<std::uint32_t>{0, 1, 2, 3});
  CHECK(made.levels.size() == 1);
}

TEST_CASE("a hexagon may be input and output at once", "[structure]") {
  const auto from = template_builder{}
                        .hexagon({1, 1, 1})
                        .input("in", {1, 1, 1}, 5)
                        .output("out", {1, 1, 1}, 2, output_kind::sigmoid)
                        .build();
  const topology made = make_topology(from);
  CHECK(at(made, {1, 1, 1}).holds_bricks);
  CHECK(nodes_read(made, {1, 1, 1}) == std::vector<std::uint32_t>{0, 1, 2, 3, 4});
  CHECK(places(made, made.outputs[0].reads) == std::vector<hex_position>{{1, 1, 1}});
}

TEST_CASE("signals climb through the floors of a cluster", "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{1, 1, 1}, {2, 2, 4}})
                        .input("in", {1, 1, 1}, 4)
                        .output("out", {2, 2, 4}, 2, output_kind::sigmoid)
                        .build();
  const topology made = make_topology(from);
  for (const auto& hexagon : made.hexagons) {
    CHECK(hexagon.rank <= 5);
    CHECK(hexagon.rank + 1 >= static_cast<std::uint32_t>(hexagon.position.z)); // a floor a step
    for (const auto& link : hexagon.fed_by) {
      const auto neighbours = hex_neighbours(hexagon.position);
      CHECK(std::count(neighbours.begin(), neighbours.end(), made[link.from].position) == 1);
    }
  }
  CHECK_FALSE(made.outputs[0].reads.empty());
}

TEST_CASE("every feeder stands in an earlier level than what it feeds", "[structure]") {
  for (const std::uint32_t distance : {1U, 2U, 3U}) {
    const auto from = template_builder{}
                          .settings(reaching(distance))
                          .hexagons({{0, 0, 0}, {5, 4, 2}})
                          .input("a", {0, 0, 0}, 4)
                          .input("b", {5, 4, 2}, 4)
                          .output("x", {5, 0, 0}, 2, output_kind::sigmoid)
                          .output("y", {2, 2, 1}, 2, output_kind::sigmoid)
                          .build();
    const topology made = make_topology(from);
    std::map<hexagon_id, std::size_t> level_of;
    for (std::size_t level = 0; level < made.levels.size(); ++level) {
      for (const hexagon_id id : made.levels[level]) {
        CHECK(level_of.emplace(id, level).second);
        CHECK(made[id].holds_bricks);
      }
    }
    for (const auto& [id, level] : level_of) {
      for (const auto& link : made[id].fed_by) {
        REQUIRE(level_of.count(link.from) == 1);
        CHECK(level_of[link.from] < level);
      }
    }
    for (const auto& output : made.outputs) {
      CHECK(std::is_sorted(output.reads.begin(), output.reads.end()));
      for (const hexagon_id id : output.reads) {
        CHECK(level_of.count(id) == 1);
      }
    }
  }
}

TEST_CASE("the order of the text does not turn signals round", "[structure]") {
  auto from = template_builder{}
                  .settings(reaching(2))
                  .hexagons({{1, 1, 1}, {5, 3, 1}})
                  .input("in", {1, 2, 1}, 4)
                  .output("out", {5, 2, 1}, 2, output_kind::sigmoid)
                  .build();
  const topology forwards = make_topology(from);
  std::reverse(from.hexagons.begin(), from.hexagons.end());
  std::swap(from.hexagons[3], from.hexagons[9]);
  const topology backwards = make_topology(from);
  for (const auto& hexagon : forwards.hexagons) {
    const auto& other = at(backwards, hexagon.position);
    CHECK(hexagon.rank == other.rank);
    CHECK(hexagon.holds_bricks == other.holds_bricks);
    CHECK(feeders(forwards, hexagon.position) == feeders(backwards, hexagon.position));
    CHECK(nodes_read(forwards, hexagon.position) == nodes_read(backwards, hexagon.position));
  }
  CHECK(places(forwards, forwards.outputs[0].reads) ==
        places(backwards, backwards.outputs[0].reads));
}

TEST_CASE("hexagons that lead to no output hold no neurons", "[structure]") {
  auto from = row(4, 1);
  from.hexagons.push_back({{2, 0, 1}});
  from.hexagons.push_back({{2, -1, 1}});
  from.hexagons.push_back({{2, -2, 1}}); // a way that ends nowhere
  const topology made = make_topology(from);
  CHECK_FALSE(at(made, {2, -2, 1}).holds_bricks);
  CHECK(at(made, {2, 1, 1}).holds_bricks);
}

TEST_CASE("few sources get many steps, many sources one, unless told", "[structure]") {
  const auto steps = [](std::uint32_t inputs, std::uint32_t told) {
    cluster_settings settings;
    settings.max_steps = told;
    const auto made = make_topology(template_builder{}
                                        .settings(settings)
                                        .hexagons({{1, 1, 1}, {3, 1, 1}})
                                        .input("in", {1, 1, 1}, inputs)
                                        .output("out", {3, 1, 1}, 1, output_kind::sigmoid)
                                        .build());
    return at(made, {2, 1, 1}).max_steps;
  };
  CHECK(steps(1, 0) == 32);
  CHECK(steps(4, 0) == 32);
  CHECK(steps(25, 0) == 5);
  CHECK(steps(42, 0) == 3);
  CHECK(steps(43, 0) == 1);
  CHECK(steps(784, 0) == 1);
  CHECK(steps(784, 7) == 7);
}

TEST_CASE("inputs and outputs keep their shape and their place", "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{1, 1, 1}, {2, 1, 1}})
                        .hexagon({3, 1, 1})
                        .input("plain", {1, 1, 1}, 5)
                        .input_windows("picture", 4, 6, {2, 2, 0, {{2, 1, 1}, {2, 1, 1}}})
                        .output("out", {3, 1, 1}, 2, output_kind::sigmoid)
                        .build();
  const topology made = make_topology(from);
  CHECK(made.inputs[0].rows == 1);
  CHECK(made.inputs[0].columns == 5);
  CHECK(made.inputs[0].target == hexagon_id{0});
  CHECK(made.inputs[1].rows == 4);
  CHECK(made.inputs[1].columns == 6);
  CHECK_FALSE(made.inputs[1].target);
  CHECK(made.outputs[0].target == hexagon_id{2});
}

TEST_CASE("a template that asks for too many connections is refused, with the limit",
          "[structure]") {
  const std::string limit = std::to_string(topology_limits::connections);
  const auto block = [](std::uint32_t distance) {
    return template_builder{}
        .settings(reaching(distance))
        .hexagons({{1, 1, 1}, {64, 32, 32}}) // as many as a template may have
        .input("in", {1, 1, 1}, 4)
        .output("out", {64, 32, 32}, 2, output_kind::sigmoid)
        .build();
  };
  const std::string far = refusal(block(64));
  CHECK(mentions(far, limit));
  CHECK(mentions(far, "max_connection_distance (64)"));
  CHECK(refusal(block(1)) == "accepted");

  auto wide = row(40, 40); // an input of a million chunks, read by everyone
  wide.inputs[0].size = wide.inputs[0].columns = 1U << 24U;
  CHECK(mentions(refusal(wide), limit));

  auto many = row(1000, 64); // outputs of a hexagon that many others reach
  for (int i = 0; i < 1000000; ++i) {
    many.outputs.push_back({"o" + std::to_string(i), {1000, 1, 1}, 1, output_kind::sigmoid});
  }
  CHECK(mentions(refusal(many), limit));
}

TEST_CASE("a window that leads to no output is named", "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{1, 1, 1}, {5, 1, 1}})
                        .hexagon({1, 2, 1})
                        .input_windows("strip", 1, 25, {1, 5, 0, {{1, 1, 1}, {5, 1, 1}}})
                        .output("out", {1, 2, 1}, 1, output_kind::sigmoid)
                        .build();
  std::string message;
  try {
    make_topology(from);
  } catch (const error& failure) {
    CHECK(failure.code() == errc::invalid_template);
    message = failure.what();
  }
  CHECK(message.find("reads a window of the input 'strip' and leads to no output") !=
        std::string::npos);
}
