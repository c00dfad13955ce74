# Speeds up rebuilds of this project's own checkout; a parent project's launcher is never touched.
if(HOLYSHEEP_CCACHE AND PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(HOLYSHEEP_CCACHE_PROGRAM ccache)
  mark_as_advanced(HOLYSHEEP_CCACHE_PROGRAM)
  if(HOLYSHEEP_CCACHE_PROGRAM)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${HOLYSHEEP_CCACHE_PROGRAM}")
  endif()
endif()
