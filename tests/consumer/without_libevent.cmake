# Configures this project without libevent: all targets except the simulator and the dashboard must exist.
#   cmake -D SOURCE=<this project> -D WORK=<build folder> -D CXX=<compiler> -D SIMULATOR=<ON|OFF> -P without_libevent.cmake
file(REMOVE_RECURSE "${WORK}")
execute_process(COMMAND "${CMAKE_COMMAND}" -G Ninja -S "${SOURCE}" -B "${WORK}" "-DCMAKE_CXX_COMPILER=${CXX}"
  -DHOLYSHEEP_BUILD_SIMULATOR=${SIMULATOR} -DCMAKE_DISABLE_FIND_PACKAGE_Libevent=ON
  COMMAND_ERROR_IS_FATAL ANY)
file(STRINGS "${WORK}/build.ninja" mentions REGEX "event_core|event_extra|libholysheep_(simulator|dashboard)")
if(mentions)
  message(FATAL_ERROR "libevent is still in the build: ${mentions}")
endif()
file(STRINGS "${WORK}/build.ninja" library REGEX "libholysheep\\." LIMIT_COUNT 1)
if(NOT library)
  message(FATAL_ERROR "the library is not in the build")
endif()
# The default build type is Release.
file(STRINGS "${WORK}/CMakeCache.txt" type REGEX "^CMAKE_BUILD_TYPE:[A-Z]+=Release$")
if(NOT type)
  message(FATAL_ERROR "a build without a type is not a Release")
endif()
