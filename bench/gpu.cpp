// SPDX-License-Identifier: Apache-2.0
// What a GPU makes of clusters: fleets that fill it, one cluster alone, one large cluster.
//
// `useful` are the bytes of the weights of active steps, read once by each sample and once more
// read and written by each that is learned from, a second; `share` is their part of what the device
// copies in the same run (read and written bytes both counted).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/cuda/cuda.hpp>
#include <hanami/cuda/emulated_device.hpp>
#include <hanami/data.hpp>
#include <hanami/hanami.hpp>

#include <support/digits.hpp>
#include <support/program.hpp>
#include <support/stopwatch.hpp>

namespace {

using hanami::cluster;

/// How much is measured.
struct sizes {
  std::size_t mnist_members = 1056, mnist_samples = 10000;
  std::size_t sensor_members = 8448, sensor_samples = 4000;
  std::size_t one_samples = 20000;
  std::size_t large_bricks = 500, large_samples = 200;
};

constexpr sizes tiny{2, 300, 4, 300, 300, 6, 5};

struct table {
  std::vector<float> inputs;
  std::vector<float> targets;
  hanami::gpu::sample_table view() const { return {inputs, targets}; }
};

cluster flat_cluster(std::uint32_t inputs, std::uint32_t neurons, std::uint32_t bricks,
                     std::uint32_t classes, std::uint64_t seed) {
  hanami::cluster_settings settings;
  settings.brick_size = neurons;
  settings.initial_bricks = bricks;
  settings.max_bricks = bricks;
  settings.max_steps = 1;
  settings.memory_limit = std::uint64_t{8} << 30;
  hanami::learning_options options;
  options.seed = seed;
  return cluster(hanami::one_hexagon(inputs, classes, hanami::output_kind::softmax, settings),
                 options);
}

table images_of(const hanami::image_dataset& images, std::size_t count) {
  table all;
  all.inputs.resize(count * 784);
  all.targets.resize(count * 10);
  for (std::size_t k = 0; k < count; ++k) {
    images.read(k, std::span(all.inputs).subspan(k * 784, 784),
                std::span(all.targets).subspan(k * 10, 10));
  }
  return all;
}

/// Values in 0..100; which of four classes: by the signs of two differences.
table sensor_values(std::size_t inputs, std::size_t count) {
  table all;
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t i = 0; i < inputs; ++i) {
      all.inputs.push_back(1.0f + 100.0f * hanami::random_unit(1, i, k));
    }
    const float* x = all.inputs.data() + k * inputs;
    const std::size_t label = (x[0] > x[1] ? 1U : 0U) + (x[2] > x[3] ? 2U : 0U);
    for (std::size_t c = 0; c < 4; ++c) {
      all.targets.push_back(c == label ? 1.0f : 0.0f);
    }
  }
  return all;
}

double accuracy(const cluster& c, const table& samples) {
  const std::size_t rows = samples.targets.size() / c.output_size();
  hanami::workspace<float> act;
  std::size_t right = 0;
  for (std::size_t k = 0; k < rows; ++k) {
    const auto answer =
        c.infer(std::span(samples.inputs).subspan(k * c.input_size(), c.input_size()), act);
    const auto best = std::max_element(answer.begin(), answer.end()) - answer.begin();
    right += samples.targets[k * c.output_size() + static_cast<std::size_t>(best)] > 0.5f ? 1U : 0U;
  }
  return 100.0 * static_cast<double>(right) / static_cast<double>(rows);
}

double serial_seconds(cluster& c, const table& samples) {
  const double begin = support::wall_seconds();
  for (std::size_t k = 0; k * c.input_size() < samples.inputs.size(); ++k) {
    c.train(std::span(samples.inputs).subspan(k * c.input_size(), c.input_size()),
            std::span(samples.targets).subspan(k * c.output_size(), c.output_size()));
  }
  return support::wall_seconds() - begin;
}

template <class Device>
class bench {
 public:
  bench(hanami::gpu::basic_trainer<Device>& device, double copied, const sizes& size,
        std::string folder)
      : device_(device), copied_(copied), size_(size), folder_(std::move(folder)) {}

  void mnist() {
    const auto data = support::find_digits(folder_);
    const table train = images_of(data.train, std::min<std::size_t>(data.train.size(), 60000));
    const table test = images_of(data.test, std::min<std::size_t>(data.test.size(), 10000));
    std::printf("%zu clusters of 256 neurons, %zu samples of %s each\n", size_.mnist_members,
                size_.mnist_samples, data.name());
    std::vector<cluster> fleet;
    for (std::size_t m = 0; m < size_.mnist_members; ++m) {
      fleet.push_back(flat_cluster(784, 256, 1, 10, m + 1));
    }
    train_fleet(fleet, train, size_.mnist_samples);
    for (std::size_t m = 0; m < std::min<std::size_t>(fleet.size(), 3); ++m) {
      std::printf("    member %zu: %.2f %% of the test images read\n", m, accuracy(fleet[m], test));
    }
  }

  void sensors() {
    std::printf("%zu clusters of 16 inputs and 128 neurons, %zu samples each\n",
                size_.sensor_members, size_.sensor_samples);
    std::vector<cluster> fleet;
    for (std::size_t m = 0; m < size_.sensor_members; ++m) {
      fleet.push_back(flat_cluster(16, 128, 1, 4, m + 1));
    }
    const table samples = sensor_values(16, 4 * size_.sensor_samples);
    train_fleet(fleet, samples, size_.sensor_samples);
    std::printf("    member 0: %.2f %% right\n", accuracy(fleet[0], samples));
  }

  void one() {
    const auto data = support::find_digits(folder_);
    alone("one cluster of 256 neurons, MNIST's size", flat_cluster(784, 256, 1, 10, 1),
          images_of(data.train, size_.one_samples));
  }

  void large() {
    table samples;
    for (std::size_t k = 0; k < size_.large_samples; ++k) {
      for (std::size_t i = 0; i < 784; ++i) {
        samples.inputs.push_back(1.0f + hanami::random_unit(1, i, k));
      }
      for (std::size_t c = 0; c < 10; ++c) {
        samples.targets.push_back(c == k % 10 ? 1.0f : 0.0f);
      }
    }
    alone("one large cluster, all synapses active",
          flat_cluster(784, 256, static_cast<std::uint32_t>(size_.large_bricks), 10, 1), samples);
  }

 private:
  void print(const char* what, double seconds, const hanami::gpu::train_report& report) const {
    const double useful = static_cast<double>(report.weight_bytes) / seconds;
    std::printf("    %-22s %9.3f s %14.0f samples/s  useful %8.1f GB/s", what, seconds,
                static_cast<double>(report.samples) / seconds, 1e-9 * useful);
    if (copied_ > 0) {
      std::printf("  share %5.1f %%", 100 * useful / copied_);
    }
    std::printf("  (%llu launches, %llu samples on the host, %.0f MB moved)\n",
                static_cast<unsigned long long>(report.launches),
                static_cast<unsigned long long>(report.host_samples),
                1e-6 * static_cast<double>(report.bytes_moved));
  }

  /// Twice: growing, with every copy to the device and back; then grown.
  void train_fleet(std::vector<cluster>& fleet, const table& samples, std::size_t count) {
    const std::size_t rows = samples.inputs.size() / fleet[0].input_size();
    std::vector<std::vector<std::uint32_t>> orders(fleet.size());
    std::vector<hanami::gpu::training_job> members;
    for (std::size_t m = 0; m < fleet.size(); ++m) {
      for (std::size_t k = 0; k < count; ++k) {
        orders[m].push_back(static_cast<std::uint32_t>((k + m * 331) % rows));
      }
      members.push_back({&fleet[m], orders[m]});
    }
    for (const char* what : {"growing", "grown"}) {
      for (cluster& c : fleet) {
        c.start_task(count);
      }
      const double begin = support::wall_seconds();
      const auto report = device_.train(members, samples.view());
      print(what, support::wall_seconds() - begin, report);
    }
  }

  void alone(const char* title, cluster made, const table& samples) {
    cluster serial = made;
    const auto rows = samples.inputs.size() / made.input_size();
    serial.start_task(2 * rows);
    made.start_task(2 * rows);
    serial_seconds(serial, samples);
    device_.train(made, samples.view());
    std::printf("%s: %zu synapses, %zu samples\n", title, serial.statistics().synapses, rows);
    const double on_host = serial_seconds(serial, samples);
    const double begin = support::wall_seconds();
    const auto report = device_.train(made, samples.view());
    const double seconds = support::wall_seconds() - begin;
    print("device", seconds, report);
    std::printf("    %-22s %9.3f s %14.0f samples/s  the device takes %.2f x its time\n",
                "one core", on_host, static_cast<double>(rows) / on_host, seconds / on_host);
  }

  hanami::gpu::basic_trainer<Device>& device_;
  double copied_; ///< bytes a second, 0: not known
  sizes size_;
  std::string folder_; ///< with MNIST
};

/// Which parts, and with what.
struct gpu_options {
  std::vector<std::string> parts;
  std::string data;
  bool emulated = false;
};

template <class Device>
void run(hanami::gpu::basic_trainer<Device> device, double copied, const sizes& size,
         const gpu_options& o) {
  bench<Device> all(device, copied, size, o.data);
  const auto part = [&](const char* name, void (bench<Device>::*work)()) {
    if (o.parts.empty() || std::find(o.parts.begin(), o.parts.end(), name) != o.parts.end()) {
      (all.*work)();
    }
  };
  part("mnist", &bench<Device>::mnist);
  part("sensors", &bench<Device>::sensors);
  part("one", &bench<Device>::one);
  part("large", &bench<Device>::large);
}

int run(const gpu_options& o) {
  if (o.emulated) {
    std::puts("emulated: the figures below are none of a device");
    run(hanami::gpu::basic_trainer<hanami::gpu::emulated_device>(), 0, tiny, o);
    return 0;
  }
  hanami::gpu::trainer device;
  const double copied = device.device().copy_bandwidth(std::size_t{1} << 30);
  const auto& what = device.device().properties();
  std::printf("%s: compute capability %d.%d, %u multiprocessors, copies %.1f GB/s\n",
              what.name.c_str(), what.major, what.minor, what.multiprocessors, 1e-9 * copied);
  run(std::move(device), copied, sizes{}, o);
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  CLI::App app("What a GPU makes of clusters, part by part (all of them if none is named).", "gpu");
  gpu_options o;
  support::add_data_option(app, o.data);
  app.add_flag("--emulated", o.emulated, "tiny, on this machine's processor: does it run?");
  app.add_option("parts", o.parts, "mnist, sensors, one, large")
      ->check(CLI::IsMember({"mnist", "sensors", "one", "large"}));
  return support::run_program(app, count, arguments, [&] { return run(o); });
}
