// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../cluster.hpp"
#include "../foundation/error.hpp"
#include "image_device.hpp"
#include "transfer.hpp"

/// Training and inference on a device, seen from the host. What changes the shape of a network
/// (its first bricks, further bricks, negative inputs, centres of dense columns) is done by the
/// host, and so are reduction and the renewal of neurons: one sample at a time, after which the
/// device goes on. The same samples give the same cluster as training on the host, as far as the
/// device's sums are the host's.

namespace hanami::gpu {

/// Samples in rows: inputs and targets as `cluster::train` takes them, one after the other.
struct sample_table {
  std::span<const float> inputs;
  std::span<const float> targets;
};

/// A cluster and the rows it is to be trained on, in order; the same row may come again.
struct training_job {
  cluster* trained = nullptr;
  std::span<const std::uint32_t> order;
};

/// What a training run took.
struct train_report {
  std::uint64_t samples = 0;      ///< all
  std::uint64_t host_samples = 0; ///< of them, trained by the host
  std::uint64_t launches = 0;     ///< of kernels
  std::uint64_t bytes_moved = 0;  ///< between host and device
  std::uint64_t weight_bytes = 0; ///< weights of active steps that the device read or wrote
};

/// How many tiles an image of the network gets beside those in use: as many as it may come to need
/// before its shape changes, and no more than its memory limit would grant for certain.
inline std::size_t room_to_grow(const network<float>& net) {
  if (net.full) {
    return 0;
  }
  std::size_t wanted = 0;
  for (const brick<float>& b : net.bricks) {
    const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
    for (std::size_t c = 0; c < b.chunks() && !b.retired; ++c) {
      const std::uint32_t known = std::uint32_t{b.have[c]} | b.closed[c];
      wanted += static_cast<std::size_t>(std::popcount(chunks[c].mask & ~known));
    }
  }
  const std::size_t used = net.tiles.slot_end();
  const std::size_t held = net.tiles.capacity();
  const std::size_t tile = net.lanes() * sizeof(float) * (net.averaging() ? 2 : 1);
  const std::uint64_t bytes = net.bytes();
  const std::uint64_t more =
      bytes < net.memory_limit() ? (net.memory_limit() - bytes) / tile : std::uint64_t{0};
  // The pool takes up to an eighth more than it needs, and four.
  const std::uint64_t granted =
      more / 9 > wanted ? used + wanted : (held + more - std::min<std::uint64_t>(more, 4)) / 9 * 8;
  return std::min<std::size_t>(wanted, std::max<std::size_t>(granted, held) - used);
}

/// Trains and asks clusters on a device. Not to be shared between threads; clusters belong to the
/// call while it runs. An error of one member costs the others nothing: it is thrown when they are
/// done. An error of the device ends all; what members have learned since they were last on the
/// host is then lost, and they go on from there.
template <image_device Device>
class basic_trainer {
 public:
  explicit basic_trainer(Device device = Device{}) : device_(std::move(device)) {}

  Device& device() noexcept { return device_; }

  /// Trains every member on its rows, all at once, one team a cluster. Throws what
  /// `require_supported` and `cluster::train` throw, `errc::out_of_memory` and the device's errors.
  train_report train(std::span<const training_job> members, const sample_table& table) {
    report_ = {};
    for (const training_job& member : members) {
      check(member, table);
    }
    const auto inputs = upload(table.inputs);
    const auto targets = upload(table.targets);
    std::vector<work> all(members.size());
    for (std::size_t m = 0; m < members.size(); ++m) {
      all[m].trained = members[m].trained;
      all[m].order = members[m].order;
      all[m].order_there = upload(members[m].order);
      all[m].count = members[m].order.size();
    }
    run(all, table, at<float>(inputs), at<float>(targets), [] {});
    return finish(all);
  }

  /// The same for one cluster and all rows of the table, in order.
  train_report train(cluster& c, const sample_table& table) {
    require_rows(table.inputs.size(), c.input_size(), "inputs");
    std::vector<std::uint32_t> order(table.inputs.size() / c.input_size());
    std::iota(order.begin(), order.end(), 0U);
    const training_job member{&c, order};
    return train(std::span<const training_job>(&member, 1), table);
  }

  /// Trains clusters of equal inputs and outputs on streams, in parts of up to `rows` samples of
  /// each: while the device trains one part, the next is read and copied. `next(inputs, targets)`
  /// fills rows, those of the first member first, then (from row `rows` on) those of the second,
  /// and so on; it returns how many samples each has got, 0 at the end.
  template <class Source>
  train_report train_streams(std::span<cluster* const> members, std::size_t rows, Source&& next) {
    report_ = {};
    std::vector<work> all(members.size());
    for (std::size_t m = 0; m < members.size(); ++m) {
      require_supported(*members[m]);
      require_alike(*members[m], *members[0]);
      all[m].trained = members[m];
      all[m].first = m * rows;
    }
    if (members.empty() || rows == 0) {
      return report_;
    }
    std::array<stream_part, 2> parts{make_part(members, rows), make_part(members, rows)};
    read_part(parts[0], next);
    for (std::size_t k = 0; parts[k].count > 0; k = 1 - k) {
      for (work& w : all) {
        w.count = parts[k].count;
        w.done = 0;
      }
      run(all, parts[k].table(), at<float>(parts[k].inputs_there),
          at<float>(parts[k].targets_there), [&] { read_part(parts[1 - k], next); });
    }
    return finish(all);
  }

  /// Answers of one cluster to rows of inputs, as `cluster::infer` gives them, in rows.
  std::vector<float> infer(const cluster& c, std::span<const float> inputs) {
    require_supported(c);
    require_rows(inputs.size(), c.input_size(), "inputs");
    const image_layout layout(c.state(), 0);
    memory image = device_.allocate(layout.bytes());
    send_image(layout, c, image);
    const std::size_t rows = inputs.size() / c.input_size();
    std::vector<float> answers(rows * c.output_size());
    const auto from = upload(inputs);
    memory to = device_.allocate(answers.size() * sizeof(float));
    batch_view task;
    task.inputs = at<float>(from);
    task.answers = reinterpret_cast<float*>(to.data());
    task.count = rows;
    task.average = c.inference_weights() == weight_set::average && c.state().averaging();
    device_.infer({image.data(), layout.bytes(), layout.front_bytes()}, task, lanes_of(c));
    device_.wait();
    image_header head;
    device_.download(&head, image.data(), sizeof head);
    if (head.found_infinite != 0) {
      throw error(errc::invalid_argument,
                  "infinite input value; finite values and NaN (missing) are taken");
    }
    device_.download(answers.data(), to.data(), answers.size() * sizeof(float));
    return answers;
  }

 private:
  using memory = typename Device::memory;
  using staging = typename Device::staging;

  /// A member while it is being trained.
  struct work {
    cluster* trained = nullptr;
    std::span<const std::uint32_t> order{}; ///< rows; none: from `first` on
    memory order_there{};
    std::size_t first = 0;
    std::size_t count = 0;                ///< samples of the task or part
    std::size_t done = 0;                 ///< of them
    std::optional<image_layout> layout{}; ///< of the image that stands on the device
    memory image{};
    std::uint64_t until_upkeep = 0; ///< samples that the device may still train
    batch_result before{};          ///< what the image had done before this launch
    std::exception_ptr failure{};

    bool finished() const noexcept { return failure || done == count; }
    std::size_t row() const noexcept { return order.empty() ? first + done : order[done]; }
  };

  /// Samples of all members on both sides.
  struct stream_part {
    std::size_t inputs = 0; ///< values
    std::size_t targets = 0;
    staging inputs_here;
    staging targets_here;
    memory inputs_there;
    memory targets_there;
    std::size_t count = 0; ///< samples of each member

    std::span<float> input_values() {
      return {reinterpret_cast<float*>(inputs_here.data()), inputs};
    }
    std::span<float> target_values() {
      return {reinterpret_cast<float*>(targets_here.data()), targets};
    }
    sample_table table() { return {input_values(), target_values()}; }
  };

  /// Neurons of the largest level: so many threads have work.
  static std::size_t lanes_of(const cluster& c) noexcept {
    std::size_t most = 1;
    for (const auto& level : c.state().topology.levels) {
      std::size_t bricks = 0;
      for (const hexagon_id id : level) {
        bricks += c.state().hexagons[index_of(id)].bricks.size();
      }
      most = std::max(most, bricks);
    }
    return most * c.state().lanes();
  }

  static void require_rows(std::size_t values, std::size_t size, const char* what) {
    if (size == 0 || values % size != 0) {
      throw error(errc::invalid_argument, std::string(what) + " of " + std::to_string(values) +
                                              " values; whole rows of " + std::to_string(size) +
                                              " are taken");
    }
  }

  static void require_alike(const cluster& one, const cluster& other) {
    if (one.input_size() != other.input_size() || one.output_size() != other.output_size()) {
      throw error(errc::invalid_argument,
                  "clusters of " + std::to_string(one.input_size()) + " and " +
                      std::to_string(other.input_size()) + " inputs, " +
                      std::to_string(one.output_size()) + " and " +
                      std::to_string(other.output_size()) +
                      " outputs in one call; streams of equal samples are taken");
    }
  }

  static void check(const training_job& member, const sample_table& table) {
    const cluster& c = *member.trained;
    require_supported(c);
    require_rows(table.inputs.size(), c.input_size(), "inputs");
    require_rows(table.targets.size(), c.output_size(), "targets");
    const std::size_t rows = table.inputs.size() / c.input_size();
    if (rows != table.targets.size() / c.output_size()) {
      throw error(errc::invalid_argument,
                  std::to_string(rows) + " rows of inputs, but " +
                      std::to_string(table.targets.size() / c.output_size()) +
                      " of targets; as many of both are taken");
    }
    for (const std::uint32_t row : member.order) {
      if (row >= rows) {
        throw error(errc::invalid_argument, std::string("row ") + std::to_string(row) +
                                                " to train; the table has " + std::to_string(rows));
      }
    }
  }

  template <class T>
  static const T* at(const memory& m) noexcept {
    return reinterpret_cast<const T*>(const_cast<memory&>(m).data());
  }

  template <class T>
  memory upload(std::span<const T> values) {
    memory there = device_.allocate(values.size_bytes());
    device_.upload(there.data(), values.data(), values.size_bytes());
    report_.bytes_moved += values.size_bytes();
    return there;
  }

  std::byte* staged(std::size_t bytes) {
    if (staging_.size() < bytes) {
      staging_ = staging{};
      staging_ = device_.stage(bytes);
    }
    return staging_.data();
  }

  void send_image(const image_layout& layout, const cluster& c, memory& there) {
    std::byte* here = staged(layout.bytes());
    layout.pack(c, here);
    device_.upload(there.data(), here, layout.bytes());
    report_.bytes_moved += layout.bytes();
  }

  stream_part make_part(std::span<cluster* const> members, std::size_t rows) {
    stream_part part;
    part.inputs = members.size() * rows * members[0]->input_size();
    part.targets = members.size() * rows * members[0]->output_size();
    part.inputs_here = device_.stage(part.inputs * sizeof(float));
    part.targets_here = device_.stage(part.targets * sizeof(float));
    part.inputs_there = device_.allocate(part.inputs * sizeof(float));
    part.targets_there = device_.allocate(part.targets * sizeof(float));
    return part;
  }

  template <class Source>
  void read_part(stream_part& part, Source& next) {
    part.count = next(part.input_values(), part.target_values());
    if (part.count > 0) {
      device_.upload(part.inputs_there.data(), part.inputs_here.data(),
                     part.inputs * sizeof(float));
      device_.upload(part.targets_there.data(), part.targets_here.data(),
                     part.targets * sizeof(float));
      report_.bytes_moved += (part.inputs + part.targets) * sizeof(float);
    }
  }

  /// Trains the next sample of a member here.
  void train_here(work& w, const sample_table& table) {
    const std::size_t row = w.row();
    cluster& c = *w.trained;
    c.train(table.inputs.subspan(row * c.input_size(), c.input_size()),
            table.targets.subspan(row * c.output_size(), c.output_size()));
    ++w.done;
    ++report_.samples;
    ++report_.host_samples;
  }

  /// What the host has to do before the device can go on. Returns how many samples the device may
  /// train.
  std::size_t prepare(work& w, const sample_table& table) {
    while (!w.finished()) {
      if (w.layout && w.until_upkeep == 0) {
        take_back(w);
      }
      if (!w.layout) {
        w.until_upkeep = w.trained->learning().samples_until_upkeep(w.trained->state());
        const network<float>& net = w.trained->state();
        if (w.until_upkeep == 0 || net.compacted || net.centres.watching()) {
          train_here(w, table);
          continue;
        }
        place_image(w);
      }
      return static_cast<std::size_t>(std::min<std::uint64_t>(w.until_upkeep, w.count - w.done));
    }
    return 0;
  }

  void place_image(work& w) {
    const network<float>& net = w.trained->state();
    image_layout layout(net, room_to_grow(net));
    if (w.image.size() < layout.bytes()) {
      w.image = memory{}; // first the old one goes
      w.image = device_.allocate(layout.bytes());
    }
    send_image(layout, *w.trained, w.image);
    w.layout.emplace(std::move(layout));
    w.before = {};
  }

  /// The cluster learns what its image on the device has learned.
  void take_back(work& w) {
    std::byte* here = staged(w.layout->bytes());
    device_.download(here, w.image.data(), w.layout->bytes());
    report_.bytes_moved += w.layout->bytes();
    w.layout->unpack(here, *w.trained);
    w.layout.reset();
  }

  /// Notes what a member has done in a launch; the sample on which it has stopped is done here.
  void collect(work& w, const batch_result& now, const sample_table& table) {
    const std::uint64_t done = now.done - w.before.done;
    w.done += static_cast<std::size_t>(done);
    w.until_upkeep -= done;
    report_.samples += done;
    // Read forward; read and written when corrected; the gradients of neurons are not counted.
    const std::uint64_t steps =
        now.steps_heard - w.before.steps_heard + 2 * (now.steps_learned - w.before.steps_learned);
    report_.weight_bytes += steps * w.trained->state().lanes() * sizeof(float);
    w.before = now;
    if (now.paused != pause::none) {
      take_back(w);
      train_here(w, table);
    }
  }

  /// One launch for all that have samples left. False when none has. Calls `meanwhile` while the
  /// device works.
  template <class Meanwhile>
  bool run_round(std::vector<work>& all, const batch_view& common, const sample_table& table,
                 const Meanwhile& meanwhile) {
    std::vector<work*> running;
    std::vector<placed_image> images;
    std::vector<batch_view> tasks;
    std::size_t lanes = 0;
    for (work& w : all) {
      attempt(w, [&] {
        batch_view task = common;
        task.count = prepare(w, table);
        if (task.count == 0) {
          return;
        }
        task.order = w.order.empty() ? nullptr : at<std::uint32_t>(w.order_there);
        task.first = w.first + w.done;
        running.push_back(&w);
        images.push_back({w.image.data(), w.layout->bytes(), w.layout->front_bytes()});
        tasks.push_back(task);
        lanes = std::max(lanes, lanes_of(*w.trained));
      });
    }
    if (running.empty()) {
      return false;
    }
    launch(images, tasks, lanes, meanwhile);
    for (std::size_t k = 0; k < running.size(); ++k) {
      attempt(*running[k], [&] { collect(*running[k], results_[k], table); });
    }
    return true;
  }

  template <class Meanwhile>
  void launch(std::span<const placed_image> images, std::vector<batch_view>& tasks,
              std::size_t lanes, const Meanwhile& meanwhile) {
    results_.resize(tasks.size());
    const std::size_t bytes = tasks.size() * sizeof(batch_result);
    if (results_there_.size() < bytes) {
      results_there_ = memory{};
      results_there_ = device_.allocate(bytes);
    }
    for (std::size_t k = 0; k < tasks.size(); ++k) {
      tasks[k].result = reinterpret_cast<batch_result*>(results_there_.data()) + k;
    }
    device_.train(images, tasks, lanes);
    ++report_.launches;
    meanwhile();
    device_.wait();
    device_.download(results_.data(), results_there_.data(), bytes);
  }

  /// Trains all samples of a task or part. Calls `meanwhile` once, if it can while the device
  /// works.
  template <class Meanwhile>
  void run(std::vector<work>& all, const sample_table& table, const float* inputs,
           const float* targets, const Meanwhile& meanwhile) {
    batch_view common;
    common.inputs = inputs;
    common.targets = targets;
    bool called = false;
    const auto once = [&] {
      if (!std::exchange(called, true)) {
        meanwhile();
      }
    };
    while (run_round(all, common, table, once)) {
    }
    once();
  }

  train_report finish(std::vector<work>& all) {
    for (work& w : all) {
      if (w.layout) {
        attempt(w, [&] { take_back(w); });
      }
    }
    for (const work& w : all) {
      if (w.failure) {
        std::rethrow_exception(w.failure);
      }
    }
    return report_;
  }

  template <class Step>
  static void attempt(work& w, const Step& step) {
    try {
      step();
    } catch (...) {
      w.failure = std::current_exception();
    }
  }

  Device device_;
  staging staging_{};
  memory results_there_{};
  std::vector<batch_result> results_;
  train_report report_;
};

} // namespace hanami::gpu
