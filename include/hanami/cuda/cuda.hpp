// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device.hpp"
#include "trainer.hpp"

/// Clusters on a GPU: `hanami::gpu::trainer`. Any C++20 compiler takes this header. One
/// source file of the program includes `cuda/cuda.cuh` and is compiled by nvcc (CUDA 13,
/// C++20,
/// `--expt-relaxed-constexpr`, compute capability 8.0 and newer; the target `hanami::cuda` says
/// so).
///
///     hanami::gpu::trainer device;                 // throws errc::no_device
///     device.train(c, {inputs, targets});           // one cluster, all rows in order
///     device.train(members, {inputs, targets});     // a fleet, each on rows of its own
///     device.train_streams(clusters, rows, next);   // the same from streams without an end
///     auto answers = device.infer(c, inputs);
///
/// A cluster goes to the device as one image (`cuda/image.hpp`), learns there for as many samples
/// as its shape stays what it is, sections growing from tiles that the image brings along, and
/// comes back to be the cluster that training on the host would have made: to the bit if the sums
/// are added in the same order and rounding (the tests play the device on the host and compare),
/// and about 1e-5 apart on a device, of which exp and log are its own.
///
/// The host takes over for single samples: a first brick, a further brick, the first negative value
/// of an input, a full image, the renewal of silent neurons, rounds of reduction, and a stream that
/// has changed. `train_report` counts them: 1 to 13 of the first 10,000 samples of MNIST, whatever
/// the cluster (25 windows, one hexagon of 256 neurons, growth to 8 bricks, reduction; a task or an
/// endless stream), so that kernels for these would save little. Growth stops at the cluster's
/// memory limit as on the host.
///
/// A cluster of few tiles (8 MB) is trained by one block, so that a fleet fills the device; all but
/// its tiles, or all of it, stands in the block's shared memory while it fits. A single large
/// cluster is trained by all blocks together.
///
/// Refused, with `errc::invalid_argument`: spiking neurons, linear outputs, sections of more than
/// one step (`max_steps: 1` in the template), rehearsal. Weights are `float`.

namespace hanami::gpu {

using trainer = basic_trainer<cuda_device>;

} // namespace hanami::gpu
