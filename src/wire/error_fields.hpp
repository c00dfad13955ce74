// The fields of an error body of any shape, before it is classified.
// error body (JSON) → [ErrorFields] → error_class → Error
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace holysheep::wire {

struct ErrorFields {
    std::string message{}, type{}, code{}, param{};
    std::string inner_code{};  ///< the upstream's own code, where a relay wraps it
    std::string number_of{};   ///< "minimax" where `code` is a number of theirs
    std::string request_id{};
    int status = 0;  ///< an HTTP status (400..599) that the body names, else 0
    std::optional<std::chrono::milliseconds> retry_after{};
    std::vector<std::pair<std::string, std::string>> headers{};  ///< those that the body quotes
};

/// Whether a body that came with status 200 is an error all the same. `null`, "", {} and false are no errors.
bool says_error(const nlohmann::json& body);

/// Reads every known shape: OpenAI, Azure, Anthropic, Gemini (array, RetryInfo), OpenRouter (nested upstream text),
/// FastAPI, vLLM, TGI, xAI, Cloudflare, AWS, MiniMax. Members that are not there stay empty.
ErrorFields read_error_fields(const nlohmann::json& body);

}  // namespace holysheep::wire
