// SPDX-License-Identifier: Apache-2.0
#include <hanami/io/checkpoint.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <hanami/foundation/random.hpp>
#include <hanami/template/builder.hpp>

#include "support/sanitized.hpp"
#include "support/scratch_folder.hpp"

using namespace hanami;

namespace {

using bytes = std::vector<std::byte>;

struct variant {
  const char* name;
  bool spiking = false;
  bool reduction = false;
  bool rehearsal = false;
  bool bricks = false;
  std::uint64_t planned = 0;
  bool freeze = false;
};

constexpr variant variants[] = {
    {"an endless stream"},
    {"a planned task", false, false, false, false, 900},
    {"reduction", false, true, false, false, 900},
    {"rehearsal", false, false, true},
    {"spiking neurons", true, false, false, true},
    {"bricks that grow", false, false, false, true},
    {"a frozen cluster", false, false, false, false, 0, true},
    {"everything", true, true, true, true, 900},
};

template <class Cluster>
Cluster make(const variant& v) {
  cluster_settings settings;
  settings.brick_size = 32;
  settings.max_bricks = v.bricks ? 4 : 1;
  settings.enable_pruning = v.reduction;
  settings.refractory_time = v.spiking ? 2 : 1;
  settings.neuron_cooldown = v.spiking ? 1.5 : 1e9;
  learning_options options;
  options.rehearsal = v.rehearsal ? 1 : 0;
  options.replay_capacity = 10;
  options.replay_threshold = 0.1;
  options.growth_loss_per_neuron = 0.3;
  Cluster c(template_builder{}
                .settings(settings)
                .hexagons({{1, 1, 1}, {4, 1, 1}})
                .input("in", {1, 1, 1}, 5)
                .output("class", {4, 1, 1}, 2, output_kind::softmax)
                .output("value", {4, 1, 1}, 1, output_kind::linear)
                .build(),
            options);
  c.start_task(v.planned);
  return c;
}

template <class Real, class Weight>
void train(basic_cluster<Real, Weight>& c, std::uint64_t first, std::uint64_t last) {
  for (std::uint64_t i = first; i < last; ++i) {
    std::vector<Real> input(5);
    for (std::size_t k = 0; k < 5; ++k) {
      input[k] = static_cast<Real>(i < 150 ? random_unit(2, k, i) : random_signed_unit(2, k, i));
    }
    const Real one = random_below(2, 3, 1, i) == 0 ? Real{1} : Real{0};
    c.train(input, std::vector<Real>{one, 1 - one, 100 * input[0]});
  }
}

template <class Real>
std::vector<Real> some_input() {
  return {Real(0.3), Real(-0.7), Real(0), Real(0.9), Real(0.1)};
}

/// A cluster with everything in it, small.
const bytes& sound_checkpoint() {
  static const bytes made = [] {
    auto c = make<cluster>(variants[7]);
    train(c, 0, 400);
    return to_checkpoint(c);
  }();
  return made;
}

void fix_checksum(bytes& file) {
  if (file.size() < 32) {
    return;
  }
  const std::uint64_t size = file.size() - 32;
  archive_writer writer;
  writer(size);
  std::copy(writer.bytes().begin(), writer.bytes().end(), file.begin() + 16);
  archive_writer tail;
  tail(detail::checksum(std::span<const std::byte>(file).first(file.size() - 8)));
  std::copy(tail.bytes().begin(), tail.bytes().end(), file.end() - 8);
}

/// A room, which has no default constructor.
struct room {
  explicit room(archive_reader& from) { from(*this); }
  room(std::string called, float at) : name(std::move(called)), wanted(at) {}

  template <class Archive>
  void serialize(Archive& archive) {
    archive(name, wanted);
  }

  std::string name;
  float wanted = 0;
};

/// A type of a program's own, with a cluster in it.
struct thermostat {
  static constexpr std::string_view checkpoint_kind = "thermostat";
  static constexpr std::uint32_t checkpoint_version = 2;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rooms, habits, days);
  }

  std::vector<room> rooms = {};
  cluster habits = make<cluster>(variants[0]);
  std::uint32_t days = 0;
};

static_assert(checkpointable<thermostat>);
static_assert(checkpointable<compact_cluster>);
static_assert(!checkpointable<room>);
static_assert(!checkpointable<int>);

errc refusal(const bytes& file) {
  try {
    from_checkpoint(file);
  } catch (const error& failure) {
    CHECK(std::strlen(failure.what()) > 10);
    return static_cast<errc>(failure.code().value());
  }
  return errc{};
}

} // namespace

TEMPLATE_TEST_CASE("a restored cluster goes on as if it had never stopped, to the bit", "[io]",
                   cluster, basic_cluster<double>, compact_cluster) {
  using real = typename TestType::real;
  for (const variant& v : variants) {
    INFO(v.name);
    auto original = make<TestType>(v);
    for (const std::uint64_t stop : {0U, 1U, 100U, 500U, 1000U, 1300U}) {
      const std::uint64_t begin = original.statistics().samples;
      train(original, begin, stop);
      if (v.freeze && stop == 500) {
        original.compact();
      }
      const bytes file = to_checkpoint(original);
      auto restored = from_checkpoint<TestType>(file);
      REQUIRE(find_fault(restored.state()) == nullptr);
      REQUIRE(to_checkpoint(restored) == file);
      CHECK(restored.cluster_template() == original.cluster_template());
      CHECK(restored.options() == original.options());
      CHECK(restored.infer(some_input<real>()) == original.infer(some_input<real>()));
      auto both = original;
      train(both, stop, stop + 300);
      train(restored, stop, stop + 300);
      REQUIRE(to_checkpoint(restored) == to_checkpoint(both));
    }
  }
}

TEST_CASE("a cluster can be saved after any sample", "[io]") {
  // In particular right after a brick has grown.
  for (const variant& v : variants) {
    INFO(v.name);
    auto c = make<cluster>(v);
    for (std::uint64_t i = 0; i < 120; ++i) {
      train(c, i, i + 1);
      const bytes file = to_checkpoint(c);
      REQUIRE(to_checkpoint(from_checkpoint(file)) == file);
    }
  }
}

TEST_CASE("what holds another kind is refused, and both kinds are named", "[io]") {
  auto c = make<basic_cluster<double>>(variants[0]);
  train(c, 0, 20);
  const bytes wide = to_checkpoint(c);
  CHECK(refusal(wide) == errc::invalid_checkpoint);
  CHECK_THROWS_WITH(from_checkpoint<basic_cluster<double>>(sound_checkpoint()),
                    Catch::Contains("holds a 'cluster', asked for is a 'cluster of double'"));
  CHECK_NOTHROW(from_checkpoint<basic_cluster<double>>(wide));
  auto compact = make<compact_cluster>(variants[0]);
  train(compact, 0, 20);
  CHECK(refusal(to_checkpoint(compact)) == errc::invalid_checkpoint);
  CHECK_THROWS_WITH(from_checkpoint<thermostat>(sound_checkpoint()),
                    Catch::Contains("'thermostat'"));
}

TEST_CASE("anything that serializes is saved with its kind and its version", "[io]") {
  const thermostat kept{{{"hall", 18.5f}, {"kitchen", 21}}, cluster(make<cluster>(variants[0])), 7};
  const bytes file = to_checkpoint(kept, {{"unit", "C"}});
  const auto restored = from_checkpoint<thermostat>(file);
  CHECK(restored.rooms.size() == 2);
  CHECK(restored.rooms[1].name == "kitchen");
  CHECK(restored.rooms[1].wanted == 21);
  CHECK(restored.days == 7);
  CHECK(to_checkpoint(restored, {{"unit", "C"}}) == file);
  CHECK(metadata_of(file) == checkpoint_metadata{{"unit", "C"}});

  bytes newer = file;
  newer[12] = std::byte{3};
  fix_checksum(newer);
  std::error_code code;
  std::string message;
  CHECK_FALSE(from_checkpoint<thermostat>(newer, code, &message));
  CHECK(code == errc::unsupported_version);
  CHECK_THAT(message, Catch::Contains("'thermostat' of version 3; this build reads version 2"));

  archive_writer longer;
  longer(kept, 1);
  const auto long_file = detail::enclose("thermostat", 2, {}, longer.bytes());
  CHECK_FALSE(from_checkpoint<thermostat>(long_file, code));
  CHECK(code == errc::invalid_checkpoint);
}

TEST_CASE("other formats and versions are refused by name", "[io]") {
  bytes file = sound_checkpoint();
  file[8] = std::byte{1};
  CHECK(refusal(file) == errc::unsupported_version);
  fix_checksum(file);
  CHECK(refusal(file) == errc::unsupported_version);
  CHECK_THROWS_WITH(from_checkpoint(file),
                    Catch::Contains("version 1") &&
                        Catch::Contains("reads version " + std::to_string(checkpoint_format)));
  file = sound_checkpoint();
  file[0] = std::byte{'H'};
  CHECK(refusal(file) == errc::invalid_checkpoint);
  CHECK_THROWS_WITH(from_checkpoint(file), Catch::Contains("hanamiCP"));
  CHECK(refusal({}) == errc::invalid_checkpoint);
  CHECK(refusal(bytes(1000)) == errc::invalid_checkpoint);
}

TEST_CASE("every truncated checkpoint is refused", "[io]") {
  const bytes& whole = sound_checkpoint();
  for (std::size_t size = 0; size < whole.size(); size += size < 200 ? 1 : 97) {
    bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(refusal(cut) == errc::invalid_checkpoint);
    fix_checksum(cut);
    REQUIRE(refusal(cut) == errc::invalid_checkpoint);
  }
  bytes longer = whole;
  longer.resize(whole.size() + 5);
  CHECK(refusal(longer) == errc::invalid_checkpoint);
  fix_checksum(longer);
  CHECK(refusal(longer) == errc::invalid_checkpoint);
}

TEST_CASE("every flipped bit is noticed", "[io]") {
  bytes file = sound_checkpoint();
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const std::size_t at = random_below(static_cast<std::uint32_t>(file.size()), 1, 1, i);
    const auto bit = std::byte(1U << random_below(8, 1, 2, i));
    file[at] ^= bit;
    REQUIRE(refusal(file) != errc{});
    file[at] ^= bit;
  }
  CHECK(refusal(file) == errc{});
}

TEST_CASE("damaged checkpoints are refused or make sound clusters", "[io]") {
  const bytes& whole = sound_checkpoint();
  const std::uint64_t trials = hanami_test::sanitized ? 2500 : 10000;
  std::size_t refused = 0;
  std::size_t sound = 0;
  for (std::uint64_t trial = 0; trial < trials; ++trial) {
    std::uint64_t counter = 0;
    const auto below = [&](std::size_t bound) {
      return random_below(static_cast<std::uint32_t>(bound), 77, trial, counter++);
    };
    bytes file = whole;
    // Half of the damage hits the lists in front of the weights, where it matters most.
    for (std::uint32_t changes = 1 + below(3); changes > 0; --changes) {
      const std::size_t reach =
          below(2) == 0 ? file.size() : std::min<std::size_t>(900, file.size());
      const auto at = file.begin() + static_cast<std::ptrdiff_t>(below(reach));
      constexpr unsigned favourites[] = {0, 1, 0x7f, 0x80, 0xff};
      switch (below(6)) {
      case 0:
      case 1:
        *at ^= std::byte(1U << below(8));
        break;
      case 2:
        *at = std::byte(favourites[below(5)]);
        break;
      case 3:
        file.insert(at, std::byte(below(256)));
        break;
      case 4:
        file.erase(at);
        break;
      default: // eight bytes at once: a length, a number
        for (std::ptrdiff_t k = 0; k < 8 && at + k < file.end(); ++k) {
          at[k] = std::byte(favourites[below(5)]);
        }
        break;
      }
    }
    fix_checksum(file);
    try {
      auto c = from_checkpoint(file);
      ++sound;
      REQUIRE(find_fault(c.state()) == nullptr);
      const std::vector<float> input(c.input_size(), 0.5f);
      const std::vector<float> target(c.output_size(), 0.5f);
      c.infer(input);
      for (int i = 0; i < 20; ++i) {
        c.train(input, target);
      }
      c.infer(input);
      const char* why = find_fault(c.state());
      INFO("trial " << trial << ": " << (why == nullptr ? "" : why));
      REQUIRE(why == nullptr);
    } catch (const error&) {
      ++refused;
    }
  }
  CHECK(refused > trials / 10);
  CHECK(sound > trials / 10);
}

TEST_CASE("a checkpoint that asks for absurd memory is refused", "[io]") {
  // The options stand behind the template: find the number of remembered samples and enlarge it.
  variant rehearsing = variants[7];
  rehearsing.spiking = false; // neurons that spike rehearse nothing
  auto c = make<cluster>(rehearsing);
  train(c, 0, 400);
  bytes file = to_checkpoint(c);
  archive_writer ten;
  ten(std::uint32_t{1}, std::uint32_t{10}, 0.1); // rehearsal, remembered, replay_threshold
  const auto at = std::search(file.begin(), file.end(), ten.bytes().begin(), ten.bytes().end());
  REQUIRE(at != file.end());
  archive_writer many;
  many(std::uint32_t{1}, std::uint32_t{10000000});
  std::copy(many.bytes().begin(), many.bytes().end(), at);
  fix_checksum(file);
  CHECK(refusal(file) == errc::invalid_checkpoint);
}

TEST_CASE("files are written whole and read back", "[io]") {
  const scratch_folder folder;
  auto c = make<cluster>(variants[7]);
  train(c, 0, 100);
  const auto path = folder.path / "cluster.hanami";
  save(c, path);
  CHECK(to_checkpoint(load(path)) == to_checkpoint(c));
  train(c, 100, 200);
  save(c, path); // replaces
  CHECK(to_checkpoint(load(path)) == to_checkpoint(c));
  CHECK(folder.files() == 1); // and leaves nothing beside it
  std::filesystem::create_directory(folder.path / "taken");
  CHECK_THROWS_WITH(save(c, folder.path / "taken"), Catch::Contains("taken"));
}

TEST_CASE("a checkpoint that cannot be read is named, thrown or told by code", "[io]") {
  const scratch_folder folder;
  const auto expect = [&](const std::filesystem::path& path, errc expected) {
    INFO(path);
    std::string thrown;
    try {
      load(path);
    } catch (const error& failure) {
      CHECK(failure.code() == expected);
      thrown = failure.what();
    }
    CHECK_THAT(thrown, Catch::Contains(path.string()));
    std::error_code code;
    std::string message;
    CHECK_FALSE(load(path, code, &message));
    CHECK(code == expected);
    CHECK(message == thrown);
    CHECK_FALSE(load_metadata(path, code, &message));
    CHECK(code == expected);
    CHECK(message == thrown);
  };
  expect(folder.path / "missing", errc::file_error);
  expect(folder.path, errc::file_error); // a folder
  std::ofstream(folder.path / "empty").flush();
  expect(folder.path / "empty", errc::invalid_checkpoint);
  std::ofstream(folder.path / "garbage") << "version: 1, and so on, but no checkpoint at all";
  expect(folder.path / "garbage", errc::invalid_checkpoint);
  bytes old = sound_checkpoint();
  old[8] = std::byte{1};
  write_file(folder.path / "old", old);
  expect(folder.path / "old", errc::unsupported_version);
}

TEST_CASE("clusters are saved and loaded without exceptions", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "cluster";
  auto c = make<cluster>(variants[0]);
  train(c, 0, 20);
  std::error_code code = errc::file_error;
  save(c, path, {{"unit", "kW"}}, code);
  REQUIRE_FALSE(code);
  code = errc::file_error;
  const auto restored = load(path, code);
  REQUIRE_FALSE(code);
  REQUIRE(restored);
  CHECK(to_checkpoint(*restored) == to_checkpoint(c));
  CHECK(load_metadata(path, code) == checkpoint_metadata{{"unit", "kW"}});

  std::string message;
  CHECK_FALSE(load<basic_cluster<double>>(path, code, &message));
  CHECK(code == errc::invalid_checkpoint);
  CHECK_THAT(message, Catch::Contains("'cluster of double'"));
  CHECK_FALSE(from_checkpoint(bytes(100), code, &message));
  CHECK(code == errc::invalid_checkpoint);
  save(c, folder.path / "nowhere" / "file", {}, code, &message);
  CHECK(code == errc::file_error);
  CHECK_THAT(message, Catch::Contains("nowhere"));
  save(c, path, {{"", "no key"}}, code, &message);
  CHECK(code == errc::invalid_argument);
  CHECK(load_metadata(path).size() == 1); // the old file is untouched
}

TEST_CASE("metadata travels in the checkpoint and changes nothing else", "[io]") {
  auto c = make<basic_cluster<double>>(variants[1]);
  train(c, 0, 50);
  const checkpoint_metadata metadata{{"columns", "a\nb\n"}, {"empty", ""}, {"\xff\0", "\0\1"}};
  const bytes file = to_checkpoint(c, metadata);
  CHECK(metadata_of(file) == metadata); // without a word about float or double
  CHECK(to_checkpoint(from_checkpoint<basic_cluster<double>>(file)) == to_checkpoint(c));
  CHECK(to_checkpoint(from_checkpoint<basic_cluster<double>>(file), metadata) == file);
  CHECK(metadata_of(to_checkpoint(c)).empty());
}

TEST_CASE("metadata has limits, in both directions", "[io]") {
  const auto c = make<cluster>(variants[0]);
  const auto of_size = [&](std::size_t size) {
    return checkpoint_metadata{{"key", std::string(size - 3, 'x')}};
  };
  CHECK(metadata_of(to_checkpoint(c, of_size(max_metadata_bytes))).size() == 1);
  for (const auto& wrong : {of_size(max_metadata_bytes + 1), checkpoint_metadata{{"", "x"}}}) {
    try {
      to_checkpoint(c, wrong);
      FAIL("taken");
    } catch (const error& failure) {
      CHECK(failure.code() == errc::invalid_argument);
      CHECK_THAT(failure.what(), Catch::Contains("1048576"));
    }
  }
  // Lists that `to_checkpoint` never writes, in a sound envelope.
  using list = std::vector<std::string>;
  for (const list& wrong : {list{"key"}, list{"", "x"}, list{"b", "1", "a", "2"},
                            list{"a", "1", "a", "2"}, list{"a", std::string(1 << 20, 'x')}}) {
    archive_writer content;
    content(std::string("cluster"), wrong, to_text(c.cluster_template()), c);
    archive_writer file_of;
    file_of(std::array{'h', 'a', 'n', 'a', 'm', 'i', 'C', 'P'}, checkpoint_format, std::uint32_t{1},
            std::uint64_t{content.bytes().size()});
    bytes file = file_of.bytes();
    file.insert(file.end(), content.bytes().begin(), content.bytes().end());
    file.resize(file.size() + 8);
    fix_checksum(file);
    CHECK(refusal(file) == errc::invalid_checkpoint);
    CHECK_THROWS_AS(metadata_of(file), error);
  }
}
