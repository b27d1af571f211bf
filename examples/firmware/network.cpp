// SPDX-License-Identifier: Apache-2.0
// Built with -fno-exceptions -fno-rtti.

#include "network.h"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <optional>
#include <span>

#include <hanami/algorithm/sample_check.hpp>
#include <hanami/cluster.hpp>
#include <hanami/foundation/arena.hpp>
#include <hanami/template/one_hexagon.hpp>

namespace {

alignas(64) std::byte memory[network_memory];

hanami::memory_arena& arena() noexcept {
  static hanami::memory_arena instance(memory);
  return instance;
}

struct network {
  hanami::cluster cluster;
  hanami::workspace<float> activity; ///< for answers: they leave the cluster as it is

  explicit network(const hanami::cluster_template& from) : cluster(from) {}
};

std::optional<network>& current() noexcept {
  static std::optional<network> instance;
  return instance;
}

hanami::cluster_template template_of(unsigned inputs, unsigned outputs) {
  hanami::cluster_settings settings;
  settings.brick_size = 32;
  settings.max_bricks = 1;
  settings.max_steps = 8;
  settings.memory_limit = network_memory / 2; // activities and templates take their part
  // Huber's loss keeps no averaged weights: half the memory, and what a broken sensor says counts
  // little.
  return hanami::one_hexagon(inputs, outputs, hanami::output_kind::linear, settings,
                             {hanami::loss_kind::huber});
}

constexpr std::size_t reserved_steps = 16 * 8; // as many as 16 inputs can have

} // namespace

// All memory of the program comes from the arena. Where it ends, there is nowhere to turn to.

void* operator new(std::size_t bytes) {
  void* taken = arena().allocate(bytes);
  return taken != nullptr ? taken : (std::abort(), nullptr);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  void* taken = arena().allocate(bytes, static_cast<std::size_t>(alignment));
  return taken != nullptr ? taken : (std::abort(), nullptr);
}
void operator delete(void* taken) noexcept { arena().deallocate(taken); }
void operator delete(void* taken, std::size_t) noexcept { arena().deallocate(taken); }
void operator delete(void* taken, std::align_val_t) noexcept { arena().deallocate(taken); }
void operator delete(void* taken, std::size_t, std::align_val_t) noexcept {
  arena().deallocate(taken);
}

network_error network_begin(unsigned inputs, unsigned outputs) {
  if (inputs == 0 || inputs > 16 || outputs == 0 || outputs > 4) {
    return network_invalid;
  }
  current().reset();
  current().emplace(template_of(inputs, outputs));
  current()->cluster.reserve(reserved_steps);
  return network_no_error;
}

network_error network_train(const float* input, const float* target) {
  if (!current()) {
    return network_invalid;
  }
  hanami::cluster& c = current()->cluster;
  const std::span<const float> x(input, c.input_size());
  const std::span<const float> y(target, c.output_size());
  if (hanami::check_values(x, c.input_size()) || hanami::check_values(y, c.output_size())) {
    return network_invalid;
  }
  c.train(x, y);
  c.allow_growth(0);                  // what there is after the first sample must do
  current()->activity.fit(c.state()); // follows the growth now, not in an answer
  return network_no_error;
}

network_error network_infer(const float* input, float* answer) {
  if (!current()) {
    return network_invalid;
  }
  hanami::cluster& c = current()->cluster;
  const std::span<const float> x(input, c.input_size());
  if (hanami::check_values(x, c.input_size())) {
    return network_invalid;
  }
  const auto found = c.infer(x, current()->activity);
  std::copy(found.begin(), found.end(), answer);
  return network_no_error;
}

std::size_t network_memory_used() { return arena().used(); }
std::size_t network_memory_most_used() { return arena().most_used(); }
unsigned long network_allocations() { return static_cast<unsigned long>(arena().allocations()); }
