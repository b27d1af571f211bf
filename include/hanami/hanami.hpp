// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The core on one thread: classifiers and regressors, clusters, templates, datasets, checkpoints,
/// streams. Opt-in parts have headers of their own: `io/gzip.hpp` needs zlib, `eigen.hpp` Eigen.
/// Macros that other headers define of common words (`min`, `near`, `F`) do not disturb this one.

#include "foundation/macros_off.hpp"

#include "cluster.hpp"
#include "config.hpp"
#include "foundation/arena.hpp"
#include "foundation/processor.hpp"
#include "fwd.hpp"
#include "io/checkpoint.hpp"
#include "io/csv_writer.hpp"
#include "io/dataset.hpp"
#include "io/dataset_part.hpp"
#include "io/digits.hpp"
#include "io/drawn_digits.hpp"
#include "io/epoch_order.hpp"
#include "io/idx.hpp"
#include "io/image_epochs.hpp"
#include "io/load_table.hpp"
#include "io/row_reader.hpp"
#include "io/template_file.hpp"
#include "model/classifier.hpp"
#include "model/evaluate.hpp"
#include "model/predictions.hpp"
#include "model/print.hpp"
#include "model/regressor.hpp"
#include "quantized/quantized_cluster.hpp"
#include "stream/anomaly.hpp"
#include "stream/calendar.hpp"
#include "stream/forecaster.hpp"
#include "stream/row_forecaster.hpp"
#include "stream/stream_model.hpp"
#include "stream/time_format.hpp"
#include "template/builder.hpp"
#include "template/one_hexagon.hpp"
#include "template/parser.hpp"
#include "template/writer.hpp"
#include "version.hpp"

#include "foundation/macros_on.hpp"
