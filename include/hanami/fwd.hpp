// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

/// Names of the library without their definitions.

namespace hanami {

struct cluster_settings;
struct cluster_template;
struct cluster_statistics;
struct learning_options;
struct topology;
struct train_result;
struct serial_executor;
class error;
class template_builder;
class classifier;
class regressor;
class quantized_cluster;

template <class Real, class Weight = Real>
struct network;
template <class Real>
struct workspace;
struct bfloat16;
template <class Real = float, class Weight = Real>
class basic_cluster;

using cluster = basic_cluster<float>;
/// Half the memory: synapses of 16 bits, rounded at random as they learn.
using compact_cluster = basic_cluster<float, bfloat16>;

} // namespace hanami
