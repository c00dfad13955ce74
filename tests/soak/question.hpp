// The questions of the soak, the same for every caller, and the one right answer to each.
// number → [Question] → Asker → [is_answer] → Tally
#pragma once

#include <string>
#include <string_view>

namespace holysheep::soak {

struct Question {
    int number = 0;
    bool streamed = false;
    bool thinking = false;  ///< the model thinks about it before it answers
    std::string text{};
};

/// Of ten in a row, five are streams, two need thinking and two have a text of 24 KiB.
Question make_question(int number);

/// Each kind of question has a model of its own, because clients learn what is usual for a model.
std::string_view model_of(const Question& question);

/// Whether this is the whole answer: the gateway puts its region before what it was asked.
bool is_answer(const Question& question, std::string_view answer);
/// Whether an answer may begin like this.
bool is_beginning(const Question& question, std::string_view answer);

}  // namespace holysheep::soak
