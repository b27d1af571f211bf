// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <catch2/catch.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <thread>

#include "service/support/server_fixture.hpp"

/// What users have on a server: datasets, clusters, tasks.

namespace server_test {

/// A task's state as soon as it is over.
inline std::string end_of(const server_fixture& fixture, const std::string& task,
                          const std::string& token) {
  std::string state;
  const auto limit = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while ((state.empty() || state == "queued" || state == "active") &&
         std::chrono::steady_clock::now() < limit) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    state = fixture.ask("GET", "/v1/tasks/" + task, {}, token).text("state");
  }
  return state;
}

/// The id of what a complete upload becomes, as soon as it is there.
inline std::string finish_upload(const server_fixture& fixture, const std::string& upload,
                                 const std::string& token) {
  const heard begun = fixture.ask("POST", "/v1/uploads/" + upload + "/finish", {}, token);
  INFO(begun.body);
  REQUIRE(begun.status == 202);
  const std::string state = end_of(fixture, begun.text("id"), token);
  const json::value task = fixture.ask("GET", "/v1/tasks/" + begun.text("id"), {}, token).content();
  INFO(json::serialize(task));
  REQUIRE(state == "finished");
  const json::object& outcome = task.at("outcome").as_object();
  const json::value* made = outcome.if_contains("dataset_id");
  return std::string((made == nullptr ? outcome.at("checkpoint_id") : *made).as_string());
}

/// A dataset of these rows; its id.
inline std::string upload_csv(const server_fixture& fixture, const std::string& csv,
                              const std::string& token, const std::string& name = "rows") {
  const heard begun = fixture.ask("POST", "/v1/uploads",
                                  R"({"name":")" + name + R"(","format":"csv","sizes":[)" +
                                      std::to_string(csv.size()) + "]}",
                                  token);
  INFO(begun.body);
  REQUIRE(begun.status == 201);
  const json::value upload = begun.content();
  const std::string part(upload.at("parts").at(0).at("id").as_string());
  const std::size_t half = csv.size() / 2; // in two pieces, the second one first
  REQUIRE(fixture
              .ask("PUT", "/v1/parts/" + part + "?position=" + std::to_string(half),
                   csv.substr(half), token)
              .status == 204);
  REQUIRE(fixture.ask("POST", "/v1/uploads/" + begun.text("id") + "/finish", {}, token).status ==
          409);
  REQUIRE(fixture.ask("PUT", "/v1/parts/" + part, csv.substr(0, half), token).status == 204);
  return finish_upload(fixture, begun.text("id"), token);
}

/// An input x of two values and an output y of one, as a text of JSON holds it.
inline const std::string line_of_three =
    "version: 1\\nhexagons:\\n  1..3,1,1\\ninputs:\\n  x:\\n    "
    "target: 1,1,1\\n    number_of_inputs: 2\\noutputs:\\n  y:\\n    "
    "target: 3,1,1\\n    number_of_outputs: 1\\n    kind: linear\\n";

inline std::string make_line_of_three(const server_fixture& fixture, const std::string& token,
                                      const std::string& name = "a cluster") {
  const heard made =
      fixture.ask("POST", "/v1/clusters",
                  R"({"name":")" + name + R"(","template":")" + line_of_three + "\"}", token);
  INFO(made.body);
  REQUIRE(made.status == 201);
  return made.text("id");
}

/// A cluster and a task of the same name that saves it, once that has ended.
inline void save_a_cluster(const server_fixture& fixture, const std::string& token,
                           const std::string& name) {
  const std::string id = make_line_of_three(fixture, token, name);
  const heard begun = fixture.ask("POST", "/v1/clusters/" + id + "/tasks",
                                  R"({"kind":"save","name":")" + name + "\"}", token);
  REQUIRE(end_of(fixture, begun.text("id"), token) == "finished");
}

} // namespace server_test
