// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

#include "../base/settings.hpp"

namespace hanami::service {

/// Looks whether a server could start, or the one that runs could start again, and whether all that
/// it keeps can be read: settings and the files that they name, the data directory, the database,
/// clusters with their journals, datasets, checkpoints, ports. Says each in a line: `ok`,
/// `warning` or `fault`, what, and how it is. Changes nothing. False: there was a fault. Reads all
/// files whole.
bool check(const server_config& config, std::ostream& out);

} // namespace hanami::service
