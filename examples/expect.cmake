# SPDX-License-Identifier: Apache-2.0
# cmake -D code=<exit code> -D output=<regular expression> -P expect.cmake -- <command>...

set(command "")
set(found OFF)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(found)
    list(APPEND command "${CMAKE_ARGV${i}}")
  elseif(CMAKE_ARGV${i} STREQUAL "--")
    set(found ON)
  endif()
endforeach()

execute_process(COMMAND ${command} RESULT_VARIABLE result OUTPUT_VARIABLE out ERROR_VARIABLE err)
if(NOT result STREQUAL code)
  message(FATAL_ERROR "exit code ${result}, expected ${code}\n${out}${err}")
elseif(NOT "${out}${err}" MATCHES "${output}")
  message(FATAL_ERROR "nothing matches '${output}' in\n${out}${err}")
endif()
