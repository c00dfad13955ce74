# Joins page.html, page.css and page.js into one text, and writes it as C++.
#   cmake -D SOURCE=<their folder> -D OUTPUT=<the C++ file> -P embed_page.cmake
foreach(part html css js)
  file(READ "${SOURCE}/page.${part}" ${part})
endforeach()
string(REPLACE "@style@" "${css}" html "${html}")
string(REPLACE "@script@" "${js}" html "${html}")
file(WRITE "${OUTPUT}.html" "${html}")
file(READ "${OUTPUT}.html" bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE "${OUTPUT}" "// Written by the build from src/dashboard/page.{html,css,js}.
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
