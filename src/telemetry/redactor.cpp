// Plain search and replace: the number of secrets is small, and texts are short.
#include "telemetry/redactor.hpp"

#include <algorithm>

namespace holysheep::telemetry {

namespace {
constexpr std::size_t kShortest = 6;
constexpr std::string_view kMark = "<redacted>";
}  // namespace

void Redactor::add(std::string_view secret) {
    if (secret.size() < kShortest || std::ranges::find(secrets_, secret) != secrets_.end()) return;
    secrets_.emplace_back(secret);
    // Longest first: a secret that contains another one must go as a whole.
    std::ranges::stable_sort(secrets_, std::ranges::greater{}, &std::string::size);
}

void Redactor::scrub(std::string& text) const {
    for (const auto& secret : secrets_) {
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMark.size())) {
            text.replace(at, secret.size(), kMark);
        }
    }
}

void Redactor::scrub(Error& error) const {
    for (auto* text : {&error.message, &error.provider_type, &error.provider_code, &error.provider_param,
                       &error.request_id, &error.raw_body}) {
        scrub(*text);
    }
    for (auto& attempt : error.attempts) {
        scrub(attempt.detail);
        scrub(attempt.request_id);
    }
}

}  // namespace holysheep::telemetry
