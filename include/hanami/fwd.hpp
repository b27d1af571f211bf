// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "config.hpp"

/// Names of the library without their definitions.

namespace hanami {

class error;

} // namespace hanami

namespace hanami::inline HANAMI_ISA {

struct cluster_settings;
struct cluster_template;
struct cluster_statistics;
struct learning_options;
struct topology;
struct train_result;
struct serial_executor;
class template_builder;
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

template <class Cluster = cluster>
class basic_classifier;
template <class Cluster = cluster>
class basic_regressor;

using classifier = basic_classifier<>;
using regressor = basic_regressor<>;

template <class Cluster = cluster>
class basic_forecast_track;
template <class Cluster = cluster>
class basic_forecaster;
template <class Cluster = cluster>
class basic_row_forecaster;
template <class Cluster = cluster>
class basic_stream_model;

using forecaster = basic_forecaster<>;
using row_forecaster = basic_row_forecaster<>;
using stream_model = basic_stream_model<>;

} // namespace hanami
