# SPDX-License-Identifier: Apache-2.0
# The service in its two forms: hanami::service is compiled once, hanami::service_headers is headers
# alone, for programs that include hanami/service/src.hpp and compile it themselves.
#
# What it needs is in Debian's packages libboost-json1.81-dev, libssl-dev, libsqlite3-dev,
# libsodium-dev, libtomlplusplus-dev, libspdlog-dev and libtbb-dev.

file(GLOB_RECURSE service_headers RELATIVE ${HANAMI_INCLUDE_DIR}/hanami CONFIGURE_DEPENDS
  ${HANAMI_INCLUDE_DIR}/hanami/service/*.hpp ${HANAMI_INCLUDE_DIR}/hanami/service/*.ipp)

# A source for each room, which holds all its definitions: most of a source's time goes into what it
# includes, and that is the same for all of a room.
set(service_sources "")
if(HANAMI_SERVICE)
  set(definitions ${service_headers})
  list(FILTER definitions INCLUDE REGEX "\\.ipp$")
  set(rooms "")
  foreach(definition IN LISTS definitions)
    cmake_path(GET definition PARENT_PATH room)
    string(REPLACE "/" "_" room "${room}")
    string(APPEND text_of_${room} "#include <hanami/${definition}>\n")
    list(APPEND rooms ${room})
  endforeach()
  list(REMOVE_DUPLICATES rooms)
  foreach(room IN LISTS rooms)
    file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/service/${room}.cpp CONTENT "${text_of_${room}}")
    list(APPEND service_sources ${PROJECT_BINARY_DIR}/service/${room}.cpp)
  endforeach()
endif()

# Streams take rows from a broker of MQTT where its library is (Debian's libmosquitto-dev).
set(mqtt "")
find_library(HANAMI_LIBRARY_mosquitto mosquitto)
find_path(HANAMI_MOSQUITTO_INCLUDE mosquitto.h)
mark_as_advanced(HANAMI_LIBRARY_mosquitto HANAMI_MOSQUITTO_INCLUDE)
if(HANAMI_LIBRARY_mosquitto AND HANAMI_MOSQUITTO_INCLUDE)
  set(mqtt mosquitto)
endif()

hanami_component(service_headers IF HANAMI_SERVICE
  FIND "Boost 1.81 COMPONENTS json" OpenSSL SQLite3 tomlplusplus spdlog
  LIBRARIES sodium ${mqtt}
  LINK hanami_tbb hanami_gzip Boost::json OpenSSL::SSL SQLite::SQLite3 sodium ${mqtt}
    tomlplusplus::tomlplusplus spdlog::spdlog_header_only
  HEADERS ${service_headers})
hanami_component(service IF HANAMI_SERVICE
  LINK hanami_service_headers
  SOURCES ${service_sources})
if(TARGET hanami_service_headers AND mqtt)
  target_compile_definitions(hanami_service_headers INTERFACE HANAMI_MQTT=1)
endif()
if(TARGET hanami_service)
  target_compile_definitions(hanami_service PRIVATE HANAMI_SERVICE_INLINE=)
endif()
