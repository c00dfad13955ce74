// The page as one piece of HTML, with style and script in it; made from the folder page/ by the build.
#pragma once

#include <string>
#include <string_view>

namespace holysheep::inline v0::dashboard {

/// Has "@title@" and "@nonce@" where those belong.
std::string_view page_template();

/// `nonce`: what the page's Content-Security-Policy allows its style and its script by.
std::string page(std::string_view title, std::string_view nonce);

}  // namespace holysheep::inline v0::dashboard
