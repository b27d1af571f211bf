// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <csignal>
#include <string>
#include <vector>

#include <sys/resource.h>

#include <hanami/io/checkpoint.hpp>
#include <hanami/template/parser.hpp>

#include "service/support/engine_fixture.hpp"
#include "service/support/server_fixture.hpp"

using namespace server_test;

namespace {

/// While it lives, no file of this process can grow beyond a size: what a full disk looks like.
class small_disk {
 public:
  explicit small_disk(::rlim_t most) : signal_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const ::rlimit now{most, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_);
  }

 private:
  void (*signal_)(int);
  ::rlimit before_{};
};

} // namespace

TEST_CASE("an upload that cannot be finished for a full disk says so, and can be later",
          "[service]") {
  const server_fixture fixture;
  const std::string token = fixture.admin();
  std::string csv = "a\n";
  for (int i = 0; i < 1'500'000; ++i) {
    csv += i % 2 == 0 ? "1\n" : "2\n";
  }
  const heard begun = fixture.ask(
      "POST", "/v1/uploads",
      R"({"name":"rows","format":"csv","sizes":[)" + std::to_string(csv.size()) + "]}", token);
  REQUIRE(begun.status == 201);
  const std::string part(begun.content().at("parts").at(0).at("id").as_string());
  REQUIRE(fixture.ask("PUT", "/v1/parts/" + part, csv, token).status == 204);
  const std::string finish = "/v1/uploads/" + begun.text("id") + "/finish";
  {
    const small_disk full(5'000'000); // the dataset has 6,000,000 bytes
    const heard task = fixture.ask("POST", finish, {}, token);
    REQUIRE(task.status == 202);
    CHECK(end_of(fixture, task.text("id"), token) == "failed");
    CHECK(fixture.ask("GET", "/v1/tasks/" + task.text("id"), {}, token).text("error") ==
          "the disk of the service is full");
  }
  CHECK(fixture.ask("GET", "/v1/datasets", {}, token).content().at("total").as_int64() == 0);
  finish_upload(fixture, begun.text("id"), token);
}

TEST_CASE("a checkpoint that finds no room on the disk can be finished later", "[service]") {
  using namespace engine_test;
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const auto bytes = hanami::to_checkpoint(hanami::cluster(hanami::parse_template(two_by_two)),
                                           {{"note", std::string(1'000'000, 'n')}});
  const std::uint64_t size = bytes.size();
  REQUIRE(size > 1'000'000);
  const auto upload = fixture.data->begin(fixture.ann, service::data::upload_format::checkpoint,
                                          "trained", {&size, 1});
  fixture.data->write(fixture.ann, upload.parts[0].id, 0, bytes);
  {
    const small_disk full(1'000'000); // room for all but the checkpoint
    CHECK(engine_test::refusal_of([&] { fixture.import(fixture.ann, upload.row.id); }) ==
          refusal_code::no_space);
  }
  CHECK(fixture.resources->used_by("anna").checkpoints == 0);
  fixture.open_again(); // it is there after a restart, too
  CHECK(fixture.data->progress(fixture.ann, upload.row.id).complete());
  CHECK(fixture.checkpoint(fixture.import(fixture.ann, upload.row.id)) == bytes);
  CHECK(engine_test::refusal_of([&] { fixture.data->progress(fixture.ann, upload.row.id); }) ==
        refusal_code::not_found);
}
