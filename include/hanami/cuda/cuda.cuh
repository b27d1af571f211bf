// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device.cuh"

/// What nvcc compiles of `cuda/cuda.hpp`: kernels and calls of the CUDA runtime. To be included
/// by one source file of the program, which needs nothing else in it.
