// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include <hanami/io/progress.hpp>

using hanami::detail::progress_line;

TEST_CASE("progress tells the share that is done, the speed and the time that is left", "[io]") {
  CHECK(progress_line("training", 50, 200, 10) == "training   25 %  5.00/s  0:30 left");
  CHECK(progress_line("training", 60'000, 120'000, 5) == "training   50 %  12000/s  0:05 left");
  CHECK(progress_line("training", 1, 100, 10) == "training    1 %  0.10/s  16:30 left");
}

TEST_CASE("progress has an answer before the beginning, at the end and beyond it", "[io]") {
  CHECK_THAT(progress_line("x", 0, 10, 0), Catch::Contains("  0 %"));
  CHECK(progress_line("x", 100, 100, 1) == "x  100 %  100/s  0:00 left");
  CHECK_THAT(progress_line("x", 12, 10, 1), Catch::Contains("0:00 left"));
  CHECK_THAT(progress_line("x", 0, 0, 1), Catch::Contains("0:00 left"));
}
