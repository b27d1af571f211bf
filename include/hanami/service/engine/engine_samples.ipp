// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "engine_state.hpp"
#include "task/task_work.hpp"

/// Samples of the moment: one or many at a time, and what goes on.

namespace hanami::service::engine {

// --- One sample at a time.

HANAMI_SERVICE_INLINE void engine::train(const cluster_handle& of, std::string_view user_id,
                                         std::span<const float> input,
                                         std::span<const float> target, trained_callback done) {
  detail::check_sample(input.size(), of.shape().input_size, "/inputs");
  detail::check_sample(target.size(), of.shape().output_size, "/targets");
  state_->train(of.live_, user_id, input, target, std::move(done));
}

HANAMI_SERVICE_INLINE void engine::infer(const cluster_handle& of, std::string_view user_id,
                                         std::span<const float> input, answered_callback done) {
  detail::check_sample(input.size(), of.shape().input_size, "/inputs");
  state_->infer(of.live_, user_id, input, of.shape().output_size, std::move(done));
}

HANAMI_SERVICE_INLINE void engine::infer_for_label(const cluster_handle& of,
                                                   std::string_view user_id,
                                                   const std::string& label_id,
                                                   std::span<const float> input,
                                                   answered_callback done) {
  const auto keep =
      [this, cluster_id = of.live_->id, label_id,
       asked = detail::open_question{std::string(user_id), {input.begin(), input.end()}, {}},
       done = std::move(done)](std::span<const float> found, std::exception_ptr why) mutable {
        if (!why) {
          asked.prediction.assign(found.begin(), found.end());
          try {
            state_->labels.put(cluster_id, label_id, std::move(asked));
          } catch (...) {
            why = std::current_exception();
          }
        }
        done(found, why);
      };
  infer(of, user_id, input, keep);
}

HANAMI_SERVICE_INLINE void engine::train_label(const cluster_handle& of, std::string_view user_id,
                                               const std::string& label_id,
                                               std::span<const float> target,
                                               trained_callback done) {
  const cluster_shape& shape = of.shape();
  detail::check_sample(target.size(), shape.output_size, "/targets");
  state& s = *state_;
  const std::string cluster_id = of.live_->id;
  const auto asked = std::make_shared<detail::open_question>(s.labels.take(cluster_id, label_id));
  if (asked->input.size() != shape.input_size || asked->prediction.size() != shape.output_size) {
    throw conflict("the cluster was replaced by a checkpoint of another shape meanwhile");
  }
  const auto put_back = [&s, cluster_id, label_id, asked]() noexcept {
    try {
      s.labels.put(cluster_id, label_id, std::move(*asked));
    } catch (...) { // somebody has asked so meanwhile
    }
  };
  try {
    s.train(of.live_, user_id, asked->input, target,
            [&s, cluster_id, asked, put_back, handle = of,
             truth = std::vector<float>(target.begin(), target.end()),
             done = std::move(done)](const train_result& result, const std::exception_ptr& why) {
              if (why) {
                put_back();
              } else if (const auto error =
                             s.labels.score(cluster_id, handle.shape(), asked->prediction, truth)) {
                s.note_error(cluster_id, *error);
              }
              done(result, why);
            });
  } catch (...) {
    put_back();
    throw;
  }
}

HANAMI_SERVICE_INLINE std::vector<output_error> engine::label_errors(std::string_view cluster_id) {
  return state_->labels.errors_of(cluster_id);
}

HANAMI_SERVICE_INLINE std::uint64_t engine::labels_waiting(std::string_view cluster_id) {
  return state_->labels.waiting(cluster_id);
}

// --- What goes on.

HANAMI_SERVICE_INLINE std::vector<pulse_point> engine::history(std::string_view cluster_id,
                                                               pulse_span span, std::size_t most) {
  return state_->board.read(cluster_id, span, now_ms() / 1000, most);
}

HANAMI_SERVICE_INLINE void engine::watch(std::string_view cluster_id) { state_->watch(cluster_id); }

HANAMI_SERVICE_INLINE std::vector<std::pair<std::string, pulse_point>>
engine::busy_clusters(std::string_view user_id, std::int64_t since) {
  constexpr std::size_t most = 100;
  return state_->board.busy_of(user_id, since, most);
}

HANAMI_SERVICE_INLINE std::uint64_t engine::tasks_ended() const noexcept {
  return state_->tasks_ended;
}

HANAMI_SERVICE_INLINE std::vector<task_view> engine::open_tasks(std::string_view user_id) {
  constexpr std::size_t most = 100;
  std::vector<task_view> all;
  for (const detail::task_ptr& task : state_->open_tasks_of(user_id, most)) {
    all.push_back(state::view_of_open(*task));
  }
  return all;
}

// --- Many samples.

namespace detail {

inline constexpr std::size_t most_batch_samples = 10'000;
inline constexpr std::size_t most_batch_values = 1'000'000;

/// The samples of a batch.
inline std::size_t check_batch(std::size_t inputs, const cluster_shape& shape) {
  if (inputs == 0 || inputs % shape.input_size != 0) {
    throw invalid_value_at("/inputs", std::to_string(inputs) +
                                          " values; accepted are whole rows of " +
                                          std::to_string(shape.input_size));
  }
  const std::size_t samples = inputs / shape.input_size;
  if (samples > most_batch_samples) {
    throw invalid_value_at("/inputs",
                           std::to_string(samples) + " samples; at most 10000 are taken at once");
  }
  return samples;
}

inline void check_answers(std::size_t samples, const cluster_shape& shape) {
  if (samples * shape.output_size > most_batch_values) {
    throw invalid_value_at(
        "/inputs", std::to_string(samples) + " answers of " + std::to_string(shape.output_size) +
                       " values; a million values are given at once, so ask for " +
                       std::to_string(most_batch_values / shape.output_size) + " at most");
  }
}

} // namespace detail

HANAMI_SERVICE_INLINE void engine::train_batch(const cluster_handle& of, std::string_view user_id,
                                               std::vector<float> inputs,
                                               std::vector<float> targets,
                                               batch_trained_callback done) {
  const cluster_shape& shape = of.shape();
  const std::size_t samples = detail::check_batch(inputs.size(), shape);
  detail::check_sample(targets.size(), samples * shape.output_size, "/targets");
  state_->train_batch(of.live_, user_id, std::move(inputs), std::move(targets), shape,
                      std::move(done));
}

HANAMI_SERVICE_INLINE void engine::infer_batch(const cluster_handle& of, std::string_view user_id,
                                               std::vector<float> inputs,
                                               batch_answered_callback done) {
  const cluster_shape& shape = of.shape();
  detail::check_answers(detail::check_batch(inputs.size(), shape), shape);
  state_->infer_batch(of.live_, user_id, std::move(inputs), shape, std::move(done));
}

HANAMI_SERVICE_INLINE engine::dataset_rows engine::read_rows(const identity& caller,
                                                             const cluster_handle& of,
                                                             task_plan plan, std::uint64_t first,
                                                             std::uint64_t count) {
  plan.kind = task_kind::request;
  detail::check_between(plan.window, 1, 1'000'000, "/window");
  cluster_shape shape = of.shape();
  const auto samples = detail::open_samples(
      plan, shape, [&](const std::string& id) { return state_->parts.data.open(caller, id); });
  dataset_rows rows;
  rows.total = samples->size();
  first = std::min(first, rows.total);
  count = std::min(count, rows.total - first);
  detail::check_between(count * shape.input_size, 0, detail::most_batch_values, "/count");
  rows.inputs.resize(static_cast<std::size_t>(count) * shape.input_size);
  for (std::uint64_t i = 0; i < count; ++i) {
    samples->read(first + i,
                  std::span(rows.inputs)
                      .subspan(static_cast<std::size_t>(i) * shape.input_size, shape.input_size),
                  {});
  }
  return rows;
}

} // namespace hanami::service::engine
