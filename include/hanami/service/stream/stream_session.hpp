// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../stream/live/keyed_streams.hpp"
#include "../../stream/live/plain_number.hpp"
#include "../../stream/live/stream_reader.hpp"
#include "../../stream/stream_model.hpp"
#include "stream_plan.hpp"
#include "stream_types.hpp"

/// A stream itself: readers, models, history, alarms. It knows nothing of threads and files.

namespace hanami::service::streams {

/// For the model of a device. Both throw `refusal` (`invalid_value`) for what cannot be, such as a
/// zone that is not known.
stream_options learning_of(const stream_plan& plan);
stream_reader_options reading_of(const stream_plan& plan);

/// What a batch leads to depends on the plan and on the batches before it alone, so that replaying
/// them is exact. Batches come whole, one at a time: `begin`, `work` until it is false, `end`. Not
/// safe from several threads.
class stream_session {
 public:
  static constexpr std::string_view checkpoint_kind = "service_stream";
  static constexpr std::uint32_t checkpoint_version = 1;
  static constexpr std::size_t most_history = std::size_t{8} << 20; ///< bytes
  using clock = std::chrono::steady_clock;

  stream_session() = default;
  /// Throws `refusal` (`invalid_value`).
  explicit stream_session(stream_plan plan);

  void begin(row_batch batch, wanted_answers wanted);
  /// Learns rows until then, or all that are left; true: there are more.
  bool work(clock::time_point until);
  batch_result end();
  /// All of a batch.
  batch_result take(row_batch batch, wanted_answers wanted);

  const stream_plan& plan() const noexcept { return plan_; }
  std::uint64_t rows() const noexcept { return rows_; }
  std::uint64_t alarms() const noexcept { return alarm_count_; }
  /// Bytes held, about; walks over all devices.
  std::size_t bytes() const;
  stream_statistics statistics() const;
  /// Up to `most` alarms before number `before`, newest first.
  std::vector<stream_alarm> alarms_before(std::uint64_t before, std::size_t most) const;
  /// Those behind number `after`, oldest first.
  std::vector<stream_alarm> alarms_after(std::uint64_t after, std::size_t most) const;
  /// Answers to up to `most` rows before number `before`.
  history_page history_before(std::uint64_t before, std::size_t most) const;
  /// What is forecast for a device now, as `forecasts` of an answer; nothing for one that is not
  /// there. Where none are told apart, `key` is empty.
  std::optional<std::string> forecasts(std::string_view key) const;

  template <class Archive>
  void serialize(Archive& archive);

 private:
  struct device {
    stream_model model;
    std::vector<std::string> names; ///< of its columns, in JSON: "celsius":
    std::vector<decimal_places> decimals;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(model);
    }
  };
  struct old_answer {
    std::uint64_t row = 0;
    std::string text;

    template <class Archive>
    void serialize(Archive& archive) {
      archive(row, text);
    }
  };

  stream_reader& reader();
  void drop_reader(std::string why);
  bool next_line();
  void learn(const stream_row& row);
  void fit(device& of);
  void answer(const stream_row& row, device& of, const stream_result& said);
  void note_alarm(const stream_row& row, const device& of, const anomaly& found);
  void keep(std::uint64_t row, std::string_view text);

  stream_plan plan_;
  basic_keyed_streams<device> devices_;
  std::array<std::optional<stream_reader>, batch_syntaxes> readers_; ///< those that have begun
  std::deque<stream_alarm> alarms_;
  std::deque<old_answer> history_;
  std::size_t history_bytes_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t lost_ = 0;
  std::uint64_t alarm_count_ = 0;
  std::uint64_t widest_ = 0; ///< forecasts of a row, of the device that has most
  std::int64_t last_at_ = 0;

  // Of the batch.
  row_batch batch_;
  wanted_answers wanted_ = wanted_answers::none;
  batch_result result_;
  std::size_t next_ = 0; ///< in its text
  bool read_ = false;    ///< to its end
  bool over_ = true;
  std::uint64_t lines_before_ = 0;
  std::uint64_t lost_before_ = 0;
  std::string last_;   ///< answer to the newest row
  std::string answer_; ///< one, while it is made
};

template <class Archive>
void stream_session::serialize(Archive& archive) {
  std::vector<stream_alarm> alarms(alarms_.begin(), alarms_.end());
  std::vector<old_answer> answers(history_.begin(), history_.end());
  archive(plan_, devices_, rows_, lost_, alarm_count_, widest_, last_at_, alarms, answers);
  archive.require(alarms.size() <= most_alarms, "more alarms than are kept");
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    bool there = readers_[i].has_value();
    archive(there);
    if constexpr (Archive::reading) {
      readers_[i].reset();
      if (there) {
        readers_[i].emplace();
      }
    }
    if (there) {
      archive(*readers_[i]);
    }
  }
  if constexpr (Archive::reading) {
    alarms_.assign(alarms.begin(), alarms.end());
    history_.assign(answers.begin(), answers.end());
    history_bytes_ = 0;
    for (const old_answer& each : history_) {
      history_bytes_ += each.text.size();
    }
  }
}

} // namespace hanami::service::streams
