// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../../../base/compile.hpp"
#include "../../../base/json_text.hpp"
#include "../../../base/refusal.hpp"
#include "../../../data/agreement.hpp"
#include "../direct_use.hpp"
#include "../endpoints.hpp"
#include "../task_links.hpp"
#include "../views.hpp"

/// Many samples in one request: as JSON, an input at a time, or as they lie in memory; and rows of
/// datasets.

namespace hanami::service::api {

namespace detail {

inline constexpr std::size_t most_batch_rows = 10'000;
inline constexpr std::size_t most_batch_values = 1'000'000;
inline constexpr std::size_t most_batch_bytes = std::size_t{4} << 20; ///< of a body

inline schema rows_schema() {
  return schema::map(schema::list(values_schema(), 1, most_batch_rows))
      .describe("for each a list of rows, all of the same length");
}
inline schema batch_question_schema() { return schema::object({{"inputs", rows_schema()}}); }
inline schema batch_lesson_schema() {
  return schema::object({{"inputs", rows_schema()}, {"targets", rows_schema()}});
}

inline bool is_binary(const http::request& message) {
  return message.headers.get("Content-Type").starts_with("application/octet-stream");
}

/// The body as JSON, checked. Throws `bad_request` and `invalid_value`.
inline json::object json_body(const http::request& message, const schema& against) {
  json_text parsed = parse_json(message.body);
  if (!parsed.trouble.empty()) {
    throw bad_request("the body is not JSON: " + parsed.trouble +
                      "; accepted are application/json and application/octet-stream");
  }
  std::vector<schema_fault> faults;
  against.check(parsed.value, "", faults);
  if (!faults.empty()) {
    throw invalid_values(std::move(faults));
  }
  return std::move(parsed.value.as_object());
}

/// `{"name": [[values], ...], ...}` -> rows of flat samples. Throws `invalid_value` with a pointer
/// below `pointer`.
inline std::vector<float> flat_rows(const json::object& given,
                                    const std::vector<engine::buffer_shape>& buffers,
                                    std::size_t size, const std::string& pointer) {
  std::vector<float> rows;
  std::size_t count = 0;
  for (const engine::buffer_shape& b : buffers) {
    const json::value* list = given.if_contains(b.name);
    const std::string here = pointer + '/' + b.name;
    if (list == nullptr) {
      throw invalid_value_at(here, "is required: rows of " + std::to_string(b.size) + " values");
    }
    const json::array& each = list->as_array();
    if (rows.empty()) {
      count = each.size();
      if (count * size > most_batch_values) { // before the memory is taken
        throw invalid_value_at(here, std::to_string(count) + " rows of " + std::to_string(size) +
                                         " values in all; a million values are taken at once");
      }
      rows.resize(count * size);
    } else if (each.size() != count) {
      throw invalid_value_at(here, "has " + std::to_string(each.size()) +
                                       " rows, what stands before it " + std::to_string(count));
    }
    for (std::size_t i = 0; i < count; ++i) {
      const json::array& values = each[i].as_array();
      const std::string row = here + '/' + std::to_string(i);
      if (values.size() != b.size) {
        throw invalid_value_at(row, "must have " + std::to_string(b.size) + " values, not " +
                                        std::to_string(values.size()));
      }
      copy_values(values, std::span(rows).subspan(i * size + b.first, b.size), row);
    }
  }
  if (given.size() != buffers.size()) {
    for (const auto& item : given) {
      if (std::none_of(buffers.begin(), buffers.end(),
                       [&](const engine::buffer_shape& b) { return b.name == item.key(); })) {
        throw invalid_value_at(pointer + '/' + std::string(item.key()),
                               "the cluster has no such name; it has " + known_buffers(buffers));
      }
    }
  }
  return rows;
}

/// A body of whole rows of so many values, float32, little-endian. Throws `invalid_value`.
inline std::vector<float> binary_rows(const std::string& body, std::size_t width,
                                      const std::string& what) {
  static_assert(std::endian::native == std::endian::little, "rows are copied as they are");
  const std::size_t bytes = width * sizeof(float);
  if (body.empty() || body.size() % bytes != 0) {
    throw invalid_value(std::to_string(body.size()) + " bytes; accepted are whole rows of " +
                        std::to_string(bytes) + ": " + what);
  }
  if (body.size() / bytes > most_batch_rows) {
    throw invalid_value(std::to_string(body.size() / bytes) +
                        " rows; at most 10000 are taken at once");
  }
  std::vector<float> values(body.size() / sizeof(float));
  std::memcpy(values.data(), body.data(), body.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isinf(values[i])) {
      throw invalid_value("row " + std::to_string(i / width) + ", value " +
                          std::to_string(i % width) + " is not finite; what is missing is NaN");
    }
  }
  return values;
}

struct batch_lesson {
  std::vector<float> inputs;
  std::vector<float> targets;
};

inline std::vector<float> questions_from(const http::request& message,
                                         const engine::cluster_shape& of) {
  if (is_binary(message)) {
    return binary_rows(message.body, of.input_size,
                       std::to_string(of.input_size) + " float32 of the inputs");
  }
  const json::object body = json_body(message, batch_question_schema());
  return flat_rows(body.at("inputs").as_object(), of.inputs, of.input_size, "/inputs");
}

inline batch_lesson lessons_from(const http::request& message, const engine::cluster_shape& of) {
  batch_lesson made;
  if (!is_binary(message)) {
    const json::object body = json_body(message, batch_lesson_schema());
    made.inputs = flat_rows(body.at("inputs").as_object(), of.inputs, of.input_size, "/inputs");
    made.targets =
        flat_rows(body.at("targets").as_object(), of.outputs, of.output_size, "/targets");
    if (made.inputs.size() / of.input_size != made.targets.size() / of.output_size) {
      throw invalid_value_at("/targets", "must have as many rows as the inputs: " +
                                             std::to_string(made.inputs.size() / of.input_size));
    }
    return made;
  }
  const std::size_t width = of.input_size + of.output_size;
  const std::vector<float> rows =
      binary_rows(message.body, width,
                  std::to_string(of.input_size) + " float32 of the inputs, then " +
                      std::to_string(of.output_size) + " of the targets");
  for (auto row = rows.begin(); row != rows.end(); row += static_cast<std::ptrdiff_t>(width)) {
    const auto middle = row + static_cast<std::ptrdiff_t>(of.input_size);
    made.inputs.insert(made.inputs.end(), row, middle);
    made.targets.insert(made.targets.end(), middle, row + static_cast<std::ptrdiff_t>(width));
  }
  return made;
}

/// `"name":[[values],...],...` of rows of answers.
inline void append_output_rows(std::string& to, std::span<const float> rows,
                               const engine::cluster_shape& of) {
  to += '{';
  for (std::size_t i = 0; i < of.outputs.size(); ++i) {
    const engine::buffer_shape& b = of.outputs[i];
    to += i > 0 ? ",\"" : "\"";
    to += b.name; // names in templates contain nothing that JSON escapes
    to += "\":[";
    for (std::size_t row = 0; row < rows.size(); row += of.output_size) {
      to += row > 0 ? "," : "";
      append_numbers(to, rows.subspan(row + b.first, b.size));
    }
    to += ']';
  }
  to += '}';
}

/// The names of the classes with the largest values, of outputs that have classes.
inline json::object class_rows(std::span<const float> rows, const engine::cluster_shape& of) {
  json::object shown;
  for (const engine::buffer_shape& b : of.outputs) {
    if (b.kind == output_kind::linear || b.size < 2) {
      continue;
    }
    json::array names;
    for (std::size_t row = 0; row < rows.size(); row += of.output_size) {
      const auto values = rows.subspan(row + b.first, b.size);
      names.emplace_back(b.class_name(data::index_of_largest(values)));
    }
    shown[b.name] = std::move(names);
  }
  return shown;
}

inline schema output_rows_schema() {
  return schema::map(schema::list(schema::list(schema::number().or_null())))
      .describe("for each output a list of rows");
}

inline schema batch_learned_schema() {
  return schema::object(
             {{"samples", schema::integer().describe("that were learned and survive a kill")},
              {"changed", schema::integer().describe("of them, those that changed weights; the "
                                                     "others were known well enough already")},
              {"refused", schema::integer().describe("that the cluster did not take")},
              {"first_refusal", schema::text().or_null().describe("why, of the first of them")},
              {"mean_loss", schema::number().or_null().describe("of those that were learned")},
              {"losses", schema::list(schema::number().or_null(), 0, most_batch_rows)
                             .describe("of each, in nats, before it was learned; null: refused")}})
      .called("BatchLearned");
}

inline std::string show_batch_learned(const engine::batch_learned& r) {
  double sum = 0;
  for (const float loss : r.losses) {
    sum += std::isfinite(loss) ? static_cast<double>(loss) : 0;
  }
  const json::value mean =
      r.kept > 0 ? json::value(sum / static_cast<double>(r.kept)) : json::value();
  std::string text = json::serialize(
      json::object{{"samples", r.kept},
                   {"changed", r.changed},
                   {"refused", r.refused},
                   {"first_refusal", r.refused > 0 ? json::value(r.first_refusal) : json::value()},
                   {"mean_loss", mean}});
  text.back() = ',';
  text += "\"losses\":";
  append_numbers(text, r.losses);
  return text += '}';
}

/// The refusal of a batch that broke off, which says how much of it was learned.
inline std::exception_ptr broken_off(const std::exception_ptr& why, std::uint64_t kept) {
  try {
    std::rethrow_exception(why);
  } catch (const refusal& told) {
    refusal more(told.code(), std::string(told.what()) + "; the first " + std::to_string(kept) +
                                  " samples were learned");
    more.retry_after_s = told.retry_after_s;
    return std::make_exception_ptr(more);
  } catch (...) {
    return why;
  }
}

inline answer json_answer(std::string text) {
  answer given;
  given.text = std::move(text);
  given.content_type = "application/json";
  return given;
}

inline engine::cluster_handle open_usable(services& s, const request_context& request) {
  const std::string id = request.text("cluster_id");
  s.resources.kept_ownership(request.caller, store::resource_kind::cluster, id);
  return s.engine.open_cluster(id);
}

inline void add_batch_calls(registry& to, services& s) {
  endpoint common;
  common.tag = "clusters";
  common.method = "POST";
  common.path_values = one_id("cluster_id", "cluster");
  common.refusals = {404, 503};
  common.audited = false; // samples are no events
  common.body_bytes = most_batch_bytes;

  endpoint infer = common;
  infer.id = "infer_batch";
  infer.path = "/v1/clusters/{cluster_id}/batch/infer";
  infer.summary = "Asks a cluster about many samples at once: up to 10,000, a million values";
  infer.description = "Binary questions get binary answers. Samples that others send meanwhile may "
                      "be learned in between.";
  infer.body_forms = {
      {"application/json", batch_question_schema(), R"({"inputs":{"input":[[0.5],[null],[17]]}})"},
      {"application/octet-stream",
       schema::text().describe("a row a sample: the values of all inputs, in the order in which "
                               "the statistics list them, float32, little-endian; NaN: missing"),
       ""}};
  infer.response_schema = schema::object({{"outputs", output_rows_schema()}});
  infer.binary_answer = "a row a sample: the values of all outputs, float32, little-endian";
  infer.handle_later = [&s](const std::shared_ptr<request_context>& request, completion done) {
    request->cluster = open_usable(s, *request);
    const engine::cluster_shape& shape = request->cluster.shape();
    s.engine.infer_batch(
        request->cluster, request->caller.user_id, questions_from(request->message, shape),
        [request, done = std::move(done)](std::span<const float> rows, std::exception_ptr why) {
          answer given;
          if (!why && is_binary(request->message)) {
            given.text.assign(reinterpret_cast<const char*>(rows.data()), rows.size_bytes());
            given.content_type = "application/octet-stream";
          } else if (!why) {
            std::string text = "{\"outputs\":";
            append_output_rows(text, rows, request->cluster.shape());
            given = json_answer(text += '}');
          }
          done(std::move(given), why);
        });
  };
  to.add(infer);

  endpoint train = common;
  train.id = "train_batch";
  train.path = "/v1/clusters/{cluster_id}/batch/train";
  train.summary = "Trains a cluster on many samples at once: up to 10,000, in their order";
  train.description =
      "The answer comes when all are learned and survive a kill of the server. Samples that others "
      "send meanwhile may be learned in between. Where it breaks off, the problem says how many "
      "were learned. A null, or NaN, in the targets is nothing to learn.";
  train.body_forms = {
      {"application/json", batch_lesson_schema(),
       R"({"inputs":{"input":[[0.5],[17]]},"targets":{"output":[[1],[null]]}})"},
      {"application/octet-stream",
       schema::text().describe("a row a sample: the values of all inputs, then of all outputs, in "
                               "the order in which the statistics list them, float32, "
                               "little-endian; NaN: missing"),
       ""}};
  train.idempotent = true;
  train.response_schema = batch_learned_schema();
  train.handle_later = [&s](const std::shared_ptr<request_context>& request, completion done) {
    s.resources.expect_changeable(request->caller, store::resource_kind::cluster,
                                  request->text("cluster_id"));
    const engine::cluster_handle cluster = open_usable(s, *request);
    batch_lesson lesson = lessons_from(request->message, cluster.shape());
    s.engine.train_batch(cluster, request->caller.user_id, std::move(lesson.inputs),
                         std::move(lesson.targets),
                         [done = std::move(done)](const engine::batch_learned& learned,
                                                  const std::exception_ptr& why) {
                           if (why) {
                             done({}, broken_off(why, learned.kept));
                           } else {
                             done(json_answer(show_batch_learned(learned)), nullptr);
                           }
                         });
  };
  to.add(train);
}

inline void add_dataset_question(registry& to, services& s) {
  endpoint ask;
  ask.tag = "clusters";
  ask.id = "infer_dataset";
  ask.method = "POST";
  ask.path = "/v1/clusters/{cluster_id}/dataset/infer";
  ask.summary = "Asks a cluster about some rows of datasets, without a task";
  ask.description = "For a look at what it has learned. A task of the kind request answers all "
                    "rows, and keeps the answers.";
  ask.path_values = one_id("cluster_id", "cluster");
  ask.refusals = {404, 503};
  ask.audited = false;
  ask.body = schema::object(
      {{"inputs", schema::list(link_schema("input"), 1, 1000)},
       {"window", schema::integer(1, 1'000'000).otherwise(1).describe("rows a sample")},
       {"first", schema::integer().otherwise(0).describe("sample of the page")},
       {"count", schema::integer(1, 1000).otherwise(100)}});
  ask.response_schema = schema::object(
      {{"first", schema::integer()},
       {"total", schema::integer().describe("samples that there are")},
       {"next", schema::integer().or_null().describe("`first` of the next page")},
       {"outputs", output_rows_schema()},
       {"classes", schema::map(schema::list(schema::text()))
                       .describe("of outputs that tell classes apart: the likeliest one's name")}});
  ask.handle_later = [&s](const std::shared_ptr<request_context>& request, completion done) {
    request->cluster = open_usable(s, *request);
    engine::task_plan plan;
    plan.inputs = links_from(request->find("inputs"), "input");
    plan.window = static_cast<std::uint32_t>(request->integer("window"));
    const auto first = static_cast<std::uint64_t>(request->integer("first"));
    auto rows = s.engine.read_rows(request->caller, request->cluster, std::move(plan), first,
                                   static_cast<std::uint64_t>(request->integer("count")));
    const std::uint64_t total = rows.total;
    const auto show = [request, first, total](std::span<const float> found, std::uint64_t count) {
      const engine::cluster_shape& shape = request->cluster.shape();
      const std::uint64_t end = first + count;
      std::string text = json::serialize(
          json::object{{"first", first},
                       {"total", total},
                       {"next", count > 0 && end < total ? json::value(end) : json::value()},
                       {"classes", class_rows(found, shape)}});
      text.back() = ',';
      text += "\"outputs\":";
      append_output_rows(text, found, shape);
      return json_answer(text += '}');
    };
    const std::uint64_t count = rows.inputs.size() / request->cluster.shape().input_size;
    if (count == 0) { // beyond the last
      done(show({}, 0), nullptr);
      return;
    }
    s.engine.infer_batch(request->cluster, request->caller.user_id, std::move(rows.inputs),
                         [show, count, done = std::move(done)](std::span<const float> found,
                                                               const std::exception_ptr& why) {
                           done(why ? answer() : show(found, count), why);
                         });
  };
  to.add(ask);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_batch_endpoints(registry& to, services& s) {
  detail::add_batch_calls(to, s);
  detail::add_dataset_question(to, s);
}

} // namespace hanami::service::api
