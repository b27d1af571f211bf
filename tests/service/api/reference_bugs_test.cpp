// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sodium.h>

#include <hanami/service/access/policy.hpp>
#include <hanami/service/api/endpoint.hpp>
#include <hanami/service/api/reference/wire.hpp>

#include "service/support/fixtures.hpp"

/// What must hold for clients of the reference's API where servers of its kind have failed.

using namespace server_test;
using hanami::service::api::buffer_kind;
using hanami::service::api::process_kind;

namespace {

std::string base64(std::string_view text) {
  std::string coded(sodium_base64_ENCODED_LEN(text.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(coded.data(), coded.size(), reinterpret_cast<const unsigned char*>(text.data()),
                    text.size(), sodium_base64_VARIANT_ORIGINAL);
  coded.pop_back(); // its end
  return coded;
}

std::string put(const char* name, const std::string& size, const char* more = "") {
  return std::string("  ") + name + ":\n    target: " + more + "\n    " + size + "\n";
}

/// A template with these inputs and outputs, each as its name, its hexagon and its size.
std::string line(const std::string& inputs, const std::string& outputs,
                 const std::string& hexagons = "1..3,1,1", const std::string& settings = "") {
  return "version: 1\n" + settings + "hexagons:\n  " + hexagons + "\ninputs:\n" + inputs +
         "outputs:\n" + outputs;
}
std::string input(const char* name, const char* size = "1", const char* hexagon = "1,1,1") {
  return put(name, std::string("number_of_inputs: ") + size, hexagon);
}
std::string output(const char* name, const char* size = "1", const char* hexagon = "3,1,1") {
  return put(name, std::string("number_of_outputs: ") + size + "\n    kind: linear", hexagon);
}

/// Who speaks the reference's API.
class reference_client {
 public:
  reference_client(const server_fixture& fixture, const std::string& user,
                   const std::string& password)
      : h_(fixture), token_(fixture
                                .ask("POST", "/v1.0alpha/token",
                                     R"({"id":")" + user + R"(","password":")" + password + "\"}")
                                .text("token")) {}
  explicit reference_client(const server_fixture& fixture)
      : reference_client(fixture, "admin", "the first password") {}

  heard ask(const char* method, const std::string& target, const std::string& body = {}) const {
    return h_.ask(method, "/v1.0alpha/" + target, body, token_);
  }
  std::string cluster(const std::string& text, const std::string& name = "cluster") const {
    const heard made =
        ask("POST", "cluster", R"({"name":")" + name + R"(","template":")" + base64(text) + "\"}");
    INFO(made.body);
    REQUIRE(made.status == 200);
    return made.text("uuid");
  }
  const std::string& token() const { return token_; }

  /// A socket that has been let in.
  std::unique_ptr<socket_client> enter(const char* target, const std::string& id) const {
    auto peer = std::make_unique<socket_client>(h_.port());
    REQUIRE(peer->open("/").status == 101);
    const std::string answer = peer->ask_socket(R"({"token":")" + token_ + R"(","target":")" +
                                                target + R"(","uuid":")" + id + "\"}");
    INFO(answer);
    REQUIRE(json::parse(answer).at("success").as_bool());
    return peer;
  }

  bool complete(const std::string& dataset) const {
    return ask("GET", "dataset/progress?uuid=" + dataset).content().at("complete").as_bool();
  }
  std::string csv(const std::string& text, const std::string& name = "rows") const;
  /// The end of a task: its state.
  std::string end(const std::string& task, const std::string& cluster) const {
    std::string state = "queued";
    for (int i = 0; i < 2000 && (state == "queued" || state == "active"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      state = ask("GET", "task?uuid=" + task + "&cluster_uuid=" + cluster).text("state");
    }
    return state;
  }

 private:
  const server_fixture& h_;
  std::string token_;
};

void put_varint(std::string& to, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7U) {
    to += static_cast<char>((value & 0x7fU) | 0x80U);
  }
  to += static_cast<char>(value);
}

/// Sends a piece of a file; whether it was taken.
bool send_piece(socket_client& to, std::uint64_t position, const std::string& bytes) {
  std::string message = "\x08";
  put_varint(message, position);
  message += '\x12';
  put_varint(message, bytes.size());
  to.send(socket_client::frame(2, message + bytes));
  return to.hear().data == std::string("\x08\x01");
}

std::string reference_client::csv(const std::string& text, const std::string& name) const {
  const heard begun =
      ask("POST", "dataset/upload/csv",
          R"({"name":")" + name + R"(","input_data_size":)" + std::to_string(text.size()) + '}');
  REQUIRE(begun.status == 200);
  const std::string id = begun.text("uuid");
  const std::string part = begun.text("uuid_input_file");
  REQUIRE(send_piece(*enter("file_upload", part), 0, text));
  const heard made = ask("PUT", "dataset/upload/csv",
                         R"({"uuid":")" + id + R"(","uuid_input_file":")" + part + "\"}");
  INFO(made.body);
  REQUIRE(made.status == 200);
  return id;
}

void send(socket_client& to, const char* buffer, bool last, process_kind process,
          buffer_kind target, const std::vector<float>& values) {
  to.send(socket_client::frame(
      2, hanami::service::api::write_cluster_message(buffer, last, process, target, values)));
}

} // namespace

TEST_CASE("requests of the wrong form are refused and the server goes on", "[service]") {
  const server_fixture fixture;
  CHECK(fixture.ask("GET", "/v1.0alpha/audit_log?page=99999999999").status == 401);
  CHECK(fixture.ask("POST", "/v1.0alpha/token", "[]").status == 400);
  CHECK(fixture.ask("POST", "/v1.0alpha/token", R"(["id"])").status == 400);
  const reference_client by(fixture);
  CHECK(by.ask("GET", "audit_log?page=99999999999").status == 400);
  CHECK(by.ask("GET", "audit_log?page=-1").status == 400);
  CHECK(by.ask("POST", "cluster", R"([{"name":"true"}])").status == 400);
  CHECK(by.ask("POST", "cluster", R"({"name":"none","template":"not base64!"})").status == 400);
  for (const char* name : {"true", "false", "null"}) {
    const heard made = by.ask("POST", "cluster", R"({"name":")" + std::string(name) + "\"}");
    CHECK(made.status == 200);
    CHECK(by.ask("GET", "cluster?uuid=" + made.text("uuid")).text("name") == name);
  }
  const std::string id = by.cluster(line(input("x"), output("y")));
  for (const char* inputs : {R"({"x":7})", R"({"x":null})", R"({"x":["a"]})", "[]", "{}"}) {
    const heard answer = by.ask("POST", "task/train",
                                R"({"name":"task","cluster_uuid":")" + id + R"(","inputs":)" +
                                    inputs + R"(,"outputs":{"y":"y"}})");
    CHECK(answer.status == 400);
    CHECK_FALSE(answer.body.empty());
  }
  CHECK(by.ask("GET", "cluster/all").status == 200);
}

TEST_CASE("templates that ask for too much or make no sense are refused with the reason",
          "[service]") {
  const server_fixture fixture;
  const reference_client by(fixture);
  const std::string wrong[] = {line(input("x", "-1"), output("y")),
                               line(input("x", "99999999999999999999"), output("y")),
                               line(input("x", "4000000000"), output("y")),
                               line(input("x"), output("y", "4000000000")),
                               line(input("x") + input("x"), output("y")),
                               line(input("x"), output("y") + output("y")),
                               line(input("x"), output("y"), "1..2000000000,1,1"),
                               line(input("x", "1", "9,9,9"), output("y"))};
  for (const std::string& text : wrong) {
    const heard answer =
        by.ask("POST", "cluster", R"({"name":"wrong","template":")" + base64(text) + "\"}");
    INFO(text << " -> " << answer.status << ' ' << answer.body);
    CHECK(answer.status == 400);
    CHECK(answer.body.find("not a valid cluster-template: ") == 0);
  }
  by.cluster(line(input("x"), output("y")), "taken");
  CHECK(by.ask("POST", "cluster", R"({"name":"taken"})").status == 409);
}

TEST_CASE("a template with a hexagon that nothing reaches is refused with its place", "[service]") {
  const server_fixture fixture;
  const reference_client by(fixture);
  for (const char* place : {"1,1,1", "9,9,1"}) { // of the output
    const std::string text = line(input("x"), output("y", "1", place), "1,1,1\n  9,9,1");
    const heard answer =
        by.ask("POST", "cluster", R"({"name":"apart","template":")" + base64(text) + "\"}");
    INFO(answer.body);
    CHECK(answer.status == 400);
    CHECK(answer.body.find("(9, 9, 1)") != std::string::npos);
  }
  CHECK(by.ask("GET", "cluster/all").content().at("body").as_array().empty());
}

TEST_CASE("a cluster that was never trained answers, and silence blocks nobody", "[service]") {
  const server_fixture fixture([](server_config& config) { config.http.workers = 2; });
  const reference_client by(fixture);
  const std::string id = by.cluster(line(input("x"), output("y")));
  std::vector<std::unique_ptr<socket_client>> silent;
  for (int i = 0; i < 16; ++i) { // far more than there are threads
    silent.push_back(by.enter("cluster", id));
  }
  CHECK(by.ask("GET", "cluster/all").status == 200);
  const auto peer = by.enter("cluster", id);
  send(*peer, "x", true, process_kind::request, buffer_kind::input, {1});
  const auto answer = hanami::service::api::parse_cluster_message(peer->hear().data);
  REQUIRE(answer);
  CHECK(answer->buffer == "y");
  send(*silent[0], "unknown", true, process_kind::request, buffer_kind::input, {1});
  CHECK(silent[0]->hear().close_code() == 1008);
  send(*silent[1], "x", true, process_kind::request, buffer_kind::output, {1});
  CHECK(silent[1]->hear().close_code() == 1008);
  send(*silent[2], "x", true, process_kind::request, buffer_kind::input,
       std::vector<float>(100'000, 1));
  CHECK(silent[2]->hear().close_code() == 1008);
  CHECK(by.ask("GET", "cluster/all").status == 200);
}

TEST_CASE("ids and names of a task are values, never SQL or paths", "[service]") {
  const server_fixture fixture;
  const reference_client by(fixture);
  const std::string id = by.cluster(line(input("x"), output("y")));
  const std::string data = by.csv("x,y\n1,2\n2,3\n3,4\n");
  const auto train = [&](const std::string& dataset) {
    return by.ask("POST", "task/train",
                  R"({"name":"task","cluster_uuid":")" + id + R"(","inputs":{"x":")" + dataset +
                      R"("},"outputs":{"y":")" + data + R"("}})");
  };
  for (const char* wrong : {"' OR '1'='1", "x' UNION SELECT 1 --", "%", "../../etc/passwd", ""}) {
    CHECK(train(wrong).status == 400);
  }
  const std::filesystem::path place = fixture.config().data;
  const auto request = [&](const std::string& name) {
    return by.ask("POST", "task/request",
                  R"({"name":"task","cluster_uuid":")" + id + R"(","inputs":{"x":")" + data +
                      R"("},"results":{"y":")" + name + R"("}})");
  };
  for (const char* name : {"../evil", "../../evil", "/evil", "evil"}) {
    const heard asked = request(name);
    INFO(name << " -> " << asked.body);
    if (asked.status == 200) {
      CHECK(by.end(asked.text("uuid"), id) == "finished");
      CHECK(by.ask("GET", "dataset?uuid=" + asked.text("uuid")).status == 200);
    } else {
      CHECK(asked.status == 400);
    }
  }
  for (const auto& each : std::filesystem::recursive_directory_iterator(place.parent_path())) {
    CHECK(each.path().filename().string().find("evil") == std::string::npos);
  }
  CHECK(by.ask("GET", "dataset/all").content().at("body").as_array().size() >= 2);
}

TEST_CASE("a token ends with its user and with the membership", "[service]") {
  const server_fixture fixture;
  const reference_client admin(fixture);
  REQUIRE(admin.ask("POST", "project", R"({"id":"lab_one","name":"A lab"})").status == 200);
  REQUIRE(admin
              .ask("POST", "user",
                   R"({"id":"anna","name":"Anna","password":"some password","is_admin":false})")
              .status == 200);
  const auto join = [&] {
    return admin
        .ask("POST", "user/project",
             R"({"id":"anna","project_id":"lab_one","role":"member","is_project_admin":false})")
        .status;
  };
  REQUIRE(join() == 200);
  const reference_client before(fixture, "anna", "some password");
  REQUIRE(before.ask("GET", "cluster/all").status == 200);
  REQUIRE(admin.ask("DELETE", "user/project?id=anna&project_id=lab_one").status == 200);
  CHECK(before.ask("GET", "cluster/all").status == 401);
  REQUIRE(join() == 200);
  const reference_client again(fixture, "anna", "some password");
  REQUIRE(again.ask("GET", "cluster/all").status == 200);
  REQUIRE(admin.ask("DELETE", "user?id=anna").status == 200);
  CHECK(again.ask("GET", "cluster/all").status == 401);
}

TEST_CASE("training with reduction goes on to its end", "[service]") {
  const server_fixture fixture;
  const reference_client by(fixture);
  const std::string id = by.cluster(
      line(input("x"), output("y"), "1..3,1,1", "settings:\n  enable_reduction: true\n"));
  std::string rows = "x,y\n";
  for (int i = 0; i < 700; ++i) {
    rows += std::to_string(i % 11) + ',' + std::to_string(i % 11 * 2) + '\n';
  }
  const std::string data = by.csv(rows);
  const heard task = by.ask("POST", "task/train",
                            R"({"name":"task","cluster_uuid":")" + id + R"(","inputs":{"x":")" +
                                data + R"("},"outputs":{"y":")" + data + R"("}})");
  REQUIRE(task.status == 200);
  CHECK(by.end(task.text("uuid"), id) == "finished");
  CHECK(fixture.ask("GET", "/v1/clusters/" + id + "/statistics", {}, by.token())
            .content()
            .at("statistics")
            .at("samples")
            .as_int64() == 700);
}

TEST_CASE("members see their projects, administrators everybody's and everybody's log",
          "[service]") {
  const server_fixture fixture;
  fixture.member("anna", "lab_one");
  const reference_client admin(fixture);
  const reference_client anna(fixture, "anna", "some password");
  const auto project_of = [](const heard& answer) {
    const json::value content = answer.content();
    return std::string(content.at("projects").at(0).at("project_id").as_string());
  };
  CHECK(project_of(anna.ask("GET", "user/project")) == "lab_one");
  CHECK(project_of(admin.ask("GET", "user/project?user_id=anna")) == "lab_one");
  CHECK(anna.ask("GET", "user/project?user_id=admin").status == 401);
  anna.cluster(line(input("x"), output("y")), "of_anna");
  const auto users_in = [](const heard& answer) {
    std::vector<std::string> users;
    const json::value content = answer.content();
    for (const json::value& row : content.at("body").as_array()) {
      users.emplace_back(row.at(1).as_string());
    }
    return users;
  };
  const auto of_anna = users_in(admin.ask("GET", "audit_log?page=0&user_id=anna"));
  REQUIRE_FALSE(of_anna.empty());
  CHECK(std::all_of(of_anna.begin(), of_anna.end(),
                    [](const std::string& user) { return user == "anna"; }));
  const auto own = users_in(anna.ask("GET", "audit_log?page=0&user_id=admin"));
  CHECK(
      std::all_of(own.begin(), own.end(), [](const std::string& user) { return user == "anna"; }));
  for (const char* log : {"audit_log", "error_log"}) {
    const heard beyond = admin.ask("GET", std::string(log) + "?page=1000000000");
    CHECK(beyond.status == 200);
    CHECK(beyond.content().at("body").as_array().empty());
  }
}

TEST_CASE("an upload is complete with its last piece, and a table may have one column",
          "[service]") {
  const server_fixture fixture;
  const reference_client by(fixture);
  std::string rows = "x\n";
  while (rows.size() < 3 * 131'072 - 100) {
    rows += std::to_string(rows.size() % 10) + '\n';
  }
  const heard begun =
      by.ask("POST", "dataset/upload/csv",
             R"({"name":"rows","input_data_size":)" + std::to_string(rows.size()) + '}');
  const std::string id = begun.text("uuid");
  const std::string part = begun.text("uuid_input_file");
  const std::string finish = R"({"uuid":")" + id + R"(","uuid_input_file":")" + part + "\"}";
  const auto peer = by.enter("file_upload", part);
  for (std::size_t at = 0; at < rows.size(); at += 131'072) {
    CHECK_FALSE(by.complete(id));
    CHECK(by.ask("PUT", "dataset/upload/csv", finish).status == 409);
    CHECK(send_piece(*peer, at, rows.substr(at, 131'072)));
  }
  CHECK(by.complete(id));
  CHECK_FALSE(send_piece(*peer, rows.size(), "beyond the end"));
  REQUIRE(by.ask("PUT", "dataset/upload/csv", finish).status == 200);
  CHECK(by.complete(id));
  const json::value made = by.ask("GET", "dataset?uuid=" + id).content();
  CHECK(made.at("number_of_columns").to_number<int>() == 1);
  CHECK(made.at("number_of_rows").to_number<std::size_t>() == (rows.size() - 2) / 2);
  // A second table of the same name is no trouble.
  by.csv("x\n1\n");
}

TEST_CASE("a request keeps all outputs that it was asked for and no others", "[service]") {
  const server_fixture fixture;
  const reference_client by(fixture);
  const std::string id =
      by.cluster(line(input("a") + input("b", "1", "2,2,1"),
                      output("y") + output("z") + output("unwanted", "3"), "1..3,1,1\n  2,2,1"));
  const std::string data = by.csv("a,b\n1,2\n3,4\n5,6\n");
  const heard task =
      by.ask("POST", "task/request",
             R"({"name":"task","cluster_uuid":")" + id + R"(","inputs":{"a":")" + data +
                 R"(","b":")" + data + R"("},"results":{"y":"first","z":"second"}})");
  INFO(task.body);
  REQUIRE(task.status == 200);
  REQUIRE(by.end(task.text("uuid"), id) == "finished");
  const json::value all = by.ask("GET", "dataset/all").content();
  std::vector<std::string> names;
  for (const json::value& row : all.at("body").as_array()) {
    names.emplace_back(row.at(5).as_string());
    CHECK(by.ask("GET", "dataset?uuid=" + std::string(row.at(1).as_string()))
              .content()
              .at("number_of_rows")
              .to_number<int>() == 3);
  }
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"first", "rows", "second"});
}

TEST_CASE("a task that runs is ended, and goes with its cluster", "[service]") {
  const server_fixture fixture;
  const reference_client by(fixture);
  const std::string data = by.csv("x,y\n1,2\n2,3\n3,4\n");
  const auto long_task = [&](const std::string& id) {
    const heard task =
        by.ask("POST", "task/train",
               R"({"name":"task","cluster_uuid":")" + id + R"(","inputs":{"x":")" + data +
                   R"("},"outputs":{"y":")" + data + R"("},"number_of_epochs":1000000})");
    REQUIRE(task.status == 200);
    return task.text("uuid");
  };
  const std::string id = by.cluster(line(input("x"), output("y")));
  const std::string task = "task?cluster_uuid=" + id + "&uuid=" + long_task(id);
  REQUIRE(comes_true([&] { return by.ask("GET", task).text("state") == "active"; }));
  CHECK(by.ask("DELETE", task).status == 200);
  CHECK(by.ask("GET", task).status == 404);
  long_task(id); // the cluster goes on
  CHECK(by.ask("DELETE", "cluster?uuid=" + id).status == 200);
  CHECK(by.ask("GET", "cluster?uuid=" + id).status == 404);
  CHECK(by.ask("DELETE", "dataset?uuid=" + data).status == 200);
}

TEST_CASE("the first request may already make a cluster", "[service]") {
  server_fixture fixture;
  for (int i = 0; i < 5; ++i) {
    fixture.close();
    fixture.open();
    const reference_client by(fixture);
    by.cluster(line(input("x"), output("y")), "cluster " + std::to_string(i));
  }
}

TEST_CASE("the built-in policy names no path that leads nowhere", "[service]") {
  const server_fixture fixture;
  const std::string text(hanami::service::access::policy::built_in());
  std::string described;
  for (const char* api : {"/v1/openapi.json", "/v1.0alpha/openapi.json"}) {
    const json::value description = fixture.ask("GET", api).content();
    for (const auto& path : description.at("paths").as_object()) {
      described += std::string(path.key()) + '\n';
    }
  }
  const std::regex paths("(^|\n)(v1[^\n]*)");
  std::size_t found = 0;
  for (std::sregex_iterator each(text.begin(), text.end(), paths), end; each != end; ++each) {
    std::string path = '/' + (*each)[2].str();
    path = path.ends_with('*') ? path.substr(0, path.size() - 1) : path + '\n';
    INFO(path);
    CHECK(described.find(path) != std::string::npos);
    ++found;
  }
  CHECK(found > 5);
}
