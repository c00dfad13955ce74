// Replaces the placeholders of the template.
#include "dashboard/page.hpp"

namespace holysheep::inline v0::dashboard {

namespace {

std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        switch (c) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            default: result += c;
        }
    }
    return result;
}

}  // namespace

std::string page(std::string_view title, std::string_view nonce) {
    std::string result;
    auto rest = page_template();
    while (true) {
        const auto at = rest.find('@');
        result += rest.substr(0, at);
        if (at == std::string_view::npos) return result;
        rest.remove_prefix(at);
        if (rest.starts_with("@title@")) {
            result += escaped(title);
            rest.remove_prefix(7);
        } else if (rest.starts_with("@nonce@")) {
            result += nonce;
            rest.remove_prefix(7);
        } else {
            result += '@';
            rest.remove_prefix(1);
        }
    }
}

}  // namespace holysheep::inline v0::dashboard
