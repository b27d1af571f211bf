// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/operate/backup.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include <hanami/foundation/error.hpp>

#include "service/support/fixtures.hpp"
#include "support/scratch_folder.hpp"

using namespace server_test;
using hanami::service::back_up;
using hanami::service::restore;

namespace {

namespace fs = std::filesystem;

const std::string question = R"({"inputs":{"x":[3,4]}})";

std::string lesson(std::uint64_t number) {
  const auto a = static_cast<double>(number % 17);
  const auto b = static_cast<double>(number % 5);
  return R"({"inputs":{"x":[)" + std::to_string(a) + ',' + std::to_string(b) +
         R"(]},"targets":{"y":[)" + std::to_string(a + b) + "]}}";
}

std::string rows_of_sums() {
  std::string csv = "a,b,sum\n";
  for (int i = 0; i < 300; ++i) {
    csv += std::to_string(i % 17) + ',' + std::to_string(i % 5) + ',' +
           std::to_string(i % 17 + i % 5) + '\n';
  }
  return csv;
}

std::string train_plan(const std::string& dataset, int epochs) {
  return R"({"kind":"train","name":"sums","epochs":)" + std::to_string(epochs) +
         R"(,"inputs":[{"input":"x","dataset_id":")" + dataset +
         R"(","columns":["a","b"]}],"outputs":[{"output":"y","dataset_id":")" + dataset +
         R"(","columns":["sum"]}]})";
}

/// How many samples a cluster has learned, and what it answers.
std::uint64_t samples_of(const server_fixture& at, const std::string& id,
                         const std::string& token) {
  return static_cast<std::uint64_t>(at.ask("GET", "/v1/clusters/" + id + "/statistics", {}, token)
                                        .content()
                                        .at("statistics")
                                        .at("samples")
                                        .as_int64());
}
std::string answer_of(const server_fixture& at, const std::string& id, const std::string& token) {
  const heard answer = at.ask("POST", "/v1/clusters/" + id + "/infer", question, token);
  INFO(answer.body);
  CHECK(answer.status == 200);
  return answer.body;
}

/// A server on what was brought back from a backup.
class restored_server {
 public:
  restored_server(const server_config& like, const fs::path& backup) {
    server_config config = like;
    config.data = folder_.path / "data";
    restore(config, backup);
    fixture_ =
        std::make_unique<server_fixture>([data = config.data](server_config& c) { c.data = data; });
  }
  const server_fixture& operator*() const { return *fixture_; }

 private:
  scratch_folder folder_;
  std::unique_ptr<server_fixture> fixture_;
};

void expect_refused(const std::function<void()>& work, const std::string& word) {
  CHECK_THROWS_WITH(work(), Catch::Contains(word));
}

} // namespace

TEST_CASE("a backup that is made under load answers to the bit as at a time while it was made",
          "[service]") {
  const server_fixture fixture([](server_config& config) {
    config.engine.snapshot_interval = std::chrono::seconds(1);
    config.engine.threads = 2;
  });
  const std::string token = fixture.admin();
  const std::string direct = make_line_of_three(fixture, token, "direct");
  const std::string tasked = make_line_of_three(fixture, token, "tasked");
  const std::string dataset = upload_csv(fixture, rows_of_sums(), token);

  std::atomic<std::uint64_t> learned{0};
  std::atomic<bool> end{false};
  std::thread trainer([&] {
    for (std::uint64_t i = 0; !end; ++i) {
      if (fixture.ask("POST", "/v1/clusters/" + direct + "/train", lesson(i), token).status ==
          200) {
        ++learned;
      }
    }
  });
  std::thread others([&] { // come and go
    for (int i = 0; !end; ++i) {
      const std::string id = make_line_of_three(fixture, token, "n" + std::to_string(i));
      fixture.ask("DELETE", "/v1/clusters/" + id, {}, token);
    }
  });
  const heard task =
      fixture.ask("POST", "/v1/clusters/" + tasked + "/tasks", train_plan(dataset, 5000), token);
  REQUIRE(task.status == 202);
  while (learned < 50) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

  const scratch_folder folder;
  for (int i = 0; i < 3; ++i) {
    const fs::path to = folder.path / std::to_string(i);
    const std::uint64_t at_begin = learned;
    const auto report = back_up(fixture.config(), to);
    const std::uint64_t at_end = learned + 1; // one may be on its way
    CHECK(report.files > 5);
    CHECK(report.left_out.empty());
    CHECK(std::system(("cd '" + to.string() + "' && b2sum --quiet -c B2SUMS").c_str()) == 0);

    const restored_server restored(fixture.config(), to);
    const std::string again = (*restored).admin();
    const std::uint64_t samples = samples_of(*restored, direct, again);
    CHECK(samples >= at_begin);
    CHECK(samples <= at_end);
    const std::string fresh = make_line_of_three(*restored, again, "fresh");
    for (std::uint64_t n = 0; n < samples; ++n) {
      (*restored).ask("POST", "/v1/clusters/" + fresh + "/train", lesson(n), again);
    }
    CHECK(answer_of(*restored, direct, again) == answer_of(*restored, fresh, again));
    // A task goes on where it was, and ends as if nothing had been.
    CHECK(end_of(*restored, task.text("id"), again) == "finished");
    if (i == 2) {
      end = true;
      CHECK(end_of(fixture, task.text("id"), token) == "finished");
      CHECK(samples_of(fixture, tasked, token) == 5000 * 300);
    }
    CHECK(samples_of(*restored, tasked, again) == 5000 * 300);
    if (i == 2) {
      CHECK(answer_of(*restored, tasked, again) == answer_of(fixture, tasked, token));
    }
  }
  trainer.join();
  others.join();
}

TEST_CASE("a backup holds accounts, keys, datasets, checkpoints and half an upload", "[service]") {
  const bool encrypted = GENERATE(false, true);
  server_fixture fixture([=](server_config& config) { config.encrypt_files = encrypted; });
  const std::string token = fixture.member("anna", "lab_one");
  const std::string id = make_line_of_three(fixture, token);
  const std::string dataset = upload_csv(fixture, rows_of_sums(), token);
  const heard saved = fixture.ask("POST", "/v1/clusters/" + id + "/tasks",
                                  R"({"kind":"save","name":"kept"})", token);
  INFO(saved.body);
  REQUIRE(end_of(fixture, saved.text("id"), token) == "finished");
  const json::value upload =
      fixture.ask("POST", "/v1/uploads", R"({"name":"half","format":"csv","sizes":[8]})", token)
          .content();
  const std::string part(upload.at("parts").at(0).at("id").as_string());
  REQUIRE(fixture.ask("PUT", "/v1/parts/" + part, "a,b\n", token).status == 204);
  const heard stream =
      fixture.ask("POST", "/v1/streams", R"({"name":"boiler","columns":["celsius"]})", token);
  REQUIRE(stream.status == 201);
  const std::string rows = "/v1/streams/" + stream.text("id") + "/rows";
  for (int i = 0; i < 30; ++i) {
    REQUIRE(fixture.ask("POST", rows, R"({"celsius":)" + std::to_string(20 + i % 7) + '}', token)
                .status == 200);
  }
  const auto list = [&](const server_fixture& at, const std::string& what, const std::string& by) {
    json::value found = json::parse(at.ask("GET", "/v1/" + what, {}, by).body);
    for (json::value& item : found.at("items").as_array()) {
      if (what == "clusters") { // where it is at the moment belongs to no copy
        item.as_object().erase("state");
        item.as_object().erase("last_used_at");
      }
    }
    return json::serialize(found);
  };

  const scratch_folder folder;
  const auto report = back_up(fixture.config(), folder.path / "kept");
  CHECK(report.key.empty() == !encrypted);
  if (encrypted) { // its place beside the data is another one now
    server_config moved = fixture.config();
    moved.data = folder.path / "data";
    moved.file_key = report.key;
    restore(moved, folder.path / "kept");
    const server_fixture again([&](server_config& c) {
      c.data = moved.data;
      c.encrypt_files = true;
      c.file_key = moved.file_key;
    });
    CHECK(answer_of(again, id, token) == answer_of(fixture, id, token));
    return;
  }
  const restored_server restored(fixture.config(), folder.path / "kept");
  // The token that was given by the other one holds: it was signed by the same key.
  for (const char* what : {"clusters", "datasets", "checkpoints", "tasks", "uploads", "streams"}) {
    CHECK(list(*restored, what, token) == list(fixture, what, token));
  }
  CHECK_FALSE((*restored).log_in("anna", "some password").empty());
  const std::string next = R"({"celsius":22})";
  CHECK((*restored).ask("POST", rows, next, token).body ==
        fixture.ask("POST", rows, next, token).body);
  REQUIRE((*restored).ask("PUT", "/v1/parts/" + part + "?position=4", "1,2\n", token).status ==
          204);
  const std::string made =
      finish_upload(*restored, std::string(upload.at("id").as_string()), token);
  CHECK((*restored).ask("GET", "/v1/datasets/" + made, {}, token).status == 200);
}

TEST_CASE("nothing is written over what is there, and nothing stays of what failed", "[service]") {
  server_fixture fixture;
  const std::string token = fixture.admin();
  make_line_of_three(fixture, token);
  const scratch_folder folder;
  const fs::path kept = folder.path / "kept";
  back_up(fixture.config(), kept);

  expect_refused([&] { back_up(fixture.config(), kept); }, "is not empty");
  expect_refused([&] { back_up(fixture.config(), fixture.config().data / "inside"); }, "within");
  expect_refused([&] { restore(fixture.config(), kept); }, "is not empty");
  server_config nowhere = fixture.config();
  nowhere.data = folder.path / "nowhere";
  expect_refused([&] { back_up(nowhere, folder.path / "none"); }, "no data of a server");
  CHECK_FALSE(fs::exists(folder.path / "none"));

  // What is damaged already is named; who has put something there keeps it to himself.
  const fs::path hurt = folder.path / "hurt";
  fs::copy(fixture.config().data, hurt, fs::copy_options::recursive);
  for (const auto& each : fs::recursive_directory_iterator(hurt / "clusters")) {
    if (each.is_regular_file()) {
      fs::remove(each.path());
    }
  }
  fs::create_directory(hurt / "notes");
  server_config of_hurt = fixture.config();
  of_hurt.data = hurt;
  const auto left_out = back_up(of_hurt, folder.path / "of hurt").left_out;
  REQUIRE(left_out.size() == 2);
  CHECK(left_out[0].find("there is no snapshot") != std::string::npos);
  CHECK(left_out[1] == "notes");

  // One byte of a snapshot.
  const auto cluster = fs::directory_iterator(kept / "clusters")->path();
  const auto snapshot = fs::directory_iterator(cluster)->path();
  {
    std::fstream file(snapshot, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(50);
    file.put('!');
  }
  expect_refused([&] { restore(nowhere, kept); }, "is damaged");
  CHECK_FALSE(fs::exists(nowhere.data / "hanami.sqlite"));
  fs::remove(snapshot);
  expect_refused([&] { restore(nowhere, kept); }, "is missing");
  fs::remove(kept / "B2SUMS");
  expect_refused([&] { restore(nowhere, kept); }, "no complete backup");
  // A name that leads out of the folder.
  std::ofstream(kept / "B2SUMS") << std::string(128, '0') << "  ../../etc/passwd\n";
  expect_refused([&] { restore(nowhere, kept); }, "line 1");
}
