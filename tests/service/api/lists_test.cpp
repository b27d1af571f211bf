// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "service/support/fixtures.hpp"

/// Lists as dashboards use them, and templates before there is a cluster.

using namespace server_test;

namespace {

json::value get(const server_fixture& fixture, const std::string& target, const std::string& token,
                unsigned status = 200) {
  const heard answer = fixture.ask("GET", target, {}, token);
  INFO(target << ' ' << answer.body);
  REQUIRE(answer.status == status);
  return answer.content();
}

std::vector<std::string> names(const json::value& page) {
  std::vector<std::string> all;
  for (const json::value& item : page.at("items").as_array()) {
    all.emplace_back(item.at("name").as_string());
  }
  return all;
}

/// All pages of two.
std::vector<std::string> walk(const server_fixture& fixture, const std::string& target,
                              const std::string& token) {
  std::vector<std::string> all;
  std::string after;
  do {
    const json::value page = get(fixture, target + "&limit=2" + after, token);
    for (const std::string& name : names(page)) {
      all.push_back(name);
    }
    after.clear();
    if (!page.at("next").is_null()) {
      after = "&after=";
      for (const char c : std::string(page.at("next").as_string())) {
        static constexpr const char* hex = "0123456789ABCDEF";
        const auto byte = static_cast<unsigned char>(c);
        after += '%';
        after += hex[byte >> 4];
        after += hex[byte & 15];
      }
    }
  } while (!after.empty() && all.size() < 100);
  return all;
}

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("lists sort by name, time and size, both ways, and pages follow", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  for (const char* name : {"pear", "a:b:c", "fig", "apple", "pear 2"}) {
    make_line_of_three(fixture, token, name);
  }
  const std::string all = "/v1/clusters?";
  CHECK(walk(fixture, all + "sort=created_at", token) ==
        texts{"pear", "a:b:c", "fig", "apple", "pear 2"});
  CHECK(walk(fixture, all + "order=desc", token) ==
        texts{"pear 2", "apple", "fig", "a:b:c", "pear"});
  CHECK(walk(fixture, all + "sort=name", token) ==
        texts{"a:b:c", "apple", "fig", "pear", "pear 2"});
  CHECK(walk(fixture, all + "sort=name&order=desc", token) ==
        texts{"pear 2", "pear", "fig", "apple", "a:b:c"});
  CHECK(walk(fixture, all + "sort=bytes&order=desc", token).size() == 5);
  const json::value fig = get(fixture, all + "name=fig", token).at("items").at(0);
  fixture.ask("PATCH", "/v1/clusters/" + std::string(fig.at("id").as_string()),
              R"({"visibility":"public"})", token);
  CHECK(walk(fixture, all + "sort=updated_at&order=desc", token).at(0) == "fig");
  CHECK(walk(fixture, all + "visibility=public", token) == texts{"fig"});
  CHECK(walk(fixture, all + "name=PEAR&order=desc", token) == texts{"pear 2", "pear"});
  CHECK(get(fixture, all + "visibility=public", token).at("total").as_int64() == 1);
  get(fixture, all + "sort=colour", token, 422);
  get(fixture, all + "sort=name&after=nonsense", token, 422);
  get(fixture, all + "after=nonsense", token, 422);
}

TEST_CASE("filters show nobody more than he may see", "[service]") {
  const server_fixture fixture;
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string bert = fixture.member("bert", "lab_two");
  make_line_of_three(fixture, anna, "anna's");
  make_line_of_three(fixture, bert, "bert's");
  CHECK(names(get(fixture, "/v1/clusters?owner_id=anna", bert)).empty());
  CHECK(names(get(fixture, "/v1/clusters?project_id=lab_one", bert)).empty());
  CHECK(get(fixture, "/v1/clusters?owner_id=anna", bert).at("total").as_int64() == 0);
  CHECK(names(get(fixture, "/v1/clusters?project_id=lab_one", fixture.admin())) == texts{"anna's"});
  CHECK(names(get(fixture, "/v1/clusters?owner_id=bert", fixture.admin())) == texts{"bert's"});
}

TEST_CASE("a list shows of each cluster what a dashboard shows", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string id = make_line_of_three(fixture, token);
  CHECK(get(fixture, "/v1/clusters/" + id, token).at("last_used_at").is_null());
  REQUIRE(fixture
              .ask("POST", "/v1/clusters/" + id + "/train",
                   R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})", token)
              .status == 200);
  const json::value shown = get(fixture, "/v1/clusters", token).at("items").at(0);
  CHECK(shown.at("state").as_string() == "in_memory");
  CHECK(shown.at("samples").as_int64() == 1);
  CHECK(shown.at("neurons").as_int64() >= 0);
  CHECK(shown.at("last_used_at").is_string());
  CHECK(shown.at("inputs").at(0).at("name").as_string() == "x");
  CHECK(shown.at("outputs").at(0).at("kind").as_string() == "linear");
  CHECK(shown.at("outputs").at(0).at("class_count").as_int64() == 0);
}

TEST_CASE("others' tasks are for administrators, of the server and of the project", "[service]") {
  const server_fixture fixture;
  const std::string admin = fixture.admin();
  const std::string anna = fixture.member("anna", "lab_one");
  const std::string bert = fixture.member("bert", "lab_one");
  const std::string cleo = fixture.member("cleo", "lab_two");
  save_a_cluster(fixture, anna, "anna's");
  save_a_cluster(fixture, bert, "bert's");
  save_a_cluster(fixture, cleo, "cleo's");
  CHECK(names(get(fixture, "/v1/tasks", anna)) == texts{"anna's"});
  CHECK(names(get(fixture, "/v1/tasks?everybody=true", admin)) ==
        texts{"anna's", "bert's", "cleo's"});
  CHECK(names(get(fixture, "/v1/tasks?everybody=true&order=desc", admin)) ==
        texts{"cleo's", "bert's", "anna's"});
  CHECK(walk(fixture, "/v1/tasks?everybody=true&order=desc", admin) ==
        texts{"cleo's", "bert's", "anna's"});
  CHECK(names(get(fixture, "/v1/tasks?owner_id=bert", admin)) == texts{"bert's"});
  CHECK(names(get(fixture, "/v1/tasks?everybody=true&kind=train", admin)).empty());
  CHECK(names(get(fixture, "/v1/tasks?everybody=true&state=failed", admin)).empty());
  CHECK(names(get(fixture, "/v1/tasks?owner_id=anna", anna)) == texts{"anna's"});
  get(fixture, "/v1/tasks?everybody=true", anna, 403);
  get(fixture, "/v1/tasks?owner_id=bert", anna, 403);
  fixture.ask("PUT", "/v1/projects/lab_one/members/anna",
              R"({"role":"member","is_project_admin":true})", admin);
  const std::string leader = fixture.log_in("anna", "some password");
  const json::value led = get(fixture, "/v1/tasks?everybody=true", leader);
  CHECK(names(led) == texts{"anna's", "bert's"});
  CHECK(led.at("total").as_int64() == 2);
}

TEST_CASE("templates are checked without a cluster, and presets are good ones", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const auto check = [&](const std::string& text) {
    const heard answer = fixture.ask("POST", "/v1/templates/check",
                                     json::serialize(json::object{{"template", text}}), token);
    INFO(answer.body);
    REQUIRE(answer.status == 200);
    return answer.content();
  };
  const json::value wrong = check("version: 1\nhexagons:\n    1..3, 1\n");
  CHECK_FALSE(wrong.at("valid").as_bool());
  CHECK(wrong.at("fault").at("line").as_int64() >= 3);
  CHECK(wrong.at("estimate").is_null());
  CHECK_FALSE(check("version: 1\nhexagons: 1..2,1,1\ninputs: x: target: 1,1,1 number_of_inputs: "
                    "999999999\noutputs: y: target: 2,1,1 number_of_outputs: 1 kind: linear\n")
                  .at("valid")
                  .as_bool());
  const json::value presets =
      get(fixture, "/v1/templates/presets?inputs=7&outputs=3&rows=20&columns=15", token);
  CHECK(presets.at("items").as_array().size() == 5);
  for (const json::value& preset : presets.at("items").as_array()) {
    INFO(json::serialize(preset));
    const json::value good = check(std::string(preset.at("template").as_string()));
    REQUIRE(good.at("valid").as_bool());
    const json::value& estimate = good.at("estimate");
    const bool picture = preset.at("name").as_string() == "picture";
    CHECK(estimate.at("inputs").at(0).at("size").as_int64() == (picture ? 300 : 7));
    CHECK(estimate.at("outputs").at(0).at("size").as_int64() == 3);
    CHECK(estimate.at("memory_bytes").as_int64() > 0);
    CHECK(estimate.at("most_memory_bytes").as_int64() >= estimate.at("memory_bytes").as_int64());
    CHECK(estimate.at("disk_bytes").as_int64() > 0);
  }
  CHECK(names(get(fixture, "/v1/clusters", token)).empty());
}

TEST_CASE("clusters are cloned, reset and made from checkpoints by requests", "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  const std::string at = "/v1/clusters/" + make_line_of_three(fixture, token);
  const std::string lesson = R"({"inputs":{"x":[1,2]},"targets":{"y":[3]}})";
  REQUIRE(fixture.ask("POST", at + "/train", lesson, token).status == 200);
  const heard copy = fixture.ask("POST", at + "/clone", R"({"name":"copy"})", token);
  INFO(copy.body);
  REQUIRE(copy.status == 201);
  CHECK(copy.content().at("samples").as_int64() == 1);
  CHECK(fixture.ask("POST", at + "/clone", R"({"name":"copy"})", token).status == 409);
  const heard saved =
      fixture.ask("POST", at + "/tasks", R"({"kind":"save","name":"saved"})", token);
  REQUIRE(end_of(fixture, saved.text("id"), token) == "finished");
  const heard reset = fixture.ask("POST", at + "/reset", {}, token);
  INFO(reset.body);
  REQUIRE(reset.status == 200);
  CHECK(reset.content().at("samples").as_int64() == 0);
  const heard made =
      fixture.ask("POST", "/v1/clusters",
                  R"({"name":"restored","checkpoint_id":")" + saved.text("id") + "\"}", token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  CHECK(made.content().at("samples").as_int64() == 1);
  CHECK(fixture
            .ask("POST", "/v1/clusters",
                 R"({"name":"both","template":"version: 1","checkpoint_id":")" + saved.text("id") +
                     "\"}",
                 token)
            .status == 422);
  const heard changed = fixture.ask("PATCH", at + "/learning", R"({"learning_rate":0.2})", token);
  CHECK(changed.status == 200);
  CHECK(get(fixture, at + "/learning", token).at("learning_rate").to_number<double>() == 0.2);
  CHECK(fixture.ask("PATCH", at + "/learning", R"({"learning_rate":20})", token).status == 422);
}
