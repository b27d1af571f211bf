// SPDX-License-Identifier: Apache-2.0
// Each kernel by itself, over sizes from the first cache to the main memory. `bytes_per_second` and
// `items_per_second` count weights, and synapses, that the kernel reads or changes.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>

#include <benchmark/benchmark.h>

#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <support/digit_templates.hpp>

namespace {

using hanami::aligned_vector;
using hanami::tile_slot;

/// A pool of `bytes` bytes of tiles, and lists of `count` of them, ascending with gaps as the lists
/// of a brick are. One list after the other, all tiles have their turn.
template <class Weight>
class tile_lists {
 public:
  aligned_vector<Weight> tiles;
  aligned_vector<float> phi;
  aligned_vector<float> lanes_in;
  aligned_vector<float> lanes_out;

  tile_lists(std::size_t lanes, std::size_t count, std::size_t bytes)
      : tiles(std::max(bytes / sizeof(Weight), count * lanes), Weight(0.01f)), phi(count),
        lanes_in(lanes, 0.5f), lanes_out(lanes) {
    for (std::size_t i = 0; i < count; ++i) {
      phi[i] = hanami::random_unit(1, 1, i);
    }
    const std::size_t all = tiles.size() / lanes;
    constexpr std::size_t gap = 3;
    for (std::size_t first = 0; first < gap; ++first) {
      for (std::size_t slot = first; slot < all; slot += gap) {
        slots_.push_back(static_cast<tile_slot>(slot));
      }
    }
  }

  std::size_t count() const noexcept { return phi.size(); }

  const tile_slot* next() noexcept {
    at_ = at_ + 2 * count() <= slots_.size() ? at_ + count() : 0;
    return slots_.data() + at_;
  }

 private:
  aligned_vector<tile_slot> slots_;
  std::size_t at_ = 0;
};

void count_items(benchmark::State& state, std::size_t items) {
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(items));
}

void count_synapses(benchmark::State& state, std::size_t synapses,
                    std::size_t weight_bytes = sizeof(float)) {
  count_items(state, synapses);
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) *
                          static_cast<std::int64_t>(synapses * weight_bytes));
}

/// lanes, active steps, KiB of weights.
void sweep_tiles(benchmark::internal::Benchmark* b) {
  b->ArgNames({"lanes", "steps", "KiB"});
  for (const int lanes : {32, 64, 128, 256}) {
    b->Args({lanes, 100, 512});
  }
  for (const int steps : {10, 30, 300, 1000}) {
    b->Args({128, steps, 512});
  }
  for (const int kib : {16, 8 << 10, 256 << 10}) {
    b->Args({128, kib == 16 ? 32 : 100, kib});
  }
}

template <class Weight, class Kernel>
void over_tiles(benchmark::State& state, const Kernel& kernel) {
  const auto lanes = static_cast<std::size_t>(state.range(0));
  const auto steps = static_cast<std::size_t>(state.range(1));
  tile_lists<Weight> lists(lanes, steps, static_cast<std::size_t>(state.range(2)) << 10);
  hanami::with_lanes(lanes, [&](auto constant) {
    for (auto _ : state) {
      kernel(constant, lists, lists.next());
      benchmark::ClobberMemory();
    }
  });
  count_synapses(state, lanes * steps, sizeof(Weight));
}

template <class Weight>
void accumulate(benchmark::State& state) {
  over_tiles<Weight>(state, [](auto lanes, tile_lists<Weight>& l, const tile_slot* slot) {
    hanami::accumulate<lanes()>(l.tiles.data(), l.phi.data(), slot, l.count(), l.lanes_in.data(),
                                l.lanes_out.data());
  });
}
BENCHMARK_TEMPLATE(accumulate, float)->Apply(sweep_tiles);
BENCHMARK_TEMPLATE(accumulate, hanami::bfloat16)->Apply(sweep_tiles);

template <class Weight>
void update_tiles(benchmark::State& state) {
  std::uint64_t number = 0;
  over_tiles<Weight>(state, [&](auto lanes, tile_lists<Weight>& l, const tile_slot* slot) {
    hanami::update_tiles<lanes()>(l.tiles.data(), l.phi.data(), slot, l.count(), 1e-6f,
                                  l.lanes_in.data(),
                                  hanami::weight_rounding<Weight>(hanami::mix_bits(++number)));
  });
}
BENCHMARK_TEMPLATE(update_tiles, float)->Apply(sweep_tiles);
BENCHMARK_TEMPLATE(update_tiles, hanami::bfloat16)->Apply(sweep_tiles);

/// What every step of a list passes back to its source.
template <class Weight>
void dot_lanes(benchmark::State& state) {
  over_tiles<Weight>(state, [](auto lanes, tile_lists<Weight>& l, const tile_slot* slot) {
    for (std::size_t s = 0; s < l.count(); ++s) {
      l.phi[s] = hanami::dot_lanes<lanes()>(l.tiles.data() + slot[s] * lanes(), l.lanes_in.data());
    }
  });
}
BENCHMARK_TEMPLATE(dot_lanes, float)->Apply(sweep_tiles);
BENCHMARK_TEMPLATE(dot_lanes, hanami::bfloat16)->Apply(sweep_tiles);

/// Active sources, then the list of their steps, of a brick with sections for all of them.
void list_inputs(benchmark::State& state) {
  const auto sources = static_cast<std::size_t>(state.range(0));
  const auto percent = static_cast<float>(state.range(1));
  aligned_vector<float> x(sources);
  aligned_vector<float> inverse(sources, 0.01f);
  aligned_vector<tile_slot> slot(sources);
  aligned_vector<float> phi(sources + hanami::chunk_width);
  aligned_vector<tile_slot> listed(sources + hanami::chunk_width);
  std::iota(slot.begin(), slot.end(), tile_slot{0});
  for (std::size_t i = 0; i < sources; ++i) {
    x[i] = 100 * hanami::random_unit(2, 1, i) < percent ? 200 * hanami::random_unit(2, 2, i) : 0.0f;
  }
  for (auto _ : state) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < sources; at += hanami::chunk_width) {
      const std::uint32_t active = hanami::positive_bits(x.data() + at);
      count += hanami::compress_steps(active, x.data() + at, inverse.data() + at, slot.data() + at,
                                      1.0f, phi.data() + count, listed.data() + count);
    }
    benchmark::DoNotOptimize(count);
    benchmark::ClobberMemory();
  }
  count_items(state, sources);
}
BENCHMARK(list_inputs)
    ->ArgNames({"sources", "percent"})
    ->ArgsProduct({{784}, {1, 10, 20, 50, 100}});
BENCHMARK(list_inputs)->ArgNames({"sources", "percent"})->Args({112, 20})->Args({65536, 20});

/// The border rule over the active sections of a brick.
void follow_borders(benchmark::State& state) {
  const auto chunks = static_cast<std::size_t>(state.range(0));
  std::vector<hanami::border_state> borders(chunks);
  aligned_vector<float> x(chunks * hanami::chunk_width);
  aligned_vector<float> inverse(x.size(), 0.01f);
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = 100 * hanami::random_unit(3, 1, i);
  }
  for (auto _ : state) {
    for (std::size_t c = 0; c < chunks; ++c) {
      const std::size_t at = c * hanami::chunk_width;
      hanami::detail::follow_borders(borders[c], 0x1248U, x.data() + at, inverse.data() + at);
    }
    benchmark::ClobberMemory();
  }
  count_items(state, x.size());
}
BENCHMARK(follow_borders)->ArgName("chunks")->Arg(20)->Arg(49)->Arg(4096);

template <class Activation>
void potentials(benchmark::State& state) {
  const auto neurons = static_cast<std::size_t>(state.range(0));
  aligned_vector<float> sums(neurons);
  aligned_vector<float> values(neurons);
  for (std::size_t i = 0; i < neurons; ++i) {
    sums[i] = 4 * hanami::random_signed_unit(4, 1, i);
  }
  for (auto _ : state) {
    for (std::size_t i = 0; i < neurons; ++i) {
      values[i] = Activation::activate(sums[i]);
    }
    benchmark::ClobberMemory();
  }
  count_items(state, neurons);
}
BENCHMARK(potentials<hanami::relu>)->ArgName("neurons")->Arg(256)->Arg(1600);
BENCHMARK(potentials<hanami::log2_activation>)->ArgName("neurons")->Arg(256)->Arg(1600);

template <class Activation>
void slopes(benchmark::State& state) {
  const auto neurons = static_cast<std::size_t>(state.range(0));
  aligned_vector<float> values(neurons);
  aligned_vector<float> deltas(neurons, 1.0f);
  for (std::size_t i = 0; i < neurons; ++i) {
    values[i] = 2 * hanami::random_unit(5, 1, i);
  }
  for (auto _ : state) {
    for (std::size_t i = 0; i < neurons; ++i) {
      deltas[i] = 0.5f * Activation::derivative(values[i]);
    }
    benchmark::ClobberMemory();
  }
  count_items(state, neurons);
}
BENCHMARK(slopes<hanami::relu>)->ArgName("neurons")->Arg(256);
BENCHMARK(slopes<hanami::log2_activation>)->ArgName("neurons")->Arg(256);

/// One output of `nodes` nodes over `bricks` bricks of 128 neurons.
struct output_task {
  hanami::cluster made;
  hanami::network<float> net;
  hanami::workspace<float> ws;

  output_task(std::uint32_t bricks, std::uint32_t nodes) : made(plan(bricks, nodes)), net() {
    made.train(std::vector<float>(16, 1.0f), std::vector<float>(nodes, 0.0f));
    net = made.state();
    ws.fit_to_learn(net);
    std::fill(ws.activations.begin(), ws.activations.end(), 0.5f);
    std::fill(ws.output_gradients.begin(), ws.output_gradients.end(), 1e-3f);
  }

  std::size_t synapses() const { return net.outputs.front().weights.size(); }

 private:
  static hanami::cluster_template plan(std::uint32_t bricks, std::uint32_t nodes) {
    hanami::cluster_settings settings;
    settings.brick_size = 128;
    settings.initial_bricks = settings.max_bricks = bricks;
    return hanami::one_hexagon(16, nodes, hanami::output_kind::sigmoid, settings);
  }
};

void sweep_outputs(benchmark::internal::Benchmark* b) {
  b->ArgNames({"bricks", "nodes"})->Args({2, 10})->Args({4, 10})->Args({25, 10});
  b->Args({4, 1})->Args({4, 64})->Args({4, 1000})->Args({256, 1000});
}

void read_output(benchmark::State& state) {
  output_task task(static_cast<std::uint32_t>(state.range(0)),
                   static_cast<std::uint32_t>(state.range(1)));
  for (auto _ : state) {
    hanami::read_output(task.net, 0, hanami::weight_set::current, task.ws,
                        hanami::serial_executor{});
    benchmark::ClobberMemory();
  }
  count_synapses(state, task.synapses());
}
BENCHMARK(read_output)->Apply(sweep_outputs);

void correct_output_block(benchmark::State& state) {
  output_task task(static_cast<std::uint32_t>(state.range(0)),
                   static_cast<std::uint32_t>(state.range(1)));
  auto& layer = task.net.outputs.front();
  const std::size_t nodes = task.net.topology.output_size;
  const std::size_t lanes = task.net.lanes();
  for (auto _ : state) {
    for (std::size_t block = 0; block < layer.bricks.size(); ++block) {
      hanami::correct_output_block(layer.weights.data() + block * lanes * nodes,
                                   task.ws.output_gradients.data(), nodes, lanes,
                                   task.ws.activations.data() + task.net.neurons_of(block), 1e-6f);
    }
    benchmark::ClobberMemory();
  }
  count_synapses(state, task.synapses());
}
BENCHMARK(correct_output_block)->Apply(sweep_outputs);

/// A cluster that has learned digits which it draws itself.
struct digit_task {
  hanami::image_dataset digits = hanami::draw_digits(4000, 1);
  hanami::cluster made;
  std::vector<float> input = std::vector<float>(784);
  std::array<float, 10> target{};
  std::size_t next = 0;

  explicit digit_task(const hanami::cluster_template& layout) : made(layout) {
    for (std::size_t i = 0; i < digits.size(); ++i) {
      read();
      made.train(input, target);
    }
  }

  void read() {
    digits.read(next, input, target);
    next = (next + 1) % digits.size();
  }
};

/// One hexagon of so many neurons; 0: windows.
hanami::cluster_template plan_of(benchmark::State& state) {
  const auto size = static_cast<std::uint32_t>(state.range(0));
  state.SetLabel(size == 0 ? "fields" : "plain");
  return size == 0 ? support::fields_of(64) : support::plain_of(size);
}

void sweep_clusters(benchmark::internal::Benchmark* b) {
  b->ArgName("neurons")->Arg(256)->Arg(512)->Arg(2048)->Arg(0);
}

/// The forward work of all bricks: lists, sums, activations.
void forward_bricks(benchmark::State& state) {
  digit_task task(plan_of(state));
  const auto& net = task.made.state();
  hanami::workspace<float> ws;
  ws.fit(net);
  const hanami::forward_brick<float, float> work{net, ws, hanami::weight_set::current};
  std::size_t bytes = 0;
  for (auto _ : state) {
    state.PauseTiming();
    task.read();
    hanami::place_inputs<float>(net, task.input, ws);
    state.ResumeTiming();
    for (std::size_t level = 0; level < net.topology.levels.size(); ++level) {
      for (const hanami::hexagon_id id : net.topology.levels[level]) {
        hanami::find_active(net, id, ws);
      }
      for (const std::uint32_t b : ws.level_bricks[level]) {
        work(b);
      }
      bytes += hanami::touched_bytes(net, ws.level_bricks[level], ws);
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
  state.SetItemsProcessed(static_cast<std::int64_t>(bytes / sizeof(float)));
}
BENCHMARK(forward_bricks)->Apply(sweep_clusters);

void infer(benchmark::State& state) {
  digit_task task(plan_of(state));
  hanami::workspace<float> ws;
  for (auto _ : state) {
    task.read();
    benchmark::DoNotOptimize(task.made.infer(task.input, ws).data());
  }
  count_items(state, 1);
}
BENCHMARK(infer)->Apply(sweep_clusters);

/// Samples of a stream without an end: most of them are known by now, as they are in practice.
void train(benchmark::State& state) {
  digit_task task(plan_of(state));
  std::size_t learned = 0;
  for (auto _ : state) {
    task.read();
    learned += task.made.train(task.input, task.target).learned ? 1U : 0U;
  }
  count_items(state, 1);
  state.counters["learned"] =
      benchmark::Counter(static_cast<double>(learned) / static_cast<double>(state.iterations()));
}
BENCHMARK(train)->Apply(sweep_clusters);

} // namespace
