// SPDX-License-Identifier: Apache-2.0
// What threads bring: a fleet of MNIST clusters, thousands of small clusters, one large cluster.
//
// Ratios are between the best of several rounds taken in turn, so that other work on the machine
// meets all of them alike. User CPU time stands beside the time on the clock.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <tbb/task_arena.h>

#include <hanami/data.hpp>
#include <hanami/executor/tbb.hpp>
#include <hanami/fleet/fleet.hpp>
#include <hanami/hanami.hpp>

#include <support/digits.hpp>
#include <support/program.hpp>
#include <support/stopwatch.hpp>

namespace {

using hanami::cluster;

/// Best of several runs, each time for itself.
struct timing {
  double wall = std::numeric_limits<double>::max();
  double user = std::numeric_limits<double>::max();

  template <class Work>
  void take(const Work& work) {
    const double wall_before = support::wall_seconds();
    const double user_before = support::user_seconds();
    work();
    wall = std::min(wall, support::wall_seconds() - wall_before);
    user = std::min(user, support::user_seconds() - user_before);
  }

  void print(const char* name, double samples, const timing& base) const {
    std::printf("  %-34s %8.3f s %8.3f s user %10.0f samples/s %6.2f x\n", name, wall, user,
                samples / wall, base.wall / wall);
  }
};

hanami::learning_options seeded(std::uint64_t seed) {
  hanami::learning_options options;
  options.seed = seed;
  return options;
}

// --- 64 clusters of 256 neurons, each learning to read digits on its own.

cluster mnist_cluster(std::uint64_t seed) {
  hanami::cluster_settings settings;
  settings.brick_size = 256;
  settings.max_bricks = 1;
  return cluster(hanami::one_hexagon(784, 10, hanami::output_kind::softmax, settings),
                 seeded(seed));
}

/// The samples that one of the clusters sees.
auto images_of(const hanami::image_dataset& images, std::size_t which, std::size_t samples) {
  return [&images, at = which * 331, left = samples](std::span<float> input,
                                                     std::span<float> target) mutable {
    if (left-- == 0) {
      return false;
    }
    images.read(at++ % images.size(), input, target);
    return true;
  };
}

void run_mnist_fleet(const hanami::image_dataset& images, std::size_t members, std::size_t samples,
                     hanami::fleet_options options, timing& time) {
  hanami::fleet f(std::move(options));
  std::vector<hanami::member_id> ids;
  for (std::size_t k = 0; k < members; ++k) {
    ids.push_back(f.join(mnist_cluster(k + 1)));
  }
  time.take([&] {
    for (std::size_t k = 0; k < members; ++k) {
      f.start(ids[k], images_of(images, k, samples), samples);
    }
    f.drain();
  });
}

void run_mnist_alone(const hanami::image_dataset& images, std::size_t members, std::size_t samples,
                     timing& time) {
  std::vector<cluster> clusters;
  for (std::size_t k = 0; k < members; ++k) {
    clusters.push_back(mnist_cluster(k + 1));
  }
  std::vector<float> input(784);
  std::vector<float> target(10);
  time.take([&] {
    for (std::size_t k = 0; k < members; ++k) {
      clusters[k].start_task(samples);
      auto next = images_of(images, k, samples);
      while (next(input, target)) {
        clusters[k].train(input, target);
      }
    }
  });
}

void mnist(const hanami::digit_images& data) {
  constexpr std::size_t members = 64;
  constexpr std::size_t samples = 3000;
  std::printf("%zu clusters of 256 neurons, %zu samples of %s each\n", members, samples,
              data.name());
  timing alone;
  timing one;
  timing two;
  for (int round = 0; round < 4; ++round) {
    run_mnist_alone(data.train, members, samples, alone);
    run_mnist_fleet(data.train, members, samples, {.threads = 1}, one);
    run_mnist_fleet(data.train, members, samples, {.threads = 2}, two);
  }
  const auto total = static_cast<double>(members * samples);
  alone.print("one after the other, no fleet", total, alone);
  one.print("fleet, 1 thread", total, alone);
  two.print("fleet, 2 threads", total, alone);
}

// --- 10,000 clusters of 128 neurons, one a sensor of 8 values.

constexpr std::size_t sensor_inputs = 8;

cluster sensor_cluster(std::uint64_t seed) {
  hanami::cluster_settings settings;
  settings.brick_size = 128;
  settings.max_bricks = 1;
  return cluster(hanami::one_hexagon(sensor_inputs, 1, hanami::output_kind::linear, settings),
                 seeded(seed));
}

/// One sample of each of many sensors, flat.
struct tick {
  std::vector<float> inputs;
  std::vector<float> targets;

  tick(std::size_t sensors, std::uint64_t number) {
    for (std::size_t s = 0; s < sensors; ++s) {
      float sum = 0;
      for (std::size_t i = 0; i < sensor_inputs; ++i) {
        inputs.push_back(100.0f * hanami::random_unit(s, i, number));
        sum += i % 2 == 0 ? inputs.back() : -inputs.back();
      }
      targets.push_back(sum);
    }
  }
};

/// Means over all members of a fleet, which has just let them go.
void print_memory(std::size_t fleet_bytes, const std::vector<cluster>& members) {
  std::size_t all = 0;
  std::size_t weights = 0;
  std::size_t averages = 0;
  std::size_t reserve = 0;
  std::size_t sections = 0;
  std::size_t topology = 0;
  for (const cluster& c : members) {
    const auto& net = c.state();
    const std::size_t tiles = net.tiles.size() * net.lanes() * sizeof(float);
    const std::size_t outputs = c.statistics().synapses * sizeof(float) - tiles;
    all += c.bytes();
    weights += tiles + outputs;
    averages += net.averaging() ? tiles + outputs : 0;
    reserve += net.tiles.bytes() - tiles * (net.averaging() ? 2 : 1);
    topology += net.topology.bytes();
    for (const auto& b : net.bricks) {
      sections += b.bytes();
    }
  }
  const auto line = [&](const char* what, std::size_t bytes) {
    std::printf("    %-42s %8zu bytes %7.3f\n", what, bytes / members.size(),
                static_cast<double>(bytes) / static_cast<double>(weights));
  };
  std::printf("  memory of a member, as a share of its weights:\n");
  line("all", fleet_bytes);
  line("weights, of steps and outputs", weights);
  line("their averages", averages);
  line("room for more steps", reserve);
  line("sections: borders, slots, biases", sections);
  line("topology", topology);
  line("the rest: activity, objects", all - weights - averages - reserve - sections - topology);
  line("beside the cluster, in the fleet", fleet_bytes - all);
}

void small() {
  constexpr std::size_t sensors = 10000;
  constexpr std::size_t grow_ticks = 200;
  constexpr std::size_t ticks = 60;
  std::printf("%zu clusters of 128 neurons and %zu inputs, a sample of each at a time\n", sensors,
              sensor_inputs);
  std::vector<tick> data;
  for (std::uint64_t n = 0; n < 16; ++n) {
    data.emplace_back(sensors, n);
  }
  std::vector<cluster> fresh;
  for (std::size_t s = 0; s < sensors; ++s) {
    fresh.push_back(sensor_cluster(s + 1));
  }
  std::vector<timing> times(2);
  for (const std::size_t threads : {1U, 2U}) {
    hanami::fleet f({.threads = threads});
    std::vector<hanami::member_id> ids;
    for (cluster& c : fresh) {
      ids.push_back(f.join(std::move(c)));
    }
    fresh.clear();
    const auto train = [&](std::size_t count) {
      for (std::size_t n = 0; n < count; ++n) {
        f.train_each(ids, data[n % data.size()].inputs, data[n % data.size()].targets);
      }
      f.drain();
    };
    train(threads == 1 ? grow_ticks : 0); // later rounds find them grown
    for (int round = 0; round < 3; ++round) {
      times[threads - 1].take([&] { train(ticks); });
    }
    const std::size_t bytes = f.statistics().bytes;
    for (const auto id : ids) {
      fresh.push_back(f.leave(id));
    }
    if (threads == 2) {
      for (std::size_t t = 0; t < 2; ++t) {
        times[t].print(t == 0 ? "fleet, 1 thread" : "fleet, 2 threads", sensors * ticks, times[0]);
      }
      print_memory(bytes, fresh);
    }
  }
}

// --- One cluster with ten million active synapses.

void large() {
  constexpr std::uint32_t inputs = 784;
  hanami::cluster_settings settings;
  settings.brick_size = 256;
  settings.initial_bricks = 50;
  settings.max_bricks = 50;
  cluster c(hanami::one_hexagon(inputs, 10, hanami::output_kind::softmax, settings));
  std::vector<float> input(inputs);
  std::vector<float> target(10);
  std::uint64_t number = 0;
  hanami::workspace<float> act;
  const auto next = [&] {
    for (std::size_t i = 0; i < inputs; ++i) {
      input[i] = 1.0f + hanami::random_unit(1, i, number);
    }
    std::fill(target.begin(), target.end(), 0.0f);
    target[hanami::random_below(10, 2, 0, number++)] = 1.0f;
  };
  next();
  c.train(input, target);
  std::printf("one cluster of %zu synapses, all active\n", c.statistics().synapses);
  constexpr int samples = 40;
  const auto train = [&](const auto& run) {
    for (int n = 0; n < samples; ++n) {
      next();
      c.train(input, target, run);
    }
  };
  const auto infer = [&](const auto& run) {
    for (int n = 0; n < samples; ++n) {
      c.infer(input, act, run);
    }
  };
  const hanami::serial_executor serial;
  const hanami::tbb_executor parallel({.threads = 2});
  timing train_one;
  timing train_two;
  timing infer_one;
  timing infer_two;
  for (int round = 0; round < 5; ++round) {
    train_one.take([&] { train(serial); });
    train_two.take([&] { train(parallel); });
    infer_one.take([&] { infer(serial); });
    infer_two.take([&] { infer(parallel); });
  }
  train_one.print("training, serial", samples, train_one);
  train_two.print("training, oneTBB, 2 threads", samples, train_one);
  infer_one.print("inference, serial", samples, infer_one);
  infer_two.print("inference, oneTBB, 2 threads", samples, infer_one);
}

// --- How long a block should be.

void print_block(const char* what, std::size_t size, const timing& time, const timing& longest,
                 double samples) {
  std::printf("  %s, %5zu %8.0f ns a sample %6.2f x\n", what, size, 1e9 * time.user / samples,
              time.user / longest.user);
}

void blocks(const hanami::digit_images& data) {
  constexpr std::size_t sizes[] = {4096, 1024, 512, 256, 128, 64, 32, 16, 4, 1};
  std::printf("samples a block, 2 threads; user CPU time and its ratio to the longest blocks'\n");
  {
    constexpr std::size_t members = 2000;
    constexpr std::size_t samples = 512;
    std::vector<float> inputs(samples * sensor_inputs);
    std::vector<float> targets(samples);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs[i] = 100.0f * hanami::random_unit(1, 0, i);
      targets[i / sensor_inputs] = inputs[i] - inputs[i / 2];
    }
    std::vector<cluster> grown(1, sensor_cluster(1));
    for (std::size_t n = 0; n < samples; ++n) {
      grown[0].train(std::span(inputs).subspan(n * sensor_inputs, sensor_inputs),
                     std::span(targets).subspan(n, 1));
    }
    grown.resize(members, grown[0]);
    timing longest;
    for (const std::size_t size : sizes) {
      timing time;
      for (int round = 0; round < 3; ++round) {
        hanami::fleet f({.threads = 2, .block_samples = size});
        std::vector<hanami::member_id> ids;
        for (const cluster& c : grown) {
          ids.push_back(f.join(c));
        }
        time.take([&] {
          for (const auto id : ids) {
            f.train_batch(id, inputs, targets);
          }
          f.drain();
        });
      }
      longest = size == sizes[0] ? time : longest;
      print_block("small clusters", size, time, longest, members * samples);
    }
  }
  timing longest;
  for (const std::size_t size : sizes) {
    timing time;
    for (int round = 0; round < 3; ++round) {
      run_mnist_fleet(data.train, 32, 2048, {.threads = 2, .block_samples = size}, time);
    }
    longest = size == sizes[0] ? time : longest;
    print_block("MNIST clusters", size, time, longest, 32 * 2048);
  }
}

} // namespace

int main(int count, char** arguments) {
  CLI::App app("What threads bring, part by part (all of them if none is named).", "fleet");
  std::string data;
  support::add_data_option(app, data);
  std::vector<std::string> wanted;
  app.add_option("parts", wanted, "mnist, small, large, blocks")
      ->check(CLI::IsMember({"mnist", "small", "large", "blocks"}));
  return support::run_program(app, count, arguments, [&] {
    const auto chosen = [&](const char* part) {
      return wanted.empty() || std::find(wanted.begin(), wanted.end(), part) != wanted.end();
    };
    if (chosen("mnist")) {
      mnist(support::find_digits(data));
    }
    if (chosen("small")) {
      small();
    }
    if (chosen("large")) {
      large();
    }
    if (chosen("blocks")) {
      blocks(support::find_digits(data));
    }
    return 0;
  });
}
