// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The core on one thread: clusters, templates, datasets, checkpoints, streams. Opt-in parts have
/// headers of their own: `io/gzip.hpp` needs zlib.

#include "cluster.hpp"
#include "config.hpp"
#include "foundation/arena.hpp"
#include "foundation/processor.hpp"
#include "fwd.hpp"
#include "io/checkpoint.hpp"
#include "io/csv_parser.hpp"
#include "io/csv_reader.hpp"
#include "io/csv_writer.hpp"
#include "io/dataset.hpp"
#include "io/digits.hpp"
#include "io/drawn_digits.hpp"
#include "io/epoch_order.hpp"
#include "io/idx.hpp"
#include "io/image_epochs.hpp"
#include "io/template_file.hpp"
#include "quantized/quantized_cluster.hpp"
#include "stream/anomaly.hpp"
#include "stream/calendar.hpp"
#include "stream/forecaster.hpp"
#include "stream/row_forecaster.hpp"
#include "template/builder.hpp"
#include "template/parser.hpp"
#include "template/writer.hpp"
#include "version.hpp"
