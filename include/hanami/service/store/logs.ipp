// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "logs.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <limits>
#include <utility>

#include "../../foundation/error.hpp"
#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "cursor.hpp"

namespace hanami::service::store {

namespace detail {

inline constexpr std::size_t most_waiting_entries = 100'000;
inline constexpr std::chrono::milliseconds log_delay{20}; ///< for more to come
inline constexpr std::chrono::seconds log_retry{1};       ///< after the disk has refused

/// At most 4 KiB, cut between characters of UTF-8.
inline void cut_log_text(std::string& text) {
  constexpr std::size_t most = 4096;
  if (text.size() <= most) {
    return;
  }
  std::size_t end = most;
  while (end > most - 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  text.resize(end);
}

/// The conditions of a filter in fixed words, with the values they take.
class log_conditions {
 public:
  explicit log_conditions(const log_filter& filter)
      : from_(filter.from),
        until_(filter.until == 0 ? std::numeric_limits<std::int64_t>::max() : filter.until),
        limit_(std::min<std::uint32_t>(filter.limit, 1000)),
        offset_(static_cast<std::int64_t>(
            std::min<std::uint64_t>(filter.offset, std::numeric_limits<std::int64_t>::max()))),
        after_(place_from(filter.after)) {}

  void equal(const char* column, std::string_view value) {
    if (!value.empty()) {
      words_ += std::string(" AND ") + column + " = ?";
      values_.push_back(value);
    }
  }

  /// Newest first. `entry_of(statement)` makes an entry of a row, whose first two columns are its
  /// place.
  template <class Entry, class EntryOf>
  page<Entry> read(connection& on, const std::string& columns, const std::string& table,
                   EntryOf entry_of) const {
    page<Entry> found;
    statement rows = on.query("SELECT at, id, " + columns + " FROM " + table + words_ +
                              " AND (at, id) < (?, ?) ORDER BY at DESC, id DESC LIMIT ? OFFSET ?");
    const int bound = bind(rows);
    rows.bind(bound + 1, after_.at);
    rows.bind(bound + 2, after_.id);
    rows.bind(bound + 3, std::int64_t{limit_} + 1); // one more shows that there is another page
    rows.bind(bound + 4, offset_);
    place last;
    while (rows.step()) {
      if (found.rows.size() == limit_) {
        found.next = cursor_text(last.at, std::to_string(last.id));
        break;
      }
      last = {rows.integer(0), rows.integer(1)};
      found.rows.push_back(entry_of(rows));
    }
    statement counted = on.query("SELECT count(*) FROM " + table + words_);
    bind(counted);
    counted.step();
    found.total = static_cast<std::uint64_t>(counted.integer(0));
    return found;
  }

 private:
  /// Of an entry in its log.
  struct place {
    std::int64_t at = std::numeric_limits<std::int64_t>::max();
    std::int64_t id = std::numeric_limits<std::int64_t>::max();
  };

  static place place_from(std::string_view text) {
    if (text.empty()) {
      return {};
    }
    const page_cursor cursor = cursor_from(text);
    place found{cursor.order, 0};
    const char* const end = cursor.id.data() + cursor.id.size();
    const auto [behind, trouble] = std::from_chars(cursor.id.data(), end, found.id);
    if (trouble != std::errc() || behind != end) {
      throw invalid_page("after", "'after' must be the 'next' of the page before");
    }
    return found;
  }

  int bind(statement& to) const {
    int index = 0;
    to.bind(++index, from_);
    to.bind(++index, until_);
    for (const std::string_view value : values_) {
      to.bind(++index, value);
    }
    return index;
  }

  std::int64_t from_;
  std::int64_t until_;
  std::uint32_t limit_;
  std::int64_t offset_;
  place after_;
  std::string words_ = " WHERE at >= ? AND at < ?";
  std::vector<std::string_view> values_;
};

inline void insert_audit(connection& on, const audit_entry& e) {
  on.execute("INSERT INTO audit_log (at, user_id, project_id, method, path, operation, status, "
             "address, token_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
             e.at, e.user_id, e.project_id, e.method, e.path, e.operation, e.status, e.address,
             e.token_id);
}

inline void insert_error(connection& on, const error_entry& e) {
  on.execute("INSERT INTO error_log (at, user_id, operation, input, message) "
             "VALUES (?, ?, ?, ?, ?)",
             e.at, e.user_id, e.operation, e.input, e.message);
}

} // namespace detail

HANAMI_SERVICE_INLINE logs::logs(database& db, runtime& common)
    : db_(db), log_(common.log), writer_(common.timer, [this] { write(); }) {}

HANAMI_SERVICE_INLINE logs::~logs() {
  writer_.end();
  write();
}

template <class Entry>
void logs::add_to(std::vector<Entry>& list, Entry entry) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= detail::most_waiting_entries) {
    ++lost_;
    return;
  }
  const bool first = waiting_.size() == 0;
  list.push_back(std::move(entry));
  ++added_;
  if (first) {
    writer_.set(detail::log_delay);
  }
}

HANAMI_SERVICE_INLINE void logs::add(audit_entry entry) {
  detail::cut_log_text(entry.path);
  add_to(waiting_.audits, std::move(entry));
}

HANAMI_SERVICE_INLINE void logs::add(error_entry entry) {
  detail::cut_log_text(entry.input);
  detail::cut_log_text(entry.message);
  add_to(waiting_.errors, std::move(entry));
}

/// False where the disk has refused.
HANAMI_SERVICE_INLINE bool logs::settle() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = added_;
  const std::uint64_t refusals = refusals_;
  if (stored_ < wanted) {
    writer_.set(std::chrono::milliseconds(0));
  }
  written_.wait(lock, [&] { return stored_ >= wanted || refusals_ != refusals; });
  return stored_ >= wanted;
}

HANAMI_SERVICE_INLINE void logs::flush() {
  if (!settle()) {
    throw error(errc::file_error, "the logs cannot be written: the database refuses");
  }
}

HANAMI_SERVICE_INLINE void logs::store(const batch& entries, std::uint64_t lost) {
  db_.write([&](connection& on) {
    for (const audit_entry& entry : entries.audits) {
      detail::insert_audit(on, entry);
    }
    for (const error_entry& entry : entries.errors) {
      detail::insert_error(on, entry);
    }
    if (lost > 0) {
      detail::insert_error(on, {now_ms(), "", "logs", "",
                                std::to_string(lost) + " entries of the logs were lost: the disk "
                                                       "refused them for too long"});
    }
  });
}

/// Stores what waits; what the disk refuses waits on.
HANAMI_SERVICE_INLINE void logs::write() {
  std::unique_lock lock(mutex_);
  if (waiting_.size() == 0) {
    return;
  }
  batch taken;
  std::swap(taken, waiting_);
  const std::uint64_t lost = std::exchange(lost_, 0);
  lock.unlock();
  std::exception_ptr trouble;
  try {
    store(taken, lost);
  } catch (const std::exception&) { // tried again
    trouble = std::current_exception();
  }
  lock.lock();
  const bool good = !trouble;
  if (refused_ == good) { // told once
    refused_ = !good;
    refused_ ? log_.error("logs", trouble) : log_.info("logs", "the database takes entries again");
  }
  if (good) {
    stored_ += taken.size();
  } else {
    ++refusals_;
    lost_ += lost;
    waiting_.audits.insert(waiting_.audits.begin(), taken.audits.begin(), taken.audits.end());
    waiting_.errors.insert(waiting_.errors.begin(), taken.errors.begin(), taken.errors.end());
    writer_.set(detail::log_retry);
  }
  written_.notify_all();
}

HANAMI_SERVICE_INLINE page<audit_entry> logs::audit(const log_filter& filter) {
  settle(); // else what is on disk already
  detail::log_conditions conditions(filter);
  conditions.equal("user_id", filter.user_id);
  conditions.equal("project_id", filter.project_id);
  conditions.equal("method", filter.method);
  conditions.equal("operation", filter.operation);
  return db_.read([&](connection& on) {
    return conditions.read<audit_entry>(
        on, "user_id, project_id, method, path, operation, status, address, token_id", "audit_log",
        [](const statement& row) {
          return audit_entry{row.integer(0),
                             row.text(2),
                             row.text(3),
                             row.text(4),
                             row.text(5),
                             row.text(6),
                             static_cast<unsigned>(row.integer(7)),
                             row.text(8),
                             row.text(9)};
        });
  });
}

HANAMI_SERVICE_INLINE page<error_entry> logs::errors(const log_filter& filter) {
  settle();
  detail::log_conditions conditions(filter);
  conditions.equal("user_id", filter.user_id);
  conditions.equal("operation", filter.operation);
  return db_.read([&](connection& on) {
    return conditions.read<error_entry>(
        on, "user_id, operation, input, message", "error_log", [](const statement& row) {
          return error_entry{row.integer(0), row.text(2), row.text(3), row.text(4), row.text(5)};
        });
  });
}

HANAMI_SERVICE_INLINE void logs::remove_before(std::int64_t when) {
  db_.write_anyway([&](connection& on) {
    on.execute("DELETE FROM audit_log WHERE at < ?", when);
    on.execute("DELETE FROM error_log WHERE at < ?", when);
  });
}

} // namespace hanami::service::store
