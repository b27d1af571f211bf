// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../foundation/error.hpp"
#include "../base/identity.hpp"
#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "../store/resources.hpp"
#include "part_file.hpp"
#include "upload.hpp"

/// Unfinished uploads, as `datasets` keeps them.

namespace hanami::service::data::detail {

/// What a stored name stands for; throws `errc::invalid_data` for an unknown one.
template <class Value>
Value expect_known(std::optional<Value> found, std::string_view name) {
  if (!found) {
    throw error(errc::invalid_data, "the row of an upload has '" + std::string(name) + "'");
  }
  return *found;
}

/// An unfinished upload. Everything but `ending` is constant.
struct live_upload {
  store::resource_row row;
  upload_format format = upload_format::csv;
  std::string becomes;
  visibility visible_to = visibility::owner_only;
  std::vector<std::string> classes; ///< as in `import_options`
  std::vector<std::string> part_ids;
  std::vector<std::unique_ptr<part_file>> parts; ///< in the order of the ids

  /// Held shared by writers, exclusively by whoever sets `ending`.
  std::shared_mutex use;
  bool ending = false; ///< guarded by `use`

  upload shown() const {
    upload result;
    result.row = row;
    result.format = format;
    result.becomes = becomes;
    result.visible_to = visible_to;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      result.parts.push_back(
          {part_ids[i], parts[i]->size(), parts[i]->received(), parts[i]->next()});
    }
    return result;
  }

  part_file& part(std::string_view id) const {
    const auto found = std::find(part_ids.begin(), part_ids.end(), id);
    return *parts[static_cast<std::size_t>(found - part_ids.begin())];
  }

  std::int64_t last_write() const {
    std::int64_t newest = row.created_at;
    for (const auto& part : parts) {
      newest = std::max(newest, part->last_write());
    }
    return newest;
  }
};

using live_upload_ptr = std::shared_ptr<live_upload>;

inline void expect_complete(const live_upload& u) {
  for (std::size_t i = 0; i < u.parts.size(); ++i) {
    const part_file& part = *u.parts[i];
    if (part.received() < part.size()) {
      throw refusal(refusal_code::incomplete,
                    "part " + u.part_ids[i] + " has " + std::to_string(part.received()) + " of " +
                        std::to_string(part.size()) + " bytes; the first that is missing is " +
                        std::to_string(part.next()));
    }
  }
}

/// Locks out the writers of an upload, or throws `conflict` or `incomplete`; lets them in again
/// unless `keep` was called.
class upload_claim {
 public:
  enum class wants : std::uint8_t { any, complete };

  upload_claim(live_upload_ptr claimed, wants what) : claimed_(std::move(claimed)) {
    const std::unique_lock lock(claimed_->use);
    if (claimed_->ending) {
      throw conflict("the upload is being finished");
    }
    if (what == wants::complete) {
      expect_complete(*claimed_);
    }
    claimed_->ending = true;
  }
  upload_claim(const upload_claim&) = delete;
  upload_claim& operator=(const upload_claim&) = delete;
  ~upload_claim() {
    if (!kept_) {
      const std::unique_lock lock(claimed_->use);
      claimed_->ending = false;
    }
  }
  const live_upload& of() const noexcept { return *claimed_; }
  void keep() noexcept { kept_ = true; }

 private:
  live_upload_ptr claimed_;
  bool kept_ = false;
};

inline std::string upload_detail(const live_upload& u, std::span<const std::uint64_t> sizes) {
  json::array parts;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    parts.push_back(json::object{{"id", u.part_ids[i]}, {"size", sizes[i]}});
  }
  return json::serialize(json::object{{"format", name_of(u.format)},
                                      {"becomes", u.becomes},
                                      {"classes", json::array(u.classes.begin(), u.classes.end())},
                                      {"visibility", name_of(u.visible_to)},
                                      {"parts", std::move(parts)}});
}

} // namespace hanami::service::data::detail
