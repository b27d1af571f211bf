// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "../foundation/attempt.hpp"
#include "../foundation/error.hpp"
#include "cluster_template.hpp"
#include "reader.hpp"
#include "validation.hpp"

/// The text of a cluster template. Blanks, tabs and line ends only separate, `#` starts a comment
/// that runs to the end of its line, a `;` may end any entry. [x] is optional, {x} repeats.
///
///     template = "version: 1" ["settings:" {setting}] "hexagons:" hexagon {hexagon}
///                ["axons:" {range "->" position}]
///                "inputs:" input {input} "outputs:" output {output}
///     setting  = neurons | "max_connection_distance:" int | "enable_reduction:" bool
///              | "activation:" ("relu" | "log2") | "brick_size:" (32 | 64 | 128 | 256)
///              | "initial_bricks:" int | "max_bricks:" int | "max_steps:" (0..32 | "auto")
///              | "memory_limit:" int ["KiB" | "MiB" | "GiB"]      bytes without a unit
///     neurons  = "neuron_cooldown:" number [".." number]          how they spike; of a range,
///              | "refractory_time:" int [".." int]                each neuron draws its own
///              | "fire_threshold:" number
///     hexagon  = range {neurons}                                  goes before the settings
///     position = int "," int "," int                              x, y, z
///     range    = axis "," axis "," axis
///     axis     = int [".." int]                                   both ends included
///     input    = name ":" {"target:" position | "number_of_inputs:" int | "shape:" extent
///                         | "windows:" extent "to" range | "margin:" int}
///     output   = name ":" {"target:" position | "number_of_outputs:" int
///                         | "kind:" ("softmax" | "sigmoid" | "linear")
///                         | "loss:" ("squared" | "huber" | "quantile" number)}
///     extent   = int "x" int                                      rows x columns
///     name     = 1..254 letters, digits and "_", not only digits, no keyword
///
/// A setting given twice counts as given last. An input needs `target` or `windows`, and
/// `number_of_inputs` or `shape`, an output its first three parts, and one of kind linear may have
/// a loss; without, it is squared: the mean. The parts of an entry come in any order, each at most
/// once. A range unfolds x fastest, then y, then z, and the order of the hexagons is the order of
/// their ids. Only the words of `is_keyword` are reserved: an input may be called `shape` or
/// `windows`.

namespace hanami::inline HANAMI_ISA {

namespace detail::template_text {

/// Reads one text, once. Throws `error` for what cannot be read and for what breaks a rule.
class template_parser : template_reader {
 public:
  template_parser(std::string_view text, std::optional<output_kind> kind_if_missing)
      : template_reader(text), kind_if_missing_(kind_if_missing) {}

  cluster_template run() {
    reporting_issues(
        [this] { sections(); },
        [this](const template_issue& issue) { fail(place_of(issue.part), issue.message); });
    return std::move(made_);
  }

 private:
  void sections() {
    version();
    if (heading("settings")) {
      settings();
    }
    hexagons();
    if (heading("axons")) {
      axons();
    }
    inputs();
    outputs();
  }

  // Sections: each reads its heading, unless it may be missing, and all of its entries.

  void version() {
    if (is(token_kind::end)) {
      fail(now().place, "the template is empty, it must start with 'version: 1'");
    }
    need("version");
    need(":");
    need("1");
  }

  void settings() {
    while (!is("hexagons")) {
      setting();
      skip(";");
    }
    // All single values are fine by now; what is left is how the two counts of bricks compare.
    place_of(template_part::setting) = bricks_place_;
    template_checker::settings(made_.settings);
  }

  void setting() {
    cluster_settings& all = made_.settings;
    if (heading("neuron_cooldown")) {
      all.neuron_cooldown = cooldown();
    } else if (heading("refractory_time")) {
      all.refractory_time = refractory_time();
    } else if (heading("fire_threshold")) {
      all.fire_threshold = fire_threshold();
    } else if (heading("max_connection_distance")) {
      all.max_connection_distance = count(rules::distance);
    } else if (heading("enable_reduction")) {
      constexpr std::array<std::string_view, 4> words{"false", "False", "true", "True"};
      all.enable_pruning = choice(words, "'true' or 'false'") >= 2;
    } else if (heading("activation")) {
      constexpr std::array<std::string_view, 2> words{"relu", "log2"};
      all.activation = static_cast<activation_kind>(choice(words, "'relu' or 'log2'"));
    } else if (heading("brick_size")) {
      all.brick_size = count(rules::brick_size);
      check_brick_size(all.brick_size);
    } else if (heading("initial_bricks")) {
      bricks_place_ = now().place;
      all.initial_bricks = count(rules::initial_bricks);
    } else if (heading("max_bricks")) {
      bricks_place_ = now().place;
      all.max_bricks = count(rules::max_bricks);
    } else if (heading("max_steps")) {
      all.max_steps = skip("auto") ? 0 : count(rules::max_steps);
    } else if (heading("memory_limit")) {
      all.memory_limit = memory();
    } else {
      expected("a setting or 'hexagons'");
    }
  }

  void hexagons() {
    need_heading("hexagons");
    do {
      const hex_range box = range(template_part::place);
      checker_.hexagons(box);
      const hexagon_template neurons = neurons_of_hexagon();
      for_each_position(box, [&](hex_position at) {
        made_.hexagons.push_back(neurons);
        made_.hexagons.back().position = at;
      });
      skip(";");
    } while (is(token_kind::integer));
    if (!is("axons") && !is("inputs")) {
      expected("a position, 'axons' or 'inputs'");
    }
  }

  /// What may stand behind the place of a hexagon.
  hexagon_template neurons_of_hexagon() {
    hexagon_template here;
    for (;;) {
      if (heading("neuron_cooldown")) {
        here.neuron_cooldown = cooldown();
      } else if (heading("refractory_time")) {
        here.refractory_time = refractory_time();
      } else if (heading("fire_threshold")) {
        here.fire_threshold = fire_threshold();
      } else {
        return here;
      }
    }
  }

  void axons() {
    while (is(token_kind::integer)) {
      axon_template axon;
      axon.from = range(template_part::place);
      need("->");
      axon.to = position(template_part::target);
      checker_.axon(axon);
      made_.axons.push_back(axon);
      skip(";");
    }
  }

  void inputs() {
    need_heading("inputs");
    input("the name of an input");
    while (!is("outputs")) {
      input("the name of an input or 'outputs'");
    }
  }

  void outputs() {
    need_heading("outputs");
    output("the name of an output");
    while (!is(token_kind::end)) {
      output("the name of an output or the end of the text");
    }
  }

  // Entries: the rules are asked as soon as one is complete, so that the first mistake of the text
  // is the one reported.

  /// The name and colon that open an entry.
  std::string name(const char* what) {
    if (!is(token_kind::word) || is_keyword(now().text)) {
      expected(what);
    }
    mark_all();
    // One character more than allowed is enough for the checker to refuse it.
    std::string text(now().text.substr(0, template_limits::name_length + 1));
    next();
    need(":");
    return text;
  }

  /// True where `word:` is followed by the first part of an entry, so that `word` is a name.
  bool is_entry() const {
    template_lexer ahead = lexer();
    ahead.next();
    if (ahead.now().text != ":") {
      return false;
    }
    ahead.next();
    constexpr std::array<std::string_view, 8> firsts{
        "target", "number_of_inputs", "number_of_outputs", "shape", "windows", "margin", "kind",
        "loss"};
    return std::find(firsts.begin(), firsts.end(), ahead.now().text) != firsts.end();
  }

  /// Skips `word:` if it stands here as a part of the entry; a second one is refused.
  bool field(std::string_view word, bool given) {
    if (!is(word) || (!is_keyword(word) && is_entry())) {
      return false;
    }
    if (given) {
      expected("each part of an entry once");
    }
    return heading(word);
  }

  void input(const char* what) {
    input_template entry;
    entry.name = name(what);
    std::optional<std::uint32_t> size;
    std::optional<std::uint32_t> margin;
    for (bool more = true; more;) {
      if (field("target", entry.target.has_value())) {
        entry.target = position(template_part::target);
      } else if (field("number_of_inputs", size.has_value())) {
        size = count(rules::inputs);
      } else if (field("shape", entry.rows != 0)) {
        const extent shape = rows_by_columns(rules::shape);
        entry.rows = shape.rows;
        entry.columns = shape.columns;
      } else if (field("windows", entry.windows.has_value())) {
        const extent window = rows_by_columns(rules::windows);
        need("to");
        const hex_range hexagons = range(template_part::window_hexagons);
        entry.windows = input_windows{window.rows, window.columns, 0, hexagons};
      } else if (field("margin", margin.has_value())) {
        margin = count(rules::margin);
      } else {
        more = false;
      }
    }
    complete(entry, size, margin);
    checker_.input(entry);
    made_.inputs.push_back(std::move(entry));
    skip(";");
  }

  /// Fills in what the parts of an input imply for each other.
  void complete(input_template& entry, std::optional<std::uint32_t> size,
                std::optional<std::uint32_t> margin) const {
    if (!entry.target && !entry.windows) {
      expected("'target' or 'windows'");
    }
    if (!size && entry.rows == 0) {
      expected("'number_of_inputs' or 'shape'");
    }
    if (margin && !entry.windows) {
      expected("'windows' with the margin");
    }
    if (entry.rows == 0) {
      entry.rows = 1;
      entry.columns = *size;
    }
    const std::uint64_t area = std::uint64_t{entry.rows} * entry.columns;
    entry.size = size.value_or(static_cast<std::uint32_t>(area)); // too large an area is refused
    if (margin) {
      entry.windows->margin = *margin;
    }
  }

  void output(const char* what) {
    output_template entry;
    entry.name = name(what);
    std::optional<hex_position> target;
    bool has_kind = false;
    bool has_loss = false;
    for (bool more = true; more;) {
      if (field("target", target.has_value())) {
        target = position(template_part::target);
      } else if (field("number_of_outputs", entry.size != 0)) {
        entry.size = count(rules::outputs);
      } else if (field("kind", has_kind)) {
        constexpr std::array<std::string_view, 3> kinds{"softmax", "sigmoid", "linear"};
        entry.kind = static_cast<output_kind>(choice(kinds, "'softmax', 'sigmoid' or 'linear'"));
        has_kind = true;
      } else if (field("loss", has_loss)) {
        entry.loss = loss();
        has_loss = true;
      } else {
        more = false;
      }
    }
    if (!target) {
      expected("'target'");
    }
    if (entry.size == 0) {
      expected("'number_of_outputs'");
    }
    if (!has_kind && !kind_if_missing_) {
      expected("'kind: softmax' (classes), 'kind: sigmoid' (independent values in 0..1) or "
               "'kind: linear' (values)");
    }
    if (!has_kind) {
      entry.kind = *kind_if_missing_;
    }
    if (has_loss && entry.kind != output_kind::linear) {
      refuse(template_part::loss, "a loss of linear outputs alone",
             entry.kind == output_kind::softmax ? "softmax" : "sigmoid");
    }
    entry.target = *target;
    checker_.output(entry);
    made_.outputs.push_back(std::move(entry));
    skip(";");
  }

  value_loss loss() {
    mark(template_part::loss);
    constexpr std::array<std::string_view, 3> kinds{"squared", "huber", "quantile"};
    value_loss all;
    all.kind = static_cast<loss_kind>(choice(kinds, "'squared', 'huber' or 'quantile'"));
    if (all.kind == loss_kind::quantile) {
      mark(template_part::loss);
      all.quantile = real(rules::quantile, check_quantile);
    }
    return all;
  }

  std::optional<output_kind> kind_if_missing_;
  template_checker checker_;
  cluster_template made_;
  text_place bricks_place_; ///< of the last count of bricks
};

} // namespace detail::template_text

/// Reads a template and checks it by the rules of `validate`. Time and memory are linear in the
/// text (at most `template_limits::text_bytes`) and in the hexagons that it names; numbers do not
/// depend on the locale; thread-safe. Every output says its kind, unless `kind_if_missing` says it
/// for those that do not. Throws `errc::invalid_template` with line, column, what was found and
/// what would have been accepted.
inline cluster_template parse_template(std::string_view text,
                                       std::optional<output_kind> kind_if_missing = std::nullopt) {
  if (text.size() > template_limits::text_bytes) {
    raise(errc::invalid_template, "expected a template of at most " +
                                      std::to_string(template_limits::text_bytes) +
                                      " bytes, found " + std::to_string(text.size()));
  }
  return detail::template_text::template_parser(text, kind_if_missing).run();
}

#if HANAMI_EXCEPTIONS
/// The same without throwing: on failure `code` is set, `message` (if any) says why, and the
/// returned template is empty. Clears `code` on success.
inline cluster_template parse_template(std::string_view text, std::error_code& code,
                                       std::string* message = nullptr) {
  return detail::attempt(code, message, [&] { return parse_template(text); })
      .value_or(cluster_template{});
}
#endif

} // namespace hanami
