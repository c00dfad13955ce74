// A question ends with its number: an answer that matches is complete and belongs to its call.
#include "question.hpp"

namespace holysheep::soak {

namespace {

constexpr std::size_t kLongText = 24 * 1024;
// More words than pieces: the simulated gateway pads shorter answers.
constexpr int kWords = 30;

std::string_view without_region(std::string_view answer) {
    const auto end = answer.find("] ");
    return end == std::string_view::npos || !answer.starts_with('[') ? std::string_view() : answer.substr(end + 2);
}

}  // namespace

Question make_question(int number) {
    Question question{.number = number, .streamed = number % 2 == 1, .thinking = number % 10 >= 8};
    const auto id = std::to_string(number);
    for (int word = 0; word < kWords; ++word) question.text += "wool-" + id + " ";
    if (number % 10 == 2 || number % 10 == 3) {
        while (question.text.size() < kLongText) question.text += "and so on until all of it is spun ";
    }
    question.text += "end-of-" + id;
    return question;
}

std::string_view model_of(const Question& question) { return question.thinking ? "deepseek-v3.2" : "gpt-4.1"; }

bool is_answer(const Question& question, std::string_view answer) { return without_region(answer) == question.text; }

bool is_beginning(const Question& question, std::string_view answer) {
    const auto text = without_region(answer);
    return text.empty() ? answer.size() < question.text.size() : std::string_view(question.text).starts_with(text);
}

}  // namespace holysheep::soak
