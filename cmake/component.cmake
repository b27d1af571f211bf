# SPDX-License-Identifier: Apache-2.0
# A component is a target hanami::<name>, an export set of its own and a line in the package config.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(HANAMI_INCLUDE_DIR ${PROJECT_SOURCE_DIR}/include)
set(HANAMI_PACKAGE_DIR ${CMAKE_INSTALL_DATADIR}/cmake/hanami)
file(GLOB_RECURSE HANAMI_HEADERS CONFIGURE_DEPENDS
  ${HANAMI_INCLUDE_DIR}/hanami/*.hpp
  ${HANAMI_INCLUDE_DIR}/hanami/*.ipp
  ${HANAMI_INCLUDE_DIR}/hanami/*.cuh)
set(HANAMI_COMPONENTS "") # those that could be defined
set(HANAMI_OPT_IN_HEADERS "") # relative to include/hanami, whether or not their package is there
set(HANAMI_MISSING_HEADERS "") # those of them whose package is not there
set(hanami_component_table "") # text of the package config

# hanami_component(<name> [IF <option>] [FIND <package>...] [LINK <target>...] [HEADERS <header>...])
# A package of FIND is a name, or a name with a version and components in the words of find_package,
# joined by blanks.
# `core` owns and installs all headers; every other component links it.
function(hanami_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "IF" "FIND;LINK;HEADERS")
  list(APPEND HANAMI_OPT_IN_HEADERS ${arg_HEADERS})
  set(HANAMI_OPT_IN_HEADERS ${HANAMI_OPT_IN_HEADERS} PARENT_SCOPE)
  set(missing "")
  if(arg_IF AND NOT ${arg_IF})
    set(missing "${arg_IF} is off")
  else()
    foreach(package IN LISTS arg_FIND)
      separate_arguments(words UNIX_COMMAND "${package}")
      list(GET words 0 package)
      find_package(${words} QUIET GLOBAL)
      if(NOT ${package}_FOUND)
        list(APPEND missing "${package} not found")
      endif()
    endforeach()
    list(JOIN missing ", " missing)
  endif()
  if(missing)
    message(STATUS "hanami::${name} left out: ${missing}")
    list(APPEND HANAMI_MISSING_HEADERS ${arg_HEADERS})
    set(HANAMI_MISSING_HEADERS ${HANAMI_MISSING_HEADERS} PARENT_SCOPE)
    return()
  endif()

  set(target hanami_${name})
  add_library(${target} INTERFACE)
  add_library(hanami::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  if(name STREQUAL "core")
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_sources(${target} INTERFACE
      FILE_SET HEADERS BASE_DIRS ${HANAMI_INCLUDE_DIR} FILES ${HANAMI_HEADERS})
    set(header_rule FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  else()
    target_link_libraries(${target} INTERFACE hanami_core ${arg_LINK})
    set(header_rule "")
  endif()
  if(HANAMI_INSTALL)
    install(TARGETS ${target} EXPORT hanami-${name} ${header_rule})
    install(EXPORT hanami-${name} NAMESPACE hanami:: FILE hanami-${name}-targets.cmake
      DESTINATION ${HANAMI_PACKAGE_DIR})
  endif()

  list(APPEND HANAMI_COMPONENTS ${name})
  set(HANAMI_COMPONENTS ${HANAMI_COMPONENTS} PARENT_SCOPE)
  set(hanami_component_table
    "${hanami_component_table}set(_hanami_needs_${name} \"${arg_FIND}\")\n" PARENT_SCOPE)
endfunction()

# Installs hanami-config.cmake and its version file. Call it after the last hanami_component().
function(hanami_install_package)
  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/hanami-config.cmake.in
    ${PROJECT_BINARY_DIR}/hanami-config.cmake
    INSTALL_DESTINATION ${HANAMI_PACKAGE_DIR}
    NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/hanami-config-version.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
  install(FILES
    ${PROJECT_BINARY_DIR}/hanami-config.cmake
    ${PROJECT_BINARY_DIR}/hanami-config-version.cmake
    DESTINATION ${HANAMI_PACKAGE_DIR})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()
