// A conversation of several turns: each answer is sent back with the next question. A stream that breaks starts again.
//   conversation [question...]
#include <holysheep/holysheep.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "arguments.hpp"

int main(int argc, char** argv) {
    check_arguments(
        argc, argv,
        "usage: conversation [question...]\nAsks the questions in order and sends the earlier answers with each of "
        "them.\n"
        "HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, select the gateway. Calls are billed.\n",
        argc);
    auto client = holysheep::Client::create();
    if (!client) {
        std::cerr << client.error() << '\n';
        return 1;
    }
    std::vector<std::string> questions(argv + 1, argv + argc);
    if (questions.empty()) questions = {"Which sheep gives the finest wool?", "And which the most?"};

    holysheep::ChatRequest conversation{.model = "gpt-4.1",
                                        .messages = {holysheep::system_prompt("Answer in one sentence.")}};
    for (const auto& question : questions) {
        conversation.messages.push_back(holysheep::user(question));
        const auto print = [](const holysheep::ChatChunk& chunk) {
            if (chunk.event == holysheep::ChunkEvent::restarted) std::cout << "\n[again] ";
            std::cout << chunk.content() << std::flush;
        };
        std::cout << "> " << question << '\n';
        // Calls of one session go to one region, where the prompt cache has the earlier turns.
        auto answer = client->stream_to(
            conversation, {.session = "conversation", .stream_recovery = holysheep::StreamRecovery::restart}, print);
        std::cout << '\n';
        if (!answer) {
            std::cerr << answer.error() << '\n';
            return 1;
        }
        // Keep the message exactly as it came, including members that the provider wants to get back.
        if (!answer->choices.empty()) conversation.messages.push_back(answer->choices.front().message);
    }
}
