# SPDX-License-Identifier: Apache-2.0
# cmake -D machine=<triplet> -D qemu=<program> -D include_dir=<dir> -D build_dir=<dir>
#       -D output=<regex> -D most_code=<bytes> -P cross.cmake
# Builds the firmware example for another machine, runs it there and prints the size of its code:
# that of everything but the system's own libraries. Fails if one of them is not as wanted.
cmake_minimum_required(VERSION 3.24)

file(MAKE_DIRECTORY ${build_dir})
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  if(NOT status EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: ${status}\n${text}")
  endif()
  set(text "${text}" PARENT_SCOPE)
endfunction()

set(small -Os -ffunction-sections -fdata-sections -Wall -Wextra -Werror)
run(${machine}-gcc -std=c11 ${small} -c ${CMAKE_CURRENT_LIST_DIR}/main.c -o ${build_dir}/main.o)
# What arm's compiler notes of C++17's calling convention concerns nobody here.
run(${machine}-g++ -std=c++20 ${small} -Wconversion -Wsign-conversion -Wno-psabi
  -fno-exceptions -fno-rtti -I ${include_dir}
  -c ${CMAKE_CURRENT_LIST_DIR}/network.cpp -o ${build_dir}/network.o)
set(objects ${build_dir}/main.o ${build_dir}/network.o)
run(${machine}-g++ -static -Wl,--gc-sections ${objects} -lm -o ${build_dir}/firmware)
run(${qemu} ${build_dir}/firmware)
string(STRIP "${text}" text)
message(STATUS "${machine}: ${text}")
if(NOT text MATCHES "${output}")
  message(FATAL_ERROR "expected ${output}")
endif()

run(${machine}-g++ -Wl,--gc-sections ${objects} -lm -o ${build_dir}/firmware_shared)
run(${machine}-size ${build_dir}/firmware_shared)
if(NOT text MATCHES "filename[^0-9]+([0-9]+)")
  message(FATAL_ERROR "no size in\n${text}")
endif()
message(STATUS "${machine}: ${CMAKE_MATCH_1} bytes of code, at most ${most_code} are wanted")
if(CMAKE_MATCH_1 GREATER most_code)
  message(FATAL_ERROR "too large")
endif()
