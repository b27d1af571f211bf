// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What reads and writes rows, and what makes datasets of them: tables of any dialect, streams of
/// rows, idx files, images, digits of MNIST or drawn ones. Knows nothing of networks.

#include "foundation/macros_off.hpp"

#include "io/csv_writer.hpp"
#include "io/dataset.hpp"
#include "io/digits.hpp"
#include "io/drawn_digits.hpp"
#include "io/idx.hpp"
#include "io/image_epochs.hpp"
#include "io/load_table.hpp"
#include "io/row_reader.hpp"

#include "foundation/macros_on.hpp"
