// Matches chunks by their bytes. This is exact: if two JSON texts differ only inside one string, and both have plain
// characters there, their trees differ only in that value. The other members need not be added again: ids are set once,
// roles and unknown members are replaced. A chunk with members that would be appended or counted does not match.
#include "wire/chunk_frame.hpp"

#include <algorithm>

#include "wire/json_cursor.hpp"
#include "wire/utf8.hpp"

namespace holysheep::wire {
namespace {

// Some streams pad every chunk differently; remembering their chunks would be wasted.
constexpr int kMaxMisses = 8;

/// Whether all characters stand for themselves in a JSON string.
bool is_plain(std::string_view text) {
    for (std::size_t at = skip_plain_text(text, 0); at < text.size(); at = skip_plain_text(text, at)) {
        if (static_cast<unsigned char>(text[at]) < 0x80) return false;
        const Utf8Step step = utf8_step(text, at);
        if (!step.valid) return false;
        at += step.length;
    }
    return true;
}

bool says_content_alone(const AnswerFields& fields) {
    if (fields.choices.size() != 1 || !fields.tool_calls.empty() || fields.has_usage || fields.error) return false;
    const auto& choice = fields.choices.front();
    if (choice.content.empty() || !choice.reasoning.empty() || !choice.refusal.empty() || !choice.finish_reason.empty())
        return false;
    return std::ranges::all_of(fields.loose, [](const LooseMember& member) {
        return (member.scope == MemberScope::answer || member.scope == MemberScope::choice ||
                member.scope == MemberScope::message) &&
               member.name != "annotations" && member.name != "reasoning_details";
    });
}

}  // namespace

bool ChunkFrame::match(std::string_view text, AnswerFields& out) {
    if (!known_ || text.size() <= prefix_ + suffix_) return false;
    const std::string_view frame = text_;
    // Compare the end first, because chunks differ there.
    if (text.substr(text.size() - suffix_) != frame.substr(frame.size() - suffix_)) return false;
    if (text.substr(0, prefix_) != frame.substr(0, prefix_)) return false;
    const auto content = text.substr(prefix_, text.size() - prefix_ - suffix_);
    if (!is_plain(content)) return false;
    misses_ = 0;
    out.clear();
    out.has_choices = true;
    auto& choice = out.choices.emplace_back();
    choice.index = choice_;
    choice.content = content;
    return true;
}

void ChunkFrame::remember(std::string_view text, const AnswerFields& fields) {
    known_ = false;
    if (misses_ >= kMaxMisses || !says_content_alone(fields)) return;
    const auto content = fields.choices.front().content;
    // Unescaped content is in another buffer, so its position in the text is unknown.
    const auto* const first = text.data();
    if (content.data() <= first || content.data() >= first + text.size()) return;
    ++misses_;
    choice_ = fields.choices.front().index;
    prefix_ = static_cast<std::size_t>(content.data() - first);
    suffix_ = text.size() - prefix_ - content.size();
    text_ = text;
    known_ = true;
}

}  // namespace holysheep::wire
