# Finds the library's dependencies: libcurl, nlohmann/json, spdlog, Threads; libevent only for the simulator and the
# dashboard. Packages that the parent project already provides are used unchanged.
#
# Sets holysheep_curl, holysheep_json and holysheep_spdlog: the targets to link. All are private to the library. A copy
# of the last two that is not installed on the system (downloaded here, or part of the parent's build) is compiled in,
# so that the installed package does not require it; libcurl is required in any case.
find_package(Threads REQUIRED)
if(NOT TARGET CURL::libcurl)
  find_package(CURL 7.87 REQUIRED)  # (curl_handle.hpp checks the version of one that was there)
endif()
get_target_property(holysheep_curl_is_imported CURL::libcurl IMPORTED)
if(holysheep_curl_is_imported)
  set(holysheep_curl CURL::libcurl)
else()
  # A target of the parent's build is in none of our exports: the package config links it (holysheepConfig.cmake.in).
  set(holysheep_curl "$<BUILD_INTERFACE:CURL::libcurl>")
endif()

if(HOLYSHEEP_FETCH_DEPS)
  include(FetchContent)
  if(NOT TARGET nlohmann_json::nlohmann_json)
    FetchContent_Declare(nlohmann_json SYSTEM
      URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
      URL_HASH SHA256=d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d
      DOWNLOAD_EXTRACT_TIMESTAMP OFF
      FIND_PACKAGE_ARGS 3.11)
    FetchContent_MakeAvailable(nlohmann_json)
  endif()
  if(NOT TARGET spdlog::spdlog)
    FetchContent_Declare(spdlog SYSTEM
      URL https://github.com/gabime/spdlog/archive/refs/tags/v1.14.1.tar.gz
      URL_HASH SHA256=1586508029a7d0670dfcb2d97575dcdc242d3868a259742b69f100801ab4e16b
      DOWNLOAD_EXTRACT_TIMESTAMP OFF
      FIND_PACKAGE_ARGS 1.10)
    FetchContent_MakeAvailable(spdlog)
    if(TARGET spdlog AND spdlog_SOURCE_DIR)
      set_target_properties(spdlog PROPERTIES EXCLUDE_FROM_ALL ON)  # the header-only form is used
    endif()
  endif()
else()
  foreach(dependency "nlohmann_json 3.11" "spdlog 1.10")
    separate_arguments(dependency)
    list(GET dependency 0 package)
    if(NOT TARGET ${package}::${package})
      find_package(${dependency} QUIET)
      if(NOT ${package}_FOUND)
        list(JOIN dependency " " wanted)
        message(FATAL_ERROR "holysheep needs ${wanted} or newer. Install it (cmake/install-deps.sh names the "
          "packages), point CMAKE_PREFIX_PATH at it, or let HOLYSHEEP_FETCH_DEPS=ON download it.")
      endif()
    endif()
  endforeach()
endif()

set(holysheep_json "$<BUILD_INTERFACE:nlohmann_json::nlohmann_json>")
get_target_property(spdlog_is_imported spdlog::spdlog IMPORTED)
if(spdlog_is_imported)
  set(holysheep_spdlog spdlog::spdlog)
elseif(TARGET spdlog::spdlog_header_only)
  set(holysheep_spdlog "$<BUILD_INTERFACE:spdlog::spdlog_header_only>")
else()
  # A target of the parent's build, of which only the headers can be relied on.
  add_library(holysheep_spdlog_headers INTERFACE)
  target_include_directories(holysheep_spdlog_headers SYSTEM INTERFACE
    $<TARGET_PROPERTY:spdlog::spdlog,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_definitions(holysheep_spdlog_headers INTERFACE
    $<FILTER:$<TARGET_PROPERTY:spdlog::spdlog,INTERFACE_COMPILE_DEFINITIONS>,EXCLUDE,COMPILED_LIB|SHARED_LIB>)
  set(holysheep_spdlog "$<BUILD_INTERFACE:holysheep_spdlog_headers>")
endif()

if(HOLYSHEEP_BUILD_SIMULATOR OR HOLYSHEEP_BUILD_DASHBOARD)
  find_package(Libevent 2.1 QUIET)
  if(NOT Libevent_FOUND)
    message(STATUS "holysheep: libevent was not found; the simulator and the dashboard, and what needs them, are left out")
    set(HOLYSHEEP_BUILD_SIMULATOR OFF)
    set(HOLYSHEEP_BUILD_DASHBOARD OFF)
  endif()
endif()
