// SPDX-License-Identifier: Apache-2.0
#include <fstream>

#include <catch2/catch.hpp>

#include <hanami/io/template_file.hpp>
#include <hanami/template/writer.hpp>

#include "support/scratch_folder.hpp"

using namespace hanami;

TEST_CASE("a template loads from its file, or the file is named", "[io]") {
  const scratch_folder folder;
  const auto path = folder.path / "small.template";
  const char* text =
      "version: 1 hexagons: 1..3, 1, 1 inputs: x: target: 1, 1, 1 "
      "number_of_inputs: 2 outputs: y: target: 3, 1, 1 number_of_outputs: 1 kind: sigmoid";
  std::ofstream(path) << text;
  CHECK(load_template(path) == parse_template(text));

  std::ofstream(path) << "version: 1\nhexagons: none";
  CHECK_THROWS_WITH(load_template(path),
                    Catch::Contains("small.template") && Catch::Contains("line 2"));
  CHECK_THROWS_WITH(load_template(folder.path / "none"), Catch::Contains("none"));
}
