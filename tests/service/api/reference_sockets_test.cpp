// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>
#include <utility>
#include <vector>

#include <hanami/service/api/reference/wire.hpp>

#include "service/support/cluster_socket_peer.hpp"
#include "service/support/described_calls.hpp"
#include "service/support/outsiders.hpp"
#include "service/support/server_fixture.hpp"

using namespace server_test;

TEST_CASE("the reference's sockets end with their token, too", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.member("anna", "lab_one");
  const std::string id = make_cluster(fixture, token);
  peer by(fixture.port());
  REQUIRE(by.open("/").status == 101);
  by.say(R"({"token":")" + token + R"(","target":"cluster","uuid":")" + id + "\"}");
  REQUIRE(json::parse(by.hear().data).at("success").as_bool());
  REQUIRE(fixture.ask("DELETE", "/v1/sessions/current", {}, token).status == 204);
  CHECK(by.hear().close_code() == 1008);
}

TEST_CASE("the reference's sockets end with the right to train the cluster", "[service]") {
  const server_fixture fixture;
  const std::string owner = fixture.member("anna", "lab_one");
  const std::string id = make_cluster(fixture, owner);
  const std::string admin = fixture.admin();
  const auto make_leader = [&](bool leads) {
    return fixture
        .ask("PUT", "/v1/projects/lab_one/members/cleo",
             std::string(R"({"role":"member","is_project_admin":)") + (leads ? "true}" : "false}"),
             admin)
        .status;
  };
  fixture.member("cleo", "lab_one");
  REQUIRE(make_leader(true) == 200);
  const std::string leader = fixture.log_in("cleo", "some password");
  peer by(fixture.port());
  REQUIRE(by.open("/").status == 101);
  by.say(R"({"token":")" + leader + R"(","target":"cluster","uuid":")" + id + "\"}");
  REQUIRE(json::parse(by.hear().data).at("success").as_bool());
  SECTION("which a role gave") {
    REQUIRE(make_leader(false) == 200);
    REQUIRE(fixture.ask("GET", "/v1/clusters/" + id, {}, leader).status != 200);
  }
  SECTION("and with the cluster") {
    REQUIRE(fixture.ask("DELETE", "/v1/clusters/" + id, {}, owner).status == 204);
  }
  CHECK(by.hear().close_code() == 1008);
}

TEST_CASE("a reference's socket ends when its cluster has other outputs", "[service]") {
  using namespace hanami::service::api;
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string small = make_cluster(fixture, token, 1);
  REQUIRE(fixture.ask("PATCH", "/v1/clusters/" + small, R"({"name":"small"})", token).status ==
          200);
  const std::string id = make_cluster(fixture, token, 3);
  const auto run = [&](const std::string& on, const std::string& plan) {
    const heard task = fixture.ask("POST", "/v1/clusters/" + on + "/tasks", plan, token);
    REQUIRE(task.status == 202);
    REQUIRE(comes_true([&] {
      return fixture.ask("GET", "/v1/tasks/" + task.text("id"), {}, token).text("state") ==
             "finished";
    }));
    return task.text("id");
  };
  const std::string saved = run(small, R"({"kind":"save","name":"small"})");
  peer by(fixture.port());
  REQUIRE(by.open("/").status == 101);
  by.say(R"({"token":")" + token + R"(","target":"cluster","uuid":")" + id + "\"}");
  REQUIRE(json::parse(by.hear().data).at("success").as_bool());
  const std::vector<float> x = {1, 2};
  const auto ask = [&] {
    by.send(peer::frame(
        2, write_cluster_message("x", true, process_kind::request, buffer_kind::input, x)));
    return by.hear();
  };
  CHECK(parse_cluster_message(ask().data)->values.size() == 3);
  run(id, R"({"kind":"restore","name":"back","checkpoint_id":")" + saved + "\"}");
  const heard_frame end = ask();
  CHECK(end.close_code() == 1008);
  CHECK(end.data.find("replaced by a checkpoint") != std::string::npos);
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
