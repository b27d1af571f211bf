// SPDX-License-Identifier: Apache-2.0
// No #pragma once: it stands behind every header that is protected.

/// Brings back what `macros_off.hpp` has put aside.

#pragma pop_macro("min")
#pragma pop_macro("max")
#pragma pop_macro("near")
#pragma pop_macro("far")
#pragma pop_macro("small")
#pragma pop_macro("F")
#pragma pop_macro("I")
#pragma pop_macro("abs")
#pragma pop_macro("bit")
#pragma pop_macro("check")
#pragma pop_macro("require")
#pragma pop_macro("round")
#pragma pop_macro("signals")
#pragma pop_macro("slots")
#pragma pop_macro("word")
#pragma pop_macro("likely")
#pragma pop_macro("unlikely")
