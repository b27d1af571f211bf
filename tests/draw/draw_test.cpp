// SPDX-License-Identifier: Apache-2.0
#include <hanami/draw/draw.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/cluster.hpp>
#include <hanami/template/builder.hpp>

using namespace hanami;

namespace {

/// Says what keeps a text from being one well-formed XML element, or nothing.
std::string xml_fault(std::string_view text) {
  static constexpr std::string_view entities[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
  std::vector<std::string> open;
  bool begun = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '&' &&
        std::none_of(std::begin(entities), std::end(entities), [&](std::string_view entity) {
          return text.substr(i, entity.size()) == entity;
        })) {
      return "a bare & at " + std::to_string(i);
    }
    if (text[i] != '<') {
      if (open.empty() && text[i] != '\n') {
        return "text outside the element at " + std::to_string(i);
      }
      continue;
    }
    if (open.empty() && begun) {
      return "a second element";
    }
    begun = true;
    std::size_t end = i + 1;
    for (bool quoted = false; end < text.size() && (quoted || text[end] != '>'); ++end) {
      quoted = quoted != (text[end] == '"');
      if (text[end] == '<') {
        return "a < inside a tag at " + std::to_string(end);
      }
    }
    if (end == text.size()) {
      return "an open tag at the end";
    }
    const std::string_view tag = text.substr(i + 1, end - i - 1);
    const std::size_t skip = tag.front() == '/' ? 1 : 0;
    const std::string name(tag.substr(skip, tag.find_first_of(" /", skip) - skip));
    if (skip == 1) {
      if (open.empty() || open.back() != name) {
        return "</" + name + "> closes another element";
      }
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + what.size())) {
    ++found;
  }
  return found;
}

bool has(std::string_view text, std::string_view what) { return count(text, what) > 0; }

/// Says what is wrong with a text for the dot program, or nothing.
std::string dot_fault(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted) {
      depth += text[i] == '{' || text[i] == '[' ? 1 : text[i] == '}' || text[i] == ']' ? -1 : 0;
      if (depth < 0) {
        return "closed too often at " + std::to_string(i);
      }
    }
  }
  return quoted ? "an open string" : depth != 0 ? "an open bracket" : "";
}

/// 25 windows of 10 x 10 over a picture of 28 x 28, read by one output two floors up.
cluster_template fields() {
  cluster_settings settings;
  settings.brick_size = 64;
  settings.max_bricks = 1;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {5, 5, 1}})
      .hexagon({3, 3, 3})
      .axons({{1, 1, 1}, {5, 5, 1}}, {3, 3, 3})
      .input_windows("picture", 28, 28, {10, 10, 0, {{1, 1, 1}, {5, 5, 1}}})
      .output("digit", {3, 3, 3}, 10, output_kind::softmax)
      .build();
}

cluster_template row(std::int32_t length, std::uint32_t distance = 1) {
  cluster_settings settings;
  settings.max_connection_distance = distance;
  settings.brick_size = 32;
  settings.max_bricks = 2;
  return template_builder{}
      .settings(settings)
      .hexagons({{1, 1, 1}, {length, 1, 1}})
      .input("in", {1, 1, 1}, 6)
      .output("out", {length, 1, 1}, 3, output_kind::linear)
      .build();
}

/// Three floors, two inputs and two outputs.
cluster_template blob() {
  return template_builder{}
      .hexagons({{-1, -1, 1}, {2, 1, 1}})
      .hexagons({{-1, -1, 2}, {1, 2, 2}})
      .hexagons({{-1, -1, 3}, {1, 1, 3}})
      .input("left_eye", {-1, -1, 1}, 20)
      .input("right_eye", {2, 1, 1}, 9)
      .output("digit", {1, 1, 3}, 4, output_kind::softmax)
      .output("speed", {-1, 1, 3}, 1, output_kind::linear)
      .build();
}

cluster grown(const cluster_template& from, int samples, learning_options options = {}) {
  cluster made(from, options);
  std::vector<float> input(made.input_size());
  std::vector<float> target(made.output_size());
  for (int s = 0; s < samples; ++s) {
    for (std::size_t i = 0; i < input.size(); ++i) {
      input[i] = random_signed_unit(7, i, static_cast<std::uint64_t>(s));
    }
    std::fill(target.begin(), target.end(), 0.0F);
    for (const auto& output : made.state().topology.outputs) {
      target[output.first + (input[0] > 0 ? 0 : output.size - 1)] = 1.0F;
    }
    made.train(input, target);
  }
  return made;
}

std::string place(hex_position at) {
  return std::to_string(at.x) + ", " + std::to_string(at.y) + ", " + std::to_string(at.z);
}

void check_names(const cluster_template& from, const std::string& drawing) {
  for (const auto& hexagon : from.hexagons) {
    CHECK(has(drawing, place(hexagon.position)));
  }
  for (const auto& input : from.inputs) {
    CHECK(has(drawing, input.name));
  }
  for (const auto& output : from.outputs) {
    CHECK(has(drawing, output.name));
  }
}

} // namespace

TEST_CASE("the checker of these tests finds what it is there for", "[structure]") {
  CHECK(xml_fault("<a b=\"1>2\"><c/>x &amp; y</a>\n").empty());
  for (const char* broken : {"<a>", "<a><b></a></b>", "<a>&</a>", "<a></a><b/>", "<a b=\"", "<a/>x",
                             "<a b=\"<\"/>", "</a>"}) {
    CHECK_FALSE(xml_fault(broken).empty());
  }
  CHECK(dot_fault("digraph { a [label=\"\\\"}\"]; }").empty());
  for (const char* broken : {"{", "}", "{\"}", "[}]]"}) {
    CHECK_FALSE(dot_fault(broken).empty());
  }
}

TEST_CASE("pictures are well-formed, show every hexagon and name, and are the same each time",
          "[structure]") {
  for (const auto& from : {fields(), row(3), row(5, 2), blob()}) {
    const topology plan = make_topology(from);
    const cluster after = grown(from, 60);
    for (const std::string& svg : {draw_svg(plan), draw_svg(after.state())}) {
      CHECK(xml_fault(svg).empty());
      CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
      check_names(from, svg);
      for (const char* unwanted : {"<script", "<style", " id=", "href", "url(", "nan", "inf\""}) {
        CHECK_FALSE(has(svg, unwanted));
      }
    }
    CHECK(draw_svg(plan) == draw_svg(make_topology(from)));
    CHECK(draw_svg(after.state()) == draw_svg(grown(from, 60).state()));
    for (const std::string& dot : {to_graphviz(plan), to_graphviz(after.state())}) {
      CHECK(dot_fault(dot).empty());
      check_names(from, dot);
    }
    CHECK(to_graphviz(after.state()) == to_graphviz(grown(from, 60).state()));
  }
}

TEST_CASE("a picture of windows shows the part of the input that each hexagon sees",
          "[structure]") {
  const topology plan = make_topology(fields());
  const auto g = detail::drawing::describe(plan);
  for (std::size_t h = 0; h < 25; ++h) {
    REQUIRE(g.cells[h].sees);
    const auto& sees = *g.cells[h].sees;
    CHECK(sees.rows == 28);
    CHECK(sees.columns == 28);
    CHECK(sees.height == 10);
    CHECK(sees.width == 10);
    CHECK(g.cells[h].nodes == 100);
  }
  CHECK(g.cells[0].sees->left == 0);
  CHECK(g.cells[4].sees->left == 18);
  CHECK(g.cells[4].sees->top == 0);
  CHECK(g.cells[24].sees->top == 18);
  CHECK_FALSE(g.inputs[0].place);
  REQUIRE(g.outputs[0].place);
  CHECK(*g.outputs[0].place == 25);
  CHECK(g.links.size() == 50);
  CHECK(has(draw_svg(plan), "28 x 28 values"));
}

TEST_CASE("windows wider than a chunk and windows of full width are read off the plan",
          "[structure]") {
  const auto of = [](std::uint32_t rows, std::uint32_t columns) {
    const auto from = template_builder{}
                          .hexagons({{1, 1, 1}, {1, 2, 1}})
                          .hexagon({1, 1, 2})
                          .axons({{1, 1, 1}, {1, 2, 1}}, {1, 1, 2})
                          .input_windows("in", 40, 50, {rows, columns, 0, {{1, 1, 1}, {1, 2, 1}}})
                          .output("out", {1, 1, 2}, 1, output_kind::sigmoid)
                          .build();
    const topology plan = make_topology(from);
    return detail::drawing::describe(plan).cells[1].sees;
  };
  const auto wide = of(8, 33);
  REQUIRE(wide);
  CHECK(wide->columns == 50);
  CHECK(wide->width == 33);
  CHECK(wide->height == 8);
  CHECK(wide->top == 32);
  const auto full = of(8, 50);
  REQUIRE(full);
  CHECK(full->rows == 40);
  CHECK(full->top == 32);
  CHECK(full->height == 8);
  CHECK(full->left == 0);
  CHECK(full->width == 50);
  CHECK_FALSE(of(40, 50));
}

TEST_CASE("links of a picture are those of the plan", "[structure]") {
  const topology plan = make_topology(row(5, 2));
  const auto g = detail::drawing::describe(plan);
  std::vector<std::string> words;
  for (const auto& link : g.links) {
    words.push_back(detail::drawing::link_text(g, link));
  }
  const std::vector<std::string> expected{"(1, 1, 1) to (2, 1, 1): 6 values",
                                          "(1, 1, 1) to (3, 1, 1), 2 steps away: 6 values",
                                          "(2, 1, 1) to (3, 1, 1)",
                                          "(2, 1, 1) to (4, 1, 1), 2 steps away",
                                          "(3, 1, 1) to (4, 1, 1)",
                                          "(3, 1, 1) to (5, 1, 1)",
                                          "(4, 1, 1) to (5, 1, 1)"};
  CHECK(words == expected);
}

TEST_CASE("inputs and outputs stand where the template puts them", "[structure]") {
  const topology plan = make_topology(blob());
  const auto g = detail::drawing::describe(plan);
  const auto at = [&](const detail::drawing::port& p) {
    REQUIRE(p.place);
    return plan.hexagons[*p.place].position;
  };
  CHECK(at(g.inputs[0]) == hex_position{-1, -1, 1});
  CHECK(at(g.inputs[1]) == hex_position{2, 1, 1});
  CHECK(at(g.outputs[0]) == hex_position{1, 1, 3});
  CHECK(at(g.outputs[1]) == hex_position{-1, 1, 3});

  const auto twins = template_builder{} // both inputs touch the same neurons
                         .hexagons({{1, 1, 1}, {4, 1, 1}})
                         .axon({1, 1, 1}, {3, 1, 1})
                         .axon({2, 1, 1}, {3, 1, 1})
                         .input("a", {1, 1, 1}, 2)
                         .input("b", {2, 1, 1}, 2)
                         .output("out", {4, 1, 1}, 1, output_kind::sigmoid)
                         .build();
  const topology twin_plan = make_topology(twins);
  const auto both = detail::drawing::describe(twin_plan);
  CHECK(both.inputs[0].place == 0U);
  CHECK(both.inputs[1].place == 1U);
}

TEST_CASE("the numbers of a grown picture are those of the statistics", "[structure]") {
  learning_options pruned;
  pruned.pruning = 0.5;
  for (const auto& from : {fields(), row(3), row(5, 2), blob()}) {
    for (const auto& options : {learning_options{}, pruned}) {
      const cluster after = grown(from, 120, options);
      const auto statistics = after.statistics();
      const auto g = detail::drawing::describe(after.state());
      std::uint64_t bricks = 0;
      std::uint64_t sections = 0;
      std::uint64_t steps = 0;
      for (const auto& cell : g.cells) {
        bricks += cell.bricks;
        sections += cell.sections;
        steps += cell.steps;
      }
      std::uint64_t over_links = 0;
      std::uint64_t weights = 0;
      for (const auto& link : g.links) {
        (link.kind == detail::drawing::link_kind::output ? weights : over_links) += link.count;
      }
      CHECK(bricks == statistics.bricks);
      CHECK(sections == statistics.sections);
      CHECK(steps == statistics.steps);
      CHECK(over_links == statistics.sections);
      std::uint64_t straight = 0; // no link of hexagons
      for (const auto& o : after.state().outputs) {
        straight += o.straight.size();
      }
      CHECK(weights + straight + steps * g.lanes == statistics.synapses);
      CHECK(has(draw_svg(after.state()), detail::drawing::counted(statistics.sections, "section")));
    }
  }
}

TEST_CASE("an empty network has a picture, and so has an empty plan", "[structure]") {
  const auto fresh = make_network<float>(row(3), 1);
  CHECK(xml_fault(draw_svg(fresh)).empty());
  CHECK(has(draw_svg(fresh), "0 bricks"));
  CHECK(xml_fault(draw_svg(topology{})).empty());
  CHECK(dot_fault(to_graphviz(topology{})).empty());
}

TEST_CASE("hostile names cannot break out of a picture", "[structure]") {
  for (const std::string& name :
       {std::string("</text><script>alert(1)</script>"), std::string("\" onload=\"x"),
        std::string("]]>&<!--'"), std::string("a\0b\x01\x7f\xff\n\r", 9), std::string("x\\"),
        std::string("\\\"}; evil {"), std::string(5000, '&')}) {
    topology plan = make_topology(row(3));
    plan.inputs[0].name = name;
    plan.outputs[0].name = name;
    const std::string svg = draw_svg(plan);
    CHECK(xml_fault(svg).empty());
    CHECK_FALSE(has(svg, "<script"));
    CHECK_FALSE(has(svg, "\" onload"));
    CHECK(std::none_of(svg.begin(), svg.end(), [](char c) {
      return c != '\n' && std::isprint(static_cast<unsigned char>(c)) == 0;
    }));
    CHECK(dot_fault(to_graphviz(plan)).empty());
  }
}

TEST_CASE("large plans are drawn in part, with a note of what is left out", "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{1, 1, 1}, {60, 50, 1}})
                        .hexagon({30, 30, 2})
                        .axons({{1, 1, 1}, {60, 50, 1}}, {30, 30, 2})
                        .input_windows("in", 120, 120, {10, 10, 0, {{1, 1, 1}, {60, 50, 1}}})
                        .output("out", {30, 30, 2}, 10, output_kind::sigmoid)
                        .build();
  const topology plan = make_topology(from);
  const std::string svg = draw_svg(plan);
  CHECK(xml_fault(svg).empty());
  CHECK(has(svg, "Plan: 3,001 hexagons"));
  CHECK(has(svg, "Left out: 1,001 hexagons, "));
  CHECK(svg.size() < 4'000'000);
  CHECK(dot_fault(to_graphviz(plan)).empty());
  CHECK(count(to_graphviz(plan), "\n    n") == drawing_limits::hexagons);
}

TEST_CASE("hexagons far apart are drawn near each other, in rows shifted as they are",
          "[structure]") {
  const auto from = template_builder{}
                        .hexagons({{-900000000, 1, 1}, {-899999999, 1, 1}})
                        .hexagon({900000000, 7000001, 1})
                        .axon({-899999999, 1, 1}, {900000000, 7000001, 1})
                        .input("in", {-900000000, 1, 1}, 2)
                        .output("out", {900000000, 7000001, 1}, 1, output_kind::sigmoid)
                        .build();
  const topology plan = make_topology(from);
  const auto g = detail::drawing::describe(plan);
  const auto where = detail::drawing::layout_maker(g).run();
  CHECK(where.shortened);
  CHECK(where.right - where.left < 2000);
  CHECK(where.bottom - where.top < 2000);
  CHECK(where.cells[1].x - where.cells[0].x == Approx(detail::drawing::hex_pitch));
  CHECK(where.cells[2].y - where.cells[0].y == Approx(4 * detail::drawing::row_pitch));
}
