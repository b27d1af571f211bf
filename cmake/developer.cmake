# SPDX-License-Identifier: Apache-2.0
# hanami_dev: how hanami builds its own tests, examples and benchmarks. Never exported.

add_library(hanami_dev INTERFACE)

target_compile_options(hanami_dev INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-align -Wcast-qual
  -Wold-style-cast -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Wunused
  -Wdouble-promotion -Wformat=2)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # False alarms of gcc 12 from -O2 on: in inlined standard containers, in its own AVX-512 intrinsics
  # and in inlined std::string. Clang keeps what it has of them.
  target_compile_options(hanami_dev INTERFACE
    -Wno-null-dereference -Wno-maybe-uninitialized -Wno-restrict -Wno-array-bounds
    -Wno-stringop-overflow -Wno-stringop-overread
    -Wduplicated-cond -Wduplicated-branches -Wlogical-op)
endif()
if(HANAMI_WERROR)
  target_compile_options(hanami_dev INTERFACE -Werror)
endif()

if(HANAMI_NATIVE AND NOT HANAMI_ARCH)
  set(HANAMI_ARCH native)
endif()
if(HANAMI_ARCH)
  target_compile_options(hanami_dev INTERFACE -march=${HANAMI_ARCH})
endif()

if(HANAMI_SANITIZE)
  target_compile_options(hanami_dev INTERFACE
    -fsanitize=${HANAMI_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hanami_dev INTERFACE -fsanitize=${HANAMI_SANITIZE})
  target_compile_definitions(hanami_dev INTERFACE _GLIBCXX_ASSERTIONS)
endif()

# Links a program against every component that is there.
function(hanami_link target)
  list(TRANSFORM HANAMI_COMPONENTS PREPEND hanami:: OUTPUT_VARIABLE components)
  target_link_libraries(${target} PRIVATE ${components} hanami_dev)
endfunction()
