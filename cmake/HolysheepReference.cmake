# `cmake --build --preset dev --target docs` writes the reference of the public interface to build/dev/docs/html.
find_package(Doxygen QUIET)
if(NOT DOXYGEN_FOUND)
  message(STATUS "holysheep: no Doxygen, the target docs is left out")
  return()
endif()
set(HOLYSHEEP_REFERENCE_STRICT NO)
configure_file("${CMAKE_CURRENT_LIST_DIR}/Doxyfile.in" "${CMAKE_BINARY_DIR}/Doxyfile" @ONLY)
add_custom_target(docs
  COMMAND Doxygen::doxygen "${CMAKE_BINARY_DIR}/Doxyfile"
  COMMENT "Writing the reference to ${CMAKE_BINARY_DIR}/docs/html" VERBATIM)
