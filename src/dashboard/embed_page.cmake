# Joins the page's markup, style and scripts into one text, and writes it as C++.
#   cmake -D SOURCE=<their folder> -D OUTPUT=<the C++ file> -P embed_page.cmake
cmake_minimum_required(VERSION 3.25)  # else "@style@" would be a variable
file(READ "${SOURCE}/page.html" page)
file(READ "${SOURCE}/page.css" style)
string(REPLACE "@style@" "${style}" page "${page}")
set(scripts "")
foreach(part store format tables charts controls)
  file(READ "${SOURCE}/${part}.js" script)
  string(APPEND scripts "${script}\n")
endforeach()
string(REPLACE "@script@" "${scripts}" page "${page}")
file(WRITE "${OUTPUT}.html" "${page}")
file(READ "${OUTPUT}.html" bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${OUTPUT}" "// Written by the build from src/dashboard/page.
#include \"dashboard/page.hpp\"

namespace holysheep::inline v0::dashboard {

namespace {
constexpr unsigned char kPage[] = {
${bytes}
};
}  // namespace

std::string_view page_template() { return {reinterpret_cast<const char*>(kPage), sizeof kPage}; }

}  // namespace holysheep::inline v0::dashboard
")
