// SPDX-License-Identifier: Apache-2.0
#include <hanami/foundation/processor.hpp>

#include <string>

#include <catch2/catch.hpp>

using namespace hanami;

// That a foreign program is refused shows only on a foreign processor: run an example built with
// HANAMI_ARCH=x86-64-v4 under `qemu-x86_64 -cpu Nehalem`.
TEST_CASE("a program that runs has the instructions it was built for", "[foundation]") {
  CHECK(missing_extension() == nullptr);
  CHECK_NOTHROW(require_instruction_set());
  CHECK(std::string(instruction_set()) != "");
}
