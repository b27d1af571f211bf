// SPDX-License-Identifier: Apache-2.0
// No #pragma once: it stands before every header that it protects.

/// Puts aside what other headers (windows.h, Arduino.h, AssertMacros.h, Qt, complex.h) define of
/// words that this library or the standard library uses; `macros_on.hpp` brings it back. The list
/// is as long as it has to be for `tests/surroundings/macros.hpp`.

#pragma push_macro("min")
#undef min
#pragma push_macro("max")
#undef max
#pragma push_macro("near")
#undef near
#pragma push_macro("far")
#undef far
#pragma push_macro("small")
#undef small
#pragma push_macro("F")
#undef F
#pragma push_macro("I")
#undef I
#pragma push_macro("abs")
#undef abs
#pragma push_macro("bit")
#undef bit
#pragma push_macro("check")
#undef check
#pragma push_macro("require")
#undef require
#pragma push_macro("round")
#undef round
#pragma push_macro("signals")
#undef signals
#pragma push_macro("slots")
#undef slots
#pragma push_macro("word")
#undef word
#pragma push_macro("likely")
#undef likely
#pragma push_macro("unlikely")
#undef unlikely
