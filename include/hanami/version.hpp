// SPDX-License-Identifier: Apache-2.0
#pragma once

#define HANAMI_VERSION_MAJOR 0
#define HANAMI_VERSION_MINOR 1
#define HANAMI_VERSION_PATCH 0
#define HANAMI_VERSION_STRING "0.1.0"
