# Installs a build, then moves the result: what was installed must not know where.
#   cmake -D BUILD=<build folder> -D PREFIX=<where it ends up> -P install.cmake
file(REMOVE_RECURSE "${PREFIX}" "${PREFIX} at first")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${PREFIX} at first"
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${PREFIX} at first" "${PREFIX}")
file(GLOB_RECURSE texts "${PREFIX}/*.cmake" "${PREFIX}/*.pc")
foreach(text IN LISTS texts)
  file(READ "${text}" content)
  foreach(place "${PREFIX}" "${BUILD}")
    string(FIND "${content}" "${place}" found)
    if(NOT found EQUAL -1)
      message(FATAL_ERROR "${text} names the place of its making: ${place}")
    endif()
  endforeach()
endforeach()
