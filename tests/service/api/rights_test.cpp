// SPDX-License-Identifier: Apache-2.0
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

#include "service/support/fixtures.hpp"

/// Every endpoint that the server describes, with the ids of what is somebody else's wherever it
/// takes one: nobody may reach them, in any role, nor learn that they are there.

using namespace server_test;

namespace {

/// Stands in the names of what is not to be seen.
constexpr std::string_view canary = "canary71c4";

/// Ids by what they are of: "cluster", "dataset", ...
using id_map = std::map<std::string, std::string, std::less<>>;

/// Ids that nobody has.
const id_map nobodys = [] {
  id_map ids;
  for (const char* kind :
       {"cluster", "stream", "stream_checkpoint", "dataset", "checkpoint", "task", "upload",
        "target", "part", "mnist_target", "images", "labels", "session", "api_token", "webhook"}) {
    ids[kind] = "12345678-1234-4234-8234-123456789abc";
  }
  ids["user"] = "nobody1";
  ids["project"] = "nowhere1";
  return ids;
}();

/// Of users, in whatever project; others in the own project are strangers to it or administrators.
bool is_account(std::string_view kind) {
  return kind == "user" || kind == "project" || kind == "session" || kind == "api_token";
}

/// What an id of this name is of; empty: it is none.
std::string kind_of(std::string_view path, std::string_view name) {
  static const id_map known = {{"cluster_id", "cluster"},     {"cluster_uuid", "cluster"},
                               {"dataset_id", "dataset"},     {"dataset_uuid", "dataset"},
                               {"other_id", "dataset"},       {"result_uuid", "dataset"},
                               {"reference_uuid", "dataset"}, {"checkpoint_id", "checkpoint"},
                               {"task_id", "task"},           {"checkpoint_uuid", "checkpoint"},
                               {"upload_id", "upload"},       {"part_id", "part"},
                               {"uuid_input_file", "part"},   {"uuid_label_file", "part"},
                               {"user_id", "user"},           {"project_id", "project"},
                               {"stream_id", "stream"},       {"session_id", "session"},
                               {"token_id", "api_token"},     {"webhook_id", "webhook"}};
  const std::string_view rest = path.substr(std::min(path.find('/', 1) + 1, path.size()));
  if (rest == "dataset/upload/mnist" && name.starts_with("uuid")) {
    return name == "uuid" ? "mnist_target" : name == "uuid_input_file" ? "images" : "labels";
  }
  if (const auto found = known.find(name); found != known.end()) {
    return found->second;
  }
  const std::string first(rest.substr(0, rest.find('/')));
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

heard ask(const server_fixture& fixture, const marked_call& c, const std::string& token) {
  if (!c.target.ends_with("/events")) {
    return fixture.ask(c.verb, c.target, c.body, token);
  }
  client peer(fixture.port()); // a stream has no end: whether it begins is enough
  peer.send(c.verb + ' ' + c.target + " HTTP/1.1\r\nHost: here\r\n" + bearer(token) + "\r\n");
  const heard_response head = peer.read_head();
  const auto length = head.headers.find("content-length");
  return {head.status,
          length == head.headers.end() ? std::string() : peer.take(std::stoul(length->second))};
}

/// One of each that a user can have.
id_map furnish(const server_fixture& fixture, const std::string& token, const std::string& name,
               const std::string& user, const std::string& project) {
  id_map ids;
  std::string csv = "x,y\n";
  for (int i = 0; i < 20; ++i) {
    csv += std::to_string(i % 7) + ',' + std::to_string(i % 5) + '\n';
  }
  ids["dataset"] = upload_csv(fixture, csv, token, name);
  ids["cluster"] = make_line_of_three(fixture, token, name);
  const heard stream =
      fixture.ask("POST", "/v1/streams", R"({"name":")" + name + R"(","window":0})", token);
  REQUIRE(stream.status == 201);
  ids["stream"] = stream.text("id");
  ids["stream_checkpoint"] = fixture
                                 .ask("POST", "/v1/streams/" + ids["stream"] + "/checkpoints",
                                      R"({"name":")" + name + "\"}", token)
                                 .text("id");
  ids["webhook"] = fixture
                       .ask("POST", "/v1/streams/" + ids["stream"] + "/webhooks",
                            R"({"url":"https://hooks.invalid/one"})", token)
                       .text("id");
  const heard saved = fixture.ask("POST", "/v1/clusters/" + ids["cluster"] + "/tasks",
                                  R"({"kind":"save","name":")" + name + "\"}", token);
  REQUIRE(saved.status == 202);
  ids["task"] = ids["checkpoint"] = saved.text("id");
  REQUIRE(end_of(fixture, ids["task"], token) == "finished");
  const auto begin = [&](const char* format, const char* sizes) {
    return fixture
        .ask("POST", "/v1/uploads",
             R"({"name":")" + name + R"(","format":")" + format + R"(","sizes":)" + sizes + '}',
             token)
        .content();
  };
  const json::value table = begin("csv", "[10]");
  ids["upload"] = table.at("id").as_string();
  ids["target"] = table.at("becomes").as_string();
  ids["part"] = table.at("parts").at(0).at("id").as_string();
  const json::value pictures = begin("mnist", "[30,10]");
  ids["mnist_target"] = pictures.at("becomes").as_string();
  ids["images"] = pictures.at("parts").at(0).at("id").as_string();
  ids["labels"] = pictures.at("parts").at(1).at("id").as_string();
  ids["user"] = user;
  ids["project"] = project;
  ids["session"] = fixture.ask("GET", "/v1/me/sessions", {}, token)
                       .content()
                       .at("items")
                       .at(0)
                       .at("id")
                       .as_string();
  ids["api_token"] =
      fixture.ask("POST", "/v1/me/tokens", R"({"name":"a robot","scopes":["read"]})", token)
          .text("id");
  return ids;
}

/// Somebody who is not to reach what is another's.
struct outsider {
  std::string what;
  std::string token;
  id_map own;
  bool stranger = true; ///< not in the other's project
};

outsider make_outsider(const server_fixture& fixture, const std::string& user,
                       const std::string& project, const std::string& role, bool leads = false) {
  outsider made;
  made.what = user + ", " + role + " of " + project + (leads ? ", leads it" : "");
  made.own = furnish(fixture, fixture.member(user, project), user + "'s", user, project);
  fixture.ask("PUT", "/v1/projects/" + project + "/members/" + user,
              R"({"role":")" + role + R"(","is_project_admin":)" + (leads ? "true" : "false") + '}',
              fixture.admin());
  made.token = fixture.log_in(user, "some password");
  made.stranger = project != "lab_one";
  return made;
}

/// Every role there is, beside the owner's project and in it; and the owner, in another project.
std::vector<outsider> all_outsiders(const server_fixture& fixture, const std::string& owner) {
  std::vector<outsider> all;
  all.push_back(make_outsider(fixture, "bert_admin", "lab_two", "admin"));
  all.push_back(make_outsider(fixture, "bert_member", "lab_two", "member"));
  all.push_back(make_outsider(fixture, "bert_viewer", "lab_two", "viewer"));
  all.push_back(make_outsider(fixture, "bert_leader", "lab_two", "member", true));
  all.push_back(make_outsider(fixture, "cleo_admin", "lab_one", "admin"));
  all.push_back(make_outsider(fixture, "cleo_member", "lab_one", "member"));
  all.push_back(make_outsider(fixture, "cleo_viewer", "lab_one", "viewer"));
  fixture.member("anna", "lab_two");
  outsider elsewhere{"the owner, in another project", {}, {}, false};
  const heard entered =
      fixture.ask("POST", "/v1/sessions/project", R"({"project_id":"lab_two"})", owner);
  REQUIRE(entered.status / 100 == 2);
  elsewhere.token = entered.text("access_token");
  elsewhere.own = furnish(fixture, elsewhere.token, "elsewhere", "anna", "lab_two");
  all.push_back(std::move(elsewhere));
  return all;
}

std::string with_other_ids(std::string text, const id_map& ids) {
  for (const auto& [kind, id] : ids) {
    for (std::size_t at = 0; (at = text.find(id, at)) != std::string::npos;) {
      text.replace(at, id.size(), nobodys.at(kind));
      at += nobodys.at(kind).size();
    }
  }
  return text;
}

/// One call, with the other's ids where `chosen` says so and own ones elsewhere: it must be refused
/// as if they were nobody's.
void expect_nothing(const server_fixture& fixture, const outsider& by, const marked_call& call,
                    const id_map& others, const std::function<bool(std::size_t)>& chosen) {
  const auto with = [&](const id_map& ids) {
    return call.filled([&](std::size_t i, const std::string& kind) {
      return chosen(i) ? ids.at(kind) : by.own.at(kind);
    });
  };
  const marked_call asked = with(others);
  const heard found = ask(fixture, asked, by.token);
  const heard nothing = ask(fixture, with(nobodys), by.token);
  INFO(by.what << ": " << asked.verb << ' ' << asked.target << ' ' << asked.body << " -> "
               << found.status << ' ' << found.body << " / " << nothing.status << ' '
               << nothing.body);
  CHECK((found.status == 401 || found.status == 403 || found.status == 404));
  CHECK(found.status == nothing.status);
  CHECK(with_other_ids(found.body, others) == nothing.body);
}

std::size_t expect_no_way(const server_fixture& fixture, const outsider& by,
                          const std::vector<marked_call>& calls, const id_map& others) {
  std::size_t asked = 0;
  for (const marked_call& call : calls) {
    const std::vector<std::string> marks = call.marks();
    if (marks.empty() && call.verb == "GET") { // lists, measurements: nothing of others in it
      const heard answer = ask(fixture, call, by.token);
      INFO(by.what << ": " << call.target << ' ' << answer.body);
      CHECK(answer.status < 500);
      CHECK(answer.body.find(canary) == std::string::npos);
      ++asked;
    }
    const bool accounts = !marks.empty() && std::all_of(marks.begin(), marks.end(), is_account);
    if (marks.empty() || (accounts && !by.stranger)) {
      continue;
    }
    if (accounts && call.verb == "GET" && call.target.find("log") != std::string::npos) {
      const heard answer =
          ask(fixture, // a filter: the entries stay the own ones
              call.filled([&](std::size_t, const std::string& kind) { return others.at(kind); }),
              by.token);
      INFO(by.what << ": " << call.target << ' ' << answer.status << ' ' << answer.body);
      CHECK(answer.status < 500);
      CHECK(answer.body.find("\"lab_one\"") == std::string::npos);
      const bool names_projects = call.target.starts_with("/v1/"); // one's own may be led
      CHECK((names_projects || answer.body.find("\"anna\"") == std::string::npos));
      ++asked;
      continue;
    }
    expect_nothing(fixture, by, call, others, [](std::size_t) { return true; });
    ++asked;
    for (std::size_t one = 0; marks.size() > 1 && !accounts && one < marks.size(); ++one) {
      expect_nothing(fixture, by, call, others, [one](std::size_t i) { return i == one; });
      ++asked;
    }
  }
  return asked;
}

/// Of an answer that may never end.
heard beginning_of(const server_fixture& fixture, const marked_call& c, const std::string& token) {
  client connection(fixture.port());
  connection.send(c.verb + ' ' + c.target + " HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " +
                  token + "\r\n\r\n");
  return {connection.read_head().status, {}};
}

/// That the calls are refused for whose ids they hold and for nothing else.
void expect_own_way(const server_fixture& fixture, const std::vector<marked_call>& calls) {
  const std::string token = fixture.member("dora", "lab_one");
  id_map own;
  int round = 0;
  for (const marked_call& call : calls) {
    const std::vector<std::string> marks = call.marks();
    if (marks.empty() || std::any_of(marks.begin(), marks.end(), is_account)) {
      continue;
    }
    if (own.empty() || call.verb == "DELETE") {
      own = furnish(fixture, token, "dora " + std::to_string(++round), "dora", "lab_one");
    }
    const marked_call mine =
        call.filled([&](std::size_t, const std::string& kind) { return own.at(kind); });
    const heard answer = mine.target.ends_with("/events") ? beginning_of(fixture, mine, token)
                                                          : ask(fixture, mine, token);
    INFO(mine.verb << ' ' << mine.target << ' ' << mine.body << " -> " << answer.status << ' '
                   << answer.body);
    const bool unfinished = answer.status == 409 && call.target.find("upload") != std::string::npos;
    const bool wants_upgrade = answer.status == 426;
    CHECK((answer.status / 100 == 2 || unfinished || wants_upgrade));
    if (call.verb == "DELETE") {
      own.clear();
    }
  }
}

void check_rights(const char* description, std::size_t least) {
  const server_fixture fixture(
      [](server_config& config) { config.quota = {1000, 1000, 1000, 1000, 1000, 1u << 30}; });
  const std::string owner = fixture.member("anna", "lab_one");
  id_map others = furnish(fixture, owner, "a " + std::string(canary), "anna", "lab_one");
  const described_calls calls(fixture.ask("GET", description).content());
  const std::string before =
      fixture.ask("GET", "/v1/clusters/" + others["cluster"] + "/statistics", {}, owner).body;
  std::size_t asked = 0;
  for (const outsider& by : all_outsiders(fixture, owner)) {
    asked += expect_no_way(fixture, by, calls.all(), others);
  }
  CHECK(asked > least);
  for (const marked_call& call : calls.all()) {
    CHECK(ask(fixture,
              call.filled([](std::size_t, const std::string& kind) { return nobodys.at(kind); }),
              "")
              .status == 401);
  }
  // What was asked for in vain is still there, as it was.
  CHECK(fixture.ask("GET", "/v1/clusters/" + others["cluster"] + "/statistics", {}, owner).body ==
        before);
  for (const char* kind : {"cluster", "dataset", "checkpoint"}) {
    CHECK(fixture.ask("GET", "/v1/" + std::string(kind) + "s/" + others[kind], {}, owner)
              .text("name") == "a " + std::string(canary));
  }
  CHECK(fixture.ask("GET", "/v1/streams/" + others["stream"] + "/statistics", {}, owner)
            .content()
            .at("rows")
            .as_int64() == 0);
  CHECK(fixture.ask("GET", "/v1/uploads/" + others["upload"], {}, owner).status == 200);
  CHECK(fixture.ask("GET", "/v1/tasks", {}, owner).content().at("total").as_int64() == 2);
  expect_own_way(fixture, calls.all());
}

} // namespace

TEST_CASE("nobody reaches what belongs to another, by any endpoint, in any role", "[service]") {
  check_rights("/v1/openapi.json", 400);
}

TEST_CASE("nobody reaches what belongs to another by the reference's endpoints, in any role",
          "[service]") {
  check_rights("/v1.0alpha/openapi.json", 400);
}

TEST_CASE("the reference's sockets open nobody else's clusters and uploads", "[service]") {
  const server_fixture fixture;
  const std::string owner = fixture.member("anna", "lab_one");
  const id_map others = furnish(fixture, owner, "a " + std::string(canary), "anna", "lab_one");
  socket_client_over<client> peer(fixture.port());
  REQUIRE(peer.open("/").status == 101);
  const auto greet = [&](const std::string& token, const char* target, const std::string& id) {
    return json::parse(peer.ask_socket(R"({"token":")" + token + R"(","target":")" + target +
                                       R"(","uuid":")" + id + "\"}"));
  };
  for (const outsider& by : all_outsiders(fixture, owner)) {
    for (const auto& [target, kind] :
         {std::pair{"cluster", "cluster"}, std::pair{"file_upload", "part"}}) {
      const json::value found = greet(by.token, target, others.find(kind)->second);
      const json::value nothing = greet(by.token, target, nobodys.find(kind)->second);
      INFO(by.what << ": " << json::serialize(found));
      CHECK_FALSE(found.at("success").as_bool());
      CHECK(with_other_ids(json::serialize(found), others) == json::serialize(nothing));
    }
  }
  CHECK(greet(owner, "cluster", others.find("cluster")->second).at("success").as_bool());
}
