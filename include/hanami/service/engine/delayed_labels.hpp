// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../base/clock.hpp"
#include "../base/refusal.hpp"
#include "cluster_shape.hpp"
#include "engine_types.hpp"
#include "task/answer_work.hpp"

namespace hanami::service::engine::detail {

/// A question whose truth comes later, and what was answered.
struct open_question {
  std::string user_id; ///< who asked
  std::vector<float> input;
  std::vector<float> prediction;
};

/// Questions that wait for their labels, and how far off their predictions were then: test, then
/// train (Gama, Sebastiao, Rodrigues 2013). In memory alone, whether or not the cluster is. Bounded
/// for each user: of what he asked, the oldest is forgotten first. Safe from any thread.
class delayed_labels {
 public:
  explicit delayed_labels(std::chrono::seconds longest)
      : longest_ms_(std::chrono::milliseconds(longest).count()) {}

  /// Replaces what the same user asked under the same id. `conflict` where somebody else has asked
  /// so, or a question alone is larger than what is kept.
  void put(const std::string& cluster_id, const std::string& id, open_question asked) {
    const std::size_t bytes = bytes_of(id, asked);
    const std::lock_guard lock(mutex_);
    if (bytes > most_bytes) {
      throw conflict("the sample is too large to wait for its label: " + std::to_string(bytes) +
                     " bytes; at most " + std::to_string(most_bytes) + " are kept for a user");
    }
    forget_expired(asked.user_id);
    const place key{cluster_id, id};
    if (const auto there = open_.find(key); there != open_.end()) {
      if (there->second->asked.user_id != asked.user_id) {
        throw conflict("somebody else waits for a label with the id '" + id + "'");
      }
      erase(there->second);
    }
    for (auto of = users_.find(asked.user_id);
         of != users_.end() &&
         (of->second.bytes + bytes > most_bytes || of->second.entries.size() >= most_entries);
         of = users_.find(asked.user_id)) {
      erase(of->second.entries.begin());
    }
    user& of = users_[asked.user_id];
    of.bytes += bytes;
    const std::string by = asked.user_id;
    of.entries.push_back({key, by, std::move(asked), bytes, steady_ms()});
    open_[key] = std::prev(of.entries.end());
    ++clusters_[cluster_id].waiting;
  }

  /// `not_found` where none waits, or none any more.
  open_question take(const std::string& cluster_id, const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto there = open_.find(place{cluster_id, id});
    if (there == open_.end() || is_over(*there->second)) {
      throw refusal(refusal_code::not_found,
                    "no question with the id '" + id +
                        "' waits for its label: nothing was asked so, or it has had its label, or "
                        "it has waited too long");
    }
    open_question taken = std::move(there->second->asked);
    erase(there->second);
    return taken;
  }

  /// The prediction of then, and the truth. The mean error of the outputs that have one.
  std::optional<double> score(const std::string& cluster_id, const cluster_shape& shape,
                              std::span<const float> prediction, std::span<const float> truth) {
    const std::lock_guard lock(mutex_);
    std::vector<output_error>& errors = clusters_[cluster_id].errors;
    double sum = 0;
    std::size_t known = 0;
    for (const buffer_shape& output : shape.outputs) {
      const auto found = prediction.subspan(output.first, output.size);
      const auto wanted = truth.subspan(output.first, output.size);
      if (const std::optional<double> error = error_of(output, found, wanted)) {
        note(errors, output.name, *error);
        sum += *error;
        ++known;
      }
    }
    return known > 0 ? std::optional(sum / static_cast<double>(known)) : std::nullopt;
  }

  std::vector<output_error> errors_of(std::string_view cluster_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = clusters_.find(cluster_id);
    return found == clusters_.end() ? std::vector<output_error>() : found->second.errors;
  }
  std::uint64_t waiting(std::string_view cluster_id) const {
    const std::lock_guard lock(mutex_);
    const auto found = clusters_.find(cluster_id);
    return found == clusters_.end() ? 0 : found->second.waiting;
  }

  void forget(const std::string& cluster_id) {
    const std::lock_guard lock(mutex_);
    auto next = open_.lower_bound(place{cluster_id, {}});
    while (next != open_.end() && next->first.cluster_id == cluster_id) {
      erase((next++)->second);
    }
    clusters_.erase(cluster_id);
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{16} << 20; ///< of a user
  static constexpr std::size_t most_entries = 100'000;

  struct place {
    std::string cluster_id;
    std::string id;
    auto operator<=>(const place&) const = default;
  };
  struct entry {
    place key;
    std::string user_id;
    open_question asked;
    std::size_t bytes;
    std::int64_t asked_at; ///< by `steady_ms`
  };
  using entry_list = std::list<entry>;
  struct user {
    entry_list entries; ///< oldest first
    std::size_t bytes = 0;
  };
  struct cluster_labels {
    std::uint64_t waiting = 0;
    std::vector<output_error> errors;
  };

  static std::size_t bytes_of(const std::string& id, const open_question& asked) {
    constexpr std::size_t around = 512; // nodes of list and maps, ids
    return around + id.size() + (asked.input.size() + asked.prediction.size()) * sizeof(float);
  }

  bool is_over(const entry& of) const { return steady_ms() - of.asked_at >= longest_ms_; }

  void erase(entry_list::iterator gone) {
    open_.erase(gone->key);
    const auto cluster = clusters_.find(gone->key.cluster_id);
    if (--cluster->second.waiting == 0 && cluster->second.errors.empty()) {
      clusters_.erase(cluster);
    }
    const auto of = users_.find(gone->user_id);
    of->second.bytes -= gone->bytes;
    of->second.entries.erase(gone);
    if (of->second.entries.empty()) {
      users_.erase(of);
    }
  }

  void forget_expired(const std::string& user_id) {
    const auto of = users_.find(user_id);
    if (of == users_.end()) {
      return;
    }
    std::size_t over = 0;
    for (const entry& each : of->second.entries) {
      if (!is_over(each)) {
        break;
      }
      ++over;
    }
    while (over-- > 0) { // the last one takes the user along
      erase(users_.find(user_id)->second.entries.begin());
    }
  }

  /// Of classes 1 where the largest is a wrong one, else the mean distance of the values that are
  /// known; nothing where none is.
  static std::optional<double> error_of(const buffer_shape& output, std::span<const float> found,
                                        std::span<const float> wanted) {
    if (output.size > 1 && output.kind != output_kind::linear) {
      const auto best = winner_of(found);
      const auto truth = winner_of(wanted);
      return best && truth ? std::optional(*best == *truth ? 0.0 : 1.0) : std::nullopt;
    }
    double sum = 0;
    std::size_t known = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!std::isnan(wanted[i])) {
        sum += std::abs(static_cast<double>(found[i]) - static_cast<double>(wanted[i]));
        ++known;
      }
    }
    return known > 0 ? std::optional(sum / static_cast<double>(known)) : std::nullopt;
  }

  static void note(std::vector<output_error>& errors, const std::string& output, double error) {
    auto of = std::find_if(errors.begin(), errors.end(),
                           [&](const output_error& e) { return e.output == output; });
    if (of == errors.end()) {
      of = errors.insert(errors.end(), output_error{output});
    }
    const auto count = static_cast<double>(++of->labels);
    of->error += (error - of->error) / count;
    of->recent += (error - of->recent) * std::max(1.0 / count, 1.0 / 256);
  }

  const std::int64_t longest_ms_;
  mutable std::mutex mutex_;
  std::map<place, entry_list::iterator> open_;
  std::map<std::string, user> users_;
  std::map<std::string, cluster_labels, std::less<>> clusters_;
};

} // namespace hanami::service::engine::detail
