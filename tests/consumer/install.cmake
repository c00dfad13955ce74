# Installs a build, then moves the prefix: the installed files must not contain absolute paths.
#   cmake -D BUILD=<build folder> -D PREFIX=<final prefix> -P install.cmake
file(REMOVE_RECURSE "${PREFIX}" "${PREFIX} before move")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX} before move"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${PREFIX} before move" "${PREFIX}")
file(GLOB_RECURSE texts "${PREFIX}/*.cmake" "${PREFIX}/*.pc")
foreach(text IN LISTS texts)
  file(READ "${text}" content)
  foreach(place "${PREFIX}" "${BUILD}")
    string(FIND "${content}" "${place}" found)
    if(NOT found EQUAL -1)
      message(FATAL_ERROR "${text} contains an absolute path: ${place}")
    endif()
  endforeach()
endforeach()
