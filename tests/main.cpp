// SPDX-License-Identifier: Apache-2.0
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include "support/skip.hpp"

int main(int count, char** words) {
  const int result =
      Catch::Session().run(count, words); // how many checks failed, or tests there are
  if (result == 0 && hanami_test::skipped()) {
    return hanami_test::skipped_code;
  }
  return result == hanami_test::skipped_code ? 1 : result;
}
