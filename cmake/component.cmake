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

# hanami_component(<name> [IF <option>] [FIND <package>...] [LIBRARIES <library>...]
#   [LINK <target>...] [HEADERS <header>...] [SOURCES <file>...])
# A package of FIND is a name, or a name with a version and components in the words of find_package,
# joined by blanks. LIBRARIES are looked for by their bare names. A target hanami_<other> of LINK is
# another component, which has to be there.
# `core` owns and installs all headers; every other component links it. One with SOURCES is a static
# library. Where hanami is not installed, it is built only for those who link it.
function(hanami_component name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "IF" "FIND;LIBRARIES;LINK;HEADERS;SOURCES")
  list(APPEND HANAMI_OPT_IN_HEADERS ${arg_HEADERS})
  set(HANAMI_OPT_IN_HEADERS ${HANAMI_OPT_IN_HEADERS} PARENT_SCOPE)
  set(parts ${arg_LINK}) # other components
  list(FILTER parts INCLUDE REGEX "^hanami_")
  list(TRANSFORM parts REPLACE "^hanami_" "")
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
    foreach(library IN LISTS arg_LIBRARIES)
      find_library(HANAMI_LIBRARY_${library} ${library})
      mark_as_advanced(HANAMI_LIBRARY_${library})
      if(NOT HANAMI_LIBRARY_${library})
        list(APPEND missing "lib${library} not found")
      endif()
    endforeach()
    foreach(other IN LISTS parts)
      if(NOT TARGET hanami_${other})
        list(APPEND missing "hanami::${other} left out")
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
  set(reach INTERFACE)
  if(arg_SOURCES)
    set(reach PUBLIC)
    add_library(${target} STATIC ${arg_SOURCES})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
    if(NOT HANAMI_INSTALL)
      set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
  else()
    add_library(${target} INTERFACE)
  endif()
  add_library(hanami::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  if(name STREQUAL "core")
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_sources(${target} INTERFACE
      FILE_SET HEADERS BASE_DIRS ${HANAMI_INCLUDE_DIR} FILES ${HANAMI_HEADERS})
    set(header_rule FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  else()
    target_link_libraries(${target} ${reach} hanami_core ${arg_LINK})
    set(header_rule "")
  endif()
  if(HANAMI_INSTALL)
    # Optional: who wants the headers alone installs without building anything.
    install(TARGETS ${target} EXPORT hanami-${name}
      ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} OPTIONAL ${header_rule})
    install(EXPORT hanami-${name} NAMESPACE hanami:: FILE hanami-${name}-targets.cmake
      DESTINATION ${HANAMI_PACKAGE_DIR})
  endif()

  list(APPEND HANAMI_COMPONENTS ${name})
  set(HANAMI_COMPONENTS ${HANAMI_COMPONENTS} PARENT_SCOPE)
  string(APPEND hanami_component_table
    "set(_hanami_parts_${name} \"${parts}\")\n"
    "set(_hanami_needs_${name} \"${arg_FIND}\")\n"
    "set(_hanami_libraries_${name} \"${arg_LIBRARIES}\")\n")
  if(arg_SOURCES)
    string(APPEND hanami_component_table "set(_hanami_archive_${name} "
      "\"${CMAKE_STATIC_LIBRARY_PREFIX}${target}${CMAKE_STATIC_LIBRARY_SUFFIX}\")\n")
  endif()
  set(hanami_component_table "${hanami_component_table}" PARENT_SCOPE)
endfunction()

# Installs hanami-config.cmake and its version file. Call it after the last hanami_component().
function(hanami_install_package)
  configure_package_config_file(
    ${PROJECT_SOURCE_DIR}/cmake/hanami-config.cmake.in
    ${PROJECT_BINARY_DIR}/hanami-config.cmake
    INSTALL_DESTINATION ${HANAMI_PACKAGE_DIR}
    PATH_VARS CMAKE_INSTALL_LIBDIR
    NO_SET_AND_CHECK_MACRO)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/hanami-config-version.cmake
    COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
  install(FILES
    ${PROJECT_BINARY_DIR}/hanami-config.cmake
    ${PROJECT_BINARY_DIR}/hanami-config-version.cmake
    DESTINATION ${HANAMI_PACKAGE_DIR})
  install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endfunction()
