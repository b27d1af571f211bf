// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "../../base/json.hpp"
#include "../../data/derivation.hpp"

namespace hanami::service::engine {

enum class task_kind : std::uint8_t { train, request, evaluate, save, restore, import, derive };

std::string_view name_of(task_kind kind);

/// Columns of a dataset for an input, or for comparison with an output, of the cluster.
struct column_link {
  std::string buffer; ///< name of the input or output
  std::string dataset_id;
  std::vector<std::string> columns = {}; ///< side by side; none: the column named like the buffer
  /// Set by the engine when the task begins, for each column: if it holds classes, the order in
  /// which the cluster numbers them.
  std::vector<std::vector<std::string>> classes = {};
};

/// A dataset that is derived from others.
struct derived_part {
  std::string name;
  double share = 1;
  std::string dataset_id = {}; ///< chosen by the engine
};

/// What a request task keeps of an output.
enum class answer_form : std::uint8_t {
  values,  ///< as they are
  winners, ///< 1 for the largest, 0 for the others
  classes  ///< a column of classes: what the largest stands for
};

std::string_view name_of(answer_form form);

/// A dataset that a request task creates from one output.
struct result_link {
  std::string buffer;
  std::string name;            ///< of the dataset and of its column
  std::string dataset_id = {}; ///< chosen by the engine; empty: the task's own
};

/// What a task is to do.
struct task_plan {
  task_kind kind = task_kind::train;
  std::string name;
  std::string cluster_id;           ///< import, derive: none
  std::vector<column_link> inputs;  ///< train, request, evaluate: each input of the cluster once
  std::vector<column_link> outputs; ///< train, evaluate: each output once
  std::vector<result_link> results; ///< request: outputs to keep, each once
  answer_form answers = answer_form::values; ///< request
  std::uint32_t epochs = 1;                  ///< train: passes, 1..1e6
  std::uint32_t window = 1;                  ///< rows that one input takes, oldest first, 1..1e6
  std::uint32_t horizon = 0;   ///< the target is this many rows after the last row of the input
  bool anneal = true;          ///< train: the learning rate falls to zero at the end
  std::string checkpoint_id;   ///< restore: which one; a save task creates one with the task's id
  std::string upload_id = {};  ///< import: of what
  std::string becomes = {};    ///< import: id of the dataset or checkpoint that it makes
  std::string dataset_id = {}; ///< derive: from which one
  std::vector<std::string> append = {};           ///< derive: whose rows follow
  std::vector<std::string> columns = {};          ///< derive: those to keep; none: all
  std::vector<data::derived_column> derived = {}; ///< derive: behind them
  std::vector<derived_part> parts = {};           ///< derive: shares of the rows
  std::optional<std::uint64_t> seed = {};         ///< derive: deals the rows at random
  std::string project_id = {};                    ///< of what it makes; chosen by the engine
};

json::object to_json(const task_plan& plan);
/// Reads what `to_json` returned. Throws `errc::invalid_data` for anything else.
task_plan task_plan_from(const json::object& stored);

} // namespace hanami::service::engine
