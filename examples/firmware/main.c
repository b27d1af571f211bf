/* SPDX-License-Identifier: Apache-2.0 */
/* A machine with 16 raw sensors, each of a range of its own: the network learns, while they run,
   what a 17th one shows. Ends with 1 if that took memory after the first sample, or failed. */

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "network.h"

enum { sensors = 16, samples = 40000 };

static uint32_t state = 1;

static float random_unit(void) { /* xorshift, Marsaglia 2003 */
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return (float)(state >> 8) * 0x1p-24f;
}

static float read_sensors(float* value) {
  static const float scale[4] = {0.001f, 1.0f, 250.0f, 1e6f};
  float u[sensors];
  for (int k = 0; k < sensors; ++k) {
    u[k] = random_unit();
    value[k] = u[k] * scale[k % 4];
  }
  const float bend = u[0] > 0.5f ? u[0] - 0.5f : 0.0f;
  return 20.0f + 40.0f * bend + 10.0f * u[1] * u[1] - 8.0f * u[2] + 5.0f * fabsf(u[3] - 0.5f);
}

int main(void) {
  float value[sensors];
  float answer;
  double error = 0, deviation = 0;
  unsigned long allocations = 0;
  enum network_error found = network_begin(sensors, 1);
  for (int i = 0; i < samples && found == network_no_error; ++i) {
    const float target = read_sensors(value);
    found = network_infer(value, &answer); /* before it has learned from the sample */
    if (found == network_no_error) {
      found = network_train(value, &target);
    }
    if (i == 0) {
      allocations = network_allocations();
    }
    if (i >= samples / 2) {
      error += fabs((double)answer - (double)target);
      deviation += fabs((double)target - 25.58);
    }
  }
  const unsigned long more = network_allocations() - allocations;
  value[0] = INFINITY;
  const enum network_error refused = network_infer(value, &answer);
  printf("error %.3f of %.3f, RAM %lu of %d bytes, %lu allocations after the first sample\n",
         error / (samples / 2), deviation / (samples / 2),
         (unsigned long)network_memory_most_used(), (int)network_memory, more);
  return found != network_no_error || refused != network_invalid || more != 0 ||
         !(error < 0.25 * deviation);
}
