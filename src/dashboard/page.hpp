// The page as one HTML text with style and script; the build makes it from the folder page/.
#pragma once

#include <string>
#include <string_view>

namespace holysheep::inline v0::dashboard {

/// With the placeholders "@title@" and "@nonce@".
std::string_view page_template();

/// `nonce`: allows style and script in the Content-Security-Policy of the page.
std::string page(std::string_view title, std::string_view nonce);

}  // namespace holysheep::inline v0::dashboard
