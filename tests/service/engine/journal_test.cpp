// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/error.hpp>
#include <hanami/io/checkpoint.hpp>
#include <hanami/io/file.hpp>
#include <hanami/service/engine/cluster_files.hpp>
#include <hanami/service/engine/disk/journal.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <fstream>
#include <limits>

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "service/support/descriptors.hpp"
#include "support/sample_clusters.hpp"
#include "support/scratch_folder.hpp"

using namespace hanami;
using namespace hanami::service;
using namespace hanami::service::engine;

namespace {

const journal_key some_key = access::secret_key{1, 2, 3};

std::vector<std::uint32_t> bits_of(const std::vector<float>& values) {
  std::vector<std::uint32_t> bits;
  for (const float v : values) {
    bits.push_back(std::bit_cast<std::uint32_t>(v));
  }
  return bits;
}

std::vector<journal_record> records_of(const std::filesystem::path& file, std::uint64_t generation,
                                       const journal_key& key) {
  std::vector<journal_record> all;
  read_journal(file, generation, key, [&all](const journal_record& r) {
    all.push_back(r);
    return true;
  });
  return all;
}

journal_sample sample_of(int i) {
  const auto x = static_cast<float>(i);
  return {{x, 0, 0, std::sin(x)}, {x / 2}};
}

void put_file(const std::filesystem::path& file, std::span<const std::uint8_t> bytes) {
  std::ofstream to(file, std::ios::binary);
  to.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

/// Learns samples, and nothing else.
bool learn(cluster& net, const journal_record& record, task_position&) {
  const auto& sample = std::get<journal_sample>(record);
  net.train(std::span<const float>(sample.input), sample.target);
  return true;
}

/// What a cluster is after the first samples.
std::vector<std::byte> cluster_after(int samples) {
  cluster net = hanami_test::small_cluster();
  for (int i = 0; i < samples; ++i) {
    task_position nowhere;
    learn(net, sample_of(i), nowhere);
  }
  return to_checkpoint(net);
}

} // namespace

TEST_CASE("a journal gives back what was written, to the bit, plain and encrypted", "[service]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::vector<float>> inputs = {
      {}, {0}, {1}, {0, -0.0F, nan, 1e-45F, 5, 0, 0, 0, 0}, std::vector<float>(1000), {1, 2, 3}};
  for (const journal_key& key : {journal_key(), some_key}) {
    const scratch_folder folder;
    const auto file = folder.path / "journal-7";
    {
      journal_writer writer(file, 7, 0, key.has_value(), false);
      for (const auto& input : inputs) {
        writer.append(encode(journal_sample{input, {0, 1}}, key));
      }
      writer.append(encode(journal_begin{"task", 12}, key));
      writer.append(encode(journal_rows{"task", 3, 4}, key));
      writer.append(encode(journal_end{"task", store::task_state::failed, "why", true}, key));
      writer.append(encode(journal_restore{"task", "checkpoint"}, key));
      REQUIRE(writer.size() == std::filesystem::file_size(file));
    }
    struct stat status {};
    REQUIRE(::stat(file.c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);

    const auto back = records_of(file, 7, key);
    REQUIRE(back.size() == inputs.size() + 4);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const auto& sample = std::get<journal_sample>(back[i]);
      CHECK(bits_of(sample.input) == bits_of(inputs[i]));
      CHECK(sample.target == std::vector<float>{0, 1});
    }
    CHECK(std::get<journal_begin>(back[6]).anneal_over == 12);
    CHECK(std::get<journal_rows>(back[7]).first == 3);
    CHECK(std::get<journal_rows>(back[7]).count == 4);
    const auto& end = std::get<journal_end>(back[8]);
    CHECK(end.task_id == "task");
    CHECK(end.state == store::task_state::failed);
    CHECK(end.error == "why");
    CHECK(end.annealed);
    CHECK(std::get<journal_restore>(back[9]).checkpoint_id == "checkpoint");
    CHECK(records_of(file, 8, key).empty()); // of another generation
  }
}

TEST_CASE("zeros take next to nothing in a journal, and other values not more than they are",
          "[service]") {
  CHECK(encode(journal_sample{std::vector<float>(8000), {}}, {}).size() < 1100);
  CHECK(encode(journal_sample{std::vector<float>(8000, 1), {}}, {}).size() < 32050);
}

TEST_CASE("an encrypted journal shows nothing and needs its key", "[service]") {
  const scratch_folder folder;
  const auto file = folder.path / "journal-0";
  journal_writer(file, 0, 0, true, true).append(encode(journal_begin{"a secret", 1}, some_key));
  const auto raw = read_file(file, 1000);
  CHECK(std::string(raw.begin(), raw.end()).find("secret") == std::string::npos);
  CHECK(records_of(file, 0, some_key).size() == 1);
  CHECK_THROWS_AS(records_of(file, 0, {}), error);
  CHECK_THROWS_AS(records_of(file, 0, access::secret_key{9}), error);
}

TEST_CASE("a journal that was cut off anywhere gives its whole records", "[service]") {
  for (const journal_key& key : {journal_key(), some_key}) {
    const scratch_folder folder;
    const auto file = folder.path / "journal-0";
    std::vector<std::uint64_t> ends;
    {
      journal_writer writer(file, 0, 0, key.has_value(), false);
      ends.push_back(writer.size());
      for (int i = 0; i < 4; ++i) {
        writer.append(encode(sample_of(i), key));
        ends.push_back(writer.size());
      }
    }
    const auto whole = read_file(file, 10000);
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      put_file(file, std::span(whole).first(size));
      std::size_t heard = 0;
      const auto count = [&heard](const journal_record&) { return ++heard > 0; };
      const journal_extent read = read_journal(file, 0, key, count);
      const std::size_t expected =
          static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), size) - ends.begin());
      REQUIRE(heard == (expected == 0 ? 0 : expected - 1));
      REQUIRE(read.end == (expected == 0 ? 0 : ends[expected - 1]));
      REQUIRE(read.whole == (size == read.end));
      // And it goes on from there.
      journal_writer(file, 0, read.end, key.has_value(), false).append(encode(sample_of(9), key));
      REQUIRE(records_of(file, 0, key).size() == heard + 1);
    }
  }
}

TEST_CASE("a journal with a damaged byte gives what stands before it, or says what is wrong",
          "[service]") {
  const scratch_folder folder;
  const auto file = folder.path / "journal-0";
  {
    journal_writer writer(file, 0, 0, false, false);
    for (int i = 0; i < 3; ++i) {
      writer.append(encode(sample_of(i), {}));
    }
  }
  const auto whole = read_file(file, 10000);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto damaged = whole;
    damaged[at] ^= 0x55;
    put_file(file, damaged);
    try {
      const auto all = records_of(file, 0, {});
      REQUIRE(all.size() < 3);
      for (std::size_t i = 0; i < all.size(); ++i) {
        REQUIRE(std::get<journal_sample>(all[i]).input == sample_of(static_cast<int>(i)).input);
      }
    } catch (const error&) {
      REQUIRE(at < 16); // version, or a plain file that says it is encrypted
    }
  }
}

TEST_CASE("a cluster comes back from snapshots and journals", "[service]") {
  const scratch_folder folder;
  const auto key = GENERATE(journal_key(), some_key);
  const auto open = [&] { return cluster_files(folder.path / "cluster", key, false); };
  {
    cluster_files files = open();
    files.create(take_snapshot(hanami_test::small_cluster(), {}));
    for (int i = 0; i < 20; ++i) {
      files.append(files.encoded(sample_of(i)));
    }
    // A new journal, the snapshot of which was never written.
    files.begin_generation();
    for (int i = 20; i < 30; ++i) {
      files.append(files.encoded(sample_of(i)));
    }
  }
  {
    cluster_files files = open();
    auto found = files.recover(learn);
    REQUIRE(to_checkpoint(found.net) == cluster_after(30));
    task_position where;
    for (int i = 30; i < 40; ++i) {
      files.append(files.encoded(sample_of(i)));
      learn(found.net, sample_of(i), where);
    }
    where = {"task", 7, store::task_state::failed, "why", 2, "refusal", {}};
    const auto snapshot = take_snapshot(found.net, where);
    const std::uint64_t generation = files.begin_generation();
    files.append(files.encoded(sample_of(40)));
    files.write_snapshot(generation, snapshot);
  }
  REQUIRE(std::distance(std::filesystem::directory_iterator(folder.path / "cluster"), {}) == 2);
  cluster_files files = open();
  const auto found = files.recover(learn);
  CHECK(to_checkpoint(found.net) == cluster_after(41));
  CHECK(found.where.task_id == "task");
  CHECK(found.where.done == 7);
  CHECK(found.where.state == store::task_state::failed);
  CHECK(found.where.error == "why");
  CHECK(found.where.refused == 2);
  CHECK(found.where.refusal == "refusal");
}

TEST_CASE("a cluster whose last snapshot is damaged comes back from the one before", "[service]") {
  const scratch_folder folder;
  const auto place = folder.path / "cluster";
  const auto before = folder.path / "before";
  {
    cluster_files files(place, {}, false);
    files.create(take_snapshot(hanami_test::small_cluster(), {}));
    for (int i = 0; i < 10; ++i) {
      files.append(files.encoded(sample_of(i)));
    }
    std::filesystem::copy(place, before);
    cluster net = hanami_test::small_cluster();
    task_position where;
    for (int i = 0; i < 10; ++i) {
      learn(net, sample_of(i), where);
    }
    const std::uint64_t generation = files.begin_generation();
    files.append(files.encoded(sample_of(10)));
    files.write_snapshot(generation, take_snapshot(net, where));
  }
  const auto snapshot = read_file(place / "snapshot-1", 1 << 20);
  for (const std::size_t size : {std::size_t{0}, std::size_t{40}, snapshot.size() / 2}) {
    std::filesystem::copy(before, place,
                          std::filesystem::copy_options::overwrite_existing |
                              std::filesystem::copy_options::recursive);
    put_file(place / "snapshot-1", std::span(snapshot).first(size));
    cluster_files files(place, {}, false);
    CHECK(to_checkpoint(files.recover(learn).net) == cluster_after(11));
  }
  std::filesystem::remove(place / "snapshot-0");
  cluster_files files(place, {}, false);
  CHECK_THROWS_AS(files.recover(learn), error);
}

TEST_CASE("what follows a record that is lost is not learned again, now or later", "[service]") {
  const scratch_folder folder;
  const auto place = folder.path / "cluster";
  {
    cluster_files files(place, {}, false);
    files.create(take_snapshot(hanami_test::small_cluster(), {}));
    for (int i = 0; i < 5; ++i) {
      files.append(files.encoded(sample_of(i)));
    }
    files.begin_generation();
    files.append(files.encoded(sample_of(5)));
  }
  const auto journal = place / "journal-0";
  std::filesystem::resize_file(journal, std::filesystem::file_size(journal) - 1);
  for (int round = 0; round < 2; ++round) {
    cluster_files files(place, {}, false);
    auto found = files.recover(learn);
    CHECK(to_checkpoint(found.net) == cluster_after(4 + round));
    files.append(files.encoded(sample_of(4 + round)));
  }
}

TEST_CASE("a cluster goes on when encryption is switched on", "[service]") {
  const scratch_folder folder;
  const auto place = folder.path / "cluster";
  cluster_files(place, {}, false).create(take_snapshot(hanami_test::small_cluster(), {}));
  int samples = 0;
  for (const journal_key& key : {journal_key(), some_key, some_key}) {
    cluster_files files(place, key, false);
    CHECK(to_checkpoint(files.recover(learn).net) == cluster_after(samples));
    files.append(files.encoded(sample_of(samples++)));
  }
  cluster_files files(place, some_key, false);
  CHECK(to_checkpoint(files.recover(learn).net) == cluster_after(samples));
}

TEST_CASE("journals share descriptors, and learn on without one", "[service]") {
  if (service_test::skipped_under_sanitizers()) {
    return;
  }
  const scratch_folder folder;
  journal_places places(1);
  const auto rows = [](int n) {
    return journal_record(journal_batch{0, n, "rows " + std::to_string(n)});
  };
  {
    snapshot_files first(folder.path / "first", some_key, false, &places);
    snapshot_files second(folder.path / "second", {}, false, &places);
    for (snapshot_files* const each : {&first, &second}) {
      each->create(std::vector<std::byte>(10));
      each->append(each->encoded(rows(0)));
      each->append(each->encoded(rows(1)));
    }
    CHECK(first.journal_is_open());
    CHECK_FALSE(second.journal_is_open());
    CHECK(places.taken() == 1);
    first.close_journal();
    CHECK(places.taken() == 0);
    second.append(second.encoded(rows(2)));
    CHECK(second.journal_is_open());
    const service_test::no_descriptors none;
    first.append(first.encoded(rows(2)));
    CHECK_FALSE(first.journal_is_open());
  }
  CHECK(places.taken() == 0);
  for (const auto& [name, key] :
       {std::pair("first", some_key), std::pair("second", journal_key())}) {
    snapshot_files files(folder.path / name, key, false, &places);
    std::vector<std::int64_t> seen;
    files.recover([](std::span<const std::byte> snapshot) { CHECK(snapshot.size() == 10); },
                  [&](const journal_record& record) {
                    seen.push_back(std::get<journal_batch>(record).at);
                    return true;
                  });
    CHECK(seen == std::vector<std::int64_t>{0, 1, 2});
    std::uint64_t all = 0;
    for (const auto& each : std::filesystem::directory_iterator(folder.path / name)) {
      all += each.file_size();
    }
    CHECK(files.bytes() == all);
  }
}
