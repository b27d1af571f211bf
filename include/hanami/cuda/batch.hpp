// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "../learner.hpp"
#include "backward.hpp"
#include "forward.hpp"
#include "grow.hpp"

/// Whole tasks on an image, sample after sample, by a team: what a kernel runs. A sample that needs
/// the host (it changes the shape of the network, or needs more tiles than there are) ends the task
/// early; nothing of it has then been learned, and the host trains it and goes on from there.

namespace hanami::gpu {

/// How far a team has come.
struct batch_result {
  std::uint64_t done = 0; ///< samples since the image was made, as are the steps
  std::uint64_t steps_heard = 0;
  std::uint64_t steps_learned = 0;
  pause paused = pause::none;
};

/// What a team is to do. All memory is the team's to read (and `answers` to write).
struct batch_view {
  const float* inputs = nullptr;        ///< rows of samples
  const float* targets = nullptr;       ///< rows; for training
  float* answers = nullptr;             ///< rows, by number in the task; for inference
  const std::uint32_t* order = nullptr; ///< rows in the order of training; none: as they come
  std::uint64_t first = 0;              ///< in the order
  std::uint64_t count = 0;
  bool average = false;                       ///< for inference: the averaged weights answer
  volatile std::uint64_t* progress = nullptr; ///< samples done, written now and then
  batch_result* result = nullptr;             ///< of training; written at the end
};

/// Samples between two looks at the progress.
inline constexpr std::uint64_t progress_period = 64;

/// Whether the target of node `k` can be meant; the first node of a softmax output stands for all
/// of it.
HANAMI_HOST_DEVICE inline bool good_target_at(image_view image, const float* target,
                                              std::size_t k) noexcept {
  const output_record* output = image.outputs();
  while (k >= output->first + output->size) {
    ++output;
  }
  return detail::good_target(output->kind, target[k]) &&
         (output->kind != output_kind::softmax || k != output->first ||
          detail::target_mass<float>(target + k, output->size).good());
}

/// The forward pass of training. Anything but `none`: the sample is for the host.
template <class Team>
HANAMI_HOST_DEVICE pause grow_forward(const Team& team, image_view image, const float* input,
                                      const float* target) {
  image_header& head = image.head();
  place_sample(team, image, input);
  team.each_of_all(head.output_size, [&](std::size_t k) {
    if (!good_target_at(image, target, k)) {
      team.raise(head.found_infinite);
    }
  });
  team.sync_all();
  if (head.found_infinite != 0) {
    return pause::refused;
  }
  if (head.found_negative != 0) {
    return pause::reshape;
  }
  for (std::uint32_t n = 0; n < head.level_count; ++n) {
    const level_record& level = image.levels()[n];
    find_active(team, image, level, true);
    team.sync_all();
    if (head.found_unborn != 0) {
      return pause::reshape;
    }
    if (head.found_missing != 0 && !head.full) {
      grow_level(team, image, level);
      team.sync_all();
      if (head.found_no_room != 0) {
        return pause::no_room;
      }
    }
    forward_level(team, image, level, false);
    team.sync_all();
  }
  read_outputs(team, image, false);
  return pause::none;
}

/// How the nodes of an output are measured against the targets of a sample.
HANAMI_HOST_DEVICE inline node_measure<float>
measure_of(const image_header& head, const output_record& output, const float* target) noexcept {
  const detail::target_mass<float> mass(target + output.first, output.size);
  return {output.kind, mass_of(output.kind, mass), static_cast<float>(head.options.gradient_clip),
          output.size};
}

/// Answers, errors and loss of a sample, whether it is worth learning, and whether its loss asks
/// for a brick or tells that the stream has changed. By one thread.
HANAMI_HOST_DEVICE inline void measure(image_view image, const float* target) {
  image_header& head = image.head();
  predict_outputs(image);
  double worth = 0;
  head.loss = 0;
  for (std::uint32_t o = 0; o < head.output_count; ++o) {
    const output_record& output = image.outputs()[o];
    output_loss<float> loss;
    const node_measure<float> by = measure_of(head, output, target);
    for (std::uint32_t k = output.first; k < output.first + output.size; ++k) {
      image.at<float>(head.output_gradients)[k] =
          measure_node(by, image.at<float>(head.prediction)[k], target[k], loss);
    }
    head.loss += static_cast<double>(loss.nats);
    worth = worth_of(worth, static_cast<double>(loss.worst) / head.options.tolerance(output.kind));
  }
  const bool learns = head.progress.worth_learning(worth, head.seed, 0);
  if (learns && worth < 1) {
    const auto more = static_cast<float>(1 / worth);
    for (std::uint32_t k = 0; k < head.output_size; ++k) {
      image.at<float>(head.output_gradients)[k] *= more;
    }
  }
  head.learns = learns ? 1 : 0;
  const bool brick_due = learns && head.grows_bricks && head.notes_errors &&
                         head.progress.brick_due(head.loss, head.brick_loss);
  drift_detector drift = head.progress.drift;
  const bool changed = head.progress.schedule.endless() && drift.note(head.loss);
  head.paused = brick_due || changed ? pause::reshape : pause::none;
}

/// Counts a sample; by one thread, when all have seen what was found of it.
HANAMI_HOST_DEVICE inline void count_sample(image_view image) {
  image_header& head = image.head();
  for (std::uint32_t b = 0; b < head.brick_count; ++b) {
    const std::uint64_t steps = image.bricks()[b].list_count;
    head.steps_heard += steps;
    head.steps_learned += head.learns != 0 ? steps : 0;
  }
  head.progress.samples_learned += head.learns;
  head.due = head.progress.after(head.loss);
  average_watch& watch = head.progress.average;
  head.compared =
      head.averaging && watch.taken() ? watch.weight_of(head.loss, head.progress.samples) : 0;
  ++head.done;
  head.found_missing = 0;
}

/// Predicts the placed sample.
template <class Team>
HANAMI_HOST_DEVICE void predict(const Team& team, image_view image, bool average) {
  image_header& head = image.head();
  for (std::uint32_t n = 0; n < head.level_count; ++n) {
    find_active(team, image, image.levels()[n], false);
    team.sync_all();
    forward_level(team, image, image.levels()[n], average);
    team.sync_all();
  }
  read_outputs(team, image, average);
  if (team.rank() == 0) {
    team.once([&] { predict_outputs(image); });
    team.sync();
  }
}

/// Notes what the averaged weights would have lost on the placed sample.
template <class Team>
HANAMI_HOST_DEVICE void compare_average(const Team& team, image_view image, const float* target) {
  image_header& head = image.head();
  predict(team, image, true);
  if (team.rank() == 0) {
    team.once([&] {
      double lost = 0;
      for (std::uint32_t o = 0; o < head.output_count; ++o) {
        const output_record& output = image.outputs()[o];
        output_loss<float> loss;
        const node_measure<float> by = measure_of(head, output, target);
        for (std::uint32_t k = output.first; k < output.first + output.size; ++k) {
          measure_node(by, image.at<float>(head.prediction)[k], target[k], loss);
        }
        lost += static_cast<double>(loss.nats);
      }
      head.progress.average.note(head.loss, lost, head.compared);
    });
  }
  team.sync_all();
}

/// Trains one sample.
template <class Team>
HANAMI_HOST_DEVICE pause train_sample(const Team& team, image_view image, const float* input,
                                      const float* target) {
  image_header& head = image.head();
  const pause stopped = grow_forward(team, image, input, target);
  if (stopped != pause::none) {
    return stopped;
  }
  if (team.rank() == 0) {
    team.once([&] { measure(image, target); });
  }
  team.sync_all();
  if (head.paused != pause::none) {
    return head.paused;
  }
  if (head.learns != 0) {
    find_hidden_gradients(team, image);
    correct_weights(team, image,
                    scheduled_rates<float>(head.options, head.progress.schedule.share()));
    if (head.notes_errors && team.rank() == 0) {
      note_errors(team, image);
    }
  }
  team.sync_all();
  if (team.rank() == 0) {
    team.once([&] { count_sample(image); });
  }
  team.sync_all();
  if (head.due.note_active) {
    note_active(team, image);
  }
  if (head.compared != 0) {
    compare_average(team, image, target);
  }
  if (head.averaging && head.due.average) {
    if (team.rank() == 0) {
      team.once([&] {
        head.average_share = average_share<float>(
            head.progress.average.next_window(cadence::average, longest_average), cadence::average);
      });
    }
    team.sync_all();
    update_average(team, image);
    team.sync_all();
  }
  return pause::none;
}

/// Trains the samples of a task. Why it stopped, and how many are done, stands in the header.
template <class Team>
HANAMI_HOST_DEVICE void train_batch(const Team& team, image_view image, const batch_view& task) {
  image_header& head = image.head();
  const std::size_t input_size = head.input_size;
  const std::size_t output_size = head.output_size;
  pause stopped = pause::none;
  for (std::uint64_t k = 0; k < task.count && stopped == pause::none; ++k) {
    const std::uint64_t at = task.first + k;
    const std::uint64_t row = task.order == nullptr ? at : task.order[at];
    stopped =
        train_sample(team, image, task.inputs + row * input_size, task.targets + row * output_size);
    if (task.progress != nullptr && team.rank() == 0 && k % progress_period == 0) {
      team.once([&] { *task.progress = k; });
    }
  }
  team.sync_all();
  if (team.rank() == 0) {
    team.once([&] {
      head.paused = stopped;
      if (task.progress != nullptr) {
        *task.progress = head.done;
      }
      if (task.result != nullptr) {
        *task.result = {head.done, head.steps_heard, head.steps_learned, stopped};
      }
    });
  }
}

/// Answers the samples of a task.
template <class Team>
HANAMI_HOST_DEVICE void infer_batch(const Team& team, image_view image, const batch_view& task) {
  image_header& head = image.head();
  for (std::uint64_t k = 0; k < task.count; ++k) {
    const std::uint64_t row = task.first + k;
    place_sample(team, image, task.inputs + row * head.input_size);
    team.sync_all();
    predict(team, image, task.average);
    if (team.rank() == 0) {
      team.each(head.output_size, [&](std::size_t o) {
        task.answers[row * head.output_size + o] = image.at<float>(head.prediction)[o];
      });
    }
    team.sync_all();
  }
}

} // namespace hanami::gpu
