// The question that both sides of the comparison send repeatedly, and the answer that the server always gives.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace holysheep::bench {

/// A short chat turn with the settings that programs usually send.
struct Question {
    std::string model{}, instructions{}, text{};
    double temperature = 0;
    std::int64_t max_tokens = 0;
};

const Question& benchmark_question();

/// The JSON body of the answer, about 700 bytes.
std::string_view answer_body();
/// The text inside it; a client that returns another text is broken.
std::string_view answer_text();
/// The complete HTTP answer: status line, the usual headers and the body.
std::string answer_on_the_wire();

}  // namespace holysheep::bench
