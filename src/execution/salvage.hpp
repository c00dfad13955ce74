// What attempts that broke after content have given the caller, where another attempt takes over.
// CallDriver → [Salvage] → the joined answer, the request that asks for the rest
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <holysheep/chat_completion.hpp>
#include <holysheep/message.hpp>
#include <holysheep/options.hpp>

namespace holysheep::execution {

class Salvage {
  public:
    explicit Salvage(StreamRecovery recovery) : recovery_(recovery) {}

    /// An attempt broke: what it gave is added to what was there, or replaces it.
    void add(ChatCompletion partial);
    bool empty() const { return !partial_; }
    /// What the caller has by now; null without anything.
    const std::shared_ptr<const ChatCompletion>& partial() const { return partial_; }
    /// The text that the next answer goes on from; "" where it begins afresh. Without white space at its end, which
    /// gateways refuse there.
    std::string_view prefix() const;
    /// Whether the next answer goes on where the broken one ended. One that broke before its first text begins afresh.
    bool continues() const { return !prefix().empty(); }
    /// Every attempt is billed.
    Usage billed(Usage usage) const;
    /// Makes the last attempt's answer, or what it had of one, the whole one.
    void complete(ChatCompletion& answer) const;

  private:
    const StreamRecovery recovery_;
    std::shared_ptr<const ChatCompletion> partial_{};
};

/// Makes `text` the end of the conversation, an assistant's: a message of its own, or the rest of the last one.
void go_on_from(std::vector<Message>& messages, std::string_view text);

}  // namespace holysheep::execution
