// SPDX-License-Identifier: Apache-2.0
#include <version>

#if !defined(_LIBCPP_VERSION)
#error "another standard library"
#endif
