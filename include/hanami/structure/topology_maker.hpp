// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "../foundation/error.hpp"
#include "../foundation/ids.hpp"
#include "../foundation/simd.hpp"
#include "../template/cluster_template.hpp"
#include "../template/rules.hpp"
#include "topology.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Builds a topology step by step; the steps must run in the order of `run`.
class topology_maker {
 public:
  explicit topology_maker(const cluster_template& from) : from_(from) {}

  topology run() {
    made_.settings = from_.settings;
    place_hexagons();
    place_inputs();
    place_outputs();
    link_neighbours();
    rank_hexagons();
    choose_brick_hexagons();
    feed_hexagons();
    read_outputs();
    order_levels();
    check_inputs();
    check_windows();
    return std::move(made_);
  }

 private:
  using links = std::vector<hexagon_link>;

  static std::string text(hex_position at) { return template_text::in_words(at); }
  [[noreturn]] static void fail(const std::string& why) { raise(errc::invalid_template, why); }

  /// Counts work and memory before they are spent.
  void spend(std::size_t connections) {
    if (connections > topology_limits::connections - spent_) {
      fail("hexagons, inputs and outputs have more than " +
           std::to_string(topology_limits::connections) +
           " connections; reduce max_connection_distance (" +
           std::to_string(made_.settings.max_connection_distance) +
           "), hexagons, windows or outputs");
    }
    spent_ += connections;
  }

  std::uint32_t find(hex_position at) const {
    const auto found = places_.find(at);
    if (found == places_.end()) {
      fail("there is no hexagon at " + text(at));
    }
    return found->second;
  }

  void place_hexagons() {
    for (const auto& hexagon : from_.hexagons) {
      const auto id = static_cast<std::uint32_t>(made_.hexagons.size());
      if (!places_.emplace(hexagon.position, id).second) {
        fail("two hexagons at " + text(hexagon.position));
      }
      auto& layout = made_.hexagons.emplace_back();
      layout.position = hexagon.position;
      layout.spiking = spiking_layout(from_.settings, hexagon);
    }
  }

  void place_inputs() {
    inputs_at_.resize(made_.hexagons.size());
    std::uint32_t offset = 0;
    std::uint32_t first = 0;
    for (const auto& input : from_.inputs) {
      auto& layout = made_.inputs.emplace_back(
          input_layout{input.name, offset, first, input.size, input.rows, input.columns, {}});
      if (input.target) {
        const std::uint32_t at = find(*input.target);
        layout.target = hexagon_id{at};
        made_.hexagons[at].has_inputs = true;
        inputs_at_[at].push_back(made_.inputs.size() - 1);
      }
      if (input.windows) {
        bind_windows(input, offset);
      }
      first += input.size;
      offset += static_cast<std::uint32_t>(round_up(input.size, chunk_width));
    }
    made_.input_size = first;
    made_.negative_part = offset + chunk_width; // a window's last chunk may read past its input
    made_.neurons_begin = 2 * made_.negative_part;
  }

  void add_run(std::vector<presynaptic_chunk>& chunks, std::uint32_t offset, std::uint32_t size,
               std::uint16_t distance) {
    spend(round_up(size, chunk_width) / chunk_width);
    for (std::uint32_t done = 0; done < size; done += chunk_width) {
      const std::uint32_t count = std::min<std::uint32_t>(chunk_width, size - done);
      const auto mask = static_cast<std::uint16_t>((1U << count) - 1U);
      chunks.push_back({offset + done, mask, false, distance});
    }
  }

  /// Where window `index` of `count` begins, spread evenly over `room` free places.
  static std::uint32_t spread(std::uint32_t index, std::uint32_t count, std::uint32_t room) {
    return count < 2 ? room / 2 : (2 * index * room + count - 1) / (2 * (count - 1));
  }

  void bind_windows(const input_template& input, std::uint32_t offset) {
    const input_windows& w = *input.windows;
    const auto grid_columns =
        static_cast<std::uint32_t>(w.hexagons.last.x - w.hexagons.first.x + 1);
    const auto grid_rows = static_cast<std::uint32_t>(w.hexagons.last.y - w.hexagons.first.y + 1);
    for (std::uint32_t gy = 0; gy < grid_rows; ++gy) {
      for (std::uint32_t gx = 0; gx < grid_columns; ++gx) {
        auto& hexagon = made_.hexagons[find({w.hexagons.first.x + static_cast<std::int32_t>(gx),
                                             w.hexagons.first.y + static_cast<std::int32_t>(gy),
                                             w.hexagons.first.z})];
        hexagon.rank = 1;
        windows_.emplace_back(static_cast<std::size_t>(&hexagon - made_.hexagons.data()),
                              input.name);
        const std::uint32_t top =
            w.margin + spread(gy, grid_rows, input.rows - 2 * w.margin - w.rows);
        const std::uint32_t left =
            w.margin + spread(gx, grid_columns, input.columns - 2 * w.margin - w.columns);
        for (std::uint32_t row = top; row < top + w.rows; ++row) {
          add_run(hexagon.input_chunks, offset + row * input.columns + left, w.columns, 1);
        }
      }
    }
  }

  void place_outputs() {
    std::uint32_t first = 0;
    for (const auto& output : from_.outputs) {
      const std::uint32_t at = find(output.target);
      made_.outputs.push_back(
          {output.name, output.kind, first, output.size, hexagon_id{at}, {}, output.loss});
      made_.hexagons[at].has_outputs = true;
      first += output.size;
    }
    made_.output_size = first;
  }

  void link_neighbours() {
    touching_.resize(made_.hexagons.size());
    for (std::size_t i = 0; i < made_.hexagons.size(); ++i) {
      for (const hex_position at : hex_neighbours(made_.hexagons[i].position)) {
        const auto found = places_.find(at);
        if (found != places_.end()) {
          touching_[i].push_back(found->second);
        }
      }
    }
    for (const auto& axon : from_.axons) {
      const std::uint32_t to = find(axon.to);
      for (std::int32_t z = axon.from.first.z; z <= axon.from.last.z; ++z) {
        for (std::int32_t y = axon.from.first.y; y <= axon.from.last.y; ++y) {
          for (std::int32_t x = axon.from.first.x; x <= axon.from.last.x; ++x) {
            touching_[find({x, y, z})].push_back(to);
          }
        }
      }
    }
  }

  void rank_hexagons() {
    std::vector<std::uint32_t> queue;
    const auto start = [&](auto wanted, std::uint32_t rank) {
      for (std::uint32_t i = 0; i < made_.hexagons.size(); ++i) {
        if (wanted(made_.hexagons[i])) {
          made_.hexagons[i].rank = rank;
          queue.push_back(i);
        }
      }
    };
    start([](const hexagon_layout& h) { return h.has_inputs; }, 0);
    start([](const hexagon_layout& h) { return !h.has_inputs && !h.input_chunks.empty(); }, 1);
    for (std::size_t next = 0; next < queue.size(); ++next) {
      for (const std::uint32_t to : touching_[queue[next]]) {
        if (made_.hexagons[to].rank == hexagon_layout::unreached) {
          made_.hexagons[to].rank = made_.hexagons[queue[next]].rank + 1;
          queue.push_back(to);
        }
      }
    }
    for (const auto& hexagon : made_.hexagons) {
      if (hexagon.rank == hexagon_layout::unreached) {
        fail("no input reaches the hexagon at " + text(hexagon.position) +
             "; place it beside one that is reached, or add an axon to it");
      }
    }
  }

  /// Notes `start` with the hexagons within its reach. `seen_by` tells which hexagon was found last
  /// from where.
  void reach(std::uint32_t start, links& found, std::vector<std::uint32_t>& seen_by) {
    found.assign(1, {hexagon_id{start}, 0});
    seen_by[start] = start;
    for (std::size_t next = 0; next < found.size(); ++next) {
      const hexagon_link at = found[next];
      if (next > 0) {
        reached_by_[index_of(at.from)].push_back({hexagon_id{start}, at.distance});
      }
      if (at.distance == made_.settings.max_connection_distance) {
        continue;
      }
      const auto& touching = touching_[index_of(at.from)];
      spend(touching.size());
      for (const std::uint32_t to : touching) {
        if (seen_by[to] != start) {
          seen_by[to] = start;
          found.push_back({hexagon_id{to}, static_cast<std::uint16_t>(at.distance + 1)});
        }
      }
    }
  }

  /// Neurons live in every hexagon that is neither an input nor an output, in one that has both or
  /// windows of its own, and in an output hexagon that no other neurons reach.
  void choose_brick_hexagons() {
    reached_by_.resize(made_.hexagons.size());
    links found;
    std::vector<std::uint32_t> seen_by(made_.hexagons.size(), hexagon_layout::unreached);
    for (std::uint32_t i = 0; i < made_.hexagons.size(); ++i) {
      reach(i, found, seen_by);
    }
    for (auto& hexagon : made_.hexagons) {
      hexagon.holds_bricks =
          (hexagon.has_inputs == hexagon.has_outputs) || !hexagon.input_chunks.empty();
    }
    for (std::size_t i = 0; i < made_.hexagons.size(); ++i) {
      auto& hexagon = made_.hexagons[i];
      if (hexagon.holds_bricks || !hexagon.has_outputs) {
        continue;
      }
      hexagon.holds_bricks =
          std::none_of(reached_by_[i].begin(), reached_by_[i].end(), [&](const hexagon_link& link) {
            return made_[link.from].holds_bricks && !made_[link.from].has_outputs;
          });
    }
  }

  /// Outputs come last, whatever their distance from the inputs.
  std::uint64_t depth(std::size_t i) const {
    const auto& hexagon = made_.hexagons[i];
    const bool last = hexagon.has_outputs && !hexagon.has_inputs && hexagon.input_chunks.empty();
    return hexagon.rank + (last ? std::uint64_t{1} << 32 : 0);
  }

  void feed_hexagons() {
    for (std::size_t i = 0; i < made_.hexagons.size(); ++i) {
      auto& hexagon = made_.hexagons[i];
      if (!hexagon.holds_bricks) {
        continue;
      }
      links candidates = reached_by_[i];
      if (hexagon.has_inputs) {
        candidates.push_back({hexagon_id{static_cast<std::uint32_t>(i)}, 1});
      }
      std::stable_sort(candidates.begin(), candidates.end(),
                       [](const auto& a, const auto& b) { return a.distance < b.distance; });
      for (const hexagon_link& link : candidates) {
        const auto from = index_of(link.from);
        if (made_.hexagons[from].has_inputs) {
          add_inputs(hexagon, from, link.distance);
        }
        if (from != i && made_.hexagons[from].holds_bricks && depth(from) < depth(i)) {
          hexagon.fed_by.push_back(link);
        }
      }
      if (hexagon.input_chunks.empty() && hexagon.fed_by.empty()) {
        fail("nothing feeds the hexagon at " + text(hexagon.position));
      }
      hexagon.max_steps = steps_of(hexagon);
    }
  }

  void add_inputs(hexagon_layout& hexagon, std::size_t from, std::uint16_t distance) {
    for (const std::size_t i : inputs_at_[from]) {
      add_run(hexagon.input_chunks, made_.inputs[i].offset, made_.inputs[i].size, distance);
    }
  }

  /// Few presynaptic nodes need many steps each, many presynaptic nodes need one: 128 steps between
  /// them, 32 at most.
  std::uint32_t steps_of(const hexagon_layout& hexagon) const {
    if (made_.settings.max_steps != 0) {
      return made_.settings.max_steps;
    }
    std::size_t sources = 0;
    for (const auto& chunk : hexagon.input_chunks) {
      sources += static_cast<std::size_t>(std::popcount(chunk.mask));
    }
    sources += hexagon.fed_by.size() * made_.settings.brick_size * made_.settings.max_bricks;
    const std::size_t steps = 128 / std::max<std::size_t>(sources, 1);
    return steps < 3 ? 1 : static_cast<std::uint32_t>(std::min<std::size_t>(steps, 32));
  }

  void read_outputs() {
    for (auto& output : made_.outputs) {
      const std::size_t at = index_of(output.target);
      auto& reads = output.reads;
      spend(reached_by_[at].size());
      for (const hexagon_link& link : reached_by_[at]) {
        if (made_[link.from].holds_bricks && depth(index_of(link.from)) < depth(at)) {
          reads.push_back(link.from);
        }
      }
      if (made_.hexagons[at].holds_bricks) {
        reads.push_back(output.target);
      }
      std::sort(reads.begin(), reads.end());
      if (reads.empty()) {
        fail("no neurons reach the output '" + output.name + "' at " +
             text(made_[output.target].position));
      }
    }
  }

  /// Hexagons that lead to no output stay out: nothing would ever read them.
  void order_levels() {
    std::vector<bool> useful(made_.hexagons.size(), false);
    std::vector<hexagon_id> queue;
    const auto mark = [&](hexagon_id id) {
      if (!useful[index_of(id)]) {
        useful[index_of(id)] = true;
        queue.push_back(id);
      }
    };
    for (const auto& output : made_.outputs) {
      for (const hexagon_id id : output.reads) {
        mark(id);
      }
    }
    while (!queue.empty()) {
      const hexagon_id fed = queue.back();
      queue.pop_back();
      for (const auto& link : made_[fed].fed_by) {
        mark(link.from);
      }
    }
    std::vector<hexagon_id> order;
    for (std::uint32_t i = 0; i < made_.hexagons.size(); ++i) {
      made_.hexagons[i].holds_bricks = made_.hexagons[i].holds_bricks && useful[i];
      if (made_.hexagons[i].holds_bricks) {
        order.push_back(hexagon_id{i});
      }
    }
    std::stable_sort(order.begin(), order.end(), [&](hexagon_id a, hexagon_id b) {
      return depth(index_of(a)) < depth(index_of(b));
    });
    for (const hexagon_id id : order) {
      if (made_.levels.empty() ||
          depth(index_of(made_.levels.back().front())) != depth(index_of(id))) {
        made_.levels.emplace_back();
      }
      made_.levels.back().push_back(id);
    }
  }

  void check_inputs() const {
    std::vector<bool> read(made_.inputs.size(), false);
    for (const auto& hexagon : made_.hexagons) {
      if (!hexagon.holds_bricks) {
        continue;
      }
      for (const presynaptic_chunk& chunk : hexagon.input_chunks) {
        const auto next = std::upper_bound(
            made_.inputs.begin(), made_.inputs.end(), chunk.offset,
            [](std::uint32_t offset, const input_layout& input) { return offset < input.offset; });
        read[static_cast<std::size_t>(next - made_.inputs.begin()) - 1] = true;
      }
    }
    for (std::size_t i = 0; i < read.size(); ++i) {
      if (!read[i]) {
        const auto& target = made_.inputs[i].target;
        fail("no neurons read the input '" + made_.inputs[i].name + "'" +
             (target ? " at " + text(made_[*target].position) : std::string()));
      }
    }
  }

  void check_windows() const {
    for (const auto& [hexagon, input] : windows_) {
      if (!made_.hexagons[hexagon].holds_bricks) {
        fail("the hexagon at " + text(made_.hexagons[hexagon].position) +
             " reads a window of the input '" + input +
             "' and leads to no output; give it an axon to one, or a hexagon in between");
      }
    }
  }

  const cluster_template& from_;
  topology made_;
  std::unordered_map<hex_position, std::uint32_t> places_;
  std::vector<std::vector<std::uint32_t>> touching_;
  std::vector<links> reached_by_;
  std::vector<std::vector<std::size_t>> inputs_at_;          ///< by hexagon
  std::vector<std::pair<std::size_t, std::string>> windows_; ///< hexagon, name of the input
  std::size_t spent_ = 0;
};

} // namespace detail

/// Plans the network of a valid template. Throws `errc::invalid_template` where an input, a hexagon
/// or an output would be cut off from the rest, or the limit of connections is passed.
inline topology make_topology(const cluster_template& from) {
  return detail::topology_maker(from).run();
}

} // namespace hanami
