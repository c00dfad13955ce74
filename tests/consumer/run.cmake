# Builds one consumer project from scratch and runs its programs.
#
#   cmake -D PROJECT=<folder> -D WORK=<build folder> -D CXX=<compiler> [-D ARGUMENTS=<for the configuration>]
#         [-D PREFIX=<installed holysheep>] -P run.cmake
file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
set(fatal COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)

if(EXISTS "${PROJECT}/CMakeLists.txt")
  # Relative paths let the second consumer that compiles the library hit the cache.
  cmake_path(GET WORK PARENT_PATH parent)
  set(ENV{CCACHE_BASEDIR} "${parent}")
  set(ENV{CCACHE_NOHASHDIR} 1)
  execute_process(COMMAND "${CMAKE_COMMAND}" -G Ninja -S "${PROJECT}" -B "${WORK}" "-DCMAKE_CXX_COMPILER=${CXX}"
    "-DCMAKE_PREFIX_PATH=${PREFIX}" ${ARGUMENTS} ${fatal})
  execute_process(COMMAND "${CMAKE_COMMAND}" --build "${WORK}" --parallel ${JOBS} ${fatal})
else()
  file(GLOB_RECURSE pc_file "${PREFIX}/*/holysheep.pc")
  cmake_path(GET pc_file PARENT_PATH pc_dir)
  set(ENV{PKG_CONFIG_PATH} "${pc_dir}")
  set(ENV{CXX} "${CXX}")
  execute_process(COMMAND sh "${PROJECT}/build.sh" "${PROJECT}/../ask_closed_port.cpp" "${WORK}/app" ${ARGUMENTS} ${fatal})
  cmake_path(GET pc_dir PARENT_PATH library_dir)
  set(ENV{LD_LIBRARY_PATH} "${library_dir}")
endif()

file(GLOB programs "${WORK}/app" "${WORK}/kit" "${WORK}/page" "${WORK}/json" "${WORK}/my programs/app")
if(NOT programs)
  message(FATAL_ERROR "nothing was built")
endif()
foreach(program IN LISTS programs)
  execute_process(COMMAND "${program}" ${fatal})
endforeach()
