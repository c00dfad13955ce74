// A temporary folder for a test, and the programs that it may run there.
#pragma once

#include <sys/types.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace holysheep::loopback {

/// Created among the system's temporary files; removed by the destructor.
class ScratchFolder {
  public:
    ScratchFolder();
    ~ScratchFolder();
    ScratchFolder(const ScratchFolder&) = delete;
    ScratchFolder& operator=(const ScratchFolder&) = delete;

    std::string path(const std::string& name) const { return folder_ + "/" + name; }
    std::string read(const std::string& name) const;
    void write(const std::string& name, const std::string& text) const;
    /// Runs a shell command in this folder with its output in `log`; returns false if it fails.
    bool run(const std::string& command) const;

  private:
    std::string folder_;
};

/// Whether a program is in the PATH or in the system's directories.
bool has_program(const std::string& name);

/// Skips a test whose program is missing; in CI, where all programs must be installed, the test fails.
#define HOLYSHEEP_SKIP_WITHOUT(program)                                              \
    if (!holysheep::loopback::has_program(program)) {                                \
        if (std::getenv("CI") != nullptr) FAIL() << program << " is not installed";  \
        GTEST_SKIP() << program << " is not installed: its package would enable it"; \
    }                                                                                \
    static_assert(true)

/// The same for tools that not every system has as packages: all of them must be installed if HOLYSHEEP_TOOL_TESTS is
/// "required".
#define HOLYSHEEP_SKIP_WITHOUT_TOOL(program)                                                             \
    if (!holysheep::loopback::has_program(program)) {                                                    \
        const char* wanted = std::getenv("HOLYSHEEP_TOOL_TESTS");                                        \
        if (wanted != nullptr && std::string(wanted) == "required") FAIL() << program << " is not here"; \
        GTEST_SKIP() << program << " is not installed: its package would enable it";                     \
    }                                                                                                    \
    static_assert(true)

}  // namespace holysheep::loopback
