// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "service/support/child_process.hpp"
#include "service/support/engine_fixture.hpp"
#include "service/support/fixtures.hpp"

/// Uploads become datasets and checkpoints by tasks.

using namespace engine_test;
using service::data::upload_format;
using store::task_state;

namespace {

std::string table(int rows) {
  std::string text = "a,b\n";
  for (int i = 0; i < rows; ++i) {
    text += std::to_string(i % 1000) + ',' + std::to_string(i % 7) + '\n';
  }
  return text;
}

service::data::upload send(const engine_fixture& fixture, const std::string& text) {
  const std::uint64_t size = text.size();
  const auto u = fixture.data->begin(fixture.ann, upload_format::csv, "rows", {&size, 1});
  fixture.data->write(fixture.ann, u.parts[0].id, 0, std::as_bytes(std::span(text)));
  return fixture.data->progress(fixture.ann, u.row.id);
}

std::size_t files_in(const std::filesystem::path& folder) {
  const auto all = std::filesystem::directory_iterator(folder);
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

void one_thread(service::server_config& config) { config.engine.threads = 1; }

} // namespace

TEST_CASE("an upload becomes a dataset by a task, which its owner sees", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const auto upload = send(fixture, table(1000));
  const auto begun = fixture->import_upload(fixture.ann, upload.row.id).row;
  CHECK(begun.kind == "import");
  CHECK(begun.cluster_id.empty());
  CHECK(begun.total == upload.row.bytes);
  const auto ended = fixture.wait_end(begun.id).row;
  INFO(ended.error);
  REQUIRE(ended.state == task_state::finished);
  CHECK(ended.done == ended.total);
  CHECK(service::json::parse(ended.outcome).at("dataset_id").as_string() == upload.becomes);
  CHECK(fixture.data->layout(fixture.ann, upload.becomes).rows == 1000);
  CHECK(fixture->list_tasks(fixture.ann, {}, {}).total == 1);
  for (const auto& who : {fixture.bob, fixture.eve, identity_of("anna", "blues")}) {
    CHECK(refusal_of([&] { fixture->task(who, begun.id); }) == refusal_code::not_found);
    CHECK(refusal_of([&] { fixture->abort(who, begun.id); }) == refusal_code::not_found);
    CHECK(fixture->list_tasks(who, {}, {}).rows.empty());
    CHECK(fixture->list_tasks(who, {}, {}).total == 0);
  }
  fixture->remove_task(fixture.ann, begun.id);
  CHECK(fixture->list_tasks(fixture.ann, {}, {}).total == 0);
  CHECK(fixture.data->layout(fixture.ann, upload.becomes).rows == 1000);
}

TEST_CASE("an import that fails says where, and the upload can be mended", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const auto upload = send(fixture, "a,b\n1,2\n3,x\n");
  const auto failed = fixture.wait_end(fixture->import_upload(fixture.ann, upload.row.id).row.id);
  CHECK(failed.row.state == task_state::failed);
  CHECK_THAT(failed.row.error, Catch::Contains("line 3, column 3"));
  CHECK(files_in(fixture.config.data / "datasets") == 0);
  const std::string mended = "4";
  fixture.data->write(fixture.ann, upload.parts[0].id, 10, std::as_bytes(std::span(mended)));
  CHECK(fixture.import(fixture.ann, upload.row.id) == upload.becomes);
  CHECK(fixture.values_of(upload.becomes) == std::vector<float>{1, 2, 3, 4});
  CHECK(refusal_of([&] { fixture->import_upload(fixture.ann, upload.row.id); }) ==
        refusal_code::not_found);
}

TEST_CASE("an upload that is being imported is left alone by everybody else", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const std::string text = table(400'000);
  std::vector<service::data::upload> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(send(fixture, text));
  }
  std::vector<std::string> tasks;
  for (const auto& upload : all) {
    tasks.push_back(fixture->import_upload(fixture.ann, upload.row.id).row.id);
  }
  // The last one waits for the first two, at least.
  const auto& last = all.back();
  const auto in_the_way = refusal_code::conflict;
  CHECK(refusal_of([&] { fixture->import_upload(fixture.ann, last.row.id); }) == in_the_way);
  CHECK(refusal_of([&] { fixture.data->cancel(fixture.ann, last.row.id); }) == in_the_way);
  const std::string byte = "x";
  CHECK(refusal_of([&] {
          fixture.data->write(fixture.ann, last.parts[0].id, 0, std::as_bytes(std::span(byte)));
        }) == in_the_way);
  for (const std::size_t i : {3U, 0U}) { // one that waits, one that runs or has run
    fixture->abort(fixture.ann, tasks[i]);
  }
  CHECK(fixture.wait_end(tasks[3]).row.state == task_state::aborted);
  fixture.data->write(fixture.ann, last.parts[0].id, 0, std::as_bytes(std::span(byte)));
  fixture.data->cancel(fixture.ann, last.row.id);
  for (const std::size_t i : {1U, 2U}) {
    CHECK(fixture.wait_end(tasks[i]).row.state == task_state::finished);
  }
  if (fixture.wait_end(tasks[0]).row.state == task_state::aborted) {
    CHECK(fixture.import(fixture.ann, all[0].row.id) == all[0].becomes);
  }
  CHECK(fixture.resources->used_by("anna").datasets == 3);
  CHECK(files_in(fixture.config.data / "datasets") == 3);
}

TEST_CASE("imports count among the open tasks of a user", "[service]") {
  const scratch_folder folder;
  const engine_fixture fixture(folder.path, false,
                               [](auto& config) { config.quota.open_tasks = 3; });
  const std::string text = table(200'000);
  std::vector<service::data::upload> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(send(fixture, text));
  }
  for (int i = 0; i < 3; ++i) {
    fixture->import_upload(fixture.ann, all[static_cast<std::size_t>(i)].row.id);
  }
  CHECK(refusal_of([&] { fixture->import_upload(fixture.ann, all[3].row.id); }) ==
        refusal_code::quota_exceeded);
  fixture.data->cancel(fixture.ann, all[3].row.id); // nobody has it
}

TEST_CASE("an import that is interrupted by a kill is done after the next start", "[service]") {
  const scratch_folder folder;
  std::string upload;
  std::string becomes;
  {
    const engine_fixture fixture(folder.path, false, one_thread);
    const auto sent = send(fixture, table(300'000));
    upload = sent.row.id;
    becomes = sent.becomes;
  }
  std::string task;
  for (const std::uint64_t share : {1U, 3U, 6U, 9U}) { // tenths
    child_process process([&](const child_process::reporter& report) {
      const engine_fixture fixture(folder.path, false, one_thread);
      std::string current = task;
      if (current.empty()) {
        current = fixture->import_upload(fixture.ann, upload).row.id;
      }
      for (;;) {
        const auto row = fixture->task(fixture.ann, current).row;
        report(row.done * 10 / row.total);
      }
    });
    while (process.next().value() < share) {
    }
    process.kill();
    store::database db(folder.path / "database");
    const auto open = store::tasks(db).open();
    if (open.empty()) {
      break; // it was as good as done
    }
    task = open.at(0).id;
  }
  REQUIRE_FALSE(task.empty());
  const engine_fixture fixture(folder.path, false, one_thread);
  const auto ended = fixture.wait_end(task).row;
  INFO(ended.error);
  CHECK(ended.state == task_state::finished);
  CHECK(fixture.data->layout(fixture.ann, becomes).rows == 300'000);
  CHECK(fixture.resources->used_by("anna").datasets == 1);
  CHECK(refusal_of([&] { fixture.data->progress(fixture.ann, upload); }) ==
        refusal_code::not_found);
  CHECK(files_in(fixture.config.data / "uploads") == 0);
}

TEST_CASE("an import goes on where the service was stopped and started again", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const auto upload = send(fixture, table(300'000));
  std::promise<refusal_code> told;
  const std::string task =
      fixture
          ->import_upload(fixture.ann, upload.row.id,
                          [&](const std::exception_ptr& trouble) {
                            told.set_value(*refusal_of([&] { std::rethrow_exception(trouble); }));
                          })
          .row.id;
  fixture->end_imports();
  CHECK(told.get_future().get() == refusal_code::stopping);
  fixture.open_again();
  CHECK(fixture.wait_end(task).row.state == task_state::finished);
  CHECK(fixture.data->layout(fixture.ann, upload.becomes).rows == 300'000);
}

TEST_CASE("while imports run, everything else is answered", "[service]") {
  using namespace server_test;
  const server_fixture fixture([](server_config& config) { config.http.workers = 1; });
  const std::string token = fixture.admin();
  const std::string csv = table(400'000);
  std::vector<std::string> tasks;
  for (int i = 0; i < 4; ++i) {
    const heard begun = fixture.ask(
        "POST", "/v1/uploads",
        R"({"name":"rows","format":"csv","sizes":[)" + std::to_string(csv.size()) + "]}", token);
    const std::string part(begun.content().at("parts").at(0).at("id").as_string());
    REQUIRE(fixture.ask("PUT", "/v1/parts/" + part, csv, token).status == 204);
    const heard task =
        fixture.ask("POST", "/v1/uploads/" + begun.text("id") + "/finish", {}, token);
    REQUIRE(task.status == 202);
    CHECK(task.content().at("cluster_id").is_null());
    tasks.push_back(task.text("id"));
  }
  make_line_of_three(fixture, token); // with the only worker there is
  CHECK(fixture.ask("GET", "/v1/tasks/" + tasks[3], {}, token).text("state") != "finished");
  for (const std::string& task : tasks) {
    CHECK(end_of(fixture, task, token) == "finished");
  }
}
