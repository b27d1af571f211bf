// SPDX-License-Identifier: Apache-2.0
// One program of units for two processors, which calls the one that the processor can run.

#include <cmath>
#include <cstdio>

float learn_for_all();
float learn_for_v3();

int main() {
  const float all = learn_for_all();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi2");
  const float best = v3 ? learn_for_v3() : all;
  std::printf("%g %g\n", static_cast<double>(all), static_cast<double>(best));
  return std::abs(all - 0.98f) < 0.3f && std::abs(best - all) < 0.1f ? 0 : 1;
}
