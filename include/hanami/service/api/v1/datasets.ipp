// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>

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

/// A dataset as CSV: a header, then a row a line. Columns of several values are name_0, name_1, ...
class dataset_csv final : public http::body_source {
 public:
  explicit dataset_csv(std::shared_ptr<const data::data_reader> from) : from_(std::move(from)) {
    const data::data_layout& layout = from_->layout();
    std::vector<std::string> names(layout.width);
    for (const data::data_column& c : layout.columns) {
      for (std::uint64_t i = c.first; i < c.last; ++i) {
        names[i] = quoted(c.width() == 1 ? c.name : c.name + '_' + std::to_string(i - c.first));
      }
      for (const std::string& name : c.classes) {
        classes_[c.first].push_back(quoted(name));
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
  /// Behind an apostrophe where spreadsheets would take it for a formula.
  static std::string quoted(const std::string& name) {
    std::string result = "\"";
    if (name.find_first_of("=+-@\t\r") == 0) {
      result += '\'';
    }
    for (const char c : name) {
      result += c;
      if (c == '"') {
        result += c;
      }
    }
    return result + '"';
  }

  bool fill() {
    const data::data_layout& layout = from_->layout();
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
      append_cell(i % layout.width, values_[i]);
      text_ += (i + 1) % layout.width == 0 ? "\r\n" : ",";
    }
    return true;
  }

  void append_cell(std::size_t place, float value) {
    if (!std::isfinite(value)) {
      return; // what is missing is an empty cell
    }
    const auto classes = classes_.find(place);
    if (classes != classes_.end() && value >= 0 &&
        value < static_cast<float>(classes->second.size())) {
      text_ += classes->second[static_cast<std::size_t>(value)];
    } else {
      append_number(text_, value);
    }
  }

  std::shared_ptr<const data::data_reader> from_;
  std::map<std::size_t, std::vector<std::string>> classes_; ///< as cells, by value of a row
  std::uint64_t row_ = 0;
  std::vector<float> values_;
  std::string text_;
  std::size_t at_ = 0;
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
    return dataset_answer(s.resources.change(
        request.caller, store::resource_kind::dataset, request.text("dataset_id"),
        change_from(request),
        request.expected_version(
            version_of(s.resources, request, store::resource_kind::dataset, "dataset_id"))));
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
  remove.refusals = {404, 409, 412};
  remove.handle = [&s](request_context& request) {
    check_version(request,
                  version_of(s.resources, request, store::resource_kind::dataset, "dataset_id"));
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
    const data::data_column& column = reader->layout().column(request.text("column"));
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
        {"agreement", data::agreement(*a, a->layout().column(request.text("column")), *b,
                                      b->layout().column(request.text("other_column")))},
        {"rows", std::min(a->layout().rows, b->layout().rows)}});
  };
  to.add(compare);
}

} // namespace detail

HANAMI_SERVICE_INLINE void add_dataset_endpoints(registry& to, services& s) {
  detail::add_dataset_endpoints(to, s);
}

} // namespace hanami::service::api
