// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "stream_session.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "../../foundation/error.hpp"
#include "../../io/json_text.hpp"
#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/refusal.hpp"
#include "stream_texts.hpp"

namespace hanami::service::streams {

namespace detail {

/// Does `work`, and refuses the value at `pointer` where that throws.
template <class Work>
auto at_value(const char* pointer, Work work) {
  try {
    return work();
  } catch (const error& e) {
    throw invalid_value_at(pointer, e.what());
  }
}

/// Columns that a device may have, so that its forecasts fit into a stream.
inline std::uint64_t columns_in(const stream_plan& plan) {
  const std::uint64_t horizons =
      plan.window == 0 ? 1 : std::max<std::uint64_t>(2, plan.horizons.size());
  return std::clamp<std::uint64_t>(plan.max_tracks / horizons, 1, most_fields);
}

} // namespace detail

HANAMI_SERVICE_INLINE stream_options learning_of(const stream_plan& plan) {
  stream_options options;
  options.window = plan.window;
  options.horizons = plan.horizons;
  options.step = plan.step;
  options.alarms_per_day = plan.alarms_per_day;
  options.seed = plan.seed;
  options.point = plan.mean ? point_forecast::mean : point_forecast::median;
  if (!plan.zone.empty()) {
    options.zone = detail::at_value("/time/zone", [&] { return time_zone(plan.zone); });
  }
  if (plan.columns.size() > detail::columns_in(plan)) {
    throw invalid_value_at("/columns", "a stream's memory holds " +
                                           std::to_string(detail::columns_in(plan)) +
                                           " columns with so many horizons");
  }
  detail::at_value("/columns", [&] { return stream_model(plan.columns, {}).rows(); });
  detail::at_value("/horizons", [&] { return stream_model(options).rows(); });
  return options;
}

HANAMI_SERVICE_INLINE stream_reader_options reading_of(const stream_plan& plan) {
  stream_reader_options options;
  options.columns = plan.columns;
  options.by = plan.by;
  options.time.field = plan.time_field;
  options.time.format = plan.time_format;
  options.time.unit = plan.time_unit;
  if (!plan.zone.empty()) {
    options.time.zone = detail::at_value("/time/zone", [&] { return time_zone(plan.zone); });
  }
  options.format.max_fields = detail::columns_in(plan) + 8; // the time, `by` and the like
  detail::at_value("/time", [&] { return stream_reader(options).timed(); });
  return options;
}

HANAMI_SERVICE_INLINE void append_alarm(std::string& to, const stream_alarm& alarm) {
  to += R"({"number":)";
  detail::append_count(to, alarm.number);
  to += R"(,"row":)";
  detail::append_count(to, alarm.row);
  to += R"(,"at":")" + to_rfc3339(alarm.at) + R"(","time":)";
  detail::append_text_or_null(to, alarm.time);
  to += R"(,"key":)";
  detail::append_text_or_null(to, alarm.key);
  to += R"(,"column":)" + json_string(alarm.column) + R"(,"expected":)";
  detail::append_value(to, alarm.expected);
  to += R"(,"seen":)";
  detail::append_value(to, alarm.seen);
  to += R"(,"probability":)";
  detail::append_probability(to, alarm.score);
  to += R"(,"score":)";
  append_plain_number(to, alarm.score, 3, "null");
  to += R"(,"reason":)" + json_string(detail::reason_of(alarm)) + '}';
}

HANAMI_SERVICE_INLINE stream_session::stream_session(stream_plan plan)
    : plan_(std::move(plan)),
      devices_(plan_.by.empty() ? 1 : static_cast<std::size_t>(plan_.max_devices),
               {stream_model(plan_.columns, learning_of(plan_)), {}, {}}) {
  reading_of(plan_);
}

// --- A batch.

HANAMI_SERVICE_INLINE void stream_session::begin(row_batch batch, wanted_answers wanted) {
  batch_ = std::move(batch);
  wanted_ = wanted;
  result_ = {};
  last_.clear();
  next_ = 0;
  read_ = over_ = false;
  last_at_ = batch_.at;
  const stream_reader& from = reader();
  lines_before_ = from.lines();
  lost_before_ = from.lost_lines();
}

HANAMI_SERVICE_INLINE bool stream_session::work(clock::time_point until) {
  constexpr std::size_t looks_at_clock = 16; // rows
  std::size_t learned = 0;
  try {
    while (!over_) {
      while (reader().next()) {
        learn(reader().row());
        if (++learned % looks_at_clock == 0 && clock::now() >= until) {
          return true;
        }
      }
      over_ = !next_line();
    }
  } catch (const error& e) { // a field that was asked for is not there
    drop_reader(e.what());
  }
  return false;
}

/// Feeds the reader; false: there is no more.
HANAMI_SERVICE_INLINE bool stream_session::next_line() {
  const std::string_view text = batch_.text;
  if (next_ < text.size()) {
    const std::size_t end = std::min(text.find('\n', next_), text.size());
    const std::string_view line = text.substr(next_, end - next_);
    next_ = end + 1;
    reader().feed(line);
    return true;
  }
  if (!std::exchange(read_, true)) {
    reader().finish();
    return true;
  }
  return false;
}

HANAMI_SERVICE_INLINE batch_result stream_session::end() {
  auto& from = readers_[static_cast<std::size_t>(batch_.syntax)];
  over_ = true;
  if (from) {
    result_.lost = from->lost_lines() - lost_before_;
    const row_troubles troubles = from->take_troubles();
    for (row_trouble note : troubles.all()) {
      note.first.line -= std::min(note.first.line, lines_before_);
      result_.notes.push_back(std::move(note));
    }
    if (!from->begun()) {
      drop_reader(!from->refusal().empty() ? from->refusal()
                  : result_.notes.empty()  ? std::string("there is no row in it")
                                           : result_.notes.front().message());
    }
  }
  lost_ += result_.lost;
  result_.last = rows_;
  if (wanted_ == wanted_answers::last) {
    result_.answers = last_;
  }
  batch_ = {};
  return std::move(result_);
}

HANAMI_SERVICE_INLINE batch_result stream_session::take(row_batch batch, wanted_answers wanted) {
  begin(std::move(batch), wanted);
  work(clock::time_point::max());
  return end();
}

/// Each syntax has a reader of its own, which goes on from batch to batch.
HANAMI_SERVICE_INLINE stream_reader& stream_session::reader() {
  auto& found = readers_[static_cast<std::size_t>(batch_.syntax)];
  if (!found) {
    stream_reader_options options = reading_of(plan_);
    options.format.syntax = batch_.syntax == batch_syntax::csv ? row_syntax::csv
                            : batch_.syntax == batch_syntax::line_protocol
                                ? row_syntax::line_protocol
                                : row_syntax::json;
    found.emplace(std::move(options));
  }
  return *found;
}

/// What it has learned of the text is wrong: the next batch begins anew.
HANAMI_SERVICE_INLINE void stream_session::drop_reader(std::string why) {
  readers_[static_cast<std::size_t>(batch_.syntax)].reset();
  result_.refusal = std::move(why);
  over_ = true;
}

HANAMI_SERVICE_INLINE void stream_session::learn(const stream_row& row) {
  device& of = devices_[row.key];
  const stream_result& said = of.model.observe(row.values, row.time);
  ++rows_;
  ++result_.rows;
  const bool grown = of.names.size() != of.model.columns().size();
  if (grown) {
    of.names = detail::names_in_json(of.model.columns());
    of.decimals.resize(of.names.size());
  }
  if (said.anomaly.alarm) {
    note_alarm(row, of, said.anomaly);
  }
  answer(row, of, said);
  if (grown || of.names.size() * of.model.horizons().size() > widest_) {
    fit(of);
  }
}

/// Rows have become wider: so many devices fit.
HANAMI_SERVICE_INLINE void stream_session::fit(device& of) {
  const std::uint64_t width = of.names.size() * of.model.horizons().size();
  if (width <= widest_ || plan_.by.empty()) {
    return;
  }
  widest_ = width;
  const std::uint64_t most =
      std::clamp<std::uint64_t>(plan_.max_tracks / width, 1, plan_.max_devices);
  devices_.limit(static_cast<std::size_t>(most), [](const std::string&, device&) {});
}

HANAMI_SERVICE_INLINE void stream_session::answer(const stream_row& row, device& of,
                                                  const stream_result& said) {
  const bool wanted = wanted_ == wanted_answers::all || wanted_ == wanted_answers::last ||
                      (wanted_ == wanted_answers::alarms && said.anomaly.alarm);
  if (!wanted && plan_.history == 0) {
    return;
  }
  std::string& to = answer_;
  to.clear();
  to += R"({"row":)";
  detail::append_count(to, rows_);
  to += R"(,"time":)";
  detail::append_text_or_null(to, row.time_text);
  if (!plan_.by.empty()) {
    to += R"(,"key":)" + json_string(row.key);
  }
  to += R"(,"values":{)";
  bool first = true;
  for (const auto& [name, value] : row.values) {
    const std::size_t c = of.model.index_of(name);
    to += std::exchange(first, false) ? "" : ",";
    to += of.names[c];
    detail::append_value(to, value);
  }
  to += R"(},"probability":)";
  detail::append_probability(to, said.anomaly.score);
  to += R"(,"score":)";
  append_plain_number(to, said.anomaly.score, 3, "null");
  to += R"(,"alarm":)";
  if (said.anomaly.alarm) {
    append_alarm(to, alarms_.back());
  } else {
    to += "null";
  }
  to += R"(,"forecasts":)";
  detail::append_forecasts(to, of.model, of.names, of.decimals,
                           [&](std::size_t c, std::size_t h) { return said.ahead(c, h); });
  to += '}';
  if (wanted && wanted_ != wanted_answers::last) {
    result_.answers += result_.answers.empty() ? "" : ",";
    result_.answers += to;
  } else if (wanted) {
    last_ = to;
  }
  keep(rows_, to);
}

HANAMI_SERVICE_INLINE void stream_session::keep(std::uint64_t row, std::string_view text) {
  if (plan_.history == 0) {
    return;
  }
  old_answer made{row, {}};
  while (!history_.empty() &&
         (history_.size() >= plan_.history || history_bytes_ + text.size() > most_history)) {
    history_bytes_ -= history_.front().text.size();
    made.text = std::move(history_.front().text); // whose memory is used again
    history_.pop_front();
  }
  made.text = text;
  history_bytes_ += text.size();
  history_.push_back(std::move(made));
}

HANAMI_SERVICE_INLINE void stream_session::note_alarm(const stream_row& row, const device& of,
                                                      const anomaly& found) {
  ++result_.alarms;
  stream_alarm alarm;
  alarm.number = ++alarm_count_;
  alarm.row = rows_;
  alarm.at = batch_.at;
  alarm.time = row.time_text;
  alarm.key = row.key;
  alarm.column = of.model.columns().at(found.column);
  alarm.expected = found.expected;
  alarm.seen = found.seen;
  alarm.score = found.score;
  alarms_.push_back(std::move(alarm));
  if (alarms_.size() > most_alarms) {
    alarms_.pop_front();
  }
}

// --- Looks.

HANAMI_SERVICE_INLINE std::size_t stream_session::bytes() const {
  std::size_t sum = sizeof(*this) + history_bytes_ + history_.size() * sizeof(old_answer) +
                    alarms_.size() * sizeof(stream_alarm);
  devices_.for_each([&](const std::string& key, const device& d) {
    sum += key.size() + sizeof(d) - sizeof(d.model) + d.model.bytes();
  });
  return sum;
}

HANAMI_SERVICE_INLINE stream_statistics stream_session::statistics() const {
  stream_statistics s;
  s.rows = rows_;
  s.lost = lost_;
  s.alarms = alarm_count_;
  s.devices = devices_.size();
  s.devices_dropped = devices_.dropped();
  s.bytes = bytes();
  s.last_at = last_at_;
  std::set<std::string> known;
  devices_.for_each([&](const std::string&, const device& d) {
    s.missing_rows += d.model.missing_rows();
    for (const std::string& column : d.model.columns()) {
      if (known.insert(column).second) {
        s.columns.push_back(column);
      }
    }
  });
  for (const auto& reader : readers_) {
    if (reader) {
      s.times.push_back(reader->time_description());
    }
  }
  return s;
}

HANAMI_SERVICE_INLINE std::vector<stream_alarm>
stream_session::alarms_before(std::uint64_t before, std::size_t most) const {
  std::vector<stream_alarm> found;
  for (auto at = alarms_.rbegin(); at != alarms_.rend() && found.size() < most; ++at) {
    if (at->number < before) {
      found.push_back(*at);
    }
  }
  return found;
}

HANAMI_SERVICE_INLINE std::vector<stream_alarm>
stream_session::alarms_after(std::uint64_t after, std::size_t most) const {
  std::vector<stream_alarm> found;
  for (const stream_alarm& alarm : alarms_) {
    if (alarm.number > after && found.size() < most) {
      found.push_back(alarm);
    }
  }
  return found;
}

HANAMI_SERVICE_INLINE history_page stream_session::history_before(std::uint64_t before,
                                                                  std::size_t most) const {
  history_page page;
  page.kept = history_.size();
  std::size_t count = 0;
  std::uint64_t last = 0;
  for (auto at = history_.rbegin(); at != history_.rend(); ++at) {
    if (at->row >= before) {
      continue;
    }
    if (count++ == most) {
      page.next = last;
      return page;
    }
    page.answers += page.answers.empty() ? "" : ",";
    page.answers += at->text;
    last = at->row;
  }
  return page;
}

HANAMI_SERVICE_INLINE std::optional<std::string>
stream_session::forecasts(std::string_view key) const {
  const device* const of = devices_.find(key);
  if (of == nullptr) {
    return plan_.by.empty() ? std::optional<std::string>("{}") : std::nullopt;
  }
  std::string found;
  std::vector<decimal_places> decimals(of->model.columns().size());
  detail::append_forecasts(found, of->model, detail::names_in_json(of->model.columns()), decimals,
                           [&](std::size_t c, std::size_t h) { return of->model.predict(c, h); });
  return found;
}

} // namespace hanami::service::streams
