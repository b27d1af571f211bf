// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine.hpp"

#include <mutex>
#include <utility>

#include "../../draw/draw.hpp"
#include "../../io/checkpoint.hpp"
#include "../../template/writer.hpp"
#include "../base/compile.hpp"
#include "../base/json.hpp"
#include "../base/refusal.hpp"
#include "../base/uuid.hpp"
#include "engine_state.hpp"
#include "given_clusters.hpp"
#include "task/checkpoint_work.hpp"
#include "task/derive_task.hpp"

namespace hanami::service::engine {

HANAMI_SERVICE_INLINE engine::engine(const server_config& config, runtime& common,
                                     store::resources& resources, store::tasks& tasks,
                                     access::accounts& accounts, data::datasets& data)
    : state_(std::make_unique<state>(config, common, resources, tasks, accounts, data)) {}

HANAMI_SERVICE_INLINE engine::~engine() { state_->stop(); }

HANAMI_SERVICE_INLINE void engine::start() { state_->start(); }

// --- Clusters.

HANAMI_SERVICE_INLINE store::resource_row
engine::create(const identity& caller, std::string_view name, std::string_view template_text,
               visibility visible_to, learning_options options,
               std::optional<output_kind> kind_if_missing) {
  state& s = *state_;
  const cluster fresh = detail::fresh_cluster(
      detail::template_from(template_text, s.parts.config.engine.cluster_memory, kind_if_missing),
      options);
  return s.add_cluster(caller, name, visible_to, detail::shape_of(fresh), fresh.statistics(),
                       to_checkpoint(fresh));
}

HANAMI_SERVICE_INLINE store::resource_row
engine::create_from_checkpoint(const identity& caller, std::string_view name,
                               std::string_view checkpoint_id, visibility visible_to) {
  state& s = *state_;
  const auto from = s.parts.resources.get(caller, store::resource_kind::checkpoint, checkpoint_id);
  const cluster restored = detail::load_checkpoint(s.parts, from.id);
  return s.add_cluster(caller, name, visible_to, detail::shape_of(restored), restored.statistics(),
                       to_checkpoint(restored));
}

HANAMI_SERVICE_INLINE store::resource_row engine::clone(const identity& caller,
                                                        std::string_view cluster_id,
                                                        std::string_view name,
                                                        visibility visible_to) {
  state& s = *state_;
  const auto from = s.parts.resources.get(caller, store::resource_kind::cluster, cluster_id);
  s.refuse_taken_name(caller, name, {}); // before the work
  const detail::live_ptr live = s.live_of(from.id);
  auto copied =
      s.in_turn(live, [](cluster& net) { return std::pair(to_checkpoint(net), net.statistics()); });
  return s.add_cluster(caller, name, visible_to, *live->present_shape(), copied.second,
                       std::move(copied.first));
}

HANAMI_SERVICE_INLINE void engine::reset(const identity& caller, std::string_view cluster_id) {
  state& s = *state_;
  const auto of =
      s.parts.resources.get_to_change(caller, store::resource_kind::cluster, cluster_id);
  const detail::live_ptr live = s.live_of(of.id);
  s.replace(live, [](cluster& net) { net = cluster(net.cluster_template(), net.options()); });
  s.labels.forget(of.id);
  detail::keep_shape(s.parts, *live,
                     s.in_turn(live, [](cluster& net) { return detail::shape_of(net); }));
}

HANAMI_SERVICE_INLINE learning_options engine::learning(const cluster_handle& of) {
  return state_->in_turn(of.live_, [](cluster& net) { return net.options(); });
}

HANAMI_SERVICE_INLINE learning_options
engine::change_learning(const identity& caller, std::string_view cluster_id,
                        const std::function<void(learning_options&)>& change) {
  state& s = *state_;
  const auto of =
      s.parts.resources.get_to_change(caller, store::resource_kind::cluster, cluster_id);
  const detail::live_ptr live = s.live_of(of.id);
  learning_options options = s.in_turn(live, [](cluster& net) { return net.options(); });
  change(options);
  const cluster_shape& shape = *live->present_shape();
  if (options.rehearsal > 0) {
    s.make_room(*live->owner,
                options.replay_capacity * sizeof(float) * (shape.input_size + shape.output_size));
  }
  s.replace(live, [options](cluster& net) { net.change_options(options); });
  return options;
}

HANAMI_SERVICE_INLINE template_estimate engine::check_template(std::string_view text,
                                                               learning_options options) {
  cluster_template wanted = detail::template_from(text, state_->parts.config.engine.cluster_memory);
  constexpr std::uint64_t large = std::uint64_t{32} << 20; // of which one at a time is made
  std::unique_lock alone(state_->checking, std::defer_lock);
  if (detail::first_bytes(wanted) > large && !alone.try_lock()) {
    refusal busy(refusal_code::busy, "another large template is being checked; try again");
    busy.retry_after_s = 1;
    throw busy;
  }
  const cluster fresh = detail::fresh_cluster(std::move(wanted), options);
  template_estimate found;
  found.shape = detail::shape_of(fresh);
  found.statistics = fresh.statistics();
  found.most_bytes = fresh.cluster_template().settings.memory_limit;
  found.disk_bytes = to_checkpoint(fresh).size();
  return found;
}

HANAMI_SERVICE_INLINE store::resource_row
engine::change_cluster(const identity& caller, std::string_view cluster_id,
                       const store::resource_change& what, std::optional<std::uint64_t> version) {
  const std::lock_guard one_name_at_a_time(state_->creating);
  if (what.name) {
    state_->refuse_taken_name(caller, *what.name, cluster_id);
  }
  return state_->parts.resources.change(caller, store::resource_kind::cluster, cluster_id, what,
                                        version);
}

HANAMI_SERVICE_INLINE void engine::remove(const identity& caller, std::string_view id) {
  const std::string found =
      state_->parts.resources.get_to_change(caller, store::resource_kind::cluster, id).id;
  state_->remove(found);
  state_->labels.forget(found);
}

HANAMI_SERVICE_INLINE cluster_handle::cluster_handle(std::shared_ptr<detail::live_cluster> of)
    : live_(std::move(of)) {
  renew();
}

HANAMI_SERVICE_INLINE void cluster_handle::renew() {
  shape_ = live_ == nullptr ? nullptr : live_->present_shape();
}

HANAMI_SERVICE_INLINE bool cluster_handle::is_in_memory() const noexcept {
  return live_ != nullptr && !live_->away && !live_->gone;
}

HANAMI_SERVICE_INLINE cluster_handle engine::open_cluster(std::string_view id) {
  return cluster_handle(state_->live_of(id));
}

HANAMI_SERVICE_INLINE cluster_handle engine::find_cluster(std::string_view id) {
  return cluster_handle(state_->live_in_memory(id));
}

HANAMI_SERVICE_INLINE cluster_statistics engine::statistics(const cluster_handle& of) {
  return state_->in_turn(of.live_, [](cluster& net) { return net.statistics(); });
}

HANAMI_SERVICE_INLINE std::vector<json::value>
engine::summaries(const std::vector<std::string>& ids) {
  return state_->summaries(ids);
}

HANAMI_SERVICE_INLINE std::string engine::template_text(const cluster_handle& of) {
  return state_->in_turn(of.live_, [](cluster& net) { return to_text(net.cluster_template()); });
}

HANAMI_SERVICE_INLINE std::string engine::picture(const cluster_handle& of,
                                                  std::string_view format) {
  if (format != "svg" && format != "dot") {
    throw invalid_value_at("query/format", "accepted are svg and dot");
  }
  return state_->in_turn(of.live_, [svg = format == "svg"](cluster& net) {
    return svg ? draw_svg(net.state()) : to_graphviz(net.state());
  });
}

// --- Tasks.

HANAMI_SERVICE_INLINE task_view engine::start_task(const identity& caller, task_plan plan) {
  state& s = *state_;
  const bool changes = plan.kind == task_kind::train || plan.kind == task_kind::restore;
  const auto kind = store::resource_kind::cluster;
  plan.cluster_id = (changes ? s.parts.resources.get_to_change(caller, kind, plan.cluster_id)
                             : s.parts.resources.get(caller, kind, plan.cluster_id))
                        .id;
  plan.project_id = caller.project_id;
  const detail::live_ptr live = s.live_of(plan.cluster_id);
  if (changes) {
    s.expect_disk_quota(*live->owner);
  }
  const std::uint64_t total = s.check_plan(caller, plan, *live->present_shape());
  return s.view_of(s.add_task(caller, live, plan, total));
}

HANAMI_SERVICE_INLINE task_view engine::task(const identity& caller, std::string_view id) {
  return state_->view_of(state_->visible_task(caller, id));
}

HANAMI_SERVICE_INLINE task_view engine::wait_for_end(const identity& caller, std::string_view id,
                                                     std::chrono::milliseconds most) {
  const store::task_row row = state_->visible_task(caller, id);
  if (const detail::task_ptr open = state_->open_task(row.id)) {
    state::wait_for_end(*open, most);
  }
  return task(caller, row.id);
}

HANAMI_SERVICE_INLINE store::page<task_view> engine::list_tasks(const identity& caller,
                                                                std::string_view cluster_id,
                                                                const store::page_request& wanted,
                                                                const task_filter& only) {
  state& s = *state_;
  const bool others = only.everybody || (!only.owner_id.empty() && only.owner_id != caller.user_id);
  if (others && !caller.admin && !caller.project_admin) {
    throw forbidden("others' tasks are for administrators, of the server or of the project");
  }
  store::task_scope of{cluster_id, others ? std::string_view(only.owner_id) : caller.user_id, {}};
  of.kind = only.kind;
  of.state = only.state;
  if (cluster_id.empty()) {
    of.project_id = caller.admin ? std::string_view() : caller.project_id;
    of.of_public_clusters = !others;
  } else if (may_change(caller,
                        s.parts.resources.get(caller, store::resource_kind::cluster, cluster_id))) {
    of.owner_id = only.owner_id;
  }
  store::page<store::task_row> found = s.parts.tasks.list(of, wanted);
  store::page<task_view> result;
  result.next = std::move(found.next);
  result.total = found.total;
  for (const store::task_row& row : found.rows) {
    if (s.sees_task(caller, row)) { // else it has become private, or is of another project
      result.rows.push_back(s.view_of(row));
    }
  }
  return result;
}

HANAMI_SERVICE_INLINE task_view engine::abort(const identity& caller, std::string_view id) {
  const store::task_row row = state_->visible_task(caller, id);
  state_->abort(row.id);
  return task(caller, row.id);
}

HANAMI_SERVICE_INLINE void engine::remove_task(const identity& caller, std::string_view id) {
  const store::task_row row = state_->visible_task(caller, id);
  state_->abort(row.id);
  if (state_->open_task(row.id)) {
    throw conflict("the task is still being ended; it can be removed in a moment");
  }
  state_->parts.tasks.remove(row.id);
}

// --- Imports.

HANAMI_SERVICE_INLINE task_view engine::import_upload(const identity& caller,
                                                      std::string_view upload_id,
                                                      import_callback done) {
  state& s = *state_;
  const data::upload from = s.parts.data.progress(caller, upload_id);
  const std::size_t most = s.parts.config.engine.cluster_memory;
  if (from.format == data::upload_format::checkpoint && from.parts.at(0).size > most) {
    throw refusal(refusal_code::too_large, "a checkpoint of " + std::to_string(from.parts[0].size) +
                                               " bytes; accepted are " + std::to_string(most));
  }
  task_plan plan;
  plan.kind = task_kind::import;
  plan.name = from.row.name;
  plan.upload_id = from.row.id;
  plan.becomes = from.becomes;
  plan.project_id = from.row.project_id;
  store::task_row row;
  row.kind = name_of(plan.kind);
  row.name = plan.name;
  row.owner_id = from.row.owner_id;
  row.plan = json::serialize(to_json(plan));
  row.total = from.row.bytes;
  auto claimed = s.parts.data.claim(caller, upload_id);
  row = s.parts.tasks.add(row, s.parts.accounts.quota_of(row.owner_id).open_tasks);
  auto task = std::make_shared<detail::running_task>(row, std::move(plan));
  task->claim = std::move(claimed);
  if (done) {
    task->listeners.push_back(std::move(done));
  }
  s.enqueue_import(task);
  return s.view_of(row);
}

HANAMI_SERVICE_INLINE task_view engine::derive_datasets(const identity& caller, task_plan plan) {
  state& s = *state_;
  const data::derivation what = detail::derivation_of(
      plan, [&](const std::string& id) { return s.parts.data.open(caller, id); });
  const quota limits = s.parts.accounts.quota_of(caller.user_id);
  const store::usage used = s.parts.resources.used_by(caller.user_id);
  if (used.datasets + plan.parts.size() > limits.datasets) {
    throw quota_exceeded("no more than " + std::to_string(limits.datasets) +
                         " datasets may be owned");
  }
  detail::expect_room_for(what.bytes(), used, limits);
  plan.kind = task_kind::derive;
  plan.project_id = caller.project_id;
  for (derived_part& part : plan.parts) {
    part.dataset_id = new_uuid();
  }
  store::task_row row;
  row.kind = name_of(plan.kind);
  row.name = plan.name;
  row.owner_id = caller.user_id;
  row.plan = json::serialize(to_json(plan));
  row.total = what.rows();
  row = s.parts.tasks.add(std::move(row), limits.open_tasks);
  s.enqueue_import(std::make_shared<detail::running_task>(row, std::move(plan)));
  return s.view_of(row);
}

HANAMI_SERVICE_INLINE void engine::end_imports() { state_->end_imports(); }

// --- Checkpoints.

HANAMI_SERVICE_INLINE std::shared_ptr<const data::block_reader>
engine::open_checkpoint(const identity& caller, std::string_view id) {
  const detail::engine_parts& parts = state_->parts;
  const auto row = parts.resources.get(caller, store::resource_kind::checkpoint, id);
  return std::make_shared<const data::block_reader>(parts.checkpoints_folder / row.id,
                                                    parts.data.key());
}

HANAMI_SERVICE_INLINE void engine::remove_checkpoint(const identity& caller, std::string_view id) {
  const detail::engine_parts& parts = state_->parts;
  const auto row = parts.resources.get_to_change(caller, store::resource_kind::checkpoint, id);
  if (parts.tasks.mentions(row.id)) {
    throw conflict("an open task uses the checkpoint '" + row.id + "'");
  }
  parts.resources.remove(row.id);
  ::unlink((parts.checkpoints_folder / row.id).c_str());
}

HANAMI_SERVICE_INLINE store::resource_row engine::add_checkpoint(const identity& owner,
                                                                 store::resource_row row,
                                                                 std::span<const std::byte> bytes) {
  return detail::keep_checkpoint(state_->parts, owner, std::move(row), bytes);
}

// --- All of it.

HANAMI_SERVICE_INLINE engine_statistics engine::statistics() { return state_->statistics(); }

HANAMI_SERVICE_INLINE std::vector<cluster_use> engine::last_used(std::size_t most) {
  return state_->last_used(most);
}

HANAMI_SERVICE_INLINE bool engine::is_short_of_memory() { return state_->is_short_of_memory(); }

HANAMI_SERVICE_INLINE std::uint64_t engine::memory_of(std::string_view user_id) {
  return state_->memory_of(*state_->users.of(user_id));
}

HANAMI_SERVICE_INLINE std::vector<user_work> engine::work_by_user() {
  std::vector<user_work> all;
  state_->users.each([&all](const std::string& id, const detail::user_counts& counts) {
    all.push_back({id, counts.trained, counts.answered, static_cast<double>(counts.cpu_ns) * 1e-9});
  });
  return all;
}

HANAMI_SERVICE_INLINE fleet& engine::turns() { return state_->common_fleet(); }

HANAMI_SERVICE_INLINE detail::user_ptr engine::meter_of(std::string_view user_id) {
  return state_->users.of(user_id);
}

HANAMI_SERVICE_INLINE journal_places& engine::journals() { return state_->journals(); }

HANAMI_SERVICE_INLINE bool engine::make_room(detail::user_counts& owner, std::size_t bytes) {
  return state_->make_room_in_quota(owner, bytes);
}

HANAMI_SERVICE_INLINE bool engine::has_room(const detail::user_counts& owner, std::size_t bytes) {
  return state_->fits_quota(owner, bytes);
}

HANAMI_SERVICE_INLINE refusal engine::memory_refusal(const detail::user_counts& owner) {
  return state_->memory_quota_refusal(owner);
}

HANAMI_SERVICE_INLINE void engine::expect_disk_quota(detail::user_counts& owner) {
  state_->expect_disk_quota(owner);
}

HANAMI_SERVICE_INLINE void engine::note_files(detail::user_counts& owner) {
  state_->check_disk(owner);
}

HANAMI_SERVICE_INLINE void engine::snapshot_all() { state_->snapshot_all(); }

} // namespace hanami::service::engine
