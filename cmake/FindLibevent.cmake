# Finds libevent if it has no package config of its own (Debian, Ubuntu).
# Defines libevent::core and libevent::extra, the names that libevent's own package config uses.
find_package(Libevent CONFIG QUIET)
if(TARGET libevent::core AND TARGET libevent::extra)
  set(Libevent_FOUND TRUE)  # also where it was found before
  return()
endif()

find_path(Libevent_INCLUDE_DIR event2/event-config.h)
find_library(Libevent_CORE_LIBRARY event_core)
find_library(Libevent_EXTRA_LIBRARY event_extra)
mark_as_advanced(Libevent_INCLUDE_DIR Libevent_CORE_LIBRARY Libevent_EXTRA_LIBRARY)

if(Libevent_INCLUDE_DIR)
  file(STRINGS "${Libevent_INCLUDE_DIR}/event2/event-config.h" Libevent_VERSION REGEX "EVENT__VERSION \"")
  string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" Libevent_VERSION "${Libevent_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libevent
  REQUIRED_VARS Libevent_CORE_LIBRARY Libevent_EXTRA_LIBRARY Libevent_INCLUDE_DIR
  VERSION_VAR Libevent_VERSION)

if(Libevent_FOUND)
  foreach(part core extra)
    string(TOUPPER ${part} part_upper)
    add_library(libevent::${part} UNKNOWN IMPORTED)
    set_target_properties(libevent::${part} PROPERTIES
      IMPORTED_LOCATION "${Libevent_${part_upper}_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${Libevent_INCLUDE_DIR}")
  endforeach()
  set_property(TARGET libevent::extra PROPERTY INTERFACE_LINK_LIBRARIES libevent::core)
endif()
