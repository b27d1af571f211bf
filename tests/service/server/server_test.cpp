// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <hanami/foundation/error.hpp>
#include <hanami/service/api/reference/wire.hpp>

#include "service/support/fixtures.hpp"

using namespace server_test;

namespace {

std::string some_rows() {
  std::string csv = "a,b,sum\n";
  for (int i = 0; i < 300; ++i) {
    const int a = i % 17;
    const int b = i % 5;
    csv += std::to_string(a) + ',' + std::to_string(b) + ',' + std::to_string(a + b) + '\n';
  }
  return csv;
}

} // namespace

TEST_CASE("a fresh server has an administrator and knows everything again after a restart") {
  server_fixture fixture;
  CHECK(fixture.ask("GET", "/healthz").status == 200);
  CHECK(fixture.ask("GET", "/readyz").status == 200);
  const std::string token = fixture.admin();
  REQUIRE_FALSE(token.empty());
  const std::string id = make_line_of_three(fixture, token);
  const std::string sample = R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})";
  for (int i = 0; i < 20; ++i) {
    REQUIRE(fixture.ask("POST", "/v1/clusters/" + id + "/train", sample, token).status == 200);
  }
  const std::string question = R"({"inputs":{"x":[1,2]}})";
  const std::string before =
      fixture.ask("POST", "/v1/clusters/" + id + "/infer", question, token).body;
  fixture.close();
  fixture.open();
  CHECK(fixture.ask("POST", "/v1/clusters/" + id + "/infer", question, token).body == before);
}

TEST_CASE("who comes before there is an administrator is told to wait, not that he is unknown") {
  std::uint16_t port = 0;
  {
    const server_fixture before;
    port = before.port();
  }
  std::atomic<bool> there{false};
  std::vector<unsigned> heard_of;
  bool tells_of_itself = true;
  std::thread user([&] {
    while (!there || heard_of.empty() || heard_of.back() != 201) {
      try {
        tells_of_itself = ask_at(port, "GET", "/healthz").status == 200 && tells_of_itself;
        const heard answer = ask_at(port, "POST", "/v1/sessions",
                                    R"({"user_id":"admin","password":"the first password"})");
        heard_of.push_back(answer.status);
        if (answer.status == 503 && answer.text("code") != "starting") {
          return;
        }
      } catch (const std::runtime_error&) { // nobody listens yet
      }
    }
  });
  const server_fixture fixture([port](server_config& config) {
    config.http.port = port;
    config.auth.light_passwords = false; // which takes a while
  });
  there = true;
  user.join();
  CHECK(tells_of_itself);
  for (const unsigned status : heard_of) {
    CHECK((status == 503 || status == 201));
  }
  CHECK(heard_of.back() == 201);
}

TEST_CASE("a start that fails makes no account, and a generated password is kept for its owner") {
  const scratch_folder folder;
  server_config config = server_fixture().config();
  config.data = folder.path / "data";
  config.admin_password.reset();
  {
    const server_fixture neighbour;
    config.http.port = neighbour.port();
    CHECK_THROWS_WITH(server(config), Catch::Contains("port") || Catch::Contains("in use"));
  }
  config.http.port = 0;
  const auto log_in = [&](const std::string& password) {
    const server running(config);
    return ask_at(running.port(), "POST", "/v1/sessions",
                  R"({"user_id": "admin", "password": ")" + password + "\"}")
        .status;
  };
  const auto first_line = [](const std::filesystem::path& file) {
    std::ifstream from(file);
    std::string line;
    std::getline(from, line);
    return line;
  };
  std::string generated;
  std::filesystem::path file;
  {
    server running(config);
    const auto told = running.take_admin_password();
    REQUIRE(told);
    generated = *told;
    file = running.admin_password_file();
    CHECK_THROWS_WITH(reset_admin(config), Catch::Contains("in use by another server"));
  }
  CHECK(first_line(file) == generated);
  CHECK(std::filesystem::status(file).permissions() ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  CHECK(log_in(generated) == 201);

  const std::string again = reset_admin(config);
  CHECK(first_line(file) == again);
  CHECK(log_in(generated) == 401);
  CHECK(log_in(again) == 201);
  config.admin_password = "from the operator";
  CHECK(log_in("from the operator") == 401); // the account was there before
  CHECK(reset_admin(config) == "from the operator");
  CHECK(log_in("from the operator") == 201);
}

TEST_CASE("a data directory has one server") {
  const server_fixture fixture;
  CHECK_THROWS_WITH(server(fixture.config()), Catch::Contains("in use by another server"));
}

TEST_CASE("tokens are void as soon as their user is gone, demoted or has a new password") {
  server_fixture fixture;
  const std::string admin = fixture.admin();
  const std::string anna = fixture.member("anna", "lab_one");
  REQUIRE(fixture.ask("GET", "/v1/clusters", {}, anna).status == 200);
  REQUIRE(
      fixture.ask("PATCH", "/v1/users/anna", R"({"password":"another password"})", admin).status ==
      200);
  CHECK(fixture.ask("GET", "/v1/clusters", {}, anna).status == 401);
  const std::string again = fixture.log_in("anna", "another password");
  REQUIRE(fixture.ask("DELETE", "/v1/projects/lab_one/members/anna", {}, admin).status == 204);
  CHECK(fixture.ask("GET", "/v1/clusters", {}, again).status == 401);
  const std::string bert = fixture.member("bert", "lab_one");
  REQUIRE(fixture.ask("DELETE", "/v1/users/bert", {}, admin).status == 204);
  CHECK(fixture.ask("GET", "/v1/clusters", {}, bert).status == 401);
  CHECK(fixture.ask("DELETE", "/v1/users/admin", {}, admin).status == 409);
  REQUIRE(fixture.ask("DELETE", "/v1/sessions/current", {}, admin).status == 204);
  CHECK(fixture.ask("GET", "/v1/users", {}, admin).status == 401);
}

TEST_CASE("a table becomes a dataset, is learned by a task and answered by another") {
  server_fixture fixture;
  const std::string token = fixture.member("anna", "lab_one");
  // Columns of one value each: the two inputs of the cluster are a window of two rows of one.
  const std::string data = upload_csv(fixture, some_rows(), token);
  const std::string id = make_line_of_three(fixture, token);
  const heard started = fixture.ask(
      "POST", "/v1/clusters/" + id + "/tasks",
      R"({"kind":"train","name":"learn","window":2,"epochs":3,"inputs":[{"input":"x","dataset_id":")" +
          data + R"(","columns":["a"]}],"outputs":[{"output":"y","dataset_id":")" + data +
          R"(","columns":["sum"]}]})",
      token);
  INFO(started.body);
  REQUIRE(started.status == 202);
  CHECK(end_of(fixture, started.text("id"), token) == "finished");
  CHECK(fixture.ask("GET", "/v1/clusters/" + id + "/statistics", {}, token)
            .content()
            .at("statistics")
            .at("samples")
            .as_int64() == 3 * 299);
  const heard asked = fixture.ask(
      "POST", "/v1/clusters/" + id + "/tasks",
      R"({"kind":"request","name":"ask","window":2,"inputs":[{"input":"x","dataset_id":")" + data +
          R"(","columns":["a"]}],"results":[{"output":"y","name":"answers"}]})",
      token);
  REQUIRE(asked.status == 202);
  REQUIRE(end_of(fixture, asked.text("id"), token) == "finished");
  const json::value rows =
      fixture
          .ask("GET", "/v1/datasets/" + asked.text("id") + "/content?columns=answers&count=5", {},
               token)
          .content();
  CHECK(rows.at("total").as_int64() == 299);
  CHECK(rows.at("rows").as_array().size() == 5);
  CHECK(fixture.ask("GET", "/v1/datasets/" + data + "/csv", {}, token).body.substr(0, 13) ==
        "\"a\",\"b\",\"sum\"");
  const heard wrong =
      fixture.ask("POST", "/v1/clusters/" + id + "/tasks",
                  R"({"kind":"train","name":"bad","inputs":[{"input":"x","dataset_id":")" + data +
                      R"(","columns":["a"]}],"outputs":[{"output":"y","dataset_id":")" + data +
                      R"(","columns":["sum"]}]})",
                  token);
  CHECK(wrong.status == 422); // one value where the input takes two
}

TEST_CASE("what a project or everybody may use can be used but not changed") {
  server_fixture fixture;
  const std::string owner = fixture.member("anna", "lab_one");
  const std::string stranger = fixture.member("bert", "lab_two");
  const std::string id = make_line_of_three(fixture, owner);
  const std::string question = R"({"inputs":{"x":[1,2]}})";
  const std::string lesson = R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})";
  REQUIRE(fixture.ask("PATCH", "/v1/clusters/" + id, R"({"visibility":"public"})", owner).status ==
          200);
  CHECK(fixture.ask("POST", "/v1/clusters/" + id + "/infer", question, stranger).status == 200);
  CHECK(fixture.ask("POST", "/v1/clusters/" + id + "/train", lesson, stranger).status == 403);
  CHECK(fixture.ask("DELETE", "/v1/clusters/" + id, {}, stranger).status == 403);
  REQUIRE(fixture.ask("PATCH", "/v1/clusters/" + id, R"({"visibility":"project"})", owner).status ==
          200);
  CHECK(fixture.ask("POST", "/v1/clusters/" + id + "/infer", question, stranger).status == 404);
  const std::string viewer = fixture.member("cleo", "lab_one", "viewer");
  CHECK(fixture.ask("POST", "/v1/clusters/" + id + "/infer", question, viewer).status == 200);
  CHECK(fixture.ask("POST", "/v1/clusters", R"({"name":"mine"})", viewer).status == 403);
}

TEST_CASE("damaged requests are refused with a reason and change nothing") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_line_of_three(fixture, token);
  const std::string good = R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})";
  std::mt19937 random(7);
  unsigned refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string body = good;
    for (unsigned k = 0; k < 1 + random() % 3; ++k) {
      body[random() % body.size()] = static_cast<char>(random() % 256);
    }
    const heard answer = fixture.ask("POST", "/v1/clusters/" + id + "/train", body, token);
    INFO(body << " -> " << answer.status << ' ' << answer.body);
    REQUIRE((answer.status == 200 || answer.status == 400 || answer.status == 422));
    if (answer.status != 200) {
      CHECK_FALSE(answer.text("detail").empty());
      ++refused;
    }
  }
  CHECK(refused > 200);
  for (const char* body : {"[]", "", "null", R"({"name":1})", R"({"name":"x","tempalte":""})"}) {
    CHECK(fixture.ask("POST", "/v1/clusters", body, token).status / 100 == 4);
  }
  CHECK(fixture.ask("GET", "/v1/audit-log?limit=99999999999999999999", {}, token).status == 422);
  CHECK(fixture.ask("GET", "/v1/nothing", {}, token).status == 404);
  CHECK(fixture.ask("PUT", "/v1/clusters", "{}", token).status == 405);
  CHECK(fixture.ask("GET", "/healthz").status == 200);
}

TEST_CASE("a repeated creation with the same key is done once") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  const auto create = [&](const std::string& name) {
    client connection(fixture.port());
    const std::string body = R"({"name":")" + name + "\"}";
    return connection.ask("POST /v1/clusters HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " +
                          token + "\r\nIdempotency-Key: once\r\nContent-Length: " +
                          std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  const heard_response first = create("one");
  REQUIRE(first.status == 201);
  const heard_response second = create("one");
  CHECK(second.status == 201);
  CHECK(second.body == first.body);
  CHECK(create("another").status == 422);
  CHECK(fixture.ask("GET", "/v1/clusters", {}, token).content().at("total").as_int64() == 1);
}

TEST_CASE("an address of IPv6 is taken and printed with brackets") {
  for (const char* address : {"::1", "[::1]"}) {
    std::unique_ptr<server_fixture> fixture;
    try {
      fixture = std::make_unique<server_fixture>(
          [&](server_config& config) { config.http.address = address; });
    } catch (const hanami::error& why) {
      CHECK(std::string(why.what()).find("cannot listen at [::1]:0") != std::string::npos);
      continue; // a machine without IPv6
    }
    CHECK(fixture->running().greeting().find("http://[::1]:" + std::to_string(fixture->port())) !=
          std::string::npos);
  }
}

TEST_CASE("what was refused may be asked again with the same key") {
  server_fixture fixture;
  const std::string admin = fixture.admin();
  const std::string token = fixture.member("anna", "lab_one");
  const auto create = [&](const std::string& caller) {
    client connection(fixture.port());
    const std::string body = R"({"name":"one"})";
    return connection
        .ask("POST /v1/clusters HTTP/1.1\r\nHost: here\r\nAuthorization: Bearer " + caller +
             "\r\nIdempotency-Key: once\r\nContent-Length: " + std::to_string(body.size()) +
             "\r\n\r\n" + body)
        .status;
  };
  const auto allow = [&](int clusters) {
    const heard limits = fixture.ask("GET", "/v1/users/anna/quota", {}, admin);
    json::object changed = limits.content().as_object();
    changed["clusters"] = clusters;
    CHECK(fixture.ask("PUT", "/v1/users/anna/quota", json::serialize(changed), admin).status ==
          200);
  };
  allow(0);
  CHECK(create(token) / 100 == 4);
  allow(2);
  CHECK(create(token) == 201);
  CHECK(create(token) == 201); // the same one again
  CHECK(fixture.ask("GET", "/v1/clusters", {}, token).content().at("total").as_int64() == 1);
  const std::string elsewhere = fixture.member("anna", "lab_two");
  const heard there =
      fixture.ask("POST", "/v1/sessions/project", R"({"project_id":"lab_two"})", elsewhere);
  REQUIRE(there.status / 100 == 2);
  CHECK(create(there.text("access_token")) == 201); // another project: another key
  CHECK(fixture.ask("GET", "/v1/users/anna/quota", {}, admin).status == 200);
}

TEST_CASE("the reference's clients are answered as they expect, and its faults are gone") {
  server_fixture fixture;
  const heard in =
      fixture.ask("POST", "/v1.0alpha/token", R"({"id":"admin","password":"the first password"})");
  REQUIRE(in.status == 200);
  const std::string token = in.text("token");
  const auto ask = [&](const char* method, const std::string& target,
                       const std::string& body = {}) {
    return fixture.ask(method, "/v1.0alpha/" + target, body, token);
  };
  CHECK(ask("GET", "audit_log?page=99999999999").status == 400);
  CHECK(ask("GET", "audit_log?page=1000").status == 200);
  CHECK(ask("POST", "cluster", "[]").status == 400);
  const heard made =
      ask("POST", "cluster", R"({"name":"true"})"); // no template, a name like a bool
  REQUIRE(made.status == 200);
  const std::string id = made.text("uuid");
  CHECK(ask("GET", "cluster?uuid=" + id).text("name") == "true");
  CHECK(ask("GET", "task?uuid=" + id + "&cluster_uuid=" + id).status == 404);
  CHECK(ask("POST", "task/train",
            R"({"name":"task","cluster_uuid":")" + id +
                R"(","inputs":{"input":"' OR 1=1"},"outputs":{"output":7}})")
            .status == 400);
  const heard saved =
      ask("POST", "cluster/save", R"({"name":"kept","cluster_uuid":")" + id + "\"}");
  REQUIRE(saved.status == 200);
  CHECK(ask("GET", "checkpoint?uuid=" + saved.text("uuid")).status == 200);
  CHECK(ask("GET", "user/project").status == 200);
  CHECK(ask("POST", "project", R"({"id":"lab_one","name":"A lab"})").status == 200);
  CHECK(ask("POST", "user", R"({"id":"anna","name":"Anna","password":"some password"})").status ==
        200);
  CHECK(ask("POST", "user/project", R"({"id":"anna","project_id":"lab_one","role":"member"})")
            .status == 200);
  CHECK(ask("DELETE", "user/project?id=anna&project_id=lab_one").status == 200);
  CHECK(ask("DELETE", "cluster?uuid=" + id).body == "{}");
}

TEST_CASE("the reference's sockets train and ask, and say why they end") {
  using hanami::service::api::buffer_kind;
  using hanami::service::api::process_kind;
  using hanami::service::api::write_cluster_message;
  server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_line_of_three(fixture, token);
  const auto enter = [&](socket_client_over<client>& to) {
    REQUIRE(to.open("/").status == 101);
    to.say(R"({"token":"wrong","target":"cluster","uuid":")" + id + "\"}");
    CHECK(json::parse(to.hear().data).at("success").as_bool() == false);
    to.say(R"({"token":")" + token + R"(","target":"cluster","uuid":")" + id + "\"}");
    REQUIRE(json::parse(to.hear().data).at("success").as_bool());
  };
  const std::vector<float> x = {1, 2};
  const std::vector<float> y = {3};
  const auto message = [&](const char* name, bool last, process_kind process, buffer_kind target,
                           const std::vector<float>& values) {
    return socket_client_over<client>::frame(
        2, write_cluster_message(name, last, process, target, values));
  };
  socket_client_over<client> peer(fixture.port());
  enter(peer);
  for (int i = 0; i < 20; ++i) {
    peer.send(message("x", false, process_kind::train, buffer_kind::input, x));
    CHECK(hanami::service::api::parse_cluster_message(peer.hear().data)->last == false);
    peer.send(message("y", true, process_kind::train, buffer_kind::expected, y));
    CHECK(hanami::service::api::parse_cluster_message(peer.hear().data)->last);
  }
  peer.send(message("x", true, process_kind::request, buffer_kind::input, x));
  const auto answer = hanami::service::api::parse_cluster_message(peer.hear().data);
  REQUIRE(answer);
  CHECK(answer->buffer == "y");
  REQUIRE(answer->values.size() == 1);
  CHECK(answer->values[0] == Approx(3).margin(0.5));

  for (const std::string& wrong :
       {message("z", true, process_kind::request, buffer_kind::input, x),
        message("x", true, process_kind::request, buffer_kind::input, {1, 2, 3}),
        socket_client_over<client>::frame(2, "\xff\xff\xff")}) {
    socket_client_over<client> other(fixture.port());
    enter(other);
    other.send(wrong);
    CHECK(other.hear().close_code() == 1008);
  }
}
