// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/data/datasets.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <hanami/foundation/error.hpp>
#include <hanami/io/write_file.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/base/uuid.hpp>

#include "service/support/dataset_bench.hpp"
#include "service/support/refusal_of.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::data;
using namespace dataset_test;

namespace {

using service_test::in_the_way;
using service_test::missing;
using service_test::refusal_of;

} // namespace

TEST_CASE("a private dataset is not there for others", "[service]") {
  dataset_bench bench;
  const std::string id = bench.make_csv("a\n1\n").id;
  for (const identity& stranger : {bench.bob, bench.eve}) {
    REQUIRE(refusal_of([&] { bench.data->get(stranger, id); }) == missing);
    REQUIRE(refusal_of([&] { bench.data->layout(stranger, id); }) == missing);
    REQUIRE(refusal_of([&] { bench.data->open(stranger, id); }) == missing);
    REQUIRE(refusal_of([&] { bench.data->remove(stranger, id); }) == missing);
  }
  const std::string shared = bench.make_csv("a\n1\n", visibility::project).id;
  REQUIRE(bench.data->get(bench.bob, shared).id == shared);
  REQUIRE(refusal_of([&] { bench.data->remove(bench.bob, shared); }) == refusal_code::forbidden);
  REQUIRE(refusal_of([&] { bench.data->open(bench.eve, shared); }) == missing);
  REQUIRE(refusal_of([&] { bench.data->open("no such id"); }) == missing);
}

TEST_CASE("quotas hold for uploads and for what they become", "[service]") {
  dataset_bench bench;
  constexpr auto over = refusal_code::quota_exceeded;
  bench.set_quota([](quota& q) { q.bytes = 1000; });
  const std::uint64_t most = 1000;
  const std::uint64_t more = 1001;
  const auto begin = [&](const std::uint64_t& size) {
    return bench.data->begin(bench.ann, upload_format::csv, "name", {&size, 1});
  };
  REQUIRE(refusal_of([&] { begin(more); }) == over);
  const upload u = begin(most);
  REQUIRE(refusal_of([&] { bench.begin_csv("1"); }) == over);
  REQUIRE(bench.resources.used_by("anna").bytes == 1000);
  bench.data->cancel(bench.ann, u.row.id);
  REQUIRE(bench.resources.used_by("anna").bytes == 0);

  // The upload's own bytes do not stand in the way of the dataset; the dataset's do.
  std::string text = "a\n";
  while (text.size() < 600) {
    text += "1.50\n";
  }
  const upload good = bench.send_csv(text);
  REQUIRE(bench.data->finish(bench.data->claim(bench.ann, good.row.id)).bytes < 1000);
  bench.set_quota([](quota& q) { q.bytes = 2000; });
  const upload large = bench.send_csv("a\n" + std::string(400, '\n') + [] {
    std::string rows;
    for (int i = 0; i < 400; ++i) {
      rows += "1\n";
    }
    return rows;
  }());
  REQUIRE(refusal_of([&] { bench.data->finish(bench.data->claim(bench.ann, large.row.id)); }) ==
          over);
  REQUIRE(bench.files_in("datasets") == 1);
  REQUIRE(bench.data->progress(bench.ann, large.row.id).complete());
  bench.data->cancel(bench.ann, large.row.id);

  bench.set_quota([](quota& q) { q.datasets = 2; });
  const upload second = bench.send_csv("a\n1\n");
  REQUIRE(refusal_of([&] { bench.begin_csv("x"); }) == over); // one is there, one on its way
  bench.data->finish(bench.data->claim(bench.ann, second.row.id));
  REQUIRE(refusal_of([&] { bench.begin_csv("x"); }) == over);
}

TEST_CASE("a checkpoint is taken over, and stays where that fails", "[service]") {
  dataset_bench bench;
  const std::uint64_t size = 5;
  const upload u = bench.data->begin(bench.ann, upload_format::checkpoint, "saved", {&size, 1});
  const auto fail = [](const std::filesystem::path&) { throw hanami::service::conflict("no"); };
  REQUIRE(refusal_of([&] {
            bench.data->take_over(bench.data->claim(bench.ann, u.row.id), fail);
          }) == refusal_code::incomplete);
  bench.data->write(bench.ann, u.parts[0].id, 0, bytes_of("hello"));
  REQUIRE(refusal_of([&] { bench.data->finish(bench.data->claim(bench.ann, u.row.id)); }) ==
          in_the_way);
  REQUIRE(refusal_of([&] {
            bench.data->take_over(bench.data->claim(bench.ann, u.row.id), fail);
          }) == in_the_way);
  REQUIRE(bench.data->progress(bench.ann, u.row.id).complete());
  bench.data->take_over(
      bench.data->claim(bench.ann, u.row.id), [&](const std::filesystem::path& file) {
        REQUIRE(read_file(file, 100) == std::vector<std::uint8_t>{'h', 'e', 'l', 'l', 'o'});
        REQUIRE(refusal_of([&] {
                  bench.data->write(bench.ann, u.parts[0].id, 0, bytes_of("x"));
                }) == in_the_way);
      });
  REQUIRE(bench.files_in("uploads") == 0);
  REQUIRE(refusal_of([&] { bench.data->progress(bench.ann, u.row.id); }) == missing);
  REQUIRE(bench.resources.used_by("anna").bytes == 0);
}

TEST_CASE("a dataset that an open task uses stays; others go, but not from their readers",
          "[service]") {
  dataset_bench bench;
  const std::string id = bench.make_csv("a\n1\n2\n").id;
  store::task_row task;
  task.cluster_id = new_uuid();
  task.kind = "train";
  task.owner_id = "anna";
  task.plan = R"({"inputs":[{"dataset":")" + id + R"("}]})";
  task = bench.tasks.add(task, 10);
  REQUIRE(refusal_of([&] { bench.data->remove(bench.ann, id); }) == in_the_way);
  bench.tasks.remove(task.id);

  const auto reader = bench.data->open(bench.ann, id);
  bench.data->remove(bench.ann, id);
  REQUIRE(bench.files_in("datasets") == 0);
  REQUIRE(refusal_of([&] { bench.data->open(bench.ann, id); }) == missing);
  std::vector<float> values(2);
  reader->read(0, 2, values);
  REQUIRE(values == std::vector<float>{1.0F, 2.0F});
}

TEST_CASE("what a task writes is adopted, within the quota, and again after a restart",
          "[service]") {
  dataset_bench bench(true);
  const std::string id = new_uuid();
  write_result(bench, id, 10);
  const store::resource_row made = bench.data->adopt(bench.ann, id, "result", visibility::project);
  REQUIRE(made.id == id);
  REQUIRE(made.owner_id == "anna");
  REQUIRE(made.visible_to == visibility::project);
  REQUIRE(bench.values(id) == std::vector<float>(10, 1.5F));

  write_result(bench, id, 20);
  REQUIRE(bench.data->adopt(bench.ann, id, "result", visibility::project).bytes > made.bytes);
  REQUIRE(bench.data->layout(bench.bob, id).rows == 20);

  bench.set_quota([](quota& q) { q.datasets = 1; });
  const std::string second = new_uuid();
  write_result(bench, second, 10);
  REQUIRE(refusal_of([&] {
            bench.data->adopt(bench.ann, second, "result", visibility::project);
          }) == refusal_code::quota_exceeded);
  REQUIRE(!std::filesystem::exists(bench.data->path_of(second)));
  REQUIRE_THROWS_AS(bench.data->path_of("../../etc/passwd"), error);
}

TEST_CASE("cleaning removes uploads that nobody has written to, and nothing else", "[service]") {
  dataset_bench bench;
  const std::string id = bench.make_csv("a\n1\n").id;
  const upload u = bench.send_csv("a\n1\n");
  bench.data->clean();
  REQUIRE(bench.data->progress(bench.ann, u.row.id).complete());
  bench.config.upload_timeout = std::chrono::seconds{0};
  bench.data->clean();
  REQUIRE(refusal_of([&] { bench.data->progress(bench.ann, u.row.id); }) == missing);
  REQUIRE(bench.files_in("uploads") == 0);
  REQUIRE(bench.resources.used_by("anna").bytes == bench.data->get(bench.ann, id).bytes);
  REQUIRE(bench.values(id).size() == 1);
}

TEST_CASE("cleaning removes old files of nobody", "[service]") {
  dataset_bench bench;
  const std::string id = bench.make_csv("a\n1\n").id;
  const std::string orphan = new_uuid();
  const std::string young = new_uuid();
  store::task_row task;
  task.kind = "request";
  task.owner_id = "anna";
  const std::string result = bench.tasks.add(task, 10).id;
  const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours{48};
  const auto put = [&](const std::string& name, bool is_old) {
    const std::filesystem::path file = bench.config.data / name;
    write_file(file, bytes_of("x"));
    if (is_old) {
      std::filesystem::last_write_time(file, old);
    }
  };
  for (const char* folder : {"uploads/", "datasets/", "checkpoints/"}) {
    put(folder + orphan, true);
    put(folder + orphan + ".part", true);
    put(folder + young, false);
    put(folder + std::string("notes.txt"), true); // not ours
  }
  put("datasets/" + result + ".part", true); // a slow task writes
  std::filesystem::last_write_time(bench.data->path_of(id), old);
  bench.data->clean();
  for (const char* folder : {"uploads", "datasets", "checkpoints"}) {
    REQUIRE(!std::filesystem::exists(bench.config.data / folder / orphan));
    REQUIRE(!std::filesystem::exists(bench.config.data / folder / (orphan + ".part")));
    REQUIRE(std::filesystem::exists(bench.config.data / folder / young));
    REQUIRE(std::filesystem::exists(bench.config.data / folder / "notes.txt"));
  }
  REQUIRE(std::filesystem::exists(bench.config.data / "datasets" / (result + ".part")));
  REQUIRE(bench.values(id).size() == 1);
}

TEST_CASE("folders and files are for the owner of the process alone", "[service]") {
  dataset_bench bench(true);
  const std::string id = bench.make_csv("a\n1\n").id;
  const upload u = bench.send_csv("a\n1\n");
  const auto mode_of = [](const std::filesystem::path& path) {
    struct ::stat status {};
    REQUIRE(::stat(path.c_str(), &status) == 0);
    return status.st_mode & 0777;
  };
  for (const char* folder : {"", "uploads", "datasets", "checkpoints"}) {
    REQUIRE(mode_of(bench.config.data / folder) == 0700);
  }
  REQUIRE(mode_of(bench.data->path_of(id)) == 0600);
  REQUIRE(mode_of(bench.config.data / "uploads" / u.parts[0].id) == 0600);
  REQUIRE(mode_of(bench.folder.path / "data.file_key") == 0600);
}
