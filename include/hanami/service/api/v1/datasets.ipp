// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <map>
#include <numeric>

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

inline schema statistics_schema() {
  const schema number = schema::number().or_null().describe("null: nothing is known");
  return schema::object(
             {{"name", schema::text()},
              {"known", schema::integer().or_null().describe(
                            "values; null: the dataset is older than its statistics")},
              {"missing", schema::integer().or_null()},
              {"least", number},
              {"most", number},
              {"mean", number},
              {"standard_deviation", number},
              {"classes",
               schema::list(schema::object({{"name", schema::text()},
                                            {"count", schema::integer().describe("rows")}}),
                            0, 1000)
                   .describe("of a column of classes: the most frequent ones first")}})
      .called("ColumnStatistics");
}

inline json::array show_class_counts(const data::data_column& column) {
  constexpr std::size_t most = 1000;
  const std::vector<std::uint64_t>& counts = column.statistics->counts;
  std::vector<std::size_t> order(counts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
  json::array shown;
  for (std::size_t i = 0; i < std::min(order.size(), most); ++i) {
    shown.push_back(json::object{{"name", column.classes[order[i]]}, {"count", counts[order[i]]}});
  }
  return shown;
}

inline json::object show_statistics_of(const data::data_column& column) {
  json::object shown{{"name", column.name},
                     {"known", nullptr},
                     {"missing", nullptr},
                     {"least", nullptr},
                     {"most", nullptr},
                     {"mean", nullptr},
                     {"standard_deviation", nullptr},
                     {"classes", json::array()}};
  if (!column.statistics) {
    return shown;
  }
  const data::column_statistics& of = *column.statistics;
  shown["known"] = of.known;
  shown["missing"] = of.missing;
  if (!column.classes.empty()) {
    shown["classes"] = show_class_counts(column);
  } else if (of.known > 0) {
    shown["least"] = of.least;
    shown["most"] = of.most;
    shown["mean"] = of.mean;
    shown["standard_deviation"] = of.standard_deviation();
  }
  return shown;
}

/// A value of a column, as it is shown.
inline json::value show_cell(const data::data_column& column, float value) {
  if (!std::isfinite(value)) {
    return nullptr;
  }
  if (value >= 0 && value < static_cast<float>(column.classes.size())) {
    return json::value(column.classes[static_cast<std::size_t>(value)]);
  }
  char digits[32]; // the shortest that is the same float: 0.1, not 0.10000000149011612
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  double shown = 0;
  std::from_chars(digits, end, shown);
  return shown;
}

/// The rows that a request asks for. Throws `invalid_value` for more than a million values.
inline json::object show_rows(const data::data_reader& from, const request_context& request) {
  const data::data_layout& layout = from.layout();
  const std::uint64_t first =
      std::min(static_cast<std::uint64_t>(request.integer("first")), layout.rows);
  const std::uint64_t count =
      std::min(static_cast<std::uint64_t>(request.integer("count")), layout.rows - first);
  std::vector<data::data_column> columns;
  if (const json::value* named = request.find("columns");
      named != nullptr && !named->as_array().empty()) {
    for (const json::value& name : named->as_array()) {
      columns.push_back(layout.column(name.as_string()));
    }
  } else {
    constexpr std::size_t most = 1000;
    columns.assign(layout.columns.begin(),
                   layout.columns.begin() +
                       static_cast<std::ptrdiff_t>(std::min(layout.columns.size(), most)));
  }
  constexpr std::uint64_t most_values = 1'000'000;
  std::uint64_t width = 0;
  for (const data::data_column& column : columns) {
    width += column.width();
  }
  if (width > most_values || width * count > most_values) {
    throw invalid_value_at("query/count", std::to_string(count) + " rows of " +
                                              std::to_string(width) +
                                              " values; a million values may be asked for at once");
  }
  json::array names;
  std::vector<json::array> rows(count);
  std::vector<float> values;
  for (const data::data_column& column : columns) {
    names.emplace_back(column.name);
    const auto each = static_cast<std::size_t>(column.width());
    values.resize(count * each);
    from.read(column, first, count, values);
    for (std::size_t i = 0; i < count; ++i) {
      if (each == 1) {
        rows[i].push_back(show_cell(column, values[i]));
        continue;
      }
      json::array several;
      for (std::size_t k = 0; k < each; ++k) {
        several.push_back(show_cell(column, values[i * each + k]));
      }
      rows[i].push_back(std::move(several));
    }
  }
  return {{"first", first},
          {"total", layout.rows},
          {"columns", std::move(names)},
          {"rows", json::array(std::make_move_iterator(rows.begin()),
                               std::make_move_iterator(rows.end()))}};
}

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
  list.summary = "All datasets that one may use";
  list.query = resource_page_schema();
  list.response_schema = list_schema(dataset_schema());
  list.handle = [&s](request_context& request) {
    return show_page(s.resources.list(request.caller, store::resource_kind::dataset,
                                      page_from(request), filter_from(request)),
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
  content.summary = "Some rows of some columns";
  content.path_values = one;
  content.query = schema::object(
      {{"columns", schema::list(schema::text(1, 255), 0, 1000).describe("none: all, up to 1000"),
        presence::optional},
       {"first", schema::integer(0).otherwise(0)},
       {"count", schema::integer(1, 10'000).otherwise(100)}});
  content.response_schema = schema::object(
      {{"first", schema::integer()},
       {"total", schema::integer().describe("rows in all")},
       {"columns", schema::list(schema::text())},
       {"rows", schema::list(schema::list(schema::any()))
                    .describe("for each column a number, the name of a class, null where it is "
                              "missing, or a list where it has several values")}});
  content.handle = [&s](request_context& request) {
    return answer(show_rows(*s.data.open(request.caller, request.text("dataset_id")), request));
  };
  to.add(content);

  endpoint statistics = common;
  statistics.id = "get_dataset_statistics";
  statistics.method = "GET";
  statistics.path = "/v1/datasets/{dataset_id}/statistics";
  statistics.summary = "What the values of each column are like, over all rows";
  statistics.path_values = one;
  statistics.response_schema = schema::object({{"columns", schema::list(statistics_schema())}});
  statistics.handle = [&s](request_context& request) {
    json::array columns;
    const auto reader = s.data.open(request.caller, request.text("dataset_id"));
    for (const data::data_column& column : reader->layout().columns) {
      columns.push_back(show_statistics_of(column));
    }
    return answer(json::object{{"columns", std::move(columns)}});
  };
  to.add(statistics);

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
