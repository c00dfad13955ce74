# Speeds up builds of this project's own checkout; a parent project's launcher and linker are never touched.
if(HOLYSHEEP_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(HOLYSHEEP_CCACHE_PROGRAM ccache)
  mark_as_advanced(HOLYSHEEP_CCACHE_PROGRAM)
  if(HOLYSHEEP_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${HOLYSHEEP_CCACHE_PROGRAM}")
    if(NOT CMAKE_DISABLE_PRECOMPILE_HEADERS)
      # Without these settings ccache recompiles every file that uses a precompiled header.
      set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros
        "${HOLYSHEEP_CCACHE_PROGRAM}")
    endif()
  endif()
endif()
# A hundred programs are linked, most of them with the whole library and its debug information: the default linker takes
# six times as long.
if(HOLYSHEEP_LLD AND PROJECT_IS_TOP_LEVEL AND CMAKE_SYSTEM_NAME STREQUAL "Linux")
  find_program(HOLYSHEEP_LLD_PROGRAM ld.lld)
  mark_as_advanced(HOLYSHEEP_LLD_PROGRAM)
  if(HOLYSHEEP_LLD_PROGRAM)
    add_link_options(-fuse-ld=lld)
  endif()
endif()
# The headers of the standard library, nlohmann/json and GoogleTest take most of the time of a source file. The library
# follows HOLYSHEEP_UNITY_BUILD alone, the tests also CMAKE_UNITY_BUILD.
if(HOLYSHEEP_UNITY_BUILD AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_UNITY_BUILD ON)
endif()
if(CMAKE_UNITY_BUILD AND PROJECT_IS_TOP_LEVEL)
  set(CMAKE_UNITY_BUILD_BATCH_SIZE 12)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It takes a class of a .cpp file for one of a header, because another file includes it.
    add_compile_options(-Wno-subobject-linkage)
  endif()
endif()
