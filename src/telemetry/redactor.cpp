// Replaces secrets by plain search: their number is small, and texts are short.
#include "telemetry/redactor.hpp"

#include <algorithm>
#include <array>

#include "values/ascii.hpp"

namespace holysheep::telemetry {

namespace {
constexpr std::size_t kShortest = 6;
constexpr std::size_t kShortestPart = 4;
constexpr std::string_view kMark = "<redacted>";
constexpr std::string_view kEllipsis = "…";

/// The length of the longest prefix of the secret at the end of the text; 0 if it is too short to matter.
std::size_t begun_at_end(std::string_view text, std::string_view secret) {
    for (auto length = std::min(secret.size() - 1, text.size()); length >= kShortestPart; --length) {
        if (text.ends_with(secret.substr(0, length))) return length;
    }
    return 0;
}

/// Whether a camel-case word begins here, as in "accessToken", which is common in URL parameters.
bool begins_hump(std::string_view name, std::size_t i) {
    const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
    return i > 0 && is_upper(name[i]) && values::is_letter(name[i - 1]) && !is_upper(name[i - 1]);
}

/// Matches "apikey" and "oauth", but not "keyword", "author", or "tokens", which are counts.
bool is_word_of_secrets(std::string_view word) {
    constexpr std::array<std::string_view, 2> kAtStart{"authoriz", "authentic"};
    constexpr std::array<std::string_view, 4> kAtEnd{"auth", "key", "keys", "token"};
    constexpr std::array<std::string_view, 7> kAnywhere{"cookie", "credential", "keyid",    "passw",
                                                        "secret", "session",    "signature"};
    while (!word.empty() && values::is_digit(word.back())) word.remove_suffix(1);
    return std::ranges::any_of(kAtStart, [&](std::string_view part) { return word.starts_with(part); }) ||
           std::ranges::any_of(kAtEnd, [&](std::string_view part) { return word.ends_with(part); }) ||
           std::ranges::any_of(kAnywhere, [&](std::string_view part) { return word.find(part) != word.npos; });
}

}  // namespace

bool carries_a_secret(std::string_view name) {
    const auto lower = values::lower(name);
    // Idempotency keys are meant to appear in logs.
    if (lower == "idempotency-key" || lower.ends_with("-idempotency-key")) return false;
    if (lower == "sig" || lower == "code") return true;
    for (const bool at_humps : {false, true}) {
        std::string word;
        for (std::size_t i = 0; i <= name.size(); ++i) {
            const bool ends =
                i == name.size() || !values::is_alphanumeric(name[i]) || (at_humps && begins_hump(name, i));
            if (ends && is_word_of_secrets(word)) return true;
            if (ends) word.clear();
            if (i < name.size() && values::is_alphanumeric(name[i])) word += lower[i];
        }
    }
    return false;
}

bool looks_like_a_secret(std::string_view value) {
    constexpr std::size_t kShortestKey = 20;
    if (value.size() < kShortestKey || value.find_first_of(" \t,;/") != std::string_view::npos) return false;
    return std::ranges::any_of(value, values::is_digit) && std::ranges::any_of(value, values::is_letter);
}

void Redactor::add(std::string_view secret) {
    if (secret.size() < kShortest || std::ranges::find(secrets_, secret) != secrets_.end()) return;
    secrets_.emplace_back(secret);
    // Longest first, so that a secret that contains another one is replaced as a whole.
    std::ranges::stable_sort(secrets_, std::ranges::greater{}, &std::string::size);
}

void Redactor::add(const std::vector<std::pair<std::string, std::string>>& headers) {
    constexpr std::array<std::string_view, 5> kShown{"request-id", "trace", "idempotency", "correlation", "user-agent"};
    for (const auto& header : headers) {
        const auto& name = header.first;
        const auto& value = header.second;
        const auto is_shown = [&](std::string_view word) { return values::contains_ignoring_case(name, word); };
        if (!carries_a_secret(name) && (!looks_like_a_secret(value) || std::ranges::any_of(kShown, is_shown))) continue;
        // "Bearer …", "Basic …": the scheme is not secret, and an error may quote the rest without it.
        const auto space = value.find(' ');
        add(space == std::string::npos ? value : value.substr(space + 1));
        if (space != std::string::npos && !std::ranges::all_of(value.substr(0, space), values::is_letter)) {
            add(value);
        }
    }
}

void Redactor::add_query(std::string_view query) {
    if (query.starts_with('?')) query.remove_prefix(1);
    while (!query.empty()) {
        const auto parameter = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), parameter.size() + 1));
        const auto equals = parameter.find('=');
        if (equals == std::string_view::npos) continue;
        const auto name = parameter.substr(0, equals), value = parameter.substr(equals + 1);
        if (carries_a_secret(name) || looks_like_a_secret(value)) add(value);
    }
}

void Redactor::scrub(std::string& text) const {
    for (const auto& secret : secrets_) {
        for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at + kMark.size())) {
            text.replace(at, secret.size(), kMark);
        }
    }
    // A long text may have been truncated in the middle of a secret.
    for (auto end = text.find(kEllipsis); end != std::string::npos;
         end = text.find(kEllipsis, end + kEllipsis.size())) {
        end = scrub_begun(text, end);
    }
    scrub_begun(text, text.size());
}

/// Removes a truncated secret before `end`. Returns the new position of `end`.
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
