// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../../io/row_troubles.hpp"

/// The plain data of streams.

namespace hanami::service::streams {

/// How rows stand in a text. Numbers are kept in journals.
enum class batch_syntax : std::uint8_t { json, csv, line_protocol };
inline constexpr std::size_t batch_syntaxes = 3;

/// Which rows of a batch are answered.
enum class wanted_answers : std::uint8_t { all, last, alarms, none };

/// A batch of rows as it came.
struct row_batch {
  batch_syntax syntax = batch_syntax::json;
  std::int64_t at = 0; ///< when it came; milliseconds since 1970
  std::string text;
};

/// What became of a batch.
struct batch_result {
  std::uint64_t rows = 0; ///< learned
  std::uint64_t last = 0; ///< number of the last one
  std::uint64_t alarms = 0;
  std::uint64_t lost = 0;         ///< lines or objects that are no rows
  std::string answers;            ///< JSON objects with commas between them
  std::vector<row_trouble> notes; ///< lines are those of the batch
  std::string refusal;            ///< why nothing of it could be read; empty: it could
};

/// Alarms that are kept of a stream.
inline constexpr std::size_t most_alarms = 1000;

struct stream_alarm {
  std::uint64_t number = 0; ///< from 1
  std::uint64_t row = 0;    ///< number of the row
  std::int64_t at = 0;      ///< when the row came; milliseconds since 1970
  std::string time;         ///< of the row, as it came
  std::string key;
  std::string column;
  double expected = 0;
  double seen = 0;
  double score = 0;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, row, at, time, key, column, expected, seen, score);
  }
};

/// A part of the history, newest first.
struct history_page {
  std::string answers;    ///< JSON objects with commas between them
  std::uint64_t next = 0; ///< row before which the next page begins; 0: this was all
  std::size_t kept = 0;   ///< answers on all pages
};

struct stream_statistics {
  std::uint64_t rows = 0;
  std::uint64_t missing_rows = 0;
  std::uint64_t lost = 0;
  std::uint64_t alarms = 0;
  std::size_t devices = 0;
  std::uint64_t devices_dropped = 0;
  std::size_t bytes = 0;
  std::int64_t last_at = 0;         ///< when the last batch came; 0: none did
  std::vector<std::string> columns; ///< of all devices
  std::vector<std::string> times;   ///< for each syntax that was used, how times are read
};

/// One in JSON, with the reason in words.
void append_alarm(std::string& to, const stream_alarm& alarm);

} // namespace hanami::service::streams
