// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "../base/identity.hpp"
#include "../base/refusal.hpp"
#include "database.hpp"
#include "ownership_cache.hpp"
#include "page.hpp"

/// The rows of what users own: clusters, streams, datasets, checkpoints and unfinished uploads.

namespace hanami::service::store {

enum class resource_kind : std::uint8_t { cluster, stream, dataset, checkpoint, upload };

std::string_view name_of(resource_kind kind);

struct resource_row : resource {
  resource_kind kind = resource_kind::cluster;
  std::uint64_t bytes = 0;   ///< on disk
  std::string detail = "{}"; ///< JSON, of the kind's own
};

/// What a user owns; `bytes`: on disk, of all of it.
struct usage {
  std::uint64_t clusters = 0;
  std::uint64_t streams = 0;
  std::uint64_t datasets = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t bytes = 0;
};

/// Which rows of a list; what is empty lets all through.
struct resource_filter {
  std::string owner_id;
  std::string project_id;
  std::optional<visibility> visible_to{};
};

/// Only the members that are set are changed.
struct resource_change {
  std::optional<std::string> name;
  std::optional<service::visibility> visible_to;
};

/// Whether a new row may have the same name as another one of its kind in its project.
enum class name_rule : std::uint8_t { any, unique_in_project };

/// Safe from any thread; changes are on disk when a call returns. What the caller may not
/// see is `not_found`, just like what does not exist.
class resources {
 public:
  explicit resources(database& db) : db_(db) {}

  /// Adds a row with a new UUID, unless `row.id` is given, owned by `caller` in the project of the
  /// token. `most`: of the kind; `most_bytes`: of all that the user owns together; beyond them
  /// `quota_exceeded`. `conflict` where the id or, under `names`, the name is taken.
  resource_row add(const identity& caller, resource_row row, std::uint64_t most,
                   std::uint64_t most_bytes, name_rule names = name_rule::any);
  /// `not_found` unless `caller` may use it.
  resource_row get(const identity& caller, resource_kind kind, std::string_view id);
  /// `not_found` unless `caller` may use it, `forbidden` unless `caller` may also change it.
  resource_row get_to_change(const identity& caller, resource_kind kind, std::string_view id);
  /// The ownership of a cluster or a stream. `not_found` unless `caller` may use it. Needed for
  /// every sample, and therefore kept in memory until what it is of is changed or removed.
  std::shared_ptr<const ownership> kept_ownership(const identity& caller, resource_kind kind,
                                                  std::string_view id);
  /// Refuses as `get_to_change` does, from memory as above.
  void expect_changeable(const identity& caller, resource_kind kind, std::string_view id);
  /// Without checking rights, for the engine.
  std::optional<resource_row> find(resource_kind kind, std::string_view id);
  /// All that `caller` may use. `invalid_value` for an invalid page.
  page<resource_row> list(const identity& caller, resource_kind kind, const page_request& wanted,
                          const resource_filter& only = {});
  /// What lists show of it beside its row: a JSON object, kept as it is.
  void set_summary(std::string_view id, std::string_view summary);
  /// In the order of the ids; empty where there is none.
  std::vector<std::string> summaries(const std::vector<std::string>& ids);
  /// Whether one in the project of `caller`, which `caller` may use, has the name, apart from the
  /// one with the id `but`.
  bool has_name(const identity& caller, resource_kind kind, std::string_view name,
                std::string_view but);
  /// All of a kind, for the start of the service.
  std::vector<resource_row> all(resource_kind kind);
  /// `not_found`, `forbidden`; `version_mismatch` where `version` is given and is not the row's;
  /// `conflict` where under `names` the name is another's.
  resource_row change(const identity& caller, resource_kind kind, std::string_view id,
                      const resource_change& what, std::optional<std::uint64_t> version = {},
                      name_rule names = name_rule::any);
  /// Sets size and detail; counts as a change. Does nothing where the row is gone, like
  /// `remove`.
  void update(std::string_view id, std::uint64_t bytes, std::string_view detail);
  /// Sets the detail alone; does not count as a change.
  void set_detail(std::string_view id, std::string_view detail);
  /// Sets the size alone, which does not count as a change.
  void set_bytes(std::string_view id, std::uint64_t bytes);
  void remove(std::string_view id);
  usage used_by(std::string_view user_id);
  /// Of a project, of all kinds but uploads.
  std::uint64_t count_in_project(std::string_view project_id);
  /// Counts rows that `change` changed or `remove` removed: rights that were read before this
  /// number changed may be out of date.
  std::uint64_t changes() const noexcept { return changes_.load(); }

 private:
  database& db_;
  std::array<ownership_cache, 2> owners_; ///< of clusters, of streams
  std::atomic<std::uint64_t> changes_{0};
};

} // namespace hanami::service::store
