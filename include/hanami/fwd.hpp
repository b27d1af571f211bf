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

template <class Real>
struct network;
template <class Real>
struct activity;
template <class Real = float>
class basic_cluster;

using cluster = basic_cluster<float>;

} // namespace hanami
