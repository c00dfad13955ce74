// Estimates prompts with media separately: a megabyte of Base64 is an image of a thousand tokens, not 250,000 tokens of
// text.
#include "accounting/prompt_estimate.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "values/ascii.hpp"

namespace holysheep::accounting {

namespace {

// Typical values of providers: an image of one megapixel is 258 (Gemini), 765 (OpenAI) or 1,400 (Anthropic)
// tokens; sound is 10 to 32 tokens a second; a page of a PDF is 258 to 3,000. In a body the kind
// cannot be determined cheaply.
constexpr std::int64_t kPicture = 1'000, kSound = 1'000, kFile = 5'000, kUnknown = 1'000;
// Shorter values of `data` may be words.
constexpr std::size_t kLong = 1'024;

Media& operator+=(Media& sum, const Media& more) {
    sum.bytes += more.bytes;
    sum.tokens += more.tokens;
    return sum;
}

struct OfPart {
    Media operator()(const TextPart&) const { return {}; }
    Media operator()(const ImagePart& part) const { return {part.url.size(), kPicture}; }
    Media operator()(const AudioPart& part) const { return {part.data_base64.size(), kSound}; }
    Media operator()(const FilePart& part) const { return {part.data_base64.size(), kFile}; }
    Media operator()(const RawPart& part) const { return media_in(part.json); }
    Media operator()(const RefusalPart&) const { return {}; }
};

bool is_base64(char c) {
    return values::is_alphanumeric(c) || c == '+' || c == '/' || c == '=' || c == '-' || c == '_' ||
           c == '\\';  // some writers escape the slash
}

/// The length of the Base64 text at the beginning, if a quote ends it.
std::size_t base64_length(std::string_view text) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_base64);
    return end == text.end() || *end != '"' ? 0 : static_cast<std::size_t>(end - text.begin());
}

/// Counts the data after each `mark`, if it is Base64 of at least `least` bytes.
Media media_behind(std::string_view text, std::string_view mark, std::size_t least) {
    Media media;
    for (auto at = text.find(mark); at != text.npos; at = text.find(mark, at)) {
        at += mark.size();
        const auto space = std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(at), text.end(),
                                            [](char c) { return c == ' ' || c == ':' || c == '"'; });
        const auto begin = static_cast<std::size_t>(space - text.begin());
        const auto length = base64_length(text.substr(begin));
        if (length < least) continue;
        media += {length, kUnknown};
        at = begin + length;
    }
    return media;
}

}  // namespace

Media media_in(std::string_view text) {
    if (text.size() < kLong) return {};
    auto media = media_behind(text, ";base64,", 1);
    media += media_behind(text, "\"data\"", kLong);
    // Data URLs were counted before; they are not counted again, because their colon ends the Base64.
    media += media_behind(text, "\"file_data\"", kLong);
    return media;
}

Media media_in(const ChatRequest& request) {
    auto media = media_in(request.extra_json);
    for (const auto& message : request.messages) {
        for (const auto& part : message.parts) media += std::visit(OfPart{}, part);
        media += media_in(message.extra_json);
    }
    return media;
}

std::int64_t estimated_tokens(std::size_t bytes, const Media& media) {
    return estimated_tokens(bytes - std::min(bytes, media.bytes)) + media.tokens;
}

std::int64_t estimated_tokens(const ChatRequest& request, std::string_view call_extra_json, std::size_t body_bytes) {
    auto media = media_in(request);
    media += media_in(call_extra_json);
    return estimated_tokens(body_bytes, media);
}

}  // namespace holysheep::accounting
