// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/io/write_file.hpp>
#include <hanami/service/base/refusal.hpp>
#include <hanami/service/base/uuid.hpp>
#include <hanami/service/data/datasets.hpp>

#include <atomic>
#include <csignal>
#include <functional>
#include <thread>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "service/support/refusal_of.hpp"
#include "support/scratch_folder.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::data;

namespace {

identity who(const std::string& user, const std::string& project) {
  identity result;
  result.user_id = user;
  result.project_id = project;
  result.role = "member";
  return result;
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

using service_test::refusal_of;
constexpr auto missing = refusal_code::not_found;
constexpr auto in_the_way = refusal_code::conflict;

/// A database with users, and all that `datasets` needs; can be opened again.
struct dataset_bench {
  scratch_folder folder;
  server_config config = [this] {
    server_config made;
    made.data = folder.path / "data";
    made.auth.light_passwords = true;
    return made;
  }();
  store::database db{folder.path / "database"};
  store::resources resources{db};
  store::tasks tasks{db};
  access::accounts accounts{db, config};
  std::unique_ptr<data::datasets> data;

  const identity ann = who("anna", "reds");
  const identity bob = who("bert", "reds");
  const identity eve = who("evelyn", "blues");

  explicit dataset_bench(bool encrypted = false) {
    config.encrypt_files = encrypted;
    for (const char* id : {"anna", "bert", "evelyn"}) {
      accounts.create_user({id, "Somebody", "a long password", false}, "test");
    }
    open();
  }

  void open() {
    data.reset();
    data = std::make_unique<data::datasets>(config, resources, tasks, accounts);
  }

  upload begin_csv(std::string_view text, visibility visible_to = visibility::owner_only) {
    const std::uint64_t size = text.size();
    return data->begin(ann, upload_format::csv, "numbers", {&size, 1}, visible_to);
  }
  /// The upload of a whole CSV, not finished.
  upload send_csv(std::string_view text, visibility visible_to = visibility::owner_only) {
    const upload u = begin_csv(text, visible_to);
    data->write(ann, u.parts[0].id, 0, bytes_of(text));
    return data->progress(ann, u.row.id);
  }
  store::resource_row make_csv(std::string_view text,
                               visibility visible_to = visibility::owner_only) {
    return data->finish(data->claim(ann, send_csv(text, visible_to).row.id));
  }
  void set_quota(const std::function<void(quota&)>& change) {
    quota limits;
    change(limits);
    accounts.set_quota("anna", limits);
  }
  std::size_t files_in(const char* kind) const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(config.data / kind), {}));
  }
  std::vector<float> values(const std::string& id) {
    const auto reader = data->open(ann, id);
    std::vector<float> all(reader->layout().rows * reader->layout().width);
    reader->read(0, reader->layout().rows, all);
    return all;
  }
};

/// Writes a dataset as a task does.
void write_result(const dataset_bench& bench, const std::string& id, std::uint64_t rows) {
  data_layout layout;
  layout.rows = rows;
  layout.width = 1;
  layout.columns = {{"out", 0, 1}};
  data_writer writer(bench.data->path_of(id), layout, bench.data->key());
  writer.write(std::vector<float>(rows, 1.5F));
  writer.finish();
}

} // namespace

TEST_CASE("an upload becomes a dataset, plain and encrypted", "[service]") {
  for (const bool encrypted : {false, true}) {
    dataset_bench bench(encrypted);
    REQUIRE(bench.data->key().has_value() == encrypted);
    const std::string text = "a,b\n1,2\n3,4\n";
    const upload begun = bench.begin_csv(text, visibility::project);
    REQUIRE(!begun.complete());
    REQUIRE(begun.parts.size() == 1);
    REQUIRE(begun.parts[0].size == text.size());
    REQUIRE(is_uuid(begun.becomes));
    REQUIRE(begun.visible_to == visibility::project);
    bench.data->write(bench.ann, begun.parts[0].id, 0, bytes_of(text));
    REQUIRE(bench.data->progress(bench.ann, begun.row.id).complete());

    const store::resource_row made = bench.data->finish(bench.data->claim(bench.ann, begun.row.id));
    REQUIRE(made.id == begun.becomes);
    REQUIRE(made.name == "numbers");
    REQUIRE(made.owner_id == "anna");
    REQUIRE(made.project_id == "reds");
    REQUIRE(made.visible_to == visibility::project);
    REQUIRE(made.bytes == std::filesystem::file_size(bench.data->path_of(made.id)));
    REQUIRE_THAT(made.detail, Catch::Contains(R"("rows":2)") &&
                                  Catch::Contains(R"({"name":"b","first":1,"last":2})"));
    REQUIRE(bench.values(made.id) == std::vector<float>{1.0F, 2.0F, 3.0F, 4.0F});
    REQUIRE(bench.data->layout(bench.bob, made.id).width == 2);
    REQUIRE(bench.data->open(made.id)->layout().rows == 2);

    REQUIRE(bench.files_in("uploads") == 0);
    REQUIRE(refusal_of([&] { bench.data->finish(bench.data->claim(bench.ann, begun.row.id)); }) ==
            missing);
    REQUIRE(refusal_of([&] { bench.data->find_target(bench.ann, made.id); }) == missing);
    if (encrypted) { // with its key beside the data, not in it
      bench.open();
      REQUIRE(bench.values(made.id).size() == 4);
      REQUIRE(std::filesystem::exists(bench.folder.path / "data.file_key"));
      bench.config.encrypt_files = false;
      bench.open();
      REQUIRE_THROWS_AS(bench.data->open(made.id), error);
    }
  }
}

TEST_CASE("pieces of an upload come in any order, overlap and are asked for", "[service]") {
  dataset_bench bench;
  const std::string text = "a,b\n1,2\n3,4\n5,6\n";
  const upload u = bench.begin_csv(text);
  const std::string part = u.parts[0].id;
  const std::string_view all = text;
  bench.data->write(bench.ann, part, 8, bytes_of(all.substr(8)));
  REQUIRE(bench.data->find_part(bench.ann, part).parts[0].next == 0);
  REQUIRE(bench.data->find_part(bench.ann, part).parts[0].received == 8);
  REQUIRE(refusal_of([&] { bench.data->finish(bench.data->claim(bench.ann, u.row.id)); }) ==
          refusal_code::incomplete);
  bench.data->write(bench.ann, part, 0, bytes_of(all.substr(0, 3)));
  REQUIRE(bench.data->find_target(bench.ann, u.becomes).parts[0].next == 3);
  REQUIRE(refusal_of([&] { bench.data->write(bench.ann, part, 10, bytes_of(all)); }) ==
          refusal_code::invalid_value);
  bench.data->write(bench.ann, part, 2, bytes_of(all.substr(2, 9)));
  bench.data->finish(bench.data->claim(bench.ann, u.row.id));
  REQUIRE(bench.values(u.becomes).size() == 6);
}

TEST_CASE("uploads go on after a restart", "[service]") {
  dataset_bench bench;
  const std::string text = "a\n1\n2\n3\n";
  const upload u = bench.begin_csv(text);
  bench.data->write(bench.ann, u.parts[0].id, 0, bytes_of(text).first(4));
  bench.open();
  const upload again = bench.data->progress(bench.ann, u.row.id);
  REQUIRE(again.becomes == u.becomes);
  REQUIRE(again.format == upload_format::csv);
  REQUIRE(again.visible_to == visibility::owner_only);
  REQUIRE(again.parts[0].id == u.parts[0].id);
  REQUIRE(again.parts[0].next == 4);
  bench.data->write(bench.ann, u.parts[0].id, 4, bytes_of(text).subspan(4));
  bench.data->finish(bench.data->claim(bench.ann, u.row.id));
  REQUIRE(bench.values(u.becomes) == std::vector<float>{1.0F, 2.0F, 3.0F});
}

TEST_CASE("what was acknowledged of an upload survives a kill", "[service]") {
  dataset_bench bench;
  const std::string text(100'000, '7');
  const upload u = bench.begin_csv(text);
  int acknowledged[2];
  REQUIRE(::pipe(acknowledged) == 0);
  const ::pid_t child = ::fork();
  if (child == 0) {
    for (std::size_t at = 0;; at = (at + 100) % text.size()) {
      bench.data->write(bench.ann, u.parts[0].id, at, bytes_of(text).subspan(at, 100));
      const std::uint64_t end = at + 100;
      if (::write(acknowledged[1], &end, sizeof end) != sizeof end) {
        ::_exit(1);
      }
    }
  }
  ::close(acknowledged[1]);
  std::uint64_t end = 0;
  for (int i = 0; i < 200; ++i) {
    REQUIRE(::read(acknowledged[0], &end, sizeof end) == sizeof end);
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  while (::read(acknowledged[0], &end, sizeof end) == sizeof end) {
  }
  ::close(acknowledged[0]);
  bench.open();
  REQUIRE(bench.data->progress(bench.ann, u.row.id).parts[0].next >= end);
}

TEST_CASE("an upload belongs to its owner and administrators alone", "[service]") {
  dataset_bench bench;
  const upload u = bench.send_csv("a\n1\n", visibility::everyone);
  const std::string part = u.parts[0].id;
  identity other_project = bench.ann;
  other_project.project_id = "blues";
  for (const identity& stranger : {bench.bob, bench.eve, other_project}) {
    REQUIRE(refusal_of([&] { bench.data->progress(stranger, u.row.id); }) == missing);
    REQUIRE(refusal_of([&] { bench.data->find_part(stranger, part); }) == missing);
    REQUIRE(refusal_of([&] { bench.data->find_target(stranger, u.becomes); }) == missing);
    REQUIRE(refusal_of([&] { bench.data->write(stranger, part, 0, bytes_of("x")); }) == missing);
    REQUIRE(refusal_of([&] { bench.data->finish(bench.data->claim(stranger, u.row.id)); }) ==
            missing);
    REQUIRE(refusal_of([&] { bench.data->take_over(bench.data->claim(stranger, u.row.id), {}); }) ==
            missing);
    REQUIRE(refusal_of([&] { bench.data->cancel(stranger, u.row.id); }) == missing);
    REQUIRE(bench.data->list_uploads(stranger, {}).rows.empty());
  }
  REQUIRE(refusal_of([&] { bench.data->progress(bench.ann, part); }) == missing);
  REQUIRE(refusal_of([&] { bench.data->progress(bench.ann, "../data.file_key"); }) == missing);
  REQUIRE(bench.data->list_uploads(bench.ann, {}).rows.size() == 1);

  identity lead = bench.bob;
  lead.project_admin = true;
  const store::resource_row made = bench.data->finish(bench.data->claim(lead, u.row.id));
  REQUIRE(made.owner_id == "anna");                          // whoever finishes it
  REQUIRE(bench.data->layout(bench.eve, made.id).rows == 1); // it is public now
}

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

TEST_CASE("an upload that is no dataset stays, and can be mended", "[service]") {
  dataset_bench bench;
  const upload u = bench.send_csv("a,b\n1,2\n2,x\n");
  REQUIRE(refusal_of([&] { bench.data->finish(bench.data->claim(bench.ann, u.row.id)); }) ==
          refusal_code::invalid_data);
  REQUIRE(bench.files_in("datasets") == 0);
  REQUIRE(refusal_of([&] { bench.data->get(bench.ann, u.becomes); }) == missing);
  bench.data->write(bench.ann, u.parts[0].id, 10, bytes_of("9"));
  bench.data->finish(bench.data->claim(bench.ann, u.row.id));
  REQUIRE(bench.values(u.becomes)[3] == 9.0F);
}

TEST_CASE("mnist takes two parts", "[service]") {
  dataset_bench bench;
  const std::string images("\0\0\x8\x3\0\0\0\x1\0\0\0\x1\0\0\0\x2\x5\x6", 18);
  const std::string labels("\0\0\x8\x1\0\0\0\x1\x3", 9);
  const std::array<std::uint64_t, 2> sizes{18, 9};
  const upload u = bench.data->begin(bench.ann, upload_format::mnist, "digits", sizes);
  REQUIRE(u.parts.size() == 2);
  bench.data->write(bench.ann, u.parts[1].id, 0, bytes_of(labels));
  REQUIRE(refusal_of([&] { bench.data->finish(bench.data->claim(bench.ann, u.row.id)); }) ==
          refusal_code::incomplete);
  bench.data->write(bench.ann, u.parts[0].id, 0, bytes_of(images));
  REQUIRE(refusal_of([&] { bench.data->take_over(bench.data->claim(bench.ann, u.row.id), {}); }) ==
          in_the_way);
  bench.data->finish(bench.data->claim(bench.ann, u.row.id));
  std::vector<float> expected(12);
  expected[0] = 5.0F;
  expected[1] = 6.0F;
  expected[5] = 1.0F;
  REQUIRE(bench.values(u.becomes) == expected);
}

TEST_CASE("uploads that make no sense are refused", "[service]") {
  dataset_bench bench;
  constexpr auto nonsense = refusal_code::invalid_value;
  const auto begin = [&](upload_format format, std::vector<std::uint64_t> sizes) {
    return refusal_of([&] { bench.data->begin(bench.ann, format, "name", sizes); });
  };
  REQUIRE(begin(upload_format::csv, {}) == nonsense);
  REQUIRE(begin(upload_format::csv, {1, 2}) == nonsense);
  REQUIRE(begin(upload_format::mnist, {1}) == nonsense);
  REQUIRE(begin(upload_format::csv, {0}) == nonsense);
  REQUIRE(begin(upload_format::mnist, {~std::uint64_t{0}, ~std::uint64_t{0}}) == nonsense);
  REQUIRE(bench.files_in("uploads") == 0);
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

TEST_CASE("a cancelled upload leaves nothing", "[service]") {
  dataset_bench bench;
  const upload u = bench.send_csv("a\n1\n");
  bench.data->cancel(bench.ann, u.row.id);
  REQUIRE(bench.files_in("uploads") == 0);
  REQUIRE(refusal_of([&] { bench.data->cancel(bench.ann, u.row.id); }) == missing);
  REQUIRE(refusal_of([&] { bench.data->write(bench.ann, u.parts[0].id, 0, bytes_of("a")); }) ==
          missing);
  bench.open();
  REQUIRE(bench.data->list_uploads(bench.ann, {}).rows.empty());
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

TEST_CASE("an upload that was finished when a kill came is not there twice", "[service]") {
  dataset_bench bench;
  const upload u = bench.send_csv("a\n1\n");
  write_result(bench, u.becomes, 3);
  bench.data->adopt(bench.ann, u.becomes, "numbers", visibility::owner_only);
  bench.open(); // the dataset has its row, the upload still its own
  REQUIRE(refusal_of([&] { bench.data->progress(bench.ann, u.row.id); }) == missing);
  REQUIRE(bench.files_in("uploads") == 0);
  REQUIRE(bench.values(u.becomes).size() == 3);
}

TEST_CASE("many write, ask and finish at once, and each upload is finished once", "[service]") {
  dataset_bench bench;
  std::string text = "a\n";
  for (int i = 0; i < 5000; ++i) {
    text += "1.5\n";
  }
  const upload u = bench.begin_csv(text);
  std::atomic<int> finished{0};
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      try {
        for (std::size_t at = t * 500; at < text.size(); at += 2000) {
          bench.data->write(
              bench.ann, u.parts[0].id, at,
              bytes_of(text).subspan(at, std::min<std::size_t>(500, text.size() - at)));
          bench.data->progress(bench.ann, u.row.id);
        }
        for (;;) {
          try {
            bench.data->finish(bench.data->claim(bench.ann, u.row.id));
            ++finished;
          } catch (const refusal& why) {
            if (why.code() == refusal_code::not_found) {
              return; // another one did it
            }
          }
          std::this_thread::yield();
        }
      } catch (const refusal&) { // others were faster
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  REQUIRE(finished == 1);
  REQUIRE(bench.values(u.becomes) == std::vector<float>(5000, 1.5F));
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
