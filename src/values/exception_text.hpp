// Formats an exception from a function of the user.
#pragma once

#include <exception>
#include <string>
#include <string_view>

namespace holysheep::values {

/// Call inside a catch block. Returns "<what>: <text>", or only `what` if the exception has no text.
inline std::string described_exception(std::string_view what) {
    std::string text(what);
    try {
        throw;
    } catch (const std::exception& error) {
        text += ": ";
        text += error.what();
    } catch (...) {  // not a std::exception
    }
    return text;
}

}  // namespace holysheep::values
