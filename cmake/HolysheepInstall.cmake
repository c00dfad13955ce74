# Installs the library, its headers, the package config for CMake and the pkg-config file. Components: holysheep_runtime
# (a shared library), holysheep_development (everything else), holysheep_testing (the test kit), holysheep_dashboard.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
# Installing an incomplete build would fail halfway and leave an incomplete prefix.
set(parts_by_component
  "holysheep:holysheep_runtime" "holysheep:holysheep_development" "holysheep_testing:holysheep_testing"
  "holysheep_simulator:holysheep_testing" "holysheep_dashboard:holysheep_dashboard")
foreach(part IN LISTS parts_by_component)
  string(REPLACE ":" ";" part "${part}")
  list(GET part 0 target)
  list(GET part 1 component)
  if(TARGET ${target})
    install(CODE "if(NOT EXISTS \"$<TARGET_FILE:${target}>\")
  message(FATAL_ERROR \"${target} is not built; first: cmake --build \\\"${PROJECT_BINARY_DIR}\\\"\")
endif()" COMPONENT ${component})
  endif()
endforeach()

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/holysheep")

install(TARGETS holysheep EXPORT holysheepTargets
  RUNTIME COMPONENT holysheep_runtime
  LIBRARY COMPONENT holysheep_runtime NAMELINK_COMPONENT holysheep_development
  ARCHIVE COMPONENT holysheep_development
  FILE_SET HEADERS COMPONENT holysheep_development
  FILE_SET json_headers COMPONENT holysheep_development)
install(EXPORT holysheepTargets NAMESPACE holysheep:: DESTINATION "${package_dir}" COMPONENT holysheep_development)

# Optional parts: each has its own export, so that using one does not require the dependencies of another.
foreach(part testing simulator dashboard)
  if(TARGET holysheep_${part})
    set(component holysheep_testing)
    if(part STREQUAL "dashboard")
      set(component holysheep_dashboard)
    endif()
    # Shared parts find the library in their own folder, wherever the prefix is moved.
    set_target_properties(holysheep_${part} PROPERTIES INSTALL_RPATH "$<IF:$<PLATFORM_ID:Darwin>,@loader_path,$ORIGIN>")
    get_target_property(header_sets holysheep_${part} INTERFACE_HEADER_SETS)
    set(install_headers "")
    foreach(header_set IN LISTS header_sets)
      list(APPEND install_headers FILE_SET ${header_set} COMPONENT ${component})
    endforeach()
    install(TARGETS holysheep_${part} EXPORT holysheep_${part}
      RUNTIME COMPONENT ${component}
      LIBRARY COMPONENT ${component}
      ARCHIVE COMPONENT ${component}
      ${install_headers})
    install(EXPORT holysheep_${part} FILE holysheep-${part}.cmake NAMESPACE holysheep:: DESTINATION "${package_dir}"
      COMPONENT ${component})
  endif()
endforeach()

# Users of a shared library need nothing else; a static one also needs the libraries that it was built against.
get_target_property(library_type holysheep TYPE)
set(holysheep_find_dependencies "")
set(holysheep_late_link "")
if(library_type STREQUAL "STATIC_LIBRARY")
  set(holysheep_find_dependencies "find_dependency(Threads)\nfind_dependency(CURL 7.87)")
  if(holysheep_spdlog STREQUAL "spdlog::spdlog")
    string(APPEND holysheep_find_dependencies "\nfind_dependency(spdlog 1.10)")
  endif()
  if(NOT holysheep_curl_is_imported)
    set(holysheep_late_link
      "set_property(TARGET holysheep::holysheep APPEND PROPERTY INTERFACE_LINK_LIBRARIES \"\$<LINK_ONLY:CURL::libcurl>\")")
  endif()
endif()
configure_package_config_file(cmake/holysheepConfig.cmake.in holysheepConfig.cmake INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(holysheepConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/holysheepConfig.cmake"
              "${CMAKE_CURRENT_BINARY_DIR}/holysheepConfigVersion.cmake"
        DESTINATION "${package_dir}" COMPONENT holysheep_development)
install(FILES cmake/FindLibevent.cmake DESTINATION "${package_dir}" COMPONENT holysheep_development)

# The pkg-config file finds its prefix from its own location. For a static library it names the dependencies publicly,
# so that plain `pkg-config --libs` links too. A shared libcurl is named as a library and not as a package: otherwise
# `--static` would require everything that libcurl itself was built from, and few machines have those development files.
set(holysheep_pc_requires "")
set(holysheep_pc_libs "-L\${libdir} -lholysheep")
set(holysheep_pc_cflags "-I\${includedir}")
if(library_type STREQUAL "STATIC_LIBRARY")
  string(APPEND holysheep_pc_cflags " -DHOLYSHEEP_STATIC_DEFINE")
  if(holysheep_spdlog STREQUAL "spdlog::spdlog")
    list(APPEND holysheep_pc_requires spdlog)
  endif()
  set(curl_file "")
  if(holysheep_curl_is_imported)
    get_target_property(curl_file CURL::libcurl LOCATION)
  endif()
  get_filename_component(curl_dir "${curl_file}" DIRECTORY)
  if(curl_file MATCHES "\\${CMAKE_SHARED_LIBRARY_SUFFIX}")
    if(NOT curl_dir IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
      string(APPEND holysheep_pc_libs " -L${curl_dir}")
    endif()
    string(APPEND holysheep_pc_libs " -lcurl")
  else()
    list(APPEND holysheep_pc_requires libcurl)
  endif()
  string(APPEND holysheep_pc_libs " ${CMAKE_THREAD_LIBS_INIT}")
endif()
list(JOIN holysheep_pc_requires ", " holysheep_pc_requires)
set(pc_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  set(holysheep_pc_prefix "${CMAKE_INSTALL_PREFIX}")
  set(holysheep_pc_libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
  set(holysheep_pc_includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
else()
  file(RELATIVE_PATH back_to_prefix "/${pc_dir}" "/")
  string(REGEX REPLACE "/$" "" back_to_prefix "${back_to_prefix}")
  set(holysheep_pc_prefix "\${pcfiledir}/${back_to_prefix}")
  set(holysheep_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(holysheep_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/holysheep.pc.in holysheep.pc @ONLY)
install(FILES "${CMAKE_CURRENT_BINARY_DIR}/holysheep.pc" DESTINATION "${pc_dir}" COMPONENT holysheep_development)
install(FILES LICENSE DESTINATION "${CMAKE_INSTALL_DATADIR}/licenses/holysheep" COMPONENT holysheep_development)
