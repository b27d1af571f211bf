# SPDX-License-Identifier: Apache-2.0
# cmake -D include_dir=<dir> [-D opt_in=<header;...>] -P layers.cmake
# Fails unless the floors below <dir>/hanami hold:
# - an #include never points to a higher floor (inside one floor anything goes);
# - opt-in headers (relative to <dir>/hanami) are included by opt-in headers only;
# - zlib is included by io/gzip.hpp only;
# - service/src.hpp includes every .ipp of the service.
cmake_minimum_required(VERSION 3.24)

# From the ground up; the last expression that matches a header's path is its floor.
set(floors
  "^(config|version)\.hpp$"
  "^fwd\.hpp$"
  "^foundation/"
  "^template/"
  "^structure/"
  "^draw/"
  "^algorithm/"
  "^growth/"
  "^executor/"
  "^learner\.hpp$"
  "^cluster\.hpp$"
  "^quantized/"
  "^io/"
  "^model/"
  "^stream/"
  "^eigen\.hpp$"
  "^fleet/"
  "^cuda/"
  "^service/base/"
  "^service/http/"
  "^service/monitor/"
  "^service/store/"
  "^service/access/"
  "^service/data/"
  "^service/engine/"
  "^service/api/[^/]+$"
  "^service/api/v1/"
  "^service/api/reference/"
  "^service/(server|src)\.[hi]pp$"
  "^hanami\.hpp$")

function(floor_of header result)
  set(level 0)
  set(${result} -1 PARENT_SCOPE)
  foreach(floor IN LISTS floors)
    if(header MATCHES "${floor}")
      set(${result} ${level} PARENT_SCOPE)
    endif()
    math(EXPR level "${level} + 1")
  endforeach()
endfunction()

# The header that an include names, relative to <dir>/hanami; empty if it is not one of ours.
function(resolve header named result)
  set(root ${include_dir}/hanami)
  cmake_path(GET header PARENT_PATH folder)
  set(${result} "" PARENT_SCOPE)
  foreach(candidate ${root}/${folder}/${named} ${include_dir}/${named})
    cmake_path(NORMAL_PATH candidate)
    cmake_path(IS_PREFIX root ${candidate} ours)
    if(ours AND EXISTS ${candidate})
      cmake_path(RELATIVE_PATH candidate BASE_DIRECTORY ${root} OUTPUT_VARIABLE relative)
      set(${result} ${relative} PARENT_SCOPE)
      return()
    endif()
  endforeach()
endfunction()

cmake_path(ABSOLUTE_PATH include_dir NORMALIZE)
file(GLOB_RECURSE headers RELATIVE ${include_dir}/hanami
  ${include_dir}/hanami/*.hpp ${include_dir}/hanami/*.ipp ${include_dir}/hanami/*.cuh)
if(NOT headers)
  message(FATAL_ERROR "no headers below ${include_dir}/hanami")
endif()

set(problems 0)
set(arrows 0)
macro(problem text)
  message("${header}: ${text}")
  math(EXPR problems "${problems} + 1")
endmacro()

foreach(header IN LISTS headers)
  floor_of(${header} level)
  if(level EQUAL -1)
    problem("stands on no known floor")
    continue()
  endif()
  file(STRINGS ${include_dir}/hanami/${header} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "include[ \t]*([\"<])([^\">]+)[\">]")
      problem("cannot read '${line}'")
      continue()
    endif()
    set(quote "${CMAKE_MATCH_1}")
    set(named "${CMAKE_MATCH_2}")
    if(named MATCHES "^zlib\\.h$|^zconf\\.h$" AND NOT header STREQUAL "io/gzip.hpp")
      problem("includes ${named}, which only io/gzip.hpp may")
    endif()
    resolve(${header} ${named} target)
    if(NOT target)
      if(quote STREQUAL "\"" OR named MATCHES "^hanami/")
        problem("includes ${named}, which is not there")
      endif()
      continue()
    endif()
    math(EXPR arrows "${arrows} + 1")
    floor_of(${target} target_level)
    if(target_level GREATER level)
      problem("points up to ${target}")
    endif()
    if(target IN_LIST opt_in AND NOT header IN_LIST opt_in)
      problem("includes ${target}, which is opt-in")
    endif()
  endforeach()
endforeach()

# Who compiles the service beforehand does it with this one header.
if(EXISTS ${include_dir}/hanami/service/src.hpp)
  set(header service/src.hpp)
  file(READ ${include_dir}/hanami/service/src.hpp definitions)
  file(GLOB_RECURSE parts RELATIVE ${include_dir}/hanami/service ${include_dir}/hanami/service/*.ipp)
  foreach(part IN LISTS parts)
    string(FIND "${definitions}" "\"${part}\"" place)
    if(place EQUAL -1)
      problem("does not include ${part}")
    endif()
  endforeach()
endif()

list(LENGTH headers count)
if(problems)
  message(FATAL_ERROR "${problems} problem(s) in ${count} headers")
endif()
message(STATUS "${count} headers, ${arrows} arrows, none points up")
