// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the service's definitions are compiled, which stand in a `.ipp` beside each header: as they
/// are in the library `hanami::service`, which sets this to nothing, and inline in programs that
/// include `hanami/service/src.hpp` instead.
#ifndef HANAMI_SERVICE_INLINE
#define HANAMI_SERVICE_INLINE inline
#endif
