// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include <sodium.h>

#include "../../base/clock.hpp"
#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "../../data/agreement.hpp"
#include "../host_views.hpp"
#include "endpoints.hpp"
#include "reference.hpp"

namespace hanami::service::api::detail {

inline schema reference_name() { return schema::text(4, 254, text_form::name); }

inline schema uuid_of(const char* name) { return schema::object({{name, schema::uuid()}}); }

inline json::object reference_row(const store::resource_row& row) {
  return {{"created_at", to_plain_time(row.created_at)},
          {"uuid", row.id},
          {"name", row.name},
          {"owner_id", row.owner_id},
          {"project_id", row.project_id},
          {"visibility", name_of(row.visible_to)}};
}

inline answer reference_list(services& s, const identity& caller, store::resource_kind kind) {
  json::array body;
  for (const store::resource_row& row :
       all_pages<store::resource_row>([&](const store::page_request& wanted) {
         return s.resources.list(caller, kind, wanted);
       })) {
    body.push_back(json::array{to_plain_time(row.created_at), row.id, row.project_id, row.owner_id,
                               name_of(row.visible_to), row.name});
  }
  return reference_table({"created_at", "uuid", "project_id", "owner_id", "visibility", "name"},
                         std::move(body));
}

inline std::string from_base64(const std::string& text) {
  std::string decoded(text.size(), '\0');
  std::size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(decoded.data()), decoded.size(),
                        text.data(), text.size(), nullptr, &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0) {
    throw bad_request("not a valid base64-String");
  }
  decoded.resize(size);
  return decoded;
}

/// Waits for short tasks, since the reference's clients continue as soon as they have an answer,
/// and delete what a task still needs.
inline engine::task_view wait_for(services& s, const identity& caller, engine::task_view task) {
  task = s.engine.wait_for_end(caller, task.row.id, std::chrono::seconds(30));
  if (task.row.state == store::task_state::failed) {
    throw bad_request(task.row.error);
  }
  return task;
}

inline void add_reference_clusters(reference_adder add, services& s) {
  add({"POST", "cluster", "Makes a cluster"}, schema::object(),
      schema::object(
          {{"name", reference_name()}, {"template", schema::text(0, 1 << 20), presence::optional}}),
      [&s](request_context& request) {
        const std::string name = request.text("name");
        const std::string text = from_base64(request.text_if("template").value_or(""));
        try {
          return answer(reference_row(s.engine.create(
              request.caller, name, text, visibility::owner_only, {}, output_kind::sigmoid)));
        } catch (const refusal& why) {
          if (why.code() == refusal_code::invalid_template) {
            throw bad_request(std::string("not a valid cluster-template: ") + why.what());
          }
          throw;
        }
      });
  add({"GET", "cluster", "One cluster"}, uuid_of("uuid"), std::nullopt,
      [&s](request_context& request) {
        return answer(reference_row(
            s.resources.get(request.caller, store::resource_kind::cluster, request.text("uuid"))));
      });
  add({"GET", "cluster/all", "All clusters"}, schema::object(), std::nullopt,
      [&s](request_context& request) {
        return reference_list(s, request.caller, store::resource_kind::cluster);
      });
  add({"DELETE", "cluster", "Deletes a cluster"}, uuid_of("uuid"), std::nullopt,
      [&s](request_context& request) {
        s.engine.remove(request.caller, request.text("uuid"));
        return answer();
      });
  add({"POST", "cluster/save", "Makes a checkpoint of a cluster"}, schema::object(),
      schema::object({{"name", reference_name()}, {"cluster_uuid", schema::uuid()}}),
      [&s](request_context& request) {
        engine::task_plan plan;
        plan.kind = engine::task_kind::save;
        plan.name = request.text("name");
        plan.cluster_id = request.text("cluster_uuid");
        const auto task =
            wait_for(s, request.caller, s.engine.start_task(request.caller, std::move(plan)));
        return answer(json::object{{"uuid", task.row.id}, {"name", task.row.name}});
      });
  add({"POST", "cluster/load", "Makes a cluster what a checkpoint holds"}, schema::object(),
      schema::object({{"cluster_uuid", schema::uuid()}, {"checkpoint_uuid", schema::uuid()}}),
      [&s](request_context& request) {
        engine::task_plan plan;
        plan.kind = engine::task_kind::restore;
        plan.name = "restore";
        plan.cluster_id = request.text("cluster_uuid");
        plan.checkpoint_id = request.text("checkpoint_uuid");
        const auto task =
            wait_for(s, request.caller, s.engine.start_task(request.caller, std::move(plan)));
        return answer(json::object{{"uuid", task.row.id}});
      });
  add({"PUT", "cluster/set_mode", "Direct use needs no mode here: only checks and agrees"},
      schema::object(),
      schema::object({{"uuid", schema::uuid()},
                      {"new_state", schema::choice({"TASK", "DIRECT"})},
                      {"connection_uuid", schema::uuid(), presence::optional}}),
      [&s](request_context& request) {
        json::object shown = reference_row(s.resources.get_to_change(
            request.caller, store::resource_kind::cluster, request.text("uuid")));
        shown["new_state"] = request.text("new_state");
        return answer(std::move(shown));
      });
  add({"PUT", "cluster/switch_host", "There is one host: only checks and agrees"}, schema::object(),
      schema::object({{"cluster_uuid", schema::uuid()}, {"host_uuid", schema::uuid()}}),
      [&s](request_context& request) {
        if (request.text("host_uuid") != reference_host_uuid) {
          throw not_found("host", request.text("host_uuid"));
        }
        return answer(reference_row(s.resources.get_to_change(
            request.caller, store::resource_kind::cluster, request.text("cluster_uuid"))));
      });
}

inline json::object reference_task(const engine::task_view& t) {
  const store::task_row& r = t.row;
  const std::string_view state =
      r.state == store::task_state::failed ? std::string_view("error") : store::name_of(r.state);
  return {{"uuid", r.id},
          {"name", r.name},
          {"state", state},
          {"current_cycle", r.state == store::task_state::finished ? r.total : r.done},
          {"total_number_of_cycles", std::max<std::uint64_t>(1, r.total)},
          {"queue_timestamp", to_plain_time(r.queued_at)},
          {"start_timestamp", to_plain_time(r.started_at)},
          {"end_timestamp", to_plain_time(r.ended_at)}};
}

inline std::vector<engine::column_link> reference_links(const request_context& request,
                                                        const char* name) {
  std::vector<engine::column_link> links;
  for (const auto& item : request.values.at(name).as_object()) {
    links.push_back({std::string(item.key()), std::string(item.value().as_string()), {}});
  }
  return links;
}

inline engine::task_plan reference_plan(const request_context& request, engine::task_kind kind) {
  engine::task_plan plan;
  plan.kind = kind;
  plan.name = request.text("name");
  plan.cluster_id = request.text("cluster_uuid");
  plan.inputs = reference_links(request, "inputs");
  plan.window = static_cast<std::uint32_t>(request.integer("time_length"));
  plan.epochs = kind == engine::task_kind::train
                    ? static_cast<std::uint32_t>(request.integer("number_of_epochs"))
                    : 1;
  return plan;
}

inline void add_reference_tasks(reference_adder add, services& s) {
  const schema links = schema::map(schema::uuid(), 1);
  const schema length = schema::integer(1, 1'000'000).otherwise(1);
  add({"POST", "task/train", "Trains a cluster"}, schema::object(),
      schema::object({{"name", reference_name()},
                      {"cluster_uuid", schema::uuid()},
                      {"inputs", links},
                      {"outputs", links},
                      {"time_length", length},
                      {"number_of_epochs", length}}),
      [&s](request_context& request) {
        engine::task_plan plan = reference_plan(request, engine::task_kind::train);
        plan.outputs = reference_links(request, "outputs");
        return answer(reference_task(s.engine.start_task(request.caller, std::move(plan))));
      });
  add({"POST", "task/request", "Asks a cluster; the answers become a dataset of the task's uuid"},
      schema::object(),
      schema::object({{"name", reference_name()},
                      {"cluster_uuid", schema::uuid()},
                      {"inputs", links},
                      {"results", schema::map(schema::text(1, 254, text_form::label), 1)},
                      {"time_length", length}}),
      [&s](request_context& request) {
        engine::task_plan plan = reference_plan(request, engine::task_kind::request);
        for (const auto& item : request.values.at("results").as_object()) {
          plan.results.push_back({std::string(item.key()), std::string(item.value().as_string())});
        }
        return answer(reference_task(s.engine.start_task(request.caller, std::move(plan))));
      });
  const schema one = schema::object({{"uuid", schema::uuid()}, {"cluster_uuid", schema::uuid()}});
  const auto find = [&s](const request_context& request) {
    engine::task_view task = s.engine.task(request.caller, request.text("uuid"));
    if (task.row.cluster_id != request.text("cluster_uuid")) {
      throw not_found("task", request.text("uuid"));
    }
    return task;
  };
  add({"GET", "task", "How a task goes"}, one, std::nullopt,
      [find](request_context& request) { return answer(reference_task(find(request))); });
  add({"DELETE", "task", "Aborts and forgets a task"}, one, std::nullopt,
      [&s, find](request_context& request) {
        s.engine.remove_task(request.caller, find(request).row.id);
        return answer();
      });
  add({"GET", "task/all", "The tasks of a cluster"}, uuid_of("cluster_uuid"), std::nullopt,
      [&s](request_context& request) {
        const std::string id =
            s.resources
                .get(request.caller, store::resource_kind::cluster, request.text("cluster_uuid"))
                .id;
        json::array body;
        for (const engine::task_view& t :
             all_pages<engine::task_view>([&](const store::page_request& wanted) {
               return s.engine.list_tasks(request.caller, id, wanted);
             })) {
          const json::object shown = reference_task(t);
          const double share = shown.at("current_cycle").to_number<double>() /
                               shown.at("total_number_of_cycles").to_number<double>();
          body.push_back(json::array{t.row.id, shown.at("state"), std::to_string(share),
                                     shown.at("queue_timestamp"), shown.at("start_timestamp"),
                                     shown.at("end_timestamp")});
        }
        return reference_table({"uuid", "state", "percentage", "queued", "start", "end"},
                               std::move(body));
      });
}

inline answer reference_begin_upload(services& s, const request_context& request,
                                     data::upload_format format) {
  std::vector<std::uint64_t> sizes{static_cast<std::uint64_t>(request.integer("input_data_size"))};
  if (format == data::upload_format::mnist) {
    sizes.push_back(static_cast<std::uint64_t>(request.integer("label_data_size")));
  }
  const data::upload u = s.data.begin(request.caller, format, request.text("name"), sizes);
  json::object shown = reference_row(u.row);
  shown["uuid"] = u.becomes;
  shown["uuid_input_file"] = u.parts.at(0).id;
  if (u.parts.size() > 1) {
    shown["uuid_label_file"] = u.parts.at(1).id;
  }
  return answer(std::move(shown));
}

/// Answers once the dataset is there, since the reference's clients use it at once; until then, no
/// thread waits.
inline void reference_finish_upload(services& s, const request_context& request, completion done) {
  const data::upload u = s.data.find_target(request.caller, request.text("uuid"));
  const std::string labels = u.parts.size() > 1 ? u.parts[1].id : std::string();
  if (u.parts.at(0).id != request.text("uuid_input_file") ||
      labels !=
          (request.find("uuid_label_file") == nullptr ? "" : request.text("uuid_label_file"))) {
    throw not_found("file of this dataset", request.text("uuid_input_file"));
  }
  s.engine.import_upload(
      request.caller, u.row.id,
      [done = std::move(done), id = u.becomes](const std::exception_ptr& trouble) {
        done(trouble ? answer() : answer(json::object{{"uuid", id}}), trouble);
      });
}

/// The column that is compared: "label", else the last one.
inline const data::data_column& compared_column(const data::data_layout& layout) {
  for (const data::data_column& c : layout.columns) {
    if (c.name == "label") {
      return c;
    }
  }
  return layout.columns.back();
}

inline void add_reference_uploads(reference_adder add, services& s) {
  const schema size = schema::integer(1, 10'000'000'000);
  add({"POST", "dataset/upload/csv", "Begins an upload"}, schema::object(),
      schema::object({{"name", reference_name()}, {"input_data_size", size}}),
      [&s](request_context& request) {
        return reference_begin_upload(s, request, data::upload_format::csv);
      });
  add({"POST", "dataset/upload/mnist", "Begins an upload"}, schema::object(),
      schema::object(
          {{"name", reference_name()}, {"input_data_size", size}, {"label_data_size", size}}),
      [&s](request_context& request) {
        return reference_begin_upload(s, request, data::upload_format::mnist);
      });
  const auto finish = [&s](const std::shared_ptr<request_context>& request, completion done) {
    reference_finish_upload(s, *request, std::move(done));
  };
  add.later({"PUT", "dataset/upload/csv", "Makes the dataset of an upload"}, schema::object(),
            schema::object({{"uuid", schema::uuid()}, {"uuid_input_file", schema::uuid()}}),
            finish);
  add.later({"PUT", "dataset/upload/mnist", "Makes the dataset of an upload"}, schema::object(),
            schema::object({{"uuid", schema::uuid()},
                            {"uuid_input_file", schema::uuid()},
                            {"uuid_label_file", schema::uuid()}}),
            finish);
  add({"GET", "dataset/progress", "Whether all of an upload has arrived"}, uuid_of("uuid"),
      std::nullopt, [&s](request_context& request) {
        const std::string id = request.text("uuid");
        const bool complete = s.resources.find(store::resource_kind::dataset, id)
                                  ? s.data.get(request.caller, id).id == id
                                  : s.data.find_target(request.caller, id).complete();
        return answer(json::object{{"uuid", id}, {"complete", complete}});
      });
}

inline void add_reference_datasets(reference_adder add, services& s) {
  add({"GET", "dataset", "One dataset"}, uuid_of("uuid"), std::nullopt,
      [&s](request_context& request) {
        const store::resource_row row = s.data.get(request.caller, request.text("uuid"));
        const data::data_layout layout = s.data.layout(request.caller, row.id);
        json::object columns;
        for (const data::data_column& c : layout.columns) {
          columns[c.name] = json::object{{"start_column", c.first}, {"end_column", c.last}};
        }
        json::object shown = reference_row(row);
        shown.erase("created_at");
        shown["description"] = std::move(columns);
        shown["version"] = "v1.alpha";
        shown["number_of_rows"] = layout.rows;
        shown["number_of_columns"] = layout.width;
        return answer(std::move(shown));
      });
  add({"GET", "dataset/all", "All datasets"}, schema::object(), std::nullopt,
      [&s](request_context& request) {
        return reference_list(s, request.caller, store::resource_kind::dataset);
      });
  add({"DELETE", "dataset", "Deletes a dataset"}, uuid_of("uuid"), std::nullopt,
      [&s](request_context& request) {
        s.data.remove(request.caller, request.text("uuid"));
        return answer();
      });
  // Two versions of the reference's clients name the values differently.
  add({"GET", "dataset/check", "In how many rows, in percent, a result is right"},
      schema::object({{"uuid", schema::uuid(), presence::optional},
                      {"reference_uuid", schema::uuid(), presence::optional},
                      {"result_uuid", schema::uuid(), presence::optional},
                      {"dataset_uuid", schema::uuid(), presence::optional}}),
      std::nullopt, [&s](request_context& request) {
        const auto result =
            request.text_if("uuid") ? request.text_if("uuid") : request.text_if("result_uuid");
        const auto truth = request.text_if("reference_uuid") ? request.text_if("reference_uuid")
                                                             : request.text_if("dataset_uuid");
        if (!result || !truth) {
          throw bad_request(
              "uuid and reference_uuid (or result_uuid and dataset_uuid) are required");
        }
        const auto a = s.data.open(request.caller, *result);
        const auto b = s.data.open(request.caller, *truth);
        return answer(
            json::object{{"accuracy", 100.0 * data::agreement(*a, compared_column(a->layout()), *b,
                                                              compared_column(b->layout()))}});
      });
  add({"GET", "dataset/content", "Rows of a column"},
      schema::object({{"uuid", schema::uuid()},
                      {"column_name", schema::text(1, 255)},
                      {"row_offset", schema::integer(0, 1'000'000'000).otherwise(0)},
                      {"number_of_rows", schema::integer(1, 10'000).otherwise(1)}}),
      std::nullopt, [&s](request_context& request) {
        const auto reader = s.data.open(request.caller, request.text("uuid"));
        const data::data_column& column = reader->layout().column(request.text("column_name"));
        const std::uint64_t first = std::min(
            static_cast<std::uint64_t>(request.integer("row_offset")), reader->layout().rows);
        const std::uint64_t count =
            std::min(static_cast<std::uint64_t>(request.integer("number_of_rows")),
                     reader->layout().rows - first);
        const auto width = static_cast<std::size_t>(column.width());
        std::vector<float> values(count * width);
        reader->read(column, first, count, values);
        json::array rows;
        for (std::size_t i = 0; i < count; ++i) {
          const auto row = std::span(values).subspan(i * width, width);
          rows.push_back(json::array(row.begin(), row.end()));
        }
        return answer(json::object{{"data", std::move(rows)}});
      });
}

inline void add_reference_checkpoints(reference_adder add, services& s) {
  add({"GET", "checkpoint", "One checkpoint"}, uuid_of("uuid"), std::nullopt,
      [&s](request_context& request) {
        return answer(reference_row(s.resources.get(
            request.caller, store::resource_kind::checkpoint, request.text("uuid"))));
      });
  add({"GET", "checkpoint/all", "All checkpoints"}, schema::object(), std::nullopt,
      [&s](request_context& request) {
        return reference_list(s, request.caller, store::resource_kind::checkpoint);
      });
  add({"DELETE", "checkpoint", "Deletes a checkpoint"}, uuid_of("uuid"), std::nullopt,
      [&s](request_context& request) {
        s.engine.remove_checkpoint(request.caller, request.text("uuid"));
        return answer();
      });
}

inline void add_reference_host(reference_adder add, services& s) {
  add({"GET", "host/all", "The hosts that clusters run on: one"}, schema::object(), std::nullopt,
      [](request_context&) {
        return reference_table({"uuid", "type"},
                               json::array{json::array{reference_host_uuid, "cpu"}});
      });
  add({"GET", "system_info", "The machine"}, schema::object(), std::nullopt, [](request_context&) {
    return answer(json::object{{"info", show_host(monitor::read_host())}});
  });
  add({"GET", "threading", "Threads and the processors each may run on"}, schema::object(),
      std::nullopt, [](request_context&) {
        return answer(json::object{{"thread_map", show_placement()}});
      });
  add({"GET", "power_consumption", "Power over time, W"}, schema::object(), std::nullopt,
      [&s](request_context&) {
        return answer(json::object{{"power", show_series(s.sampler.read().power_watt)}});
      });
  add({"GET", "speed", "Clock over time, MHz"}, schema::object(), std::nullopt,
      [&s](request_context&) {
        return answer(json::object{{"current_speed", show_series(s.sampler.read().speed_mhz)}});
      });
  add({"GET", "temperature_production", "Temperature over time, degrees Celsius"}, schema::object(),
      std::nullopt, [&s](request_context&) {
        return answer(
            json::object{{"temperature", show_series(s.sampler.read().temperature_celsius)}});
      });
}

HANAMI_SERVICE_INLINE void add_reference_work(reference_adder add, services& with) {
  add_reference_clusters(add, with);
  add_reference_tasks(add, with);
  add_reference_uploads(add, with);
  add_reference_datasets(add, with);
  add_reference_checkpoints(add, with);
  add_reference_host(add, with);
}

} // namespace hanami::service::api::detail
