// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The service is headers only, like the rest; but what is in it takes long to compile. A program
/// that defines `HANAMI_SERVICE_PRECOMPILED` everywhere gets declarations alone, and one source
/// file of it includes `hanami/service/src.hpp`, which holds all definitions.

#ifdef HANAMI_SERVICE_PRECOMPILED
#define HANAMI_SERVICE_INLINE
#else
#define HANAMI_SERVICE_INLINE inline
#endif
