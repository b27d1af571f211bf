// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include <hanami/io/checkpoint.hpp>
#include <hanami/template/builder.hpp>

namespace {

using namespace hanami;

/// The content of a small sound checkpoint, for the fuzzer to overwrite.
const std::vector<std::byte>& sound_content() {
  static const std::vector<std::byte> made = [] {
    cluster_settings settings;
    settings.brick_size = 32;
    learning_options options;
    options.rehearsal = 1;
    options.replay_capacity = 3;
    cluster c(template_builder{}
                  .settings(settings)
                  .hexagons({{1, 1, 1}, {4, 1, 1}})
                  .input("a", {1, 1, 1}, 2)
                  .output("b", {4, 1, 1}, 1, output_kind::linear)
                  .build(),
              options);
    for (int i = 0; i < 40; ++i) {
      const float x = static_cast<float>(i % 7) - 2.0f;
      c.train(std::vector<float>{x, 1.0f / (x + 3.0f)}, std::vector<float>{3.0f * x});
    }
    const auto all = to_checkpoint(c, {{"key", "value"}});
    const auto content = detail::open_checkpoint(all).thing;
    return std::vector<std::byte>(content.begin(), content.end());
  }();
  return made;
}

std::vector<std::byte> enclosed(std::span<const std::byte> content) {
  using traits = checkpoint_traits<cluster>;
  return detail::enclose(traits::kind, traits::version, {{"key", "value"}}, content);
}

/// Clusters must be sound, whatever they were made from, and stay so.
void use(std::span<const std::byte> file) {
  try {
    metadata_of(file);
    auto c = from_checkpoint(file);
    if (find_fault(c.state()) != nullptr) {
      std::abort();
    }
    if (c.input_size() > 1000 || c.output_size() > 1000) {
      return; // nothing new, only slow
    }
    const std::vector<float> input(c.input_size(), 0.5f);
    const std::vector<float> target(c.output_size(), 0.5f);
    for (int i = 0; i < 3; ++i) {
      c.train(input, target);
    }
    c.infer(input);
    if (find_fault(c.state()) != nullptr) {
      std::abort();
    }
  } catch (const error&) {
  }
}

} // namespace

/// The first byte chooses: the rest is a whole file, or the content of one, or changes to a sound
/// content (four bytes each: place, place, how, value). Build with
/// `clang++ -fsanitize=fuzzer,address`.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::span<const std::byte> rest(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
  switch (data[0] % 3) {
  case 0:
    use(rest);
    break;
  case 1:
    use(enclosed(rest));
    break;
  default: {
    std::vector<std::byte> content = sound_content();
    for (std::size_t at = 0; at + 4 <= rest.size() && !content.empty(); at += 4) {
      const std::size_t place = (std::to_integer<std::size_t>(rest[at]) << 8 |
                                 std::to_integer<std::size_t>(rest[at + 1])) %
                                content.size();
      const auto where = content.begin() + static_cast<std::ptrdiff_t>(place);
      switch (std::to_integer<unsigned>(rest[at + 2]) % 3) {
      case 0:
        *where = rest[at + 3];
        break;
      case 1:
        content.insert(where, rest[at + 3]);
        break;
      default:
        content.erase(where);
        break;
      }
    }
    use(enclosed(content));
    break;
  }
  }
  return 0;
}
