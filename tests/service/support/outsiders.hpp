// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "service/support/described_calls.hpp"
#include "service/support/fixtures.hpp"

/// What a user can have, and others who are not to reach it.

namespace server_test {

/// Stands in the names of what is not to be seen.
inline constexpr std::string_view canary = "canary71c4";

/// One of each that a user can have.
inline id_map furnish(const server_fixture& fixture, const std::string& token,
                      const std::string& name, const std::string& user,
                      const std::string& project) {
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
  const json::value webhooks = fixture.ask("GET", "/v1/webhooks", {}, token).content();
  const json::array& old = webhooks.at("items").as_array(); // few of them may be there
  ids["task_webhook"] =
      old.empty()
          ? fixture.ask("POST", "/v1/webhooks", R"({"url":"https://hooks.invalid/two"})", token)
                .text("id")
          : std::string(old[0].at("id").as_string());
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
  ids["identity"] = nobodys.at("identity"); // for administrators alone, and no provider is set up
  return ids;
}

/// Somebody who is not to reach what is another's.
struct outsider {
  std::string what;
  std::string token;
  id_map own;
  bool stranger = true; ///< not in the other's project
};

inline outsider make_outsider(const server_fixture& fixture, const std::string& user,
                              const std::string& project, const std::string& role,
                              bool leads = false) {
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
inline std::vector<outsider> all_outsiders(const server_fixture& fixture,
                                           const std::string& owner) {
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

inline std::string with_other_ids(std::string text, const id_map& ids) {
  for (const auto& [kind, id] : ids) {
    for (std::size_t at = 0; (at = text.find(id, at)) != std::string::npos;) {
      text.replace(at, id.size(), nobodys.at(kind));
      at += nobodys.at(kind).size();
    }
  }
  return text;
}

} // namespace server_test
