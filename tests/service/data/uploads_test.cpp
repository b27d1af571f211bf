// SPDX-License-Identifier: Apache-2.0
#include <hanami/service/data/datasets.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <hanami/foundation/error.hpp>
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
