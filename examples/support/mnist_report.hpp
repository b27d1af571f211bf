// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <hanami/draw/draw.hpp>
#include <hanami/hanami.hpp>

#include "html_report.hpp"
#include "mnist_task.hpp"
#include "svg_plot.hpp"
#include "text.hpp"

namespace example {

namespace detail {

inline plot curve_plot(const mnist_result& result, std::string title, std::string colour,
                       const std::function<double(const curve_point&)>& value) {
  plot p;
  p.title = std::move(title);
  p.colour = std::move(colour);
  for (const curve_point& point : result.curve) {
    p.x.push_back(static_cast<double>(point.samples));
    p.y.push_back(value(point));
  }
  return p;
}

inline std::string learning_plots(const mnist_result& result) {
  plot known = curve_plot(result, "true digit got more than half of the probability", "var(--leaf)",
                          [](const curve_point& p) { return 100 * p.known; });
  known.unit = " %";
  known.ceiling = 100;
  const double least = known.y.empty() ? 0.0 : *std::min_element(known.y.begin(), known.y.end());
  known.floor = std::min(90.0, 10 * std::floor(least / 10));
  plot learned = curve_plot(result, "learned from; the rest was known already", "var(--bark)",
                            [](const curve_point& p) { return 100 * p.learned; });
  learned.unit = " %";
  learned.ceiling = 100;
  const plot loss = curve_plot(result, "loss, nats", "var(--accent)",
                               [](const curve_point& p) { return p.loss; });
  return to_svg(known) + to_svg(loss) + to_svg(learned);
}

inline std::string growth_plots(const mnist_result& result) {
  const auto count = [](std::size_t cluster_count) { return static_cast<double>(cluster_count); };
  return to_svg(curve_plot(result, "synapses", "var(--sky)",
                           [&](const curve_point& p) { return count(p.grown.synapses); })) +
         to_svg(curve_plot(result, "sections", "var(--bark)",
                           [&](const curve_point& p) { return count(p.grown.sections); })) +
         to_svg(curve_plot(result, "steps", "var(--leaf)",
                           [&](const curve_point& p) { return count(p.grown.steps); }));
}

inline std::string confusion_table(const mnist_result& result) {
  std::uint32_t worst = 1;
  for (std::size_t i = 0; i < 100; ++i) {
    worst = std::max(worst, i / 10 == i % 10 ? 0U : result.confusion[i / 10][i % 10]);
  }
  std::string html = "<table class='confusion'><tr><th></th>";
  for (int answer = 0; answer < 10; ++answer) {
    html += formatted("<th>%d</th>", answer);
  }
  html += "<th>% right</th></tr>";
  for (std::size_t label = 0; label < 10; ++label) {
    html += formatted("<tr><th>%zu</th>", label);
    std::uint32_t all = 0;
    for (std::size_t answer = 0; answer < 10; ++answer) {
      const std::uint32_t n = result.confusion[label][answer];
      all += n;
      if (answer == label) {
        html += formatted("<td class='right'>%u</td>", n);
      } else if (n == 0) {
        html += "<td><i>&middot;</i></td>";
      } else {
        html += formatted("<td style='background:color-mix(in srgb, var(--accent) %u%%, "
                          "var(--page))'>%u</td>",
                          8 + 62 * n / worst, n);
      }
    }
    const double share = 100.0 * result.confusion[label][label] / std::max(1U, all);
    html += formatted("<th>%.1f</th></tr>", share);
  }
  return html + "</table>";
}

inline std::string misread_digits(const mnist_options& options, const mnist_data& data,
                                  const mnist_result& result) {
  std::string html = "<div class='digits'>";
  for (const misread_digit& m : result.misread) {
    const auto pixels = mnist_task::test_pixels(options, data, m.image);
    html += "<div><img alt='' src='" +
            picture_uri(pixels, data.train.rows(), data.train.columns()) + "'>";
    html += formatted("<b>%u</b> read as <em>%u</em><br>%.0f %% sure</div>", unsigned{m.label},
                      unsigned{m.answer}, 100 * m.certainty);
  }
  return html + "</div>";
}

inline void add_numbers(html_report& page, const mnist_result& result) {
  const auto& s = result.statistics;
  page.begin_numbers();
  page.number(formatted("%.2f %%", result.test_accuracy), "test accuracy");
  page.number(formatted("%.2f s", result.train_cpu_seconds), "of CPU to learn");
  page.number(with_commas(static_cast<std::uint64_t>(result.inferences_per_second)),
              "inferences a second");
  page.number(with_commas(s.neurons), formatted("neurons in %zu bricks", s.bricks));
  page.number(with_commas(s.synapses), formatted("synapses in %zu sections", s.sections));
  page.number(formatted("%.0f KiB", static_cast<double>(s.bytes) / 1024),
              formatted("%.2f bytes a synapse", bytes_per_synapse(s)));
  page.end_numbers();
}

} // namespace detail

/// A page about one run of the task. Throws `hanami::errc::file_error`.
inline void write_mnist_report(const std::string& path, const mnist_options& options,
                               const mnist_data& data, const mnist_result& result,
                               const hanami::cluster& cluster) {
  html_report page("A cluster that reads digits",
                   data.name + ": learned from " + with_commas(result.train_samples) + " images, " +
                       std::to_string(options.epochs) +
                       (options.epochs == 1 ? " pass" : " passes") + ", tested on " +
                       with_commas(result.test_samples));
  detail::add_numbers(page, result);
  page.card("Learning", "Measured on each training image just before learning from it.",
            detail::learning_plots(result));
  page.card("Growth", "What the cluster holds, over the images seen.",
            detail::growth_plots(result));
  page.card("Answers", "Rows: the true digit. Columns: the answer.",
            detail::confusion_table(result));
  page.card("Template", "", "<pre>" + html_text(result.cluster_text) + "</pre>");
  page.card("Hexagons", "What has grown where.",
            "<div class='drawing'>" + hanami::draw_svg(cluster.state()) + "</div>", true);
  page.card("Misread digits", "The first ones of the test.",
            detail::misread_digits(options, data, result), true);
  page.write(path);
}

} // namespace example
