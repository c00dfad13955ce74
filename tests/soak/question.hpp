// The prompts of the soak, the same for every caller, and the expected answer to each.
// number → [Question] → TestClient → [is_answer] → Tally
#pragma once

#include <string>
#include <string_view>

namespace holysheep::soak {

struct Question {
    int number = 0;
    bool streamed = false;
    bool thinking = false;  ///< the model thinks before it answers
    std::string text{};
};

/// Of ten consecutive questions, five are streamed, two need thinking and two have 24 KiB of text.
Question make_question(int number);

/// Thinking questions use another model, because clients learn the usual latency per model.
std::string_view model_of(const Question& question);

/// Whether this is the complete answer: the gateway echoes the question with its region as a prefix.
bool is_answer(const Question& question, std::string_view answer);
/// Whether `answer` is a prefix of the expected answer.
bool is_beginning(const Question& question, std::string_view answer);

}  // namespace holysheep::soak
