// Extracts the fields of an error body of any shape, before it is classified.
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
    std::string inner_code{};  ///< the upstream's own code, if a relay wraps it
    std::string number_of{};   ///< "minimax" if `code` is one of MiniMax's numbers
    std::string request_id{};
    int status = 0;  ///< an HTTP status (400..599) that the body names, else 0
    std::optional<std::chrono::milliseconds> retry_after{};
    std::vector<std::pair<std::string, std::string>> headers{};  ///< headers that the body quotes
};

/// Whether a body with status 200 is nevertheless an error. `null`, "", {} and false are not errors.
bool says_error(const nlohmann::json& body);

/// Reads every known shape: OpenAI, Azure, Anthropic, Gemini (array, RetryInfo), OpenRouter (nested upstream text),
/// FastAPI, vLLM, TGI, xAI, Cloudflare, AWS, MiniMax. Absent members stay empty.
ErrorFields read_error_fields(const nlohmann::json& body);

}  // namespace holysheep::wire
