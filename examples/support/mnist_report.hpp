// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <utility>

#include <hanami/data.hpp>
#include <hanami/draw/draw.hpp>
#include <hanami/draw/html_report.hpp>
#include <hanami/draw/plot.hpp>
#include <hanami/hanami.hpp>

#include "mnist_result.hpp"

namespace example {

namespace detail {

/// `printf` into a string, cut after 255 bytes; the compiler checks the format.
[[gnu::format(printf, 1, 2)]] inline std::string formatted(const char* format, ...) {
  char text[256];
  std::va_list values;
  va_start(values, format);
  std::vsnprintf(text, sizeof text, format, values);
  va_end(values);
  return text;
}

using value_of_point = std::function<double(const curve_point&)>;

inline hanami::line_plot plot_of(const learning_curve& curve, std::string title, std::string colour,
                                 const value_of_point& value) {
  hanami::line_plot p;
  p.title = std::move(title);
  p.colour = std::move(colour);
  for (const curve_point& point : curve.points()) {
    p.x.push_back(static_cast<double>(point.samples));
    p.y.push_back(value(point));
  }
  return p;
}

/// A plot of percents.
inline hanami::line_plot share_of(const learning_curve& curve, std::string title,
                                  std::string colour, double curve_point::*share) {
  hanami::line_plot p = plot_of(curve, std::move(title), std::move(colour),
                                [&](const curve_point& point) { return 100 * point.*share; });
  p.unit = " %";
  p.ceiling = 100;
  return p;
}

inline std::string learning_plots(const learning_curve& curve) {
  hanami::line_plot known = share_of(curve, "true digit got more than half of the probability",
                                     "var(--leaf)", &curve_point::known);
  const double least = known.y.empty() ? 0.0 : *std::min_element(known.y.begin(), known.y.end());
  known.floor = std::min(90.0, 10 * std::floor(least / 10));
  return hanami::to_svg(known) +
         hanami::to_svg(plot_of(curve, "loss, nats", "var(--accent)",
                                [](const curve_point& p) { return p.loss; })) +
         hanami::to_svg(share_of(curve, "learned from; the rest was known already", "var(--bark)",
                                 &curve_point::learned));
}

inline std::string growth_plots(const learning_curve& curve) {
  const auto plot = [&](const char* title, const char* colour,
                        std::size_t hanami::cluster_statistics::*count) {
    return hanami::to_svg(plot_of(curve, title, colour, [&](const curve_point& p) {
      return static_cast<double>(p.grown.*count);
    }));
  };
  return plot("synapses", "var(--sky)", &hanami::cluster_statistics::synapses) +
         plot("sections", "var(--bark)", &hanami::cluster_statistics::sections) +
         plot("steps", "var(--leaf)", &hanami::cluster_statistics::steps);
}

/// Of the labels from `first` on, before `end`.
inline std::string confusion_table(const hanami::classification_scores& scores, std::size_t first,
                                   std::size_t end) {
  std::uint64_t worst = 1;
  for (std::size_t label = first; label < end; ++label) {
    for (std::size_t answer = first; answer < end; ++answer) {
      worst = label == answer ? worst : std::max(worst, scores.count(label, answer));
    }
  }
  std::string html = "<table class='confusion'><tr><th></th>";
  for (std::size_t answer = first; answer < end; ++answer) {
    html += formatted("<th>%zu</th>", answer);
  }
  html += "<th>% right</th></tr>";
  for (std::size_t label = first; label < end; ++label) {
    html += formatted("<tr><th>%zu</th>", label);
    for (std::size_t answer = first; answer < end; ++answer) {
      const auto n = static_cast<unsigned long long>(scores.count(label, answer));
      if (answer == label) {
        html += formatted("<td class='right'>%llu</td>", n);
      } else if (n == 0) {
        html += "<td><i>&middot;</i></td>";
      } else {
        html += formatted("<td style='background:color-mix(in srgb, var(--accent) %llu%%, "
                          "var(--page))'>%llu</td>",
                          8 + 62 * n / worst, n);
      }
    }
    html += formatted("<th>%.1f</th></tr>", 100 * scores.recall(label));
  }
  return html + "</table>";
}

/// `images` are those of the test, which begins with number `first`.
inline std::string misread_digits(const hanami::image_dataset& images, std::size_t first,
                                  const mnist_result& result) {
  std::string html = "<div class='digits'>";
  for (const misread_digit& m : result.misread) {
    html += "<div><img alt='' src='" +
            hanami::picture_uri(images.pixels(first + m.image), images.rows(), images.columns()) +
            "'>";
    html += formatted("<b>%zu</b> read as <em>%zu</em><br>%.0f %% sure</div>", m.label, m.answer,
                      100 * m.certainty);
  }
  return html + "</div>";
}

inline void add_numbers(hanami::html_report& page, const mnist_result& result) {
  const auto& s = result.grown;
  page.begin_numbers();
  page.number(formatted("%.2f %%", 100 * result.scores.accuracy()), "test accuracy");
  page.number(formatted("%.2f s", result.train_cpu_seconds), "of CPU to learn");
  page.number(static_cast<std::uint64_t>(result.inferences_per_second), "inferences a second");
  page.number(s.neurons, formatted("neurons in %zu bricks", s.bricks));
  page.number(s.synapses, formatted("synapses in %zu sections", s.sections));
  page.number(formatted("%.0f KiB", static_cast<double>(s.bytes) / 1024),
              formatted("%.2f bytes a synapse", result.bytes_per_synapse()));
  page.end_numbers();
}

} // namespace detail

/// A page about one run, with the images of the test, which begins with number `first`. Throws
/// `hanami::errc::file_error`.
inline void write_mnist_report(const mnist_options& options, const mnist_result& result,
                               const learning_curve& curve, const hanami::cluster& cluster,
                               const hanami::image_dataset& images, std::size_t first) {
  const std::size_t epochs = options.samples.epochs;
  hanami::html_report page("A cluster that reads digits",
                           detail::formatted("%s: learned from %zu images, %zu %s, tested on %zu",
                                             result.dataset, result.train_images, epochs,
                                             epochs == 1 ? "pass" : "passes",
                                             static_cast<std::size_t>(result.scores.samples())));
  detail::add_numbers(page, result);
  page.card("Learning", "Measured on each training image just before learning from it.",
            detail::learning_plots(curve));
  page.card("Growth", "What the cluster holds, over the images seen.", detail::growth_plots(curve));
  page.card("Answers", "Rows: the true digit. Columns: the answer.",
            detail::confusion_table(result.scores, result.first_label,
                                    result.first_label + result.classes));
  page.card("Template", "",
            "<pre>" + hanami::html_text(hanami::to_text(cluster.cluster_template())) + "</pre>");
  page.card("Hexagons", "What has grown where.",
            "<div class='drawing'>" + hanami::draw_svg(cluster.state()) + "</div>", true);
  page.card("Misread digits", "The first ones of the test.",
            detail::misread_digits(images, first, result), true);
  page.write(options.report);
}

} // namespace example
