// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "endpoints.hpp"
#include "task_links.hpp"
#include "task_views.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

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

inline engine::answer_form answer_form_from(std::string_view name) {
  using engine::answer_form;
  return name == name_of(answer_form::winners)   ? answer_form::winners
         : name == name_of(answer_form::classes) ? answer_form::classes
                                                 : answer_form::values;
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
    plan.answers = answer_form_from(request.text("answers"));
  }
  const auto number = [&](const char* key, std::uint32_t& to) {
    if (request.find(key) != nullptr) {
      to = static_cast<std::uint32_t>(request.integer(key));
    }
  };
  number("epochs", plan.epochs);
  number("window", plan.window);
  number("horizon", plan.horizon);
  plan.anneal = request.find("anneal") == nullptr || request.flag("anneal");
  plan.checkpoint_id = request.text_if("checkpoint_id").value_or("");
  return plan;
}

inline schema task_page_schema(std::vector<schema_property> more) {
  std::vector<schema_property> all = {order_property(),
                                      {"kind", task_kind_schema(), presence::optional},
                                      {"state", task_state_schema(), presence::optional}};
  all.insert(all.end(), more.begin(), more.end());
  return page_schema_with(std::move(all));
}

inline engine::task_filter task_filter_from(const request_context& request) {
  engine::task_filter only;
  only.kind = request.text_if("kind").value_or("");
  if (const auto name = request.text_if("state")) {
    only.state = store::task_state_named(*name);
  }
  only.owner_id = request.text_if("owner_id").value_or("");
  only.everybody = request.find("everybody") != nullptr && request.flag("everybody");
  return only;
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

/// The fields of a task of one kind.
inline schema_variant task_of_kind(const char* kind, const char* called,
                                   std::vector<schema_property> more) {
  std::vector<schema_property> fields{
      {"kind", schema::choice({kind})},
      {"name", name_schema().describe("of the task; save: of the checkpoint, too")}};
  fields.insert(fields.end(), more.begin(), more.end());
  return {kind, schema::object(std::move(fields)).called(called)};
}

inline schema task_body() {
  const schema result = schema::object(
      {{"output", schema::text(1, 255)},
       {"name", name_schema().describe("of the dataset that is made, and of its column")}});
  const schema_property inputs{
      "inputs",
      schema::list(link_schema("input"), 1, 1000).describe("each input of the cluster once")};
  const schema_property outputs{
      "outputs",
      schema::list(link_schema("output"), 1, 1000).describe("each output once, what it should be")};
  const schema_property window{"window",
                               schema::integer(1, 1'000'000)
                                   .otherwise(1)
                                   .describe("rows that make one input, the oldest first")};
  const schema_property horizon{
      "horizon", schema::integer(0, 1'000'000)
                     .otherwise(0)
                     .describe("rows from the last of the input to that of the output")};
  return schema::one_of(
      "kind",
      {task_of_kind("train", "TrainTask",
                    {inputs,
                     outputs,
                     window,
                     horizon,
                     {"epochs", schema::integer(1, 1'000'000).otherwise(1).describe("passes")},
                     {"anneal", schema::boolean().otherwise(true).describe(
                                    "the learning rate falls to zero over the task; false: as in "
                                    "an endless stream")}}),
       task_of_kind(
           "request", "RequestTask",
           {inputs,
            window,
            {"results", schema::list(result, 1, 1000).describe("which outputs to keep")},
            {"answers",
             schema::choice({"values", "winners", "classes"})
                 .otherwise("values")
                 .describe("the values of an output; 1 for the largest and 0 for the others; or a "
                           "column of classes, by the names that training has told")}}),
       task_of_kind("evaluate", "EvaluateTask", {inputs, outputs, window, horizon}),
       task_of_kind("save", "SaveTask", {}),
       task_of_kind("restore", "RestoreTask",
                    {{"checkpoint_id", schema::uuid().describe("what the cluster becomes")}})});
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
  of_cluster.query = task_page_schema({});
  of_cluster.response_schema = list_schema(task_schema());
  of_cluster.handle = [&s](request_context& request) {
    const std::string id =
        s.resources.get(request.caller, store::resource_kind::cluster, request.text("cluster_id"))
            .id;
    return show_page(
        s.engine.list_tasks(request.caller, id, page_from(request), task_filter_from(request)),
        show_task_briefly);
  };
  to.add(of_cluster);

  endpoint list = common;
  list.id = "list_tasks";
  list.method = "GET";
  list.path = "/v1/tasks";
  list.summary = "The own tasks, by creation; for administrators, those of others, too";
  list.query = task_page_schema(
      {{"owner_id",
        schema::text(1, 254).describe("only those of this user; others' are for administrators, of "
                                      "the server or of the project"),
        presence::optional},
       {"everybody", schema::boolean().otherwise(false).describe("those of others, too"),
        presence::optional}});
  list.response_schema = list_schema(task_schema());
  list.handle = [&s](request_context& request) {
    return show_page(
        s.engine.list_tasks(request.caller, {}, page_from(request), task_filter_from(request)),
        show_task_briefly);
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
  events.query = schema::object({ticket_property()});
  events.by_ticket = true;
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
