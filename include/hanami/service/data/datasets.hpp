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

namespace hanami::service::engine {

/// Safe from any thread. Rights are checked here, as `resources` does; an upload
/// belongs to its owner alone (and administrators). What was acknowledged survives a kill.
///
/// Files are <data>/uploads/<part>, <part>.ranges (what has arrived of it) and
/// <data>/datasets/<id>, all names of UUIDs made here. Uploads lie there as they came, also where
/// datasets are encrypted.
class datasets {
 public:
  /// Makes the folders below `config.data` (uploads, datasets, checkpoints; mode 0700), reads or
  /// makes the key where files are encrypted, and finds the uploads that are under way. The
  /// arguments must outlive this. Throws `errc::file_error`.
  datasets(const server_config& config, store::resources& resources, store::tasks& tasks,
           access::accounts& accounts);
  ~datasets();
  datasets(const datasets&) = delete;
  datasets& operator=(const datasets&) = delete;

  /// Begins an upload: rows and space are taken, nothing else. `sizes`: bytes of each part, >= 1,
  /// else `invalid_value`. `quota_exceeded` beyond the owner's quota, bytes included; an
  /// upload counts as one of what it becomes.
  upload begin(const identity& caller, upload_format format, std::string_view name,
               std::span<const std::uint64_t> sizes,
               visibility visible_to = visibility::owner_only);
  upload progress(const identity& caller, std::string_view upload_id);
  store::page<upload> list_uploads(const identity& caller, const store::page_request& wanted);
  /// The upload that a part belongs to, or that will become this dataset. `not_found`.
  upload find_part(const identity& caller, std::string_view part_id);
  upload find_target(const identity& caller, std::string_view becomes);
  /// Bytes of a part from `position`; any order, any size, again if need be. In the system's hands
  /// when it returns: they survive a kill of this process, not a loss of power; what `finish` makes
  /// survives both. `invalid_value` beyond the announced size; `too_many_gaps` for pieces that
  /// leave more gaps between them than 1024 and one for each 32 KiB of the part (pieces of 16 KiB
  /// never do); `conflict` while it is finished; `no_space` where the disk is full.
  void write(const identity& caller, std::string_view part_id, std::uint64_t position,
             std::span<const std::byte> bytes);
  /// Makes the dataset, of the upload's owner, and forgets the upload. `incomplete`, saying what
  /// is missing, while bytes are missing; `invalid_data` for content that is not what it should be,
  /// `quota_exceeded`, `no_space` for a full disk: the upload stays then and can be written anew,
  /// or finished later. Not for checkpoints (`conflict`), which the engine takes over by
  /// `take_over`.
  store::resource_row finish(const identity& caller, std::string_view upload_id);
  /// Gives the file of a complete upload with one part to `use`, which makes of it what it becomes;
  /// then the upload is gone. Where `use` throws, the upload stays as it was. The file is plain.
  void take_over(const identity& caller, std::string_view upload_id,
                 const std::function<void(const std::filesystem::path&)>& use);
  /// `conflict` while it is finished.
  void cancel(const identity& caller, std::string_view upload_id);

  store::resource_row get(const identity& caller, std::string_view id);
  data_layout layout(const identity& caller, std::string_view id);
  /// A reader for who may use it; the file stays readable through it even if it is deleted.
  std::shared_ptr<const data_reader> open(const identity& caller, std::string_view id);
  /// The same without a look at rights, for tasks whose rights were checked when they were made.
  std::shared_ptr<const data_reader> open(std::string_view id);
  /// `conflict` while an open task uses it.
  void remove(const identity& caller, std::string_view id);

  /// A dataset that a task writes: its file is at `path_of`, its row is added by `adopt` as soon as
  /// the writer has finished. `dataset_id`: of `new_uuid`, else `errc::invalid_argument`.
  std::filesystem::path path_of(std::string_view dataset_id) const;
  /// `quota_exceeded` beyond the owner's quota; the file is gone then. Once more for the same
  /// id it takes the new file in place of the old.
  store::resource_row adopt(const identity& owner, std::string_view dataset_id,
                            std::string_view name, visibility visible_to);
  /// Of files at rest; nothing: they are plain.
  std::optional<access::secret_key> key() const;

  /// Removes uploads that nobody has written to for the time-out, and files (uploads, datasets and
  /// checkpoints that are called by a UUID) as old that belong to no row. To be called now and
  /// then.
  void clean();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace hanami::service::engine
