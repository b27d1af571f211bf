// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "resources.hpp"

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "../base/clock.hpp"
#include "../base/compile.hpp"
#include "../base/uuid.hpp"
#include "cursor.hpp"

namespace hanami::service::store {

HANAMI_SERVICE_INLINE std::string_view name_of(resource_kind kind) {
  switch (kind) {
  case resource_kind::stream:
    return "stream";
  case resource_kind::dataset:
    return "dataset";
  case resource_kind::checkpoint:
    return "checkpoint";
  case resource_kind::upload:
    return "upload";
  case resource_kind::cluster:
    break;
  }
  return "cluster";
}

namespace detail {

#define HANAMI_RESOURCE_COLUMNS                                                                    \
  "id, name, owner_id, project_id, visibility, created_at, updated_at, version, bytes, detail"

/// For a statement that selects HANAMI_RESOURCE_COLUMNS.
inline resource_row read_resource(const statement& from, resource_kind kind) {
  resource_row row;
  row.id = from.text(0);
  row.name = from.text(1);
  row.owner_id = from.text(2);
  row.project_id = from.text(3);
  row.visible_to = static_cast<visibility>(from.integer(4));
  row.created_at = from.integer(5);
  row.updated_at = from.integer(6);
  row.version = static_cast<std::uint64_t>(from.integer(7));
  row.bytes = static_cast<std::uint64_t>(from.integer(8));
  row.detail = from.text(9);
  row.kind = kind;
  return row;
}

inline std::optional<resource_row> find_resource(connection& on, resource_kind kind,
                                                 std::string_view id) {
  statement found =
      on.query("SELECT " HANAMI_RESOURCE_COLUMNS " FROM resources WHERE id = ? AND kind = ?", id,
               name_of(kind));
  return found.step() ? std::optional(read_resource(found, kind)) : std::nullopt;
}

/// `of`: nullptr where there is no such resource.
inline void refuse_unless_usable(const identity& caller, const ownership* of, resource_kind kind,
                                 std::string_view id) {
  if (of == nullptr || !may_use(caller, *of)) {
    throw not_found(std::string(name_of(kind)), std::string(id));
  }
}

inline void refuse_unless_changeable(const identity& caller, const ownership& of,
                                     resource_kind kind) {
  if (!may_change(caller, of)) {
    throw forbidden(std::string("the ") + std::string(name_of(kind)) +
                    " belongs to somebody else; its owner and administrators may change it");
  }
}

inline resource_row usable_resource(connection& on, const identity& caller, resource_kind kind,
                                    std::string_view id) {
  std::optional<resource_row> row = find_resource(on, kind, id);
  refuse_unless_usable(caller, row ? &*row : nullptr, kind, id);
  return *std::move(row);
}

inline resource_row changeable_resource(connection& on, const identity& caller, resource_kind kind,
                                        std::string_view id) {
  resource_row row = usable_resource(on, caller, kind, id);
  refuse_unless_changeable(caller, row, kind);
  return row;
}

inline usage usage_of(connection& on, std::string_view user_id) {
  usage used;
  statement kinds = on.query(
      "SELECT kind, count(*), sum(bytes) FROM resources WHERE owner_id = ? GROUP BY kind", user_id);
  while (kinds.step()) {
    const std::string kind = kinds.text(0);
    const auto count = static_cast<std::uint64_t>(kinds.integer(1));
    used.bytes += static_cast<std::uint64_t>(kinds.integer(2));
    if (kind == name_of(resource_kind::cluster)) {
      used.clusters = count;
    } else if (kind == name_of(resource_kind::stream)) {
      used.streams = count;
    } else if (kind == name_of(resource_kind::dataset)) {
      used.datasets = count;
    } else if (kind == name_of(resource_kind::checkpoint)) {
      used.checkpoints = count;
    }
  }
  return used;
}

inline void expect_quota(connection& on, const resource_row& row, std::uint64_t most,
                         std::uint64_t most_bytes) {
  statement counted = on.query("SELECT count(*) FROM resources WHERE owner_id = ? AND kind = ?",
                               row.owner_id, name_of(row.kind));
  counted.step();
  if (static_cast<std::uint64_t>(counted.integer(0)) >= most) {
    throw quota_exceeded(std::string("the quota of ") + std::string(name_of(row.kind)) +
                         "s is used up");
  }
  const std::uint64_t used = usage_of(on, row.owner_id).bytes;
  if (used > most_bytes || row.bytes > most_bytes - used) {
    throw quota_exceeded(std::to_string(row.bytes) + " bytes and the " + std::to_string(used) +
                         " in use are more than the quota of " + std::to_string(most_bytes));
  }
}

inline void expect_free_name(connection& on, const resource_row& row) {
  statement taken =
      on.query("SELECT 1 FROM resources WHERE kind = ? AND project_id = ? AND name = ? AND id <> ?",
               name_of(row.kind), row.project_id, row.name, row.id);
  if (taken.step()) {
    throw conflict(std::string("the project has a ") + std::string(name_of(row.kind)) +
                   " of this name already");
  }
}

/// `may_use` in SQL; parameters: admin, project, project_admin, user.
#define HANAMI_RESOURCE_RIGHTS                                                                     \
  "(?1 OR visibility = 2 OR (project_id = ?2 AND (?3 OR owner_id = ?4 OR visibility = 1)))"
static_assert(static_cast<int>(visibility::project) == 1 &&
              static_cast<int>(visibility::everyone) == 2);

inline constexpr std::string_view list_resources_sql =
    "SELECT " HANAMI_RESOURCE_COLUMNS " FROM resources WHERE " HANAMI_RESOURCE_RIGHTS
    " AND kind = ?5 AND name LIKE ?6 ESCAPE '\\'";
inline constexpr std::string_view count_resources_sql =
    "SELECT count(*) FROM resources WHERE " HANAMI_RESOURCE_RIGHTS
    " AND kind = ?5 AND name LIKE ?6 ESCAPE '\\'";
inline constexpr std::string_view find_name_sql =
    "SELECT 1 FROM resources WHERE " HANAMI_RESOURCE_RIGHTS
    " AND kind = ?5 AND project_id = ?2 AND name = ?6 AND id <> ?7 LIMIT 1";
inline constexpr std::string_view all_resources_sql =
    "SELECT " HANAMI_RESOURCE_COLUMNS " FROM resources WHERE kind = ? ORDER BY created_at, id";

#undef HANAMI_RESOURCE_COLUMNS
#undef HANAMI_RESOURCE_RIGHTS

/// A list's rows or their number: who asks, what is let through, and which page.
class resource_query {
 public:
  resource_query(const identity& caller, resource_kind kind, const page_request& wanted,
                 const resource_filter& only)
      : caller_(caller), kind_(kind), wanted_(wanted), only_(only),
        pattern_(like_pattern(wanted.name)) {
    after_ = by_text() ? text_cursor_from(wanted.after) : cursor_from(wanted.after);
    rows_ = rows_to_ask_for(wanted);
  }

  statement count(connection& on) const {
    std::string sql(count_resources_sql);
    return filtered(on, sql, {});
  }

  statement page(connection& on) const {
    const std::string key(key_names.at(static_cast<std::size_t>(wanted_.by)));
    const char* const direction = wanted_.descending ? " DESC" : "";
    std::string sql(list_resources_sql);
    std::string end = " ORDER BY " + key + direction + ", id" + direction + " LIMIT ?10";
    if (!wanted_.after.empty()) {
      end.insert(0, " AND (" + key + ", id) " + (wanted_.descending ? "<" : ">") + " (?11, ?12)");
    }
    statement rows = filtered(on, sql, end);
    rows.bind(10, rows_);
    if (!wanted_.after.empty()) {
      by_text() ? rows.bind(11, std::string_view(after_.text)) : rows.bind(11, after_.order);
      rows.bind(12, std::string_view(after_.id));
    }
    return rows;
  }

  std::string place_of(const resource_row& last) const {
    switch (wanted_.by) {
    case list_order::name:
      return last.name + ':' + last.id;
    case list_order::updated_at:
      return cursor_text(last.updated_at, last.id);
    case list_order::bytes:
      return cursor_text(static_cast<std::int64_t>(last.bytes), last.id);
    case list_order::created_at:
      break;
    }
    return cursor_text(last.created_at, last.id);
  }

 private:
  static constexpr std::array<std::string_view, 4> key_names{"created_at", "updated_at", "name",
                                                             "bytes"};

  bool by_text() const noexcept { return wanted_.by == list_order::name; }

  statement filtered(connection& on, std::string& sql, const std::string& end) const {
    sql += only_.owner_id.empty() ? "" : " AND owner_id = ?7";
    sql += only_.project_id.empty() ? "" : " AND project_id = ?8";
    sql += only_.visible_to ? " AND visibility = ?9" : "";
    statement made = on.query(sql + end, caller_.admin, caller_.project_id, caller_.project_admin,
                              caller_.user_id, name_of(kind_), pattern_);
    if (!only_.owner_id.empty()) {
      made.bind(7, std::string_view(only_.owner_id));
    }
    if (!only_.project_id.empty()) {
      made.bind(8, std::string_view(only_.project_id));
    }
    if (only_.visible_to) {
      made.bind(9, static_cast<std::int64_t>(*only_.visible_to));
    }
    return made;
  }

  const identity& caller_;
  resource_kind kind_;
  const page_request& wanted_;
  const resource_filter& only_;
  std::string pattern_;
  page_cursor after_;
  std::int64_t rows_ = 0;
};

} // namespace detail

HANAMI_SERVICE_INLINE resource_row resources::add(const identity& caller, resource_row row,
                                                  std::uint64_t most, std::uint64_t most_bytes,
                                                  name_rule names) {
  if (row.id.empty()) {
    row.id = new_uuid();
  }
  row.owner_id = caller.user_id;
  row.project_id = caller.project_id;
  row.version = 1;
  db_.write([&](connection& on) {
    detail::expect_quota(on, row, most, most_bytes);
    if (names == name_rule::unique_in_project) {
      detail::expect_free_name(on, row);
    }
    row.created_at = row.updated_at = now_ms();
    try {
      on.execute("INSERT INTO resources (id, kind, name, owner_id, project_id, visibility, "
                 "created_at, updated_at, version, bytes, detail) "
                 "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 row.id, name_of(row.kind), row.name, row.owner_id, row.project_id,
                 static_cast<int>(row.visible_to), row.created_at, row.updated_at, row.version,
                 row.bytes, row.detail);
    } catch (const constraint_error&) {
      throw conflict(std::string("there is a row with the id '") + row.id + "' already");
    }
  });
  return row;
}

HANAMI_SERVICE_INLINE resource_row resources::get(const identity& caller, resource_kind kind,
                                                  std::string_view id) {
  return db_.read([&](connection& on) { return detail::usable_resource(on, caller, kind, id); });
}

HANAMI_SERVICE_INLINE resource_row resources::get_to_change(const identity& caller,
                                                            resource_kind kind,
                                                            std::string_view id) {
  return db_.read(
      [&](connection& on) { return detail::changeable_resource(on, caller, kind, id); });
}

HANAMI_SERVICE_INLINE std::shared_ptr<const ownership>
resources::kept_ownership(const identity& caller, resource_kind kind, std::string_view id) {
  ownership_cache& kept = owners_.at(kind == resource_kind::cluster ? 0 : 1);
  auto found = kept.get(id, [&]() -> ownership_cache::entry {
    const std::optional<resource_row> row = find(kind, id);
    return row ? std::make_shared<const ownership>(*row) : nullptr;
  });
  detail::refuse_unless_usable(caller, found.get(), kind, id);
  return found;
}

HANAMI_SERVICE_INLINE void resources::expect_changeable(const identity& caller, resource_kind kind,
                                                        std::string_view id) {
  detail::refuse_unless_changeable(caller, *kept_ownership(caller, kind, id), kind);
}

HANAMI_SERVICE_INLINE std::optional<resource_row> resources::find(resource_kind kind,
                                                                  std::string_view id) {
  return db_.read([&](connection& on) { return detail::find_resource(on, kind, id); });
}

HANAMI_SERVICE_INLINE page<resource_row> resources::list(const identity& caller, resource_kind kind,
                                                         const page_request& wanted,
                                                         const resource_filter& only) {
  const detail::resource_query asked(caller, kind, wanted, only);
  return db_.read([&](connection& on) {
    page<resource_row> result;
    statement rows = asked.page(on);
    while (rows.step()) {
      result.rows.push_back(detail::read_resource(rows, kind));
    }
    statement counted = asked.count(on);
    counted.step();
    result.total = static_cast<std::uint64_t>(counted.integer(0));
    detail::end_page(result, wanted,
                     [&](const resource_row& last) { return asked.place_of(last); });
    return result;
  });
}

HANAMI_SERVICE_INLINE void resources::set_summary(std::string_view id, std::string_view summary) {
  db_.write([&](connection& on) {
    on.execute("INSERT INTO summaries (id, summary) SELECT id, ? FROM resources WHERE id = ? "
               "ON CONFLICT (id) DO UPDATE SET summary = excluded.summary",
               summary, id);
  });
}

HANAMI_SERVICE_INLINE std::vector<std::string>
resources::summaries(const std::vector<std::string>& ids) {
  return db_.read([&](connection& on) {
    std::vector<std::string> found;
    for (const std::string& id : ids) {
      statement one = on.query("SELECT summary FROM summaries WHERE id = ?", id);
      found.push_back(one.step() ? one.text(0) : std::string());
    }
    return found;
  });
}

HANAMI_SERVICE_INLINE bool resources::has_name(const identity& caller, resource_kind kind,
                                               std::string_view name, std::string_view but) {
  return db_.read([&](connection& on) {
    statement found = on.query(detail::find_name_sql, caller.admin, caller.project_id,
                               caller.project_admin, caller.user_id, name_of(kind), name, but);
    return found.step();
  });
}

HANAMI_SERVICE_INLINE std::vector<resource_row> resources::all(resource_kind kind) {
  return db_.read([&](connection& on) {
    std::vector<resource_row> result;
    statement rows = on.query(detail::all_resources_sql, name_of(kind));
    while (rows.step()) {
      result.push_back(detail::read_resource(rows, kind));
    }
    return result;
  });
}

HANAMI_SERVICE_INLINE resource_row resources::change(const identity& caller, resource_kind kind,
                                                     std::string_view id,
                                                     const resource_change& what,
                                                     std::optional<std::uint64_t> version,
                                                     name_rule names) {
  const ownership_cache::change of_cluster(owners_[0], id);
  const ownership_cache::change of_stream(owners_[1], id);
  resource_row changed = db_.write([&](connection& on) {
    resource_row row = detail::changeable_resource(on, caller, kind, id);
    if (version && *version != row.version) {
      throw refusal(refusal_code::version_mismatch,
                    std::string("it has changed: it is at version ") + std::to_string(row.version));
    }
    if (!what.name && !what.visible_to) {
      return row;
    }
    row.name = what.name.value_or(row.name);
    if (what.name && names == name_rule::unique_in_project) {
      detail::expect_free_name(on, row);
    }
    row.visible_to = what.visible_to.value_or(row.visible_to);
    row.updated_at = now_ms();
    ++row.version;
    on.execute("UPDATE resources SET name = ?, visibility = ?, updated_at = ?, version = ? "
               "WHERE id = ?",
               row.name, static_cast<int>(row.visible_to), row.updated_at, row.version, row.id);
    return row;
  });
  ++changes_;
  return changed;
}

HANAMI_SERVICE_INLINE void resources::update(std::string_view id, std::uint64_t bytes,
                                             std::string_view detail) {
  db_.write([&](connection& on) {
    on.execute("UPDATE resources SET bytes = ?, detail = ?, updated_at = ?, version = version + 1 "
               "WHERE id = ?",
               bytes, detail, now_ms(), id);
  });
}

HANAMI_SERVICE_INLINE void resources::set_detail(std::string_view id, std::string_view detail) {
  db_.write([&](connection& on) {
    on.execute("UPDATE resources SET detail = ? WHERE id = ?", detail, id);
  });
}

HANAMI_SERVICE_INLINE void resources::set_bytes(std::string_view id, std::uint64_t bytes) {
  db_.write([&](connection& on) {
    on.execute("UPDATE resources SET bytes = ? WHERE id = ?", bytes, id);
  });
}

HANAMI_SERVICE_INLINE void resources::remove(std::string_view id) {
  const ownership_cache::change of_cluster(owners_[0], id);
  const ownership_cache::change of_stream(owners_[1], id);
  db_.write_anyway([&](connection& on) {
    on.execute("DELETE FROM resources WHERE id = ?", id);
    on.execute("DELETE FROM summaries WHERE id = ?", id);
  });
  ++changes_;
}

HANAMI_SERVICE_INLINE usage resources::used_by(std::string_view user_id) {
  return db_.read([&](connection& on) { return detail::usage_of(on, user_id); });
}

HANAMI_SERVICE_INLINE std::uint64_t resources::count_in_project(std::string_view project_id) {
  return db_.read([&](connection& on) {
    statement counted = on.query(
        "SELECT count(*) FROM resources WHERE project_id = ? AND kind <> 'upload'", project_id);
    counted.step();
    return static_cast<std::uint64_t>(counted.integer(0));
  });
}

} // namespace hanami::service::store
