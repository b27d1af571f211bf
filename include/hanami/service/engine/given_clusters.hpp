// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../cluster.hpp"
#include "../../foundation/error.hpp"
#include "../../io/archive.hpp"
#include "../../io/checkpoint.hpp"
#include "../../io/file.hpp"
#include "../../template/parser.hpp"
#include "../../template/writer.hpp"
#include "../base/refusal.hpp"

/// Clusters as users give them, texts and checkpoints, within the memory that they may have.

namespace hanami::service::engine::detail {

inline constexpr std::string_view smallest_template = R"(version: 1
hexagons:
    1..3, 1, 1
inputs:
    input:
        target: 1, 1, 1
        number_of_inputs: 1
outputs:
    output:
        target: 3, 1, 1
        number_of_outputs: 1
        kind: linear
)";

/// What nodes and hexagons take before anything is learned, rounded up; growth keeps to the limit.
inline std::uint64_t first_bytes(const cluster_template& of) {
  std::uint64_t bytes = of.hexagons.size() * 512;
  for (const input_template& in : of.inputs) {
    bytes += std::uint64_t{in.size} * 16;
  }
  for (const output_template& out : of.outputs) {
    bytes += std::uint64_t{out.size} * 32;
  }
  return bytes;
}

/// The template of a text, with its memory limited. Throws `invalid_template`, and `invalid_value`
/// for what would not fit.
inline cluster_template template_from(std::string_view text, std::size_t most,
                                      std::optional<output_kind> kind_if_missing = {}) {
  cluster_template made;
  try {
    made = parse_template(text.empty() ? smallest_template : text, kind_if_missing);
  } catch (const error& e) {
    refusal why(refusal_code::invalid_template, e.what());
    why.faults.push_back({"/template", e.what()});
    throw why;
  }
  made.settings.memory_limit = std::min<std::uint64_t>(made.settings.memory_limit, most);
  const std::uint64_t bytes = first_bytes(made);
  if (bytes > made.settings.memory_limit) {
    throw invalid_value_at("/template", "the cluster would take about " + std::to_string(bytes) +
                                            " bytes at once; its limit is " +
                                            std::to_string(made.settings.memory_limit));
  }
  return made;
}

/// Throws `invalid_template`, and `invalid_value` for options out of range.
inline cluster fresh_cluster(cluster_template from, learning_options options) {
  try {
    return cluster(std::move(from), options);
  } catch (const error& e) {
    const bool text = e.code() == errc::invalid_template;
    throw refusal(text ? refusal_code::invalid_template : refusal_code::invalid_value, e.what());
  }
}

/// A checkpoint with its template's memory limit lowered, everything else as it is.
inline std::vector<std::byte> limit_checkpoint(std::span<const std::byte> bytes, std::size_t most) {
  const auto opened = hanami::detail::open_checkpoint(bytes);
  if (opened.kind != checkpoint_traits<cluster>::kind) {
    return {bytes.begin(), bytes.end()}; // the reader reports what it is
  }
  archive_reader before(opened.thing);
  std::string text;
  before(text);
  archive_writer after;
  after(to_text(template_from(text, most)));
  std::vector<std::byte> all = after.bytes();
  all.insert(all.end(), before.rest().begin(), before.rest().end());
  return hanami::detail::enclose(opened.kind, opened.version, opened.metadata, all);
}

/// A checkpoint of a cluster that takes at most `most` bytes, in the form in which it is stored.
/// Throws `too_large` and `invalid_checkpoint`.
inline std::vector<std::byte> checked_checkpoint(const std::filesystem::path& file,
                                                 std::size_t most, std::uint64_t& samples) {
  const auto raw = read_file(file, most); // errors here are the disk's
  try {
    std::vector<std::byte> bytes = limit_checkpoint(std::as_bytes(std::span(raw)), most);
    const cluster net = from_checkpoint(bytes);
    if (net.bytes() > most) {
      throw refusal(refusal_code::too_large, "the cluster would take " +
                                                 std::to_string(net.bytes()) +
                                                 " bytes; accepted are " + std::to_string(most));
    }
    samples = net.statistics().samples;
    return bytes;
  } catch (const error& e) {
    throw refusal(refusal_code::invalid_checkpoint, e.what());
  }
}

} // namespace hanami::service::engine::detail
