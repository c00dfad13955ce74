// Keeps the content that the caller got from attempts that broke, while another attempt continues the answer.
// CallDriver → [PartialAnswer] → the joined answer, the request for the rest
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/chat_completion.hpp>
#include <holysheep/message.hpp>
#include <holysheep/options.hpp>

namespace holysheep::execution {

class PartialAnswer {
  public:
    explicit PartialAnswer(StreamRecovery recovery) : recovery_(recovery) {}

    /// An attempt broke: appends its content to the earlier content, or replaces that.
    void add(ChatCompletion partial);
    bool empty() const { return !partial_; }
    /// The content that the caller has so far; null if none.
    const std::shared_ptr<const ChatCompletion>& partial() const { return partial_; }
    /// The text that the next attempt continues; "" if it starts afresh. White space at its end is removed, because
    /// gateways refuse it there.
    std::string_view prefix() const;
    /// Whether the next attempt continues the broken answer. After a break before the first text, it starts afresh.
    bool continues() const { return !prefix().empty(); }
    /// The total usage: every attempt is billed.
    Usage billed(Usage usage) const;
    /// Extends the last attempt's answer, or its partial answer, to the whole one.
    void complete(ChatCompletion& answer) const;

  private:
    const StreamRecovery recovery_;
    std::shared_ptr<const ChatCompletion> partial_{};
};

/// Makes `text` the end of the conversation, as an assistant message: a new message, or the rest of the last one.
void append_prefill(std::vector<Message>& messages, std::string_view text);

}  // namespace holysheep::execution
