// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "../access/accounts.hpp"
#include "../base/identity.hpp"
#include "../base/settings.hpp"
#include "../store/resources.hpp"
#include "../store/tasks.hpp"
#include "data_file.hpp"
#include "upload.hpp"

/// Datasets and the uploads they are made from.

namespace hanami::service::data {

namespace detail {
class upload_claim;
}

/// Keeps a complete upload from all others while it is turned into what it becomes.
using upload_claim_ptr = std::shared_ptr<detail::upload_claim>;

/// Safe from any thread. Rights are checked here, as in `resources`; only its owner and
/// administrators have access to an upload. What was acknowledged survives a kill.
///
/// Files are <data>/uploads/<part>, <part>.ranges (which bytes have arrived) and
/// <data>/datasets/<id>, named by UUIDs that are generated here. Uploads are stored as they arrive,
/// even where datasets are encrypted.
class datasets {
 public:
  /// Creates the folders below `config.data` (uploads, datasets, checkpoints; mode 0700), reads or
  /// creates the key where files are encrypted, and restores the unfinished uploads. The arguments
  /// must outlive this. Throws `errc::file_error`.
  datasets(const server_config& config, store::resources& resources, store::tasks& tasks,
           access::accounts& accounts);
  ~datasets();
  datasets(const datasets&) = delete;
  datasets& operator=(const datasets&) = delete;

  /// Starts an upload: reserves its row and its quota. `sizes`: bytes of each part, >= 1, else
  /// `invalid_value`. `quota_exceeded` beyond the owner's quota, bytes included; an upload counts
  /// as one of what it will become. `classes`: of a csv, columns that hold classes even where they
  /// are written as numbers.
  upload begin(const identity& caller, upload_format format, std::string_view name,
               std::span<const std::uint64_t> sizes, visibility visible_to = visibility::owner_only,
               std::vector<std::string> classes = {});
  upload progress(const identity& caller, std::string_view upload_id);
  store::page<upload> list_uploads(const identity& caller, const store::page_request& wanted);
  /// The upload that a part belongs to, or that will become this dataset. `not_found`.
  upload find_part(const identity& caller, std::string_view part_id);
  upload find_target(const identity& caller, std::string_view becomes);
  /// Writes bytes of a part from `position` on; in any order, of any size, repeatedly if necessary.
  /// When it returns, they survive a kill of this process but not a loss of power; the result of
  /// `finish` survives both. `invalid_value` beyond the announced size; `too_many_gaps` for more
  /// than 1024 gaps plus one for each 32 KiB of the part (pieces of 16 KiB never leave so many);
  /// `conflict` while it is being finished; `no_space` where the disk is full.
  void write(const identity& caller, std::string_view part_id, std::uint64_t position,
             std::span<const std::byte> bytes);
  /// The right to finish an upload; until it is given up, nobody else may write to the upload or
  /// finish or cancel it (`conflict`). Throws `incomplete`, saying what is missing.
  upload_claim_ptr claim(const identity& caller, std::string_view upload_id);
  /// Creates the dataset, owned by the upload's owner, and removes the upload. `report`: as in
  /// `import_options`. Throws `invalid_data` for invalid content, `quota_exceeded`, `no_space` for
  /// a full disk, `import_cancelled`: the upload stays then and can be rewritten or finished later.
  /// Not for checkpoints (`conflict`), which the engine takes over with `take_over`.
  store::resource_row finish(const upload_claim_ptr& claimed,
                             const std::function<bool(double)>& report = {});
  /// Passes the unencrypted file of an upload with one part to `use`, which turns it into what it
  /// becomes; then the upload is removed. Where `use` throws, the upload stays as it was.
  void take_over(const upload_claim_ptr& claimed,
                 const std::function<void(const std::filesystem::path&)>& use);
  /// `conflict` while it is being finished.
  void cancel(const identity& caller, std::string_view upload_id);

  store::resource_row get(const identity& caller, std::string_view id);
  data_layout layout(const identity& caller, std::string_view id);
  /// A reader, for callers who may use the dataset. It stays usable even if the dataset is deleted.
  std::shared_ptr<const data_reader> open(const identity& caller, std::string_view id);
  /// The same without checking rights, for tasks, whose rights were checked when they were created.
  std::shared_ptr<const data_reader> open(std::string_view id);
  /// `conflict` while an open task uses it.
  void remove(const identity& caller, std::string_view id);

  /// For a dataset that a task writes: the path of its file, whose row `adopt` adds as soon as the
  /// writer has finished. `dataset_id`: from `new_uuid`, else `errc::invalid_argument`.
  std::filesystem::path path_of(std::string_view dataset_id) const;
  /// `quota_exceeded` beyond the owner's quota; the file is removed then. When called again for the
  /// same id, the new file replaces the old one.
  store::resource_row adopt(const identity& owner, std::string_view dataset_id,
                            std::string_view name, visibility visible_to);
  /// The key of stored files; nothing: they are not encrypted.
  std::optional<access::secret_key> key() const;

  /// Removes uploads that have been idle for the configured time-out, and equally old files
  /// (uploads, datasets and checkpoints named by a UUID) that belong to no row. Call it now and
  /// then.
  void clean();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::data
