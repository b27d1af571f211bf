// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../data/dataset_parts.hpp"
#include "task_plan.hpp"

namespace hanami::service::engine::detail {

/// What a split is to do with the dataset.
inline data::parts_plan parts_plan_of(const task_plan& plan) {
  data::parts_plan made;
  made.columns = plan.columns;
  made.seed = plan.seed;
  for (const split_part& part : plan.parts) {
    made.shares.push_back(part.share);
  }
  return made;
}

} // namespace hanami::service::engine::detail
