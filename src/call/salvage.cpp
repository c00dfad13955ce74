// Sums and joins; nothing is decided here.
#include "call/salvage.hpp"

#include <utility>

namespace holysheep::call {

void Salvage::add(ChatCompletion partial) {
    complete(partial);
    partial_ = std::make_shared<const ChatCompletion>(std::move(partial));
}

const std::string& Salvage::prefix() const {
    static const std::string none;
    return recovery_ == StreamRecovery::continue_prefix && partial_ ? partial_->text() : none;
}

Usage Salvage::billed(Usage usage) const {
    if (!partial_ || !partial_->usage.present) return usage;
    const auto& before = partial_->usage;
    usage.present = true;
    usage.prompt_tokens += before.prompt_tokens;
    usage.completion_tokens += before.completion_tokens;
    usage.total_tokens += before.total_tokens;
    usage.cached_input_tokens += before.cached_input_tokens;
    usage.cache_write_tokens += before.cache_write_tokens;
    usage.reasoning_tokens += before.reasoning_tokens;
    usage.audio_tokens += before.audio_tokens;
    usage.prompt_text_tokens += before.prompt_text_tokens;
    usage.prompt_image_tokens += before.prompt_image_tokens;
    usage.prompt_audio_tokens += before.prompt_audio_tokens;
    usage.completion_text_tokens += before.completion_text_tokens;
    usage.completion_audio_tokens += before.completion_audio_tokens;
    usage.accepted_prediction_tokens += before.accepted_prediction_tokens;
    usage.rejected_prediction_tokens += before.rejected_prediction_tokens;
    if (before.reported_cost && usage.reported_cost &&
        before.reported_cost->currency == usage.reported_cost->currency) {
        usage.reported_cost->nano += before.reported_cost->nano;
    } else if (before.reported_cost && !usage.reported_cost) {
        usage.reported_cost = before.reported_cost;
    }
    return usage;
}

void Salvage::complete(ChatCompletion& answer) const {
    if (!partial_) return;
    answer.usage = billed(std::move(answer.usage));
    answer.skipped_chunks += partial_->skipped_chunks;
    if (!continues()) return;
    if (answer.choices.empty()) answer.choices.push_back({.message = {.role = Role::assistant}});
    auto& message = answer.choices.front().message;
    message.content.insert(0, partial_->text());
    message.reasoning.insert(0, partial_->reasoning_text());
}

}  // namespace holysheep::call
