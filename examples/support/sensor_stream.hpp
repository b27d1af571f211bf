// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hanami/hanami.hpp>
#include <hanami/io/line_sink.hpp>
#include <hanami/io/line_source.hpp>
#include <hanami/stream/keyed_streams.hpp>
#include <hanami/stream/result_lines.hpp>
#include <hanami/stream/stream_reader.hpp>
#include <hanami/stream/stream_report.hpp>

#include "lasting_count.hpp"
#include "save_signal.hpp"
#include "stop_signal.hpp"

namespace example {

struct sensor_options {
  std::string input = "-";
  bool follow = false;
  hanami::stream_reader_options rows;
  std::string zone;
  std::size_t max_devices = 1000;
  std::string output;
  bool json = false;
  bool quiet = false; ///< no output of rows
  std::string checkpoint;
  std::uint64_t checkpoint_every = 10000; ///< rows
  std::string report;
  hanami::stream_options learning;
};

/// What is known of one device, or of the whole stream where none are told apart.
struct sensor_device {
  hanami::stream_model model;
  hanami::stream_report report;

  /// A line of output that waits until the model knows what it can forecast.
  struct held_line {
    std::uint64_t row = 0;
    std::string time;
    hanami::stream_result said;
  };
  std::vector<held_line> held; ///< empty whenever a checkpoint is written

  template <class Archive>
  void serialize(Archive& archive) {
    archive(model, report);
  }
};

/// Everything that a stream is after so many rows: what a checkpoint holds.
struct sensor_state {
  static constexpr std::string_view checkpoint_kind = "sensor";
  static constexpr std::uint32_t checkpoint_version = 2;

  hanami::stream_reader reader;
  hanami::basic_keyed_streams<sensor_device> devices;
  hanami::result_lines results;
  hanami::file_mark mark;    ///< of the input, as far as it was taken
  std::uint64_t written = 0; ///< bytes of output
  std::uint64_t lines = 0;   ///< taken
  std::uint64_t rows = 0;
  std::uint64_t alarms = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(reader, devices, results, mark, written, lines, rows, alarms);
  }
};

/// Reads, learns and answers line by line. What a kill leaves behind is a checkpoint, whole, and
/// output that goes further: begun again, it cuts that off and reads on from the checkpoint.
class sensor_stream {
 public:
  explicit sensor_stream(const sensor_options& o)
      : options_(o), source_(o.input, o.follow), output_(o.output) {
    source_.on_change([this](hanami::source_change change) { see(change); });
    hanami::stream_reader_options rows = o.rows;
    hanami::stream_options learning = o.learning;
    if (!o.zone.empty()) {
      rows.time.zone = learning.zone = hanami::time_zone(o.zone);
    }
    state_.reader = hanami::stream_reader(rows);
    state_.devices = hanami::basic_keyed_streams<sensor_device>(
        o.max_devices, {hanami::stream_model(rows.columns, learning), {}, {}});
    if (!o.checkpoint.empty()) {
      taken_.emplace(o.checkpoint + ".lines");
      if (std::filesystem::exists(o.checkpoint)) {
        resume();
      } else if (taken_->get() > 0 && !source_.seekable()) {
        say("begins anew; " + std::to_string(taken_->get()) +
            " lines taken before any checkpoint are lost");
      }
    }
    output_.resume(state_.written);
    if (output_.written() == 0) {
      state_.results = hanami::result_lines(o.json, o.rows.by);
    }
  }

  /// Until the input ends or the user stops. Returns whether it ended.
  bool run() {
    const stop_signal stop;
    const save_signal save;
    while (state_.reader.refusal().empty()) {
      if (!source_.waiting()) {
        state_.reader.settle();
        take_rows();
        output_.flush();
      }
      int idle = 0;
      const auto line = source_.next([&] {
        if (save_signal::take()) {
          save_checkpoint();
        }
        if (++idle == 12) { // a second
          tell_troubles(false);
        }
        return !stop_signal::wanted();
      });
      if (!line) {
        break;
      }
      ++state_.lines;
      state_.reader.feed(*line, source_.cut());
      take_rows();
      if (taken_) {
        taken_->set(state_.lines);
      }
      if (save_signal::take() || state_.rows >= saved_rows_ + options_.checkpoint_every) {
        save_checkpoint();
      }
    }
    finish();
    return !stop_signal::wanted();
  }

  /// What has been done, in one line.
  std::string summary() const {
    std::uint64_t missing = 0;
    std::size_t bytes = 0;
    state_.devices.for_each([&](const std::string&, const sensor_device& device) {
      missing += device.model.missing_rows();
      bytes += device.model.bytes();
    });
    const std::size_t devices = state_.devices.size();
    return std::to_string(state_.rows) + " rows learned, " +
           std::to_string(state_.reader.lost_lines()) + " damaged lines skipped, " +
           std::to_string(missing) + " missing rows, " + std::to_string(state_.alarms) +
           " alarms, " + (options_.rows.by.empty() ? "" : std::to_string(devices) + " devices, ") +
           std::to_string(bytes / 1024) + " KiB";
  }

  /// Why nothing has been learned; empty where something has, or where nothing new was there.
  std::string failure() const {
    const hanami::stream_reader& reader = state_.reader;
    if (!reader.refusal().empty()) {
      return source_.name() + ": " + reader.refusal();
    }
    if (state_.rows > rows_before_ || (state_.rows > 0 && reader.lost_lines() == lost_before_)) {
      return {};
    }
    std::string fields;
    for (const std::string& field : reader.fields()) {
      fields += (fields.empty() ? "" : ", ") + field;
    }
    return source_.name() + ": no row was learned" +
           (fields.empty()     ? ": no line is one"
            : state_.lines < 2 ? ": there is only a header: " + fields
            : reader.columns().empty()
                ? ": no field holds numbers to learn; the fields are " + fields
                : "; the fields are " + fields);
  }

 private:
  static void say(const std::string& what) { std::cerr << "sensor: " << what << '\n'; }

  void see(hanami::source_change change) {
    if (hanami::begins_file(change)) {
      state_.reader.finish();
      take_rows();
    }
    say(source_.name() + ' ' + std::string(hanami::words_for(change)));
  }

  void resume() {
    state_ = hanami::load<sensor_state>(options_.checkpoint);
    const auto drop = [&](const std::string& key, sensor_device& device) { forget(key, device); };
    state_.devices.limit(options_.max_devices, drop);
    const std::uint64_t since = taken_->get() > state_.lines ? taken_->get() - state_.lines : 0;
    std::string how = std::to_string(since) + " lines taken since the checkpoint are lost";
    if (source_.seekable()) {
      switch (source_.resume(state_.mark)) {
      case hanami::source_resumed::here:
        how = std::to_string(since) + " lines taken since the checkpoint are read again";
        break;
      case hanami::source_resumed::rotated:
        how = source_.name() + " has another name by now, and its rest is read first";
        break;
      case hanami::source_resumed::another:
        how = source_.name() + " is another file, and is read from its start";
        break;
      }
    }
    say("goes on after line " + std::to_string(state_.lines) + ", row " +
        std::to_string(state_.rows) + "; " + how);
    said_time_ = true;
    rows_before_ = saved_rows_ = state_.rows;
    lost_before_ = state_.reader.lost_lines();
    for (const hanami::row_trouble& trouble : state_.reader.troubles().all()) {
      told_.push_back(trouble.count);
    }
  }

  void take_rows() {
    while (state_.reader.next()) {
      learn(state_.reader.row());
    }
    if (!said_time_ && state_.reader.begun()) {
      said_time_ = true;
      say(state_.reader.time_description());
    }
  }

  void learn(const hanami::stream_row& row) {
    ++state_.rows;
    sensor_device& device = state_.devices.speak(
        row.key, [&](const std::string& key, sensor_device& silent) { forget(key, silent); });
    const hanami::stream_result& said = device.model.observe(row.values, row.time);
    state_.alarms += said.anomaly.alarm ? 1 : 0;
    if (!options_.report.empty()) {
      device.report.add(row.values, row.time_text, device.model, said);
    }
    if (options_.quiet) {
      return;
    }
    if (device.model.waiting() && state_.reader.timed()) {
      device.held.push_back({device.model.rows(), std::string(row.time_text), said});
      return;
    }
    write_held(row.key, device);
    write(device.model.rows(), row.time_text, row.key, device.model, said);
  }

  void write(std::uint64_t row, std::string_view time, std::string_view key,
             const hanami::stream_model& model, const hanami::stream_result& said) {
    const std::uint64_t headers = state_.results.headers();
    state_.results.append(output_.text(), row, time, key, model, said);
    if (headers > 0 && state_.results.headers() > headers) {
      notes_.add("a column came late, a new header names it (--columns names them beforehand)", {},
                 model.columns().back(), hanami::trouble_weight::note);
    }
    output_.settle();
  }

  void write_held(std::string_view key, sensor_device& device) {
    for (const sensor_device::held_line& line : std::exchange(device.held, {})) {
      write(line.row, line.time, key, device.model, line.said);
    }
  }

  void write_all_held() {
    state_.devices.for_each(
        [&](const std::string& key, sensor_device& device) { write_held(key, device); });
  }

  void forget(const std::string& key, sensor_device& device) {
    write_held(key, device);
    notes_.add("more than " + std::to_string(state_.devices.most()) +
                   " devices (--max-devices): the one silent for longest was dropped",
               {}, key, hanami::trouble_weight::note);
  }

  void save_checkpoint() {
    saved_rows_ = state_.rows;
    if (!state_.reader.begun() || options_.checkpoint.empty()) {
      return;
    }
    write_all_held();
    output_.flush();
    state_.mark = source_.mark();
    state_.written = output_.written();
    hanami::save(state_, options_.checkpoint);
  }

  void finish() {
    state_.reader.finish();
    take_rows();
    write_all_held();
    output_.flush();
    save_checkpoint();
    tell_troubles(true);
    if (const auto texts = state_.reader.texts(); !texts.empty()) {
      std::string names;
      for (const std::string& name : texts) {
        names += (names.empty() ? "" : ", ") + name;
      }
      say("text is left out: " + names);
    }
    if (!options_.report.empty()) {
      write_report();
    }
  }

  /// One message for each kind; again at the end where there were more since.
  void tell_troubles(bool last) {
    const auto tell = [&](const hanami::row_troubles& troubles, std::vector<std::uint64_t>& told) {
      told.resize(troubles.all().size());
      for (std::size_t i = 0; i < told.size(); ++i) {
        const hanami::row_trouble& trouble = troubles.all()[i];
        if (told[i] == 0 || (last && told[i] < trouble.count)) {
          told[i] = trouble.count;
          say(trouble.message());
        }
      }
    };
    tell(state_.reader.troubles(), told_);
    tell(notes_, told_notes_);
  }

  void write_report() {
    hanami::stream_page page(source_.name(), state_.reader.lost_lines());
    std::as_const(state_.devices)
        .for_each([&](const std::string& key, const sensor_device& device) {
          page.add(key, device.report, device.model);
        });
    page.write(options_.report);
  }

  const sensor_options& options_;
  hanami::line_source source_;
  hanami::line_sink output_;
  sensor_state state_;
  std::optional<lasting_count> taken_;
  hanami::row_troubles notes_;
  std::vector<std::uint64_t> told_; ///< counts of troubles, of the reader and of ours
  std::vector<std::uint64_t> told_notes_;
  std::uint64_t saved_rows_ = 0;
  std::uint64_t rows_before_ = 0; ///< at the checkpoint
  std::uint64_t lost_before_ = 0;
  bool said_time_ = false;
};

} // namespace example
