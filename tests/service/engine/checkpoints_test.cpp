// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/io/checkpoint.hpp>
#include <hanami/service/base/refusal.hpp>

#include "service/support/engine_fixture.hpp"
#include "support/scratch_folder.hpp"

using namespace engine_test;
using engine::task_kind;
using service_test::missing;
using service_test::wrong;
using store::task_state;

TEST_CASE("a checkpoint is saved, restored elsewhere and survives its cluster", "[service]") {
  const bool encrypted = GENERATE(false, true);
  const scratch_folder folder;
  engine_fixture fixture(folder.path, encrypted);
  const std::string id = fixture.create();
  fixture.run(fixture.plan(task_kind::train, id, fixture.add_samples(100)));
  const auto saved = fixture.run(fixture.plan(task_kind::save, id));
  REQUIRE(saved.row.state == task_state::finished);
  const auto bytes = fixture.checkpoint(saved.row.id);
  fixture->remove(fixture.ann, id);

  const std::string other = fixture.create(""); // of another shape
  auto plan = fixture.plan(task_kind::restore, other);
  plan.checkpoint_id = saved.row.id;
  REQUIRE(fixture.run(plan).row.error.empty());
  CHECK(fixture.cluster(other).shape().input_size == 3);
  CHECK(fixture.state_of(other) == bytes);
  fixture.train(other, sample_of(1));
  CHECK(refusal_of([&] { fixture.train(other, {{1}, {1}}); }) == wrong);
  hanami::cluster alone = hanami::from_checkpoint(bytes);
  learn(alone, sample_of(1));
  fixture.open_again();
  CHECK(fixture.state_of(other) == hanami::to_checkpoint(alone));
  CHECK(fixture.resources->find(store::resource_kind::cluster, other)->detail.find("level") !=
        std::string::npos);
  fixture->remove_checkpoint(fixture.ann, saved.row.id);
  CHECK(refusal_of([&] { fixture->open_checkpoint(fixture.ann, saved.row.id); }) == missing);
}

TEST_CASE("an uploaded checkpoint is looked at before it is one", "[service]") {
  const scratch_folder folder;
  engine_fixture fixture(folder.path);
  const auto send = [&](std::span<const std::byte> bytes) {
    const std::uint64_t size = bytes.size();
    const auto u = fixture.data->begin(fixture.ann, service::data::upload_format::checkpoint,
                                       "trained", {&size, 1});
    fixture.data->write(fixture.ann, u.parts[0].id, 0, bytes);
    return u.row.id;
  };
  hanami::cluster alone = fresh_cluster();
  for (std::size_t i = 0; i < 20; ++i) {
    learn(alone, sample_of(i));
  }
  const auto good = hanami::to_checkpoint(alone, {{"key", "value"}});
  const auto id = fixture.import(fixture.ann, send(good));
  CHECK(fixture.resources->find(store::resource_kind::checkpoint, id)->name == "trained");
  CHECK(fixture.checkpoint(id) == good);

  fixture.config.engine.cluster_memory = 1 << 20; // the rest of it stays as it is
  const auto limited = fixture.import(fixture.ann, send(good));
  const auto net = hanami::from_checkpoint(fixture.checkpoint(limited));
  CHECK(net.cluster_template().settings.memory_limit == 1 << 20);
  CHECK(net.infer(sample_of(3).input) == alone.infer(sample_of(3).input));

  auto damaged = good;
  damaged[good.size() / 2] ^= std::byte{1};
  const auto damaged_upload = send(damaged);
  CHECK(refusal_of([&] { fixture.import(fixture.eve, damaged_upload); }) == missing);
  CHECK(refusal_of([&] { fixture.import(fixture.ann, damaged_upload); }) ==
        refusal_code::invalid_checkpoint);
  CHECK(fixture.data->progress(fixture.ann, damaged_upload).complete()); // it can be mended
  CHECK(refusal_of([&] { fixture.import(fixture.ann, send(std::vector<std::byte>(5))); }) ==
        refusal_code::invalid_checkpoint);
  fixture.config.engine.cluster_memory = 1000;
  CHECK(refusal_of([&] { fixture.import(fixture.ann, send(good)); }) == refusal_code::too_large);
  CHECK(fixture.resources->used_by("anna").checkpoints == 2);
}
