// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../io/checkpoint.hpp"
#include "../../io/lines/lasting_count.hpp"
#include "../../io/lines/line_sink.hpp"
#include "../../io/lines/line_source.hpp"
#include "live_streams.hpp"

namespace hanami::inline HANAMI_ISA {

/// From where to where a live stream goes.
struct live_session_options {
  std::string input = "-"; ///< standard input
  bool follow = false;     ///< the end of the file is not the end
  live_options live;
  std::string output;                     ///< empty: standard output
  std::string checkpoint;                 ///< gone on from if it exists; empty: none
  std::uint64_t checkpoint_every = 10000; ///< rows
  std::string report;                     ///< page with plots, written at the end; empty: none
};

/// Everything that a stream is after so many rows: what a checkpoint holds.
struct live_session_state {
  static constexpr std::string_view checkpoint_kind = "live_session";
  static constexpr std::uint32_t checkpoint_version = 2;

  live_streams streams;
  file_mark mark;            ///< of the input, as far as it was taken
  std::uint64_t written = 0; ///< bytes of output
  std::uint64_t lines = 0;   ///< taken

  template <class Archive>
  void serialize(Archive& archive) {
    archive(streams, mark, written, lines);
  }
};

/// Reads, learns and answers line by line. What a kill leaves behind is a checkpoint, whole, and
/// output that goes further: begun again, it cuts that off and reads on from the checkpoint.
class live_session {
 public:
  /// `say` is called with what the user should know, one line at a time. Throws `errc::file_error`,
  /// `errc::invalid_argument` for options that cannot be, and as `load`.
  live_session(live_session_options o, std::function<void(const std::string&)> say)
      : options_(std::move(o)), say_(std::move(say)), source_(options_.input, options_.follow),
        output_(options_.output) {
    source_.on_change([this](source_change change) { see(change); });
    options_.live.report = !options_.report.empty();
    state_.streams = live_streams(options_.live);
    if (!options_.checkpoint.empty()) {
      taken_.emplace(options_.checkpoint + ".lines");
      discard_parts(options_.checkpoint);
      if (std::filesystem::exists(options_.checkpoint)) {
        resume();
      } else if (taken_->get() > 0 && !source_.seekable()) {
        say_("begins anew; " + std::to_string(taken_->get()) +
             " lines taken before any checkpoint are lost");
      }
    }
    output_.resume(state_.written);
    if (output_.written() == 0) {
      state_.streams.begin_output();
    }
  }

  live_session(const live_session&) = delete;
  live_session& operator=(const live_session&) = delete;

  /// Until the input ends or `stop` is true, which is asked ten times a second at least; a
  /// checkpoint is written whenever `save` is. Returns whether the input ended.
  template <std::predicate Stop, std::predicate Save>
  bool run(Stop stop, Save save) {
    while (state_.streams.reader().refusal().empty()) {
      if (!source_.waiting()) {
        state_.streams.settle(output_.text());
        output_.flush();
        say_time();
      }
      int idle = 0;
      const auto line = source_.next([&] {
        if (save()) {
          save_checkpoint();
        }
        if (++idle == 12) { // a second
          tell_troubles(false);
        }
        return !stop();
      });
      if (!line) {
        break;
      }
      ++state_.lines;
      state_.streams.feed(*line, source_.cut(), output_.text());
      output_.settle();
      if (taken_) {
        taken_->set(state_.lines);
      }
      if (save() || state_.streams.rows() >= saved_rows_ + options_.checkpoint_every) {
        save_checkpoint();
      }
    }
    const bool ended = !stop() || !state_.streams.reader().refusal().empty();
    finish(ended);
    return ended;
  }

  /// Why nothing has been learned; empty where something has, or where nothing new was there.
  std::string failure() const {
    const live_streams& streams = state_.streams;
    const bool same = streams.reader().lost_lines() == lost_before_;
    const bool good = streams.rows() > rows_before_ || (streams.rows() > 0 && same);
    return good ? std::string() : source_.name() + ": " + streams.reason();
  }

 private:
  void see(source_change change) {
    if (begins_file(change)) {
      state_.streams.finish(output_.text());
    }
    say_(source_.name() + ' ' + std::string(words_for(change)));
  }

  void resume() {
    state_ = load<live_session_state>(options_.checkpoint);
    state_.streams.resume(options_.live, output_.text());
    const std::uint64_t since = taken_->get() > state_.lines ? taken_->get() - state_.lines : 0;
    std::string how = std::to_string(since) + " lines taken since the checkpoint are lost";
    if (source_.seekable()) {
      switch (source_.resume(state_.mark)) {
      case source_resumed::here:
        how = std::to_string(since) + " lines taken since the checkpoint are read again";
        break;
      case source_resumed::rotated:
        how = source_.name() + " has another name by now, and its rest is read first";
        break;
      case source_resumed::another:
        how = source_.name() + " is another file, and is read from its start";
        break;
      }
    }
    rows_before_ = saved_rows_ = state_.streams.rows();
    lost_before_ = state_.streams.reader().lost_lines();
    say_("goes on after line " + std::to_string(state_.lines) + ", row " +
         std::to_string(rows_before_) + "; " + how);
    said_time_ = true;
    for (const row_trouble& trouble : state_.streams.reader().troubles().all()) {
      told_.push_back(trouble.count);
    }
  }

  void say_time() {
    if (!said_time_ && state_.streams.reader().begun()) {
      said_time_ = true;
      say_(state_.streams.reader().time_description());
    }
  }

  void save_checkpoint() {
    saved_rows_ = state_.streams.rows();
    if (!state_.streams.reader().begun() || options_.checkpoint.empty()) {
      return;
    }
    state_.streams.flush(output_.text());
    output_.flush();
    state_.mark = source_.mark();
    state_.written = output_.written();
    save(state_, options_.checkpoint);
  }

  /// A row that is not whole waits in the checkpoint for its rest, unless the input has ended.
  void finish(bool ended) {
    if (ended || !state_.streams.reader().begun()) {
      state_.streams.finish(output_.text());
    }
    state_.streams.flush(output_.text());
    output_.flush();
    save_checkpoint();
    say_time();
    tell_troubles(true);
    std::string texts;
    for (const std::string& name : state_.streams.reader().texts()) {
      texts += (texts.empty() ? "" : ", ") + name;
    }
    if (!texts.empty()) {
      say_("text is left out: " + texts);
    }
    if (!options_.report.empty()) {
      state_.streams.write_report(options_.report, source_.name());
    }
    say_(state_.streams.summary());
  }

  /// One message for each kind; again at the end where there were more since.
  void tell_troubles(bool last) {
    const auto tell = [&](const row_troubles& troubles, std::vector<std::uint64_t>& told) {
      told.resize(troubles.all().size());
      for (std::size_t i = 0; i < told.size(); ++i) {
        const row_trouble& trouble = troubles.all()[i];
        if (told[i] == 0 || (last && told[i] < trouble.count)) {
          told[i] = trouble.count;
          say_(trouble.message());
        }
      }
    };
    tell(state_.streams.reader().troubles(), told_);
    tell(state_.streams.notes(), told_notes_);
  }

  live_session_options options_;
  std::function<void(const std::string&)> say_;
  line_source source_;
  line_sink output_;
  live_session_state state_;
  std::optional<lasting_count> taken_;
  std::vector<std::uint64_t> told_; ///< counts of troubles, and of notes
  std::vector<std::uint64_t> told_notes_;
  std::uint64_t saved_rows_ = 0;
  std::uint64_t rows_before_ = 0; ///< at the checkpoint
  std::uint64_t lost_before_ = 0;
  bool said_time_ = false;
};

} // namespace hanami
