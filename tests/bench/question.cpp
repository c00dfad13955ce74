// A realistic exchange: a support assistant's answer of a few sentences.
#include "question.hpp"

namespace holysheep::bench {

const Question& benchmark_question() {
    static const Question question{
        .model = "gpt-4o-mini",
        .instructions =
            "You are the support assistant of a parcel service. Answer in at most three sentences, in the language of "
            "the "
            "question. If you do not know the state of a parcel, say so and name the hotline.",
        .text =
            "My parcel was announced for Tuesday between 10 and 12, but nobody came. Where is it, and do I have to "
            "stay "
            "at home tomorrow as well?",
        .temperature = 0.7,
        .max_tokens = 256};
    return question;
}

std::string_view answer_body() {
    return R"({"id":"chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG","object":"chat.completion","created":1741570283,)"
           R"("model":"gpt-4o-mini-2024-07-18","choices":[{"index":0,"message":{"role":"assistant","content":)"
           R"("I am sorry that you waited in vain. The driver\u2019s route ran late and your parcel is back at the depot in )"
           R"(Leipzig; it is planned for tomorrow between 9 and 11. You need not stay at home: with \"drop off\" in the app )"
           R"(it is left with a neighbour of your choice.","refusal":null,"annotations":[]},"logprobs":null,)"
           R"("finish_reason":"stop"}],"usage":{"prompt_tokens":86,"completion_tokens":64,"total_tokens":150,)"
           R"("prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0}},"service_tier":"default",)"
           R"("system_fingerprint":"fp_fc9f1d7035"})";
}

std::string_view answer_text() {
    return "I am sorry that you waited in vain. The driver\u2019s route ran late and your parcel is back at the depot "
           "in "
           "Leipzig; it is planned for tomorrow between 9 and 11. You need not stay at home: with \"drop off\" in the "
           "app "
           "it is left with a neighbour of your choice.";
}

std::string answer_on_the_wire() {
    const auto body = answer_body();
    return "HTTP/1.1 200 OK\r\n"
           "Date: Mon, 10 Mar 2025 01:31:23 GMT\r\n"
           "Content-Type: application/json\r\n"
           "Content-Length: " +
           std::to_string(body.size()) +
           "\r\n"
           "Connection: keep-alive\r\n"
           "x-request-id: req_2f1b6b1a7c5d4f3e9a8b7c6d5e4f3a2b\r\n"
           "openai-processing-ms: 412\r\n"
           "x-ratelimit-limit-requests: 10000\r\n"
           "x-ratelimit-limit-tokens: 200000\r\n"
           "x-ratelimit-remaining-requests: 9999\r\n"
           "x-ratelimit-remaining-tokens: 199714\r\n"
           "x-ratelimit-reset-requests: 8.64s\r\n"
           "x-ratelimit-reset-tokens: 85ms\r\n"
           "\r\n" +
           std::string(body);
}

}  // namespace holysheep::bench
