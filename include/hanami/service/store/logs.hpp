// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "../base/runtime.hpp"
#include "database.hpp"
#include "page.hpp"

/// Who did what, and what went wrong.

namespace hanami::service::store {

struct audit_entry {
  std::int64_t at = 0; ///< milliseconds since 1970
  std::string user_id;
  std::string project_id;
  std::string method;
  std::string path;      ///< as asked for
  std::string operation; ///< the endpoint's id
  unsigned status = 0;
  std::string address;  ///< of the client
  std::string token_id; ///< of the API token that spoke; empty: none did
};

struct error_entry {
  std::int64_t at = 0;
  std::string user_id;
  std::string operation;
  std::string input;   ///< of the request, secrets left out, cut at 4 KiB
  std::string message; ///< what was thrown, cut at 4 KiB
};

/// Empty or 0: any. Errors have no project and no method: there, those are not looked at.
struct log_filter {
  std::string user_id;
  std::string project_id;
  std::string method;
  std::string operation;
  std::int64_t from = 0;     ///< milliseconds since 1970, inclusive
  std::int64_t until = 0;    ///< exclusive
  std::uint32_t limit = 100; ///< at most 1000
  std::string after;         ///< `next` of the page before; empty: the first page
  std::uint64_t offset = 0;  ///< behind that
};

/// Entries are written together, by the pool, within 50 ms or at the end; adding one never waits
/// for the disk. While the disk refuses, which the operator's log says, 100,000 entries wait; what
/// comes beyond is lost, which an entry of the error log says later. Safe from any thread.
class logs {
 public:
  logs(database& db, runtime& common);
  ~logs();
  logs(const logs&) = delete;
  logs& operator=(const logs&) = delete;

  void add(audit_entry entry);
  void add(error_entry entry);
  /// Waits until all that was added is on disk. Throws `errc::file_error` where the disk refuses.
  void flush();

  /// Newest first, with all that was added before the call, if the disk takes it. `total` counts
  /// all that fit the filter. Throws `invalid_value` for an `after` that is no `next`.
  page<audit_entry> audit(const log_filter& filter);
  page<error_entry> errors(const log_filter& filter);
  /// Removes what is older. Milliseconds since 1970.
  void remove_before(std::int64_t when);

 private:
  struct batch {
    std::vector<audit_entry> audits;
    std::vector<error_entry> errors;
    std::size_t size() const noexcept { return audits.size() + errors.size(); }
  };

  template <class Entry>
  void add_to(std::vector<Entry>& list, Entry entry);
  bool settle();
  void write();
  void store(const batch& entries, std::uint64_t lost);

  database& db_;
  logger& log_;
  std::mutex mutex_;
  std::condition_variable written_;
  batch waiting_;
  std::uint64_t added_ = 0;    ///< entries, ever
  std::uint64_t stored_ = 0;   ///< of them, on disk
  std::uint64_t refusals_ = 0; ///< of the disk, ever
  std::uint64_t lost_ = 0;     ///< since the last batch was stored
  bool refused_ = false;       ///< the disk has not taken the last batch
  timed_work writer_;
};

} // namespace hanami::service::store
