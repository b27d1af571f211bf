# SPDX-License-Identifier: Apache-2.0
# cmake -D include_dir=<dir> [-D opt_in=<header;...>] [-D folders=<dir;...>] [-D most_permille=<n>]
#   [-D graph=<path>] -P layers.cmake
# Fails unless the rooms below <dir>/hanami hold:
# - an #include never points to a higher room (inside one room anything goes);
# - no chain of includes leads back to where it began;
# - no room has more than `most_permille` of all lines (300 if not given);
# - no folder holds more than 24 files: below <dir>/hanami, and below those in `folders`;
# - opt-in headers (relative to <dir>/hanami) are included by opt-in headers only;
# - zlib is included by io/gzip.hpp only, POSIX where files are written and lines are followed;
# - nothing but the handler of errors is a state of the whole program, outside of the service;
# - all but errors, the service and `gpu` is in the inline namespace of the instruction set (isa.hpp);
# - service/src.hpp includes every .ipp of the service.
# With `graph` it also prints the rooms as a table and draws their arrows: <path>.dot, <path>.svg.
cmake_minimum_required(VERSION 3.24)

set(most_files 24)
if(NOT DEFINED most_permille)
  set(most_permille 300)
endif()

# From the ground up, <name>=<expression>; the last expression that matches a header's path is its
# room.
set(rooms
  "config=^(config|isa|version)\.hpp$"
  "fwd=^fwd\.hpp$"
  "foundation=^foundation/"
  "template=^template/"
  "structure=^structure/"
  "draw=^draw/"
  "algorithm=^algorithm/"
  "growth=^growth/"
  "executor=^executor/"
  "learner=^(learner|learning)\.hpp$"
  "cluster=^cluster\.hpp$"
  "quantized=^quantized/"
  "io=^io/"
  "model=^model/"
  "stream=^stream/"
  "eigen=^eigen\.hpp$"
  "fleet=^fleet/"
  "cuda=^cuda/"
  "service/base=^service/base/"
  "service/http=^service/http/"
  "service/monitor=^service/monitor/"
  "service/store=^service/store/"
  "service/access=^service/access/"
  "service/data=^service/data/"
  "service/engine=^service/engine/"
  "service/stream=^service/stream/"
  "service/webhook=^service/webhook/"
  "service/api=^service/api/[^/]+$"
  "service/api/v1=^service/api/v1/"
  "service/api/reference=^service/api/reference/"
  "service/server=^service/server\.[hi]pp$"
  "service/operate=^service/operate/"
  "service/src=^service/src\.hpp$"
  "umbrellas=^(hanami|data|stream)\.hpp$")

# The number of a header's room, -1 if it has none.
function(room_of header result)
  set(number 0)
  set(${result} -1 PARENT_SCOPE)
  foreach(room IN LISTS rooms)
    string(REGEX REPLACE "^[^=]*=" "" expression "${room}")
    if(header MATCHES "${expression}")
      set(${result} ${number} PARENT_SCOPE)
    endif()
    math(EXPR number "${number} + 1")
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
    if(ours AND EXISTS ${candidate} AND NOT IS_DIRECTORY ${candidate})
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
macro(problem where text)
  message("${where}: ${text}")
  math(EXPR problems "${problems} + 1")
endmacro()
macro(increase variable by)
  math(EXPR ${variable} "${${variable}} + ${by}")
endmacro()

# Of room number n: files_<n>, lines_<n>, up_<n>, biggest_<n> and biggest_lines_<n>; and
# arrows_<from>_<to> between rooms. uses_<header> are the headers that it includes.
list(LENGTH rooms room_count)
math(EXPR last_room "${room_count} - 1")
set(all_lines 0)
foreach(from RANGE ${last_room})
  foreach(counter files lines up biggest_lines)
    set(${counter}_${from} 0)
  endforeach()
  foreach(to RANGE ${last_room})
    set(arrows_${from}_${to} 0)
  endforeach()
endforeach()

foreach(header IN LISTS headers)
  set(uses_${header} "")
  room_of(${header} room_${header})
endforeach()

foreach(header IN LISTS headers)
  set(from ${room_${header}})
  if(from EQUAL -1)
    problem(${header} "stands in no known room")
    continue()
  endif()
  file(READ ${include_dir}/hanami/${header} text)
  string(REGEX REPLACE "[^\n]" "" text "${text}")
  string(LENGTH "${text}" size)
  increase(all_lines ${size})
  increase(lines_${from} ${size})
  increase(files_${from} 1)
  if(size GREATER biggest_lines_${from})
    set(biggest_lines_${from} ${size})
    set(biggest_${from} ${header})
  endif()

  file(STRINGS ${include_dir}/hanami/${header} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS lines)
    if(NOT line MATCHES "include[ \t]*([\"<])([^\">]+)[\">]")
      problem(${header} "cannot read '${line}'")
      continue()
    endif()
    set(quote "${CMAKE_MATCH_1}")
    set(named "${CMAKE_MATCH_2}")
    if(named MATCHES "^(sys/.*|unistd|fcntl|poll|dirent|pthread|termios|signal)\\.h$"
        AND NOT header MATCHES
          "^(service/|io/(lines/|write_file|progress)|foundation/pages|fleet/process_mark)")
      problem(${header} "includes ${named}, which is of POSIX")
    endif()
    if(named MATCHES "^zlib\\.h$|^zconf\\.h$" AND NOT header STREQUAL "io/gzip.hpp")
      problem(${header} "includes ${named}, which only io/gzip.hpp may")
    endif()
    resolve(${header} ${named} target)
    if(NOT target)
      if(quote STREQUAL "\"" OR named MATCHES "^hanami/")
        problem(${header} "includes ${named}, which is not there")
      endif()
      continue()
    endif()
    increase(arrows 1)
    list(APPEND uses_${header} ${target})
    set(to "${room_${target}}")
    if(to GREATER from)
      increase(up_${from} 1)
      problem(${header} "points up to ${target}")
    endif()
    if(NOT to EQUAL -1)
      increase(arrows_${from}_${to} 1)
    endif()
    if(target IN_LIST opt_in AND NOT header IN_LIST opt_in)
      problem(${header} "includes ${target}, which is opt-in")
    endif()
  endforeach()

  # Each shared library of a program has its own of these.
  file(STRINGS ${include_dir}/hanami/${header} lines REGEX "thread_local|static (std::)?atomic|inline (std::)?atomic")
  if(lines AND NOT header MATCHES "^(foundation/error\\.hpp|service/)")
    problem(${header} "has a state of the whole program: '${lines}'")
  endif()

  file(STRINGS ${include_dir}/hanami/${header} lines REGEX "^namespace hanami")
  foreach(line IN LISTS lines)
    if(NOT header MATCHES "^(foundation/error|fwd)\\.hpp$"
        AND line MATCHES "^namespace hanami(::detail[a-z_:]*)? {")
      problem(${header} "opens '${line}': write 'namespace hanami::inline HANAMI_ISA${CMAKE_MATCH_1} {'")
    elseif(line MATCHES "HANAMI_ISA" AND NOT uses_${header})
      problem(${header} "opens '${line}' and does not include config.hpp, which defines that")
    endif()
  endforeach()
endforeach()

# Circles: what includes nothing that is left goes, until nothing goes any more. That a header brings
# its definitions with it, which include the header, is no circle.
set(left ${headers})
set(went TRUE)
while(went AND left)
  set(went FALSE)
  set(stay "")
  foreach(header IN LISTS left)
    set(free TRUE)
    foreach(target IN LISTS uses_${header})
      if(NOT gone_${target} AND NOT (target MATCHES "\\.ipp$" AND header MATCHES "\\.hpp$"))
        set(free FALSE)
        break()
      endif()
    endforeach()
    if(free)
      set(gone_${header} TRUE)
      set(went TRUE)
    else()
      list(APPEND stay ${header})
    endif()
  endforeach()
  set(left ${stay})
endwhile()
if(left)
  # From any that is left the way leads on, and at last to where it has been.
  list(GET left 0 header)
  set(way "")
  while(NOT header IN_LIST way)
    list(APPEND way ${header})
    foreach(target IN LISTS uses_${header})
      if(NOT gone_${target} AND NOT (target MATCHES "\\.ipp$" AND header MATCHES "\\.hpp$"))
        set(header ${target})
        break()
      endif()
    endforeach()
  endwhile()
  list(FIND way ${header} begin)
  list(SUBLIST way ${begin} -1 way)
  list(JOIN way " -> " text)
  problem(${header} "is in a circle: ${text} -> ${header}")
endif()

# Who compiles the service beforehand does it with this one header.
if(EXISTS ${include_dir}/hanami/service/src.hpp)
  file(READ ${include_dir}/hanami/service/src.hpp definitions)
  file(GLOB_RECURSE parts RELATIVE ${include_dir}/hanami/service ${include_dir}/hanami/service/*.ipp)
  foreach(part IN LISTS parts)
    string(FIND "${definitions}" "\"${part}\"" place)
    if(place EQUAL -1)
      problem(service/src.hpp "does not include ${part}")
    endif()
  endforeach()
endif()

foreach(number RANGE ${last_room})
  list(GET rooms ${number} room)
  string(REGEX REPLACE "=.*" "" name_${number} "${room}")
  math(EXPR permille_${number} "(1000 * ${lines_${number}} + ${all_lines} / 2) / ${all_lines}")
  if(permille_${number} GREATER most_permille)
    math(EXPR percent "${permille_${number}} / 10")
    problem(${name_${number}} "has ${percent} % of all lines")
  endif()
endforeach()

foreach(top ${include_dir}/hanami ${folders})
  file(GLOB_RECURSE entries LIST_DIRECTORIES TRUE ${top}/*)
  foreach(folder ${top} ${entries})
    if(IS_DIRECTORY ${folder})
      file(GLOB files LIST_DIRECTORIES FALSE ${folder}/*)
      list(LENGTH files count)
      if(count GREATER most_files)
        problem(${folder} "holds ${count} files, ${most_files} at most")
      endif()
    endif()
  endforeach()
endforeach()

if(DEFINED graph)
  include(${CMAKE_CURRENT_LIST_DIR}/layers_graph.cmake)
endif()

list(LENGTH headers count)
if(problems)
  message(FATAL_ERROR "${problems} problem(s) in ${count} headers")
endif()
message(STATUS "${count} headers, ${arrows} arrows, none points up, no circle")
