// Accumulates partial answers and their usage, and joins them.
#include "execution/partial_answer.hpp"

#include <utility>
#include <variant>

#include "values/saturating.hpp"

namespace holysheep::execution {

void PartialAnswer::add(ChatCompletion partial) {
    complete(partial);
    partial_ = std::make_shared<const ChatCompletion>(std::move(partial));
}

std::string_view PartialAnswer::prefix() const {
    if (recovery_ != StreamRecovery::continue_prefix || !partial_) return {};
    const std::string_view text = partial_->text();
    return text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
}

Usage PartialAnswer::billed(Usage usage) const {
    if (!partial_) return usage;
    const auto& before = partial_->usage;
    usage.present = usage.present || before.present;
    values::add_saturating(usage.prompt_tokens, before.prompt_tokens);
    values::add_saturating(usage.completion_tokens, before.completion_tokens);
    values::add_saturating(usage.total_tokens, before.total_tokens);
    values::add_saturating(usage.cached_input_tokens, before.cached_input_tokens);
    values::add_saturating(usage.cache_write_tokens, before.cache_write_tokens);
    values::add_saturating(usage.reasoning_tokens, before.reasoning_tokens);
    values::add_saturating(usage.audio_tokens, before.audio_tokens);
    values::add_saturating(usage.prompt_text_tokens, before.prompt_text_tokens);
    values::add_saturating(usage.prompt_image_tokens, before.prompt_image_tokens);
    values::add_saturating(usage.prompt_audio_tokens, before.prompt_audio_tokens);
    values::add_saturating(usage.completion_text_tokens, before.completion_text_tokens);
    values::add_saturating(usage.completion_audio_tokens, before.completion_audio_tokens);
    values::add_saturating(usage.accepted_prediction_tokens, before.accepted_prediction_tokens);
    values::add_saturating(usage.rejected_prediction_tokens, before.rejected_prediction_tokens);
    if (before.reported_cost && usage.reported_cost &&
        before.reported_cost->currency == usage.reported_cost->currency) {
        values::add_saturating(usage.reported_cost->nano, before.reported_cost->nano);
    } else if (before.reported_cost && !usage.reported_cost) {
        usage.reported_cost = before.reported_cost;
    }
    return usage;
}

void PartialAnswer::complete(ChatCompletion& answer) const {
    if (!partial_) return;
    answer.usage = billed(std::move(answer.usage));
    answer.skipped_chunks += partial_->skipped_chunks;
    if (!continues()) return;
    if (answer.choices.empty()) answer.choices.push_back({.message = {.role = Role::assistant}});
    auto& message = answer.choices.front().message;
    message.content.insert(0, partial_->text());
    message.reasoning.insert(0, partial_->reasoning_text());
}

void append_prefill(std::vector<Message>& messages, std::string_view text) {
    if (messages.empty() || messages.back().role != Role::assistant) {
        messages.push_back(assistant(std::string(text)));
        return;
    }
    auto& last = messages.back();
    if (last.parts.empty()) {
        last.content += text;
    } else if (auto* part = std::get_if<TextPart>(&last.parts.back()); part != nullptr && part->extra_json.empty()) {
        part->text += text;
    } else {
        last.parts.emplace_back(TextPart{.text = std::string(text)});
    }
}

}  // namespace holysheep::execution
