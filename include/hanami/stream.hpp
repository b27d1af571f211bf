// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What forecasts the next rows of a stream and tells which of them are strange: `stream_model`,
/// and the parts that it is made of.

#include "foundation/macros_off.hpp"

#include "stream/anomaly.hpp"
#include "stream/calendar.hpp"
#include "stream/forecaster.hpp"
#include "stream/row_forecaster.hpp"
#include "stream/stream_model.hpp"
#include "stream/time_format.hpp"

#include "foundation/macros_on.hpp"
