// Checks text from callers and tools. Members that contain JSON are checked where they are merged.
#include "client/text_check.hpp"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <variant>

#include "wire/utf8.hpp"

namespace holysheep::client {

namespace {

/// The position of the first byte that is not UTF-8; npos: there is none.
std::size_t ill_formed_at(std::string_view text) {
    constexpr std::uint64_t kHighBits = 0x8080808080808080U;
    std::size_t at = 0;
    while (at < text.size()) {
        if (std::uint64_t eight = 0; text.size() - at >= sizeof eight) {
            std::memcpy(&eight, text.data() + at, sizeof eight);
            if ((eight & kHighBits) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        const auto step = wire::utf8_step(text, at);
        if (!step.valid) return at;
        at += step.length;
    }
    return std::string_view::npos;
}

class Check {
  public:
    void look(const std::string& text, std::string_view member) {
        if (error_) return;
        const auto at = ill_formed_at(text);
        if (at == std::string_view::npos) return;
        error_ = Error{.code = ErrorCode::invalid_request,
                       .message = prefix_ + std::string(member) + " is not UTF-8: byte " + std::to_string(at) +
                                  " is no part of a character; convert it, or set CallOptions::replace_invalid_utf8"};
    }
    void below(std::string prefix) { prefix_ = std::move(prefix); }
    std::optional<Error> take() { return std::move(error_); }

  private:
    std::string prefix_;
    std::optional<Error> error_;
};

void look(Check& check, const ContentPart& part) {
    if (const auto* text = std::get_if<TextPart>(&part)) check.look(text->text, "text");
    if (const auto* refusal = std::get_if<RefusalPart>(&part)) check.look(refusal->refusal, "refusal");
    if (const auto* image = std::get_if<ImagePart>(&part)) check.look(image->url, "url");
    if (const auto* file = std::get_if<FilePart>(&part)) check.look(file->filename, "filename");
}

void look(Check& check, const Message& message, const std::string& name) {
    check.below(name + ".");
    check.look(message.content, "content");
    check.look(message.reasoning, "reasoning");
    check.look(message.refusal, "refusal");
    check.look(message.name, "name");
    check.look(message.tool_call_id, "tool_call_id");
    for (std::size_t i = 0; i < message.parts.size(); ++i) {
        check.below(name + ".parts[" + std::to_string(i) + "].");
        look(check, message.parts[i]);
    }
    for (std::size_t i = 0; i < message.tool_calls.size(); ++i) {
        check.below(name + ".tool_calls[" + std::to_string(i) + "].");
        check.look(message.tool_calls[i].name, "name");
        check.look(message.tool_calls[i].arguments, "arguments");
        check.look(message.tool_calls[i].id, "id");
    }
}

}  // namespace

std::optional<Error> check_text(const ChatRequest& request) {
    Check check;
    check.look(request.model, "model");
    check.look(request.user, "user");
    check.look(request.prediction, "prediction");
    for (const auto& text : request.stop) check.look(text, "stop");
    for (const auto& [key, value] : request.metadata) {
        check.look(key, "metadata");
        check.look(value, "metadata");
    }
    for (std::size_t i = 0; i < request.messages.size(); ++i) {
        look(check, request.messages[i], "messages[" + std::to_string(i) + "]");
    }
    for (std::size_t i = 0; i < request.tools.size(); ++i) {
        check.below("tools[" + std::to_string(i) + "].");
        check.look(request.tools[i].name, "name");
        check.look(request.tools[i].description, "description");
    }
    return check.take();
}

}  // namespace holysheep::client
