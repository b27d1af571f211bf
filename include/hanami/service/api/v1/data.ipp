// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>

#include "../../base/compile.hpp"
#include "../../base/refusal.hpp"
#include "../../data/agreement.hpp"
#include "endpoints.hpp"
#include "samples.hpp"
#include "views.hpp"

namespace hanami::service::api {

namespace detail {

inline schema column_schema() {
  return schema::object({{"name", schema::text()},
                         {"first", schema::integer().describe("its first value in a row")},
                         {"last", schema::integer().describe("the one after its last")},
                         {"classes",
                          schema::list(schema::text())
                              .describe("of a column that was text: what its numbers 0, 1, ... "
                                        "stand for; left out beyond 64 KiB in all columns"),
                          presence::optional}});
}

inline schema dataset_schema() {
  return resource_schema("dataset", {{"rows", schema::integer()},
                                     {"width", schema::integer().describe("values a row")},
                                     {"type", schema::choice({"uint8", "float32"})},
                                     {"columns", schema::list(column_schema())}})
      .called("Dataset");
}

inline json::object show_dataset(const store::resource_row& row) {
  json::object shown = show_resource(row);
  json::error_code trouble;
  const json::value stored = json::parse(row.detail, trouble);
  for (const char* key : {"rows", "width", "type", "columns"}) {
    const json::value* found =
        !trouble && stored.is_object() ? stored.get_object().if_contains(key) : nullptr;
    shown[key] = found == nullptr ? json::value() : *found;
  }
  return shown;
}

inline answer dataset_answer(const store::resource_row& row) {
  answer given(show_dataset(row));
  given.version = row.version;
  return given;
}

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

inline json::object show_upload(const engine::upload& u) {
  json::array parts;
  for (const engine::upload_part& p : u.parts) {
    parts.push_back(
        json::object{{"id", p.id}, {"size", p.size}, {"received", p.received}, {"next", p.next}});
  }
  return {{"id", u.row.id},       {"name", u.row.name},       {"format", engine::name_of(u.format)},
          {"becomes", u.becomes}, {"complete", u.complete()}, {"parts", std::move(parts)}};
}

/// `name`: one that the schema takes.
inline engine::upload_format upload_format_from(std::string_view name) {
  return engine::upload_format_named(name).value_or(engine::upload_format::csv);
}

/// Writes the body of an upload to its destination as it arrives.
class upload_sink final : public http::body_sink {
 public:
  upload_sink(engine::datasets& to, identity caller, std::string part, std::uint64_t position)
      : to_(to), caller_(std::move(caller)), part_(std::move(part)), position_(position) {}

  void write(std::string_view piece) override {
    to_.write(caller_, part_, position_, std::as_bytes(std::span(piece.data(), piece.size())));
    position_ += piece.size();
  }

 private:
  engine::datasets& to_;
  identity caller_;
  std::string part_;
  std::uint64_t position_;
};

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
      "one part; mnist is two, images and labels, as idx files, packed by gzip or not.";
  begin.status = 201;
  begin.idempotent = true;
  begin.body = schema::object(
      {{"name", name_schema().describe("of what it becomes")},
       {"format", schema::choice({"csv", "mnist", "checkpoint"})},
       {"sizes", schema::list(schema::integer(1), 1, 2).describe("bytes of each part")},
       {"visibility", visibility_schema().otherwise("private")}});
  begin.handle = [&s](request_context& request) {
    std::vector<std::uint64_t> sizes;
    for (const json::value& size : request.values.at("sizes").as_array()) {
      sizes.push_back(static_cast<std::uint64_t>(size.as_int64()));
    }
    const engine::upload u =
        s.data.begin(request.caller, upload_format_from(request.text("format")),
                     request.text("name"), sizes, visibility_from(request.text("visibility")));
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
  finish.description = "Content that is not what it should be is refused with the place of the "
                       "fault; the upload stays and can be mended.";
  finish.status = 201;
  finish.path_values = one;
  finish.response_schema = schema::any().describe("the dataset or checkpoint");
  finish.refusals = {404, 409, 507};
  finish.handle = [&s](request_context& request) {
    const std::string id = request.text("upload_id");
    if (s.data.progress(request.caller, id).format == engine::upload_format::checkpoint) {
      const store::resource_row row = s.engine.import_checkpoint(request.caller, id);
      answer given(show_resource(row));
      given.location = "/v1/checkpoints/" + row.id;
      return given;
    }
    const store::resource_row row = s.data.finish(request.caller, id);
    answer given = dataset_answer(row);
    given.location = "/v1/datasets/" + row.id;
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

/// A dataset as CSV: a header, then a row a line. Columns of several values are name_0, name_1, ...
class dataset_csv final : public http::body_source {
 public:
  explicit dataset_csv(std::shared_ptr<const engine::data_reader> from) : from_(std::move(from)) {
    const engine::data_layout& layout = from_->layout();
    std::vector<std::string> names(layout.width);
    for (const engine::data_column& c : layout.columns) {
      for (std::uint64_t i = c.first; i < c.last; ++i) {
        names[i] = quoted(c.width() == 1 ? c.name : c.name + '_' + std::to_string(i - c.first));
      }
    }
    for (std::size_t i = 0; i < names.size(); ++i) {
      text_ += (i == 0 ? "" : ",") + names[i];
    }
    text_ += "\r\n";
  }

  std::optional<std::uint64_t> size() const override { return {}; }

  std::size_t read(std::span<char> buffer) override {
    std::size_t filled = 0;
    while (filled < buffer.size()) {
      if (at_ == text_.size() && !fill()) {
        break;
      }
      const std::size_t part = std::min(buffer.size() - filled, text_.size() - at_);
      std::copy_n(text_.data() + at_, part, buffer.data() + filled);
      at_ += part;
      filled += part;
    }
    return filled;
  }

 private:
  static std::string quoted(const std::string& name) {
    std::string result = "\"";
    for (const char c : name) {
      result += c;
      if (c == '"') {
        result += c;
      }
    }
    return result + '"';
  }

  bool fill() {
    const engine::data_layout& layout = from_->layout();
    text_.clear();
    at_ = 0;
    const std::uint64_t rows = std::min<std::uint64_t>(
        layout.rows - row_, std::max<std::uint64_t>(1, 16384 / layout.width));
    if (rows == 0) {
      return false;
    }
    values_.resize(rows * layout.width);
    from_->read(row_, rows, values_);
    row_ += rows;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      if (std::isfinite(values_[i])) { // what is missing is an empty cell
        append_number(text_, values_[i]);
      }
      text_ += (i + 1) % layout.width == 0 ? "\r\n" : ",";
    }
    return true;
  }

  std::shared_ptr<const engine::data_reader> from_;
  std::uint64_t row_ = 0;
  std::vector<float> values_;
  std::string text_;
  std::size_t at_ = 0;
};

/// The content of a checkpoint's file.
class block_source final : public http::body_source {
 public:
  explicit block_source(std::shared_ptr<const engine::block_reader> from)
      : from_(std::move(from)) {}

  std::optional<std::uint64_t> size() const override { return from_->size(); }
  std::size_t read(std::span<char> buffer) override {
    const std::size_t part =
        static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), from_->size() - at_));
    from_->read(at_, std::as_writable_bytes(buffer.first(part)));
    at_ += part;
    return part;
  }

 private:
  std::shared_ptr<const engine::block_reader> from_;
  std::uint64_t at_ = 0;
};

inline void add_dataset_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "datasets";
  common.response_schema = dataset_schema();
  common.refusals = {404};
  const schema one = one_id("dataset_id", "dataset");

  endpoint list = common;
  list.id = "list_datasets";
  list.method = "GET";
  list.path = "/v1/datasets";
  list.summary = "All datasets that one may use, by creation";
  list.query = page_schema();
  list.response_schema = list_schema(dataset_schema());
  list.handle = [&s](request_context& request) {
    return show_page(
        s.resources.list(request.caller, store::resource_kind::dataset, page_from(request)),
        show_dataset);
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_dataset";
  get.method = "GET";
  get.path = "/v1/datasets/{dataset_id}";
  get.summary = "One dataset";
  get.path_values = one;
  get.handle = [&s](request_context& request) {
    return dataset_answer(s.data.get(request.caller, request.text("dataset_id")));
  };
  to.add(get);

  endpoint change = common;
  change.id = "change_dataset";
  change.method = "PATCH";
  change.path = "/v1/datasets/{dataset_id}";
  change.summary = "Changes name or visibility";
  change.path_values = one;
  change.body = change_schema();
  change.refusals = {404, 412};
  change.handle = [&s](request_context& request) {
    return dataset_answer(s.resources.change(request.caller, store::resource_kind::dataset,
                                             request.text("dataset_id"), change_from(request),
                                             request.expected_version()));
  };
  to.add(change);

  endpoint remove = common;
  remove.id = "delete_dataset";
  remove.method = "DELETE";
  remove.path = "/v1/datasets/{dataset_id}";
  remove.summary = "Deletes a dataset that no open task uses";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.refusals = {404, 409};
  remove.handle = [&s](request_context& request) {
    s.data.remove(request.caller, request.text("dataset_id"));
    return answer();
  };
  to.add(remove);

  endpoint content = common;
  content.id = "get_dataset_content";
  content.method = "GET";
  content.path = "/v1/datasets/{dataset_id}/content";
  content.summary = "Some rows of a column";
  content.path_values = one;
  content.query = schema::object({{"column", schema::text(1, 255)},
                                  {"first", schema::integer(0).otherwise(0)},
                                  {"count", schema::integer(1, 10'000).otherwise(100)}});
  content.response_schema = schema::object({{"first", schema::integer()},
                                            {"total", schema::integer().describe("rows in all")},
                                            {"rows", schema::list(values_schema())}});
  content.handle = [&s](request_context& request) {
    const auto reader = s.data.open(request.caller, request.text("dataset_id"));
    const engine::data_column& column = reader->layout().column(request.text("column"));
    const std::uint64_t total = reader->layout().rows;
    const std::uint64_t first =
        std::min(static_cast<std::uint64_t>(request.integer("first")), total);
    const std::uint64_t count =
        std::min(static_cast<std::uint64_t>(request.integer("count")), total - first);
    std::vector<float> values(count * column.width());
    reader->read(column, first, count, values);
    answer given;
    given.text = "{\"first\":" + std::to_string(first) + ",\"total\":" + std::to_string(total) +
                 ",\"rows\":[";
    const auto width = static_cast<std::size_t>(column.width());
    for (std::size_t row = 0; row < count; ++row) {
      given.text += row == 0 ? "" : ",";
      append_numbers(given.text, std::span(values).subspan(row * width, width));
    }
    given.text += "]}";
    given.content_type = "application/json";
    return given;
  };
  to.add(content);

  endpoint download = common;
  download.id = "download_dataset";
  download.method = "GET";
  download.path = "/v1/datasets/{dataset_id}/csv";
  download.summary = "The whole dataset as CSV";
  download.path_values = one;
  download.response_schema.reset();
  download.response_type = "text/csv";
  download.handle = [&s](request_context& request) {
    answer given;
    given.source =
        std::make_unique<dataset_csv>(s.data.open(request.caller, request.text("dataset_id")));
    given.content_type = "text/csv; charset=utf-8; header=present";
    given.headers.add("Content-Disposition",
                      "attachment; filename=\"" + request.text("dataset_id") + ".csv\"");
    return given;
  };
  to.add(download);

  endpoint compare = common;
  compare.id = "compare_datasets";
  compare.method = "GET";
  compare.path = "/v1/datasets/{dataset_id}/agreement";
  compare.summary = "In how many rows two columns agree";
  compare.description =
      "Columns of several values agree where the largest stands at the same place.";
  compare.path_values = one;
  compare.query = schema::object({{"column", schema::text(1, 255)},
                                  {"other_id", id_schema("dataset it is compared with")},
                                  {"other_column", schema::text(1, 255)}});
  compare.response_schema =
      schema::object({{"agreement", schema::number(0, 1)},
                      {"rows", schema::integer().describe("of the shorter one")}});
  compare.handle = [&s](request_context& request) {
    const auto a = s.data.open(request.caller, request.text("dataset_id"));
    const auto b = s.data.open(request.caller, request.text("other_id"));
    return answer(json::object{
        {"agreement", engine::agreement(*a, a->layout().column(request.text("column")), *b,
                                        b->layout().column(request.text("other_column")))},
        {"rows", std::min(a->layout().rows, b->layout().rows)}});
  };
  to.add(compare);
}

inline void add_checkpoint_endpoints(registry& to, services& s) {
  endpoint common;
  common.tag = "checkpoints";
  common.response_schema = resource_schema("checkpoint").called("Checkpoint");
  common.refusals = {404};
  const schema one = one_id("checkpoint_id", "checkpoint");
  const auto show = [](const store::resource_row& row) {
    answer given(show_resource(row));
    given.version = row.version;
    return given;
  };

  endpoint list = common;
  list.id = "list_checkpoints";
  list.method = "GET";
  list.path = "/v1/checkpoints";
  list.summary = "All checkpoints that one may use, by creation";
  list.query = page_schema();
  list.response_schema = list_schema(*common.response_schema);
  list.handle = [&s](request_context& request) {
    return show_page(
        s.resources.list(request.caller, store::resource_kind::checkpoint, page_from(request)),
        show_resource);
  };
  to.add(list);

  endpoint get = common;
  get.id = "get_checkpoint";
  get.method = "GET";
  get.path = "/v1/checkpoints/{checkpoint_id}";
  get.summary = "One checkpoint";
  get.path_values = one;
  get.handle = [&s, show](request_context& request) {
    return show(s.resources.get(request.caller, store::resource_kind::checkpoint,
                                request.text("checkpoint_id")));
  };
  to.add(get);

  endpoint change = common;
  change.id = "change_checkpoint";
  change.method = "PATCH";
  change.path = "/v1/checkpoints/{checkpoint_id}";
  change.summary = "Changes name or visibility";
  change.path_values = one;
  change.body = change_schema();
  change.refusals = {404, 412};
  change.handle = [&s, show](request_context& request) {
    return show(s.resources.change(request.caller, store::resource_kind::checkpoint,
                                   request.text("checkpoint_id"), change_from(request),
                                   request.expected_version()));
  };
  to.add(change);

  endpoint download = common;
  download.id = "download_checkpoint";
  download.method = "GET";
  download.path = "/v1/checkpoints/{checkpoint_id}/content";
  download.summary = "The checkpoint as a file, as the library loads it";
  download.path_values = one;
  download.response_schema.reset();
  download.response_type = "application/octet-stream";
  download.handle = [&s](request_context& request) {
    answer given;
    given.source = std::make_unique<block_source>(
        s.engine.open_checkpoint(request.caller, request.text("checkpoint_id")));
    given.content_type = "application/octet-stream";
    given.headers.add("Content-Disposition",
                      "attachment; filename=\"" + request.text("checkpoint_id") + ".hanami\"");
    return given;
  };
  to.add(download);

  endpoint remove = common;
  remove.id = "delete_checkpoint";
  remove.method = "DELETE";
  remove.path = "/v1/checkpoints/{checkpoint_id}";
  remove.summary = "Deletes a checkpoint";
  remove.path_values = one;
  remove.response_schema.reset();
  remove.status = 204;
  remove.handle = [&s](request_context& request) {
    s.engine.remove_checkpoint(request.caller, request.text("checkpoint_id"));
    return answer();
  };
  to.add(remove);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_data_endpoints(registry& to, services& with) {
  detail::add_upload_endpoints(to, with);
  detail::add_dataset_endpoints(to, with);
  detail::add_checkpoint_endpoints(to, with);
}

} // namespace hanami::service::api
