// Prints an answer while it is being written, and distinguishes a stream that was cut from one that ended.
#include <exception>
#include <holysheep/holysheep.hpp>
#include <iostream>

#include "arguments.hpp"

int main(int argc, char** argv) try {
    check_arguments(
        argc, argv,
        "usage: streaming\nAsks one question and prints the answer while it is being written.\n"
        "HOLYSHEEP_API_KEY, and HOLYSHEEP_BASE_URL or HOLYSHEEP_REGIONS, select the gateway. Calls are billed.\n");
    holysheep::Client client;
    auto stream = client.stream(
        {.model = "gpt-4.1",
         .messages = {holysheep::system_prompt("Answer in three sentences."), holysheep::user("How is wool spun?")},
         .include_usage = true});
    for (const auto& chunk : stream) {
        std::cout << chunk.content() << std::flush;
        if (chunk.event == holysheep::ChunkEvent::usage) std::cerr << "\n[" << chunk.usage->total_tokens << " tokens]";
    }
    std::cout << '\n';

    auto answer = stream.finish();
    if (!answer) {
        std::cerr << answer.error() << '\n';
        return 1;
    }
    std::cerr << holysheep::describe(answer->attempts) << '\n';
} catch (const std::exception& problem) {
    std::cerr << problem.what() << '\n';
    return 1;
}
