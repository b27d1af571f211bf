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

#include "line_source.hpp"
#include "sensor_checkpoint.hpp"
#include "sensor_lines.hpp"
#include "sensor_model.hpp"
#include "sensor_output.hpp"
#include "sensor_report.hpp"

namespace example {

struct stream_options {
  std::string input = "-";
  bool follow = false;
  std::string time;
  std::vector<std::string> columns;
  std::string output;
  bool json = false;
  bool quiet = false; ///< no output of rows
  std::string checkpoint;
  std::uint64_t checkpoint_every = 10000; ///< rows
  std::string report;
  sensor_settings settings;
};

/// Everything that a stream is after so many rows: what a checkpoint holds.
struct stream_state {
  explicit stream_state(const stream_options& o) : lines(o.time, o.columns), settings(o.settings) {}

  sensor_lines lines;
  sensor_settings settings;
  std::optional<sensor_model> model; ///< none as long as the first rows are waited for
  std::optional<sensor_record> record;
  std::uint64_t offset = 0;  ///< bytes of input taken
  std::uint64_t written = 0; ///< bytes of output
  std::uint64_t line = 0;    ///< lines taken
  std::uint64_t rows = 0;
  std::uint64_t damaged = 0;
  std::uint64_t alarms = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    std::uint32_t version = 1;
    archive(version);
    archive.require(version == 1, "a checkpoint of another version");
    archive(lines, settings, offset, written, line, rows, damaged, alarms);
    if constexpr (Archive::reading) {
      archive.require(!lines.columns().empty(), "a stream without columns");
      model.emplace(lines.columns().size(), settings);
      record.emplace(lines.columns().size());
    }
    archive(*model, *record);
  }
};

/// Reads, learns and answers line by line.
class sensor_stream {
 public:
  explicit sensor_stream(const stream_options& o)
      : options_(o), source_(o.input, o.follow), output_(o.output, o.json), state_(o) {
    if (!o.checkpoint.empty()) {
      taken_.emplace(o.checkpoint + ".lines");
      if (std::filesystem::exists(o.checkpoint)) {
        resume();
        return;
      }
      if (taken_->get() > 0 && !source_.seekable()) {
        std::cerr << "sensor: begins anew; " << taken_->get()
                  << " lines taken before any checkpoint are lost\n";
      }
    }
    output_.resume(0);
  }

  /// Until the input ends or the user stops. Returns whether it ended.
  bool run() {
    stop_signal stop;
    save_signal save;
    for (;;) {
      if (!source_.waiting()) {
        output_.flush();
      }
      const auto line = source_.next([&] {
        if (save_signal::take()) {
          save_checkpoint();
        }
      });
      if (line) {
        ++state_.line;
        take(*line);
      }
      if (taken_) {
        taken_->set(state_.line);
      }
      const bool due = state_.rows >= saved_rows_ + options_.checkpoint_every;
      if (!line || save_signal::take() || due) {
        save_checkpoint();
      }
      if (!line) {
        finish();
        return !stop_signal::wanted();
      }
    }
  }

  const stream_state& state() const noexcept { return state_; }

 private:
  void resume() {
    load_state(options_.checkpoint, state_);
    output_.resume(state_.written);
    const std::uint64_t since = taken_->get() > state_.line ? taken_->get() - state_.line : 0;
    std::cerr << "sensor: goes on after line " << state_.line << ", row " << state_.rows << "; ";
    if (source_.seekable()) {
      source_.skip_to(state_.offset);
      std::cerr << since << " lines taken since the checkpoint are read again\n";
    } else {
      std::cerr << since << " lines taken since the checkpoint are lost\n";
      state_.offset = 0;
      reread_header_ = true;
    }
    begun_ = true;
    saved_rows_ = state_.rows;
    begin_output();
  }

  void take(std::string_view line) {
    if (line.empty()) {
      return;
    }
    if (!begun_) {
      begin(line);
      return;
    }
    if (std::exchange(reread_header_, false) && state_.lines.is_header(line)) {
      return;
    }
    const std::string wrong =
        source_.cut() ? "longer than a megabyte" : state_.lines.read(line, row_);
    if (!wrong.empty()) {
      ++state_.damaged;
      std::cerr << "sensor: line " << state_.line << ": " << wrong << ", skipped\n";
      return;
    }
    if (state_.model) {
      learn(row_);
    } else {
      wait(line);
    }
  }

  void begin(std::string_view line) {
    const bool header = state_.lines.begin(line);
    begun_ = true;
    if (!state_.lines.timed() || state_.settings.step > 0) {
      make_model();
    }
    if (!header) {
      take(line);
    }
  }

  /// The first rows are kept until their times tell how far apart rows are.
  void wait(std::string_view line) {
    first_clock_.missing_before(row_.time);
    first_lines_.emplace_back(line);
    if (first_lines_.size() < 10) {
      return;
    }
    end_waiting();
  }

  void end_waiting() {
    state_.settings.step = first_clock_.step();
    make_model();
    for (const std::string& line : std::exchange(first_lines_, {})) {
      state_.lines.read(line, row_);
      learn(row_);
    }
  }

  void make_model() {
    state_.model.emplace(state_.lines.columns().size(), state_.settings);
    state_.record.emplace(state_.lines.columns().size());
    begin_output();
  }

  void begin_output() {
    if (!options_.quiet) {
      output_.begin(state_.lines.columns(), *state_.model);
    }
  }

  void learn(const sensor_row& row) {
    const hanami::anomaly found = state_.model->observe(row);
    ++state_.rows;
    state_.alarms += found.alarm ? 1 : 0;
    if (!options_.report.empty()) {
      state_.record->add(state_.rows, row, *state_.model, found);
    }
    if (!options_.quiet) {
      output_.write(state_.rows, row.time_text, *state_.model, found);
    }
  }

  void save_checkpoint() {
    saved_rows_ = state_.rows;
    if (!state_.model || options_.checkpoint.empty()) {
      return;
    }
    output_.flush();
    state_.offset = source_.offset();
    state_.written = output_.written();
    save_state(options_.checkpoint, state_);
  }

  void finish() {
    if (!state_.model && !first_lines_.empty()) {
      end_waiting();
      save_checkpoint();
    }
    output_.flush();
    if (state_.model && !options_.report.empty()) {
      state_.record->write(options_.report, source_.name(), state_.lines.columns(), *state_.model,
                           state_.damaged);
    }
  }

  const stream_options& options_;
  line_source source_;
  sensor_output output_;
  stream_state state_;
  sensor_row row_;
  std::optional<lasting_count> taken_;
  std::uint64_t saved_rows_ = 0;
  bool begun_ = false;
  bool reread_header_ = false; ///< a pipe may begin with its header again
  hanami::row_clock first_clock_;
  std::vector<std::string> first_lines_;
};

} // namespace example
