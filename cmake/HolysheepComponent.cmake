# Defines a library that is built on holysheep::holysheep's public headers. Symbols stay visible, so that it works as a
# shared library without an export macro.
#   holysheep_component(<target> <name after holysheep::>)
function(holysheep_component target export_name)
  add_library(${target})
  add_library(holysheep::${export_name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${export_name}
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET default
    VISIBILITY_INLINES_HIDDEN OFF
    WINDOWS_EXPORT_ALL_SYMBOLS ON
    POSITION_INDEPENDENT_CODE ON
    UNITY_BUILD ${HOLYSHEEP_UNITY_BUILD}
    VERIFY_INTERFACE_HEADER_SETS ${HOLYSHEEP_BUILD_TESTS})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
  target_link_libraries(${target} PUBLIC holysheep::holysheep)
  holysheep_warnings(${target})
endfunction()
