// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "endpoints.hpp"
#include "task_views.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline schema upload_schema() {
  return schema::object(
             {{"id", id_schema("upload")},
              {"name", name_schema()},
              {"format", schema::choice({"csv", "mnist", "checkpoint"})},
              {"becomes", id_schema("dataset or checkpoint that it becomes")},
              {"complete", schema::boolean()},
              {"parts", schema::list(schema::object(
                            {{"id", id_schema("part")},
                             {"size", schema::integer(1)},
                             {"received", schema::integer()},
                             {"next", schema::integer().describe("first byte that is missing: "
                                                                 "where to go on")}}))}})
      .called("Upload");
}

inline json::object show_upload(const data::upload& u) {
  json::array parts;
  for (const data::upload_part& p : u.parts) {
    parts.push_back(
        json::object{{"id", p.id}, {"size", p.size}, {"received", p.received}, {"next", p.next}});
  }
  return {{"id", u.row.id},       {"name", u.row.name},       {"format", data::name_of(u.format)},
          {"becomes", u.becomes}, {"complete", u.complete()}, {"parts", std::move(parts)}};
}

/// `name`: one that the schema takes.
inline data::upload_format upload_format_from(std::string_view name) {
  return data::upload_format_named(name).value_or(data::upload_format::csv);
}

/// Writes the body of an upload to its destination as it arrives.
class upload_sink final : public http::body_sink {
 public:
  upload_sink(data::datasets& to, identity caller, std::string part, std::uint64_t position)
      : to_(to), caller_(std::move(caller)), part_(std::move(part)), position_(position) {}

  void write(std::string_view piece) override {
    to_.write(caller_, part_, position_, std::as_bytes(std::span(piece.data(), piece.size())));
    position_ += piece.size();
  }

 private:
  data::datasets& to_;
  identity caller_;
  std::string part_;
  std::uint64_t position_;
};

/// The fields of an upload of one format.
inline schema_variant upload_of_format(const char* format, const char* called, std::size_t parts,
                                       std::vector<schema_property> more = {}) {
  std::vector<schema_property> fields{
      {"format", schema::choice({format})},
      {"name", name_schema().describe("of what it becomes")},
      {"sizes", schema::list(schema::integer(1), parts, parts)
                    .describe(parts == 1 ? "bytes" : "bytes of the images, and of the labels")},
      {"visibility", visibility_schema().otherwise("private")}};
  fields.insert(fields.end(), more.begin(), more.end());
  return {format, schema::object(std::move(fields)).called(called)};
}

inline schema upload_body() {
  return schema::one_of(
      "format", {upload_of_format("csv", "CsvUpload", 1,
                                  {{"classes",
                                    schema::list(schema::text(1, 255), 0, 16'384)
                                        .describe("columns that hold classes even where they are "
                                                  "written as numbers; those of text always do"),
                                    presence::optional}}),
                 upload_of_format("mnist", "MnistUpload", 2),
                 upload_of_format("checkpoint", "CheckpointUpload", 1)});
}

inline void add_upload_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "uploads";
  common.response_schema = upload_schema();
  common.refusals = {404};
  const schema one = one_id("upload_id", "upload");

  endpoint begin = common;
  begin.id = "begin_upload";
  begin.method = "POST";
  begin.path = "/v1/uploads";
  begin.summary = "Begins an upload";
  begin.description =
      "Then the bytes of each part go to PUT /v1/parts/{part_id}, in pieces of any size and order, "
      "again after a break; then `finish` makes the dataset or checkpoint. A csv or checkpoint is "
      "one part; mnist is two, images and labels, as idx files. Tables and idx files may be packed "
      "by gzip, as .csv.gz is.";
  begin.status = 201;
  begin.idempotent = true;
  begin.body = upload_body();
  begin.handle = [&s](request_context& request) {
    std::vector<std::uint64_t> sizes;
    for (const json::value& size : request.values.at("sizes").as_array()) {
      sizes.push_back(static_cast<std::uint64_t>(size.as_int64()));
    }
    std::vector<std::string> classes;
    if (const json::value* given = request.find("classes")) {
      for (const json::value& name : given->as_array()) {
        classes.emplace_back(name.as_string());
      }
    }
    const data::upload u = s.data.begin(
        request.caller, upload_format_from(request.text("format")), request.text("name"), sizes,
        visibility_from(request.text("visibility")), std::move(classes));
    answer given(show_upload(u));
    given.location = "/v1/uploads/" + u.row.id;
    return given;
  };
  to.add(begin);

  endpoint list = common;
  list.id = "list_uploads";
  list.method = "GET";
  list.path = "/v1/uploads";
  list.summary = "The own uploads that are not finished";
  list.query = page_schema();
  list.response_schema = list_schema(upload_schema());
  list.handle = [&s](request_context& request) {
    return show_page(s.data.list_uploads(request.caller, page_from(request)), show_upload);
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_upload";
  get.method = "GET";
  get.path = "/v1/uploads/{upload_id}";
  get.summary = "What has arrived of an upload";
  get.path_values = one;
  get.handle = [&s](request_context& request) {
    return answer(show_upload(s.data.progress(request.caller, request.text("upload_id"))));
  };
  to.add(get);

  endpoint write = common;
  write.id = "write_part";
  write.method = "PUT";
  write.path = "/v1/parts/{part_id}";
  write.summary = "Bytes of a part, from a position on";
  write.path_values = one_id("part_id", "part");
  write.query = schema::object({{"position", schema::integer(0).otherwise(0)}});
  write.response_schema.reset();
  write.status = 204;
  write.audited = false; // begin and finish are
  write.open_sink = [&s](request_context& request) {
    const std::string part = request.text("part_id");
    s.data.find_part(request.caller, part); // `not_found` before a byte is read
    return std::make_unique<upload_sink>(s.data, request.caller, part,
                                         static_cast<std::uint64_t>(request.integer("position")));
  };
  write.handle = [](request_context&) { return answer(); };
  to.add(write);

  endpoint finish = common;
  finish.id = "finish_upload";
  finish.method = "POST";
  finish.path = "/v1/uploads/{upload_id}/finish";
  finish.summary = "Makes the dataset or checkpoint of a complete upload";
  finish.description =
      "It is a task, of the kind import: `outcome` has the `dataset_id` or `checkpoint_id`, which "
      "is "
      "what the upload `becomes`. Content that is not what it should be makes the task fail, with "
      "the place of the fault in `error`; the upload stays then, also after an abort, and can be "
      "mended and finished again.";
  finish.status = 202;
  finish.idempotent = true;
  finish.path_values = one;
  finish.response_schema = task_schema();
  finish.refusals = {404, 409, 413};
  finish.handle = [&s](request_context& request) {
    const engine::task_view started =
        s.engine.import_upload(request.caller, request.text("upload_id"));
    answer given(show_task(started));
    given.location = "/v1/tasks/" + started.row.id;
    return given;
  };
  to.add(finish);

  endpoint cancel = common;
  cancel.id = "cancel_upload";
  cancel.method = "DELETE";
  cancel.path = "/v1/uploads/{upload_id}";
  cancel.summary = "Gives an upload up";
  cancel.path_values = one;
  cancel.response_schema.reset();
  cancel.status = 204;
  cancel.handle = [&s](request_context& request) {
    s.data.cancel(request.caller, request.text("upload_id"));
    return answer();
  };
  to.add(cancel);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_upload_endpoints(registry& to, services& s) {
  detail::add_upload_endpoints(to, s);
}

} // namespace hanami::service::api
