# SPDX-License-Identifier: Apache-2.0
# cmake -D nm=<program> -D objdump=<program> -D base=<object> -D other=<object> -P symbols.cmake
# Two units of the same source, `other` compiled for a newer processor. Fails where they have an inline
# function of hanami in common, of which the linker would take either, other than those of errors; and
# where one of these would not run on the older processor.
cmake_minimum_required(VERSION 3.24)

# What of hanami the linker may take from another unit.
function(inline_symbols object result)
  execute_process(COMMAND ${nm} --defined-only -P ${object}
    OUTPUT_VARIABLE lines COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]*6hanami[^\n ]* [WVu] " lines "${lines}")
  list(TRANSFORM lines REPLACE " [WVu] $" "")
  set(${result} ${lines} PARENT_SCOPE)
endfunction()

inline_symbols(${base} older)
inline_symbols(${other} newer)
list(LENGTH older count)
if(count LESS 50)
  message(FATAL_ERROR "${base} has only ${count} inline functions of hanami: nothing is tested")
endif()

set(common "")
foreach(symbol IN LISTS newer)
  if(symbol IN_LIST older)
    list(APPEND common ${symbol})
  endif()
endforeach()
set(of_errors "6hanami(5error|13errc_category|14error_category|15make_error_code|eqE)")
foreach(symbol IN LISTS common)
  if(NOT symbol MATCHES "${of_errors}")
    message(SEND_ERROR "units for two processors share ${symbol}")
  endif()
  execute_process(COMMAND ${objdump} -d --no-show-raw-insn --disassemble=${symbol} ${other}
    OUTPUT_VARIABLE code COMMAND_ERROR_IS_FATAL ANY)
  if(code MATCHES "%[xyz]mm")
    message(SEND_ERROR "${symbol} is shared and has instructions of the newer processor:\n${code}")
  endif()
endforeach()
list(LENGTH common count)
if(count EQUAL 0)
  message(SEND_ERROR "errors are not shared: an error of one unit is not caught in the other")
endif()
