// SPDX-License-Identifier: Apache-2.0
// test-arguments: --report spiking.html
// test-output: order +[45][0-9.]+ % +100.00 %.*gap +[45][0-9.]+ % +(9[789]|100).[0-9]+ %
//
// Neurons that remember. Two lines carry pulses, a third one asks about them some rows later: which
// line was first, or whether more than ten rows lay between the two. No row shows the answer, so a
// cluster sees it only if its neurons spike. The page shows what one spiking neuron makes of
// a constant input.

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <hanami/draw/html_report.hpp>
#include <hanami/draw/plot.hpp>
#include <hanami/hanami.hpp>

#include "support/program.hpp"

namespace {

struct spiking_options {
  std::uint32_t trials = 5000;
  std::uint64_t seed = 1;
  std::string report;
};

struct row {
  std::array<float, 3> input{}; ///< two lines, and a question
  std::array<float, 2> target{std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::quiet_NaN()};
};

enum class question { order, gap };

/// Trial after trial: silence, a pulse, up to 20 rows later another one, then the question.
class pulses {
 public:
  pulses(question asks, std::uint64_t seed) : asks_(asks), seed_(seed) {}

  std::vector<row> next() {
    std::vector<row> rows(between(30, 60));
    const bool yes = between(0, 1) != 0;
    const std::size_t first = asks_ == question::order && yes ? 1 : 0;
    const std::size_t second = asks_ == question::order && !yes ? 1 : 0;
    pulse(rows, first);
    const bool near = asks_ == question::gap && !yes;
    const bool far = asks_ == question::gap && yes;
    rows.resize(rows.size() + between(far ? 10 : 0, near ? 9 : 19));
    pulse(rows, second);
    rows.resize(rows.size() + between(0, 3));
    pulse(rows, 2);
    rows.back().target = {yes ? 0.0f : 1.0f, yes ? 1.0f : 0.0f};
    return rows;
  }

 private:
  static void pulse(std::vector<row>& rows, std::size_t line) {
    rows.emplace_back().input[line] = 1;
  }
  std::uint32_t between(std::uint32_t least, std::uint32_t most) {
    return least + hanami::random_below(most - least + 1, seed_, 0, drawn_++);
  }

  question asks_;
  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;
};

/// Share of right answers, in percent, to 2,000 questions after training.
double right_answers(question asks, const std::string& settings, const spiking_options& options) {
  const std::string text = "version: 1 settings: max_bricks: 1 " + settings +
                           " hexagons: 1..3, 1, 1 "
                           "inputs: lines: target: 1, 1, 1 number_of_inputs: 3 "
                           "outputs: answer: target: 3, 1, 1 number_of_outputs: 2 kind: softmax";
  hanami::cluster cluster(hanami::parse_template(text), {.seed = options.seed});
  pulses stream(asks, options.seed);
  cluster.start_task(std::uint64_t{60} * options.trials);
  for (std::uint32_t i = 0; i < options.trials; ++i) {
    for (const row& r : stream.next()) {
      cluster.train(r.input, r.target); // rows without a question have no target, yet count
    }
  }
  auto workspace = cluster.current_workspace(); // what neurons remember is the reader's own
  constexpr int questions = 2000;
  int right = 0;
  for (int i = 0; i < questions; ++i) {
    for (const row& r : stream.next()) {
      const auto answer = cluster.infer(r.input, workspace);
      right += r.input[2] > 0 && (answer[1] > answer[0]) == (r.target[1] > 0) ? 1 : 0;
    }
  }
  return 100.0 * right / questions;
}

/// The potential of one neuron, cycle by cycle, that always gets the same input.
hanami::line_plot response(double cooldown, std::uint32_t refractory_time, double input) {
  hanami::neuron_memory<double> neuron;
  neuron.keep = {1 / cooldown};
  neuron.refractory_time = {refractory_time};
  neuron.threshold = {0};
  neuron.potentials = {0};
  neuron.resting = {0};
  neuron.took = {0};
  hanami::line_plot curve;
  curve.title = "Potential, cycle by cycle";
  for (int cycle = 0; cycle < 40; ++cycle) {
    double sum = input;
    hanami::spike(neuron, 0, 1, &sum);
    curve.x.push_back(cycle);
    curve.y.push_back(sum);
  }
  return curve;
}

int run(const spiking_options& options) {
  const std::string spiking = "neuron_cooldown: 1.025..2.6 refractory_time: 1..13";
  std::printf("right answers %8s %10s\n", "plain", "spiking");
  for (const question asks : {question::order, question::gap}) {
    std::printf("%-10s %8.2f %% %8.2f %%\n", asks == question::order ? "order" : "gap",
                right_answers(asks, "", options), right_answers(asks, spiking, options));
  }
  if (!options.report.empty()) {
    hanami::html_report page("Spiking neurons", spiking);
    page.card("Constant input 100", "neuron_cooldown 1.5, refractory_time 3",
              hanami::to_svg(response(1.5, 3, 100)), true);
    page.write(options.report);
  }
  return 0;
}

} // namespace

int main(int count, char** arguments) {
  hanami::instruction_set_or_exit("spiking");
  CLI::App app("Shows what clusters can tell whose neurons remember.", "spiking");
  spiking_options o;
  app.add_option("--trials", o.trials, "trials to learn from (5000)")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--seed", o.seed, "of all randomness (1)")->check(example::not_negative());
  app.add_option("--report", o.report, "write a page (HTML) with the response of a neuron")
      ->type_name("FILE");
  return example::run_program(app, count, arguments, [&] { return run(o); });
}
