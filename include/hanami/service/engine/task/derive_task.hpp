// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "../../access/accounts.hpp"
#include "../../base/refusal.hpp"
#include "../../data/derivation.hpp"
#include "../../store/resources.hpp"
#include "link_columns.hpp"
#include "task_plan.hpp"

namespace hanami::service::engine::detail {

/// Refuses so many bytes more, before they are written.
inline void expect_room_for(std::uint64_t bytes, const store::usage& used, const quota& limits) {
  if (used.bytes > limits.bytes || bytes > limits.bytes - used.bytes) {
    throw quota_exceeded("it would take " + std::to_string(bytes) + " bytes beside " +
                         std::to_string(used.bytes) + "; no more than " +
                         std::to_string(limits.bytes) + " may be owned");
  }
}

/// What a task of the kind derive does.
inline data::derivation derivation_of(const task_plan& plan, const data_opener& open) {
  std::vector<std::shared_ptr<const data::data_reader>> from{open(plan.dataset_id)};
  for (const std::string& id : plan.append) {
    from.push_back(open(id));
  }
  data::derive_plan what{plan.columns, plan.derived, {}, plan.seed};
  for (const derived_part& part : plan.parts) {
    what.shares.push_back(part.share);
  }
  return data::derivation(std::move(from), what);
}

} // namespace hanami::service::engine::detail
