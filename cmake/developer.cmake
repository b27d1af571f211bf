# SPDX-License-Identifier: Apache-2.0
# hanami_dev: how hanami builds its own tests, examples and benchmarks. Never exported.

add_library(hanami_dev INTERFACE)

set(cxx $<COMPILE_LANGUAGE:CXX>)
set(cuda $<COMPILE_LANGUAGE:CUDA>)
target_compile_options(hanami_dev INTERFACE $<${cxx}:
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align -Wcast-qual
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wunused
  -Wdouble-promotion -Wformat=2>)
# The warnings put off are false: nvcc does not know the pragmas of the compiler that comes after it.
target_compile_options(hanami_dev INTERFACE
  "$<${cuda}:-Xcompiler=-Wall,-Wextra;-diag-suppress=1675,549>")
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of gcc 12 from -O2 on: in inlined standard containers, in its own AVX-512 intrinsics
  # and in inlined std::string. Clang keeps what it has of them.
  target_compile_options(hanami_dev INTERFACE $<${cxx}:
    -Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds
    -Wno-stringop-overflow -Wno-stringop-overread
    -Wduplicated-cond -Wduplicated-branches -Wlogical-op>)
endif()
if(HANAMI_WERROR)
  target_compile_options(hanami_dev INTERFACE $<${cxx}:-Werror>)
endif()

if(HANAMI_NATIVE AND NOT HANAMI_ARCH)
  set(HANAMI_ARCH native)
endif()
if(HANAMI_ARCH)
  target_compile_options(hanami_dev INTERFACE $<${cxx}:-march=${HANAMI_ARCH}>)
endif()

# For a check, not for use: only the network is compiled with all optimisation.
option(HANAMI_QUICK
  "Compile sooner: a folder of tests at once, all but the network with less optimisation" OFF)
set(hanami_quick_rest $<$<BOOL:${HANAMI_QUICK}>:-O1>) # what runs, but not for long
set(hanami_quick_program $<$<BOOL:${HANAMI_QUICK}>:-O0>) # what hardly runs

# hanami_unite(<list>): with HANAMI_QUICK the sources of a list that lie in one folder become one unit,
# since most of the time goes into what they include and instantiate in common. Each is in a namespace
# of its own: what it includes is there before, so that the same lines inside do nothing. What replaces
# something global stays alone.
function(hanami_unite list)
  if(NOT HANAMI_QUICK)
    return()
  endif()
  set(result "")
  foreach(source IN LISTS ${list})
    file(READ ${source} text)
    if(text MATCHES "operator new|\nnamespace [a-z]")
      list(APPEND result ${source})
      continue()
    endif()
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
    cmake_path(GET source PARENT_PATH folder)
    cmake_path(RELATIVE_PATH folder OUTPUT_VARIABLE unit)
    string(MAKE_C_IDENTIFIER "${unit}" unit)
    file(STRINGS ${source} lines REGEX "^#include [\"<]")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#include .(.*).$" "\\1" header "${line}")
      if(EXISTS ${folder}/${header})
        set(line "#include \"${folder}/${header}\"")
      endif()
      list(APPEND includes_${unit} "${line}")
    endforeach()
    cmake_path(GET source STEM name)
    string(APPEND text_${unit} "\nnamespace ${name} {\n#include \"${source}\"\n}\n")
    list(APPEND units ${unit})
  endforeach()
  list(REMOVE_DUPLICATES units)
  foreach(unit IN LISTS units)
    list(REMOVE_DUPLICATES includes_${unit})
    list(JOIN includes_${unit} "\n" includes)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/united/${unit}.cpp)
    file(CONFIGURE OUTPUT ${source} CONTENT "${includes}\n${text_${unit}}" @ONLY)
    list(APPEND result ${source})
  endforeach()
  set(${list} ${result} PARENT_SCOPE)
endfunction()

if(HANAMI_SANITIZE)
  target_compile_options(hanami_dev INTERFACE
    -fsanitize=${HANAMI_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hanami_dev INTERFACE -fsanitize=${HANAMI_SANITIZE})
  target_compile_definitions(hanami_dev INTERFACE _GLIBCXX_ASSERTIONS)
  # clang 14 and 15 cannot assemble coroutines with what this check puts before functions.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 16)
    target_compile_options(hanami_dev INTERFACE -fno-sanitize=function)
  endif()
endif()

# What nvcc compiles, once for all programs that run on a device.
if(TARGET hanami_cuda)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/cuda_device.cu CONTENT
    "#include <hanami/cuda/cuda.cuh>\n")
  add_library(hanami_cuda_device STATIC ${PROJECT_BINARY_DIR}/cuda_device.cu)
  target_link_libraries(hanami_cuda_device PUBLIC hanami_cuda PRIVATE hanami_dev)
endif()

# hanami_quick_service(<target> <source>...): with HANAMI_QUICK only the service's rooms that train are
# optimised: for the others clang takes three times as long with sanitizers.
function(hanami_quick_service target)
  target_compile_options(${target} PRIVATE ${hanami_quick_program})
  foreach(source IN LISTS ARGN)
    if(source MATCHES "/service_(engine|stream)[a-z_]*\\.cpp$")
      set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${hanami_quick_rest}")
    endif()
  endforeach()
endfunction()

# The service is compiled with what our own programs are compiled with.
if(TARGET hanami_service)
  target_link_libraries(hanami_service PRIVATE $<BUILD_INTERFACE:hanami_dev>)
  hanami_quick_service(hanami_service ${service_sources})
  if(HANAMI_ARCH)
    target_compile_options(hanami_service PUBLIC -march=${HANAMI_ARCH})
  endif()
endif()

# Takes those sources off a list that include a header whose package is not there.
function(hanami_leave_out_missing list)
  foreach(header IN LISTS HANAMI_MISSING_HEADERS)
    string(REPLACE "." "\\." pattern "${header}")
    foreach(source IN LISTS ${list})
      file(STRINGS ${source} uses REGEX "#include.*hanami/${pattern}")
      if(uses)
        list(REMOVE_ITEM ${list} ${source})
      endif()
    endforeach()
  endforeach()
  set(${list} ${${list}} PARENT_SCOPE)
endfunction()

# Links a program against every component that is there, but for the service, which is linked where it
# is used.
function(hanami_link target)
  list(TRANSFORM HANAMI_COMPONENTS PREPEND hanami:: OUTPUT_VARIABLE components)
  list(REMOVE_ITEM components hanami::service hanami::service_headers)
  target_link_libraries(${target} PRIVATE ${components} hanami_dev)
endfunction()

# hanami_dispatched_program(<name> <source> [<library>...]): the program as a library for every level
# of x86-64, in the folders where the loader of glibc (2.33 and newer) looks for the best one that the
# processor can run, and an executable that does nothing but load it. Nothing is tied to the building
# machine.
function(hanami_dispatched_program name source)
  set(loaded ${name}_program)
  file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/nothing.cpp "// main() is in the library\n")
  add_executable(${name} ${CMAKE_CURRENT_BINARY_DIR}/nothing.cpp)
  foreach(level x86-64 x86-64-v2 x86-64-v3 x86-64-v4)
    set(library ${loaded}_${level})
    add_library(${library} SHARED ${source})
    hanami_link(${library})
    target_link_libraries(${library} PRIVATE ${ARGN})
    target_compile_options(${library} PRIVATE -march=${level})
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/glibc-hwcaps/${level})
    if(level STREQUAL "x86-64")
      set(folder ${CMAKE_CURRENT_BINARY_DIR})
      target_link_libraries(${name} PRIVATE -Wl,--no-as-needed ${library})
    else()
      add_dependencies(${name} ${library})
    endif()
    set_target_properties(${library} PROPERTIES
      OUTPUT_NAME hanami_${name} LIBRARY_OUTPUT_DIRECTORY ${folder})
  endforeach()
  set_target_properties(${name} PROPERTIES BUILD_RPATH "\$ORIGIN" BUILD_RPATH_USE_ORIGIN ON)
endfunction()
