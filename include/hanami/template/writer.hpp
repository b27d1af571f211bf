// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "../foundation/error.hpp"
#include "cluster_template.hpp"
#include "validation.hpp"

namespace hanami::inline HANAMI_ISA {

namespace detail::template_text {

/// Writes a valid template. Every setting is written, so that the text means the same where
/// defaults differ.
class template_writer {
 public:
  explicit template_writer(const cluster_template& from) : from_(from) {}

  std::string run() {
    text_ = "version: 1\n";
    settings();
    hexagons();
    if (!from_.axons.empty()) {
      text_ += "\naxons:\n";
    }
    for (const auto& axon : from_.axons) {
      text_ += "  " + range(axon.from) + " -> " + range({axon.to, axon.to}) + "\n";
    }
    text_ += "\ninputs:\n";
    for (const auto& entry : from_.inputs) {
      input(entry);
    }
    text_ += "\noutputs:\n";
    for (const auto& entry : from_.outputs) {
      output(entry);
    }
    return std::move(text_);
  }

 private:
  static std::string axis(std::int32_t first, std::int32_t last) {
    const std::string start = std::to_string(first);
    return first == last ? start : start + ".." + std::to_string(last);
  }
  static std::string range(const hex_range& box) {
    return axis(box.first.x, box.last.x) + ", " + axis(box.first.y, box.last.y) + ", " +
           axis(box.first.z, box.last.z);
  }

  /// Digits only, as many as bring back the same number.
  static std::string number(double value) {
    std::array<char, 400> digits{}; // the longest double has 309 digits before the point
    const auto end =
        std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed)
            .ptr;
    return {digits.data(), end};
  }

  static std::string number(std::uint32_t value) { return std::to_string(value); }

  template <class T>
  static std::string number(const neuron_range<T>& of) {
    return of.first == of.last ? number(of.first) : number(of.first) + ".." + number(of.last);
  }

  static std::string bytes(std::uint64_t count) {
    constexpr std::array<std::string_view, 4> units{"", " KiB", " MiB", " GiB"};
    std::size_t unit = 0;
    for (; unit + 1 < units.size() && count % 1024 == 0; ++unit) {
      count /= 1024;
    }
    return std::to_string(count).append(units[unit]);
  }

  void line(std::string_view key, const std::string& value) {
    text_.append("  ").append(key).append(": ").append(value).append("\n");
  }

  void settings() {
    const cluster_settings& all = from_.settings;
    text_ += "\nsettings:\n";
    line("neuron_cooldown", number(all.neuron_cooldown));
    line("refractory_time", number(all.refractory_time));
    line("fire_threshold", number(all.fire_threshold));
    line("max_connection_distance", std::to_string(all.max_connection_distance));
    line("enable_reduction", all.enable_pruning ? "true" : "false");
    line("activation", all.activation == activation_kind::relu ? "relu" : "log2");
    line("brick_size", std::to_string(all.brick_size));
    line("initial_bricks", std::to_string(all.initial_bricks));
    line("max_bricks", std::to_string(all.max_bricks));
    line("max_steps", all.max_steps == 0 ? "auto" : std::to_string(all.max_steps));
    line("memory_limit", bytes(all.memory_limit));
  }

  /// How often the `length` hexagons from `first` on are repeated one `step` further, themselves
  /// included.
  std::size_t repeats(std::size_t first, std::size_t length, hex_position step) const {
    const auto& all = from_.hexagons;
    std::size_t next = first + length;
    const auto follows = [&](std::size_t i) {
      hexagon_template expected = all[i - length];
      expected.position.x += step.x;
      expected.position.y += step.y;
      expected.position.z += step.z;
      return all[i] == expected;
    };
    for (; next + length <= all.size(); next += length) {
      for (std::size_t i = next; i < next + length; ++i) {
        if (!follows(i)) {
          return (next - first) / length;
        }
      }
    }
    return (next - first) / length;
  }

  /// Hexagons in their order, as boxes where they form one.
  void hexagons() {
    text_ += "\nhexagons:\n";
    for (std::size_t i = 0; i < from_.hexagons.size();) {
      const std::size_t width = repeats(i, 1, {1, 0, 0});
      const std::size_t height = repeats(i, width, {0, 1, 0});
      const std::size_t floors = repeats(i, width * height, {0, 0, 1});
      const std::size_t count = width * height * floors;
      text_ += "  " + range({from_.hexagons[i].position, from_.hexagons[i + count - 1].position});
      neurons(from_.hexagons[i]);
      text_ += "\n";
      i += count;
    }
  }

  void neurons(const hexagon_template& of) {
    if (of.neuron_cooldown) {
      text_ += "  neuron_cooldown: " + number(*of.neuron_cooldown);
    }
    if (of.refractory_time) {
      text_ += "  refractory_time: " + number(*of.refractory_time);
    }
    if (of.fire_threshold) {
      text_ += "  fire_threshold: " + number(*of.fire_threshold);
    }
  }

  void input(const input_template& entry) {
    text_ += "  " + entry.name + ":\n";
    if (entry.target) {
      line("  target", range({*entry.target, *entry.target}));
    }
    line("  number_of_inputs", std::to_string(entry.size));
    if (entry.rows != 1) {
      line("  shape", in_words(entry.rows, entry.columns));
    }
    if (entry.windows) {
      const input_windows& of = *entry.windows;
      line("  windows", in_words(of.rows, of.columns) + " to " + range(of.hexagons));
      if (of.margin != 0) {
        line("  margin", std::to_string(of.margin));
      }
    }
  }

  void output(const output_template& entry) {
    constexpr std::array<std::string_view, 3> kinds{"softmax", "sigmoid", "linear"};
    text_ += "  " + entry.name + ":\n";
    line("  target", range({entry.target, entry.target}));
    line("  number_of_outputs", std::to_string(entry.size));
    line("  kind", std::string(kinds[static_cast<std::size_t>(entry.kind)]));
    if (entry.kind == output_kind::linear) {
      loss(entry.loss);
    }
  }

  void loss(const value_loss& of) {
    constexpr std::array<std::string_view, 3> kinds{"squared", "huber", "quantile"};
    std::string text(kinds[static_cast<std::size_t>(of.kind)]);
    if (of.kind == loss_kind::quantile) {
      text += " " + number(of.quantile);
    }
    line("  loss", text);
  }

  const cluster_template& from_;
  std::string text_;
};

} // namespace detail::template_text

/// The template as text: `parse_template(to_text(t)) == t`. Hexagons that follow each other as a
/// box are written as a range. Throws what `validate` throws, and `errc::invalid_template` if the
/// text would be longer than `template_limits::text_bytes` (some 40,000 scattered hexagons).
inline std::string to_text(const cluster_template& from) {
  validate(from);
  std::string text = detail::template_text::template_writer(from).run();
  if (text.size() > template_limits::text_bytes) {
    raise(errc::invalid_template, "the text of the template would have " +
                                      std::to_string(text.size()) + " bytes, at most " +
                                      std::to_string(template_limits::text_bytes) + " are allowed");
  }
  return text;
}

} // namespace hanami
