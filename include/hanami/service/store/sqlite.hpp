// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <sqlite3.h>

/// A thin layer over SQLite: values are always bound, never spliced into the text. Errors are
/// `errc::file_error` with what SQLite says.

namespace hanami::service::store {

/// A prepared statement in use: bind, step, read the columns. Its destructor returns it to its
/// connection's cache.
class statement {
 public:
  explicit statement(sqlite3_stmt* prepared) noexcept : prepared_(prepared) {}
  statement(statement&& other) noexcept : prepared_(std::exchange(other.prepared_, nullptr)) {}
  statement& operator=(statement&&) = delete;
  ~statement() {
    if (prepared_ != nullptr) {
      sqlite3_reset(prepared_);
      sqlite3_clear_bindings(prepared_);
    }
  }

  /// `index` from 1, as SQLite counts. Text is copied.
  void bind(int index, std::int64_t value);
  void bind(int index, double value);
  void bind(int index, std::string_view text);
  void bind(int index, std::nullptr_t);

  /// True: there is a row to read. Throws where SQLite refuses; a broken UNIQUE constraint is
  /// `constraint_error`.
  bool step();

  // Columns of the current row, from 0. A NULL is 0 or empty.
  std::int64_t integer(int column) const { return sqlite3_column_int64(prepared_, column); }
  double real(int column) const { return sqlite3_column_double(prepared_, column); }
  bool is_null(int column) const { return sqlite3_column_type(prepared_, column) == SQLITE_NULL; }
  std::string text(int column) const {
    const auto* begin = reinterpret_cast<const char*>(sqlite3_column_text(prepared_, column));
    return begin == nullptr
               ? std::string()
               : std::string(begin,
                             static_cast<std::size_t>(sqlite3_column_bytes(prepared_, column)));
  }

 private:
  sqlite3_stmt* prepared_;
};

/// A row that should be unique exists already.
class constraint_error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class open_mode : std::uint8_t { read_write, read_only };

/// One connection with its prepared statements. For one thread at a time.
class connection {
 public:
  /// The file must be there; see `database`. Waits up to 10 s for locks of others.
  explicit connection(const std::filesystem::path& file, open_mode mode = open_mode::read_write);

  /// Prepares (once, by its text) and binds: `query("SELECT name FROM users WHERE id = ?", id)`.
  /// Booleans are bound as integers, `nullptr` as NULL. `sql` must be one of the program's own
  /// texts, since prepared statements are kept by their text; a text must not be used again while
  /// its statement is in use.
  template <class... Values>
  statement query(std::string_view sql, const Values&... values) {
    statement prepared = prepare(sql);
    int index = 0;
    (bind_value(prepared, ++index, values), ...);
    return prepared;
  }
  /// Runs a statement without results; returns the number of rows it changed.
  template <class... Values>
  std::int64_t execute(std::string_view sql, const Values&... values) {
    statement prepared = query(sql, values...);
    while (prepared.step()) {
    }
    return sqlite3_changes64(handle_.get());
  }
  /// Runs a script of several statements, without values.
  void run_script(const std::string& sql);
  /// Copies all that it sees, as of its transaction where one has begun, to a file, made where it
  /// is missing and replaced where not.
  void copy_to(const std::filesystem::path& file);
  /// Between BEGIN and the end of the transaction, which an error may have caused.
  bool in_transaction() const noexcept { return sqlite3_get_autocommit(handle_.get()) == 0; }

 private:
  struct closer {
    void operator()(sqlite3* handle) const noexcept { sqlite3_close_v2(handle); }
  };
  struct finalizer {
    void operator()(sqlite3_stmt* prepared) const noexcept { sqlite3_finalize(prepared); }
  };

  template <class Value>
  static void bind_value(statement& to, int index, const Value& value) {
    if constexpr (std::is_same_v<Value, std::nullptr_t>) {
      to.bind(index, nullptr);
    } else if constexpr (std::is_integral_v<Value>) {
      to.bind(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<Value>) {
      to.bind(index, static_cast<double>(value));
    } else {
      to.bind(index, std::string_view(value));
    }
  }

  statement prepare(std::string_view sql);

  /// Allows looking up a text without copying it.
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>{}(text);
    }
  };
  using prepared_statements =
      std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, finalizer>, text_hash,
                         std::equal_to<>>;

  std::unique_ptr<sqlite3, closer> handle_;
  prepared_statements prepared_;
};

} // namespace hanami::service::store
