// Words for an exception that somebody else's function let out.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace holysheep::values {

/// Inside a handler: "<what>: <its text>", or just `what` for one that has none.
inline std::string described_exception(std::string_view what) {
    std::string text(what);
    try {
        throw;
    } catch (const std::exception& error) {
        text += ": ";
        text += error.what();
    } catch (...) {  // an int, say
    }
    return text;
}

}  // namespace holysheep::values
