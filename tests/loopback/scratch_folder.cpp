// Thin wrappers around mkdtemp and the shell.
#include "scratch_folder.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace holysheep::loopback {

ScratchFolder::ScratchFolder() : folder_((std::filesystem::temp_directory_path() / "holysheep-XXXXXX").string()) {
    if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
}

ScratchFolder::~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

std::string ScratchFolder::read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(path(name), std::ios::binary).rdbuf();
    return text.str();
}

void ScratchFolder::write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
}

bool ScratchFolder::run(const std::string& command) const {
    return std::system(("cd '" + folder_ + "' && PATH=\"$PATH:/usr/sbin\" && (" + command + ") >>log 2>&1").c_str()) ==
           0;
}

bool has_program(const std::string& name) {
    return std::system(("PATH=\"$PATH:/usr/sbin\" command -v " + name + " >/dev/null 2>&1").c_str()) == 0;
}

}  // namespace holysheep::loopback
