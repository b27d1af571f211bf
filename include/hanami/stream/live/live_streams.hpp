// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../io/row_troubles.hpp"
#include "../stream_model.hpp"
#include "keyed_streams.hpp"
#include "result_lines.hpp"
#include "stream_reader.hpp"
#include "stream_report.hpp"

namespace hanami::inline HANAMI_ISA {

/// How lines become rows, models and lines of results.
struct live_options {
  stream_reader_options rows;
  stream_options learning;
  std::size_t most_devices = 1000; ///< that are kept at once, where `rows.by` tells them apart
  bool json = false;               ///< results as JSON instead of CSV
  bool quiet = false;              ///< no results
  bool report = false;             ///< what a page with plots needs is kept
};

/// Lines of measurements in, lines of results out, while they come: rows are read and learned, each
/// device's by a model of its own, and what the models say is appended to a text. The results of a
/// stream's first rows come when the step between rows is known, and so what is forecast.
///
///     hanami::live_streams streams(options);
///     while (std::getline(std::cin, line)) {
///       streams.feed(line, false, results);
///     }
///     streams.finish(results);
///
/// A checkpoint may be written after `flush`, between two lines. Not safe from several threads.
class live_streams {
 public:
  static constexpr std::string_view checkpoint_kind = "live_streams";
  static constexpr std::uint32_t checkpoint_version = 2;

  live_streams() = default;
  /// Throws `errc::invalid_argument` for options out of range.
  explicit live_streams(live_options options)
      : quiet_(options.quiet), keeps_report_(options.report), keyed_(!options.rows.by.empty()),
        results_(options.json, options.rows.by),
        devices_(options.most_devices,
                 {stream_model(options.rows.columns, options.learning), {}, {}}),
        reader_(std::move(options.rows)) {}

  /// Takes the next line. `cut`: it is the beginning of one too long to be read.
  void feed(std::string_view line, bool cut, std::string& to) {
    reader_.feed(line, cut);
    take_rows(to);
  }
  /// No line is at hand at the moment: rows that wait are taken if it is clear enough how.
  void settle(std::string& to) {
    reader_.settle();
    take_rows(to);
  }
  /// The input ends, or another file begins: no row waits any longer.
  void finish(std::string& to) {
    reader_.finish();
    take_rows(to);
  }
  /// No line of results waits any longer.
  void flush(std::string& to) {
    devices_.for_each([&](const std::string& key, device& d) { write_held(key, d, to); });
  }

  /// After a checkpoint was read: what this run wants, which is not part of it.
  void resume(const live_options& options, std::string& to) {
    quiet_ = options.quiet;
    keeps_report_ = options.report;
    devices_.limit(options.most_devices,
                   [&](const std::string& key, device& d) { forget(key, d, to); });
  }
  /// Results go to another output from now on, which begins with a header.
  void begin_output() noexcept { results_.begin(); }

  const stream_reader& reader() const noexcept { return reader_; }
  std::uint64_t rows() const noexcept { return rows_; }
  std::uint64_t alarms() const noexcept { return alarms_; }
  /// Devices that are kept; 1 where none are told apart.
  std::size_t devices() const noexcept { return devices_.size(); }
  std::uint64_t missing_rows() const {
    std::uint64_t sum = 0;
    devices_.for_each([&](const std::string&, const device& d) { sum += d.model.missing_rows(); });
    return sum;
  }
  /// Bytes that the models hold, about.
  std::size_t bytes() const {
    std::size_t sum = 0;
    devices_.for_each([&](const std::string&, const device& d) { sum += d.model.bytes(); });
    return sum;
  }
  /// What the user should know, beside the troubles of the reader: devices dropped, new headers.
  const row_troubles& notes() const noexcept { return notes_; }

  /// The number of rows, damaged lines, devices and so on, in one line.
  std::string summary() const {
    return std::to_string(rows_) + " rows learned, " + std::to_string(reader_.lost_lines()) +
           " damaged lines skipped, " + std::to_string(missing_rows()) + " missing rows, " +
           std::to_string(alarms_) + " alarms, " +
           (keyed_ ? std::to_string(devices()) + (devices() == 1 ? " device, " : " devices, ")
                   : std::string()) +
           std::to_string(bytes() / 1024) + " KiB";
  }

  /// Why no row was learned: what the input looks like.
  std::string reason() const {
    if (!reader_.refusal().empty()) {
      return reader_.refusal();
    }
    std::string fields;
    for (const std::string& field : reader_.fields()) {
      fields += (fields.empty() ? "" : ", ") + field;
    }
    return "no row was learned" +
           (fields.empty() ? ": no line is one"
            : reader_.columns().empty()
                ? ": no field holds numbers to learn; the fields are " + fields
                : "; the fields are " + fields);
  }

  /// The page of `stream_report`, of all devices. Throws `errc::file_error`.
  void write_report(const std::filesystem::path& path, std::string_view source) const {
    stream_page page(source, reader_.lost_lines());
    devices_.for_each(
        [&](const std::string& key, const device& d) { page.add(key, d.report, d.model); });
    page.write(path);
  }

  template <class Archive>
  void serialize(Archive& archive) {
    archive(keyed_, results_, devices_, reader_, rows_, alarms_);
  }

 private:
  /// A line of results that waits until its model knows what it can forecast.
  struct held_line {
    std::uint64_t row = 0;
    std::string time;
    stream_result said;
  };

  /// What is known of one device, or of the whole stream.
  struct device {
    stream_model model;
    stream_report report;
    std::vector<held_line> held; ///< empty whenever a checkpoint is written

    template <class Archive>
    void serialize(Archive& archive) {
      archive(model, report);
    }
  };

  void take_rows(std::string& to) {
    while (reader_.next()) {
      learn(reader_.row(), to);
    }
  }

  void learn(const stream_row& row, std::string& to) {
    ++rows_;
    device& d = devices_.speak(
        row.key, [&](const std::string& key, device& silent) { forget(key, silent, to); });
    const stream_result& said = d.model.observe(row.values, row.time);
    alarms_ += said.anomaly.alarm ? 1U : 0U;
    if (keeps_report_) {
      d.report.add(row.values, row.time_text, d.model, said);
    }
    if (quiet_) {
      return;
    }
    if (d.model.waiting() && reader_.timed()) {
      d.held.push_back({d.model.rows(), std::string(row.time_text), said});
      return;
    }
    write_held(row.key, d, to);
    write(d.model.rows(), row.time_text, row.key, d.model, said, to);
  }

  void write(std::uint64_t row, std::string_view time, std::string_view key,
             const stream_model& model, const stream_result& said, std::string& to) {
    const std::uint64_t headers = results_.headers();
    results_.append(to, row, time, key, model, said);
    if (headers > 0 && results_.headers() > headers) {
      notes_.add("a column came late, a new header names it", {}, model.columns().back(),
                 trouble_weight::note);
    }
  }

  void write_held(std::string_view key, device& d, std::string& to) {
    for (const held_line& line : std::exchange(d.held, {})) {
      write(line.row, line.time, key, d.model, line.said, to);
    }
  }

  void forget(const std::string& key, device& d, std::string& to) {
    write_held(key, d, to);
    notes_.add("more than " + std::to_string(devices_.most()) +
                   " devices: the one silent for longest was dropped",
               {}, key, trouble_weight::note);
  }

  bool quiet_ = false;
  bool keeps_report_ = false;
  bool keyed_ = false;
  result_lines results_;
  basic_keyed_streams<device> devices_;
  stream_reader reader_;
  row_troubles notes_;
  std::uint64_t rows_ = 0;
  std::uint64_t alarms_ = 0;
};

} // namespace hanami
