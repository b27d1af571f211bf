// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "endpoints.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline schema link_schema(const char* buffer) {
  return schema::object(
      {{buffer, schema::text(1, 255).describe("name in the cluster's template")},
       {"dataset_id", id_schema("dataset")},
       {"column", schema::text(0, 255).otherwise("").describe(
                      "column of the dataset; empty: the one of the same name")}});
}

inline schema task_schema() {
  return schema::object(
             {{"id", id_schema("task")},
              {"name", name_schema()},
              {"kind", schema::choice({"train", "request", "evaluate", "save", "restore"})},
              {"cluster_id", id_schema("cluster")},
              {"owner_id", schema::text()},
              {"state", schema::choice({"queued", "active", "finished", "aborted", "failed"})},
              {"error", schema::text().or_null().describe("why it failed")},
              {"done", schema::integer().describe("samples")},
              {"total", schema::integer().describe("samples, all epochs")},
              {"progress", schema::number(0, 1)},
              {"recent_loss", schema::number().or_null().describe("in nats; while it trains")},
              {"samples_per_second", schema::number().or_null()},
              {"seconds_left", schema::number().or_null()},
              {"queued_at", time_schema()},
              {"started_at", time_schema().or_null()},
              {"ended_at", time_schema().or_null()},
              {"plan", schema::any().describe("what it was asked to do")},
              {"outcome",
               schema::any().describe("request: `datasets`, the id of each output's; evaluate: "
                                      "`outputs`, the accuracy and errors of each; save: "
                                      "`checkpoint_id`")}})
      .called("Task");
}

inline json::value time_or_null(std::int64_t ms) {
  return ms == 0 ? json::value() : json::value(to_rfc3339(ms));
}

inline json::value stored_json(const std::string& text) {
  json::error_code trouble;
  json::value parsed = json::parse(text, trouble);
  return trouble ? json::value(json::object{}) : parsed;
}

inline json::object show_task(const engine::task_view& t) {
  const store::task_row& r = t.row;
  const auto or_null = [&](double value) {
    return r.state == store::task_state::active && value > 0 ? json::value(value) : json::value();
  };
  const double progress = r.state == store::task_state::finished ? 1.0
                          : r.total == 0
                              ? 0.0
                              : static_cast<double>(r.done) / static_cast<double>(r.total);
  return {{"id", r.id},
          {"name", r.name},
          {"kind", r.kind},
          {"cluster_id", r.cluster_id},
          {"owner_id", r.owner_id},
          {"state", store::name_of(r.state)},
          {"error", r.error.empty() ? json::value() : json::value(r.error)},
          {"done", r.done},
          {"total", r.total},
          {"progress", progress},
          {"recent_loss", or_null(t.recent_loss)},
          {"samples_per_second", or_null(t.samples_per_second)},
          {"seconds_left", or_null(t.seconds_left)},
          {"queued_at", to_rfc3339(r.queued_at)},
          {"started_at", time_or_null(r.started_at)},
          {"ended_at", time_or_null(r.ended_at)},
          {"plan", stored_json(r.plan)},
          {"outcome", stored_json(r.outcome)}};
}

inline std::vector<engine::column_link> links_from(const json::value* given, const char* buffer) {
  std::vector<engine::column_link> links;
  if (given != nullptr) {
    for (const json::value& link : given->as_array()) {
      const auto text = [&](const char* key) {
        const json::string& found = link.at(key).as_string();
        return std::string(found.data(), found.size());
      };
      links.push_back({text(buffer), text("dataset_id"), text("column")});
    }
  }
  return links;
}

inline engine::task_kind task_kind_from(std::string_view name) {
  using engine::task_kind;
  for (const task_kind kind : {task_kind::train, task_kind::request, task_kind::evaluate,
                               task_kind::save, task_kind::restore}) {
    if (engine::name_of(kind) == name) {
      return kind;
    }
  }
  throw bad_request("there is no task of kind '" + std::string(name) + "'");
}

inline engine::task_plan task_plan_from_call(const request_context& request) {
  engine::task_plan plan;
  plan.kind = task_kind_from(request.text("kind"));
  plan.name = request.text("name");
  plan.cluster_id = request.text("cluster_id");
  plan.inputs = links_from(request.find("inputs"), "input");
  plan.outputs = links_from(request.find("outputs"), "output");
  if (const json::value* results = request.find("results")) {
    for (const json::value& result : results->as_array()) {
      plan.results.push_back({std::string(result.at("output").as_string()),
                              std::string(result.at("name").as_string())});
    }
  }
  plan.winners = request.flag("winners");
  plan.epochs = static_cast<std::uint32_t>(request.integer("epochs"));
  plan.window = static_cast<std::uint32_t>(request.integer("window"));
  plan.horizon = static_cast<std::uint32_t>(request.integer("horizon"));
  plan.anneal = request.flag("anneal");
  plan.checkpoint_id = request.text_if("checkpoint_id").value_or("");
  return plan;
}

/// Reports the progress of a task once a second, and its end.
class task_events final : public http::event_source {
 public:
  task_events(engine::engine& from, identity caller, std::string id)
      : from_(from), caller_(std::move(caller)), id_(std::move(id)) {}

  bool next(std::string& out) override {
    const auto now = std::chrono::steady_clock::now();
    if (now < due_) {
      return true;
    }
    due_ = now + std::chrono::milliseconds(900);
    std::string shown;
    bool over = true;
    try {
      const engine::task_view view = from_.task(caller_, id_);
      shown = json::serialize(show_task(view));
      over = store::is_over(view.row.state);
    } catch (const refusal&) {
      out += "event: gone\ndata: {}\n\n";
      return false;
    }
    if (shown != last_ || over) {
      out += over ? "event: end\n" : "event: progress\n";
      out += "data: " + shown + "\n\n";
      last_ = std::move(shown);
    }
    return !over;
  }

 private:
  engine::engine& from_;
  identity caller_;
  std::string id_;
  std::string last_;
  std::chrono::steady_clock::time_point due_{};
};

inline schema task_body() {
  const schema result = schema::object(
      {{"output", schema::text(1, 255)},
       {"name", name_schema().describe("of the dataset that is made, and of its column")}});
  return schema::object(
      {{"kind", schema::choice({"train", "request", "evaluate", "save", "restore"})},
       {"name", name_schema().describe("of the task; save: of the checkpoint, too")},
       {"inputs",
        schema::list(link_schema("input"), 0, 1000)
            .describe("train, request, evaluate: each input of the cluster once"),
        presence::optional},
       {"outputs",
        schema::list(link_schema("output"), 0, 1000)
            .describe("train, evaluate: each output once, what it should be"),
        presence::optional},
       {"results", schema::list(result, 0, 1000).describe("request: which outputs to keep"),
        presence::optional},
       {"winners", schema::boolean().otherwise(false).describe(
                       "request: 1 for the largest value of an output, 0 for the others")},
       {"epochs", schema::integer(1, 1'000'000).otherwise(1).describe("train: passes")},
       {"window", schema::integer(1, 1'000'000)
                      .otherwise(1)
                      .describe("rows that make one input, the oldest first")},
       {"horizon", schema::integer(0, 1'000'000)
                       .otherwise(0)
                       .describe("rows from the last of the input to that of the output")},
       {"anneal", schema::boolean().otherwise(true).describe(
                      "train: the learning rate falls to zero over the task; false: as in an "
                      "endless stream")},
       {"checkpoint_id", schema::uuid().describe("restore: what the cluster becomes"),
        presence::optional}});
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_task_endpoints(registry& to, services& s) {
  using namespace detail;
  endpoint common;
  common.tag = "tasks";
  common.response_schema = task_schema();
  common.refusals = {404};
  const schema one = one_id("task_id", "task");

  endpoint start = common;
  start.id = "start_task";
  start.method = "POST";
  start.path = "/v1/clusters/{cluster_id}/tasks";
  start.summary = "Starts a task: training, requests, an evaluation, saving or restoring";
  start.description =
      "Tasks of a cluster run one after the other; it can be used directly meanwhile. They survive "
      "a restart and go on where they were.";
  start.status = 202;
  start.idempotent = true;
  start.path_values = one_id("cluster_id", "cluster");
  start.body = task_body();
  start.handle = [&s](request_context& request) {
    const engine::task_view started =
        s.engine.start_task(request.caller, task_plan_from_call(request));
    answer given(show_task(started));
    given.location = "/v1/tasks/" + started.row.id;
    return given;
  };
  to.add(start);

  endpoint of_cluster = common;
  of_cluster.id = "list_cluster_tasks";
  of_cluster.method = "GET";
  of_cluster.path = "/v1/clusters/{cluster_id}/tasks";
  of_cluster.summary = "The tasks of a cluster, by creation";
  of_cluster.path_values = one_id("cluster_id", "cluster");
  of_cluster.query = page_schema();
  of_cluster.response_schema = list_schema(task_schema());
  of_cluster.handle = [&s](request_context& request) {
    const std::string id =
        s.resources.get(request.caller, store::resource_kind::cluster, request.text("cluster_id"))
            .id;
    return show_page(s.engine.list_tasks(request.caller, id, page_from(request)), show_task);
  };
  to.add(of_cluster);

  endpoint list = common;
  list.id = "list_tasks";
  list.method = "GET";
  list.path = "/v1/tasks";
  list.summary = "The own tasks, by creation";
  list.query = page_schema();
  list.response_schema = list_schema(task_schema());
  list.handle = [&s](request_context& request) {
    return show_page(s.engine.list_tasks(request.caller, {}, page_from(request)), show_task);
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_task";
  get.method = "GET";
  get.path = "/v1/tasks/{task_id}";
  get.summary = "How a task goes";
  get.path_values = one;
  get.handle = [&s](request_context& request) {
    return answer(show_task(s.engine.task(request.caller, request.text("task_id"))));
  };
  to.add(get);

  endpoint events = common;
  events.id = "watch_task";
  events.method = "GET";
  events.path = "/v1/tasks/{task_id}/events";
  events.summary = "How a task goes, as server-sent events: `progress` each second, then `end`";
  events.path_values = one;
  events.response_schema.reset();
  events.response_type = "text/event-stream";
  events.handle = [&s](request_context& request) {
    s.engine.task(request.caller, request.text("task_id")); // 404 before anything is sent
    answer given;
    given.events = std::make_unique<task_events>(s.engine, request.caller, request.text("task_id"));
    return given;
  };
  to.add(events);

  endpoint abort = common;
  abort.id = "abort_task";
  abort.method = "POST";
  abort.path = "/v1/tasks/{task_id}/abort";
  abort.summary = "Ends a task; what was learned stays";
  abort.path_values = one;
  abort.handle = [&s](request_context& request) {
    return answer(show_task(s.engine.abort(request.caller, request.text("task_id"))));
  };
  to.add(abort);

  endpoint remove = common;
  remove.id = "delete_task";
  remove.method = "DELETE";
  remove.path = "/v1/tasks/{task_id}";
  remove.summary = "Aborts a task if need be, and forgets it";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.handle = [&s](request_context& request) {
    s.engine.remove_task(request.caller, request.text("task_id"));
    return answer();
  };
  to.add(remove);
}

} // namespace hanami::service::api
