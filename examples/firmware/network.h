/* SPDX-License-Identifier: Apache-2.0 */
#ifndef EXAMPLE_FIRMWARE_NETWORK_H
#define EXAMPLE_FIRMWARE_NETWORK_H

#include <stddef.h>

/* A network that learns, for firmware in C: one of it, in static memory, without a heap, without
   exceptions. Not to be called from interrupts. Every function answers 0, or an error. */

#ifdef __cplusplus
extern "C" {
#endif

enum { network_memory = 64 * 1024 }; /* bytes: everything the network ever takes */

enum network_error {
  network_no_error = 0,
  network_invalid = 1, /* no values, too many of them, or an infinite one; not begun yet */
  network_full = 2     /* the memory does not hold a network of this size */
};

/* Begins anew. Inputs and targets take any finite value of any range, no scaling; NaN is a value
   that is missing. At most 16 inputs and 4 outputs. */
enum network_error network_begin(unsigned inputs, unsigned outputs);

/* Learns from one sample. Takes no memory after the first one, but once for an input that becomes
   negative. */
enum network_error network_train(const float* input, const float* target);

/* What the network expects the targets to be. Changes nothing. */
enum network_error network_infer(const float* input, float* answer);

size_t network_memory_used(void);
size_t network_memory_most_used(void);
unsigned long network_allocations(void); /* since the program began */

#ifdef __cplusplus
}
#endif

#endif
