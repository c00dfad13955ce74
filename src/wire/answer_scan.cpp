// Scans an answer with one function per object. Each known name may occur once. AnswerDom defines all other rules; this
// file only has to detect when they could matter.
#include "wire/answer_scan.hpp"

#include <cstdint>

#include "wire/json_cursor.hpp"
#include "wire/usage_fields.hpp"

namespace holysheep::wire {
namespace {

/// Enough for the additions of real gateways; larger objects are left to the DOM, whose cost is not quadratic.
constexpr std::size_t kMaxLooseMembers = 16;

class AnswerScanner {
  public:
    AnswerScanner(std::string_view text, AnswerShape shape, std::string& scratch, AnswerFields& out)
        : cursor_(text, scratch), shape_(shape), out_(out) {}

    bool scan() {
        return cursor_.read_object([this](std::string_view name) { return scan_top(name); }) && cursor_.at_end() &&
               out_.has_choices && (shape_ == AnswerShape::chunk || !out_.choices.empty());
    }

  private:
    bool scan_top(std::string_view name) {
        if (name == "choices") return once(0) && scan_choices();
        if (name == "id") return once(1) && scan_text(out_.id);
        if (name == "object") return once(2) && scan_object_kind();
        if (name == "created") return once(3) && (cursor_.read_null() || cursor_.read_integer(out_.created));
        if (name == "model") return once(4) && scan_text(out_.model);
        if (name == "usage") return once(5) && scan_usage_member();
        if (name == "system_fingerprint") return once(6) && scan_text(out_.system_fingerprint);
        if (name == "service_tier") return once(7) && scan_text(out_.service_tier);
        if (name == "obfuscation") return once(8) && scan_text(ignored_);
        if (name == "error" || name == "x_groq") return once(name == "error" ? 9 : 10) && cursor_.read_null();
        return scan_loose(MemberScope::answer, 0, name);
    }

    /// Reads text or null. Null and "" mean the same everywhere in an answer.
    bool scan_text(std::string_view& out) { return cursor_.read_null() || cursor_.read_string(out); }

    bool scan_object_kind() {
        std::string_view kind;
        return scan_text(kind) && kind != "error";
    }

    bool scan_usage_member() {
        if (cursor_.read_null()) return true;
        UsageFields fields;
        std::string_view raw;
        if (!scan_usage(cursor_, fields, raw)) return false;
        out_.has_usage = normalise_usage(fields, raw, out_.usage);
        return true;
    }

    bool scan_choices() {
        out_.has_choices = true;
        return cursor_.read_array([this] {
            const std::size_t position = out_.choices.size();
            out_.choices.emplace_back().index = static_cast<std::int64_t>(position);
            seen_in_choice_ = seen_in_message_ = 0;
            return cursor_.read_object([&](std::string_view name) { return scan_choice(position, name); });
        });
    }

    bool scan_choice(std::size_t position, std::string_view name) {
        ChoiceDelta& choice = out_.choices[position];
        const bool body = name == (shape_ == AnswerShape::chunk ? "delta" : "message");
        if (body) return once(seen_in_choice_, 0) && scan_message(position);
        if (name == "delta" || name == "message") return false;
        if (name == "index") return once(seen_in_choice_, 1) && cursor_.read_integer(choice.index);
        if (name == "finish_reason") return once(seen_in_choice_, 2) && scan_text(choice.finish_reason);
        if (name == "logprobs") return once(seen_in_choice_, 3) && cursor_.read_null();
        if (name == "error") return once(seen_in_choice_, 4) && cursor_.read_null();
        return scan_loose(MemberScope::choice, position, name);
    }

    bool scan_message(std::size_t position) {
        std::string_view reasoning_content, reasoning, reasoning_text, thinking;
        const bool read = cursor_.read_object([&](std::string_view name) {
            ChoiceDelta& choice = out_.choices[position];
            auto& seen = seen_in_message_;
            if (name == "content") return once(seen, 0) && scan_text(choice.content);
            if (name == "role") return once(seen, 1) && scan_text(choice.role);
            if (name == "refusal") return once(seen, 2) && scan_text(choice.refusal);
            if (name == "reasoning_content") return once(seen, 3) && scan_text(reasoning_content);
            if (name == "reasoning") return once(seen, 4) && scan_text(reasoning);
            if (name == "tool_calls") return once(seen, 5) && scan_tool_calls(position);
            if (name == "annotations") return once(seen, 6) && scan_nothing();
            if (name == "reasoning_details") return once(seen, 7) && scan_nothing();
            if (name == "reasoning_text") return once(seen, 11) && scan_text(reasoning_text);
            if (name == "thinking") return once(seen, 12) && scan_text(thinking);
            if (name == "thinking_blocks" || name == "images" || name == "files" || name == "videos")
                return scan_nothing();
            if (name == "function_call") return once(seen, 8) && cursor_.read_null();
            if (name == "audio") return once(seen, 9) && cursor_.read_null();
            if (name == "parsed") return once(seen, 10) && cursor_.read_null();
            return scan_loose(is_output_only(name) ? MemberScope::choice : MemberScope::message, position, name);
        });
        ChoiceDelta& choice = out_.choices[position];
        const auto take_reasoning = [&choice](std::string_view name, std::string_view text) {
            if (text.empty() || !choice.reasoning.empty()) return;
            choice.reasoning = text;
            choice.reasoning_name = name;
        };
        take_reasoning("reasoning_content", reasoning_content);
        take_reasoning("reasoning", reasoning);
        take_reasoning("reasoning_text", reasoning_text);
        take_reasoning("message.thinking", thinking);
        return read;
    }

    bool scan_nothing() {
        return cursor_.read_null() || cursor_.read_array([] { return false; });
    }

    bool scan_tool_calls(std::size_t choice) {
        if (cursor_.read_null()) return true;
        std::int64_t position = 0;
        return cursor_.read_array([&] {
            ToolCallDelta call;
            call.choice = choice;
            seen_in_call_ = 0;
            if (!cursor_.read_object([&](std::string_view name) { return scan_tool_call(name, call); })) return false;
            if (call.type.empty() && (seen_in_call_ & 8U) == 0) return false;
            // In a complete answer every entry is a separate call, whatever its index.
            if (shape_ == AnswerShape::whole) call.index = position++;
            out_.tool_calls.push_back(call);
            return true;
        });
    }

    bool scan_tool_call(std::string_view name, ToolCallDelta& call) {
        auto& seen = seen_in_call_;
        if (name == "index") return once(seen, 0) && cursor_.read_integer(call.index.emplace());
        if (name == "id") return once(seen, 1) && scan_text(call.id);
        if (name == "type")
            return once(seen, 2) && scan_text(call.type) && (call.type.empty() || call.type == "function");
        if (name != "function" || !once(seen, 3)) return false;
        seen_in_function_ = 0;
        return cursor_.read_object([&](std::string_view inner) {
            if (inner == "arguments") return once(seen_in_function_, 0) && scan_text(call.arguments);
            if (inner == "name") return once(seen_in_function_, 1) && scan_text(call.name);
            return false;
        });
    }

    /// Reads a provider-specific member: a plain scalar is kept unchanged.
    bool scan_loose(MemberScope scope, std::size_t owner, std::string_view name) {
        if (out_.loose.size() >= kMaxLooseMembers) return false;
        for (const LooseMember& other : out_.loose) {
            if (other.scope == scope && other.owner == owner && other.name == name) return false;
        }
        if (cursor_.read_null()) return true;
        std::string_view json;
        if (!scan_scalar(json)) return false;
        out_.loose.push_back({scope, owner, name, json});
        return true;
    }

    /// Accepts only scalars that the DOM would print identically.
    bool scan_scalar(std::string_view& json) {
        const char first = cursor_.peek();
        const std::size_t start = cursor_.position();
        bool read = false;
        if (first == '"') {
            std::string_view text;
            read = cursor_.read_string(text) && cursor_.since(start).size() == text.size() + 2;
        } else if (first == 't' || first == 'f') {
            read = cursor_.read_literal(first == 't' ? "true" : "false");
        } else {
            std::int64_t number = 0;
            read = cursor_.read_integer(number);
        }
        json = cursor_.since(start);
        return read;
    }

    bool once(unsigned bit) { return once(seen_, bit); }
    static bool once(std::uint32_t& seen, unsigned bit) {
        const std::uint32_t mask = 1U << bit;
        if ((seen & mask) != 0) return false;
        seen |= mask;
        return true;
    }

    JsonCursor cursor_;
    AnswerShape shape_;
    AnswerFields& out_;
    std::uint32_t seen_ = 0, seen_in_choice_ = 0, seen_in_message_ = 0, seen_in_call_ = 0, seen_in_function_ = 0;
    std::string_view ignored_{};
};

}  // namespace

bool scan_answer(std::string_view text, AnswerShape shape, std::string& scratch, AnswerFields& out) {
    out.clear();
    return AnswerScanner(text, shape, scratch, out).scan();
}

}  // namespace holysheep::wire
