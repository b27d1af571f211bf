// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hanami/service/base/json.hpp>

/// Every call that the description of an API holds, with marks where ids go.

namespace server_test {

namespace json = hanami::service::json;

/// Ids by what they are of: "cluster", "dataset", ...
using id_map = std::map<std::string, std::string, std::less<>>;

/// Ids that nobody has.
inline const id_map nobodys = [] {
  id_map ids;
  for (const char* kind : {"cluster", "stream", "stream_checkpoint", "dataset", "checkpoint",
                           "task", "upload", "target", "part", "mnist_target", "images", "labels",
                           "session", "api_token", "webhook", "task_webhook", "identity"}) {
    ids[kind] = "12345678-1234-4234-8234-123456789abc";
  }
  ids["user"] = "nobody1";
  ids["project"] = "nowhere1";
  return ids;
}();

/// Of users, in whatever project; others in the own project are strangers to it or administrators.
inline bool is_account(std::string_view kind) {
  return kind == "user" || kind == "project" || kind == "session" || kind == "api_token" ||
         kind == "identity";
}

/// What an id of this name is of; empty: it is none.
inline std::string kind_of(std::string_view path, std::string_view name) {
  static const id_map known = {{"cluster_id", "cluster"},     {"cluster_uuid", "cluster"},
                               {"dataset_id", "dataset"},     {"dataset_uuid", "dataset"},
                               {"other_id", "dataset"},       {"result_uuid", "dataset"},
                               {"reference_uuid", "dataset"}, {"checkpoint_id", "checkpoint"},
                               {"task_id", "task"},           {"checkpoint_uuid", "checkpoint"},
                               {"upload_id", "upload"},       {"part_id", "part"},
                               {"uuid_input_file", "part"},   {"uuid_label_file", "part"},
                               {"user_id", "user"},           {"project_id", "project"},
                               {"stream_id", "stream"},       {"session_id", "session"},
                               {"token_id", "api_token"},     {"webhook_id", "webhook"},
                               {"identity_id", "identity"}};
  const std::string_view rest = path.substr(std::min(path.find('/', 1) + 1, path.size()));
  if (rest == "dataset/upload/mnist" && name.starts_with("uuid")) {
    return name == "uuid" ? "mnist_target" : name == "uuid_input_file" ? "images" : "labels";
  }
  const std::string first(rest.substr(0, rest.find('/')));
  if (first == "webhooks") {
    return name == "webhook_id" ? "task_webhook" : std::string();
  }
  if (const auto found = known.find(name); found != known.end()) {
    return found->second;
  }
  if (name == "uuid") {
    const bool open = rest.starts_with("dataset/upload") || rest == "dataset/progress";
    return open ? "target" : first;
  }
  const bool reference = path.starts_with("/v1.0alpha");
  return name == "id" && reference && is_account(first) ? first : std::string();
}

/// A request with marks where ids go: {cluster}, {dataset}, ...
struct marked_call {
  std::string verb;
  std::string target;
  std::string body;

  /// Calls `id_for(number of the mark, kind)` for each mark.
  marked_call
  filled(const std::function<std::string(std::size_t, const std::string&)>& id_for) const {
    std::size_t number = 0;
    const auto fill = [&](std::string_view text) {
      std::string made;
      while (!text.empty()) {
        const std::size_t end = text.find('}');
        const bool mark = text[0] == '{' && end != std::string_view::npos &&
                          nobodys.count(text.substr(1, end - 1)) == 1;
        made += mark ? id_for(number++, std::string(text.substr(1, end - 1)))
                     : std::string(text.substr(0, 1));
        text.remove_prefix(mark ? end + 1 : 1);
      }
      return made;
    };
    marked_call made{verb, fill(target), {}};
    made.body = fill(body);
    return made;
  }
  std::vector<std::string> marks() const {
    std::vector<std::string> kinds;
    filled([&](std::size_t, const std::string& kind) {
      kinds.push_back(kind);
      return kind;
    });
    return kinds;
  }
};

/// All calls with a token, as a description of an API has them.
class described_calls {
 public:
  explicit described_calls(json::value api) : api_(std::move(api)) {
    for (const auto& path : api_.at("paths").as_object()) {
      for (const auto& method : path.value().as_object()) {
        const json::object& what = method.value().as_object();
        if (!what.contains("security")) { // else it is for anyone
          add(std::string(path.key()), std::string(method.key()), what);
        }
      }
    }
  }
  const std::vector<marked_call>& all() const { return calls_; }

 private:
  void add(const std::string& path, std::string verb, const json::object& what) {
    for (char& c : verb) {
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    }
    std::string target = path;
    std::string query;
    if (const json::value* parameters = what.if_contains("parameters")) {
      for (const json::value& each : parameters->as_array()) {
        add_parameter(path, each, target, query);
      }
    }
    const std::vector<std::string> queries = queries_of(path, query);
    for (const std::string& each : queries) {
      for (const std::string& body : bodies_of(path, what)) {
        calls_.push_back({verb, target + each, body});
      }
    }
  }

  void add_parameter(const std::string& path, const json::value& each, std::string& target,
                     std::string& query) const {
    const std::string name(each.at("name").as_string());
    const std::string kind = kind_of(path, name);
    const std::string mark = '{' + kind + '}';
    if (each.at("in").as_string() == "path") {
      REQUIRE_FALSE(kind.empty()); // an id whose owner this test does not know
      target.replace(target.find('{' + name + '}'), name.size() + 2, mark);
    } else if (each.at("in").as_string() == "query" && name != "ticket" &&
               (each.at("required").as_bool() || (!kind.empty() && !is_filter(path, name)))) {
      const std::string value = kind.empty() ? plain(path, name, each.at("schema")) : mark;
      query += (query.empty() ? "?" : "&") + name + '=' + value;
    }
  }

  /// Of a list, which shows what it would show without, or less.
  static bool is_filter(std::string_view path, std::string_view name) {
    return name == "project_id" &&
           (path == "/v1/clusters" || path == "/v1/datasets" || path == "/v1/checkpoints");
  }

  static std::vector<std::string> queries_of(std::string_view path, const std::string& query) {
    if (path == "/v1.0alpha/dataset/check") { // two pairs of names for the same
      return {"?uuid={dataset}&reference_uuid={dataset}",
              "?result_uuid={dataset}&dataset_uuid={dataset}"};
    }
    return {query};
  }

  std::vector<std::string> bodies_of(const std::string& path, const json::object& what) const {
    const json::value* body = what.if_contains("requestBody");
    if (body == nullptr) {
      return {""};
    }
    static const std::string x = R"([{"input":"x","dataset_id":"{dataset}"}])";
    static const std::string y = R"([{"output":"y","dataset_id":"{dataset}"}])";
    static const std::map<std::string, std::vector<std::string>> known = {
        {"/v1/clusters/{cluster_id}/infer", {R"({"inputs":{"x":[1,2]}})"}},
        {"/v1/streams/{stream_id}/rows", {R"([{"t":1,"x":2},{"t":2,"x":3}])"}},
        {"/v1/streams/{stream_id}/webhooks", {R"({"url":"https://hooks.invalid/mine"})"}},
        {"/v1/streams/{stream_id}/webhooks/{webhook_id}", {R"({"enabled":true})"}},
        {"/v1/webhooks", {R"({"url":"https://hooks.invalid/mine"})"}},
        {"/v1/webhooks/{webhook_id}", {R"({"enabled":true})"}},
        {"/v1/streams/{stream_id}/restore", {R"({"checkpoint_id":"{stream_checkpoint}"})"}},
        {"/v1/clusters/{cluster_id}/train", {R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})"}},
        {"/v1/clusters/{cluster_id}/batch/infer", {R"({"inputs":{"x":[[1,2]]}})"}},
        {"/v1/clusters/{cluster_id}/batch/train",
         {R"({"inputs":{"x":[[1,2]]},"targets":{"y":[[3]]}})"}},
        {"/v1/clusters/{cluster_id}/dataset/infer", {R"({"window":2,"inputs":)" + x + '}'}},
        {"/v1/clusters", {R"({"name":"mine","checkpoint_id":"{checkpoint}"})"}},
        {"/v1/clusters/{cluster_id}/clone", {R"({"name":"a copy"})"}},
        {"/v1/clusters/{cluster_id}/learning", {R"({"learning_rate":0.5})"}},
        {"/v1/templates/check", {R"({"template":""})"}},
        {"/v1/clusters/{cluster_id}/tasks",
         {R"({"kind":"train","name":"mine","window":2,"inputs":)" + x + R"(,"outputs":)" + y + '}',
          R"({"kind":"evaluate","name":"mine","window":2,"inputs":)" + x + R"(,"outputs":)" + y +
              '}',
          R"({"kind":"request","name":"mine","window":2,"inputs":)" + x +
              R"(,"results":[{"output":"y","name":"mine"}]})",
          R"({"kind":"save","name":"mine"})",
          R"({"kind":"restore","name":"mine","checkpoint_id":"{checkpoint}"})"}},
        {"/v1/datasets/{dataset_id}/derive",
         {R"({"name":"mine","append":["{dataset}"],"parts":[{"name":"mine"}]})"}},
        {"/v1/projects/{project_id}/members/{user_id}", {R"({"role":"member"})"}}};
    if (const auto found = known.find(path); found != known.end()) {
      return found->second;
    }
    const json::object& content = body->at("content").as_object();
    if (!content.contains("application/json")) {
      return {"bytes"};
    }
    if (!path.starts_with("/v1.0alpha")) {
      return {R"({"name":"stolen"})"};
    }
    json::object made;
    for (const auto& each :
         content.at("application/json").at("schema").at("properties").as_object()) {
      const std::string name(each.key());
      const std::string kind = kind_of(path, name);
      if (name == "inputs" || name == "outputs") {
        made[name] = json::object{{name == "inputs" ? "x" : "y", "{dataset}"}};
      } else if (name == "results") {
        made[name] = json::object{{"y", "mine"}};
      } else if (!kind.empty()) {
        made[name] = '{' + kind + '}';
      } else if (name == "time_length") {
        made[name] = 2;
      } else if (!each.value().as_object().contains("default") && name != "template" &&
                 name != "connection_uuid") {
        made[name] = value_of(path, name, each.value());
      }
    }
    return {json::serialize(made)};
  }

  static std::string plain(const std::string& path, const std::string& name,
                           const json::value& described) {
    const json::value made = value_of(path, name, described);
    return made.is_string() ? std::string(made.as_string()) : json::serialize(made);
  }
  static json::value value_of(const std::string& path, const std::string& name,
                              const json::value& described) {
    const json::object& what = described.as_object();
    INFO(path << ' ' << name << ' ' << json::serialize(described));
    if (const json::value* choices = what.if_contains("enum")) {
      return choices->at(0);
    }
    if (const json::value* type = what.if_contains("type");
        type != nullptr && *type == json::value("integer")) {
      const json::value* least = what.if_contains("minimum");
      return least == nullptr ? json::value(1) : *least;
    }
    if (name == "host_uuid") {
      return "68616e61-6d69-4000-8000-000000000001";
    }
    REQUIRE_FALSE(what.contains("format")); // an id whose owner this test does not know
    return name.find("column") == std::string::npos ? "some words" : "x";
  }

  json::value api_;
  std::vector<marked_call> calls_;
};

} // namespace server_test
