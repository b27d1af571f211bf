// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "../algorithm/borders.hpp"
#include "../structure/workspace.hpp"

/// Growth of chains: sections of several steps refine themselves where the activations of their
/// presynaptic node lie. Growing a step never changes what the network answers.

namespace hanami::inline HANAMI_ISA {

namespace detail {

/// Steps that the chain of presynaptic node `i` of a chunk may have. The two sides of a dense
/// column share one and a half times those of another.
inline std::uint32_t most_steps(const presynaptic_chunk& chunk, std::size_t i,
                                std::uint32_t max_steps) noexcept {
  return ((chunk.centred >> i) & 1U) != 0 ? (3 * max_steps + 3) / 4 : max_steps;
}

/// Cuts step `k` of a chain at `at`: weights shared in proportion, so that nothing changes but the
/// resolution. Needs room in the chain. False where memory has run out, or where rounding would
/// leave a part without a width.
template <class Real, class Weight>
bool split_step(network<Real, Weight>& net, brick<Real>& b, std::size_t local, std::size_t k,
                Real at) {
  const std::size_t begin = local * b.max_steps;
  const Real lower = b.lower[begin + k];
  const Real width = Real{1} / b.inverse_width[begin + k];
  const Real rest = width - (at - lower);
  if (!(at > lower) || !(at + rest > at) ||
      (k + 1 < b.steps[local] && !(at < b.lower[begin + k + 1]))) {
    return false;
  }
  const tile_slot added = acquire_tile(net);
  if (added == no_tile) {
    return false;
  }
  for (std::size_t j = b.steps[local]; j > k + 1; --j) {
    b.lower[begin + j] = b.lower[begin + j - 1];
    b.inverse_width[begin + j] = b.inverse_width[begin + j - 1];
    b.slot[begin + j] = b.slot[begin + j - 1];
  }
  const Real share = (at - lower) / width;
  b.inverse_width[begin + k] = inverse_of(at - lower);
  b.lower[begin + k + 1] = at;
  b.inverse_width[begin + k + 1] = inverse_of(rest);
  b.slot[begin + k + 1] = added;
  ++b.steps[local];
  b.chain_states[local].used = ~std::uint32_t{0}; // their places have changed: judged later
  ++net.growth.steps_grown;
  const auto divide = [&](Weight* below, Weight* above) {
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      const auto whole = static_cast<Real>(below[lane]);
      above[lane] = static_cast<Weight>((Real{1} - share) * whole);
      below[lane] = static_cast<Weight>(share * whole);
    }
  };
  divide(net.tiles.tile(b.slot[begin + k]), net.tiles.tile(added));
  if (net.averaging()) {
    divide(net.tiles.average_tile(b.slot[begin + k]), net.tiles.average_tile(added));
  }
  return true;
}

/// One more step above the last border, up to the activation, of weights 0.
template <class Real, class Weight>
void extend_chain(network<Real, Weight>& net, brick<Real>& b, std::size_t local, Real upper,
                  Real activation) {
  const tile_slot added = acquire_tile(net);
  if (added == no_tile) {
    return;
  }
  const std::size_t step = local * b.max_steps + b.steps[local];
  b.lower[step] = upper;
  b.inverse_width[step] = inverse_of(activation - upper);
  b.slot[step] = added;
  ++b.steps[local];
  ++net.growth.steps_grown;
}

/// Merges step `k` of a longer chain into a neighbour: the weights add up, so that the function
/// stays continuous and is the same outside the two ranges.
template <class Real, class Weight>
void merge_step(network<Real, Weight>& net, brick<Real>& b, std::size_t local, std::size_t k) {
  const std::size_t begin = local * b.max_steps;
  const std::size_t below = begin + (k == 0 ? 0 : k - 1);
  const std::size_t above = below + 1;
  const Real width = Real{1} / b.inverse_width[below] + Real{1} / b.inverse_width[above];
  const auto add = [&](Weight* to, const Weight* from) {
    for (std::size_t lane = 0; lane < net.lanes(); ++lane) {
      to[lane] = static_cast<Weight>(static_cast<Real>(to[lane]) + static_cast<Real>(from[lane]));
    }
  };
  add(net.tiles.tile(b.slot[below]), net.tiles.tile(b.slot[above]));
  if (net.averaging()) {
    add(net.tiles.average_tile(b.slot[below]), net.tiles.average_tile(b.slot[above]));
  }
  b.inverse_width[below] = Real{1} / std::min(width, std::numeric_limits<Real>::max() / 8);
  net.tiles.release(b.slot[above]);
  const std::size_t last = begin + b.steps[local] - 1;
  for (std::size_t step = above; step < last; ++step) {
    b.lower[step] = b.lower[step + 1];
    b.inverse_width[step] = b.inverse_width[step + 1];
    b.slot[step] = b.slot[step + 1];
  }
  b.slot[last] = no_tile;
  --b.steps[local];
  ++net.growth.steps_removed;
}

/// The extremes of the activations begin anew after each check.
template <class Real>
void forget_extremes(brick<Real>& b, std::size_t local) noexcept {
  b.chain_states[local].lowest = std::numeric_limits<Real>::max();
  b.chain_states[local].highest = 0;
}

/// If all activations lie in a narrow band at one end of a step, the band gets steps of its own:
/// the presynaptic node has an offset (a pressure, a year), or its range has moved.
template <class Real, class Weight>
void split_at_band(network<Real, Weight>& net, brick<Real>& b, std::size_t local, Real low,
                   Real high) {
  const std::size_t begin = local * b.max_steps;
  std::size_t k = b.steps[local] - 1U;
  while (k > 0 && !(low > b.lower[begin + k])) {
    --k;
  }
  const Real below = (low - b.lower[begin + k]) * b.inverse_width[begin + k];
  const Real above = (high - b.lower[begin + k]) * b.inverse_width[begin + k];
  if (above - below < Real(0.25)) {
    if (below > Real(0.8) && below < Real{1}) {
      split_step(net, b, local, k, low);
    } else if (k > 0 && above < Real(0.2)) {
      split_step(net, b, local, k, high);
    }
  }
}

/// A check of the first border, with the extremes since the last one; at first without the largest,
/// which may be the wild one that made the border. Far below it: an outlier came first; the border
/// comes down, or in a settled chain the first step is cut there.
template <class Real, class Weight>
void check_first_border(network<Real, Weight>& net, brick<Real>& b, std::size_t c, std::size_t i,
                        std::uint32_t most) {
  const std::size_t local = c * chunk_width + i;
  const std::size_t begin = local * b.max_steps;
  const Real first = Real{1} / b.inverse_width[begin];
  const Real low = b.chain_states[local].lowest;
  const auto& chain = b.chain_states[local];
  const bool first_check = is_young(b.border_states[c], i) && chain.reach < chain.highest;
  const Real high = first_check ? chain.reach : chain.highest;
  const bool settled = is_settled(b.border_states[c], i);
  pass_check(b.border_states[c], 1U << i);
  forget_extremes(b, local);
  if (high < first / 4) {
    if (b.steps[local] == 1 && !settled) {
      b.inverse_width[begin] = inverse_of(high);
      make_young(b.border_states[c], 1U << i);
    } else if (b.steps[local] < most) {
      split_step(net, b, local, 0, high);
    }
  } else if (b.steps[local] < most) {
    split_at_band(net, b, local, low, high);
  }
}

/// Where a chain ends, and whether `activation` lies beyond: by more than a tenth of what the steps
/// above the first one span.
template <class Real>
struct chain_end {
  Real upper;
  bool beyond;

  chain_end(const brick<Real>& b, std::size_t local, Real activation) noexcept {
    const std::size_t begin = local * b.max_steps;
    const std::size_t last = begin + b.steps[local] - 1;
    upper = b.lower[last] + Real{1} / b.inverse_width[last];
    const Real spanned = b.steps[local] == 1 ? upper : upper - b.lower[begin + 1];
    const Real most = Real{1} / inverse_of(std::numeric_limits<Real>::max()); // of a border
    beyond = std::min(activation, most) > upper + spanned / 10;
  }
};

/// Steps where `activation` asks for them: beyond the end, or well inside a wide step.
template <class Real, class Weight>
void refine_chain(network<Real, Weight>& net, brick<Real>& b, std::size_t local, Real activation) {
  const std::size_t begin = local * b.max_steps;
  const chain_end<Real> end(b, local, activation);
  if (end.beyond) {
    extend_chain(net, b, local, end.upper, activation);
    return;
  }
  for (std::size_t k = 0; k < b.steps[local]; ++k) {
    const Real share = (activation - b.lower[begin + k]) * b.inverse_width[begin + k];
    if (share < Real{1}) {
      if (share > Real(0.2) && share < Real(0.8)) {
        split_step(net, b, local, k, activation);
      }
      return;
    }
  }
}

/// Notes, at one activation in four, in which step the activation of the presynaptic node ends.
template <class Real>
void note_use(brick<Real>& b, std::size_t c, std::size_t i, Real activation) noexcept {
  if (((b.border_states[c].count >> i | b.border_states[c].count >> (i + 16)) & 1U) != 0) {
    return;
  }
  const std::size_t local = c * chunk_width + i;
  const Real* lower = b.lower.data() + local * b.max_steps;
  std::uint32_t k = 0;
  for (std::uint32_t step = 1; step < b.steps[local]; ++step) { // where it ends cannot be foreseen
    k = activation > lower[step] ? step : k;
  }
  b.chain_states[local].used |= std::uint32_t{1} << k;
}

/// Removes the last step of a longer chain: more than what the others cover is sent as if it were
/// just that.
template <class Real, class Weight>
void drop_last_step(network<Real, Weight>& net, brick<Real>& b, std::size_t local) {
  const std::size_t last = local * b.max_steps + b.steps[local] - 1;
  net.tiles.release(b.slot[last]);
  b.slot[last] = no_tile;
  --b.steps[local];
  ++net.growth.steps_removed;
}

/// Where a chain can grow no more, what its presynaptic node has left is given up bit by bit: two
/// neighbours that no activation has ended in become one, and a last step that none has reached
/// goes. What they held is free for where the activations are now.
template <class Real, class Weight>
void renew_chain(network<Real, Weight>& net, brick<Real>& b, std::size_t local,
                 std::uint32_t used) {
  const std::uint32_t before = b.steps[local];
  if (((used >> (before - 1)) & 1U) == 0 && before > 1) {
    drop_last_step(net, b, local);
  }
  for (std::uint32_t k = b.steps[local]; k-- > 1;) {
    if (((used >> (k - 1)) & 3U) == 0) {
      merge_step(net, b, local, k);
      --k; // the pair is one now
      if (k == 0) {
        break;
      }
    }
  }
  if (b.steps[local] < before) {
    net.full = false;
  }
}

/// A last step that only outliers have filled comes down to where the activations end.
template <class Real>
void pull_in_end(brick<Real>& b, std::size_t local, Real reach) noexcept {
  const std::size_t last = local * b.max_steps + b.steps[local] - 1;
  const Real inside = reach - b.lower[last];
  if (inside > 0 && inside * b.inverse_width[last] < Real(0.25)) {
    b.inverse_width[last] = inverse_of(inside);
  }
}

/// Every `renewal_checks` checks. `most` as in `grow_chain`.
template <class Real, class Weight>
void renew_when_due(network<Real, Weight>& net, brick<Real>& b, std::size_t local,
                    std::uint32_t most) {
  auto& chain = b.chain_states[local];
  if (++chain.checks < net.renewal_checks) {
    return;
  }
  pull_in_end(b, local, chain.reach);
  if (b.steps[local] == most || net.full) {
    renew_chain(net, b, local, chain.used);
  }
  chain.checks = 0;
  chain.used = 0;
  chain.most = chain.reach = 0;
}

/// Border rule and step growth of the section of presynaptic node `i` of chunk `c`, active with
/// `activation`, up to `most` steps. Whether the chain is full and activation is left over, at one
/// activation in sixteen: a rare outlier is none of the network's business.
template <class Real, class Weight>
bool grow_chain(network<Real, Weight>& net, brick<Real>& b, std::size_t c, std::size_t i,
                Real activation, std::uint32_t most) {
  const std::size_t local = c * chunk_width + i;
  const std::size_t begin = local * b.max_steps;
  const std::uint32_t bit = 1U << i;
  if (b.steps[local] == 1 && is_young(b.border_states[c], i) &&
      activation * b.inverse_width[begin] > Real{1}) {
    b.inverse_width[begin] = inverse_of(activation);
  }
  auto& chain = b.chain_states[local];
  chain.lowest = std::min(chain.lowest, activation);
  chain.highest = std::max(chain.highest, activation);
  chain.reach = std::max(chain.reach, std::min(chain.most, activation));
  chain.most = std::max(chain.most, activation);
  const bool checked = count_activations(b.border_states[c], bit) != 0;
  if (checked) {
    check_first_border(net, b, c, i, most);
  }
  note_use(b, c, i, activation);
  if (checked) {
    renew_when_due(net, b, local, most);
  }
  if (b.steps[local] < most && !net.full) {
    refine_chain(net, b, local, activation);
    return false;
  }
  return checked && chain_end<Real>(b, local, activation).beyond;
}

} // namespace detail

/// Lets all active chains of inputs of brick `index` grow. Bricks of one-step sections have none.
/// Calls `left_over(presynaptic node)` for each presynaptic node of which a full chain cannot take
/// all.
template <class Real, class Weight, class LeftOver>
void grow_chains(network<Real, Weight>& net, std::size_t index, const workspace<Real>& ws,
                 const LeftOver& left_over) {
  auto& b = net.bricks[index];
  if (b.retired || b.max_steps == 1) {
    return;
  }
  const auto& chunks = net.hexagons[index_of(b.hexagon)].chunks;
  const auto& active = ws.active[index_of(b.hexagon)];
  for (std::size_t c = 0; c < chunks.size(); ++c) {
    if (chunks[c].is_neuron) {
      continue;
    }
    const Real* x = ws.activations.data() + chunks[c].offset;
    for (std::uint32_t rest = active[c] & b.have[c]; rest != 0; rest &= rest - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(rest));
      const std::uint32_t most = detail::most_steps(chunks[c], i, b.max_steps);
      if (detail::grow_chain(net, b, c, i, x[i], most)) {
        left_over(chunks[c].offset + i);
      }
    }
  }
}

} // namespace hanami
