// Plain search and replace: the number of secrets is small, and texts are short.
#include "telemetry/redactor.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace holysheep::telemetry {

namespace {
constexpr std::size_t kShortest = 6;
constexpr std::size_t kShortestPart = 4;
constexpr std::string_view kMark = "<redacted>";
constexpr std::string_view kEllipsis = "…";

/// Of the secret, what stands at the end of the text; 0 where it is too little to tell.
std::size_t begun_at_end(std::string_view text, std::string_view secret) {
    for (auto length = std::min(secret.size() - 1, text.size()); length >= kShortestPart; --length) {
        if (text.ends_with(secret.substr(0, length))) return length;
    }
    return 0;
}

}  // namespace

bool carries_a_secret(std::string_view header) {
    constexpr std::array<std::string_view, 5> kNames{"authorization", "proxy-authorization", "cookie", "api-key",
                                                     "x-api-key"};
    return std::ranges::any_of(kNames, [header](std::string_view name) {
        return std::ranges::equal(name, header, [](char a, unsigned char b) { return a == std::tolower(b); });
    });
}

void Redactor::add(std::string_view secret) {
    if (secret.size() < kShortest || std::ranges::find(secrets_, secret) != secrets_.end()) return;
    secrets_.emplace_back(secret);
    // Longest first: a secret that contains another one must go as a whole.
    std::ranges::stable_sort(secrets_, std::ranges::greater{}, &std::string::size);
}

void Redactor::add(const std::vector<std::pair<std::string, std::string>>& headers) {
    for (const auto& [name, value] : headers) {
        if (carries_a_secret(name)) add(value.starts_with("Bearer ") ? value.substr(7) : value);
    }
}

void Redactor::scrub(std::string& text) const {
    for (const auto& secret : secrets_) {
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMark.size())) {
            text.replace(at, secret.size(), kMark);
        }
    }
    // A long text was cut before it came here, and the cut may go through a secret.
    for (auto end = text.find(kEllipsis); end != std::string::npos;
         end = text.find(kEllipsis, end + kEllipsis.size())) {
        end = scrub_begun(text, end);
    }
    scrub_begun(text, text.size());
}

/// Gives back where the text that ended at `end` ends now.
std::size_t Redactor::scrub_begun(std::string& text, std::size_t end) const {
    for (const auto& secret : secrets_) {
        const auto length = begun_at_end(std::string_view(text).substr(0, end), secret);
        if (length == 0) continue;
        text.replace(end - length, length, kMark);
        return end - length + kMark.size();
    }
    return end;
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
