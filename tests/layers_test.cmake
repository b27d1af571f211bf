# SPDX-License-Identifier: Apache-2.0
# cmake -D scratch_dir=<dir> -P layers_test.cmake
# Builds small trees, each with one fault, and expects layers.cmake to name it.
cmake_minimum_required(VERSION 3.24)

# check(<expected output> <header> <its text> [<argument of layers.cmake>...]): one sound tree, plus
# the given header.
function(check expected header text)
  set(root ${scratch_dir}/include/hanami)
  file(REMOVE_RECURSE ${scratch_dir})
  file(WRITE ${root}/config.hpp "#pragma once\n")
  file(WRITE ${root}/foundation/error.hpp "#include \"../config.hpp\"\n#include <vector>\n")
  file(WRITE ${root}/structure/hex.hpp "#include \"../foundation/error.hpp\"\n")
  file(WRITE ${root}/structure/brick.hpp "#include \"hex.hpp\"\n#include \"brick.ipp\"\n")
  file(WRITE ${root}/structure/brick.ipp "#include \"brick.hpp\"\n")
  file(WRITE ${root}/io/gzip.hpp "#include <zlib.h>\n#include \"hanami/structure/hex.hpp\"\n")
  file(WRITE ${root}/${header} "${text}\n")
  execute_process(
    COMMAND ${CMAKE_COMMAND} -D include_dir=${scratch_dir}/include -D opt_in=io/gzip.hpp
      -D most_permille=999 ${ARGN} -P ${CMAKE_CURRENT_LIST_DIR}/layers.cmake
    RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(expected STREQUAL "sound")
    if(NOT status EQUAL 0)
      message(SEND_ERROR "a sound tree was refused:\n${output}")
    endif()
  elseif(status EQUAL 0)
    message(SEND_ERROR "not found: '${expected}'")
  elseif(NOT output MATCHES "${expected}")
    message(SEND_ERROR "expected '${expected}', got:\n${output}")
  endif()
endfunction()

check("sound" "growth/grow.hpp" "#include \"../structure/brick.hpp\"")
check("foundation/ids.hpp: points up to structure/hex.hpp"
  "foundation/ids.hpp" "#include \"../structure/hex.hpp\"")
check("fwd.hpp: points up to structure/hex.hpp" "fwd.hpp" "  # include <hanami/structure/hex.hpp>")
check("includes unistd.h, which is of POSIX" "io/checkpoint.hpp" "#include <unistd.h>")
check("includes zlib.h, which only" "io/checkpoint.hpp" "#include <zlib.h>")
check("io/gzip.hpp, which is opt-in" "hanami.hpp" "#include \"io/gzip.hpp\"")
check("missing.hpp, which is not there" "structure/topology.hpp" "#include \"missing.hpp\"")
check("attic/old.hpp: stands in no known room" "attic/old.hpp" "#pragma once")
check("draw/draw.hpp: opens 'namespace hanami::detail {': write 'namespace hanami::inline HANAMI_ISA::detail {'"
  "draw/draw.hpp" "#include \"../config.hpp\"\nnamespace hanami::detail {")
check("has a state of the whole program" "draw/draw.hpp" "static std::atomic<int> last{0}")
check("does not include config.hpp" "draw/draw.hpp" "namespace hanami::inline HANAMI_ISA {")
check("in a circle: .*structure/brick.hpp -> structure/hex.hpp"
  "structure/hex.hpp" "#include \"brick.hpp\"")
check("structure: has [3-9][0-9] % of all lines" "structure/long.hpp" "" -D most_permille=300)

foreach(number RANGE 1 25)
  file(WRITE ${scratch_dir}_many/inner/file_${number} "")
endforeach()
check("inner: holds 25 files, 24 at most" "draw/draw.hpp" "" -D folders=${scratch_dir}_many)
