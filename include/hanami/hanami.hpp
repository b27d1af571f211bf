// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The core on one thread: classifiers and regressors, clusters, templates, datasets, checkpoints.
/// `data.hpp` adds what reads tables, streams of rows, images and digits, `stream.hpp` forecasts
/// and anomalies; they are apart, since each takes the compiler as long as all of this. Parts that
/// need a package have headers of their own, too: `io/gzip.hpp` zlib, `eigen.hpp` Eigen. Macros
/// that other headers define of common words (`min`, `near`, `F`) do not disturb these three.

#include "foundation/macros_off.hpp"

#include "cluster.hpp"
#include "config.hpp"
#include "foundation/arena.hpp"
#include "foundation/processor.hpp"
#include "fwd.hpp"
#include "io/checkpoint.hpp"
#include "io/dataset.hpp"
#include "io/dataset_part.hpp"
#include "io/epoch_order.hpp"
#include "io/template_file.hpp"
#include "model/classifier.hpp"
#include "model/evaluate.hpp"
#include "model/predictions.hpp"
#include "model/print.hpp"
#include "model/regressor.hpp"
#include "quantized/quantized_cluster.hpp"
#include "template/builder.hpp"
#include "template/one_hexagon.hpp"
#include "template/parser.hpp"
#include "template/writer.hpp"
#include "version.hpp"

#include "foundation/macros_on.hpp"
