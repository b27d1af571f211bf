// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include <hanami/service/store/database.hpp>
#include <hanami/service/store/tables.hpp>

#include "service/support/fixtures.hpp"
#include "service/support/webhook_receiver.hpp"

/// Webhooks of ended tasks, as their owners and receivers see them.

using namespace server_test;

namespace {

/// Makes one for `url`; its id, and its secret.
std::pair<std::string, std::string> add_webhook(const server_fixture& fixture,
                                                const std::string& token, const std::string& url,
                                                const std::string& more = {}) {
  const heard made =
      fixture.ask("POST", "/v1/webhooks", R"({"url":")" + url + '"' + more + '}', token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  return {made.text("id"), made.text("secret")};
}

/// An import that cannot succeed.
void fail_a_task(const server_fixture& fixture, const std::string& token) {
  const std::string csv = "x,y\n1,2\n3,4,5\n";
  const json::value upload =
      fixture
          .ask("POST", "/v1/uploads",
               R"({"name":"bad rows","format":"csv","sizes":[)" + std::to_string(csv.size()) + "]}",
               token)
          .content();
  const std::string id(upload.at("id").as_string());
  const std::string part(upload.at("parts").at(0).at("id").as_string());
  REQUIRE(fixture.ask("PUT", "/v1/parts/" + part, csv, token).status == 204);
  const heard begun = fixture.ask("POST", "/v1/uploads/" + id + "/finish", {}, token);
  REQUIRE(begun.status == 202);
  REQUIRE(end_of(fixture, begun.text("id"), token) == "failed");
}

/// The names of the tasks of which a receiver has been told.
std::set<std::string> names_in(const receiver& there) {
  std::set<std::string> names;
  for (const http::request& each : there.got()) {
    const json::value said = json::parse(each.body);
    if (said.at("type").as_string() == "task.ended") {
      names.emplace(said.at("data").at("name").as_string());
    }
  }
  return names;
}

/// Sends a test message after all others, and waits for it: nothing else comes then.
void wait_for_all(const server_fixture& fixture, const receiver& there, const std::string& webhook,
                  const std::string& token) {
  const auto tests = [&] {
    std::size_t count = 0;
    for (const http::request& each : there.got()) {
      count += json::parse(each.body).at("type") == "webhook.test" ? 1U : 0U;
    }
    return count;
  };
  const std::size_t before = tests();
  REQUIRE(fixture.ask("POST", "/v1/webhooks/" + webhook + "/test", {}, token).status == 202);
  CHECK(comes_true([&] { return tests() > before; }));
}

} // namespace

TEST_CASE("the end of a task goes to the webhook of its owner, signed", "[service]") {
  receiver there;
  const server_fixture fixture(may_reach_here);
  const std::string token = fixture.member("anna", "lab_one");
  const auto made = add_webhook(fixture, token, there.url());
  save_a_cluster(fixture, token, "first");
  REQUIRE(there.gets(1));
  const http::request got = there.got()[0];
  CHECK(got.headers.get("webhook-signature") == expected_signature(made.second, got));
  const json::value said = json::parse(got.body);
  CHECK(said.at("type").as_string() == "task.ended");
  const json::value& task = said.at("data");
  CHECK(task.at("name").as_string() == "first");
  CHECK(task.at("kind").as_string() == "save");
  CHECK(task.at("state").as_string() == "finished");
  CHECK(task.at("owner_id").as_string() == "anna");
  CHECK(task.at("project_id").as_string() == "lab_one");
  const std::string path = "/v1/tasks/" + std::string(task.at("task_id").as_string());
  CHECK(fixture.ask("GET", path, {}, token).content().at("ended_at") == task.at("ended_at"));
  const std::string webhook = "/v1/webhooks/" + made.first;
  CHECK(comes_true([&] {
    return fixture.ask("GET", webhook + "/messages", {}, token)
               .content()
               .at("items")
               .at(0)
               .at("state") == "delivered";
  }));
  const json::value shown = fixture.ask("GET", webhook, {}, token).content();
  CHECK(shown.at("reach").as_string() == "own");
  CHECK(shown.at("states").as_array().size() == 3);
  CHECK_FALSE(shown.as_object().contains("secret"));
  CHECK_FALSE(shown.as_object().contains("stream_id"));
}

TEST_CASE("a webhook tells of the ends that it is made for", "[service]") {
  receiver all;
  receiver failures;
  const server_fixture fixture(may_reach_here);
  const std::string token = fixture.member("anna", "lab_one");
  add_webhook(fixture, token, all.url());
  const std::string id =
      add_webhook(fixture, token, failures.url(), R"(,"states":["failed","aborted"])").first;
  save_a_cluster(fixture, token, "good");
  fail_a_task(fixture, token);
  CHECK(all.gets(2));
  wait_for_all(fixture, failures, id, token);
  CHECK(names_in(failures) == std::set<std::string>{"bad rows"});
  CHECK(json::parse(failures.got()[0].body).at("data").at("error").is_string());
  CHECK(names_in(all) == std::set<std::string>{"good", "bad rows"});
  // One that is disabled tells nothing, and nothing of what was in between.
  REQUIRE(fixture.ask("PATCH", "/v1/webhooks/" + id, R"({"enabled":false})", token).status == 200);
  fail_a_task(fixture, token);
  REQUIRE(fixture.ask("PATCH", "/v1/webhooks/" + id, R"({"enabled":true})", token).status == 200);
  wait_for_all(fixture, failures, id, token);
  CHECK(failures.got().size() == 3); // one end, two tests
  CHECK(fixture.ask("DELETE", "/v1/webhooks/" + id, {}, token).status == 204);
  CHECK(fixture.ask("GET", "/v1/webhooks/" + id, {}, token).status == 404);
  CHECK(fixture.ask("POST", "/v1/webhooks", R"({"url":"http://10.0.0.1/x"})", token).status == 422);
  CHECK(fixture
            .ask("POST", "/v1/webhooks", R"({"url":"https://hooks.example/","states":["active"]})",
                 token)
            .status == 422);
}

TEST_CASE("tasks of others are told to who may see them now, and to nobody else", "[service]") {
  receiver own;
  receiver project;
  receiver all;
  receiver elsewhere;
  const server_fixture fixture(may_reach_here);
  const std::string admin = fixture.admin();
  const std::string anna = fixture.member("anna", "lab_one");
  fixture.member("lead", "lab_one");
  fixture.member("other", "lab_two");
  const auto lead = [&](const std::string& user, const std::string& where, bool leads) {
    REQUIRE(fixture
                .ask("PUT", "/v1/projects/" + where + "/members/" + user,
                     std::string(R"({"role":"member","is_project_admin":)") +
                         (leads ? "true}" : "false}"),
                     admin)
                .status == 200);
    return fixture.log_in(user, "some password");
  };
  const std::string leader = lead("lead", "lab_one", true);
  const std::string stranger = lead("other", "lab_two", true);
  const std::string url = R"({"url":"https://hooks.example/","reach":)";
  CHECK(fixture.ask("POST", "/v1/webhooks", url + "\"project\"}", anna).status == 403);
  CHECK(fixture.ask("POST", "/v1/webhooks", url + "\"all\"}", leader).status == 403);
  const std::string of_own = add_webhook(fixture, leader, own.url()).first;
  const std::string of_project =
      add_webhook(fixture, leader, project.url(), R"(,"reach":"project")").first;
  const std::string of_all = add_webhook(fixture, admin, all.url(), R"(,"reach":"all")").first;
  const std::string of_others =
      add_webhook(fixture, stranger, elsewhere.url(), R"(,"reach":"project")").first;
  CHECK(fixture.ask("GET", "/v1/webhooks/" + of_project, {}, anna).status == 404);
  CHECK(fixture.ask("GET", "/v1/webhooks", {}, leader).content().at("items").as_array().size() ==
        2);

  save_a_cluster(fixture, anna, "of anna");
  save_a_cluster(fixture, leader, "of lead");
  lead("lead", "lab_one", false);
  save_a_cluster(fixture, anna, "later");
  wait_for_all(fixture, own, of_own, leader);
  wait_for_all(fixture, project, of_project, leader);
  wait_for_all(fixture, all, of_all, admin);
  wait_for_all(fixture, elsewhere, of_others, stranger);
  CHECK(names_in(own) == std::set<std::string>{"of lead"});
  CHECK(names_in(project) == std::set<std::string>{"of anna", "of lead"});
  CHECK(names_in(all) == std::set<std::string>{"of anna", "of lead", "later"});
  CHECK(names_in(elsewhere).empty());
}

TEST_CASE("webhooks go with their user, whoever has the name then", "[service]") {
  const server_fixture fixture(may_reach_here);
  const std::string admin = fixture.admin();
  add_webhook(fixture, fixture.member("anna", "lab_one"), "https://hooks.example/");
  REQUIRE(fixture.ask("DELETE", "/v1/users/anna", {}, admin).status == 204);
  const std::string next = fixture.member("anna", "lab_one");
  CHECK(fixture.ask("GET", "/v1/webhooks", {}, next).content().at("items").as_array().empty());
}

TEST_CASE("an end that nobody has taken yet is told after a restart", "[service]") {
  receiver there;
  there.answer_with({500});
  server_fixture fixture([](server_config& config) {
    may_reach_here(config);
    config.webhook.retry = std::chrono::hours(1);
  });
  std::string token = fixture.admin();
  const std::string id = add_webhook(fixture, token, there.url()).first;
  save_a_cluster(fixture, token, "kept");
  REQUIRE(there.gets(1));
  fixture.close();
  there.answer_with({200});
  {
    hanami::service::store::database db(fixture.config().data / "hanami.sqlite");
    db.write([](hanami::service::store::connection& on) {
      on.execute("UPDATE webhook_messages SET next_at = 0");
    });
  }
  fixture.open();
  CHECK(there.gets(2));
  CHECK(there.got()[0].headers.get("webhook-id") == there.got()[1].headers.get("webhook-id"));
}

TEST_CASE("webhooks of streams and their messages are there after an upgrade", "[service]") {
  namespace store = hanami::service::store;
  const scratch_folder folder;
  const std::filesystem::path file = folder.path / "database";
  { store::database db(file); }
  {
    store::connection on(file); // what a database of the version before held
    on.run_script("PRAGMA foreign_keys=OFF; DROP TABLE webhook_messages; DROP TABLE webhooks;");
    on.run_script(store::migrations[6]);
    on.run_script(
        "INSERT INTO resources VALUES ('s1', 'stream', 'n', 'anna', 'p', 0, 1, 1, 1, 0, '{}'); "
        "INSERT INTO webhooks VALUES ('w1', 's1', 'anna', 'https://h/', 'x', 1, '', 7, 2, 3, 0, 0);"
        "INSERT INTO webhook_messages VALUES (5, 'w1', 'm1', 'stream.alarm', '{}', 0, 1, 0, '', 1, "
        "1, 1); PRAGMA user_version=10");
  }
  store::database db(file);
  db.read([](store::connection& on) {
    store::statement row = on.query("SELECT stream_id, last_alarm, user_id FROM webhooks");
    REQUIRE(row.step());
    CHECK(row.text(0) == "s1");
    CHECK(row.integer(1) == 7);
    CHECK(row.text(2).empty());
  });
  db.read([](store::connection& on) {
    store::statement row = on.query("SELECT number, webhook_id FROM webhook_messages");
    REQUIRE(row.step());
    CHECK(row.integer(0) == 5);
    CHECK(row.text(1) == "w1");
  });
  db.write([](store::connection& on) { on.execute("DELETE FROM resources WHERE id = 's1'"); });
  db.read([](store::connection& on) { // all of it is still tied together
    CHECK_FALSE(on.query("SELECT 1 FROM webhooks").step());
    CHECK_FALSE(on.query("SELECT 1 FROM webhook_messages").step());
  });
}
