// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine_core.hpp"

#include <chrono>
#include <exception>
#include <limits>
#include <utility>

#include "../../../foundation/error.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "../running_batch.hpp"

/// Many samples in one call. They take turns like tasks do, so that neither other clusters nor
/// other samples of the same one wait for the last of them, and what a turn has learned is appended
/// to the journal at once.

namespace hanami::service::engine::detail {

/// How long a batch works before others get their turn, and before single samples of the same
/// cluster do.
inline constexpr std::chrono::milliseconds batch_slice{5};
inline constexpr std::chrono::milliseconds batch_patience{1};

/// Batches of one user that wait or are at work.
inline constexpr std::uint64_t most_batches = 16;

HANAMI_SERVICE_INLINE batch_ptr engine_core::new_batch(live_ptr live, std::string_view user_id) {
  refuse_when_stopping();
  const user_ptr user = users.of(user_id);
  if (user->batches.load() >= most_batches) {
    refusal busy(refusal_code::busy, "16 batches of yours are waiting already; try again when one "
                                     "has been answered");
    busy.retry_after_s = 1;
    throw busy;
  }
  auto job = hold(live);
  return std::make_shared<running_batch>(live, user, std::move(job));
}

HANAMI_SERVICE_INLINE void engine_core::train_batch(live_ptr live, std::string_view user_id,
                                                    std::vector<float> inputs,
                                                    std::vector<float> targets,
                                                    const cluster_shape& shape,
                                                    batch_trained_callback done) {
  if (live->broken) {
    throw refusal(refusal_code::no_space, "what is learned cannot be kept on disk at present");
  }
  expect_disk_quota(*live->owner);
  const batch_ptr batch = new_batch(std::move(live), user_id);
  batch->input_size = shape.input_size;
  batch->output_size = shape.output_size;
  batch->inputs = std::move(inputs);
  batch->targets = std::move(targets);
  batch->learned.losses.reserve(batch->samples());
  batch->trained = std::move(done);
  submit_batch(batch);
}

HANAMI_SERVICE_INLINE void engine_core::infer_batch(live_ptr live, std::string_view user_id,
                                                    std::vector<float> inputs,
                                                    const cluster_shape& shape,
                                                    batch_answered_callback done) {
  const batch_ptr batch = new_batch(std::move(live), user_id);
  batch->input_size = shape.input_size;
  batch->output_size = shape.output_size;
  batch->inputs = std::move(inputs);
  batch->answers.reserve(batch->samples() * batch->output_size);
  batch->answered = std::move(done);
  submit_batch(batch);
}

HANAMI_SERVICE_INLINE void engine_core::submit_batch(const batch_ptr& batch) {
  try {
    fleet_->call(batch->live->fleet_id, [this, batch](cluster& net) { batch_turn(batch, net); });
  } catch (const error& e) {
    if (e.code() == errc::queue_full) {
      try_later([this, batch] { submit_batch(batch); });
    } else {
      batch->end(refusal_for(*batch->live, std::current_exception()));
    }
  }
}

HANAMI_SERVICE_INLINE void engine_core::try_later(std::function<void()> work) {
  const std::lock_guard lock(lists_);
  delayed_.push_back(std::move(work));
  next_try_.set(std::chrono::milliseconds(20));
}

HANAMI_SERVICE_INLINE void engine_core::batch_turn(const batch_ptr& batch, cluster& net) {
  const std::uint64_t cpu_begin = thread_cpu_ns();
  direct_meter::of_this_thread().interrupt();
  std::exception_ptr trouble;
  const std::size_t begin = batch->next;
  try {
    refuse_when_stopping();
    if (net.input_size() != batch->input_size || net.output_size() != batch->output_size) {
      throw conflict("the cluster was replaced by a checkpoint of another shape meanwhile");
    }
    batch->trains() ? learn_slice(*batch, net) : answer_slice(*batch, net);
  } catch (...) {
    trouble = refusal_for(*batch->live, std::current_exception());
  }
  batch->user->cpu_ns += thread_cpu_ns() - cpu_begin;
  batch->tries = batch->next == begin ? batch->tries + 1 : 0;
  if (trouble) {
    batch->end(trouble);
  } else if (batch->next == batch->samples()) {
    batch->end(nullptr);
  } else if (batch->trains() && net.refused_growth() > 0) {
    disk_work_.post([this, batch, bytes = net.refused_growth()] { find_room(batch, bytes); });
  } else {
    submit_batch(batch);
  }
}

/// Whether a slice that began then may go on.
inline bool slice_goes_on(const live_cluster& live, std::chrono::steady_clock::time_point begun) {
  const auto passed = std::chrono::steady_clock::now() - begun;
  return passed < batch_slice &&
         (passed < batch_patience || live.waiting.load(std::memory_order_relaxed) <= 1);
}

HANAMI_SERVICE_INLINE void engine_core::learn_slice(running_batch& batch, cluster& net) {
  if (net.refused_growth() > 0) {
    return; // until there is memory
  }
  const auto begun = std::chrono::steady_clock::now();
  journal_bytes records;
  std::uint64_t count = 0;
  double loss_sum = 0;
  std::exception_ptr trouble;
  do {
    const auto input = batch.input(batch.next);
    const auto target = batch.target(batch.next);
    try {
      const train_result found = net.train(input, target);
      const journal_bytes record = encode_sample(input, target, batch.live->files.key_of_journal());
      records.insert(records.end(), record.begin(), record.end());
      batch.learned.losses.push_back(static_cast<float>(found.loss));
      batch.learned.changed += found.learned ? 1 : 0;
      loss_sum += found.loss;
      ++count;
    } catch (const error& e) {
      if (e.code() != errc::invalid_argument) {
        trouble = std::current_exception();
        break;
      }
      batch.learned.losses.push_back(std::numeric_limits<float>::quiet_NaN());
      if (batch.learned.refused++ == 0) {
        batch.learned.first_refusal = e.what();
      }
    }
    ++batch.next;
  } while (batch.next < batch.samples() && net.refused_growth() == 0 &&
           slice_goes_on(*batch.live, begun));
  keep_samples(batch, records, count, loss_sum);
  if (trouble) {
    std::rethrow_exception(trouble);
  }
}

/// Writes what a slice has learned to the journal.
HANAMI_SERVICE_INLINE void engine_core::keep_samples(running_batch& batch,
                                                     const journal_bytes& records,
                                                     std::uint64_t count, double loss_sum) {
  if (count == 0) {
    return;
  }
  const live_ptr& live = batch.live;
  const std::uint64_t bytes_before = live->journal_size;
  try {
    live->append(records);
  } catch (...) {
    note_journal(live, live->journal_size); // it needs a snapshot all the more
    throw;
  }
  note_journal(live, bytes_before);
  batch.learned.kept += count;
  live->samples.fetch_add(count, std::memory_order_relaxed);
  live->pulse.note_trained(count, count, loss_sum);
  note_busy(live);
  journal_bytes_.fetch_add(records.size(), std::memory_order_relaxed);
  trained_.fetch_add(count, std::memory_order_relaxed);
  batch.user->trained.fetch_add(count, std::memory_order_relaxed);
}

HANAMI_SERVICE_INLINE void engine_core::answer_slice(running_batch& batch, cluster& net) {
  const auto begun = std::chrono::steady_clock::now();
  if (!batch.stream) { // of a spiking cluster it goes on from what it was trained on
    batch.stream = net.state().topology.spikes()
                       ? std::make_unique<workspace<float>>(net.current_workspace())
                       : std::make_unique<workspace<float>>();
  }
  const std::size_t first = batch.next;
  do {
    const auto answer = net.infer(batch.input(batch.next), *batch.stream);
    batch.answers.insert(batch.answers.end(), answer.begin(), answer.end());
    ++batch.next;
  } while (batch.next < batch.samples() && slice_goes_on(*batch.live, begun));
  batch.live->pulse.answered.fetch_add(batch.next - first, std::memory_order_relaxed);
  note_busy(batch.live);
  answered_.fetch_add(batch.next - first, std::memory_order_relaxed);
  batch.user->answered.fetch_add(batch.next - first, std::memory_order_relaxed);
}

/// After growth that found no memory; on a thread that may wait.
HANAMI_SERVICE_INLINE void engine_core::find_room(const batch_ptr& batch, std::size_t bytes) {
  constexpr unsigned most_tries = 100;
  try {
    if (batch->live->journal_size > 0) { // its last sample found no room: nobody could replay that
      request_snapshot(batch->live);
    }
    make_room(*batch->live->owner, bytes);
    if (batch->tries > most_tries) { // others take it whenever there is some
      throw memory_refusal(*batch->live->owner);
    }
  } catch (...) {
    batch->end(refusal_for(*batch->live, std::current_exception()));
    return;
  }
  if (batch->tries == 0) {
    submit_batch(batch);
  } else {
    try_later([this, batch] { submit_batch(batch); });
  }
}

} // namespace hanami::service::engine::detail
