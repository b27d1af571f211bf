// SPDX-License-Identifier: Apache-2.0
#pragma once

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
#include <hanami/stream/result_lines.hpp>
#include <hanami/stream/row_lines.hpp>
#include <hanami/stream/stream_report.hpp>

#include "lasting_count.hpp"
#include "save_signal.hpp"
#include "stop_signal.hpp"

namespace example {

struct sensor_options {
  std::string input = "-";
  bool follow = false;
  std::string time;
  std::string zone;
  std::vector<std::string> columns;
  std::string output;
  bool json = false;
  bool quiet = false; ///< no output of rows
  std::string checkpoint;
  std::uint64_t checkpoint_every = 10000; ///< rows
  std::string report;
  hanami::stream_options learning;
};

/// Everything that a stream is after so many rows: what a checkpoint holds.
struct sensor_state {
  static constexpr std::string_view checkpoint_kind = "sensor";
  static constexpr std::uint32_t checkpoint_version = 1;

  hanami::row_lines lines;
  hanami::stream_model model; ///< without columns as long as the first rows are waited for
  hanami::stream_report report;
  std::uint64_t offset = 0;  ///< bytes of input taken
  std::uint64_t written = 0; ///< bytes of output
  std::uint64_t line = 0;    ///< lines taken
  std::uint64_t damaged = 0;
  std::uint64_t alarms = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(lines, model, report, offset, written, line, damaged, alarms);
    archive.require(!model.columns().empty() && model.columns() == lines.columns(),
                    "a model of other columns than the lines have");
  }
};

/// Reads, learns and answers line by line. What a kill leaves behind is a checkpoint, whole, and
/// output that goes further: begun again, it cuts that off and reads on from the checkpoint.
class sensor_stream {
 public:
  explicit sensor_stream(const sensor_options& o)
      : options_(o), learning_(o.learning), source_(o.input, o.follow), output_(o.output) {
    std::optional<hanami::time_zone> zone;
    if (!o.zone.empty()) {
      zone = learning_.zone = hanami::time_zone(o.zone);
    }
    state_.lines = hanami::row_lines(o.time, o.columns, std::move(zone));
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
    const stop_signal stop;
    const save_signal save;
    for (;;) {
      if (!source_.waiting()) {
        output_.flush();
      }
      const auto line = source_.next([&] {
        if (save_signal::take()) {
          save_checkpoint();
        }
        return !stop_signal::wanted();
      });
      if (line) {
        ++state_.line;
        take(*line);
      }
      if (taken_) {
        taken_->set(state_.line);
      }
      const bool due = state_.model.rows() >= saved_rows_ + options_.checkpoint_every;
      if (!line || save_signal::take() || due) {
        save_checkpoint();
      }
      if (!line) {
        finish();
        return !stop_signal::wanted();
      }
    }
  }

  const sensor_state& state() const noexcept { return state_; }

 private:
  bool learns() const noexcept { return !state_.model.columns().empty(); }

  void resume() {
    state_ = hanami::load<sensor_state>(options_.checkpoint);
    output_.resume(state_.written);
    const std::uint64_t since = taken_->get() > state_.line ? taken_->get() - state_.line : 0;
    std::cerr << "sensor: goes on after line " << state_.line << ", row " << state_.model.rows()
              << "; ";
    if (source_.seekable()) {
      source_.skip_to(state_.offset);
      std::cerr << since << " lines taken since the checkpoint are read again\n";
    } else {
      std::cerr << since << " lines taken since the checkpoint are lost\n";
      state_.offset = 0;
      reread_header_ = true;
    }
    begun_ = true;
    saved_rows_ = state_.model.rows();
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
    if (std::exchange(reread_header_, false) && hanami::row_lines::is_header(line)) {
      return;
    }
    const std::string wrong =
        source_.cut() ? "longer than a megabyte" : state_.lines.read(line, row_);
    if (!wrong.empty()) {
      ++state_.damaged;
      std::cerr << "sensor: line " << state_.line << ": " << wrong << ", skipped\n";
    } else if (learns()) {
      learn(row_);
    } else {
      wait(line);
    }
  }

  void begin(std::string_view line) {
    const bool header = state_.lines.begin(line);
    begun_ = true;
    if (!state_.lines.timed() || learning_.step > 0) {
      make_model();
    }
    if (!header) {
      take(line);
    }
  }

  /// The first rows are kept until their times tell how far apart rows are, and so what can be
  /// forecast: the first line of output names it.
  void wait(std::string_view line) {
    first_times_.push_back(row_.time);
    first_lines_.emplace_back(line);
    if (first_lines_.size() == 10) {
      end_waiting();
    }
  }

  void end_waiting() {
    learning_.step = hanami::step_of(first_times_);
    if (learning_.step == 0 && learning_.horizons.empty()) {
      learning_.horizons = {1};
    }
    make_model();
    for (const std::string& line : std::exchange(first_lines_, {})) {
      state_.lines.read(line, row_);
      learn(row_);
    }
  }

  void make_model() {
    state_.model = hanami::stream_model(state_.lines.columns(), learning_);
    begin_output();
  }

  void begin_output() {
    result_lines_ = hanami::result_lines(state_.model, options_.json);
    if (!options_.quiet && output_.written() == 0) {
      output_.text() += result_lines_.header();
    }
  }

  void learn(const hanami::stream_row& row) {
    const hanami::stream_result& said = state_.model.observe(row.values, row.time);
    state_.alarms += said.anomaly.alarm ? 1 : 0;
    if (!options_.report.empty()) {
      state_.report.add(row.values, row.time_text, state_.model, said);
    }
    if (!options_.quiet) {
      result_lines_.append(output_.text(), state_.model.rows(), row.time_text, state_.model, said);
      output_.settle();
    }
  }

  void save_checkpoint() {
    saved_rows_ = state_.model.rows();
    if (!learns() || options_.checkpoint.empty()) {
      return;
    }
    output_.flush();
    state_.offset = source_.offset();
    state_.written = output_.written();
    hanami::save(state_, options_.checkpoint);
  }

  void finish() {
    if (!learns() && !first_lines_.empty()) {
      end_waiting();
      save_checkpoint();
    }
    output_.flush();
    if (learns() && !options_.report.empty()) {
      state_.report.write(options_.report, source_.name(), state_.model, state_.damaged);
    }
  }

  const sensor_options& options_;
  hanami::stream_options learning_;
  hanami::line_source source_;
  hanami::line_sink output_;
  hanami::result_lines result_lines_;
  sensor_state state_;
  hanami::stream_row row_;
  std::optional<lasting_count> taken_;
  std::uint64_t saved_rows_ = 0;
  bool begun_ = false;
  bool reread_header_ = false; ///< a pipe may begin with its header again
  std::vector<double> first_times_;
  std::vector<std::string> first_lines_;
};

} // namespace example
