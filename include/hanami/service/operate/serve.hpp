// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <iosfwd>

#include "../base/settings.hpp"

/// The life of a server program.

namespace hanami::service {

/// Serves until SIGINT or SIGTERM comes; on SIGHUP reads the certificate anew and goes on in a new
/// log file. Tells a service manager, systemd for one, how it goes, and its watchdog so only while
/// requests and clusters are worked on. To be called by a program's first thread while it has no
/// others, since they inherit the signals that they leave alone. `out` gets what an operator should
/// see. Throws `hanami::error` where the server cannot start.
void serve(const server_config& config, std::ostream& out);

} // namespace hanami::service
