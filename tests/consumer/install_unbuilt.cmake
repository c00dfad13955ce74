# Configures the release preset, builds nothing, and installs: that must fail and leave nothing behind.
#   cmake -D SOURCE=<the project> -D WORK=<build folder> -D CXX=<compiler> -P install_unbuilt.cmake
file(REMOVE_RECURSE "${WORK}")
execute_process(COMMAND "${CMAKE_COMMAND}" --preset release -S "${SOURCE}" -B "${WORK}/build" "-DCMAKE_CXX_COMPILER=${CXX}"
  WORKING_DIRECTORY "${SOURCE}" OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${WORK}/build" --prefix "${WORK}/prefix"
  RESULT_VARIABLE status OUTPUT_QUIET ERROR_VARIABLE words)
if(status EQUAL 0)
  message(FATAL_ERROR "an unbuilt tree was installed")
endif()
if(NOT words MATCHES "cmake --build")
  message(FATAL_ERROR "the error does not name the remedy: ${words}")
endif()
file(GLOB_RECURSE installed "${WORK}/prefix/*")
if(installed)
  message(FATAL_ERROR "files were installed: ${installed}")
endif()
