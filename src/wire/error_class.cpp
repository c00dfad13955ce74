// Classifies errors: first by the table, then by status. RFC 9110 decides if a provider has no code of its own.
#include "wire/error_class.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "values/ascii.hpp"
#include "wire/error_words.hpp"

namespace holysheep::wire {
namespace {

bool is_number(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), values::is_digit);
}

/// The codes and texts of the body, lowercased once. Letters of other scripts are unchanged.
class Evidence {
  public:
    explicit Evidence(const ErrorFields& fields)
        : names_{values::lower(fields.code), values::lower(fields.type), values::lower(fields.inner_code)},
          message_(values::lower(fields.message)) {
        // Four-digit codes mean different things to different providers. Zhipu sends them without a type.
        std::string& code = names_[0];
        if (!fields.number_of.empty() && is_number(code)) {
            code.insert(0, fields.number_of + ":");
        } else if (code.size() == 4 && is_number(code) && fields.type.empty()) {
            code.insert(0, "zhipu:");
        }
    }

    bool has(const ErrorWord& row) const {
        if (row.in == ErrorWord::In::message) return message_.find(row.word) != std::string::npos;
        return std::any_of(names_.begin(), names_.end(), [&](const std::string& name) {
            return name.compare(0, row.word.size(), row.word) == 0 &&
                   (name.size() == row.word.size() || name[row.word.size()] == '.');
        });
    }

  private:
    std::array<std::string, 3> names_;  ///< code, type, the upstream's code
    std::string message_;
};

ErrorCode class_of_status(int status) {
    switch (status) {
        case 0: return ErrorCode::server_failed;  // an error inside a 200 without a class
        case 401: return ErrorCode::unauthenticated;
        case 402: return ErrorCode::insufficient_quota;
        case 403: return ErrorCode::permission_denied;
        case 408:
        case 504:
        case 524: return ErrorCode::timed_out;
        case 409: return ErrorCode::conflict;
        case 413: return ErrorCode::request_too_large;
        case 424:  // an upstream failed
        case 425:
        case 498:                                   // Groq: no capacity (console.groq.com/docs/errors)
        case 499: return ErrorCode::server_failed;  // cancelled within the gateway (Google: CANCELLED)
        case 429: return ErrorCode::rate_limited;
        case 451: return ErrorCode::region_not_supported;
        default: break;
    }
    if (status >= 500) return ErrorCode::server_failed;
    // A redirect means that the base URL is wrong. It is not followed, because the key must not be sent to another
    // host.
    return status >= 300 ? ErrorCode::invalid_request : ErrorCode::malformed_response;
}

}  // namespace

ErrorCode classify_error(int status, const ErrorFields& fields) {
    const Evidence evidence(fields);
    const auto words = error_words();
    const auto row = std::find_if(words.begin(), words.end(), [&](const ErrorWord& candidate) {
        return candidate.at.has(status) && evidence.has(candidate);
    });
    return row == words.end() ? class_of_status(status) : row->means;
}

}  // namespace holysheep::wire
